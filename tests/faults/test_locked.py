"""A database that another process keeps locked, or that a process is suspended or killed in the midst of."""

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from shadowboard.configuration import parse_config
from shadowboard.errors import StoreUnavailable
from shadowboard.store import Store
from tests.faults.checkpoint_reader import all_tensors
from tests.faults.processes import is_suspended, pipe, process, run, send, wait_for
from tests.faults.workers import resume, store_of, work

Tell = Callable[[str, int, str], None]

LEASE = 1.5


def hold(database: Path, told: Connection) -> None:
    """Begin to change something, and get no further."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE runs SET name = 'half done', step = 1000000000")
    told.send("in the midst of it")
    signal.pause()


@contextmanager
def held(home: Path) -> Iterator[BaseProcess]:
    here, there = pipe()
    with process(hold, home / "shadowboard.db", there) as holder:
        assert here.poll(60)
        yield holder


def test_whoever_is_suspended_in_a_change_and_killed_costs_nothing(
    tmp_path: Path, small_data: Path, thorough: bool, tell: Tell
) -> None:
    """For longer than the worker waits, with --kills beyond the default."""
    knobs = {"steps": 12_000, "batch_size": 20, "hidden": [8], "save_every": 1_200, "data": str(small_data)}
    config = parse_config(knobs)
    seconds = 35 if thorough else 3
    store, impatient = store_of(tmp_path), Store(f"sqlite:///{tmp_path / 'shadowboard.db'}", 0.1)
    run_id = store.create_run(config, "the whole name").id
    refused = 0
    with process(work, tmp_path, LEASE, tmp_path / "log"):
        wait_for(lambda: store.run(run_id).step > 100, pause=0.01)
        with held(tmp_path) as holder:
            send(holder, signal.SIGSTOP)
            wait_for(lambda: is_suspended(holder))
            until = time.monotonic() + seconds
            stood = store.run(run_id)
            while time.monotonic() < until:
                with pytest.raises(StoreUnavailable) as caught:
                    impatient.create_run(config)
                assert "Another process keeps it locked; try again when that has ended." in str(caught.value)
                assert store.run(run_id) == stood  # looking goes on, and shows nothing that is half done
                refused += 1
            holder.kill()
        wait_for(lambda: store.run(run_id).state == "finished")
        assert store.run(run_id).name == "the whole name"
        assert [one.id for one in store.runs()] == [run_id]
    alone = store.create_run(config, worker="nobody").id
    assert run(resume, tmp_path, alone) == 0
    assert all_tensors(tmp_path / "runs" / run_id) == all_tensors(tmp_path / "runs" / alone)
    steps = [[metric.step for metric in store.metrics(one)] for one in (run_id, alone)]
    assert steps[0][-1] == steps[1][-1] == 12_000
    assert steps[0] == sorted(set(steps[0]))
    assert [c.step for c in store.checkpoints(run_id)] == [c.step for c in store.checkpoints(alone)]
    for one in (store, impatient):
        one.close()
    told = [line for line in (tmp_path / "log").read_text().splitlines() if "keeps it locked" in line]
    assert bool(told) == thorough  # and else it was but late
    assert "Traceback" not in (tmp_path / "log").read_text()
    tell("s with the database locked", seconds, f"the run goes on after: same bytes; {refused:,} sentences")
