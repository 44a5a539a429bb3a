"""What a tutorial on MNIST concludes from such a study, and whether that holds in this one.

Each claim is about what it costs to leave a part out: the full recipe's test accuracy minus the variant's,
seed by seed. Of a claim about several comparisons, the p-value by which it holds is the largest of theirs
(intersection–union test; Berger 1982), and that by which it fails the least, times how many they are
(Bonferroni). The claims are judged together: at the 5 % level, corrected for how many they are (Holm 1979).
Where runs of the full recipe diverged, there is no telling what leaving out costs: all claims are open.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from shadowboard.intervals import ALPHA, wilson_interval
from shadowboard.paired import PairedDifference, holm, minus, paired_difference
from shadowboard.records import Score
from shadowboard.variants import FULL, NAMES, Part, StudyPlan, Variant
from shadowboard.wording import signed_points

Verdict = Literal["holds", "fails", "open"]


class Outcome(NamedTuple):
    """How a run did at its last step, by the weights it is judged by; `raw`: by its raw ones, on test."""

    validation: Score
    test: Score
    raw: Score

    @property
    def gain(self) -> int:
        """How many test images more than the raw weights read right."""
        return self.test.correct - self.raw.correct


Outcomes = Mapping[Variant, Mapping[int, Outcome]]
"""Variant → seed → outcome of the run, where it has come to its last step and is evaluated there."""


@dataclass(frozen=True)
class Conclusion:
    """A claim, whether it holds by the numbers of this study, and these numbers in a sentence.

    open: these seeds do not tell. p_holm: the p-value of the verdict, corrected for all claims of the study;
    None: too few seeds for any.
    """

    claim: str
    verdict: Verdict
    sentence: str
    p_holm: float | None


class _Finding(NamedTuple):
    """A claim with the two-sided p-values by which it holds and by which it fails; None: too few seeds."""

    claim: str
    sentence: str
    holds: float | None = None
    fails: float | None = None

    @property
    def p(self) -> float | None:
        """By which it is decided, whichever way."""
        return None if self.holds is None or self.fails is None else min(self.holds, self.fails)

    def opened(self) -> "_Finding":
        """The same, decided neither way."""
        return self if self.p is None else self._replace(holds=1.0, fails=1.0)


_Costs = Mapping[Part, PairedDifference | None]


class _Lost(NamedTuple):
    """How many of the planned runs of each variant (`seeds`) diverged."""

    seeds: int
    runs: Mapping[Variant, int]

    def every(self, variant: Variant) -> bool:
        return self.runs.get(variant, 0) == self.seeds

    def some(self, variant: Variant) -> bool:
        return 0 < self.runs.get(variant, 0) < self.seeds


_LITTLE: Sequence[Part] = ("without_averaging", "without_learning_rate_decay")
_MORE: Part = "without_regularization"
_MOST: Sequence[Part] = ("without_hidden_layer", "without_activation")
_SIMPLE: Part = "without_hidden_layer"
_WHAT: Mapping[Part, str] = {
    "without_averaging": "averaging",
    "without_learning_rate_decay": "learning-rate decay",
    "without_regularization": "regularisation",
    "without_hidden_layer": "the hidden layer",
    "without_activation": "the activation",
}


def conclude(plan: StudyPlan, outcomes: Outcomes, diverged: Mapping[Variant, int]) -> list[Conclusion]:
    """The claims that are about variants of this study, each with what it comes to among all of them.

    diverged: how many runs of each variant did. Where all that are planned did, no accuracy is left: nothing
    costs more.
    """
    lost = _Lost(plan.seeds, diverged)
    little = [part for part in _LITTLE if part in plan.variants]
    most = [part for part in _MOST if part in plan.variants]
    more: list[Part] = [_MORE] if _MORE in plan.variants else []
    found = []
    if little:
        found.append(_little(outcomes, lost, little))
    if more and little:
        found.append(_dearer(outcomes, lost, more, little, "more than " + _joined(little)))
    if most and (little or more):
        found.append(_dearer(outcomes, lost, most, [*little, *more], "most"))
    if _SIMPLE in plan.variants and plan.config.averages:
        found.append(_more_complex(outcomes, lost))
    if lost.runs.get(FULL):
        found = [finding.opened() for finding in found]
    return [
        Conclusion(finding.claim, _verdict(finding, p_holm), finding.sentence, p_holm)
        for finding, p_holm in zip(found, holm([finding.p for finding in found]), strict=True)
    ]


def _verdict(finding: _Finding, p_holm: float | None) -> Verdict:
    if p_holm is None or p_holm >= ALPHA:
        return "open"
    return "holds" if finding.p == finding.holds else "fails"


def _little(outcomes: Outcomes, lost: _Lost, parts: Sequence[Part]) -> _Finding:
    """Little: less than what other test images would change, half of the accuracy's own interval.

    Where some runs diverged, what the others cost is not what leaving out does: it never holds.
    """
    claim, costs = _claim(parts, "little"), _costs(outcomes, parts)
    if too_few := _too_few(outcomes, costs, lost):
        return _Finding(claim, too_few)
    tests = [outcome.test for outcome in outcomes[FULL].values()]
    low, high = wilson_interval(sum(test.correct for test in tests) // len(tests), tests[0].n)
    little = (high - low) / 2
    known = [cost for cost in costs.values() if cost]
    other = [cost.p_of(math.copysign(little, cost.mean)) for cost in known]  # than just that much
    within = [abs(cost.mean) < little for cost in known]
    holds = max(p if inside else 1.0 for p, inside in zip(other, within, strict=True)) if known else 1.0
    fails = _any_of([1.0 if inside else p for p, inside in zip(other, within, strict=True)])
    if any(lost.every(part) for part in parts):
        holds, fails = 1.0, 0.0
    elif any(lost.some(part) for part in parts):
        holds = 1.0
    bound = f"Little is less than {100 * little:.2f} pp, by which other test images may move an accuracy."
    return _Finding(claim, f"{_told(costs, lost)} {bound}", holds, fails)


def _dearer(
    outcomes: Outcomes, lost: _Lost, dear: Sequence[Part], cheap: Sequence[Part], how: str
) -> _Finding:
    claim, costs = _claim(dear, how), _costs(outcomes, [*dear, *cheap])
    if too_few := _too_few(outcomes, costs, lost):
        return _Finding(claim, too_few)
    signs = [_sign(outcomes, lost, one, other) for one in dear for other in cheap]
    holds = max(p if sign > 0 else 1.0 for sign, p in signs)
    fails = _any_of([p if sign < 0 else 1.0 for sign, p in signs])
    return _Finding(claim, _told(costs, lost), holds, fails)


def _sign(outcomes: Outcomes, lost: _Lost, one: Part, other: Part) -> tuple[int, float]:
    """Whether leaving out the one costs more than the other (1) or less (−1), and its p; 0: nothing tells.

    What diverges always costs more than what does not. Where some runs of a part diverged, it is never the
    cheaper one: that would be by its survivors alone.
    """
    if lost.every(one) or lost.every(other):
        return lost.every(one) - lost.every(other), 0.0
    more = minus(_tests(outcomes, other), _tests(outcomes, one))  # the full recipe falls out of it
    if more is None or more.p_value is None or not more.mean:
        return 0, 1.0
    sign, cheaper = (1, other) if more.mean > 0 else (-1, one)
    return (0, 1.0) if lost.some(cheaper) else (sign, more.p_value)


def _any_of(p_values: Sequence[float]) -> float:
    """The p-value of any of several being so (Bonferroni)."""
    return min(1.0, len(p_values) * min(p_values, default=1.0))


def _more_complex(outcomes: Outcomes, lost: _Lost) -> _Finding:
    """By what the averaged weights gain over the raw ones at the last step; those that diverged gain nothing
    that could be counted, so it stays open where any did.
    """
    claim = "The more complex the model, the more averaging brings"
    full, simple = outcomes[FULL], outcomes[_SIMPLE]
    seeds = sorted(full.keys() & simple.keys())
    if len(seeds) < 2:
        return _Finding(claim, _few(outcomes, [_SIMPLE]) + _diverged([_SIMPLE], lost))
    n = full[seeds[0]].test.n
    more = paired_difference([full[seed].gain - simple[seed].gain for seed in seeds], n)
    with_layer, without = (
        _points(paired_difference([of[seed].gain for seed in seeds], n)) for of in (full, simple)
    )
    p = more.p_value if more and more.p_value is not None else 1.0
    finding = _Finding(
        claim,
        "At the last step the averaged weights are ahead of the raw ones by "
        f"{with_layer} with the hidden layer, by {without} without.{_diverged([_SIMPLE], lost)}",
        holds=p if more and more.mean > 0 else 1.0,
        fails=p if more and more.mean < 0 else 1.0,
    )
    return finding.opened() if lost.some(_SIMPLE) else finding


def _tests(outcomes: Outcomes, variant: Variant) -> dict[int, Score]:
    return {seed: outcome.test for seed, outcome in outcomes[variant].items()}


def _costs(outcomes: Outcomes, parts: Sequence[Part]) -> _Costs:
    return {part: minus(_tests(outcomes, FULL), _tests(outcomes, part)) for part in parts}


def _too_few(outcomes: Outcomes, costs: _Costs, lost: _Lost) -> str:
    """Why nothing can be said yet; empty where something can."""
    unknown = [part for part, cost in costs.items() if not (cost and cost.seeds > 1)]
    few = [part for part in unknown if not lost.every(part)]
    if few or len(outcomes[FULL]) < 2:
        return _few(outcomes, few) + _diverged(costs, lost)
    return ""


def _few(outcomes: Outcomes, parts: Sequence[Part]) -> str:
    """What cannot be compared: the full recipe itself, or `parts` with it."""
    if len(outcomes[FULL]) < 2:
        return f"Fewer than two seeds of the {NAMES[FULL]} have come to their end."
    if few := [NAMES[part] for part in parts if len(outcomes[part]) < 2]:
        return f"Fewer than two seeds {' and '.join(few)} have come to their end."
    both = " and ".join(NAMES[part] for part in parts)
    return f"Fewer than two seeds have come to their end both {both} and with the {NAMES[FULL]}."


def _diverged(parts: Collection[Part], lost: _Lost) -> str:
    """Of which parts, and of the full recipe, runs are in no number; begins with a space if there are any."""
    names = {FULL: f"of the {NAMES[FULL]}"} | {part: NAMES[part] for part in parts}
    told = [f"{lost.runs[v]} of {lost.seeds} runs {name}" for v, name in names.items() if lost.runs.get(v)]
    return f" {' and '.join(told)} diverged." if told else ""


def _joined(parts: Sequence[Part]) -> str:
    return " and ".join(_WHAT[part] for part in parts)


def _claim(parts: Sequence[Part], how: str) -> str:
    subject = _joined(parts)
    return f"{subject[0].upper()}{subject[1:]} change{'' if len(parts) > 1 else 's'} {how}"


def _told(costs: _Costs, lost: _Lost) -> str:
    told = [
        f"{_WHAT[part]} everything ({'both' if lost.seeds == 2 else f'all {lost.seeds}'} runs diverge)"
        if lost.every(part)
        else f"{_WHAT[part]} {_points(cost)}"
        for part, cost in costs.items()
    ]
    some = [part for part in costs if lost.some(part)]
    return f"What leaving out costs: {', '.join(told)}.{_diverged(some, lost)}"


def _points(cost: PairedDifference | None) -> str:
    if cost is None:
        return "unknown"
    if cost.interval is None:
        return f"{signed_points(cost.mean)[0]} pp with each seed"
    points, low, high = signed_points(cost.mean, *cost.interval)
    return f"{points} pp ({low} to {high})"
