"""Servers as processes: a free port, a start that waits for an answer, an end by id, what others took."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import ProxyHandler, Request, build_opener

START_SECONDS = 90
END_SECONDS = 10
ROOT = Path(__file__).parent.parent

_open = build_opener(ProxyHandler({})).open  # whatever proxies a shell has set


def free_port() -> int:
    """A port of the loopback interface that nobody has at the moment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextlib.contextmanager
def process(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, its output in `log`; it and all it started end with the block."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as started,
    ):
        try:
            yield started
        finally:
            started.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                started.wait(END_SECONDS)
            # Its children, should it have left any, or itself.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)


def ask(url: str, body: bytes | None = None) -> Any:
    """The JSON that answers a JSON body, or a GET. Raises OSError (URLError) where it is no 200."""
    request = Request(url, body, {"Content-Type": "application/json"} if body else {})  # noqa: S310 - ours
    with _open(request, timeout=START_SECONDS) as answer:
        return json.load(answer)


def wait_until_it_answers(started: subprocess.Popen[bytes], url: str, body: bytes | None, log: Path) -> None:
    """Until a 200. Raises RuntimeError with the last it said where it ends or takes too long."""
    until = time.monotonic() + START_SECONDS
    problem = "it did not answer"
    while time.monotonic() < until and started.poll() is None:
        try:
            ask(url, body)
        except OSError as error:
            problem = str(error)
            time.sleep(0.2)
        else:
            return
    said = log.read_text(errors="replace").strip().splitlines()
    ended = f"it ended with {started.returncode}" if started.returncode is not None else problem
    raise RuntimeError(f"{ended}: {said[-1] if said else '(it said nothing)'}")


def wait_until_evaluated(home: Path) -> None:
    """Until the server has read both splits with both weights of every checkpoint, and has nothing to do."""
    from shadowboard.store import Store  # the peers' environments import this module too

    store = Store(f"sqlite:///{home / 'shadowboard.db'}")
    run = store.newest_run()
    until = time.monotonic() + START_SECONDS
    while len(store.scores(run.id)) < 4 * len(store.checkpoints(run.id)):
        if time.monotonic() > until:
            raise RuntimeError("its checkpoints are still not evaluated")
        time.sleep(0.2)
    store.close()


class CpuSeconds(NamedTuple):
    """CPU time so far: of the whole machine, of it not idle, and the part of this that is ours."""

    total: float
    busy: float
    ours: float


def cpu_seconds() -> CpuSeconds | None:
    """Ours: this process and all below it, those that have ended too; None where there is no /proc/stat."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    # user nice system idle iowait irq softirq steal
    ticks = [int(word) for word in stat.read_text().splitlines()[0].split()[1:9]]
    total, idle = sum(ticks), ticks[3] + ticks[4]
    per_second = os.sysconf("SC_CLK_TCK")
    return CpuSeconds(total / per_second, (total - idle) / per_second, _our_ticks() / per_second)


def _our_ticks() -> int:
    parents, ticks = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it has just ended
                # After the command's name, which may hold anything: state ppid …
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                parents[int(folder.name)] = int(fields[1])
                ticks[int(folder.name)] = sum(
                    int(fields[i]) for i in range(11, 15)
                )  # with waited-for children

    def is_ours(pid: int) -> bool:
        while pid and pid != os.getpid():
            pid = parents.get(pid, 0)
        return bool(pid)

    return sum(used for pid, used in ticks.items() if is_ours(pid))


def others_share(before: CpuSeconds | None, after: CpuSeconds | None) -> float:
    """The share of the machine that went to processes other than ours, from 0 to 1."""
    if before is None or after is None:
        return 0.0
    total, busy, ours = (b - a for a, b in zip(before, after, strict=True))
    return max(0.0, (busy - ours) / total) if total else 0.0
