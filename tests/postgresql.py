"""A PostgreSQL server of the tests' own: the system's package, an unprivileged user, a socket in a folder."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

USER = "shadowboard"
# Nothing here has to outlive a crash of the machine.
SETTINGS = {"listen_addresses": "", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def find_programs() -> Path | None:
    """The folder of initdb and postgres, where they are installed."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    folders = [Path(found).resolve().parent, *debian] if found else debian
    there = [path for path in folders if (path / "initdb").exists() and (path / "postgres").exists()]
    return there[-1] if there else None


def _unprivileged() -> str | None:
    """Whom to be: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """A server while the block lasts; the URL of its database."""
    # Not pytest's folder: that is root's alone, and its long name does not fit a socket's address.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    user = _unprivileged()
    try:
        if user:
            shutil.chown(folder, user)
        folder.chmod(0o755)
        data = str(folder / "data")
        options = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", f"--username={USER}"]
        subprocess.run(
            [str(programs / "initdb"), "-D", data, *options],
            user=user,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        # However the tests end, it ends with them.
        with_them = ["setpriv", "--pdeathsig", "QUIT"] if shutil.which("setpriv") else []
        command = [*with_them, str(programs / "postgres"), "-D", data, "-k", str(folder), *settings]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, user=user, cwd=folder, stdout=log, stderr=log)
        try:
            _wait_until_it_answers(programs, folder, server)
            yield f"postgresql+psycopg://{USER}@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # SIGTERM would wait until nobody is connected any more
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_answers(programs: Path, folder: Path, server: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + 60
    ask = [str(programs / "pg_isready"), "--quiet", f"--host={folder}"]
    while subprocess.run(ask, check=False).returncode != 0:
        assert server.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < give_up
        time.sleep(0.02)


def fresh(server_url: str, owner: str = USER) -> str:
    """The URL of a new, empty schema on the server: as good as a database of its own, and sooner there."""
    schema = f"s{secrets.token_hex(6)}"
    with psycopg.connect(server_url.replace("+psycopg", ""), autocommit=True) as connection:
        if owner != USER:
            connection.execute(f"CREATE ROLE {owner} LOGIN")
        connection.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {owner}")
    return f"{server_url}&options=-csearch_path%3D{schema}"
