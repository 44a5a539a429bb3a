"""Raw against averaged weights over a run: against scipy, a resampling of images, and simulated truth."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest, ttest_1samp

from shadowboard.comparison import compare
from shadowboard.evaluation import Evaluation
from shadowboard.records import PairedReadings
from shadowboard.run_comparison import MeanDifference, RunComparison, compare_run, run_verdict

RIGHT, WRONG = 7, 1


def readings(
    raw: NDArray[np.bool_], averaged: NDArray[np.bool_], every: int = 10
) -> Iterator[PairedReadings]:
    """Of checkpoints [C, N]: whether each image is read right, from step 0 on."""
    for i, rights in enumerate(zip(raw, averaged, strict=True)):
        yield PairedReadings(
            every * i, *(np.where(right, RIGHT, WRONG).astype(np.uint8).tobytes() for right in rights)
        )


def judged(raw: NDArray[np.bool_], averaged: NDArray[np.bool_], half: int = 10**9) -> RunComparison:
    return compare_run(np.full(raw.shape[1], RIGHT, np.uint8), readings(raw, averaged), half)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), checkpoints=st.integers(1, 6), n=st.integers(1, 60))
def test_each_checkpoint_is_compared_as_it_is_alone(seed: int, checkpoints: int, n: int) -> None:
    random = np.random.default_rng(seed)
    raw, averaged = random.random((2, checkpoints, n)) < 0.7
    found = judged(raw, averaged)
    assert found.step == [10 * i for i in range(checkpoints)]
    labels = np.full(n, RIGHT, np.uint8)
    sure = np.ones(n, np.float32)
    for i in range(checkpoints):
        sides = (np.where(right[i], RIGHT, WRONG).astype(np.uint8) for right in (raw, averaged))
        alone = compare(*(Evaluation(labels, side, sure, 0.0) for side in sides))
        assert (found.only_raw[i], found.only_averaged[i]) == (alone.only_raw, alone.only_averaged)
        discordant = alone.only_raw + alone.only_averaged
        expected = binomtest(alone.only_raw, discordant).pvalue if discordant else 1.0
        assert found.p_value[i] == pytest.approx(expected, rel=1e-9)


def test_the_interval_is_that_of_resampled_images() -> None:
    random = np.random.default_rng(7)
    hard = random.random(4000) * 0.3  # the same images are hard for all checkpoints
    raw, averaged = random.random((2, 9, 4000)) > np.stack([hard, 0.9 * hard])[:, None]
    found = judged(raw, averaged, half=45)
    for mean, first in ((found.overall, 1), (found.late, 5)):
        each = averaged[first:].mean(0) - raw[first:].mean(0)
        assert mean is not None
        assert mean.checkpoints == 9 - first
        assert mean.accuracy == pytest.approx(each.mean())
        resampled = each[random.integers(0, 4000, (4000, 4000))].mean(1)
        assert mean.interval == pytest.approx(np.quantile(resampled, [0.025, 0.975]), abs=3e-4)
        # The normal interval is that of the t distribution, of so many images.
        t = ttest_1samp(each, 0).confidence_interval(0.95)
        assert mean.interval == pytest.approx(tuple(t), abs=2e-5)
        assert mean.differing == int((raw[first:] != averaged[first:]).any(0).sum())


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """For given weights an image is what is drawn: whether each checkpoint reads it right hangs together."""
    random = np.random.default_rng(11)
    covered = 0
    for _ in range(400):
        hard = random.random(1500) < 0.05
        # Of the images that raw reads wrong averaging reads one in five right, always or never.
        helped = hard & (random.random(1500) < 0.2)
        spoilt = random.random((4, 1500)) < 0.002
        raw = ~np.broadcast_to(hard, (4, 1500))
        found = judged(raw, (raw | helped) & ~spoilt).overall
        assert found is not None
        truth = 0.05 * 0.2 - (0.95 + 0.05 * 0.2) * 0.002
        covered += found.interval[0] <= truth <= found.interval[1]
    assert 0.925 <= covered / 400 <= 0.985


@pytest.mark.parametrize("weights", [[2] * 6, [2] * 12, [20] * 4 + [1] * 2, [5] * 10 + [1] * 20])
def test_chance_is_seldom_taken_for_a_difference(weights: list[int]) -> None:
    """However few images bear it: each is, by the toss of a coin, at so many checkpoints better or worse."""
    random = np.random.default_rng(3)
    taken = 0
    for _ in range(600):
        better = random.random(len(weights)) < 0.5
        raw, averaged = np.ones((2, 1 + max(weights), 5000), np.bool_)
        for i, (weight, up) in enumerate(zip(weights, better, strict=True)):
            (raw if up else averaged)[1 : 1 + weight, i] = False
        found = judged(raw, averaged).overall
        assert found is not None
        taken += found.sign != 0
    assert taken / 600 <= 0.07


def test_step_zero_counts_for_nothing_and_too_few_are_no_mean() -> None:
    raw = np.zeros((2, 50), np.bool_)
    found = judged(raw, ~raw)
    assert (found.overall, found.late, run_verdict(found, whole=True, split="test")) == (None, None, None)


def test_readings_of_other_images_are_passed_over() -> None:
    labels = np.full(5, RIGHT, np.uint8)
    good, other = bytes([RIGHT] * 5), bytes([RIGHT] * 4)
    found = compare_run(labels, [PairedReadings(1, good, other), PairedReadings(2, good, good)], 0)
    assert found.step == [2]


def verdict_of(overall: MeanDifference, late: MeanDifference | None = None, average: str = "") -> str | None:
    return run_verdict(
        RunComparison(5000, 15_000, [], [], [], [], overall, late), late is not None, "validation", average
    )


@pytest.mark.parametrize(
    ("overall", "late", "sentence"),
    [
        (
            MeanDifference(30, 0.001, (0.0006, 0.0014), 165),
            MeanDifference(15, 0.00044, (-0.0001, 0.001), 63),
            "Averaging helps on the whole: over the 30 checkpoints of the run the averaged weights read 0.10 "
            "percentage points more validation images right (95 % interval +0.06 to +0.14). In the second "
            "half alone, after step 15,000, +0.04 pp (−0.01 to +0.10), which could be chance.",
        ),
        (
            MeanDifference(30, 0.001, (0.0006, 0.0014), 165),
            MeanDifference(15, 0.0008, (0.0001, 0.0015), 63),
            "Averaging helps: over the 30 checkpoints of the run the averaged weights read 0.10 percentage "
            "points more validation images right (95 % interval +0.06 to +0.14). In the second half, after "
            "step 15,000, still +0.08 pp (+0.01 to +0.15).",
        ),
        (
            MeanDifference(8, -0.002, (-0.003, -0.001), 90),
            MeanDifference(4, 0.002, (0.001, 0.003), 60),
            "Averaging hurts on the whole: over the 8 checkpoints of the run the averaged weights read 0.20 "
            "percentage points fewer validation images right (95 % interval −0.30 to −0.10). In the second "
            "half alone, after step 15,000, it helps: +0.20 pp (+0.10 to +0.30).",
        ),
        (
            MeanDifference(8, 0.00001, (-0.00101, 0.00103), 90),
            MeanDifference(4, 0.0, (-0.001, 0.001), 60),
            "Averaging makes no clear difference: over the 8 checkpoints of the run the averaged weights "
            "read 0.001 percentage points more validation images right (95 % interval −0.101 to +0.103), "
            "which could be chance. In the second half, after step 15,000, 0.00 pp (−0.10 to +0.10), which "
            "could be chance.",
        ),
        (
            MeanDifference(1200, 0.001, (0.0006, 0.0014), 165),
            None,
            "Averaging helps: over the 1,200 checkpoints so far the averaged weights read 0.10 percentage "
            "points more validation images right (95 % interval +0.06 to +0.14).",
        ),
        (
            MeanDifference(3, 0.0004, (0.0001, 0.0007), 5),
            None,
            "Too few to tell: over the 3 checkpoints so far only 5 images are ever read right by one of the "
            "two alone.",
        ),
    ],
)
def test_verdicts(overall: MeanDifference, late: MeanDifference | None, sentence: str) -> None:
    assert verdict_of(overall, late) == sentence


@pytest.mark.parametrize(
    ("differing", "sentence"),
    [
        (
            0,
            "Averaging makes no difference: over the 2 checkpoints so far both sets of weights read exactly "
            "the same validation images right.",
        ),
        (
            1,
            "Too few to tell: over the 2 checkpoints so far only 1 image is ever read right by one of the "
            "two alone.",
        ),
    ],
)
def test_verdict_of_hardly_a_difference(differing: int, sentence: str) -> None:
    assert verdict_of(MeanDifference(2, 0.0, (0.0, 0.0), differing)) == sentence


def test_the_verdict_names_the_average_of_several() -> None:
    found = verdict_of(MeanDifference(3, -0.01, (-0.02, -0.001), 50), average="decay 0.9999")
    assert found is not None
    assert found.startswith("Averaging with decay 0.9999 hurts: over the 3 checkpoints so far the averaged")
    assert "1.00 percentage points fewer validation images right" in found
    named = verdict_of(MeanDifference(2, 0.0, (0.0, 0.0), 0), average="ExponentialMovingAverage")
    assert named is not None
    assert named.startswith("Averaging with ExponentialMovingAverage makes no difference: ")


def test_the_numbers_of_a_sentence_have_equal_decimals() -> None:
    found = verdict_of(MeanDifference(9, 0.0004, (-0.000009, 0.0008), 90))
    assert found is not None
    assert (
        "0.040 percentage points more validation images right (95 % interval −0.001 to +0.080), which"
        in found
    )
