"""Paired differences and their correction against scipy, and against its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from shadowboard.paired import holm, minus, paired_difference, spread
from shadowboard.records import Score
from tests.shadowboard.closed_testing import closed_bonferroni

N = 10_000

correct = st.integers(9_000, N)


def score(images: int) -> Score:
    return Score(0, "", "test", N, images, None, 0.0)


@settings(max_examples=40, deadline=None)
@given(pairs=st.lists(st.tuples(correct, correct), min_size=2, max_size=20))
def test_a_difference_is_that_of_the_paired_t_test(pairs: list[tuple[int, int]]) -> None:
    ones, others = ({seed: score(pair[side]) for seed, pair in enumerate(pairs)} for side in (0, 1))
    found = minus(ones, others)
    assert found is not None
    shares = np.array(pairs) / N
    assert found.mean == pytest.approx((shares[:, 0] - shares[:, 1]).mean(), abs=1e-12)
    if len({one - other for one, other in pairs}) == 1:
        assert (found.interval, found.p_value) == (None, None)
        assert (found.p_of(found.mean), found.p_of(2.0)) == (1.0, 1.0)
        return
    expected = ttest_rel(shares[:, 0], shares[:, 1])
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    interval = expected.confidence_interval(0.95)
    assert found.interval == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)
    for value in (0.0, 0.0025, -0.01):
        told = ttest_rel(shares[:, 0] - value, shares[:, 1]).pvalue
        assert found.p_of(value) == pytest.approx(told, rel=1e-4, abs=1e-9)


def test_only_seeds_that_both_have_are_paired() -> None:
    found = minus(
        {0: score(9_900), 1: score(9_800), 3: score(9_700)}, {1: score(9_790), 3: score(9_695), 4: score(1)}
    )
    assert found == paired_difference([10, 5], N)
    assert minus({0: score(1)}, {1: score(1)}) is None
    one = minus({0: score(9_900)}, {0: score(9_890)})
    assert one is not None
    assert (one.seeds, one.mean, one.interval, one.p_value) == (1, 0.001, None, None)


@settings(max_examples=30, deadline=None)
@given(p_values=st.lists(st.floats(1e-9, 1), min_size=1, max_size=6))
def test_the_correction_is_holms(p_values: list[float]) -> None:
    assert holm([*p_values]) == pytest.approx(closed_bonferroni(p_values))


def test_a_comparison_that_is_not_made_yet_counts() -> None:
    assert holm([0.01, None, 0.02]) == pytest.approx([0.03, None, 0.04])
    assert holm([None, None]) == [None, None]


@settings(max_examples=30, deadline=None)
@given(images=st.lists(correct, min_size=1, max_size=20))
def test_a_spread_is_numpys(images: list[int]) -> None:
    found = spread([score(image) for image in images])
    assert found is not None
    shares = np.array(images) / N
    assert (found.seeds, found.lowest, found.highest) == (len(images), shares.min(), shares.max())
    assert found.mean == pytest.approx(shares.mean())
    if len(images) == 1:
        assert found.deviation is None
    else:
        assert found.deviation == pytest.approx(shares.std(ddof=1), abs=1e-12)
    assert spread([]) is None
