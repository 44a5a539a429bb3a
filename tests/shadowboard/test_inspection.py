"""Against NumPy in float64 on what TensorFlow's reader gives, on checkpoints that other programs wrote."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from shadowboard import bundle
from shadowboard.checkpoints import Checkpoint, save
from shadowboard.contents import open_contents
from shadowboard.distribution import Statistics
from shadowboard.errors import CheckpointDamaged, CheckpointUnsuitable
from shadowboard.inspection import Variable, closeup, inspect, plain
from tests.shadowboard.test_distribution import assert_compares, assert_statistics

EMA = "ExponentialMovingAverage"


def by_name(checkpoint: Checkpoint) -> dict[str, Variable]:
    return {variable.name: variable for variable in inspect(open_contents(checkpoint))}


def kinds(checkpoint: Checkpoint) -> dict[str, tuple[str, str | None, str | None]]:
    return {name: (v.role.kind, v.role.of, v.role.average) for name, v in by_name(checkpoint).items()}


def tensors() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    weights = rng.normal(1, 2, size=(30, 20)).astype(np.float32)
    weights[3] = 0
    shadow = (weights + rng.normal(0, 0.1, size=weights.shape)).astype(np.float32)
    return {
        "layer1/weights": weights,
        f"layer1/weights/{EMA}": shadow,
        "layer1/weights/EMA_0.999": shadow * 2,
        "layer1/weights/Momentum": np.zeros_like(weights),
        "layer1/biases": np.array([1, np.nan, np.inf, -2, 0], np.float32),
        f"layer1/biases/{EMA}": np.ones(5, np.float32),
        "half": np.array([0.1, 65504], np.float16),
        "brain": tf.constant([0.1, 3e38], tf.bfloat16),
        "long": np.array([[2**62, -1]]),
        "flags": np.array([True, False, True]),
        "words": np.array([b"a", b""]),
        "complex": np.array([1j], np.complex64),
        "empty": np.zeros((0, 3), np.float32),
        "zero": np.zeros(4, np.float32),
        f"zero/{EMA}": np.ones(4, np.float32),
        "single": np.float32(3.5),
        "global_step": np.int64(12_000),
    }


def test_what_each_variable_is(tmp_path: Path) -> None:
    assert kinds(save(tmp_path, 1, tensors())) == {
        "layer1/weights": ("raw", None, None),
        f"layer1/weights/{EMA}": ("average", "layer1/weights", EMA),
        "layer1/weights/EMA_0.999": ("average", "layer1/weights", "EMA_0.999"),
        "layer1/weights/Momentum": ("slot", "layer1/weights", None),
        "layer1/biases": ("raw", None, None),
        f"layer1/biases/{EMA}": ("average", "layer1/biases", EMA),
        "half": ("raw", None, None),
        "brain": ("raw", None, None),
        "long": ("other", None, None),
        "flags": ("other", None, None),
        "words": ("other", None, None),
        "complex": ("other", None, None),
        "empty": ("raw", None, None),
        "zero": ("raw", None, None),
        f"zero/{EMA}": ("average", "zero", EMA),
        "single": ("raw", None, None),
        "global_step": ("counter", None, None),
    }


def test_statistics_are_numpys_in_float64(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, 1, tensors())
    reader = tf.train.load_checkpoint(str(checkpoint.prefix))
    found = by_name(checkpoint)
    assert sorted(found) == list(found)
    for name, dtype in reader.get_variable_to_dtype_map().items():
        variable, value = found[name], np.asarray(reader.get_tensor(name))
        assert (variable.shape, variable.dtype, variable.size) == (value.shape, dtype.name, value.size)
        if name in {"words", "complex", "empty"}:
            assert variable.statistics == Statistics()
            continue
        assert variable.statistics
        assert_statistics(variable.statistics, value)
        if value.size <= 256:
            assert variable.values is not None
            np.testing.assert_array_equal(
                variable.values, value.astype(np.float32) if name == "brain" else value
            )
        else:
            assert variable.values is None
        if variable.role.kind == "average" and "biases" not in name and "zero" not in name:
            assert variable.role.of
            assert_compares((variable.distance, variable.cosine), value, reader.get_tensor(variable.role.of))
        else:
            assert (variable.distance, variable.cosine) == (None, None)


def test_a_program_with_adam_and_averages(tmp_path: Path) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        step = v1.train.get_or_create_global_step()
        w = v1.get_variable("w", initializer=np.ones((2, 3), np.float32), use_resource=True)
        train = v1.train.AdamOptimizer().minimize(tf.reduce_sum(w**2), global_step=step)
        with tf.control_dependencies([train]):
            averaged = tf.train.ExponentialMovingAverage(0.5, step).apply([w])
        session.run(v1.global_variables_initializer())
        session.run(averaged)
        prefix = v1.train.Saver().save(session, str(tmp_path / "adam"), global_step=step)
    assert kinds(Checkpoint(Path(prefix), 1)) == {
        "w": ("raw", None, None),
        f"w/{EMA}": ("average", "w", EMA),
        "w/Adam": ("slot", "w", None),
        "w/Adam_1": ("slot", "w", None),
        "beta1_power": ("other", None, None),
        "beta2_power": ("other", None, None),
        "global_step": ("counter", None, None),
    }


def test_an_object_based_checkpoint(tmp_path: Path) -> None:
    class Model(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable([1.0, 2.0])
            self.step = tf.Variable(4, dtype=tf.int64)

    prefix = tf.train.Checkpoint(model=Model()).save(str(tmp_path / "ck"))
    value = "/.ATTRIBUTES/VARIABLE_VALUE"
    assert kinds(Checkpoint(Path(prefix), 1)) == {
        "_CHECKPOINTABLE_OBJECT_GRAPH": ("other", None, None),
        f"model/kernel{value}": ("raw", None, None),
        f"model/step{value}": ("counter", None, None),
        f"save_counter{value}": ("counter", None, None),
    }
    slot = {"k": 1.0, f"k{value}": np.ones(2), f"k/.OPTIMIZER_SLOT/optimizer/m{value}": np.ones(2)}
    found = kinds(save(tmp_path, 2, slot))
    assert found[f"k/.OPTIMIZER_SLOT/optimizer/m{value}"] == ("slot", f"k{value}", None)


def test_a_name_inside_another_is_no_average(tmp_path: Path) -> None:
    found = kinds(save(tmp_path, 1, {"a": np.ones(2), "a/b": np.ones(3), f"a/{EMA}": np.ones(2, np.int32)}))
    assert {name: kind for name, (kind, *_) in found.items()} == {
        "a": "raw",
        "a/b": "other",
        f"a/{EMA}": "other",
    }


def test_without_statistics_no_value_is_read(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, 1, tensors())
    opened = open_contents(checkpoint)
    data = tmp_path / "model.ckpt-1.data-00000-of-00001"
    data.write_bytes(b"x" * data.stat().st_size)
    found = inspect(opened, statistics=False)
    assert {(v.statistics, v.values, v.distance) for v in found} == {(None, None, None)}
    assert kinds(save(tmp_path, 2, tensors())) == {
        v.name: (v.role.kind, v.role.of, v.role.average) for v in found
    }
    with pytest.raises(CheckpointDamaged, match=r"checksum of layer1/biases in .* is wrong"):
        inspect(opened, ["layer1/biases"])


def test_some_variables_are_as_they_are_among_all(tmp_path: Path) -> None:
    opened = open_contents(save(tmp_path, 1, tensors()))
    names = [f"zero/{EMA}", f"layer1/weights/{EMA}", "flags", "flags"]
    told = {variable.name: plain_view(variable) for variable in inspect(opened)}
    some = inspect(opened, names)
    assert [variable.name for variable in some] == sorted(set(names))
    assert {variable.name: plain_view(variable) for variable in some} == {
        name: told[name] for name in set(names)
    }
    with pytest.raises(CheckpointUnsuitable, match=r"holds no layer1/weigths; near it: layer1/weights"):
        inspect(opened, ["layer1/weigths"])


def plain_view(variable: Variable) -> dict[str, Any]:
    return vars(variable) | {"values": None if variable.values is None else plain(variable.values)}


@pytest.mark.parametrize("block", [64, 2**22])
def test_a_closeup_is_numpys_histograms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(bundle, "_BLOCK", block)
    values = tensors()
    opened = open_contents(save(tmp_path, 1, values))
    names = ["layer1/weights", "layer1/weights/EMA_0.999", f"layer1/weights/{EMA}"]
    for name in names:  # an average stands for its raw variable
        found = closeup(opened, name, bins=17)
        assert [variable.name for variable in found.variables] == names
    wide = [values[name].astype(np.float64) for name in names]
    edges = np.histogram_bin_edges(np.concatenate(wide), 17)
    np.testing.assert_allclose(found.edges, edges)
    assert list(found.histograms.values()) == [np.histogram(w, edges)[0].tolist() for w in wide]
    listed = {variable.name: plain_view(variable) for variable in inspect(opened)}
    assert [plain_view(variable) for variable in found.variables] == [listed[name] for name in names]


def test_an_average_of_another_type_than_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose values come in blocks of another length."""
    monkeypatch.setattr(bundle, "_BLOCK", 1000)
    random = np.random.default_rng(5)
    raw, averaged = random.normal(size=(2, 784, 10)).astype(np.float32)
    models = {name: tf.Module() for name in ("model", "ema_model")}
    for model, kernel in zip(models.values(), (raw, averaged.astype(np.float64)), strict=True):
        model.kernel, model.bias = tf.Variable(kernel), tf.Variable(np.zeros(10, np.float32))
    prefix = tf.train.Checkpoint(**models).save(str(tmp_path / "ck"))
    value = "/.ATTRIBUTES/VARIABLE_VALUE"
    found = by_name(Checkpoint(Path(prefix), 1))[f"ema_model/kernel{value}"]
    assert (found.role.kind, found.role.of, found.dtype) == ("average", f"model/kernel{value}", "float64")
    assert_compares((found.distance, found.cosine), averaged, raw)


def test_closeups_of_what_has_no_distribution(tmp_path: Path) -> None:
    huge = np.array([-1.7e308, 1.7e308])
    values = tensors() | {"huge": huge, "near": np.array([1.0, np.nextafter(1, 2)])}
    opened = open_contents(save(tmp_path, 1, values))
    for name in ("words", "complex", "empty", "huge", "near"):
        assert (closeup(opened, name, 60).edges, closeup(opened, name, 60).histograms) == (None, {})
    biases = closeup(opened, "layer1/biases", 4)
    assert biases.histograms["layer1/biases"] == [1, 0, 1, 1]  # -2, 0 and 1: the finite ones
    assert closeup(opened, "single", 2).edges == [3, 3.5, 4]
    assert [v.name for v in closeup(opened, "layer1/weights/Momentum", 3).variables] == [
        "layer1/weights/Momentum"
    ]


def test_values_for_json_have_the_digits_of_their_type() -> None:
    assert plain(np.float32([[0.1, np.nan], [np.inf, 0.099999905]])) == [[0.1, None], [None, 0.099999905]]
    assert plain(np.array(7)) == 7
    assert plain(np.array([True])) == [True]
    assert plain(np.float32(2.5)) == 2.5
