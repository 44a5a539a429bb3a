"""What the processes of these tests do: train as the worker does, and serve as the server does."""

import faulthandler
import os
import random
import resource
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from shadowboard import lease
from shadowboard.errors import LeaseLost
from shadowboard.settings import Settings
from shadowboard.stopping import stop_on_signals
from shadowboard.store import Store

LOST = 3
"""Exit code of a worker whose run was taken over."""


def store_of(home: Path) -> Store:
    return Store(f"sqlite:///{home / 'shadowboard.db'}")


def resume(
    home: Path,
    run_id: str,
    fatal: int | None = None,
    number: signal.Signals = signal.SIGKILL,
    seen: Connection | None = None,
) -> None:
    """Train a run to its end, taken at once from whoever held it.

    With `fatal` the process sends itself the signal `number` at that stage of its first save; with `seen` it
    ends after that and tells its stages.
    """
    from worker.loop import run_once, worker_name
    from worker.training import Event, Saved

    let_the_clock_jump()
    folder, stop = home / "runs" / run_id, threading.Event()
    observe = _ignore
    if fatal is not None or seen is not None:
        from tests.faults.stages import Stages

        stages = Stages(folder, fatal, number)

        def observe(event: Event) -> None:
            if isinstance(event, Saved):
                stages.over()
                if seen is not None and stages.seen:
                    stop.set()

    store, worker = store_of(home), worker_name()
    if not store.take_over(store.run(run_id), worker):
        sys.exit("the run could not be taken")
    try:
        run_once(store, store.run(run_id), worker, folder, stop, "queued", observe)
    except LeaseLost:
        os._exit(LOST)
    if seen is not None:
        seen.send(stages.seen)


def _ignore(event: object) -> None:
    pass


def let_the_clock_jump() -> None:
    """From now on this process's wall clock is wrong by up to three hours, each time it is looked at anew."""
    clock, errors = time.time, random.Random(os.getpid())
    time.time = lambda: clock() + errors.uniform(-10_000, 10_000)


def work(home: Path, lease_seconds: float, log: Path) -> None:
    """Take runs, as `shadowboard work` does, until SIGTERM; SIGUSR1 logs where each of its threads is."""
    from worker.loop import work

    _log_to(log)
    faulthandler.register(signal.SIGUSR1)
    lease.LEASE_SECONDS = lease_seconds
    let_the_clock_jump()
    work(store_of(home), lambda run_id: home / "runs" / run_id, stop_on_signals())


def study(home: Path, study_id: str) -> None:
    """Work through a study, as `shadowboard study --resume` does; a worker is gone after a second."""
    from worker.studying import study_in_foreground

    lease.LEASE_SECONDS = 1.0
    let_the_clock_jump()
    store = store_of(home)
    url = f"sqlite:///{home / 'shadowboard.db'}"
    folder = (home / "runs").joinpath
    found = store.studies.one(study_id)
    study_in_foreground(store, url, found, folder, stop=threading.Event(), as_json=False)


def serve(home: Path, lease_seconds: float, told: Connection, log: Path, files: int | None = None) -> None:
    """Serve, as `shadowboard serve` does, until SIGTERM; `told` gets the URL.

    With `files` that many files may be open, and a request's head has a second to come.
    """
    from server import serving, slow_heads
    from shadowboard import claims

    if files is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        slow_heads.HEAD_SECONDS = 1.0

    _log_to(log)
    claims.LEASE_SECONDS = lease.LEASE_SECONDS = lease_seconds
    let_the_clock_jump()
    serving.serve(Settings(home=home, port=0), told.send)


def _log_to(file: Path) -> None:
    from shadowboard.logs import log_to_stderr

    with file.open("a") as opened:
        os.dup2(opened.fileno(), 2)
    log_to_stderr("warning")
