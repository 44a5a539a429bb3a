"""Reads checkpoints as any other program does: with TensorFlow alone."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf


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
