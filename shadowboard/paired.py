"""Scores of a few seeds: their spread, and the paired differences of two recipes with the same seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import NamedTuple, TypeVar

from scipy.special import stdtr, stdtrit

from shadowboard.intervals import ALPHA
from shadowboard.records import Score

_Name = TypeVar("_Name")


class Spread(NamedTuple):
    """Accuracies over seeds: of how many, their mean, standard deviation (None of one), least, greatest."""

    seeds: int
    mean: float
    deviation: float | None
    lowest: float
    highest: float


def spread(scores: Sequence[Score]) -> Spread | None:
    """The spread of evaluations of the same images; None of no evaluation."""
    if not scores:
        return None
    correct, n = [score.correct for score in scores], scores[0].n
    deviation = stdev(correct) / n if len(correct) > 1 else None
    return Spread(len(correct), fmean(correct) / n, deviation, min(correct) / n, max(correct) / n)


@dataclass(frozen=True)
class PairedDifference:
    """The difference of two accuracies, on average over the seeds that both have.

    interval: 95 % interval of the mean for other seeds; p_value: of a mean of 0, two-sided; both by Student's
    t of the differences (Student 1908). None of fewer than two seeds, and where all seeds differ by just as
    much, for then there is no spread to judge by.
    """

    seeds: int
    mean: float
    interval: tuple[float, float] | None
    p_value: float | None

    def p_of(self, value: float) -> float:
        """The p-value of a mean of `value`, by the same test; 1 where there is no spread to judge by."""
        if self.interval is None:
            return 1.0
        error = (self.interval[1] - self.mean) / float(stdtrit(self.seeds - 1, 1 - ALPHA / 2))
        return 2 * float(stdtr(self.seeds - 1, -abs((self.mean - value) / error)))


def paired_difference(differences: Sequence[int], n: int) -> PairedDifference | None:
    """Of how many of n images more were read right, seed by seed; None of no seed."""
    if not differences:
        return None
    pairs, mean = len(differences), fmean(differences)
    deviation = stdev(differences) if pairs > 1 else 0.0
    if deviation == 0:
        return PairedDifference(pairs, mean / n, None, None)
    error = deviation / math.sqrt(pairs)
    reach = float(stdtrit(pairs - 1, 1 - ALPHA / 2)) * error
    p_value = 2 * float(stdtr(pairs - 1, -abs(mean / error)))
    return PairedDifference(pairs, mean / n, ((mean - reach) / n, (mean + reach) / n), p_value)


def minus(ones: Mapping[int, Score], others: Mapping[int, Score]) -> PairedDifference | None:
    """`ones` minus `others`, each by seed and all of the same images, of the seeds that both have."""
    seeds = sorted(ones.keys() & others.keys())
    n = ones[seeds[0]].n if seeds else 1
    return paired_difference([ones[seed].correct - others[seed].correct for seed in seeds], n)


def corrected(differences: Mapping[_Name, PairedDifference | None]) -> dict[_Name, float | None]:
    """Their p-values, corrected for all of them."""
    p_values = [None if difference is None else difference.p_value for difference in differences.values()]
    return dict(zip(differences, holm(p_values), strict=True))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for how many they are (Holm 1979): below ALPHA where a step-down test rejects.

    One that is None has not been tested yet; it counts as one of the comparisons all the same.
    """
    corrected: list[float | None] = [None] * len(p_values)
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    largest = 0.0
    for rank, (p, i) in enumerate(known):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        corrected[i] = largest
    return corrected
