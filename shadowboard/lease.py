"""How long a worker may be silent before its run counts as abandoned, and who notices."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from shadowboard.records import Run

LEASE_SECONDS = 5.0


class _Seen(NamedTuple):
    worker: str | None
    beat: int
    since: float  # this beat stands, by the monotonic clock
    heard: bool  # this worker has beaten while it was watched


class Watch:
    """Which runs have stopped beating, judged by this process's own monotonic clock alone.

    A run is stalled when its beat has stood still for LEASE_SECONDS of watching; no wall clock is
    compared with another, so none can be wrong.
    """

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def stalled(self, runs: Sequence[Run]) -> list[Run]:
        """Those of `runs` in training that have not beaten for a lease. Call it again and again."""
        now = time.monotonic()
        seen: dict[str, _Seen] = {}
        for run in runs:
            if run.state == "training":
                before = self._seen.get(run.id)
                if before is None or before.worker != run.worker:
                    before = _Seen(run.worker, run.beat, now, heard=False)
                elif before.beat != run.beat:
                    before = _Seen(run.worker, run.beat, now, heard=True)
                seen[run.id] = before
        self._seen = seen
        return [run for run in runs if run.id in seen and now - seen[run.id].since >= LEASE_SECONDS]

    def unheard(self, runs: Sequence[Run]) -> list[Run]:
        """Those of the `runs` last looked at that are in training, but have not beaten yet while watched."""
        return [run for run in runs if run.id in self._seen and not self._seen[run.id].heard]
