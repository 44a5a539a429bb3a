"""Statistics and distances against NumPy's, in float64, in blocks of any size."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from shadowboard.distribution import Distance, Moments, Statistics, edges_of


def assert_statistics(found: Statistics, value: NDArray[Any]) -> None:
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


def in_blocks(value: NDArray[Any], raw: NDArray[Any], size: int) -> tuple[Statistics, Distance]:
    moments, distance = Moments(), Distance()
    for start in range(0, value.size, size):
        moments.add(value[start : start + size])
        distance.add(value[start : start + size], raw[start : start + size])
    return moments.statistics(), distance


floats = st.floats(width=32, min_value=-1e6, max_value=1e6) | st.sampled_from([np.nan, np.inf, -np.inf])


@given(value=arrays.arrays(np.float32, st.integers(0, 30), elements=floats), size=st.integers(1, 9))
def test_any_values_in_blocks_of_any_size(value: NDArray[np.float32], size: int) -> None:
    raw = np.arange(1, value.size + 1, dtype=np.float32)
    found, distance = in_blocks(value, raw, size)
    if value.size:
        assert_statistics(found, value)
    else:
        assert found == Statistics()
    if not value.size or not np.isfinite(value).all():
        assert (distance.relative, distance.cosine) == (None, None)
    elif not value.any():
        assert (distance.relative, distance.cosine) == (pytest.approx(1), None)
    elif abs(value).max() > 1e-12:
        assert_compares((distance.relative, distance.cosine), value, raw)


def test_no_digits_are_lost_far_from_zero() -> None:
    value = 1e8 + np.tile([0.0, 0.25, 0.5], 1000)
    found, _ = in_blocks(value, value, 7)
    assert found.std == pytest.approx(
        np.tile([0.0, 0.25, 0.5], 1000).std(), rel=1e-7
    )  # of the rounded values


def test_what_no_float64_holds_is_none() -> None:
    huge = np.full(3, 1.7e308)
    for size in (1, 3):
        found, distance = in_blocks(huge, huge, size)
        assert (found.std, found.max) == (None if size == 3 else 0, 1.7e308)
        assert found.mean in {None, 1.7e308}
        assert (distance.relative, distance.cosine) == (None, None)


def test_edges_hold_all_that_is_finite() -> None:
    one, other = Statistics(min=-1, max=2), Statistics(min=0, max=3)
    edges = edges_of([one, other, Statistics()], 4)
    assert edges is not None
    assert edges.tolist() == [-1, 0, 1, 2, 3]
    assert edges_of([Statistics()], 4) is None
    assert edges_of([Statistics(min=0, max=np.nextafter(0, 1))], 4) is None
