"""Activations of watched trainings, as a graph beside their checkpoints tells them to a real server."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from server.backlog import Backlog
from server.folders import Folders
from server.restoring import Restorer
from shadowboard.errors import CheckpointMissing
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


def write_graph(folder: Path, activation: str, step: int = 0) -> None:
    with build_graph(hidden=(8,), activation=activation).graph.as_default():
        tf.compat.v1.train.export_meta_graph(str(folder / f"model.ckpt-{step}.meta"))


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


class Looker:
    """Looks into a folder when it is told to."""

    def __init__(self, folder: Path, store: Store, activation: str | None = None) -> None:
        self.told = 0
        self.folders = Folders(store, self.tell)
        self.store = store
        self.run = store.watch(watched_config(folder, activation=activation))

    def tell(self) -> None:
        self.told += 1

    def look(self) -> tuple[list[int], str, int]:
        """The steps recorded, the activation, and how often somebody was told to evaluate, after a look."""
        self.folders._look()
        steps = [saved.step for saved in self.store.checkpoints(self.run.id)]
        return steps, self.store.run(self.run.id).config.activation, self.told


def test_a_new_checkpoint_waits_for_its_graph(tmp_path: Path, store: Store) -> None:
    """What is evaluated before goes when the graph is there, and the checkpoint may be gone by then."""
    looker = Looker(tmp_path, store)
    save(tmp_path, 0)
    assert looker.look() == ([], "relu", 0)
    write_graph(tmp_path, "tanh")
    assert looker.look() == ([0], "tanh", 1)
    save(tmp_path, 10)  # the activation is told by now
    assert looker.look() == ([0, 10], "tanh", 2)
    write_graph(tmp_path, "sigmoid", 10)  # whoever evaluates is told of the other one at once
    assert looker.look() == ([0, 10], "sigmoid", 3)


def test_without_a_graph_each_checkpoint_waits_for_one_look(tmp_path: Path, store: Store) -> None:
    looker = Looker(tmp_path, store)
    for step in (0, 10):
        save(tmp_path, step)
        before = looker.told
        assert step not in looker.look()[0]
        for _ in range(3):
            assert step in looker.look()[0]
        assert looker.told == before + 1
    recorded = store.checkpoints(looker.run.id)
    write_graph(tmp_path, "tanh", 10)
    os.utime(tmp_path / "model.ckpt-10.meta", (0, 0))
    save(tmp_path, 10, seed=1)  # written over: the graph is that of the file before
    assert looker.look()[1] == "relu"
    assert store.checkpoints(looker.run.id) == recorded
    assert looker.look()[1] == "tanh"
    assert store.checkpoints(looker.run.id) != recorded


def test_what_is_the_matter_is_told_also_of_a_checkpoint_that_has_waited(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    looker = Looker(tmp_path, store)
    looker.look()
    nothing = store.run(looker.run.id).message
    assert "There is no TensorFlow checkpoint" in nothing

    def fail(checkpoint: Any) -> Any:
        raise ValueError(f"{checkpoint.step} is beyond me")

    save(tmp_path, 0)
    looker.look()
    assert store.run(looker.run.id).message == nothing
    monkeypatch.setattr("server.folders.layout_in", fail)
    for _ in range(5):
        looker.look()
        assert "0 is beyond me" in store.run(looker.run.id).message


def test_whoever_saves_at_each_look_and_writes_no_graph_is_seen_at_every_other(
    tmp_path: Path, store: Store
) -> None:
    looker, seen = Looker(tmp_path, store), []
    for step in range(6):
        (file,) = [*tmp_path.glob("*.index")] or [None]
        if file:
            file.unlink()
        save(tmp_path, step)
        seen.append(looker.look()[0])
    assert seen == [[], [1], [1], [1, 3], [1, 3], [1, 3, 5]]


def test_nothing_is_evaluated_unasked_before_it_is_recorded(tmp_path: Path, store: Store) -> None:
    looker = Looker(tmp_path, store)
    restorer = Restorer(lambda _: tmp_path, 0)
    backlog = Backlog(store, restorer, lambda *_: None)

    def due() -> set[int]:
        backlog.refresh()
        return {job.checkpoint.step for job in iter(backlog.next, None)}

    for seed in (0, 1):
        save(tmp_path, 10, seed)
        looker.look()
        assert due() == set()
        assert restorer.find(store.run(looker.run.id), 10).step == 10  # who asks for it may have it
        looker.look()
        assert due() == {10}


def test_what_is_deleted_while_it_is_looked_at_waits(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(prefix: Path) -> Any:
        raise CheckpointMissing(f"{prefix} is gone.")

    looker = Looker(tmp_path, store)
    save(tmp_path, 10)
    monkeypatch.setattr("server.folders.open_bundle", gone)
    assert looker.look()[0] == []
    assert looker.look()[0] == [10]


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


def of_a_known_activation(folder: Path) -> None:
    save(folder, 5)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras' own
@pytest.mark.parametrize("written", [of_objects, of_keras, of_a_known_activation])
def test_what_gets_no_graph_is_not_waited_for(
    written: Callable[[Path], None], tmp_path: Path, store: Store
) -> None:
    looker = Looker(tmp_path, store, "tanh" if written is of_a_known_activation else None)
    written(tmp_path)
    assert looker.look()[0] == [5]
