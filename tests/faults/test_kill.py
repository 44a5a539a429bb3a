"""SIGKILL at random moments: what is there is always readable, and the end is the same to the byte."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from shadowboard.configuration import RunConfig, parse_config
from shadowboard.store import Store

ROOT = Path(__file__).parents[2]
KILLS_OF_A_RUN = 10
LAST_KILL = 25_000  # of 30,000 steps: the last kill must not come after the end


def start(home: Path, run_id: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.faults.resume_now", str(home), run_id]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
    return process


@contextmanager
def reader(folder: Path) -> Iterator[list[str]]:
    """Reads the checkpoint that TensorFlow calls the newest, over and over; yields what it has read."""
    read: list[str] = []
    faults: list[BaseException] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                newest = tf.train.latest_checkpoint(str(folder))
                if newest:
                    checkpoint = tf.train.load_checkpoint(newest)
                    for name in checkpoint.get_variable_to_shape_map():
                        checkpoint.get_tensor(name)
                    read.append(newest)
            except Exception as error:
                faults.append(error)
            time.sleep(0.002)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield read
    finally:
        over.set()
        thread.join()
    assert faults == []


def all_tensors(folder: Path) -> dict[str, dict[str, bytes]]:
    found = {}
    for index in sorted(folder.glob("*.index")):
        checkpoint = tf.train.load_checkpoint(str(index.with_suffix("")))
        names = checkpoint.get_variable_to_shape_map()
        found[index.name] = {name: np.asarray(checkpoint.get_tensor(name)).tobytes() for name in names}
    return found


@pytest.fixture
def config(small_data: Path) -> RunConfig:
    averages = [{"decay": 0.99}, {"decay": 0.999, "num_updates": False}]
    knobs = {"steps": 30_000, "batch_size": 20, "hidden": [32], "save_every": 250, "averages": averages}
    slots = {"optimizer": "momentum", "learning_rate": 0.05}
    return parse_config(knobs | slots | {"data": str(small_data)})


def kill_at(step: int, store: Store, home: Path, run_id: str, pause: float) -> int:
    """Resumes the run, kills it once it is past `step` and past where it stood, and gives its step then."""
    process = start(home, run_id)
    step = max(step, store.run(run_id).step + 1)
    while process.poll() is None and store.run(run_id).step < step:
        time.sleep(0.001)
    time.sleep(pause)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    return store.run(run_id).step


@pytest.mark.timeout(0)
def test_a_run_killed_again_and_again_ends_like_one_left_alone(
    tmp_path: Path, config: RunConfig, request: pytest.FixtureRequest
) -> None:
    store = Store(f"sqlite:///{tmp_path / 'shadowboard.db'}")  # as resume_now opens it
    alone = store.create_run(config, worker="nobody").id
    assert start(tmp_path, alone).wait() == 0
    expected = all_tensors(tmp_path / "runs" / alone)
    assert len(expected) == 121
    losses = {metric.step: metric.loss for metric in store.metrics(alone)}
    moments = random.Random(20240607)
    for _ in range(request.config.getoption("--kills") // KILLS_OF_A_RUN):
        killed = store.create_run(config, worker="nobody").id
        folder = tmp_path / "runs" / killed
        stood, saved = [0], [0]
        with reader(folder) as read:
            for step in sorted(moments.sample(range(LAST_KILL), KILLS_OF_A_RUN)):
                stood.append(kill_at(step, store, tmp_path, killed, moments.uniform(0, 0.05)))
                saved.append(len(list(folder.glob("*.index"))))
            assert store.run(killed).state == "training"
            assert start(tmp_path, killed).wait() == 0
        # Every kill met a run that had gone on since the one before, most of them one that had saved since.
        assert sorted(set(stood)) == stood
        assert len(set(saved)) > KILLS_OF_A_RUN / 2
        assert len(set(read)) > 60
        assert store.run(killed).state == "finished"
        assert all_tensors(folder) == expected
        assert not list(folder.glob(".saving-*"))
        metrics = store.metrics(killed)
        assert metrics[-1].step == 30_000
        common = [metric for metric in metrics if metric.step % 250 == 0]
        assert len(common) >= 120
        assert all(metric.loss == losses[metric.step] for metric in common)
