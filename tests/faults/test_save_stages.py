"""A worker that is killed, or suspended and woken too late, at each stage of a save."""

import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import tensorflow as tf

from shadowboard.configuration import RunConfig, parse_config
from shadowboard.store import Store
from tests.faults.checkpoint_reader import all_tensors, reader
from tests.faults.processes import is_suspended, pipe, process, run, send, wait_for
from tests.faults.workers import LOST, resume, store_of

Tell = Callable[[str, int, str], None]

STEPS, SAVE_EVERY = 125, 5  # more saves than stages


@pytest.fixture(scope="module")
def config(small_data: Path) -> RunConfig:
    averages = [{"decay": 0.99}, {"decay": 0.999, "num_updates": False}]
    knobs = {"steps": STEPS, "batch_size": 20, "hidden": [8], "save_every": SAVE_EVERY, "averages": averages}
    return parse_config(knobs | {"optimizer": "momentum", "learning_rate": 0.05, "data": str(small_data)})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_of(tmp_path)


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing happened to: the stages of a save, and what it left."""

    stages: list[str]
    tensors: dict[str, dict[str, bytes]]
    names: list[str]


@pytest.fixture(scope="module")
def undisturbed(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    home = tmp_path_factory.mktemp("home")
    store = store_of(home)
    run_id = store.create_run(config, worker="nobody").id
    store.close()
    here, there = pipe()
    assert run(resume, home, run_id, None, signal.SIGKILL, there) == 0
    stages: list[str] = here.recv()
    assert {"os.mkdir", "write", "written in part", "fsync .index", "os.rename .index"} <= set(stages)
    assert stages.count("os.rename") == 1, "the state file"
    assert stages.count("commit") == 2
    assert run(resume, home, run_id) == 0
    folder = home / "runs" / run_id
    return Undisturbed(stages, all_tensors(folder), sorted(file.name for file in folder.iterdir()))


def check_ended_like(undisturbed: Undisturbed, store: Store, folder: Path) -> None:
    assert store.run(folder.name).state == "finished"
    assert all_tensors(folder) == undisturbed.tensors
    assert tf.train.latest_checkpoint(str(folder)) == str(folder / f"model.ckpt-{STEPS}")
    assert sorted(file.name for file in folder.iterdir()) == undisturbed.names
    saved = [checkpoint.step for checkpoint in store.checkpoints(folder.name)]
    assert saved == list(range(0, STEPS + 1, SAVE_EVERY))


def files(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = {file.name: file.stat() for file in folder.iterdir()}
    return {name: (status.st_ino, status.st_mtime_ns, status.st_size) for name, status in found.items()}


def test_killed(
    tmp_path: Path, store: Store, config: RunConfig, undisturbed: Undisturbed, thorough: bool, tell: Tell
) -> None:
    killed = store.create_run(config, worker="nobody").id
    folder = tmp_path / "runs" / killed
    stages = range(0, len(undisturbed.stages), 1 if thorough else 2)  # the other half is for test_suspended
    with reader(folder) as read:
        for stage in stages:
            assert run(resume, tmp_path, killed, stage) == -signal.SIGKILL
            assert store.run(killed).state == "training"
        assert run(resume, tmp_path, killed) == 0
    assert len(set(read)) > len(stages) / 2
    check_ended_like(undisturbed, store, folder)
    tell("SIGKILL at each stage of a save", len(stages), "the newest checkpoint always readable; same bytes")


def test_suspended(
    tmp_path: Path, store: Store, config: RunConfig, undisturbed: Undisturbed, thorough: bool, tell: Tell
) -> None:
    taken = store.create_run(config, worker="nobody").id
    folder = tmp_path / "runs" / taken
    # Whoever is suspended inside a transaction holds SQLite's lock: nobody can take its run over.
    stages = [number for number, stage in enumerate(undisturbed.stages) if stage != "commit"]
    with ExitStack() as stack:
        suspended = []
        for stage in stages if thorough else stages[1::2]:
            one = stack.enter_context(process(resume, tmp_path, taken, stage, signal.SIGSTOP))
            wait_for(partial(is_suspended, one))
            suspended.append(one)
        assert run(resume, tmp_path, taken) == 0
        check_ended_like(undisturbed, store, folder)
        before = files(folder), store.run(taken)
        for one in suspended:
            send(one, signal.SIGCONT)
        for one in suspended:
            one.join(60)
            assert one.exitcode == LOST
        assert files(folder) == before[0]
        assert store.run(taken) == before[1]
    tell(
        "SIGSTOP at a stage of a save, SIGCONT after another's end", len(suspended), "nothing more is written"
    )
