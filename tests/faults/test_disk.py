"""A disk that takes no more, is slow or fails: real ones where that can be had, and errors at every call."""

import errno
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from shadowboard import checkpoints
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.errors import SaveFailed
from shadowboard.records import Run
from shadowboard.store import Store
from tests.faults.checkpoint_reader import all_tensors
from tests.faults.processes import process, run, wait_for
from tests.faults.workers import resume, store_of, work
from worker import loop

LIMIT = 2**20  # enough for the database, not for 3 MB of weights

Tell = Callable[[str, int, str], None]
Tensors = dict[str, dict[str, bytes]]


@pytest.fixture(scope="module")
def config(small_data: Path) -> RunConfig:
    knobs = {"steps": 100, "batch_size": 20, "hidden": [8], "save_every": 5, "optimizer": "momentum"}
    return parse_config(knobs | {"data": str(small_data)})


@pytest.fixture(scope="module")
def expected(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Tensors:
    """What a run that nothing happens to ends with."""
    home = tmp_path_factory.mktemp("home")
    store = store_of(home)
    alone = store.create_run(config, worker="nobody").id
    store.close()
    assert run(resume, home, alone) == 0
    return all_tensors(home / "runs" / alone)


def train_with_small_files(home: Path, log: Path) -> None:
    """`shadowboard train`, in a process that may write no file of more than LIMIT bytes."""
    from shadowboard import cli

    with log.open("w") as file:
        os.dup2(file.fileno(), 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    sys.argv = ["shadowboard", "train", "--home", str(home), "--steps", "10"]
    sys.exit(cli.run())


def test_a_checkpoint_that_does_not_fit_ends_the_run_with_one_sentence(tmp_path: Path) -> None:
    assert run(train_with_small_files, tmp_path, tmp_path / "log") == 1
    store = store_of(tmp_path)
    (failed,) = store.runs()
    store.close()
    folder = tmp_path / "runs" / failed.id
    assert failed.state == "failed"
    assert failed.message == f"The checkpoint of step 0 could not be saved in {folder}: File too large."
    said = (tmp_path / "log").read_text()
    assert said.splitlines()[-1] == f"shadowboard: Run {failed.id} failed: {failed.message}"
    assert "Traceback" not in said
    assert tf.train.latest_checkpoint(str(folder)) is None
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("fault", "mended", "reason"),
    [("size=1m", "size=64m", "No space left on device"), ("ro", "rw", "Read-only file system")],
)
def test_saving_comes_back_with_the_disk(
    tmp_path: Path,
    config: RunConfig,
    expected: Tensors,
    disk: Callable[[str], None],
    fault: str,
    mended: str,
    reason: str,
    tell: Tell,
) -> None:
    store = store_of(tmp_path)
    failing = store.create_run(config, worker="nobody").id
    folder = tmp_path / "runs" / failing
    assert run(resume, tmp_path, failing, 0) != 0  # killed before its second checkpoint

    disk(fault)
    assert run(resume, tmp_path, failing) == 0
    failed = store.run(failing)
    there = all_tensors(folder)  # which reads them all
    first_missing = 5 * len(there)
    assert failed.state == "failed"
    assert failed.message == (
        f"The checkpoint of step {first_missing} could not be saved in {folder}: {reason}."
    )
    assert first_missing < 100
    assert there.items() <= expected.items()
    assert tf.train.latest_checkpoint(str(folder)) == str(folder / f"model.ckpt-{first_missing - 5}")

    disk(mended)
    store.requeue(failing)
    assert run(resume, tmp_path, failing) == 0
    assert store.run(failing).state == "finished"
    assert all_tensors(folder) == expected
    assert checkpoints.unfinished(folder) == []
    tell(f"a disk that says: {reason}", 1, "the run tells which save failed; mended, it goes on: same bytes")


def test_a_run_outlives_a_disk_that_has_no_room_even_for_the_database(
    tmp_path: Path, config: RunConfig, disk: Callable[[str], None], tell: Tell
) -> None:
    home = tmp_path / "runs"  # all of it on that disk
    disk("size=4m")
    store = store_of(home)
    longer = config.model_copy(update={"steps": 60_000, "save_every": 20_000})
    run_id = store.create_run(longer).id
    with process(work, home, 1.5, tmp_path / "log"):
        wait_for(lambda: store.run(run_id).step > 100)
        stood = fill(home / "filler", lambda: store.run(run_id))
        assert stood.state == "training"
        (home / "filler").unlink()
        disk("size=64m")
        wait_for(lambda: store.run(run_id).state == "finished", 300)
    store.close()
    said = [line for line in (tmp_path / "log").read_text().splitlines() if "cannot be used" in line]
    assert 1 <= len(said) <= 4
    assert "disk is full" in said[0]
    tell("a disk without room even for the database", 1, "told once; the run goes on when there is room")


def fill(filler: Path, look: Callable[[], Run]) -> Run:
    """Take all room, until a run has stood still for a while; give the run."""
    before, since = look(), time.monotonic()
    with filler.open("wb", buffering=0) as file:
        while time.monotonic() - since < 1:
            try:
                file.write(bytes(4096))
            except OSError:
                time.sleep(0.05)
            if (run := look()).beat != before.beat:
                before, since = run, time.monotonic()
    return before


@pytest.mark.parametrize("number", [errno.EIO, errno.EDQUOT, errno.ENOSPC, errno.EROFS])
def test_an_error_at_any_call_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, tell: Tell
) -> None:
    tensors = {"layer1/weights": np.arange(6, dtype=np.float32)}
    calls = [0]
    fatal = [-1]

    def failing(call: Callable[..., None]) -> Callable[..., None]:
        def counted(*arguments: object) -> None:
            calls[0] += 1
            if calls[0] == fatal[0]:
                raise OSError(number, os.strerror(number))
            call(*arguments)

        return counted

    monkeypatch.setattr(os, "fsync", failing(os.fsync))
    monkeypatch.setattr(os, "rename", failing(os.rename))
    checkpoints.save(tmp_path, 1, tensors)
    calls[0] = 0
    checkpoints.save(tmp_path, 2, tensors)
    every = calls[0]
    assert every == 9
    for step in range(3, 3 + every):
        before = [c.step for c in checkpoints.list_checkpoints(tmp_path)]
        calls[0], fatal[0] = 0, step - 2
        with pytest.raises(SaveFailed, match=rf"step {step} could not be saved in .*: {os.strerror(number)}"):
            checkpoints.save(tmp_path, step, tensors)
        fatal[0] = -1
        shown = [c.step for c in checkpoints.list_checkpoints(tmp_path)]
        assert shown in (before, [*before, step])  # after the last rename it is there, though not for sure
        assert checkpoints.read_newest_good(tmp_path)[2] == []
        newest = tf.train.latest_checkpoint(str(tmp_path))
        tf.train.load_checkpoint(newest).get_tensor("layer1/weights")
        assert checkpoints.unfinished(tmp_path) == []
    checkpoints.save(tmp_path, 100, tensors)
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-100")
    tell(f"{os.strerror(number)}, at each system call of a save", every, "a sentence; all before is there")


def test_a_slow_disk_costs_no_lease(
    tmp_path: Path, store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    """However long a call of the disk's takes, the run goes on beating."""
    monkeypatch.setattr(loop, "HEARTBEAT_SECONDS", 0.01)
    sync, synced = os.fsync, []

    def slow(descriptor: int) -> None:
        before = store.run(run.id).beat
        wait_for(lambda: store.run(run.id).beat > before + 5)
        synced.append(descriptor)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    run = store.create_run(config.model_copy(update={"steps": 1}), worker="slow")
    ended = loop.run_once(store, run, "slow", tmp_path / run.id, threading.Event(), "queued")
    assert (ended.state, len(synced) > 4) == ("finished", True)
    tell("a disk of which every call takes several heartbeats", 2, "the run stays with its worker")
