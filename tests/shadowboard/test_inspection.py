"""Against NumPy in float64 on what TensorFlow's reader gives, on checkpoints that other programs wrote."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from shadowboard import inspection
from shadowboard.checkpoints import Checkpoint, save
from shadowboard.errors import CheckpointDamaged, CheckpointMissing
from shadowboard.inspection import Variable, compare, inspect, statistics

EMA = "ExponentialMovingAverage"


def by_name(checkpoint: Checkpoint) -> dict[str, Variable]:
    return {variable.name: variable for variable in inspect(checkpoint)}


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
            assert variable.statistics == inspection.Statistics()
            continue
        assert_statistics(variable.statistics, value)
        if variable.role.kind == "average" and "biases" not in name and "zero" not in name:
            assert variable.role.of
            assert_compares((variable.distance, variable.cosine), value, reader.get_tensor(variable.role.of))
        else:
            assert (variable.distance, variable.cosine) == (None, None)


def assert_statistics(found: inspection.Statistics, value: NDArray[Any]) -> None:
    wide = value.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    assert found.non_finite == wide.size - finite.size
    assert found.zeros == pytest.approx(np.mean(wide == 0))
    if not finite.size:
        assert (found.mean, found.std, found.min, found.max) == (None, None, None, None)
        return
    scale = max(abs(finite).max(), 1e-300)
    expected = [f / scale for f in (finite.mean(), finite.std(), finite.min(), finite.max())]
    measured = [m / scale for m in (found.mean, found.std, found.min, found.max) if m is not None]
    assert measured == pytest.approx(expected, rel=1e-9, abs=1e-12)


def assert_compares(found: tuple[float | None, float | None], a: NDArray[Any], r: NDArray[Any]) -> None:
    average, raw = a.astype(np.float64).ravel(), r.astype(np.float64).ravel()
    distance = np.linalg.norm(average - raw) / np.linalg.norm(raw)
    cosine = average @ raw / np.linalg.norm(average) / np.linalg.norm(raw)
    assert found == (pytest.approx(distance, rel=1e-9), pytest.approx(cosine, abs=1e-9))


floats = st.floats(width=32, min_value=-1e6, max_value=1e6) | st.sampled_from([np.nan, np.inf, -np.inf])


@given(value=arrays.arrays(np.float32, st.integers(0, 30), elements=floats), block=st.integers(1, 9))
def test_any_values_in_blocks_of_any_size(value: NDArray[np.float32], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspection, "_BLOCK", block)
        found = statistics(value)
        if value.size:
            assert_statistics(found, value)
        raw = np.arange(1, value.size + 1, dtype=np.float32)
        distance, cosine = compare(value, raw)
    if not value.size or not np.isfinite(value).all():
        assert (distance, cosine) == (None, None)
    elif not value.any():
        assert (distance, cosine) == (pytest.approx(1), None)
    elif abs(value).max() > 1e-12:
        assert_compares((distance, cosine), value, raw)


def test_what_no_float64_holds_is_none() -> None:
    huge = np.full(3, 1.7e308)
    found = statistics(huge)
    assert (found.mean, found.std, found.max) == (None, None, 1.7e308)
    assert compare(huge, huge) == (None, None)


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


def test_damage_and_absence(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, 1, tensors())
    data = tmp_path / "model.ckpt-1.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-400])
    with pytest.raises(CheckpointDamaged, match=r"model\.ckpt-1 is damaged"):
        inspect(checkpoint)
    (tmp_path / "model.ckpt-1.index").unlink()
    with pytest.raises(CheckpointMissing):
        inspect(checkpoint)
