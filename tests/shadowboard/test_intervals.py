import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from shadowboard.intervals import wilson_interval


@given(n=st.integers(1, 100_000), data=st.data())
def test_wilson_is_scipys(n: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, n))
    expected = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(correct, n) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("n", [1, 7, 5000])
def test_none_and_all(n: int) -> None:
    assert wilson_interval(0, n)[0] == 0
    assert wilson_interval(n, n)[1] == 1
