"""How far a study is, and how long it will take yet."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from shadowboard.dataset import SPLITS
from shadowboard.records import Run, State
from shadowboard.studies import Member
from shadowboard.variants import StudyPlan, Variant

StudyState = Literal["queued", "training", "evaluating", "stopped", "finished"]
Counts = Mapping[str, tuple[int, int]]
"""Run → how many checkpoints it has saved, and how many evaluations there are of them."""

_ENDED: frozenset[State] = frozenset(["finished", "diverged"])


@dataclass(frozen=True)
class Progress:
    """How far a study is. `runs`: those planned; `states`: of those that are there, how many are in which.

    evaluations, evaluations_due: of the checkpoints that are saved. seconds_left: as fast as runs of the same
    variant went before; None where nothing tells.
    """

    state: StudyState
    runs: int
    states: Mapping[State, int]
    steps_done: int
    steps: int
    evaluations: int
    evaluations_due: int
    seconds_left: float | None


def progress(plan: StudyPlan, members: Sequence[Member], counts: Counts) -> Progress:
    """How far it is."""
    states = Counter(run.state for _, run in members)
    known = {run.id: counts.get(run.id, (0, 0)) for _, run in members}
    return Progress(
        _state(states, all(is_evaluated(run, counts) for _, run in members)),
        plan.seeds * len(plan.every),
        dict(states),
        sum(run.step for _, run in members),
        sum(run.recipe.steps for _, run in members),
        sum(evaluated for _, evaluated in known.values()),
        sum(known[run.id][0] * _evaluations_each(run) for _, run in members),
        _seconds_left(members),
    )


def is_evaluated(run: Run, counts: Counts) -> bool:
    """Whether a run has ended and everything that it saved is evaluated."""
    saved, evaluated = counts.get(run.id, (0, 0))
    return run.state in _ENDED and evaluated >= saved * _evaluations_each(run)


def _evaluations_each(run: Run) -> int:
    """Of a checkpoint: its raw weights and each average, on each split."""
    return len(SPLITS) * (1 + len(run.config.averages))


def _state(states: Mapping[State, int], evaluated: bool) -> StudyState:
    if states.get("training"):
        return "training"
    if states.get("queued"):
        return "queued"
    if states.get("stopped") or states.get("failed"):
        return "stopped"
    return "finished" if evaluated else "evaluating"


def _seconds_left(members: Sequence[Member]) -> float | None:
    """By how long a step of the same variant has taken, with all that goes with it; else one of any."""
    took: dict[Variant, list[float]] = {}
    for variant, run in members:
        if run.state == "finished" and run.started_at and run.finished_at:
            took.setdefault(variant, []).append((run.finished_at - run.started_at) / run.recipe.steps)
        elif run.state == "training" and run.steps_per_second:
            took.setdefault(variant, []).append(1 / run.steps_per_second)
    to_do = [(v, run.recipe.steps - run.step) for v, run in members if run.state in {"queued", "training"}]
    if not took or not to_do:
        return None
    usual = fmean(median(seconds) for seconds in took.values())
    total = sum(steps * median(took.get(variant, [usual])) for variant, steps in to_do)
    return total / max(1, sum(run.state == "training" for _, run in members))
