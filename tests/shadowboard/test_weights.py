"""Weights out of checkpoints that other programs wrote: of other types, and with averages of some."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from shadowboard import network
from shadowboard.checkpoints import save
from shadowboard.dataset import Split
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.evaluation import evaluate
from shadowboard.weights import averages_of, restore

EMA = "ExponentialMovingAverage"


def weights() -> dict[str, Any]:
    return {name: np.asarray(value) for name, value in network.init([8], seed=1).items()}


def test_what_is_named_like_an_average_and_is_none(tmp_path: Path) -> None:
    tensors = weights()
    tensors["layer1/weights/scale"] = np.ones(3, np.float32)
    tensors["layer1/biases/mask"] = np.ones(8, bool)
    checkpoint = save(tmp_path, 1, tensors)
    assert averages_of(checkpoint) == []
    with pytest.raises(CheckpointUnsuitable, match="no average called scale; it holds: none"):
        restore(checkpoint, "scale")


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
@pytest.mark.parametrize("average", [None, EMA])
def test_floats_of_any_type_are_read_as_float32(tmp_path: Path, dtype: str, average: str | None) -> None:
    tensors = {name: tf.cast(value, dtype) for name, value in weights().items()}
    shadows = {f"{name}/{EMA}": value / 2 for name, value in tensors.items()}
    found = restore(save(tmp_path, 1, tensors | shadows), average)
    for name, value in tensors.items():
        expected = tf.cast(value / 2 if average else value, tf.float32)
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], expected)
    assert evaluate(found, Split(np.zeros((2, 784), np.uint8), np.zeros(2, np.uint8))).n == 2


def test_numbers_beyond_float32_are_infinite(tmp_path: Path) -> None:
    tensors = weights()
    tensors["layer2/biases"] = np.full(10, 1e300)
    assert np.isinf(restore(save(tmp_path, 1, tensors), None)["layer2/biases"]).all()


@pytest.mark.parametrize("dtype", ["int32", "bool", "complex64"])
def test_what_is_no_float_is_no_weight(tmp_path: Path, dtype: str) -> None:
    tensors = weights()
    tensors["layer2/biases"] = np.zeros(10, dtype)
    with pytest.raises(CheckpointUnsuitable, match=f"layer2/biases in model.ckpt-1 is {dtype}; expected one"):
        restore(save(tmp_path, 1, tensors), None)


def test_raw_weights_among_averaged_ones_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    raw = weights()
    checkpoint = save(tmp_path, 1, raw | {f"layer1/weights/{EMA}": raw["layer1/weights"] + 1})
    found = restore(checkpoint, EMA)
    assert caplog.messages == [
        f"model.ckpt-1: layer1/biases, layer2/weights, layer2/biases raw, for it holds no {EMA} of these."
    ]
    np.testing.assert_array_equal(found["layer1/weights"], raw["layer1/weights"] + 1)
    np.testing.assert_array_equal(found["layer2/weights"], raw["layer2/weights"])
    restore(checkpoint, None)
    restore(save(tmp_path, 2, raw | {f"{name}/{EMA}": value for name, value in raw.items()}), EMA)
    assert len(caplog.messages) == 1
