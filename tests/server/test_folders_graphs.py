"""Activations of watched trainings, as a graph beside their checkpoints tells them to a real server."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from server.folders import Folders
from shadowboard.evaluation import evaluate, probabilities
from shadowboard.records import Run
from shadowboard.store import Store
from shadowboard.watched import watched_config
from shadowboard.weights import restore
from tests.faults.processes import wait_for
from tests.oracles.reference_programs import build_graph
from tests.server.folders import Board, board_in, expected, save


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with board_in(tmp_path_factory.mktemp("home")) as board:
        yield board


def write_graph(folder: Path, activation: str) -> None:
    with build_graph(hidden=(8,), activation=activation).graph.as_default():
        tf.compat.v1.train.export_meta_graph(str(folder / "model.ckpt-0.meta"))


def shares_of(board: Board, run: Run) -> list[float]:
    answer = board.client.post(f"/predict?run={run.id}&step=0", json={"image": [[0.5] * 28] * 28})
    shares: list[float] = answer.raise_for_status().json()["raw"]["probabilities"]
    return shares


def test_a_graph_that_is_written_after_its_checkpoint(board: Board, tmp_path: Path, mnist: Any) -> None:
    """As a Saver does: what is evaluated meanwhile is evaluated anew where it tells another activation."""
    saved = save(tmp_path, 0)
    run = board.watch(tmp_path)
    wanted = expected(mnist, saved)
    assert board.wait_for_steps(run, 0) == wanted
    for activation in ("tanh", "sigmoid"):  # and as a program does that is started again
        write_graph(tmp_path, activation)
        read_so = {
            (step, average, name): evaluate(
                restore(saved, average or None), mnist.split(name), activation
            ).correct
            for step, average, name in wanted
        }
        assert read_so != wanted
        wait_for(lambda read_so=read_so: board.scored(run) == read_so)
        config = board.get(f"/runs/{run.id}")["config"]
        assert (config["activation"], config["activation_from"]) == (activation, "graph")
        image = np.full((1, 784), 0.5, np.float32)
        wanted_shares = probabilities([restore(saved, None)], image, activation)[0, 0]
        # A moment later, for predictions keep what they read with for that long.
        wait_for(lambda shares=wanted_shares: np.allclose(shares_of(board, run), shares, atol=1e-6))
    with tf.Graph().as_default():  # of which nothing can be told
        tf.constant(1.0)
        tf.compat.v1.train.export_meta_graph(str(tmp_path / "model.ckpt-0.meta"))
    wait_for(lambda: board.get(f"/runs/{run.id}")["config"]["activation_from"] == "assumed")
    wait_for(lambda: board.scored(run) == wanted)


@pytest.mark.parametrize("is_first", [True, False])
def test_what_somebody_says_goes_before_a_graph(board: Board, tmp_path: Path, is_first: bool) -> None:
    save(tmp_path, 0)
    write_graph(tmp_path, "tanh")
    run = board.store.watch(watched_config(tmp_path, activation="sigmoid" if is_first else None))
    board.wait_for_steps(run, 0)

    def told() -> tuple[str, str]:
        config = board.get(f"/runs/{run.id}")["config"]
        return config["activation"], config["activation_from"]

    if not is_first:
        wait_for(lambda: told() == ("tanh", "graph"))
        assert board.store.watch(watched_config(tmp_path, activation="sigmoid")).id == run.id
    save(tmp_path, 10)
    board.wait_for_steps(run, 0, 10)
    assert told() == ("sigmoid", "given")


def test_a_new_checkpoint_waits_for_its_graph(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is evaluated before goes when the graph is there, and the checkpoint may be gone by then."""
    monkeypatch.setattr("server.folders._GRAPH_SECONDS", 3_600.0)
    told: list[str] = []
    folders = Folders(store, lambda: told.append("told"))
    run = store.watch(watched_config(tmp_path))

    def after_a_look() -> tuple[int | None, str, int]:
        folders._look()
        now = store.run(run.id)
        return now.latest_checkpoint, now.config.activation, len(told)

    save(tmp_path, 0)
    assert after_a_look() == after_a_look() == (None, "relu", 0)
    write_graph(tmp_path, "tanh")
    assert after_a_look() == (0, "tanh", 1)
    save(tmp_path, 0, seed=1)  # the program starts anew
    assert after_a_look() == (0, "tanh", 1)
    write_graph(tmp_path, "sigmoid")
    assert after_a_look() == (0, "sigmoid", 2)

    save(tmp_path, 10)
    assert after_a_look() == (0, "sigmoid", 2)
    monkeypatch.setattr("server.folders.time", SimpleNamespace(monotonic=lambda: 1e9, time=time.time))
    assert after_a_look() == (10, "sigmoid", 3)
    save(tmp_path, 20)  # of the last one there has come none
    assert after_a_look() == (20, "sigmoid", 4)


def of_objects(folder: Path) -> None:
    values = {
        "kernel": np.zeros((784, 8)),
        "bias": np.zeros(8),
        "out": np.zeros((8, 10)),
        "zero": np.zeros(10),
    }
    variables = {name: tf.Variable(value, dtype=tf.float32) for name, value in values.items()}
    tf.train.Checkpoint(**variables).write(str(folder / "model-5"))


def of_keras(folder: Path) -> None:
    import keras

    layers = [keras.Input((784,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(10)]
    keras.Sequential(layers).save_weights(folder / "model-5.weights.h5")


def of_long_ago(folder: Path) -> None:
    os.utime(save(folder, 5).index, (0, 0))


def of_a_known_activation(folder: Path) -> None:
    save(folder, 5)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras' own
@pytest.mark.parametrize("written", [of_objects, of_keras, of_long_ago, of_a_known_activation])
def test_what_gets_no_graph_is_not_waited_for(
    written: Callable[[Path], None], tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.folders._GRAPH_SECONDS", 3_600.0)
    known = "tanh" if written is of_a_known_activation else None
    run = store.watch(watched_config(tmp_path, activation=known))
    written(tmp_path)
    Folders(store, lambda: None)._look()
    assert store.run(run.id).latest_checkpoint == 5
