"""How many images a checkpoint reads right, with its raw or its averaged weights."""

import asyncio
import math
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool

from server.engine import Engine
from server.parameters import AverageName, RunInQuery, SplitName, Step
from server.schemas.evaluations import DigitResult, EvaluationView
from server.services import Services, TheEngine, TheServices, find_run
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.records import Run

if TYPE_CHECKING:
    from server.restoring import Choice
    from server.results import Result

router = APIRouter(tags=["weights"])


@router.get("/evaluate", summary="Evaluate a checkpoint")
async def evaluate(
    services: TheServices,
    engine: TheEngine,
    ema: Annotated[
        bool, Query(description="The averaged instead of the raw weights", examples=[True])
    ] = False,
    run: RunInQuery = "",
    step: Step = "latest",
    split: SplitName = "validation",
    average: AverageName = "",
) -> EvaluationView:
    """How many images its raw or averaged weights read right; computed at once where not stored yet."""
    from server.backlog import Job

    the_run, name, choice, result = await run_in_threadpool(
        _look_up, services, engine, run, step, split, ema, average
    )
    if result is None:
        flight = engine.evaluator.request(Job(the_run, choice.checkpoint, name, split))
        result = await asyncio.shield(asyncio.wrap_future(flight))  # others may wait for the same
    return _view(the_run, name, split, choice, result)


def _look_up(
    services: Services, engine: Engine, run_name: str, step: str, split: str, ema: bool, average: str
) -> "tuple[Run, str, Choice, Result | None]":
    from server.choosing import choose_evaluation

    run = find_run(services.store, run_name)
    name = _average(run, ema, average)
    choice, result = choose_evaluation(
        services.store, services.datasets, engine.restorer, run, step, name, split
    )
    return run, name, choice, result


def _average(run: Run, ema: bool, average: str) -> str:
    """The name of the average that is meant; empty for the raw weights."""
    if not ema:
        if average:
            raise CheckpointUnsuitable(
                f"average is {average!r}, but raw weights were asked for; add ema=true."
            )
        return ""
    if not run.config.averages and not average:
        raise CheckpointUnsuitable(f"The run {run.id} keeps no average; ask for its raw weights.")
    return average or run.config.averages[0].name


def _view(run: Run, average: str, split: str, choice: "Choice", result: "Result") -> EvaluationView:
    made = result.evaluation
    confusion = made.confusion
    counts = [(digit, int(confusion[digit].sum()), int(confusion[digit, digit])) for digit in range(10)]
    return EvaluationView(
        run=run.id,
        step=choice.checkpoint.step,
        weights="ema" if average else "raw",
        average=average or None,
        decay=next((a.decay for a in run.config.averages if a.name == average), None),
        split=split,
        n=made.n,
        correct=made.correct,
        accuracy=made.accuracy,
        accuracy_interval=made.accuracy_interval,
        loss=made.loss if math.isfinite(made.loss) else None,
        per_digit=[
            DigitResult(digit=digit, n=n, correct=correct, accuracy=correct / n if n else None)
            for digit, n, correct in counts
        ],
        confusion=confusion.tolist(),
        checkpoint=choice.checkpoint.prefix.name,
        cached=result.cached,
        seconds=result.seconds,
        note=choice.note,
    )
