"""Files of weights, made in the background: one at a time, and what several ask for at once but once."""

import asyncio
from typing import TYPE_CHECKING

from server.threads import Threads
from shadowboard.export.formats import FormatName
from shadowboard.listing import Checkpoint

if TYPE_CHECKING:
    from shadowboard.export.exporting import Subject

_WAITING = 16  # each holds its weights in memory

_Key = tuple[str, Checkpoint, str | None, FormatName]


class Exporter:
    """Makes files in a thread of its own: some take a second or two. For one event loop."""

    def __init__(self) -> None:
        self._threads = Threads(1, _WAITING)
        self._making: dict[_Key, asyncio.Task[bytes]] = {}

    async def file(self, subject: "Subject", name: FormatName) -> bytes:
        """The file's content. Raises what `export` does, and Busy where too many wait already."""
        key = subject.source, subject.checkpoint, subject.average, name
        if key not in self._making:
            task = asyncio.create_task(self._threads.run(_export, subject, name))
            self._making[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        # Shielded, for others may wait for the same.
        return await asyncio.shield(self._making[key])

    def _forget(self, key: _Key, done: asyncio.Task[bytes]) -> None:
        del self._making[key]
        if not done.cancelled():
            done.exception()  # which nobody need wait for any more


def _export(subject: "Subject", name: FormatName) -> bytes:
    from shadowboard.export.exporting import export

    return export(subject, name)
