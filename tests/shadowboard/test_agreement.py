"""Validation against test accuracy: against the formulas, ranks of one's own, and simulated runs."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shadowboard.agreement import (
    CLAIMED,
    Agreement,
    Correlation,
    Pair,
    Pairs,
    agree,
    agreement_verdict,
    correlate,
    correlation_text,
    paired,
)
from shadowboard.records import Score

COUNTS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 10_000)), min_size=4, max_size=60)


def pairs(*counts: tuple[int, int], every: int = 1000) -> list[Pair]:
    return [Pair(every * i, *one) for i, one in enumerate(counts)]


def r_of(x: list[float], y: list[float]) -> float:
    """Pearson's formula, summed without rounding."""
    n = len(x)
    dx, dy = ([v - math.fsum(values) / n for v in values] for values in (x, y))
    squares = (math.fsum(v * v for v in d) for d in (dx, dy))
    return math.fsum(a * b for a, b in zip(dx, dy, strict=True)) / math.prod(map(math.sqrt, squares))


def ranks(values: list[int]) -> list[float]:
    """Equal values share the mean of their places."""
    return [sum(w < v for w in values) + (values.count(v) + 1) / 2 for v in values]


@settings(max_examples=60)
@given(counts=COUNTS)
def test_the_correlation_is_that_of_the_formulas(counts: list[tuple[int, int]]) -> None:
    x, y = ([one[i] for one in counts] for i in (0, 1))
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    found = correlate(pairs(*counts))
    assert found is not None
    r = r_of([float(v) for v in x], [float(v) for v in y])
    assert (found.checkpoints, found.pearson) == (len(counts), pytest.approx(r, abs=1e-9))
    assert found.spearman == pytest.approx(r_of(ranks(x), ranks(y)), abs=1e-9)
    if abs(r) < 1 - 1e-9:
        reach = 1.959963984540054 / math.sqrt(len(x) - 3) if len(x) > 3 else math.inf
        expected = [math.tanh(math.atanh(r) + side * reach) for side in (-1, 1)]
        assert found.interval == pytest.approx(expected, abs=1e-6)
    assert found.interval[0] <= found.pearson <= found.interval[1]


@pytest.mark.parametrize(
    "counts",
    [[], [(1, 2), (3, 4), (4, 6)], [(5, 1), (5, 2), (5, 3), (5, 4)], [(1, 7), (2, 7), (3, 7), (4, 7)]],
)
def test_of_too_few_and_of_what_never_changes_there_is_none(counts: list[tuple[int, int]]) -> None:
    assert correlate(pairs(*counts)) is None


def test_on_a_straight_line_nothing_is_left_open() -> None:
    found = correlate(pairs((1, 2), (2, 4), (3, 6), (4, 8), (5, 10)))
    assert found is not None
    assert found.interval == pytest.approx((1.0, 1.0))
    assert (found.pearson, found.spearman) == pytest.approx((1.0, 1.0))


def test_the_early_rise_alone_bears_out_the_claim() -> None:
    """Both accuracies of a simulated run rise at once and then vary each by itself."""
    random = np.random.default_rng(5)
    late = [(4920 + int(a), 9830 + int(b)) for a, b in random.normal(0, 3, (30, 2))]
    found = agree(Pairs(5000, 10_000, pairs((500, 1000), *late)), half=15_000)
    assert found.overall is not None
    assert found.late is not None
    assert found.overall.as_claimed
    assert not found.late.as_claimed
    assert found.late.checkpoints == 15
    assert found.late.interval[0] < 0 < found.late.interval[1]
    told = agreement_verdict(found, "raw weights")
    assert told.startswith(
        "The correlation above 0.9999 that a tutorial claims holds by the early rise alone: r = 0.9999"
    )
    assert (
        f" over all 31 checkpoints of the raw weights, but r = {correlation_text(found.late.pearson)} "
        in told
    )


