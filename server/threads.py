"""Threads for what may take long, apart from those that answer short questions."""

from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from shadowboard.errors import Busy

_THREADS = 8  # restores go one at a time, so more of them would only wait
_WAITING = 256

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A few threads, and a queue before them that has an end. For one event loop."""

    def __init__(self, threads: int = _THREADS, waiting: int = _WAITING) -> None:
        self._limiter = CapacityLimiter(threads)
        self._most = threads + waiting
        self._calls = 0

    async def run(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """`function(*arguments)` in one of the threads. Raises Busy where too many wait already."""
        if self._calls >= self._most:
            raise Busy("Too many requests for weights are waiting; try again in a few seconds.")
        self._calls += 1
        try:
            call: partial[Any] = partial(function, *arguments, **named)
            found: T = await to_thread.run_sync(call, limiter=self._limiter)
        finally:
            self._calls -= 1
        return found
