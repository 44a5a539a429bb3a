"""Units as images, against slices that NumPy makes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shadowboard.checkpoints import save
from shadowboard.contents import Contents, open_contents
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.units import first_layer, units

EMA = "ExponentialMovingAverage"
RAW = np.random.default_rng(1).normal(size=(25, 7)).astype(np.float32)
AVERAGED = RAW + np.float32([0.1, 0.7, 0.2, 0.6, 0.3, 0.5, 0.4])


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    tensors: dict[str, Any] = {
        "a/bias": np.zeros(36, np.float32),
        "layer/kernel": RAW,
        f"layer/kernel/{EMA}": AVERAGED,
        "layer/kernel/EMA_0.9": RAW,
        "layer/kernel/Momentum": RAW,
        "next/kernel": np.zeros((7, 10), np.float32),
        "wide": np.zeros((16, 3), np.int32),
    }
    return open_contents(save(tmp_path, 1, tensors))


def test_each_unit_is_a_column_as_a_square(contents: Contents) -> None:
    assert first_layer(contents) == "layer/kernel"
    found = units(contents, None, None, 2, 3, "number")
    assert (found.name, found.side, found.total, found.numbers, found.average) == (
        "layer/kernel",
        5,
        7,
        [2, 3, 4],
        EMA,
    )
    assert found.averaged is not None
    for i, number in enumerate(found.numbers):
        np.testing.assert_array_equal(found.raw[i], RAW[:, number].reshape(5, 5))
        np.testing.assert_array_equal(found.averaged[i], AVERAGED[:, number].reshape(5, 5))
    assert found.limit == pytest.approx(np.quantile(abs(RAW), 0.999))
    assert found.change_limit == pytest.approx(np.quantile(abs(AVERAGED.astype(float) - RAW), 0.999))


def test_the_most_changed_first(contents: Contents) -> None:
    assert units(contents, None, EMA, 0, 100, "change").numbers == [1, 3, 5, 6, 4, 2, 0]
    assert units(contents, None, "EMA_0.9", 0, 100, "change").numbers == list(range(7))  # of equals by number
    assert units(contents, None, None, 7, 10, "number").numbers == []


@pytest.mark.parametrize(
    ("name", "average", "sentence"),
    [
        ("next/kernel", None, r"next/kernel is raw \[7, 10\]; expected raw weights \[side · side, units\]"),
        ("wide", None, "wide is other"),
        ("layer/kernel/Momentum", None, "is slot"),
        ("no", None, "holds no no"),
        ("layer/kernel", "X", f"no average of layer/kernel called X, but {EMA}, EMA_0.9"),
    ],
)
def test_what_has_no_such_images(contents: Contents, name: str, average: str | None, sentence: str) -> None:
    with pytest.raises(CheckpointUnsuitable, match=sentence):
        units(contents, name, average, 0, 5, "number")


def test_a_checkpoint_without_a_first_layer(tmp_path: Path) -> None:
    without = open_contents(save(tmp_path, 2, {"weight": np.ones((2, 1), np.float32)}))
    assert first_layer(without) is None
    with pytest.raises(CheckpointUnsuitable, match="units as images"):
        units(without, None, None, 0, 5, "number")
    alone = open_contents(save(tmp_path, 3, {"w": RAW, "b": np.full((16, 2), np.nan, np.float32)}))
    assert units(alone, "w", None, 0, 5, "change").averaged is None
    assert units(alone, "b", None, 0, 5, "number").limit == 0
