"""A time limit on taking an answer, which uvicorn does not have."""

import asyncio
import logging
from typing import Any

from server.slow_heads import HeadLimit

log = logging.getLogger(__name__)

READ_SECONDS = 30.0


class ReadLimit(HeadLimit):
    """Leaves clients that do not take within READ_SECONDS what waits for them, mostly a piece of an answer.

    All of the answer would otherwise be kept for good, and so would the connection. That is aborted, as to
    close it is to wait until what waits is taken.
    """

    _take_due: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """So much waits for the client that no more is written."""
        super().pause_writing()
        self._take_due = self.loop.call_later(READ_SECONDS, self._leave)

    def resume_writing(self) -> None:
        """It has taken most of it."""
        super().resume_writing()
        self._forget_take()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._forget_take()
        super().connection_lost(exc)

    def _forget_take(self) -> None:
        if self._take_due is not None:
            self._take_due.cancel()
            self._take_due = None

    def _leave(self) -> None:
        log.warning("A client has not taken its answer for %g s; the connection is closed.", READ_SECONDS)
        transport: Any = self.transport
        transport.abort()
