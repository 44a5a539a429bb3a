"""Validation against test accuracy over a run's checkpoints: do they agree, and may validation choose?"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scipy.stats import pearsonr, spearmanr

from shadowboard.records import Score, rank

CLAIMED = 0.9999
"""The correlation of both is claimed to be above this, and that validation may therefore choose the model."""

FEWEST = 4  # checkpoints: of fewer the interval would leave everything open


class Pair(NamedTuple):
    """How many images of either split the same weights read right at a step."""

    step: int
    validation: int
    test: int


@dataclass(frozen=True)
class Pairs:
    """The pairs of some weights by ascending step, and how many images each split has."""

    validation_images: int
    test_images: int
    pairs: list[Pair]


class Correlation(NamedTuple):
    """Of validation with test accuracy over several checkpoints.

    pearson: r. interval: its 95 % interval by Fisher's transformation (Fisher 1921), which takes the
    checkpoints for independent ones; neighbours are not, so it is rather too narrow. spearman: that of the
    ranks.
    """

    checkpoints: int
    pearson: float
    interval: tuple[float, float]
    spearman: float

    @property
    def as_claimed(self) -> bool:
        """Whether r is above what is claimed."""
        return self.pearson > CLAIMED


@dataclass(frozen=True)
class Agreement:
    """What validation accuracy tells of test accuracy, and what it costs to choose a checkpoint by it.

    overall: over all checkpoints, the early rise included, which alone brings r near 1. late: over those
    beyond the step `half`, among which one really chooses. None: too few, or one of the two never changes.
    chosen: the most validation images read right, of equals the earliest. best: the most test images, which
    is known in hindsight only. last: the newest.
    """

    half: int
    test_images: int
    checkpoints: int
    overall: Correlation | None
    late: Correlation | None
    chosen: Pair
    best: Pair
    last: Pair


def paired(scores: Iterable[Score], average: str) -> Pairs | None:
    """What `average` (empty: the raw weights) scored where both splits are evaluated; None where nowhere.

    Scores of another number of images than the newest ones have are of other data, and passed over.
    """
    by_split: dict[str, dict[int, Score]] = {"validation": {}, "test": {}}
    for score in scores:
        if score.average == average:
            by_split[score.split][score.step] = score
    validation, test = by_split["validation"], by_split["test"]
    steps = sorted(validation.keys() & test.keys())
    if not steps:
        return None
    sizes = validation[steps[-1]].n, test[steps[-1]].n
    found = [
        Pair(step, validation[step].correct, test[step].correct)
        for step in steps
        if (validation[step].n, test[step].n) == sizes
    ]
    return Pairs(*sizes, found)


def correlate(pairs: Sequence[Pair]) -> Correlation | None:
    """The correlation over these; None of fewer than four, or where one of the two never changes."""
    validation, test = [pair.validation for pair in pairs], [pair.test for pair in pairs]
    if len(pairs) < FEWEST or len(set(validation)) == 1 or len(set(test)) == 1:
        return None
    found = pearsonr(validation, test)
    low, high = found.confidence_interval(0.95)
    ranks = spearmanr(validation, test)
    return Correlation(len(pairs), float(found.statistic), (float(low), float(high)), float(ranks.statistic))


def agree(found: Pairs, half: int) -> Agreement:
    """The agreement over a run's pairs, of which there is one at least; `half`: the step in its middle."""
    pairs = found.pairs
    return Agreement(
        half=half,
        test_images=found.test_images,
        checkpoints=len(pairs),
        overall=correlate(pairs),
        late=correlate([pair for pair in pairs if pair.step > half]),
        chosen=min(pairs, key=lambda pair: rank(pair.validation, pair.step)),
        best=min(pairs, key=lambda pair: rank(pair.test, pair.step)),
        last=pairs[-1],
    )


def agreement_verdict(found: Agreement, weights: str) -> str:
    """Whether the claim holds of these `weights` and what choosing by validation costs, for a person."""
    return f"{_of_claim(found, weights)} {_of_choice(found)}"


def _of_claim(found: Agreement, weights: str) -> str:
    overall, late, n = found.overall, found.late, found.checkpoints
    if n < FEWEST:
        some = "only 1 checkpoint is" if n == 1 else f"only {n} checkpoints are"
        return f"Too few to tell: of the {weights} {some} evaluated on both validation and test images."
    if overall is None:
        return f"Nothing to tell: one of the two accuracies of the {weights} never changes."
    claim = f"The correlation above {CLAIMED} that a tutorial claims"
    whole = f"r = {correlation_text(overall.pearson)} over all {n:,} checkpoints of the {weights}"
    second = f"in the second half, after step {found.half:,}"
    if late is None:
        outcome = "holds, as far as can be told" if overall.as_claimed else "does not hold"
        return f"{claim} {outcome}: {whole}; {second}, there is too little to tell."
    outcome = {
        (True, True): "holds",
        (True, False): "holds by the early rise alone",
        (False, True): "holds in the second half alone",
        (False, False): "does not hold",
    }[overall.as_claimed, late.as_claimed]
    low, high = (correlation_text(bound, late.pearson) for bound in late.interval)
    then = "but" if overall.as_claimed != late.as_claimed else "and"
    return (
        f"{claim} {outcome}: {whole}, {then} r = {correlation_text(late.pearson)} "
        f"(95 % interval {low} to {high}) {second}."
    )


def _of_choice(found: Agreement) -> str:
    chosen, best, last, n = found.chosen, found.best, found.last, found.test_images
    lost, gained = best.test - chosen.test, chosen.test - last.test
    loss = "as many as the best in hindsight"
    if lost:
        share = f"−{100 * lost / n:.2f} pp"
        loss = f"{lost:,} fewer ({share}) than step {best.step:,}, the best in hindsight"
    beside = ""
    if chosen != last:
        than = f"{abs(gained):,} {'more' if gained > 0 else 'fewer'} than" if gained else "as many as"
        beside = f", and {than} the last checkpoint"
    right = f"{chosen.test:,} of {n:,} test images right"
    return f"Validation chooses step {chosen.step:,}, which reads {right}: {loss}{beside}."


def correlation_text(r: float, like: float | None = None) -> str:
    """A correlation as exactly as it takes to tell it, or `like`, from 1: 0.43, 0.9912, 0.999981."""
    short = 1 - abs(r if like is None else like)
    digits = max(2, 1 - math.floor(math.log10(short))) if short > 0 else 0
    return f"{round(r, digits) + 0.0:.{digits}f}".replace("-", "−")
