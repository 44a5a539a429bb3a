"""What happens to a run, as server-sent events that can be resumed where they broke off."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from fastapi.sse import ServerSentEvent
from pydantic import BaseModel

from server.cursors import decode, encode
from server.datasets import Datasets
from server.history import training_curve
from server.schemas.history import EvaluationSummary
from server.schemas.runs import CheckpointView, RunView
from server.services import Services
from shadowboard.errors import StoreUnavailable
from shadowboard.records import Cursor, Metric, Run, SavedCheckpoint, Score

_POINTS = 500  # in one event


async def run_events(services: Services, run: Run, cursor: Cursor) -> AsyncIterator[ServerSentEvent]:
    """The events of `run` beyond `cursor`, each with the cursor after it as its id, until the server closes.

    Nothing is sent twice and nothing left out: each reader goes by the ids that it has seen itself.
    """
    watcher = services.watcher
    shown: RunView | None = None
    looked: Cursor | None = None
    with watcher.watching(run.id):
        while not watcher.closed:
            changed, sight = watcher.changed, watcher.sight
            current = sight.runs.get(run.id, run)
            if current is None:
                yield ServerSentEvent(event="gone", data={"id": run.id}, id=encode(cursor))
                return
            run = current
            view = RunView.of(run, stalled=run.id in sight.stalled)
            if view != shown:
                yield _event("run", view, cursor)
            # A change of the run's row comes with its metrics in one transaction.
            if looked != sight.end or view != shown:
                try:
                    news = await _news(services, run, cursor)
                except StoreUnavailable:
                    return  # the reader comes back and resumes
                for event in news:
                    yield event
                    cursor = decode(event.id or "")
                looked = sight.end
            shown = view
            await changed.wait()


async def _news(services: Services, run: Run, cursor: Cursor) -> list[ServerSentEvent]:
    """What the store holds beyond `cursor`."""
    store, shared = services.store, services.watcher.shared
    metrics = await shared(store.metrics, run.id, cursor.metric)
    checkpoints = await shared(store.checkpoints, run.id, cursor.checkpoint)
    scores = await shared(store.scores, run.id, cursor.evaluation)
    if not (metrics or checkpoints or scores):
        return []
    return await asyncio.to_thread(_events, services.datasets, run, cursor, metrics, checkpoints, scores)


def _events(
    datasets: Datasets,
    run: Run,
    cursor: Cursor,
    metrics: list[Metric],
    checkpoints: list[SavedCheckpoint],
    scores: list[Score],
) -> list[ServerSentEvent]:
    """All three by ascending id, so that each event's id covers whatever went before it."""
    events = []
    points = sorted(metrics, key=_id)
    for start in range(0, len(points), _POINTS):
        some = points[start : start + _POINTS]
        cursor = replace(cursor, metric=some[-1].id)
        events.append(_event("training", training_curve(run.config, some, datasets), cursor))
    for checkpoint in sorted(checkpoints, key=_id):
        cursor = replace(cursor, checkpoint=checkpoint.id)
        events.append(_event("checkpoint", CheckpointView.of(checkpoint), cursor))
    for score in sorted(scores, key=_id):
        cursor = replace(cursor, evaluation=score.id)
        events.append(_event("evaluation", EvaluationSummary.of(score), cursor))
    return events


def _event(name: str, data: BaseModel, cursor: Cursor) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=data, id=encode(cursor))


def _id(row: Metric | SavedCheckpoint | Score) -> int:
    return row.id
