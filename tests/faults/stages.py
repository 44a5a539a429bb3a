"""The stages of a save, in a worker's process: counted, and a signal to itself at one of them."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

PART = "written in part"
_CALLS = {"os.mkdir", "os.rename", "os.remove", "os.rmdir"}


class Stages:
    """Every call with which a save changes something, before it is made: this process's first into `folder`
    where there are checkpoints already.

    At the one with the number `fatal` the process sends itself `number`; without, `seen` has them all.
    """

    def __init__(self, folder: Path, fatal: int | None, number: signal.Signals) -> None:
        self.seen: list[str] = []
        self._folder, self._fatal, self._number = folder, fatal, number
        self._armed = False
        sys.addaudithook(self._audit)
        event.listen(Engine, "commit", lambda _: self._reached("commit"))
        self._wrap()

    def over(self) -> None:
        """The save is recorded."""
        self._armed = False

    def _reached(self, stage: str) -> None:
        if not self._armed or threading.current_thread() is not threading.main_thread():
            return
        if len(self.seen) == self._fatal:
            self._fatal = None
            os.kill(os.getpid(), self._number)
        self.seen.append(stage)

    def _audit(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name in _CALLS:
            self._reached(f"{name} {Path(str(arguments[0])).suffix}".rstrip())

    def _wrap(self) -> None:
        from shadowboard import checkpoints
        from shadowboard.quiet_tensorflow import tf

        saving, sync, write = checkpoints.saving, os.fsync, tf.raw_ops.SaveV2

        @contextmanager
        def counted(*arguments: Any) -> Iterator[Callable[[], checkpoints.Checkpoint]]:
            self._armed = not self.seen and any(self._folder.glob("*.index"))
            with saving(*arguments) as commit:
                yield commit

        def sync_counted(descriptor: int) -> None:
            file = Path(f"/proc/self/fd/{descriptor}").readlink()
            self._reached(f"fsync {file.suffix}".rstrip())
            sync(descriptor)

        def write_counted(**named: Any) -> None:
            self._reached("write")
            if self._armed and len(self.seen) == self._fatal:
                self._reach_while(lambda: write(**named))
            else:
                self._reached(PART)
                write(**named)

        os.fsync, tf.raw_ops.SaveV2 = sync_counted, write_counted
        checkpoints.saving: Callable[..., AbstractContextManager[Any]] = counted

    def _reach_while(self, write: Callable[[], None]) -> None:
        """As soon as another thread has written bytes, or else at the end."""
        with ThreadPoolExecutor(1) as thread:
            writing = thread.submit(write)
            while not writing.done() and not any(map(_bytes, self._folder.glob(".saving-*/*"))):
                pass
            self._reached(PART)
            writing.result()


def _bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
