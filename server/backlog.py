"""Which evaluations are missing, and which of them comes first."""

from collections import deque
from dataclasses import dataclass, field
from itertools import zip_longest

from server.restoring import Restorer
from shadowboard.checkpoints import Checkpoint
from shadowboard.claims import Key
from shadowboard.records import Run
from shadowboard.store import Store

SPLITS = ("validation", "test")


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


@dataclass(slots=True)
class _Scored:
    """The evaluations of a run that the store had at the last look, and the last one's id."""

    kinds: set[tuple[int, str, str]] = field(default_factory=set)
    end: int = 0


class Backlog:
    """The evaluations that nobody has asked for yet. For one thread.

    Live runs go first, the newest checkpoints of each before their older ones; then all other runs, the
    newest first. Of a checkpoint, raw and averages on validation come before the same on test.
    """

    def __init__(self, store: Store, restorer: Restorer) -> None:
        self._store = store
        self._restorer = restorer
        self._due: deque[Job] = deque()
        self._given_up: set[tuple[Key, float]] = set()
        self._settled: dict[str, tuple[str, int | None]] = {}
        self._scored: dict[str, _Scored] = {}

    def next(self) -> Job | None:
        """The job that comes first, off the list; None where nothing is missing as of the last refresh."""
        while self._due:
            job = self._due.popleft()
            if self._store.evaluation(*job.key) is None:  # nobody else has made it meanwhile
                return job
        return None

    def give_up(self, job: Job) -> None:
        """Do not offer `job` again unless its checkpoint is written anew."""
        self._given_up.add((job.key, _written_at(job.checkpoint)))

    def refresh(self) -> None:
        """Look at the runs and their folders again."""
        live: list[list[list[Job]]] = []
        rest: list[list[list[Job]]] = []
        runs = self._store.runs()
        for gone in self._scored.keys() - {run.id for run in runs}:
            del self._scored[gone]
        for run in runs:
            state = (run.state, run.latest_checkpoint)
            if self._settled.get(run.id) == state:
                continue
            missing = self._missing(run)
            if not missing and run.state not in {"queued", "training"}:
                self._settled[run.id] = state
                del self._scored[run.id]
            (live if run.state == "training" else rest).append(missing)
        turns = [jobs for turn in zip_longest(*live, fillvalue=[]) for jobs in turn]
        turns += [jobs for missing in rest for jobs in missing]
        self._due = deque(job for jobs in turns for job in jobs)

    def _missing(self, run: Run) -> list[list[Job]]:
        """The jobs of each checkpoint that lacks any, newest checkpoint first."""
        scored = self._scored.setdefault(run.id, _Scored())
        for score in self._store.scores(run.id, scored.end):
            scored.kinds.add((score.step, score.average, score.split))
            scored.end = max(scored.end, score.id)
        kinds = [
            (average, split) for split in SPLITS for average in ("", *(a.name for a in run.config.averages))
        ]
        missing = []
        for checkpoint in reversed(self._restorer.checkpoints(run)):
            jobs = [
                Job(run, checkpoint, average, split)
                for average, split in kinds
                if (checkpoint.step, average, split) not in scored.kinds
            ]
            if jobs := [job for job in jobs if not self._is_given_up(job)]:
                missing.append(jobs)
        return missing

    def _is_given_up(self, job: Job) -> bool:
        return (job.key, _written_at(job.checkpoint)) in self._given_up


def _written_at(checkpoint: Checkpoint) -> float:
    """The time of the checkpoint's last writing; 0 where it is gone."""
    try:
        return checkpoint.prefix.with_name(checkpoint.prefix.name + ".index").stat().st_mtime
    except OSError:
        return 0.0
