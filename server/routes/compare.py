"""Whether a checkpoint's averaged weights are better than its raw ones, or only luckier."""

import math
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool
from pydantic_core import to_json

from server.parameters import AverageName, RunInQuery, SplitName, Step
from server.routes.evaluate import ERRORS, average_of
from server.schemas.comparisons import ComparisonView
from server.services import TheEngine, TheServices
from shadowboard.records import Run

if TYPE_CHECKING:
    from server.restoring import Choice
    from server.results import Result
    from shadowboard.comparison import Comparison
    from shadowboard.evaluation import Evaluation

router = APIRouter(tags=["weights"])


@router.get(
    "/compare",
    summary="Compare raw with averaged weights",
    response_model=ComparisonView,
    response_description="Both evaluations, and their paired difference",
    responses=ERRORS,
)
async def compare(
    services: TheServices,
    engine: TheEngine,
    run: RunInQuery = "",
    step: Step = "latest",
    split: SplitName = "validation",
    average: AverageName = "",
) -> Response:
    """Both evaluations of one checkpoint, their paired difference, and whether it could be chance.

    `step=best` is the best on validation of the average.
    """
    from server.asking import ask
    from server.choosing import find_run

    the_run = await engine.threads.run(find_run, services.store, engine.restorer, run)
    name = average_of(the_run, average)
    choice, results = await ask(services, engine, the_run, step, ["", name], split)
    # There may be thousands of disagreements: written in a thread, and not through a model for each of them.
    body = await run_in_threadpool(_body, the_run, name, split, choice, results)
    return Response(body, media_type="application/json")


def _body(run: Run, average: str, split: str, choice: "Choice", results: "list[Result]") -> bytes:
    from shadowboard.comparison import compare, verdict

    raw, averaged = (result.evaluation for result in results)
    found, step = compare(raw, averaged), choice.checkpoint.step
    the_average = next(a for a in run.config.averages if a.name == average)
    apart = the_average.in_words if len(run.config.averages) > 1 else ""
    return to_json(
        {
            "run": run.id,
            "step": step,
            "split": split,
            "average": average,
            "decay": the_average.decay,
            "checkpoint": choice.checkpoint.prefix.name,
            "n": found.n,
            "raw": _side(raw),
            "ema": _side(averaged),
            "verdict": verdict(step, split, found, apart),
            "confusion": {"raw": raw.confusion.tolist(), "ema": averaged.confusion.tolist()},
            "cached": all(result.cached for result in results),
            "note": choice.note,
            **_paired(found),
        }
    )


def _side(made: "Evaluation") -> dict[str, Any]:
    same = ("correct", "accuracy", "accuracy_interval", "calibration_error", "mean_confidence")
    return {name: getattr(made, name) for name in same} | {
        "loss": made.loss if math.isfinite(made.loss) else None
    }


def _paired(found: "Comparison") -> dict[str, Any]:
    return {
        "paired": {
            "both_right": found.both_right,
            "only_raw": found.only_raw,
            "only_ema": found.only_averaged,
            "both_wrong": found.both_wrong,
        },
        "difference": {
            "images": found.images,
            "accuracy": found.difference,
            "interval": found.interval,
            "p_value": found.p_value,
        },
        "better": "ema" if found.better == "averaged" else found.better,
        "per_digit": [
            {
                "digit": digit,
                "n": n,
                "raw_correct": raw,
                "ema_correct": averaged,
                "raw_accuracy": raw / n if n else None,
                "ema_accuracy": averaged / n if n else None,
                "difference": (averaged - raw) / n if n else None,
            }
            for digit, n, raw, averaged in found.per_digit
        ],
        "disagreements": [
            {
                "index": image,
                "label": label,
                "kind": kind,
                "raw": {"digit": raw, "confidence": raw_confidence},
                "ema": {"digit": averaged, "confidence": averaged_confidence},
            }
            for image, label, kind, raw, raw_confidence, averaged, averaged_confidence in found.disagreements
        ],
    }
