"""Whether the server is up, whether it is ready, and what it measures."""

import time
from http import HTTPStatus

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse

from server.problems import problem, without_folders
from server.schemas.health import Health, Readiness, UsableCheckpoint
from server.services import Services, TheServices
from server.telemetry import MEDIA_TYPE, Moment
from shadowboard.errors import CheckpointError, RunMissing, StoreUnavailable
from shadowboard.records import Run
from shadowboard.store import Store

_NOT_AT_WORK = {
    "loading": "TensorFlow is still loading; try again in a few seconds.",
    "ended": "The evaluator has ended; start the server anew.",
}

router = APIRouter(tags=["server"])


@router.get("/healthz", summary="Ask whether the server is up")
async def healthz() -> Health:
    """Answers at once, whatever else the server is busy with."""
    return Health()


@router.get("/readyz", summary="Ask whether the server is ready", response_model=Readiness)
async def readyz(services: TheServices) -> Readiness | Response:
    """200 where the database, the evaluator and a checkpoint can be used. Else 503, with the same fields."""
    engine = services.loader.loaded
    run = engine.threads.run if engine else run_in_threadpool
    found, wanting = await run(_readiness, services)
    if not wanting:
        return found
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, wanting, **found.model_dump(mode="json"))


def _readiness(services: Services) -> tuple[Readiness, str]:
    """Also what is wanting, in a sentence; empty where nothing is."""
    engine, failure = services.loader.loaded, services.loader.failure
    checkpoint, unavailable, missing = None, "", ""
    try:
        checkpoint = _usable_checkpoint(services)
    except StoreUnavailable as error:
        unavailable = without_folders(str(error))
    except (RunMissing, CheckpointError) as error:
        missing = without_folders(str(error))
    state = engine.evaluator.state if engine else "failed" if failure else "loading"
    not_at_work = _NOT_AT_WORK.get(state, "")
    wanting = unavailable or failure or not_at_work or missing
    last_error = engine.evaluator.last_error if engine else failure
    found = Readiness(
        ready=not wanting,
        database="unavailable" if unavailable else "ok",
        evaluator=state,
        checkpoint=checkpoint,
        last_error=last_error and without_folders(last_error),
    )
    return found, wanting


def _usable_checkpoint(services: Services) -> UsableCheckpoint | None:
    """The one that `GET /evaluate` would take; None while TensorFlow is loading."""
    engine = services.loader.loaded
    if engine is None:
        services.store.newest_run()  # there has to be one
        return None
    from server.choosing import LATEST, choose, find_run

    run = find_run(services.store, engine.restorer, "")
    choice = choose(services.store, engine.restorer, run, LATEST, [None], "")
    return UsableCheckpoint(run=run.id, step=choice.checkpoint.step)


@router.get(
    "/metrics",
    summary="Get the server's metrics",
    response_class=PlainTextResponse,
    response_description="Prometheus' text format",
)
def metrics(services: TheServices) -> Response:
    """For Prometheus: requests, restores, evaluations, open streams, and the runs in training."""
    engine = services.loader.loaded
    training = [run for run in services.watcher.sight.runs.values() if run and run.state == "training"]
    waiting = engine.evaluator.waiting if engine else 0
    moment = Moment(waiting, training, _checkpoint_ages(services.store, training))
    return Response(services.telemetry.text(moment), media_type=MEDIA_TYPE)


def _checkpoint_ages(store: Store, runs: list[Run]) -> dict[str, float]:
    """In s; of those that have a checkpoint, and of none while the database is unavailable."""
    try:
        saved = {run.id: store.checkpoints(run.id)[-1:] for run in runs}
    except StoreUnavailable:
        return {}
    now = time.time()
    return {run_id: max(0.0, now - newest.saved_at) for run_id, all_ in saved.items() for newest in all_}
