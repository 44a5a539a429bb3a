"""Evaluations as they are stored, and standings against a second implementation in plain Python."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowboard.configuration import RunConfig
from shadowboard.errors import RunMissing
from shadowboard.records import Score, Standing, StepScores
from shadowboard.store import Store


@pytest.fixture(scope="module")
def shared(new_database: Callable[[], str]) -> Iterator[Store]:
    """One store for all examples; each makes runs of its own and deletes them."""
    store = Store(new_database())
    yield store
    store.close()


def test_an_evaluation_is_stored_once_and_whole(store: Store) -> None:
    run = store.create_run(RunConfig())
    score = Score(5, "EMA_0.9", "validation", 2, 1, None, 0.25)
    store.add_evaluation(run.id, score, b"\1\2", b"12345678")
    store.add_evaluation(run.id, score, b"\3\4", b"")
    found = store.evaluation(run.id, 5, "EMA_0.9", "validation")
    assert found is not None
    assert (found.predictions, found.confidences) == (b"\1\2", b"12345678")
    assert (found.score.correct, found.score.loss, found.score.seconds) == (1, None, 0.25)
    assert store.evaluation(run.id, 5, "", "validation") is None
    assert len(store.scores(run.id)) == 1


def test_an_evaluation_of_no_run_is_refused(store: Store) -> None:
    with pytest.raises(RunMissing, match="gone was deleted"):
        store.add_evaluation("gone", Score(0, "", "test", 1, 1, 0.0, 0.0), b"", b"")


def plain_standings(run_id: str, scores: list[Score]) -> list[Standing]:
    standings = []
    for average in sorted({score.average for score in scores}):
        steps: dict[int, dict[str, Score]] = {}
        for score in scores:
            if score.average == average:
                steps.setdefault(score.step, {})[score.split] = score
        final = best = max(steps)
        for step in sorted(steps, reverse=True):
            if "validation" in steps[step] and (
                "validation" not in steps[best]
                or steps[step]["validation"].correct >= steps[best]["validation"].correct
            ):
                best = step
        at = [StepScores(s, steps[s].get("validation"), steps[s].get("test")) for s in (final, best)]
        number = sum(len(splits) for splits in steps.values())
        standings.append(Standing(run_id, average, number, *at))
    return standings


weights_at = st.tuples(
    st.integers(0, 6), st.sampled_from(["", "EMA_0.9", "Z"]), st.sampled_from(["validation", "test"])
)
# Few numbers, so that ties are common.
evaluated = st.lists(st.dictionaries(weights_at, st.integers(0, 3)), min_size=1, max_size=3)


@settings(deadline=None)
@given(evaluated)
def test_standings_are_those_of_plain_python(
    shared: Store, runs: list[dict[tuple[int, str, str], int]]
) -> None:
    expected = []
    for scores in runs:
        run = shared.create_run(RunConfig())
        for (step, average, split), correct in scores.items():
            shared.add_evaluation(run.id, Score(step, average, split, 3, correct, None, 0.1), b"", b"")
        own = plain_standings(run.id, shared.scores(run.id))
        assert shared.standings(run.id) == own
        expected += own
    found = shared.standings()
    assert found == sorted(expected, key=lambda standing: (standing.run_id, standing.average))
    for run in shared.runs():
        shared.delete_run(run.id)
