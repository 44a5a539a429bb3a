"""A large answer, sent a piece at a time as the client takes it."""

from collections.abc import AsyncIterator, Mapping

from starlette.responses import StreamingResponse

_PIECE = 2**18


class InPieces(StreamingResponse):
    """`content`, of which no second copy waits to be sent; `slow_readers` leaves whoever does not take it."""

    def __init__(self, content: bytes, headers: Mapping[str, str], media_type: str) -> None:
        length = {"Content-Length": str(len(content))}
        super().__init__(_pieces(content), headers={**headers, **length}, media_type=media_type)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]
