"""How long a worker may be silent before its run counts as abandoned, and who notices."""

import time
from collections.abc import Sequence

from shadowboard.records import Run

LEASE_SECONDS = 5.0


class Watch:
    """Which runs have stopped beating, judged by this process's own monotonic clock alone.

    A run is stalled when its beat has stood still for LEASE_SECONDS of watching; no wall clock is
    compared with another, so none can be wrong.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str | None, int, float]] = {}

    def stalled(self, runs: Sequence[Run]) -> list[Run]:
        """Those of `runs` in training that have not beaten for a lease. Call it again and again."""
        now = time.monotonic()
        seen: dict[str, tuple[str | None, int, float]] = {}
        for run in runs:
            if run.state == "training":
                before = self._seen.get(run.id)
                still = before is not None and before[:2] == (run.worker, run.beat)
                seen[run.id] = before if before is not None and still else (run.worker, run.beat, now)
        self._seen = seen
        return [run for run in runs if run.id in seen and now - seen[run.id][2] >= LEASE_SECONDS]
