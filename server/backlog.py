"""Which evaluations are missing, and which of them comes first."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import zip_longest

from server.restoring import Restorer
from shadowboard.checkpoints import Checkpoint
from shadowboard.claims import Key
from shadowboard.dataset import SPLITS
from shadowboard.errors import CheckpointError
from shadowboard.found import is_same_time
from shadowboard.listing import Stamp
from shadowboard.records import Run
from shadowboard.store import Store

# Until what failed is tried again; each time it is twice as long.
_SHORTEST_SECONDS = 10.0
_LONGEST_SECONDS = 300.0

_GOING_ON = {"training", "watched"}

_Kind = tuple[int, str, str]
"""Step, average and split of an evaluation."""


@dataclass(frozen=True, eq=False, slots=True)
class Job:
    """An evaluation to make: one checkpoint's raw weights (`average` empty) or average on one split."""

    run: Run
    checkpoint: Checkpoint
    average: str
    split: str

    @property
    def key(self) -> Key:
        """What tells it from every other."""
        return self.run.id, self.checkpoint.step, self.average, self.split


@dataclass(frozen=True, slots=True)
class _Failure:
    """Which writing of the checkpoint it was of, the seconds until another try, and the time of that."""

    stamp: Stamp | None
    pause: float
    until: float


@dataclass(slots=True)
class _Known:
    """What the last look at a run has found, so that the next need not find it again."""

    settled: tuple[str, int | None] | None = None
    """Its state and latest checkpoint, where nothing is left to evaluate."""
    scored: set[_Kind] = field(default_factory=set)
    """The evaluations that the store has."""
    end: int = 0
    """The last one's id."""
    failed: dict[_Kind, _Failure] = field(default_factory=dict)


class Backlog:
    """The evaluations that nobody has asked for yet. For one thread.

    Live runs go first, the newest checkpoints of each before their older ones; then all other runs, the
    newest first. Of a checkpoint, raw and averages on validation come before the same on test.
    """

    def __init__(
        self, store: Store, restorer: Restorer, complain: Callable[[str, CheckpointError], None]
    ) -> None:
        """`complain` is told of a run, by its id, whose checkpoints cannot be listed."""
        self.retry_at = math.inf
        """When to refresh even if nothing has changed, by the monotonic clock: something is tried again."""
        self._store = store
        self._restorer = restorer
        self._complain = complain
        self._due: deque[Job] = deque()
        self._known: dict[str, _Known] = {}

    def next(self) -> Job | None:
        """The job that comes first, off the list; None where nothing is missing as of the last refresh."""
        while self._due:
            job = self._due.popleft()
            if self._store.evaluation(*job.key) is None:  # nobody else has made it meanwhile
                return job
        return None

    def give_up(self, job: Job) -> None:
        """Do not offer `job` again unless its checkpoint is written anew."""
        self._fail(job, math.inf)

    def put_off(self, job: Job) -> None:
        """Offer `job` again after a while, which is longer each time."""
        before = self._failed(job)
        self._fail(job, min(2 * before.pause, _LONGEST_SECONDS) if before else _SHORTEST_SECONDS)

    def _fail(self, job: Job, pause: float) -> None:
        failure = _Failure(job.checkpoint.stamp, pause, time.monotonic() + pause)
        self._known.setdefault(job.run.id, _Known()).failed[job.key[1:]] = failure
        self.retry_at = min(self.retry_at, failure.until)

    def _failed(self, job: Job) -> _Failure | None:
        """How `job` failed last, if it did since its checkpoint was written."""
        known = self._known.get(job.run.id, _Known())
        failure = known.failed.get(job.key[1:])
        return failure if failure and failure.stamp == job.checkpoint.stamp else None

    def refresh(self) -> None:
        """Look at the runs and their folders again."""
        live: list[list[list[Job]]] = []
        rest: list[list[list[Job]]] = []
        runs = self._store.runs()
        for gone in self._known.keys() - {run.id for run in runs}:
            del self._known[gone]
        now = time.monotonic()
        self.retry_at = math.inf
        for run in runs:
            known = self._known.setdefault(run.id, _Known())
            state = (run.state, run.latest_checkpoint)
            if known.settled == state:
                continue
            try:
                missing = self._missing(run, known, now)
            except CheckpointError as error:
                self._complain(run.id, error)
                self.retry_at = min(self.retry_at, now + _LONGEST_SECONDS)
                continue
            retry_at = min((f.until for f in known.failed.values() if f.until > now), default=math.inf)
            self.retry_at = min(self.retry_at, retry_at)
            if not missing and retry_at == math.inf and run.state not in _GOING_ON | {"queued"}:
                self._known[run.id] = _Known(settled=state)
            (live if run.state in _GOING_ON else rest).append(missing)
        turns = [jobs for turn in zip_longest(*live, fillvalue=[]) for jobs in turn]
        turns += [jobs for missing in rest for jobs in missing]
        self._due = deque(job for jobs in turns for job in jobs)

    def _missing(self, run: Run, known: _Known, now: float) -> list[list[Job]]:
        """The jobs of each checkpoint that lacks any, newest checkpoint first. Raises CheckpointMissing."""
        if run.folder:  # another program may have written a checkpoint anew, and its evaluations are gone
            known.scored, known.end = set(), 0
        for score in self._store.scores(run.id, known.end):
            known.scored.add((score.step, score.average, score.split))
            known.end = max(known.end, score.id)
        kinds = [
            (average, split) for split in SPLITS for average in ("", *(a.name for a in run.config.averages))
        ]
        missing = []
        failed: dict[_Kind, _Failure] = {}
        for checkpoint in reversed(self._restorer.checkpoints(run)):
            jobs = []
            for average, split in kinds:
                kind = checkpoint.step, average, split
                if kind in known.scored:
                    continue
                job = Job(run, checkpoint, average, split)
                if failure := self._failed(job):
                    failed[kind] = failure
                if failure is None or failure.until <= now:
                    jobs.append(job)
            if jobs:
                missing.append(jobs)
        known.failed = failed
        return self._recorded(run, missing) if run.folder and missing else missing

    def _recorded(self, run: Run, missing: list[list[Job]]) -> list[list[Job]]:
        """Those of checkpoints that are recorded as they are on disk.

        Before another program's are, it is not known which averages they hold and which activation they need.
        """
        saved_at = {saved.step: saved.saved_at for saved in self._store.checkpoints(run.id)}

        def is_recorded(checkpoint: Checkpoint) -> bool:
            stamp, at = checkpoint.stamp, saved_at.get(checkpoint.step)
            return stamp is not None and at is not None and is_same_time(stamp.written_at, at)

        return [jobs for jobs in missing if is_recorded(jobs[0].checkpoint)]
