"""Folders that other programs write into, watched by a real server."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.folders import Folders
from shadowboard import checkpoints
from shadowboard.evaluation import evaluate
from shadowboard.records import Score
from shadowboard.store import Store
from shadowboard.watched import watched_config
from tests.faults.processes import wait_for
from tests.server.conftest import tensors
from tests.server.folders import CONFIG, NAMES, Board, board_in, expected, picture, save


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with board_in(tmp_path_factory.mktemp("home")) as board:
        yield board


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    folder.mkdir()
    return folder


def test_checkpoints_are_evaluated_as_they_come_and_results_outlive_their_files(
    board: Board, theirs: Path, mnist: Any
) -> None:
    run = board.watch(theirs)
    assert (run.state, run.steps, run.name) == ("watched", None, "theirs")
    board.wait_for_message(run, f"no TensorFlow checkpoint in {theirs}, which is empty")
    wanted = expected(mnist, save(theirs, 0))
    assert board.wait_for_steps(run, 0) == wanted
    view = board.get(f"/runs/{run.id}")
    assert [a["name"] for a in view["averages"]] == NAMES
    assert view["config"] == {
        **{"folder": str(theirs), "data": "mnist", "activation": "relu", "network": "", "hidden": [8]},
        "activation_from": "assumed",
        "averages": [{"decay": None, "num_updates": None, "name": name} for name in NAMES],
    }
    assert (view["message"], view["steps"], view["step"], view["latest_checkpoint"]) == ("", None, 0, 0)
    wanted |= expected(mnist, save(theirs, 10))
    assert board.wait_for_steps(run, 0, 10) == wanted

    for file in theirs.glob("model.ckpt-0.*"):  # as Saver(max_to_keep=1) does
        file.unlink()
    wait_for(lambda: board.files(run) == {0: False, 10: True})
    assert board.get(f"/compare?run={run.id}&step=0")["raw"]["correct"] == wanted[0, "", "validation"]
    assert board.get(f"/evaluate?run={run.id}&step=best&ema=true")["step"] == 10
    problem = board.client.post(f"/predict?run={run.id}&step=0", json={"image": [[0.5] * 28] * 28})
    assert problem.status_code == 404
    assert "There is no checkpoint of step 0; the newest steps are: 10." in problem.json()["detail"]
    assert len(board.get(f"/runs/{run.id}/history")["evaluations"]) == 12
    shutil.rmtree(theirs)
    board.wait_for_message(run, f"There is no folder {theirs}.")
    assert board.scored(run) == wanted


def test_what_is_written_anew_is_evaluated_anew(board: Board, theirs: Path, mnist: Any) -> None:
    """As by a program that is started again in the same folder."""
    save(theirs, 5)
    run = board.watch(theirs)
    first = board.wait_for_steps(run, 5)
    again = expected(mnist, save(theirs, 5, seed=6))
    assert again != first
    wait_for(lambda: board.scored(run) == again)
    before = (theirs / "model.ckpt-5.index").stat()
    other = save(theirs.parent / "other", 5, seed=7)
    for end in (".data-00000-of-00001", ".index"):  # with its old time and its old size
        file = other.prefix.with_name(other.prefix.name + end)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        file.replace(theirs / file.name)
    after = (theirs / "model.ckpt-5.index").stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    third = expected(mnist, replace(other, prefix=theirs / other.prefix.name))
    assert third not in (first, again)
    wait_for(lambda: board.scored(run) == third)


def test_a_checkpoint_that_tells_no_step_in_its_name(board: Board, theirs: Path) -> None:
    """The same file, overwritten: its step is in it."""
    run = board.watch(theirs)
    for step in (3, 7):
        saved = save(theirs.parent, step)
        for file in theirs.parent.glob(f"{saved.prefix.name}.*"):
            file.rename(theirs / f"model.ckpt{file.suffix}")
        wait_for(lambda step=step: board.files(run).get(step))
    wait_for(lambda: (7, "", "test") in board.scored(run))
    assert board.files(run) == {3: False, 7: True}


def test_what_is_overwritten_while_it_is_evaluated_is_not_taken_for_what_it_was(
    board: Board, theirs: Path, mnist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(step: int) -> checkpoints.Checkpoint:
        saved = save(theirs.parent, step)
        for file in theirs.parent.glob(f"{saved.prefix.name}.*"):
            shutil.copy(file, theirs / f"model.ckpt{file.suffix}")
        return saved

    steps = iter([7])

    def evaluate_slowly(*arguments: Any) -> Any:
        for step in steps:  # once
            put(step)
        return evaluate(*arguments)

    put(3)
    monkeypatch.setattr("server.evaluating.evaluate", evaluate_slowly)
    run = board.watch(theirs)
    wanted = expected(mnist, save(theirs.parent / "same", 7))
    wait_for(lambda: wanted.items() <= board.scored(run).items())
    assert board.scored(run) == wanted


def test_stopping_resuming_and_deleting_leave_the_folder_as_it_is(board: Board, theirs: Path) -> None:
    save(theirs, 1)
    run = board.watch(theirs)
    board.wait_for_steps(run, 1)
    stopped = board.client.post(f"/runs/{run.id}/stop").raise_for_status().json()
    assert (stopped["state"], stopped["message"]) == ("stopped", "No longer watched.")
    save(theirs, 2)
    after = picture(theirs)
    assert board.client.post(f"/runs/{run.id}/stop").status_code == 409
    assert board.client.post(f"/runs/{run.id}/resume").raise_for_status().json()["state"] == "watched"
    board.wait_for_steps(run, 1, 2)
    assert board.watch(theirs).id == run.id
    board.client.delete(f"/runs/{run.id}").raise_for_status()
    assert board.client.get(f"/runs/{run.id}").status_code == 404
    assert picture(theirs) == after


def test_what_another_server_has_evaluated_since_it_was_written_anew_stays(
    theirs: Path, store: Store
) -> None:
    first, second = (Folders(store, lambda: None) for _ in range(2))
    run = store.watch(watched_config(theirs, activation="relu"))
    save(theirs, 5)
    for server in (first, second):
        server._look()
    before = store.checkpoints(run.id)
    again = save(theirs, 5, seed=6)
    os.utime(again.index, (1_000_000_000, 1_000_000_000))
    first._look()
    assert store.checkpoints(run.id) != before
    store.add_evaluation(run.id, Score(5, "", "test", 2, 1, 0.5, 0.01), b"\1\2", b"12345678")
    for server in (second, first):
        server._look()
    assert [score.step for score in store.scores(run.id)] == [5]


def test_an_activation_that_is_given_later_is_told_to_whoever_evaluates(theirs: Path, store: Store) -> None:
    told: list[str] = []
    folders = Folders(store, lambda: told.append("told"))
    run = store.watch(watched_config(theirs))
    save(theirs, 5)
    for _ in range(2):
        folders._look()
    told.clear()
    folders._look()
    assert told == []
    assert store.watch(watched_config(theirs, activation="tanh")).id == run.id
    for _ in range(2):
        folders._look()
    assert told == ["told"]


def empty(_: Path) -> str:
    return "which is empty; expected <name>.index with its data."


def foreign(folder: Path) -> str:
    (folder / "notes.txt").write_text("hello")
    (folder / "deep").mkdir()
    return "which holds deep, notes.txt; expected <name>.index with its data."


def no_checkpoint_at_all(folder: Path) -> str:
    (folder / "model-5.index").write_bytes(b"not an index" * 10)
    return "The checkpoint model-5 is damaged or cannot be read: its index is no complete table."


def half_written(folder: Path) -> str:
    (data,) = folder.glob(f"{save(folder, 3).prefix.name}.data*")
    os.truncate(data, data.stat().st_size // 2)
    return "The checkpoint model.ckpt-3 is damaged or cannot be read: model.ckpt-3.data-00000-of-00001 has"


def without_its_data(folder: Path) -> str:
    (data,) = folder.glob(f"{save(folder, 3).prefix.name}.data*")
    data.unlink()
    return (
        "The checkpoint model.ckpt-3 is damaged or cannot be read: model.ckpt-3.data-00000-of-00001: No such"
    )


def another_network(folder: Path) -> str:
    checkpoints.save(folder, 4, {"conv/kernel": [[[[1.0]]]], "global_step": 4})
    return "The checkpoint holds conv/kernel [1, 1, 1, 1]; expected a chain 784 → … → 10 of dense layers"


def without_a_step(folder: Path) -> str:
    saved = save(folder, 0)
    values = tensors(CONFIG, 0)
    del values["global_step"]
    checkpoints.save(folder, 0, values)
    for file in folder.glob(f"{saved.prefix.name}.*"):
        file.rename(folder / f"model{file.suffix}")
    return "model tells no step; expected <name>-<step>.index, or a counter in it such as global_step."


MISFORTUNES = [
    *(empty, foreign, no_checkpoint_at_all, half_written, without_its_data, another_network, without_a_step)
]


@pytest.mark.parametrize("misfortune", MISFORTUNES, ids=lambda made: made.__name__)
def test_what_is_the_matter_with_a_folder_is_told_and_nothing_in_it_changes(
    board: Board, theirs: Path, misfortune: Callable[[Path], str]
) -> None:
    sentence = misfortune(theirs)
    for file in theirs.rglob("*"):  # older than what may still be in the writing
        os.utime(file, (1_000_000_000, 1_000_000_000))
    before = picture(theirs)
    run = board.watch(theirs)
    board.wait_for_message(run, sentence)
    assert board.get(f"/runs/{run.id}")["state"] == "watched"
    assert picture(theirs) == before
    answer = board.client.get(f"/evaluate?run={run.id}&ema=true")
    assert f"No checkpoint of the run {run.id} has told which averages it keeps;" in answer.json()["detail"]
    save(theirs, 20)  # and then it is all right
    wait_for(
        lambda: {(20, a, s) for a in ("", *NAMES) for s in ("validation", "test")} <= set(board.scored(run))
    )
    after = picture(theirs)
    assert {path for path in before if after[path] != before[path]} <= {str(theirs), f"{theirs}/checkpoint"}


def test_one_bad_checkpoint_hides_no_other(board: Board, theirs: Path) -> None:
    save(theirs, 1)
    half_written(theirs)
    for file in theirs.iterdir():
        os.utime(file, (1_000_000_000, 1_000_000_000))
    run = board.watch(theirs)
    board.wait_for_steps(run, 1)
    board.wait_for_message(run, "The checkpoint model.ckpt-3 is damaged")
    whole = save(theirs.parent / "whole", 3)
    for file in whole.prefix.parent.glob(f"{whole.prefix.name}.*"):
        shutil.copy(file, theirs)
    board.wait_for_steps(run, 1, 3)
    wait_for(lambda: board.store.run(run.id).message == "")


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras' own
def test_a_training_of_keras(board: Board, theirs: Path, mnist: Any) -> None:
    """Raw and averaged, equal to the image to what Keras itself predicts with either."""
    import keras

    layers = [keras.Input((784,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images, labels = mnist.train.images[:320].astype(np.float32) / 255, mnist.train.labels[:320]
    for start in range(0, 320, 32):
        model.train_on_batch(images[start : start + 32], labels[start : start + 32])
    model.save_weights(theirs / "model-1.weights.h5")
    model.save(theirs / "model-2.keras")
    run = board.watch(theirs)
    wanted = {}
    for average in ("", "average"):
        if average:
            model.set_weights([np.asarray(v) for v in optimizer._model_variables_moving_average])
        for split, held in (("validation", mnist.validation), ("test", mnist.test)):
            read = model.predict(held.images.astype(np.float32) / 255, 1_000, verbose=0).argmax(1)
            right = int(np.count_nonzero(read == held.labels))
            wanted |= {(step, average, split): right for step in (1, 2)}
    wait_for(lambda: len(board.scored(run)) == len(wanted))
    assert board.scored(run) == wanted
    assert len(set(wanted.values())) == 4
    config = board.get(f"/runs/{run.id}")["config"]
    assert (config["activation"], config["activation_from"]) == ("relu", "checkpoint")
    average_of_biases = np.asarray(optimizer._model_variables_moving_average[3])
    for step in (1, 2):  # and the page that looks into a checkpoint is told the same
        route = f"/runs/{run.id}/checkpoints/{step}"
        held = board.get(f"{route}/variables")
        kinds = [variable["kind"] for variable in held["variables"]]
        assert [kinds.count(kind) for kind in ("raw", "average", "counter", "other")] == [4, 4, 1, 1]
        assert held["first_layer"] == "layers/dense/vars/0"
        biases = board.get(f"{route}/variable?name=layers/dense_1/vars/1")
        assert [one["average"] for one in biases["variables"]] == [None, "average"]
        np.testing.assert_array_equal(np.float32(biases["variables"][1]["values"]), average_of_biases)
        assert len(biases["histogram"]["counts"]) == 2
        assert board.get(f"{route}/units")["averaged"] is not None
        restored = board.get(f"{route}/restore-map?ema=true")
        assert restored["average"] == "average"
        assert restored["raw_fallbacks"] == ["optimizer/vars/0"]