@settings(max_examples=60)
@given(counts=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_the_choice_is_the_best_by_validation_and_of_equals_the_earliest(
    counts: list[tuple[int, int]],
) -> None:
    all_pairs = pairs(*counts)
    found = agree(Pairs(9, 9, all_pairs), half=0)
    best = max(validation for validation, _ in counts)
    assert found.chosen == next(pair for pair in all_pairs if pair.validation == best)
    assert found.best == next(pair for pair in all_pairs if pair.test == max(test for _, test in counts))
    assert found.last == all_pairs[-1]
    told = agreement_verdict(found, "averaged weights")
    lost = found.best.test - found.chosen.test
    assert ("as many as the best in hindsight" in told) == (lost == 0)
    if lost:
        assert f": {lost} fewer (−{100 * lost / 9:.2f} pp) than step {found.best.step:,}, the best" in told
    assert ("last checkpoint" in told) == (found.chosen != found.last)


def score(step: int, average: str, split: str, correct: int, n: int) -> Score:
    return Score(step, average, split, n, correct, None, 0.0)


def test_pairs_are_the_steps_that_have_both() -> None:
    scores = [
        *(score(step, "", "validation", step // 10, 100) for step in (0, 10, 20, 30, 40)),
        *(score(step, "", "test", step // 5, 200) for step in (40, 30, 20, 0)),
        score(10, "EMA", "test", 1, 200),
    ]
    found = Pairs(100, 200, [Pair(0, 0, 0), Pair(20, 2, 4), Pair(30, 3, 6), Pair(40, 4, 8)])
    assert paired(scores, "") == found
    assert paired(scores, "EMA") is None
    # Of what was once evaluated on other data no image is the same.
    assert paired([score(5, "", split, 1, 60) for split in ("validation", "test")] + scores, "") == found


R = Correlation(31, 0.999981, (0.9999, 0.99999), 0.5)


def verdict(overall: float | None, late: float | None, n: int = 31, chosen: Pair | None = None) -> str:
    correlations = [
        None if r is None else Correlation(n, r, (r - 0.1, min(r + 0.1, 1.0)), 0.5) for r in (overall, late)
    ]
    last = Pair(30_000, 4900, 9830)
    return agreement_verdict(
        Agreement(15_000, 10_000, n, *correlations, chosen or last, Pair(27_000, 4890, 9838), last),
        "averaged weights",
    )


CLAIM = f"The correlation above {CLAIMED} that a tutorial claims"
WHOLE = "over all 31 checkpoints of the averaged weights"
LATE = "in the second half, after step 15,000"
TOO_LITTLE = f"{LATE}, there is too little to tell."


@pytest.mark.parametrize(
    ("overall", "late", "told"),
    [
        (0.999981, 0.43, f"{CLAIM} holds by the early rise alone: r = 0.999981 {WHOLE}, but r = 0.43 "
         f"(95 % interval 0.33 to 0.53) {LATE}."),
        (0.999981, 0.99996, f"{CLAIM} holds: r = 0.999981 {WHOLE}, and r = 0.999960 "
         f"(95 % interval 0.899960 to 1.000000) {LATE}."),
        (0.97, -0.2, f"{CLAIM} does not hold: r = 0.970 {WHOLE}, and r = −0.20 "
         f"(95 % interval −0.30 to −0.10) {LATE}."),
        (0.97, 0.99996, f"{CLAIM} holds in the second half alone: r = 0.970 {WHOLE}, but r = 0.999960 "
         f"(95 % interval 0.899960 to 1.000000) {LATE}."),
        (0.999981, None, f"{CLAIM} holds, as far as can be told: r = 0.999981 {WHOLE}; {TOO_LITTLE}"),
        (0.97, None, f"{CLAIM} does not hold: r = 0.970 {WHOLE}; {TOO_LITTLE}"),
        (None, None, "Nothing to tell: one of the two accuracies of the averaged weights never changes."),
    ],
)  # fmt: skip
def test_the_claim_is_told_plainly(overall: float | None, late: float | None, told: str) -> None:
    choice = (
        "Validation chooses step 30,000, which reads 9,830 of 10,000 test images right: "
        "8 fewer (−0.08 pp) than step 27,000, the best in hindsight."
    )
    assert verdict(overall, late) == f"{told} {choice}"


@pytest.mark.parametrize(("n", "some"), [(1, "only 1 checkpoint is"), (3, "only 3 checkpoints are")])
def test_of_too_few_only_the_choice_is_told(n: int, some: str) -> None:
    told = verdict(None, None, n)
    assert told.startswith(
        f"Too few to tell: of the averaged weights {some} evaluated on both validation and test images. "
        "Validation chooses step 30,000"
    )


@pytest.mark.parametrize(
    ("test", "told"),
    [
        (9838, ": as many as the best in hindsight, and 8 more than the last checkpoint."),
        (9830, "the best in hindsight, and as many as the last checkpoint."),
        (9829, ": 9 fewer (−0.09 pp) than step 27,000, the best in hindsight, and 1 fewer than the last "),
    ],
)
def test_the_choice_is_held_against_the_best_and_the_last(test: int, told: str) -> None:
    assert told in verdict(0.9, 0.9, chosen=Pair(14_000, 4910, test))


@pytest.mark.parametrize(
    ("r", "text"),
    [(1.0, "1"), (-1.0, "−1"), (0.0, "0.00"), (-0.001, "0.00"), (0.4321, "0.43"), (0.99123, "0.9912"),
     (0.999981, "0.999981"), (-0.97, "−0.970"), (0.9999998, "0.99999980")],
)  # fmt: skip
def test_a_correlation_is_told_as_exactly_as_it_takes(r: float, text: str) -> None:
    assert correlation_text(r) == text
