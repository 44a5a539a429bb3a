"""Replay the Dockerfile where there is no container engine, and use what comes of it: `make replay`.

Each stage is a folder with a bare Debian of the base image's release, made by debootstrap; each RUN runs in
it by chroot. Then containers as compose.yaml makes them: a read-only root, one volume, the image's user
without any capability, process 1 of its own process namespace, and here no network but their own loopback.
It needs root, Linux, debootstrap, and the packages' index. What it does not show: see docs/install.md.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from deploy.dockerfile import Stage, read_dockerfile, words

ROOT = Path(__file__).parents[1]
TOKEN = "a-token-for-the-replay-only"  # noqa: S105
# Where packages come from is for the machine to say, as it is for a container engine.
_PASSED_ON = re.compile(r"PIP_(CERT|INDEX_URL|DEFAULT_TIMEOUT)|https?_proxy|no_proxy", re.IGNORECASE)

# $1 is the root folder; the rest of the arguments is run in it.
_IN_BUILD = """
root=$1; shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
for node in null zero urandom; do touch "$root/dev/$node"; mount --bind "/dev/$node" "$root/dev/$node"; done
touch "$root/etc/resolv.conf"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
mount --bind /etc/ssl/certs "$root/etc/ssl/certs"
exec chroot "$root" "$@"
"""
# $1 is the root folder, $2 the volume, $3 where it belongs, $4 the user.
_IN_CONTAINER = """
root=$1 volume=$2 place=$3 user=$4; shift 4
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
for node in null zero urandom; do touch "$root/dev/$node"; mount --bind "/dev/$node" "$root/dev/$node"; done
mount --bind "$volume" "$root$place"
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs \
    --inh-caps=-all --bounding-set=-all "$@"
"""


def say(what: str) -> None:
    """Tell what comes next, or what was found."""
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


def build(folder: Path) -> Path:
    """Replay all stages in subfolders of `folder`; answers the last one's."""
    stages = read_dockerfile(ROOT / "Dockerfile")
    for stage in stages:
        root = folder / (stage.name or "image")
        subprocess.run(["rm", "-rf", root], check=True)
        subprocess.run(["cp", "-a", base(stage.base, folder), root], check=True)
        replay(stage, root, folder)
    return root


def base(image: str, folder: Path) -> Path:
    """A Debian of the same release with its own Python of the same minor version, `python` and `pip`."""
    found = re.fullmatch(r"python:(3\.\d+)\.\d+-slim-(\w+)(@sha256:\w+)?", image)
    if not found:
        raise SystemExit(f"The base is {image}; expected such as python:3.13.0-slim-trixie.")
    root = folder / "base"
    if not root.exists():
        say(f"debootstrap {found[2]}, in place of {image}")
        packages = "--include=python3,python3-venv,ca-certificates"
        subprocess.run(
            ["debootstrap", "--variant=minbase", packages, found[2], root], check=True, stdout=sys.stderr
        )
        python = f"python{found[1]}"
        in_build(
            root,
            {"PATH": "/usr/bin:/bin"},
            f"{python} -m venv /usr/local/pip && cd /usr/local/bin "
            f"&& ln -s /usr/bin/{python} python && ln -s /usr/local/pip/bin/pip pip",
        )
    return root


def in_build(root: Path, environment: dict[str, str], command: str, workdir: str = "/") -> None:
    """Run a shell command as RUN does."""
    given = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)} | environment
    outer = ["unshare", "--mount", "sh", "-euc", _IN_BUILD, "sh", str(root)]
    inner = ["env", "-i", "-C", workdir, *(f"{name}={value}" for name, value in given.items())]
    subprocess.run([*outer, *inner, "sh", "-euc", command], check=True)


def replay(stage: Stage, root: Path, folder: Path) -> None:
    """Do to a root folder what the stage says."""
    environment, workdir = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, Path("/")
    for instruction, arguments in stage.steps:
        say(f"{instruction} {arguments}"[:110])
        match instruction:
            case "WORKDIR":
                workdir = workdir / arguments
                inside(root, workdir).mkdir(parents=True, exist_ok=True)
            case "RUN":
                in_build(root, environment, arguments, str(workdir))
            case "COPY":
                copy(shlex.split(arguments), root, workdir, folder)
            case "ENV":
                environment |= stage.environment
            case _:
                pass  # is about containers, see below


def inside(root: Path, path: Path) -> Path:
    """An absolute path of the image, in its root folder."""
    return root / path.relative_to("/")


def copy(arguments: list[str], root: Path, workdir: Path, folder: Path) -> None:
    """COPY: of a folder its content, from the project or from an earlier stage."""
    source = ROOT
    if arguments[0].startswith("--from="):
        source = folder / arguments.pop(0).removeprefix("--from=")
    *what, to = arguments
    place = inside(root, workdir / to)
    for name in what:
        origin = source / name.removeprefix("/")
        if origin.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        content = f"{origin}/." if origin.is_dir() else origin
        subprocess.run(["cp", "-a", "--no-preserve=ownership", content, place], check=True)


