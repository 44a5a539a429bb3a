"""Raw against averaged weights at each checkpoint of a run and over all of them: better, or luckier?"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, stdtrit

from shadowboard.comparison import FEWEST
from shadowboard.records import PairedReadings
from shadowboard.wording import signed_points


class MeanDifference(NamedTuple):
    """Averaged minus raw, as a share of the images, on average over several checkpoints.

    interval: 95 %, for these very weights and other images of the same kind. The checkpoints of a run all
    read the same images, so they are no independent witnesses; the images are, each with its mean over them.
    differing: images that at some checkpoint only one of the two reads right.
    """

    checkpoints: int
    accuracy: float
    interval: tuple[float, float]
    differing: int

    @property
    def sign(self) -> int:
        """1: averaged is ahead, −1: raw is, 0: that could be chance."""
        low, high = self.interval
        return 0 if self.differing < FEWEST else int(low > 0) - int(high < 0)


@dataclass(frozen=True)
class RunComparison:
    """A run's checkpoints by step: how many images only one of the two reads right, with McNemar's exact p.

    overall: their mean difference, without step 0; late: that of those beyond `half`. None: of fewer than 2.
    """

    n: int
    half: int
    step: list[int]
    only_raw: list[int]
    only_averaged: list[int]
    p_value: list[float]
    overall: MeanDifference | None
    late: MeanDifference | None


class _Sum:
    """Adds up which images averaging reads right more often, and which less."""

    def __init__(self, n: int) -> None:
        self.checkpoints = 0
        self.images: NDArray[np.int64] = np.zeros(n, np.int64)
        self.differs: NDArray[np.bool_] = np.zeros(n, np.bool_)

    def add(self, difference: NDArray[np.int8]) -> None:
        self.checkpoints += 1
        self.images += difference
        self.differs |= difference != 0

    def mean(self) -> MeanDifference | None:
        n = len(self.images)
        if self.checkpoints < 2 or n < 2:
            return None
        middle = int(self.images.sum()) / (self.checkpoints * n)  # exactly 0 where it is
        # A normal interval would be too sure where a few images bear it all: Student's, with as many
        # degrees of freedom as that many equal images would have (Kish 1965, effective sample size).
        squares = int((self.images**2).sum())
        effective = int(np.abs(self.images).sum()) ** 2 / squares if squares else 1.0
        quantile = float(stdtrit(max(effective - 1, 0.1), 0.975))
        reach = quantile * float((self.images / self.checkpoints).std(ddof=1)) / math.sqrt(n)
        interval = max(middle - reach, -1.0), min(middle + reach, 1.0)
        return MeanDifference(self.checkpoints, middle, interval, int(np.count_nonzero(self.differs)))


def compare_run(labels: NDArray[np.uint8], readings: Iterable[PairedReadings], half: int) -> RunComparison:
    """Compare the checkpoints of a run, by ascending step, whose images are `labels`: uint8 [N].

    `half`: the step in the middle of the run. Readings of another number of images are passed over.
    """
    overall, late = _Sum(len(labels)), _Sum(len(labels))
    steps, only_raw, only_averaged = [], [], []
    for step, raw, averaged in readings:
        if not len(raw) == len(averaged) == len(labels):
            continue
        raw_right = np.frombuffer(raw, np.uint8) == labels
        averaged_right = np.frombuffer(averaged, np.uint8) == labels
        difference = averaged_right.view(np.int8) - raw_right.view(np.int8)
        steps.append(step)
        only_raw.append(int(np.count_nonzero(difference < 0)))
        only_averaged.append(int(np.count_nonzero(difference > 0)))
        if step > 0:
            overall.add(difference)
        if step > half:
            late.add(difference)
    b, c = np.array(only_averaged, np.int64), np.array(only_raw, np.int64)
    p_value = np.minimum(1.0, 2 * bdtr(np.minimum(b, c), b + c, 0.5)).tolist()
    return RunComparison(
        len(labels), half, steps, only_raw, only_averaged, p_value, overall.mean(), late.mean()
    )


def run_verdict(found: RunComparison, whole: bool, split: str, average: str = "") -> str | None:
    """The comparison over the run in a sentence or two for a person; None of too few checkpoints.

    `whole`: the run has ended, and its last checkpoint is among these. `split`: whose images they are.
    `average`: what tells it from the run's others, such as its decay; empty where it keeps but one.
    """
    overall, late = found.overall, found.late
    if overall is None:
        return None
    averaging = "Averaging" + (f" with {average}" if average else "")
    part = f"over the {overall.checkpoints:,} checkpoints {'of the run' if whole else 'so far'}"
    if not overall.differing:
        same = f"both sets of weights read exactly the same {split} images right"
        return f"{averaging} makes no difference: {part} {same}."
    if overall.differing < FEWEST:
        images = "only 1 image is" if overall.differing == 1 else f"only {overall.differing} images are"
        return f"Too few to tell: {part} {images} ever read right by one of the two alone."
    if late is not None and (late.checkpoints == overall.checkpoints or late.differing < FEWEST):
        late = None
    outcome = {1: "helps", -1: "hurts", 0: "makes no clear difference"}[overall.sign]
    if late is not None and late.sign != overall.sign:
        outcome += " on the whole"
    points, low, high = signed_points(overall.accuracy, *overall.interval)
    much = f"{points.lstrip('+−')} percentage points {'fewer' if overall.accuracy < 0 else 'more'}"
    chance = "" if overall.sign else ", which could be chance"
    sentence = (
        f"{averaging} {outcome}: {part} the averaged weights read {much} {split} images right "
        f"(95 % interval {low} to {high}){chance}."
    )
    if late is None:
        return sentence
    points, low, high = signed_points(late.accuracy, *late.interval)
    if late.sign == overall.sign:
        half, so = "half", "still " if late.sign else ""
    else:
        half, so = "half alone", {1: "it helps: ", -1: "it hurts: ", 0: ""}[late.sign]
    chance = "" if late.sign else ", which could be chance"
    after = f"In the second {half}, after step {found.half:,}, {so}{points} pp ({low} to {high}){chance}."
    return f"{sentence} {after}"
