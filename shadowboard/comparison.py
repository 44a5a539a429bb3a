"""Two Evaluations of the same images → Comparison: is averaging better, or is it luck?"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import bdtr

from shadowboard.evaluation import Evaluation
from shadowboard.intervals import ALPHA, Z
from shadowboard.wording import p_text, signed_points

FEWEST = 6  # discordant images: of fewer, even if all speak for one side, none gives a p below ALPHA

_HALVINGS = 60  # of an interval no longer than 2: to the last bit


class DigitComparison(NamedTuple):
    """How many of the `n` images of one digit either kind of weights reads right."""

    digit: int
    n: int
    raw_correct: int
    averaged_correct: int


class Disagreement(NamedTuple):
    """An image, by its place in the split, that the two kinds of weights read as different digits.

    `kind`: fixed (only the averaged weights are right), broke (only the raw ones are) or both_wrong.
    """

    image: int
    label: int
    kind: Literal["fixed", "broke", "both_wrong"]
    raw_digit: int
    raw_confidence: float
    averaged_digit: int
    averaged_confidence: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """Raw and averaged weights on the same n images.

    The paired table: images that both read right, only the raw or only the averaged weights do, or neither.
    interval: 95 % interval of the difference in accuracy, averaged minus raw; p_value: exact McNemar.
    """

    raw: Evaluation
    averaged: Evaluation
    both_right: int
    only_raw: int
    only_averaged: int
    both_wrong: int
    interval: tuple[float, float]
    p_value: float

    @property
    def n(self) -> int:
        """How many images were read."""
        return self.raw.n

    @property
    def images(self) -> int:
        """How many images more the averaged weights read right; negative: fewer."""
        return self.only_averaged - self.only_raw

    @property
    def difference(self) -> float:
        """The difference in accuracy, averaged minus raw."""
        return self.images / self.n

    @property
    def discordant(self) -> int:
        """How many images exactly one of the two reads right."""
        return self.only_averaged + self.only_raw

    @property
    def better(self) -> Literal["raw", "averaged"] | None:
        """The weights that are significantly better (p < 0.05), or None."""
        if self.p_value >= ALPHA:
            return None
        return "averaged" if self.images > 0 else "raw"

    @property
    def per_digit(self) -> list[DigitComparison]:
        """The ten digits, in order."""
        raw, averaged = self.raw.confusion, self.averaged.confusion
        counts = zip(raw.sum(1).tolist(), raw.diagonal().tolist(), averaged.diagonal().tolist(), strict=True)
        return [DigitComparison(digit, *row) for digit, row in enumerate(counts)]

    @property
    def disagreements(self) -> list[Disagreement]:
        """The images that are read as different digits, in the order of the split."""
        at = np.flatnonzero(self.raw.predictions != self.averaged.predictions)
        labels, raw, averaged = self.raw.labels[at], self.raw.predictions[at], self.averaged.predictions[at]
        kinds = np.where(averaged == labels, "fixed", np.where(raw == labels, "broke", "both_wrong"))
        confidences = self.raw.confidences[at], self.averaged.confidences[at]
        columns = (at, labels, kinds, raw, confidences[0], averaged, confidences[1])
        return [Disagreement(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def compare(raw: Evaluation, averaged: Evaluation) -> Comparison:
    """Compare the evaluations of the same images with raw and averaged weights.

    Raises ValueError where they are of different images.
    """
    if not np.array_equal(raw.labels, averaged.labels):
        raise ValueError(
            f"The evaluations are of {raw.n} and {averaged.n} images with different labels; "
            "expected the same images."
        )
    raw_right, averaged_right = raw.predictions == raw.labels, averaged.predictions == averaged.labels
    both = int(np.count_nonzero(raw_right & averaged_right))
    only_raw, only_averaged = raw.correct - both, averaged.correct - both
    return Comparison(
        raw,
        averaged,
        both_right=both,
        only_raw=only_raw,
        only_averaged=only_averaged,
        both_wrong=raw.n - both - only_raw - only_averaged,
        interval=paired_interval(only_averaged, only_raw, raw.n),
        p_value=mcnemar(only_averaged, only_raw),
    )


def mcnemar(b: int, c: int) -> float:
    """The exact two-sided p-value of McNemar's test: 1 where there is no discordant pair.

    Of b + c discordant pairs, b would be binomial with probability ½ were there no difference (McNemar 1947).
    """
    return min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5)))


def paired_interval(b: int, c: int, n: int) -> tuple[float, float]:
    """Tango's 95 % score interval of a paired difference of shares, (b - c) / n (Tango 1998).

    b, c: the discordant pairs among n > 0. With few of them Wald's interval falls far below its level, and
    with none it is the point 0; this one holds its level. It leaves out 0 exactly where McNemar's test
    without correction rejects: wherever the exact one does, and in some borderline tables besides.
    """

    def excess(difference: float) -> float:
        """Below 0 where `difference` is in the interval."""
        half = (2 * n - b + c) * difference - b - c
        product = c * difference * (1 - difference)
        only_c = (math.sqrt(max(0.0, half * half + 8 * n * product)) - half) / (4 * n)  # most likely share
        variance = n * (2 * only_c + difference * (1 - difference))
        return (b - c - n * difference) ** 2 - Z * Z * variance

    middle = (b - c) / n
    return _crossing(excess, middle, -1.0), _crossing(excess, middle, 1.0)


def _crossing(excess: Callable[[float], float], inside: float, outside: float) -> float:
    """Where `excess` leaves the values below 0 on the way."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if excess(middle) < 0:
            inside = middle
        else:
            outside = middle
    return outside


