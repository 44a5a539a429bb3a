"""What the store keeps, as values. Times are seconds since 1970, UTC; losses are in nats."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from shadowboard.configuration import RunConfig
from shadowboard.errors import RunBusy
from shadowboard.watched import WatchedConfig

State = Literal["queued", "training", "finished", "stopped", "diverged", "failed", "watched"]


class StudyOfRun(NamedTuple):
    """The study that a run is part of."""

    id: str
    name: str


@dataclass(frozen=True)
class Run:
    """One training run as the store knows it. Times are seconds since 1970, UTC.

    One that another program trains is `watched`, or `stopped` where nobody looks any more.
    """

    id: str
    name: str
    config: RunConfig | WatchedConfig
    state: State
    message: str
    step: int
    steps_per_second: float
    stop_requested: bool
    worker: str | None
    beat: int
    heartbeat_at: float | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    latest_checkpoint: int | None
    study: StudyOfRun | None = None

    @property
    def folder(self) -> Path | None:
        """Where the program saves that trains it; None where that is done here."""
        return Path(self.config.folder) if isinstance(self.config, WatchedConfig) else None

    @property
    def steps(self) -> int | None:
        """How many it is to do in all; None where only the program knows that trains it."""
        return None if isinstance(self.config, WatchedConfig) else self.config.steps

    @property
    def recipe(self) -> RunConfig:
        """How it is trained here. Raises RunBusy where another program does it."""
        if isinstance(self.config, WatchedConfig):
            raise RunBusy(f"The run {self.id} is trained by another program; it can only be watched.")
        return self.config


class NewestRuns(NamedTuple):
    """The newest runs, and how many there are in all. `unreadable`: ids of those left out of the newest."""

    runs: list[Run]
    unreadable: list[str]
    total: int


@dataclass(frozen=True)
class Metric:
    """The mean training loss of the steps since the metric before, up to and with `step`."""

    step: int
    loss: float
    id: int = 0


@dataclass(frozen=True)
class SavedCheckpoint:
    """A checkpoint that a worker has saved."""

    step: int
    bytes: int
    saved_at: float
    id: int = 0


@dataclass(frozen=True)
class Score:
    """The outcome of one evaluation, without its images. `average` is empty for the raw weights."""

    step: int
    average: str
    split: str
    n: int
    correct: int
    loss: float | None
    seconds: float
    created_at: float = 0.0
    id: int = 0


@dataclass(frozen=True)
class StepScores:
    """What the same weights scored at one step on each split; None where that is not evaluated."""

    step: int
    validation: Score | None
    test: Score | None


@dataclass(frozen=True)
class Standing:
    """How a run's raw weights (`average` empty) or one of its averages have done so far.

    `final`: at the newest step that is evaluated. `best`: at the step of the highest validation accuracy, of
    equals the earliest; the same as `final` as long as none is evaluated on validation. `evaluated`: how many
    evaluations there are.
    """

    run_id: str
    average: str
    evaluated: int
    final: StepScores
    best: StepScores


def rank(correct: int, step: int) -> tuple[int, int]:
    """By what checkpoints are chosen, the least first: most images read right; of equals, the earliest."""
    return -correct, step


class StoredEvaluation(NamedTuple):
    """A Score with what each image was read as: predictions uint8 [n], confidences float32 [n], as bytes."""

    score: Score
    predictions: bytes
    confidences: bytes


class PairedReadings(NamedTuple):
    """What raw and averaged weights of one step read each of n images as: uint8 [n] each, as bytes."""

    step: int
    raw: bytes
    averaged: bytes


@dataclass(frozen=True)
class Cursor:
    """How far a reader of the store has come: the greatest ids it has seen."""

    metric: int = 0
    checkpoint: int = 0
    evaluation: int = 0
