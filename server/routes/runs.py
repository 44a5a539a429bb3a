"""The runs: list, queue, stop, history and events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent

from server.cursors import decode, encode
from server.events import run_events
from server.history import thinned, training_curve
from server.parameters import EventId, RunInPath
from server.schemas.history import EvaluationSummary, History
from server.schemas.runs import NewRun, RunList, RunView
from server.services import Services, TheServices
from shadowboard.configuration import parse_config
from shadowboard.errors import ConfigurationInvalid
from shadowboard.records import Cursor, Run

router = APIRouter(prefix="/runs", tags=["runs"])


def _view(services: Services, run: Run) -> RunView:
    return RunView.of(run, stalled=run.id in services.watcher.sight.stalled)


@router.get("", summary="List the runs")
def list_runs(services: TheServices) -> RunList:
    """All of them, newest first."""
    return RunList(runs=[_view(services, run) for run in services.store.runs()])


@router.post("", status_code=201, summary="Queue a run")
def create_run(services: TheServices, new: NewRun | None = None) -> RunView:
    """A worker takes it as soon as one is free. Every field may be left out, and the body too."""
    new = new or NewRun()
    data = new.config.get("data", "mnist")
    if data != "mnist":  # a folder on the server is for those who sit at it
        raise ConfigurationInvalid(
            f"data is {data!r}; over HTTP it can only be mnist. `shadowboard train --data` takes a folder."
        )
    return _view(services, services.store.create_run(parse_config(new.config), new.name.strip()))


@router.get("/{run_id}", summary="Look at a run")
def one_run(services: TheServices, run_id: RunInPath) -> RunView:
    """How far it is, and how it was configured."""
    return _view(services, services.store.run(run_id))


@router.post("/{run_id}/stop", status_code=202, summary="Stop a run")
def stop_run(services: TheServices, run_id: RunInPath) -> RunView:
    """Ask its worker to save a checkpoint and stop; a run that is still queued stops at once."""
    run = services.store.run(run_id)
    services.store.request_stop(run.id)
    return _view(services, services.store.run(run.id))


@router.get("/{run_id}/history", summary="Get the curves of a run")
def history(
    services: TheServices,
    run_id: RunInPath,
    max_points: Annotated[
        int,
        Query(
            ge=1, le=100_000, description="Of the training curve, at most; the last one is always among them"
        ),
    ] = 1000,
) -> History:
    """Training and evaluations so far. Events go on at `cursor`: nothing is doubled, nothing left out."""
    run = services.store.run(run_id)
    metrics = services.store.metrics(run.id)
    checkpoints = services.store.checkpoints(run.id)
    scores = services.store.scores(run.id)
    # By what was read here, not by the end of the store, which may have moved meanwhile.
    ids = (max((row.id for row in rows), default=0) for rows in (metrics, checkpoints, scores))
    return History(
        run=run.id,
        cursor=encode(Cursor(*ids)),
        training=training_curve(run.config, thinned(metrics, max_points), services.datasets),
        evaluations=[EvaluationSummary.of(score) for score in scores],
    )


async def _events_run(services: TheServices, run_id: RunInPath) -> Run:
    return await run_in_threadpool(services.store.run, run_id)


async def _events_start(
    services: TheServices,
    after: Annotated[
        str, Query(description="Id of the event to resume after, or the `cursor` of the history"), EventId
    ] = "",
    last_event_id: Annotated[str, Header(description="The same; goes before `after`"), EventId] = "",
) -> Cursor:
    if text := last_event_id or after:
        return decode(text)
    return await run_in_threadpool(services.store.cursor)


@router.get(
    "/{run_id}/events",
    summary="Follow a run",
    response_class=EventSourceResponse,
    response_description="Server-sent events, until the run is deleted or the server stops",
)
async def events(
    services: TheServices,
    run: Annotated[Run, Depends(_events_run)],
    start: Annotated[Cursor, Depends(_events_start)],
) -> AsyncIterator[ServerSentEvent]:
    """What happens from now on, or from an event on.

    `run`: as `GET /runs/{run_id}` tells it, at first and when it changes. `training`, `evaluation`: what
    is new, as in the history. `checkpoint`: its `step`, `bytes` and `saved_at`. `gone`: the run was deleted.
    """
    async for event in run_events(services, run, start):
        yield event
