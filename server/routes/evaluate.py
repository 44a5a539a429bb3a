"""How many images a checkpoint reads right, with its raw or its averaged weights."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Depends, Query

from server.parameters import AverageName, RunInQuery, SplitName, Step
from server.problems import answers
from server.schemas.evaluations import DigitResult, EvaluationView
from server.services import TheEngine, TheServices
from shadowboard.errors import (
    CheckpointDamaged,
    CheckpointMissing,
    CheckpointUnsuitable,
    DatasetError,
    RunMissing,
)
from shadowboard.records import Run
from shadowboard.watched import WatchedConfig

if TYPE_CHECKING:
    from server.restoring import Choice
    from server.results import Result

router = APIRouter(tags=["weights"])

ERRORS = answers(RunMissing, CheckpointMissing, CheckpointDamaged, DatasetError, CheckpointUnsuitable)
"""Of every route that answers with evaluations."""


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The evaluation that a request asks for. `average` is empty for the raw weights."""

    run: Run
    average: str
    split: Literal["validation", "test"]
    choice: "Choice"
    result: "Result"

    @property
    def weights(self) -> Literal["raw", "ema"]:
        """Which kind of weights was evaluated."""
        return "ema" if self.average else "raw"


async def _evaluated(
    services: TheServices,
    engine: TheEngine,
    ema: Annotated[
        bool, Query(description="The averaged instead of the raw weights", examples=[True])
    ] = False,
    run: RunInQuery = "",
    step: Step = "latest",
    split: SplitName = "validation",
    average: AverageName = "",
) -> Evaluated:
    from server.asking import ask
    from server.choosing import find_run

    the_run = await engine.threads.run(find_run, services.store, engine.restorer, run)
    if average and not ema:
        raise CheckpointUnsuitable(f"average is {average!r}, but raw weights were asked for; add ema=true.")
    name = average_of(the_run, average) if ema else ""
    choice, (result,) = await ask(services, engine, the_run, step, [name], split)
    return Evaluated(the_run, name, split, choice, result)


TheEvaluation = Annotated[Evaluated, Depends(_evaluated)]


def average_of(run: Run, name: str) -> str:
    """The name of the run's average that is meant; empty: its first. Raises CheckpointUnsuitable."""
    there = [average.name for average in run.config.averages]
    if isinstance(run.config, WatchedConfig) and run.config.hidden is None:
        raise CheckpointUnsuitable(
            f"No checkpoint of the run {run.id} has told which averages it keeps; its message says why."
        )
    if not there:
        raise CheckpointUnsuitable(f"The run {run.id} keeps no average; ask for its raw weights.")
    if name and name not in there:  # a checkpoint may hold more, such as an optimiser's slots
        raise CheckpointUnsuitable(
            f"The run {run.id} holds no average called {name}; it holds: {', '.join(there)}."
        )
    return name or there[0]


@router.get("/evaluate", summary="Evaluate a checkpoint", responses=ERRORS)
async def evaluate(asked: TheEvaluation) -> EvaluationView:
    """How many images its raw or averaged weights read right; computed at once where not stored yet."""
    made, choice = asked.result.evaluation, asked.choice
    confusion = made.confusion
    counts = [(digit, int(confusion[digit].sum()), int(confusion[digit, digit])) for digit in range(10)]
    return EvaluationView(
        run=asked.run.id,
        step=choice.checkpoint.step,
        weights=asked.weights,
        average=asked.average or None,
        decay=next((a.decay for a in asked.run.config.averages if a.name == asked.average), None),
        split=asked.split,
        n=made.n,
        correct=made.correct,
        accuracy=made.accuracy,
        accuracy_interval=made.accuracy_interval,
        loss=made.loss if math.isfinite(made.loss) else None,
        mean_confidence=made.mean_confidence,
        calibration_error=made.calibration_error,
        per_digit=[
            DigitResult(digit=digit, n=n, correct=correct, accuracy=correct / n if n else None)
            for digit, n, correct in counts
        ],
        confusion=confusion.tolist(),
        checkpoint=choice.checkpoint.prefix.name,
        cached=asked.result.cached,
        seconds=asked.result.seconds,
        note=choice.note,
    )
