"""Files that Keras itself writes, in a training with and without an average."""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from shadowboard import cli
from shadowboard.contents import open_contents
from shadowboard.dataset import Split, load_dataset
from shadowboard.errors import CheckpointDamaged, CheckpointMissing, CheckpointUnsuitable
from shadowboard.evaluation import evaluate
from shadowboard.folder_sight import look
from shadowboard.inspection import inspect, values
from shadowboard.keras_file import ENDS, KerasCheckpoint
from shadowboard.layout import variable_names
from shadowboard.roles import Role
from shadowboard.source import Source
from shadowboard.weights import averages_of, layout_in, restore
from tests.shadowboard.test_distribution import assert_statistics

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras' own

RANDOM = np.random.default_rng(0)
IMAGES, LABELS = RANDOM.random((64, 784), np.float32), RANDOM.integers(0, 10, 64)

OPTIMIZERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "sgd": (keras.optimizers.SGD, {}),
    "momentum": (keras.optimizers.SGD, {"momentum": 0.9}),
    "adam": (keras.optimizers.Adam, {}),
    "schedule": (keras.optimizers.Adam, {"learning_rate": keras.optimizers.schedules.CosineDecay(0.01, 9)}),
}


def trained(optimizer: Any) -> Any:
    layers = [keras.Input((784,)), keras.layers.Dense(7, "tanh"), keras.layers.Dropout(0.1)]
    model = keras.Sequential([*layers, keras.layers.Dense(7, "tanh"), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, run_eagerly=True)  # to trace it would take longer
    for start in range(0, 64, 16):  # not by fit, which lets the average overwrite the weights at its end
        model.train_on_batch(IMAGES[start : start + 16], LABELS[start : start + 16])
    return model


def save(model: Any, path: Path) -> KerasCheckpoint:
    (model.save if path.suffix == ".keras" else model.save_weights)(path)
    (found,) = look(path.parent).checkpoints
    assert isinstance(found, KerasCheckpoint)
    return found


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("uses_ema", [True, False], ids=["average", "none"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_raw_and_averaged_weights_are_keras_own(name: str, uses_ema: bool, end: str, tmp_path: Path) -> None:
    kind, options = OPTIMIZERS[name]
    model = trained(kind(**options, use_ema=uses_ema, ema_momentum=0.5))
    checkpoint = save(model, tmp_path / f"my-model{end}")
    assert checkpoint.step == 4
    assert checkpoint.bytes == (tmp_path / f"my-model{end}").stat().st_size
    assert layout_in(checkpoint).hidden == (7, 7)
    assert averages_of(checkpoint) == (["average"] if uses_ema else [])
    expected = {None: model.get_weights()}
    if uses_ema:
        expected["average"] = [np.asarray(v) for v in model.optimizer._model_variables_moving_average]
    for average, wanted in expected.items():
        restored = restore(checkpoint, average)
        assert list(restored) == variable_names(3)
        weights = [array for array in wanted if array.dtype == np.float32]  # and not the dropout's seed
        for value, array in zip(restored.values(), weights, strict=True):
            np.testing.assert_array_equal(value, array)
    assert_everything_in_it_is_keras_own(checkpoint, model)


def assert_everything_in_it_is_keras_own(checkpoint: KerasCheckpoint, model: Any) -> None:
    """As whoever looks into it is told: names, values, what the optimiser keeps for which variable."""
    contents = open_contents(checkpoint)
    found = {variable.name: variable for variable in inspect(contents)}
    names = dict(
        zip((v.path for v in model.trainable_variables), layout_in(checkpoint).variables, strict=True)
    )
    kept = {f"optimizer/vars/{i}": variable for i, variable in enumerate(model.optimizer.variables)}
    kept |= {names[variable.path]: variable for variable in model.trainable_variables}
    assert found.keys() == kept.keys()
    for name, variable in kept.items():
        value = np.asarray(variable)
        assert (found[name].shape, found[name].dtype) == (value.shape, value.dtype.name)
        np.testing.assert_array_equal(values(contents, [name])[name], value)
        assert_statistics(found[name].statistics, value)
        of = {path for path in names if variable.name.startswith(path.replace("/", "_") + "_")}
        role = found[name].role
        if name in names.values():
            assert role == Role("raw")
        elif not of:
            assert role.kind == ("counter" if variable.name == "iteration" else "other")
        else:
            kind = "average" if variable.name.endswith("_average") else "slot"
            assert (role.kind, role.of) == (kind, names[of.pop()])


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("frozen", "optimizer", "known"),
    [
        ([0], keras.optimizers.SGD, True),
        ([0, 2], keras.optimizers.Adam, True),
        ([1], keras.optimizers.Adam, False),  # its successor is of its shape
    ],
    ids=["first", "two", "one of two alike"],
)
def test_what_is_not_trained_has_no_average(
    frozen: list[int], optimizer: Any, known: bool, end: str, tmp_path: Path
) -> None:
    layers = [keras.layers.Dense(7), keras.layers.Dense(7), keras.layers.Dense(5), keras.layers.Dense(10)]
    if not known:
        layers[2] = keras.layers.Dense(7)
    model = keras.Sequential([keras.Input((784,)), *layers])
    for i in frozen:
        layers[i].trainable = False
    model.compile(optimizer(use_ema=True))
    model.optimizer.build(model.trainable_variables)
    for kept, variable in zip(
        model.optimizer._model_variables_moving_average, model.trainable_variables, strict=True
    ):
        kept.assign(variable)  # as the first step does
    checkpoint = save(model, tmp_path / f"model-1{end}")
    there = layout_in(checkpoint)
    roles = open_contents(checkpoint).roles
    shown = {role.of: name for name, role in roles.items() if role.kind == "average"}
    if not known:
        assert not there.averages
        assert not shown
        return
    trained = [name for i in range(4) if i not in frozen for name in there.variables[2 * i : 2 * i + 2]]
    counters = 2  # steps, and the rate
    expected = {name: f"optimizer/vars/{counters + i}" for i, name in enumerate(trained)}
    assert there.averages == {"average": tuple(expected.get(name, name) for name in there.variables)}
    assert shown == expected
    assert {role.of for role in roles.values() if role.kind == "slot"} <= {*trained}


def test_the_step_at_the_end_of_a_name_goes_before_the_counter(tmp_path: Path) -> None:
    assert save(trained(keras.optimizers.SGD()), tmp_path / "model-900.weights.h5").step == 900


@pytest.mark.parametrize("end", ENDS)
def test_half_a_file_is_damaged_and_none_is_gone(end: str, tmp_path: Path) -> None:
    checkpoint = save(trained(keras.optimizers.SGD()), tmp_path / f"model-1{end}")
    content = checkpoint.prefix.read_bytes()
    for part in (b"", b"nonsense", content[: len(content) // 2]):
        checkpoint.prefix.write_bytes(part)
        with pytest.raises(
            CheckpointDamaged, match=f"^The checkpoint model-1{end} is damaged or cannot be read:"
        ):
            restore(checkpoint, None)
        assert look(tmp_path).checkpoints == []
    checkpoint.prefix.unlink()
    with pytest.raises(CheckpointMissing, match=f"The checkpoint model-1{end} is gone"):
        restore(checkpoint, None)


@pytest.mark.parametrize(
    ("layers", "known"),
    [
        ([keras.layers.Dense(7, "tanh"), keras.layers.Dense(5, "tanh")], True),
        ([keras.layers.Dense(7), keras.layers.Activation("sigmoid"), keras.layers.Dropout(0.5)], True),
        ([keras.layers.Dense(7), keras.layers.ReLU()], True),
        ([keras.layers.Dense(7)], True),
        ([keras.layers.Dense(7, "relu"), keras.layers.Dense(7, "tanh")], False),
        ([keras.layers.Dense(7, "gelu")], False),
    ],
    ids=["tanh", "apart", "layer", "linear", "different", "unknown"],
)
def test_a_whole_model_tells_its_activation(layers: list[Any], known: bool, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((784,)), *layers, keras.layers.Dense(10, "softmax")])
    checkpoint = save(model, tmp_path / "model-1.keras")
    if not known:
        with pytest.raises(CheckpointUnsuitable, match="expected all of them to be one of relu, tanh"):
            restore(checkpoint, None)
        return
    images = (255 * IMAGES).astype(np.uint8)
    split = Split(images, LABELS.astype(np.uint8))
    read = model.predict(images / np.float32(255), verbose=0)
    found = evaluate(restore(checkpoint, None), split, "relu")  # though it is asked to take it for another
    np.testing.assert_allclose(found.confidences, read.max(1), rtol=1e-4)
    assert found.loss == pytest.approx(-np.log(read[np.arange(64), LABELS]).mean(), rel=1e-4)


def test_another_kind_of_network_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((784,)), keras.layers.BatchNormalization(), keras.layers.Dense(10)])
    with pytest.raises(CheckpointUnsuitable, match=r"holds layers/batch_normalization/vars/0 \[784\]"):
        restore(save(model, tmp_path / "model-1.weights.h5"), None)


def test_a_folder_of_them_from_the_command_line(
    tmp_path: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `shadowboard evaluate --folder` and `shadowboard inspect --folder` read it."""
    model = trained(keras.optimizers.SGD(use_ema=True, ema_momentum=0.5))
    for step in (1, 2):
        model.save_weights(tmp_path / f"model-{step}.weights.h5")
    source = Source("", tmp_path, str(small_data), "tanh")
    assert source.first_average() == "average"
    assert [source.checkpoint(step, None).step for step in ("latest", "1", "best")] == [2, 1, 1]
    for arguments, name in (
        ([tmp_path], "model-2.weights.h5"),
        ([tmp_path, "--step", 1], "model-1.weights.h5"),
        ([tmp_path / "model-1.weights.h5"], "model-1.weights.h5"),
    ):
        monkeypatch.setattr(
            sys, "argv", ["shadowboard", "inspect", "--json", "--folder", *map(str, arguments)]
        )
        assert cli.run() == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["checkpoint"], told["restored"][1]["average"]) == (name, "average")
    images = load_dataset(str(small_data)).test
    read = model.predict(images.images.astype(np.float32) / 255, verbose=0).argmax(1)
    found = source.evaluate(source.checkpoint("latest", None), None, "test")
    assert found.correct == np.count_nonzero(read == images.labels)
