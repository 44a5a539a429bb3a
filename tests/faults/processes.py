"""Processes that begin with TensorFlow imported, so that each starts in a moment."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
_context = multiprocessing.get_context("forkserver")
# What starts no threads: a process that is forked has only the one that forked it.
_context.set_forkserver_preload(["tensorflow", "scipy.stats", "shadowboard.store", "server.app"])


class Server(NamedTuple):
    """A server's process, and where it answers."""

    process: BaseProcess
    url: str


@contextmanager
def process(target: Callable[..., None], *arguments: Any) -> Iterator[BaseProcess]:
    """`target(*arguments)` in a process of its own, which does not outlive the block."""
    started = _context.Process(target=target, args=arguments)
    started.start()
    try:
        yield started
    finally:
        started.kill()
        started.join()
        started.close()


def run(target: Callable[..., None], *arguments: Any) -> int:
    """`target(*arguments)` in a process of its own, and its exit code: that of a signal is negative."""
    with process(target, *arguments) as started:
        started.join(120)
        assert started.exitcode is not None, "it did not end within two minutes"
        return started.exitcode


def pipe() -> Any:
    """Two connected ends, for the other process to tell something."""
    return _context.Pipe()


@contextmanager
def server(home: Path, log: Path, lease_seconds: float = 5, files: int | None = None) -> Iterator[Server]:
    """A server and its URL."""
    from tests.faults.workers import serve

    here, there = pipe()
    with process(serve, home, lease_seconds, there, log, files) as serving:
        assert here.poll(60), "it did not start within a minute"
        yield Server(serving, here.recv())


def send(process: BaseProcess, number: signal.Signals) -> None:
    """Send a signal."""
    assert process.pid is not None
    os.kill(process.pid, number)


def is_suspended(process: BaseProcess) -> bool:
    """Whether it has been sent SIGSTOP."""
    return "T" in Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


def wait_for(condition: Callable[[], Any], seconds: float = 90, pause: float = 0.02) -> Any:
    """What the condition gives as soon as that is true."""
    give_up = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < give_up, f"waited for {seconds:g} s"
        time.sleep(pause)
    return value
