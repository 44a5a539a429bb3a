"""What happens, as server-sent events: to one run, to the list of runs, or to both in one stream."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.models import Example
from fastapi.sse import EventSourceResponse, ServerSentEvent

from server.cursors import decode
from server.events import list_events, run_events
from server.parameters import EventId, RunInPath
from server.problems import answers
from server.services import TheServices
from server.watching import Listed
from shadowboard.errors import RunMissing
from shadowboard.records import Cursor, Run

router = APIRouter(tags=["runs"])

_FIRST = {"all of it": Example(summary="All that there is, from the beginning", value="m0-c0-e0")}

# What a stream starts from is read before it answers, so that an error still has a status.


async def _run(services: TheServices, run_id: RunInPath) -> Run:
    return await run_in_threadpool(services.store.run, run_id)


async def _start(
    services: TheServices,
    after: Annotated[
        EventId,
        Query(
            description="Id of the event to resume after, or the `cursor` of the history",
            openapi_examples=_FIRST,
        ),
    ] = "",
    last_event_id: Annotated[
        EventId, Header(description="The same; goes before `after`", openapi_examples=_FIRST)
    ] = "",
) -> Cursor:
    if text := last_event_id or after:
        return decode(text)
    return await run_in_threadpool(services.store.cursor)


async def _listed(services: TheServices) -> Listed:
    return await services.watcher.listed()


async def _listed_if_asked(
    services: TheServices,
    runs: Annotated[bool, Query(description="Also the events of the list of runs, as `GET /events`")] = False,
) -> Listed | None:
    return await _listed(services) if runs else None


@router.get(
    "/events",
    summary="Follow the list of runs",
    response_class=EventSourceResponse,
    response_description="Server-sent events, until the server stops",
)
async def list_of_runs_events(
    services: TheServices, listed: Annotated[Listed, Depends(_listed)]
) -> AsyncIterator[ServerSentEvent]:
    """Which runs are new, deleted, or of another state or name from now on.

    `runs`: `{"run": …}`, the run as `GET /runs/{run_id}` tells it, when it was queued, goes from one state to
    the next, is asked to stop, is stalled or is renamed; `{"gone": "<id>"}` when it was deleted. Nothing is
    resumed: read `GET /runs` whenever the stream has been opened, and whatever changes after is sent.
    """
    async for event in list_events(services, listed):
        yield event


@router.get(
    "/runs/{run_id}/events",
    summary="Follow a run",
    response_class=EventSourceResponse,
    response_description="Server-sent events, until the run is deleted or the server stops",
    responses=answers(RunMissing),
)
async def events(
    services: TheServices,
    run: Annotated[Run, Depends(_run)],
    start: Annotated[Cursor, Depends(_start)],
    listed: Annotated[Listed | None, Depends(_listed_if_asked)],
) -> AsyncIterator[ServerSentEvent]:
    """What happens from now on, or from an event on.

    `run`: as `GET /runs/{run_id}` tells it, at first and when it changes. `training`, `evaluation`: what
    is new, as in the history; after a resumption from an older checkpoint, a step told again replaces what
    was told of it. `checkpoint`: its `step`, `bytes` and `saved_at`. `gone`: the run was deleted.
    With `runs=true` also the `runs` events of `GET /events`, so that one connection is enough for a page.
    """
    async for event in run_events(services, run, start, listed):
        yield event
