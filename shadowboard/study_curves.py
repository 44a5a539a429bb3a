"""The curves of a study: each variant's accuracy by step, over its seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import mean

from shadowboard.studies import CurvePoint, Member
from shadowboard.variants import StudyPlan, Variant


@dataclass(frozen=True)
class Curve:
    """Mean, least and greatest accuracy of some weights (`average` empty: raw); the lists go together.

    seeds: how many runs it is of.
    """

    variant: Variant
    average: str
    seeds: int
    step: list[int]
    mean: list[float]
    lowest: list[float]
    highest: list[float]


def curves(
    plan: StudyPlan, members: Sequence[Member], points: Sequence[CurvePoint], most: int
) -> list[Curve]:
    """Of each variant the raw weights' curve, and that of the average by which it is judged.

    Over its finished runs, and where there is none over those that have begun and not diverged: a mean that
    loses a seed half way would jump. At most `most` steps (≥ 2), evenly by index; the first and the last are
    among them.
    """
    found = []
    for variant in plan.every:
        runs = [run for v, run in members if v == variant]
        finished = {run.id for run in runs if run.state == "finished"}
        counted = finished or {run.id for run in runs if run.state != "diverged"}
        for average in dict.fromkeys(["", plan.judged_by(variant)]):
            chosen = [p for p in points if p.average == average and p.run_id in counted]
            if chosen:
                found.append(_curve(variant, average, chosen, most))
    return found


def _curve(variant: Variant, average: str, points: Sequence[CurvePoint], most: int) -> Curve:
    by_step: dict[int, list[CurvePoint]] = {}
    for point in points:
        by_step.setdefault(point.step, []).append(point)
    steps = _thinned(sorted(by_step), most)
    # Exactly, so that they are rounded as in the tables.
    shares = [[Fraction(point.correct, point.n) for point in by_step[step]] for step in steps]
    return Curve(
        variant,
        average,
        len({point.run_id for point in points}),
        steps,
        [float(mean(of_step)) for of_step in shares],
        [float(min(of_step)) for of_step in shares],
        [float(max(of_step)) for of_step in shares],
    )


def _thinned(steps: Sequence[int], most: int) -> list[int]:
    last = len(steps) - 1
    if last < most:
        return list(steps)
    return [steps[round(i * last / (most - 1))] for i in range(most)]
