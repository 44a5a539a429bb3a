"""A large answer, sent a piece at a time as the client takes it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Message, Send

log = logging.getLogger(__name__)

_PIECE = 2**18
_PIECE_SECONDS = 30.0


class InPieces(StreamingResponse):
    """`content`, of which no second copy waits to be sent; a client that does not take it is left.

    So that what is kept for the answer is not kept for ever: _PIECE_SECONDS a piece are enough for any line.
    """

    def __init__(self, content: bytes, headers: Mapping[str, str], media_type: str) -> None:
        length = {"Content-Length": str(len(content))}
        super().__init__(_pieces(content), headers={**headers, **length}, media_type=media_type)

    async def stream_response(self, send: Send) -> None:
        """Send it all, or break off."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(_PIECE_SECONDS):
                await send(message)

        try:
            await super().stream_response(send_in_time)
        except TimeoutError:
            log.warning("A client has taken nothing for %g s; its download is broken off.", _PIECE_SECONDS)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]
