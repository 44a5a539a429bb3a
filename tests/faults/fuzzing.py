"""Feeding parsers with anything: none but their documented errors may come out of them."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shadowboard.errors import ShadowboardError

USUAL = 10


def feed(
    cases: int,
    inputs: st.SearchStrategy[Any],
    parse: Callable[[Any], object],
    documented: tuple[type[ShadowboardError], ...],
) -> tuple[int, int]:
    """How many inputs there were, the same ones in each usual run, and how many of them were refused."""
    fed = refused = 0

    @settings(
        max_examples=5 * cases,
        derandomize=cases == USUAL,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs)
    def check(one: Any) -> None:
        nonlocal fed, refused
        fed += 1
        try:
            parse(one)
        except documented as error:
            refused += 1
            _said_well(error)

    check()
    return fed, refused


def _said_well(error: ShadowboardError) -> None:
    """One sentence or a few, for a person, not too long, without the folder."""
    told = str(error)
    assert told
    assert "\n" not in told
    assert len(told) < 2000
    told.encode(errors="strict")


def damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    """`whole` with some bytes in it replaced, taken out or put in, and perhaps its end cut off."""
    end = len(whole)

    def change(start: int, new: bytes, gone: int, cut: int) -> bytes:
        return (whole[:start] + new + whole[start + gone :])[:cut]

    return st.builds(
        change,
        st.integers(0, end),
        st.binary(max_size=8),
        st.integers(0, 8),
        st.integers(0, end) | st.just(end + 8),
    )
