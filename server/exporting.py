"""Files of weights, made in the background: one at a time, and what several ask for at once but once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.threads import Threads
from shadowboard.errors import Busy
from shadowboard.export.formats import FormatName
from shadowboard.listing import Checkpoint, Stamp

if TYPE_CHECKING:
    from shadowboard.export.exporting import Subject

_MOST = 16  # at a time: each is in memory until it is sent, and before it is made its weights are

_Key = tuple[str, Checkpoint, Stamp | None, str | None, FormatName]


@dataclass(eq=False)
class _File:
    """A file that is made, or will be, and how many wait for it or are being sent it."""

    made: asyncio.Future[bytes]
    clients: int = 0
    begun: bool = False


class Exporter:
    """Makes files in a thread of its own: some take a second or two. For one event loop."""

    def __init__(self) -> None:
        self._threads = Threads(1, 0)
        self._turn = asyncio.Lock()
        self._files: dict[_Key, _File] = {}

    @asynccontextmanager
    async def file(self, subject: "Subject", name: FormatName) -> AsyncIterator[bytes]:
        """The file's content, kept while the block lasts; whoever asks for it meanwhile has the same bytes.

        Raises what `export` does, and Busy where too many files are made or kept already. Where all who asked
        have left, one that is not begun is not made; one that is counts until it is made.
        """
        checkpoint = subject.checkpoint
        key = subject.source, checkpoint, checkpoint.stamp, subject.average, name
        file = self._files.get(key)
        if file is None:
            if len(self._files) >= _MOST:
                raise Busy(f"{_MOST} files are being made and sent already; try again in a few seconds.")
            file = self._files[key] = self._begin(key, subject, name)
        file.clients += 1
        try:
            yield await asyncio.shield(file.made)  # for others may wait for the same
        finally:
            file.clients -= 1
            if not file.clients and not file.begun:
                file.made.cancel()
            self._forget_if_done(key, file)

    def _begin(self, key: _Key, subject: "Subject", name: FormatName) -> _File:
        async def make() -> bytes:
            async with self._turn:
                file.begun = True
                return await self._threads.run(_export, subject, name)

        def ended(made: asyncio.Future[bytes]) -> None:
            if not made.cancelled():
                made.exception()  # taken, as nobody may be left whom it concerns
            self._forget_if_done(key, file)

        file = _File(asyncio.ensure_future(make()))
        file.made.add_done_callback(ended)
        return file

    def _forget_if_done(self, key: _Key, file: _File) -> None:
        over = file.made.done() or not file.begun
        if over and not file.clients and self._files.get(key) is file:
            del self._files[key]


def _export(subject: "Subject", name: FormatName) -> bytes:
    from shadowboard.export.exporting import export

    return export(subject, name)
