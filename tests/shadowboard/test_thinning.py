from collections.abc import Callable, Iterator
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowboard.configuration import RunConfig
from shadowboard.records import Metric
from shadowboard.store import Store


@pytest.fixture(scope="module")
def shared(new_database: Callable[[], str]) -> Iterator[Store]:
    """One store for all examples, with another run in it."""
    store = Store(new_database())
    other = store.create_run(RunConfig(), worker="w")
    store.add_progress(other.id, "w", 30, 1.0, [Metric(step, 9.0) for step in range(1, 31)])
    yield store
    store.close()


def plain(metrics: list[Metric], most: int) -> list[Metric]:
    """The same as the database does, in Python: places counted from the last."""
    n = len(metrics)
    if n <= most:
        return metrics
    places = [ceil(i * (n - 1) / (most - 1)) for i in range(most)] if most > 1 else [0]
    return [metrics[n - 1 - place] for place in reversed(places)]


@settings(deadline=None)
@given(
    steps=st.sets(st.integers(0, 10_000), max_size=60),
    most=st.integers(1, 70),
    skipped=st.integers(0, 60),
)
def test_what_is_kept_is_even_and_holds_the_ends(
    shared: Store, steps: set[int], most: int, skipped: int
) -> None:
    run = shared.create_run(RunConfig(), worker="w")
    shared.add_progress(run.id, "w", 1, 1.0, [Metric(step, step / 7) for step in sorted(steps)])
    everything = shared.metrics(run.id)
    after = everything[min(skipped, len(everything)) - 1].id if skipped and everything else 0
    beyond = shared.metrics(run.id, after)
    kept = shared.metrics(run.id, after, most)
    assert kept == plain(beyond, most)
    assert len(kept) == min(len(beyond), most)
    if beyond:
        assert kept[-1] == beyond[-1]
    if beyond and most > 1:
        assert kept[0] == beyond[0]