class Container:
    """A process with the image's folder as its read-only root, and one volume."""

    def __init__(self, image: Path, volume: Path, command: list[str], **settings: str) -> None:
        stage = read_dockerfile(ROOT / "Dockerfile")[-1]
        environment = stage.environment | settings
        self._environment = [f"{name}={value}" for name, value in environment.items()]
        self._workdir = stage.last("WORKDIR")
        command = words(stage.last("ENTRYPOINT")) + (command or words(stage.last("CMD")))
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", _IN_CONTAINER, "sh"]
        limits = [str(image), str(volume), stage.last("VOLUME"), stage.last("USER")]
        self.process = subprocess.Popen([*alone, *limits, *self._clean(command)])

    def _clean(self, command: list[str]) -> list[str]:
        return ["env", "-i", "-C", self._workdir, *self._environment, *command]

    @property
    def pid(self) -> int:
        """Of the container's process 1, seen from outside."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text(encoding="utf-8"))

    def execute(self, command: list[str]) -> int:
        """Run a command in the container, as its user; answers the exit status."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        uid = re.findall(r"^[UG]id:\t(\d+)", status, re.MULTILINE)
        user = ["setpriv", "--reuid", uid[0], "--regid", uid[1], "--clear-groups", "--no-new-privs"]
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--root"]
        return subprocess.run([*enter, *user, *self._clean(command)], check=False).returncode

    def stop(self) -> float:
        """End it as an engine does; answers the seconds that took. Raises SystemExit where it failed."""
        began = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        code = self.process.wait(10)  # then an engine kills
        check(code == 0, f"stops with exit status {code}")
        return time.monotonic() - began


def check(right: bool, what: str) -> None:
    """Raises SystemExit where it is not right."""
    say(("ok    " if right else "WRONG ") + what)
    if not right:
        raise SystemExit(1)


def ask(method: str, path: str, body: object = None) -> tuple[int, Any]:
    """The server's status and JSON; status 0 while nothing answers."""
    connection = HTTPConnection("127.0.0.1", 8000, timeout=60)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    except ConnectionError:
        return 0, None
    finally:
        connection.close()


def until(path: str, met: Callable[[int, Any], bool], seconds: int) -> Any:
    """Ask until the answer is the one waited for. Raises SystemExit where it does not come."""
    deadline = time.monotonic() + seconds
    while True:
        status, found = ask("GET", path)
        if met(status, found):
            return found
        if time.monotonic() > deadline:
            check(False, f"{path} still says {status} {found}")
        time.sleep(0.2)


def use(image: Path, volume: Path) -> None:
    """Start containers of the image, and train and evaluate in them."""
    stage = read_dockerfile(ROOT / "Dockerfile")[-1]
    uid, gid = map(int, stage.last("USER").split(":"))
    made = inside(image, Path(stage.last("VOLUME"))).stat()
    check((made.st_uid, made.st_gid) == (uid, gid), "the volume's folder belongs to the user")
    os.chown(volume, uid, gid)  # as an engine does to a new volume
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    say("== without a token")
    check(Container(image, volume, []).process.wait(60) == 1, "refuses to start for others without a token")

    say("== serve and work, each in a container")
    server = Container(image, volume, ["serve"], SHADOWBOARD_TOKEN=TOKEN)
    worker = Container(image, volume, ["work"])
    until("/healthz", lambda status, _: status == 200, 60)
    status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
    found = dict(re.findall(r"^(Uid|CapEff|CapBnd|NoNewPrivs):\s+(\w+)", status, re.MULTILINE))
    nothing = "0" * 16
    expected = {"Uid": str(uid), "CapEff": nothing, "CapBnd": nothing, "NoNewPrivs": "1"}
    check(found == expected, f"runs with {found}")
    check(server.execute(stage.health_check) == 0, "the health check passes")
    check(server.execute(["python", "-c", "import psycopg"]) == 0, "PostgreSQL's driver can be loaded")
    for folder in ("/tmp", "/var/tmp", "/opt/shadowboard", "/data"):  # noqa: S108
        writable = server.execute(["touch", f"{folder}/written"]) == 0
        check(writable == (folder == "/data"), f"{folder} is {'' if writable else 'not '}writable")
    (volume / "written").unlink()
    _, run = ask("POST", "/runs", {"config": {"steps": 2000, "save_every": 1000}})
    run = until(f"/runs/{run['id']}", lambda _, run: run["state"] not in {"queued", "training"}, 300)
    check(run["state"] == "finished", f"the run has {run['state']} at step {run['step']} of 2000")
    check(until("/readyz", lambda status, _: status == 200, 60)["ready"], "/readyz answers")
    for weights in ("false", "true"):
        _, evaluation = ask("GET", f"/evaluate?ema={weights}")
        right = evaluation["accuracy"]
        check(0.97 < right < 1, f"{evaluation['weights']} weights of step {evaluation['step']}: {right}")
    for container in (server, worker):
        check((took := container.stop()) < 10, f"stops in {took:.1f} s")

    say("== up, in one container, on the same volume")
    both = Container(image, volume, [], SHADOWBOARD_TOKEN=TOKEN)
    until("/readyz", lambda status, _: status == 200, 60)
    check(ask("GET", "/runs")[1]["runs"][0]["id"] == run["id"], "the run is still there")
    check((took := both.stop()) < 10, f"stops in {took:.1f} s")
    check(all(path.lstat().st_uid == uid for path in volume.rglob("*")), "all that was written is the user's")
    say("Written: " + ", ".join(sorted(path.name for path in volume.iterdir())))


def main() -> None:
    """Build, then use what was built in a network namespace without a way out."""
    if sys.argv[1:2] == ["use"]:
        use(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    with tempfile.TemporaryDirectory(prefix="shadowboard-replay-") as folder:
        image, volume = build(Path(folder)), Path(folder, "volume")
        volume.mkdir()
        # Whatever it leaves running ends with it, as in its process namespace it is process 1.
        alone = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        again = [sys.executable, "-m", "deploy.replay", "use", str(image), str(volume)]
        raise SystemExit(subprocess.run([*alone, *again], cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
