"""SIGKILL at random moments: what is there is always readable, and the end is the same to the byte."""

import random
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


@pytest.mark.timeout(0)
def test_a_run_killed_again_and_again_ends_like_one_left_alone(
    tmp_path: Path, config: RunConfig, request: pytest.FixtureRequest
) -> None:
    kills = request.config.getoption("--kills")
    store = Store(f"sqlite:///{tmp_path / 'shadowboard.db'}")  # as resume_now opens it
    alone, killed = (store.create_run(config, worker="nobody").id for _ in range(2))
    process = start(tmp_path, alone)
    began = time.monotonic()
    assert process.wait() == 0
    seconds = time.monotonic() - began
    moments = random.Random(20240607)
    folder = tmp_path / "runs" / killed
    with reader(folder) as read:
        for _ in range(kills):
            process = start(tmp_path, killed)
            before = store.run(killed).step
            while process.poll() is None and store.run(killed).step <= before:
                time.sleep(0.002)
            time.sleep(moments.uniform(0, seconds / kills / 4))
            process.kill()
            process.wait()
        assert store.run(killed).state == "training"
        assert start(tmp_path, killed).wait() == 0
    assert len(set(read)) > min(kills, 60)
    assert store.run(killed).state == "finished"
    expected = all_tensors(tmp_path / "runs" / alone)
    assert all_tensors(folder) == expected
    assert len(expected) == 121
    assert not list(folder.glob(".saving-*"))
    assert [m.step for m in store.metrics(killed)][-1] == 30_000
    assert {(m.step, m.loss) for m in store.metrics(alone) if m.step % 250 == 0} <= {
        (m.step, m.loss) for m in store.metrics(killed)
    }
