"""What happens to a run and to the list of runs, as server-sent events."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace

from fastapi.sse import ServerSentEvent
from pydantic import BaseModel

from server.cursors import decode, encode
from server.datasets import Datasets
from server.history import training_curve
from server.schemas.history import EvaluationSummary
from server.schemas.runs import CheckpointView, RunGone, RunListed, RunView
from server.services import Services
from server.watching import Listed, Sight
from shadowboard.errors import StoreUnavailable
from shadowboard.records import Cursor, Metric, Run, SavedCheckpoint, Score
from shadowboard.store import Store

_POINTS = 500  # in one event


async def list_events(services: Services, listed: Listed) -> AsyncIterator[ServerSentEvent]:
    """What changes in the list of runs from `listed` on, until the server closes."""
    watcher = services.watcher
    reader = _ListReader(services, listed)
    with watcher.following():
        while not watcher.closed:
            changed = watcher.changed
            for event in reader.news(watcher.sight):
                yield event
            await changed.wait()


async def run_events(
    services: Services, run: Run, cursor: Cursor, listed: Listed | None
) -> AsyncIterator[ServerSentEvent]:
    """The events of `run` beyond `cursor`, each with the cursor after it as its id, until the server closes.

    Nothing is sent twice and nothing left out: each reader goes by the ids that it has seen itself. A run
    resumed from an older checkpoint does some steps again: they are news, and replace what was told of them.
    With `listed` also what changes in the list of runs from there on.
    """
    watcher = services.watcher
    reader = _RunReader(services, run, cursor)
    list_reader = _ListReader(services, listed) if listed else None
    with ExitStack() as stack:
        stack.enter_context(watcher.watching(run.id))
        if list_reader:
            stack.enter_context(watcher.following())
        while not watcher.closed:
            changed, sight = watcher.changed, watcher.sight
            if list_reader:
                for event in list_reader.news(sight, reader.id):
                    yield event
            try:
                news = await reader.news(sight)
            except StoreUnavailable:
                return  # the client comes back and resumes
            for event in news:
                yield event
            if reader.gone:
                return
            await changed.wait()


class _ListReader:
    """One reader of the list of runs: what it has been told, and what is new."""

    def __init__(self, services: Services, listed: Listed) -> None:
        self._services = services
        self._entries, self._since = listed

    def news(self, sight: Sight, id_: str | None = None) -> list[ServerSentEvent]:
        before, now = self._entries, sight.entries
        if now is None or now is before or sight.number < self._since:
            return []
        self._entries = now
        changed = [run for key, run in sight.runs.items() if run and now.get(key) != before.get(key)]
        places = self._services.tells_places
        views = [RunView.of(run, stalled=run.id in sight.stalled, places=places) for run in reversed(changed)]
        news: list[BaseModel] = [RunListed(run=view) for view in views]
        news += [RunGone(gone=key) for key in before if key not in now]
        return [_event("runs", data, id_) for data in news]


class _RunReader:
    """One reader of a run: what it has been told, and what is new."""

    def __init__(self, services: Services, run: Run, cursor: Cursor) -> None:
        self.gone = False
        self._services = services
        self._run = run
        self._cursor = cursor
        self._seen: tuple[Run, bool, int] | None = None
        self._view = ""

    @property
    def id(self) -> str:
        """The id of what was sent last."""
        return encode(self._cursor)

    async def news(self, sight: Sight) -> list[ServerSentEvent]:
        """Raises StoreUnavailable."""
        run = sight.runs.get(self._run.id, self._run)
        if run is None:
            self.gone = True
            return [ServerSentEvent(event="gone", data={"id": self._run.id}, id=self.id)]
        if run.beat < self._run.beat:  # seen before the run was read for whoever asks
            run = self._run
        # A change of the run's row comes with its metrics and checkpoints in one transaction.
        seen = (run, run.id in sight.stalled, sight.end.evaluation)
        if seen == self._seen:
            return []
        before, cursor = self._view, self._cursor
        stored = await self._stored(run)
        told = RunView.of(run, stalled=seen[1], places=self._services.tells_places)
        view = _event("run", told, encode(cursor))
        self._run, self._seen, self._view = run, seen, view.raw_data or ""
        if stored:
            self._cursor = decode(stored[-1].id or "")
        return stored if self._view == before else [view, *stored]

    async def _stored(self, run: Run) -> list[ServerSentEvent]:
        store, datasets = self._services.store, self._services.datasets
        cursor = self._cursor
        return await self._services.watcher.shared(
            (run.id, cursor), lambda: _stored_events(store, datasets, run, cursor)
        )


def _stored_events(store: Store, datasets: Datasets, run: Run, cursor: Cursor) -> list[ServerSentEvent]:
    """What the store holds beyond `cursor`, by ascending id: an event's covers all that went before it."""
    metrics: list[Metric] = sorted(store.metrics(run.id, cursor.metric), key=_id)
    checkpoints: list[SavedCheckpoint] = sorted(store.checkpoints(run.id, cursor.checkpoint), key=_id)
    scores: list[Score] = sorted(store.scores(run.id, cursor.evaluation), key=_id)
    events = []
    for start in range(0, len(metrics), _POINTS):
        some = metrics[start : start + _POINTS]
        cursor = replace(cursor, metric=some[-1].id)
        events.append(_event("training", training_curve(run.config, some, datasets), encode(cursor)))
    for checkpoint in checkpoints:
        cursor = replace(cursor, checkpoint=checkpoint.id)
        events.append(_event("checkpoint", CheckpointView.of(checkpoint), encode(cursor)))
    for score in scores:
        cursor = replace(cursor, evaluation=score.id)
        events.append(_event("evaluation", EvaluationSummary.of(score), encode(cursor)))
    return events


def _event(name: str, data: BaseModel, id_: str | None) -> ServerSentEvent:
    # As text: what goes to many clients is written once.
    return ServerSentEvent(event=name, raw_data=data.model_dump_json(), id=id_)


def _id(row: Metric | SavedCheckpoint | Score) -> int:
    return row.id
