"""What becomes of an evaluation that nobody waits for any more."""

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from shadowboard.errors import Busy
from shadowboard.records import Run
from shadowboard.settings import Settings
from tests.server.conftest import in_a_loop


def test_an_error_that_nobody_waits_for_is_not_logged(
    make_run: Callable[..., Run], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    from server.asking import _made
    from shadowboard import checkpoints

    run = make_run((0,))
    checkpoint = checkpoints.find(settings.run_folder(run.id), 0)

    async def leave() -> None:
        flights: list[Future[Any]] = [Future(), Future()]
        waiting = iter(flights)
        engine: Any = SimpleNamespace(evaluator=SimpleNamespace(request=lambda job: next(waiting)))
        asked = asyncio.create_task(_made(engine, run, checkpoint, ["", "A"], "test", [None, None]))
        await asyncio.sleep(0)
        asked.cancel()
        with suppress(asyncio.CancelledError):
            await asked
        for flight in flights:
            flight.set_exception(Busy("The server is ending; try again in a few seconds."))
        await asyncio.sleep(0.01)

    in_a_loop(leave())
    gc.collect()
    assert caplog.records == []
