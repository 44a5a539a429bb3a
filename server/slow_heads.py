"""A time limit on the head of a request, which uvicorn does not have."""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_SECONDS = 10.0


class HeadLimit(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # chosen when it is imported
    """Closes connections on which no request's head is complete HEAD_SECONDS after they were made.

    And after a later request has begun. Clients that send ever so slowly, or nothing, would otherwise hold
    their connections for good, of which a process can have a limited number only.
    """

    _head_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The first head is due."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """It may have come, or the next one has begun."""
        super().data_received(data)
        if self._is_answering():
            self._forget_head()
        elif self._head_due is None:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._forget_head()
        super().connection_lost(exc)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_head(self) -> None:
        self._head_due = self.loop.call_later(HEAD_SECONDS, self._close_without_head)

    def _forget_head(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _close_without_head(self) -> None:
        if not self._is_answering():
            self.transport.close()
