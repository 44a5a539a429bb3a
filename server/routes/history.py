"""The curves of a run."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from server.answers import written
from server.cursors import encode
from server.history import training_curve
from server.parameters import RunInPath
from server.problems import answers
from server.schemas.history import EvaluationSummary, History
from server.services import TheServices
from shadowboard.errors import RunMissing
from shadowboard.records import Cursor

router = APIRouter(prefix="/runs", tags=["runs"])


@router.get(
    "/{run_id}/history",
    summary="Get the curves of a run",
    response_model=History,
    responses=answers(RunMissing),
)
def history(
    services: TheServices,
    run_id: RunInPath,
    max_points: Annotated[
        int,
        Query(
            ge=1, le=100_000, description="Of the training curve, at most; the last one is always among them"
        ),
    ] = 1000,
) -> Response:
    """Training and evaluations so far. Events go on at `cursor`: nothing is doubled, nothing left out."""
    run = services.store.run(run_id)
    metrics = services.store.metrics(run.id, most=max_points)
    checkpoints = services.store.checkpoints(run.id)
    scores = services.store.scores(run.id)
    # By what was read here, not by the end of the store, which may have moved meanwhile.
    ids = (max((row.id for row in rows), default=0) for rows in (metrics, checkpoints, scores))
    return written(
        History(
            run=run.id,
            cursor=encode(Cursor(*ids)),
            training=training_curve(run.config, metrics, services.datasets),
            evaluations=[EvaluationSummary.of(score) for score in scores],
        )
    )
