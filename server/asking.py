"""Evaluations of one checkpoint, for those who ask: out of the store, or made at once."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future

from server.backlog import Job
from server.choosing import BEST, LATEST, choose_evaluations
from server.engine import Engine
from server.restoring import Choice
from server.results import Result
from server.services import Services
from shadowboard.checkpoints import Checkpoint
from shadowboard.errors import CheckpointDamaged, CheckpointMissing
from shadowboard.records import Run

_MOST_GONE = 20  # checkpoints that are deleted, one after the other, before they are read


async def ask(
    services: Services, engine: Engine, run: Run, step: str, averages: Sequence[str], split: str
) -> tuple[Choice, list[Result]]:
    """The checkpoint that `step` means, and its evaluation with each of `averages` (empty: raw).

    `best` goes by the last of the averages. Where `latest` or `best` turns out to be damaged, or is deleted
    before it is read, the next one is taken. Raises Busy, CheckpointMissing, CheckpointDamaged,
    CheckpointUnsuitable, DatasetError.
    """
    damaged: list[Checkpoint] = []
    gone = 0
    while True:
        choice, stored = await engine.threads.run(
            choose_evaluations,
            services.store,
            services.datasets,
            engine.restorer,
            run,
            step,
            averages,
            split,
            damaged,
        )
        try:
            return choice, await _made(engine, run, choice.checkpoint, averages, split, stored)
        except CheckpointDamaged:
            if step not in (LATEST, BEST):
                raise
            damaged.append(choice.checkpoint)
        except CheckpointMissing:
            gone += 1
            if step not in (LATEST, BEST) or gone == _MOST_GONE:
                raise


async def _made(
    engine: Engine,
    run: Run,
    checkpoint: Checkpoint,
    averages: Sequence[str],
    split: str,
    stored: Sequence[Result | None],
) -> list[Result]:
    """The evaluations, those that are not stored yet made now."""
    flights = {
        average: _heard(engine.evaluator.request(Job(run, checkpoint, average, split)))
        for average, result in zip(averages, stored, strict=True)
        if result is None
    }
    # Shielded, for others may wait for the same.
    waiting = (asyncio.shield(flight) for flight in flights.values())
    results = await asyncio.gather(*waiting, return_exceptions=True)
    made: dict[str, Result] = {}
    for average, result in zip(flights, results, strict=True):
        if isinstance(result, BaseException):
            raise result
        made[average] = result
    return [result or made[average] for average, result in zip(averages, stored, strict=True)]


def _heard(flight: "Future[Result]") -> "asyncio.Future[Result]":
    """The same for this event loop, which need not complain of an error that nobody waits for any more."""
    heard = asyncio.wrap_future(flight)
    heard.add_done_callback(lambda done: done.cancelled() or done.exception())
    return heard
