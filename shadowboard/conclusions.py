"""What a tutorial on MNIST concludes from such a study, and whether that holds in this one.

Each claim is about what it costs to leave a part out: the full recipe's test accuracy minus the variant's,
seed by seed. A claim about several comparisons holds where each of them holds at the 5 % level, which is then
the level of the claim, too (intersection–union test; Berger 1982).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from shadowboard.intervals import wilson_interval
from shadowboard.paired import PairedDifference, minus, paired_difference
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

    open: these seeds do not tell.
    """

    claim: str
    verdict: Verdict
    sentence: str


_Costs = Mapping[Part, PairedDifference | None]


class _Lost(NamedTuple):
    """Of how many seeds each how many runs diverged: of which all did, and of which some."""

    seeds: int
    every: Mapping[Part, int]
    some: Mapping[Part, int]


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
    """The claims that are about variants of this study, each with what it comes to.

    diverged: how many runs of each variant did. Where all did, no accuracy is left: nothing costs more.
    """
    gone = {part: diverged[part] for part in plan.variants if diverged.get(part, 0)}
    every = {part: number for part, number in gone.items() if number > 1 and not outcomes[part]}
    some = {part: number for part, number in gone.items() if part not in every}
    lost = _Lost(plan.seeds, every, some)
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
        found.append(_more_complex(outcomes))
    return found


def _little(outcomes: Outcomes, lost: _Lost, parts: Sequence[Part]) -> Conclusion:
    """Little: less than what other test images would change, half of the accuracy's own interval.

    Where some runs diverged, what the others cost is not what leaving out does: it never holds.
    """
    claim, costs = _claim(parts, "little"), _costs(outcomes, parts)
    if too_few := _too_few(outcomes, costs, lost):
        return Conclusion(claim, "open", too_few)
    tests = [outcome.test for outcome in outcomes[FULL].values()]
    low, high = wilson_interval(sum(test.correct for test in tests) // len(tests), tests[0].n)
    little = (high - low) / 2
    ranges = [cost.interval or (cost.mean, cost.mean) for cost in costs.values() if cost]
    verdict: Verdict = "open"
    if lost.every.keys() & parts or any(low > little or high < -little for low, high in ranges):
        verdict = "fails"
    elif not lost.some.keys() & parts and all(-little < low and high < little for low, high in ranges):
        verdict = "holds"
    bound = f"Little is less than {100 * little:.2f} pp, by which other test images may move an accuracy."
    return Conclusion(claim, verdict, f"{_told(costs, lost)} {bound}")


def _dearer(
    outcomes: Outcomes, lost: _Lost, dear: Sequence[Part], cheap: Sequence[Part], how: str
) -> Conclusion:
    claim, costs = _claim(dear, how), _costs(outcomes, [*dear, *cheap])
    if too_few := _too_few(outcomes, costs, lost):
        return Conclusion(claim, "open", too_few)
    signs = [_sign(outcomes, lost, one, other) for one in dear for other in cheap]
    verdict: Verdict = "fails" if any(sign < 0 for sign in signs) else "open"
    return Conclusion(claim, "holds" if all(sign > 0 for sign in signs) else verdict, _told(costs, lost))


def _sign(outcomes: Outcomes, lost: _Lost, one: Part, other: Part) -> int:
    """Whether leaving out the one costs more than the other (1), less (−1), or that cannot be told (0)."""
    if one in lost.every or other in lost.every:
        return (one in lost.every) - (other in lost.every)
    more = minus(_tests(outcomes, other), _tests(outcomes, one))  # the full recipe falls out of it
    return more.sign if more else 0


def _more_complex(outcomes: Outcomes) -> Conclusion:
    """By what the averaged weights gain over the raw ones at the last step."""
    claim = "The more complex the model, the more averaging brings"
    full, simple = outcomes[FULL], outcomes[_SIMPLE]
    seeds = sorted(full.keys() & simple.keys())
    if len(seeds) < 2:
        return Conclusion(claim, "open", _few(outcomes, [_SIMPLE]))
    n = full[seeds[0]].test.n
    more = paired_difference([full[seed].gain - simple[seed].gain for seed in seeds], n)
    with_layer, without = (
        _points(paired_difference([of[seed].gain for seed in seeds], n)) for of in (full, simple)
    )
    verdict: Mapping[int, Verdict] = {1: "holds", -1: "fails", 0: "open"}
    return Conclusion(
        claim,
        verdict[more.sign if more else 0],
        "At the last step the averaged weights are ahead of the raw ones by "
        f"{with_layer} with the hidden layer, by {without} without.",
    )


def _tests(outcomes: Outcomes, variant: Variant) -> dict[int, Score]:
    return {seed: outcome.test for seed, outcome in outcomes[variant].items()}


def _costs(outcomes: Outcomes, parts: Sequence[Part]) -> _Costs:
    return {part: minus(_tests(outcomes, FULL), _tests(outcomes, part)) for part in parts}


def _too_few(outcomes: Outcomes, costs: _Costs, lost: _Lost) -> str:
    """Why nothing can be said yet; empty where something can."""
    unknown = [part for part, cost in costs.items() if not (cost and cost.seeds > 1)]
    few = [part for part in unknown if part not in lost.every]
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
    """Of which parts some runs are in no number; begins with a space where there are any."""
    told = [f"{lost.some[part]} of {lost.seeds} runs {NAMES[part]}" for part in parts if part in lost.some]
    return f" {' and '.join(told)} diverged." if told else ""


def _joined(parts: Sequence[Part]) -> str:
    return " and ".join(_WHAT[part] for part in parts)


def _claim(parts: Sequence[Part], how: str) -> str:
    subject = _joined(parts)
    return f"{subject[0].upper()}{subject[1:]} change{'' if len(parts) > 1 else 's'} {how}"


def _told(costs: _Costs, lost: _Lost) -> str:
    told = [
        f"{_WHAT[part]} everything (all {lost.every[part]} runs diverge)"
        if part in lost.every
        else f"{_WHAT[part]} {_points(cost)}"
        for part, cost in costs.items()
    ]
    return f"What leaving out costs: {', '.join(told)}.{_diverged(costs, lost)}"


def _points(cost: PairedDifference | None) -> str:
    if cost is None:
        return "unknown"
    if cost.interval is None:
        return f"{signed_points(cost.mean)[0]} pp with each seed"
    points, low, high = signed_points(cost.mean, *cost.interval)
    return f"{points} pp ({low} to {high})"
