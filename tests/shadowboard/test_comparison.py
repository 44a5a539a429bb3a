from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from shadowboard.comparison import Comparison, compare, mcnemar, paired_interval, verdict
from shadowboard.evaluation import Evaluation

Z = 1.959963984540054


def evaluation(labels: list[int], predictions: list[int], confidences: list[float]) -> Evaluation:
    return Evaluation(
        np.array(labels, np.uint8), np.array(predictions, np.uint8), np.array(confidences, np.float32), 1.0
    )


def table(both: int, only_raw: int, only_averaged: int, neither: int, apart: int = 0) -> Comparison:
    """A comparison of this paired table; of those that neither reads right, `apart` are read differently."""
    n = both + only_raw + only_averaged + neither
    raw = [7] * (both + only_raw) + [1] * (n - both - only_raw)
    averaged = [7] * both + [1] * only_raw + [7] * only_averaged + [1] * (neither - apart) + [2] * apart
    return compare(evaluation([7] * n, raw, [0.5] * n), evaluation([7] * n, averaged, [0.5] * n))


counts = st.integers(0, 400)
digits = st.integers(0, 9)
shares = st.floats(0, 1, width=32)
pairs = st.lists(st.tuples(digits, digits, shares, digits, shares), min_size=1, max_size=200).map(
    lambda rows: [list(column) for column in zip(*rows, strict=True)]
)


def two(columns: list[list[int]]) -> tuple[Evaluation, Evaluation]:
    labels, raw, raw_confidences, averaged, averaged_confidences = columns
    return (
        evaluation(labels, raw, raw_confidences),  # type: ignore[arg-type]
        evaluation(labels, averaged, averaged_confidences),  # type: ignore[arg-type]
    )


@given(b=st.integers(0, 5000), c=st.integers(0, 5000), concordant=counts)
def test_p_value_is_that_of_statsmodels_and_scipy(b: int, c: int, concordant: int) -> None:
    assume(b + c > 0)
    expected = statsmodels_mcnemar([[concordant, c], [b, 9]], exact=True).pvalue
    assert mcnemar(b, c) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(b, c) == pytest.approx(binomtest(b, b + c).pvalue, rel=1e-9)


def test_without_discordant_pairs_there_is_nothing_against_chance() -> None:
    assert mcnemar(0, 0) == 1


@pytest.mark.parametrize(
    ("b", "c", "n", "low", "high", "digits"),
    [
        # Fagerland, Lydersen & Laake 2014, airway hyper-responsiveness, Tango's asymptotic score
        (1, 7, 21, -0.517, -0.026, 3),
        # R: ratesci::pairbinci(c(53, 16, 8, 9)) and PropCIs::scoreci.mp(28, 25, 618)
        (16, 8, 86, -0.020, 0.207, 3),
        (25, 28, 618, -0.0287, 0.0188, 4),
    ],
)
def test_published_intervals(b: int, c: int, n: int, low: float, high: float, digits: int) -> None:
    found = paired_interval(b, c, n)
    assert (round(found[0], digits), round(found[1], digits)) == (low, high)


def score(difference: float, b: int, c: int, n: int) -> float:
    """Tango's statistic with the likelihood under the null maximised by search instead of by formula."""

    def surprise(only_c: float) -> float:
        shares = (only_c + difference, only_c, 1 - 2 * only_c - difference)
        seen = (b, c, n - b - c)
        return -sum(k * np.log(max(p, 1e-300)) for k, p in zip(seen, shares, strict=True) if k)

    limits = (max(0.0, -difference), (1 - difference) / 2)
    only_c = minimize_scalar(surprise, bounds=limits, method="bounded", options={"xatol": 1e-12}).x
    variance = (2 * only_c + difference - difference**2) / n
    return float(((b - c) / n - difference) / np.sqrt(variance))


