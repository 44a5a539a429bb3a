"""Whether a run's averaged weights are better than its raw ones, at each checkpoint and over all."""

from typing import Literal

from fastapi import APIRouter, Response

from server.answers import written
from server.engine import Engine
from server.parameters import AverageName, RunInPath, SplitName
from server.problems import answers
from server.routes.evaluate import average_of
from server.schemas.run_comparisons import MeanDifferenceView, RunComparisonView
from server.services import Services, TheEngine, TheServices
from shadowboard.errors import CheckpointMissing, CheckpointUnsuitable, DatasetError, RunMissing

router = APIRouter(prefix="/runs", tags=["runs"])


@router.get(
    "/{run_id}/comparison",
    summary="Compare raw with averaged weights over a run",
    response_model=RunComparisonView,
    responses=answers(RunMissing, CheckpointMissing, CheckpointUnsuitable, DatasetError),
)
async def run_comparison(
    services: TheServices,
    engine: TheEngine,
    run_id: RunInPath,
    split: SplitName = "validation",
    average: AverageName = "",
) -> Response:
    """The paired difference at every checkpoint that is evaluated so far, and its mean over them.

    The interval of a mean is for other images of the same kind and the weights of this very run; another run
    may come out otherwise.
    """
    return written(await engine.threads.run(_view, services, engine, run_id, split, average))


def _view(
    services: Services, engine: Engine, run_id: str, split: Literal["validation", "test"], average: str
) -> RunComparisonView:
    from server.results import split_of
    from shadowboard.run_comparison import compare_run, run_verdict

    run = services.store.run(run_id)
    name = average_of(run, average)
    labels = split_of(services.datasets, run, split).labels
    readings = services.store.paired_readings(run.id, name, split)
    found = compare_run(labels, readings, (run.steps or run.step) // 2)
    the_average = next(a for a in run.config.averages if a.name == name)
    apart = the_average.in_words if len(run.config.averages) > 1 else ""
    there = {checkpoint.step for checkpoint in engine.restorer.checkpoints(run)}
    whole = run.state not in ("queued", "training", "watched") and there.issubset(found.step)
    return RunComparisonView(
        run=run.id,
        split=split,
        average=name,
        n=found.n,
        step=found.step,
        only_raw=found.only_raw,
        only_ema=found.only_averaged,
        p_value=found.p_value,
        overall=found.overall and MeanDifferenceView.of(found.overall),
        late=found.late and MeanDifferenceView.of(found.late),
        late_after=found.half,
        verdict=run_verdict(found, whole, split, apart),
    )