def verdict(step: int, split: str, comparison: Comparison, average: str = "") -> str:
    """The comparison at `step` on the images of `split`, in one or two sentences for a person.

    `average`: what tells it from the run's others, such as its decay; empty where it keeps but one.
    """
    return _outcome(step, split, comparison, average) + (_nothing_learned(comparison) if step else "")


def _nothing_learned(comparison: Comparison) -> str:
    """That one answer for all images would do as well, where it would."""
    commonest = max(comparison.per_digit, key=lambda digit: digit.n)
    most = max(comparison.raw.correct, comparison.averaged.correct)
    if most > commonest.n or commonest.n == comparison.n:
        return ""
    return (
        " Neither has learned to tell digits: "
        f"whoever calls each image {'an' if commonest.digit == 8 else 'a'} {commonest.digit} "
        f"reads {commonest.n:,} right."
    )


def _outcome(step: int, split: str, comparison: Comparison, average: str) -> str:
    raw, averaged = comparison.raw, comparison.averaged
    averaged_weights = "averaged weights" + (f" ({average})" if average else "")
    images = f"{comparison.n:,} {split} image{'' if comparison.n == 1 else 's'}"
    if np.array_equal(raw.predictions, averaged.predictions):
        outcome = "Averaging makes no difference here." if step else "Averaging begins here."
        return (
            f"At step {step:,} the {averaged_weights} and the raw weights read all of {images} alike, "
            f"{raw.correct:,} of them right. {outcome}"
        )
    points, low, high = signed_points(comparison.difference, *comparison.interval)
    if comparison.images == 0:
        return (
            f"At step {step:,} the {averaged_weights} and the raw weights read exactly as many right, "
            f"{raw.correct:,} of {images} (95 % interval of the difference {low} to {high} pp). "
            "Neither is ahead here."
        )
    more = "more" if comparison.images > 0 else "fewer"
    return (
        f"At step {step:,} the {averaged_weights} read {averaged.correct:,} of {images} right, "
        f"the raw weights {raw.correct:,}: {abs(comparison.images):,} {more} "
        f"({points} pp, 95 % interval {low} to {high}, "
        f"{p_text(comparison.p_value)}). {_conclusion(comparison)}"
    )


def _conclusion(comparison: Comparison) -> str:
    if comparison.better:
        return f"Averaging {'helps' if comparison.better == 'averaged' else 'hurts'} here."
    if comparison.discordant < FEWEST:
        are = "1 image is" if comparison.discordant == 1 else f"{comparison.discordant} images are"
        return f"Only {are} read right by one of the two alone, too few to tell."
    low, high = comparison.interval
    if low > 0 or high < 0:  # the exact test asks for more than the interval does
        return "That is on the border of chance."
    return "That could be chance."