@given(n=st.integers(8, 6000), data=st.data())
def test_interval_is_where_the_score_under_the_null_is_not_extreme(n: int, data: st.DataObject) -> None:
    b = data.draw(st.integers(1, n // 3))
    c = data.draw(st.integers(1, n // 3))
    for bound, away in zip(paired_interval(b, c, n), (-1.0, 1.0), strict=True):
        expected = brentq(lambda d: abs(score(d, b, c, n)) - Z, (b - c) / n, away * (1 - 1e-6))
        assert bound == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("n", [1, 2, 50, 5000])
def test_intervals_at_the_edges_in_closed_form(n: int) -> None:
    weight = Z * Z
    assert paired_interval(0, 0, n) == pytest.approx((-weight / (n + weight), weight / (n + weight)))
    assert paired_interval(n, 0, n) == pytest.approx(((n - weight) / (n + weight), 1))
    assert paired_interval(0, n, n) == pytest.approx((-1, (weight - n) / (n + weight)))


def test_the_interval_leaves_out_zero_wherever_the_exact_test_rejects() -> None:
    borders = 0
    for b in range(120):
        for c in range(120):
            low, high = paired_interval(b, c, 5000)
            excluded = low > 0 or high < 0
            assert excluded == ((b - c) ** 2 > Z * Z * (b + c))
            assert excluded or mcnemar(b, c) >= 0.05
            borders += excluded and mcnemar(b, c) >= 0.05
    assert 0 < borders < 120 * 120 / 50


@pytest.mark.parametrize(
    ("only_averaged", "only_raw"), [(0.0006, 0.0006), (0.004, 0.002), (0.02, 0.01), (0.3, 0.05)]
)
def test_the_interval_covers_the_truth_about_as_often_as_it_says(
    only_averaged: float, only_raw: float
) -> None:
    n = 5000
    truth = only_averaged - only_raw
    drawn = np.random.default_rng(0).multinomial(
        n, [only_averaged, only_raw, 1 - only_averaged - only_raw], size=4000
    )
    covered = 0
    for (b, c), times in Counter((int(b), int(c)) for b, c, _ in drawn).items():
        low, high = paired_interval(b, c, n)
        covered += times * (low <= truth <= high)
    assert 0.94 < covered / 4000 < 0.97


@given(pairs)
def test_the_table_and_the_disagreements_are_those_of_a_loop(columns: list[list[int]]) -> None:
    raw, averaged = two(columns)
    found = compare(raw, averaged)
    cells: Counter[tuple[bool, bool]] = Counter()
    expected = []
    for i, (label, read, sure, other, other_sure) in enumerate(zip(*columns, strict=True)):
        cells[read == label, other == label] += 1
        if read != other:
            kind = "fixed" if other == label else "broke" if read == label else "both_wrong"
            expected.append((i, label, kind, read, sure, other, other_sure))
    assert found.disagreements == expected
    assert (found.both_right, found.both_wrong) == (cells[True, True], cells[False, False])
    assert (found.only_raw, found.only_averaged) == (cells[True, False], cells[False, True])
    assert found.images == averaged.correct - raw.correct
    assert found.difference == pytest.approx(averaged.accuracy - raw.accuracy)
    for digit, n, raw_correct, averaged_correct in found.per_digit:
        at = raw.labels == digit
        assert n == at.sum()
        assert raw_correct == (raw.predictions[at] == digit).sum()
        assert averaged_correct == (averaged.predictions[at] == digit).sum()
    assert sum(row.averaged_correct - row.raw_correct for row in found.per_digit) == found.images


@given(pairs)
def test_swapped_sides_mirror_everything(columns: list[list[int]]) -> None:
    raw, averaged = two(columns)
    one, other = compare(raw, averaged), compare(averaged, raw)
    assert (one.only_raw, one.only_averaged) == (other.only_averaged, other.only_raw)
    assert (one.both_right, one.both_wrong) == (other.both_right, other.both_wrong)
    assert one.images == -other.images
    assert one.p_value == other.p_value
    assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]), abs=1e-12)
    mirrored = {None: None, "raw": "averaged", "averaged": "raw"}
    assert one.better == mirrored[other.better]
    swapped = {"fixed": "broke", "broke": "fixed", "both_wrong": "both_wrong"}
    assert [(d.image, d.kind) for d in one.disagreements] == [
        (d.image, swapped[d.kind]) for d in other.disagreements
    ]


def test_other_images_are_refused() -> None:
    one = evaluation([1], [1], [0.5])
    for other in (evaluation([2], [1], [0.5]), evaluation([1, 1], [1, 1], [0.5, 0.5])):
        with pytest.raises(ValueError, match="expected the same images"):
            compare(one, other)


@pytest.mark.parametrize(
    ("counts", "step", "better", "sentence"),
    [
        (
            (4901, 9, 22, 68),
            12_000,
            "averaged",
            "At step 12,000 the averaged weights read 4,923 of 5,000 validation images right, the raw "
            "weights 4,910: 13 more (+0.26 pp, 95 % interval +0.04 to +0.50, p = 0.029). "
            "Averaging helps here.",
        ),
        (
            (3000, 1500, 100, 400),
            100,
            "raw",
            "At step 100 the averaged weights read 3,100 of 5,000 validation images right, the raw weights "
            "4,500: 1,400 fewer (−28.00 pp, 95 % interval −29.37 to −26.65, p < 0.001). "
            "Averaging hurts here.",
        ),
        (
            (4900, 10, 11, 79),
            200,
            None,
            "At step 200 the averaged weights read 4,911 of 5,000 validation images right, the raw weights "
            "4,910: 1 more (+0.02 pp, 95 % interval −0.17 to +0.22, p = 1). That could be chance.",
        ),
        (
            (4900, 12, 3, 85),
            200,
            "raw",
            "At step 200 the averaged weights read 4,903 of 5,000 validation images right, the raw weights "
            "4,912: 9 fewer (−0.18 pp, 95 % interval −0.37 to −0.03, p = 0.035). Averaging hurts here.",
        ),
        (
            (4900, 2, 9, 89),
            200,
            None,
            "At step 200 the averaged weights read 4,909 of 5,000 validation images right, the raw weights "
            "4,902: 7 more (+0.14 pp, 95 % interval +0.01 to +0.31, p = 0.065). "
            "That is on the border of chance.",
        ),
        (
            (4900, 0, 5, 95),
            200,
            None,
            "At step 200 the averaged weights read 4,905 of 5,000 validation images right, the raw weights "
            "4,900: 5 more (+0.10 pp, 95 % interval +0.02 to +0.23, p = 0.062). "
            "Only 5 images are read right by one of the two alone, too few to tell.",
        ),
        (
            (4900, 1, 0, 99),
            200,
            None,
            "At step 200 the averaged weights read 4,900 of 5,000 validation images right, the raw weights "
            "4,901: 1 fewer (−0.02 pp, 95 % interval −0.11 to +0.06, p = 1). "
            "Only 1 image is read right by one of the two alone, too few to tell.",
        ),
        (
            (4900, 6, 6, 88),
            200,
            None,
            "At step 200 the averaged weights and the raw weights read exactly as many right, 4,906 of 5,000 "
            "validation images (95 % interval of the difference −0.16 to +0.16 pp). Neither is ahead here.",
        ),
        (
            (423, 0, 0, 4577),
            0,
            None,
            "At step 0 the averaged weights and the raw weights read all of 5,000 validation images alike, "
            "423 of them right. Averaging begins here.",
        ),
    ],
)
def test_verdicts(counts: tuple[int, int, int, int], step: int, better: str | None, sentence: str) -> None:
    found = table(*counts)
    assert verdict(step, "validation", found) == sentence
    assert found.better == better


def test_the_verdict_says_where_nothing_was_learned() -> None:
    labels = [0] * 10 + [1] * 12 + [2] * 10

    def reading(zeros: int, twos: int) -> Evaluation:
        """So many of either read right, and all else as a 0."""
        read = [0] * zeros + [2] * (10 - zeros) + [0] * 12 + [0] * (10 - twos) + [2] * twos
        return evaluation(labels, read, [0.5] * 32)

    told = "Neither has learned to tell digits: whoever calls each image a 1 reads 12 right."
    for step, twos, learned in ((0, 1, True), (9, 1, False), (9, 2, False), (9, 3, True)):
        found = verdict(step, "test", compare(reading(10, 1), reading(10, twos)))
        assert found.endswith(told) is not learned


def test_verdict_where_the_two_are_wrong_in_different_ways() -> None:
    assert verdict(10, "test", table(9_000, 0, 0, 1_000, apart=3)) == (
        "At step 10 the averaged weights and the raw weights read exactly as many right, 9,000 of 10,000 "
        "test images (95 % interval of the difference −0.04 to +0.04 pp). Neither is ahead here."
    )


def test_the_verdict_never_rounds_what_is_significant_to_what_is_not() -> None:
    for b, c in ((c + d, c) for c in range(600) for d in range(5, 80)):
        if 0.0495 <= mcnemar(b, c) < 0.05:
            assert "p = 0.049)" in verdict(1, "test", table(0, c, b, 0))
            break
    else:
        pytest.fail("no such table was found")


@given(b=counts, c=counts, rest=counts)
def test_verdict_and_numbers_say_the_same(b: int, c: int, rest: int) -> None:
    assume(b + c + rest > 0)
    found = table(0, c, b, rest)
    text = verdict(3, "test", found)
    assert ("helps" in text) == (found.p_value < 0.05 and b > c)
    assert ("hurts" in text) == (found.p_value < 0.05 and b < c)
    assert text.startswith("At step 3 the averaged weights ")
    assert "raw weights" in text
    assert "-" not in text  # minus signs are −
