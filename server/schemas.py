"""The bodies of requests and answers. Times are seconds since 1970, UTC; losses are in nats."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from server.parameters import NewName
from shadowboard.averaging import Average
from shadowboard.records import Run, SavedCheckpoint, Score, State


class Health(BaseModel):
    """The server is up."""

    status: Literal["ok"] = "ok"


class RunView(BaseModel):
    """One training run. `stalled`: it is in training, and its worker has not been heard of for over 5 s."""

    id: str
    name: str
    state: State
    message: str
    step: int
    steps: int
    steps_per_second: float
    stop_requested: bool
    created_at: float
    started_at: float | None
    finished_at: float | None
    heartbeat_at: float | None
    stalled: bool
    latest_checkpoint: int | None
    averages: list[Average]
    config: dict[str, Any]

    @classmethod
    def of(cls, run: Run, *, stalled: bool) -> Self:
        """The view of a run of the store."""
        same = {name: getattr(run, name) for name in cls.model_fields if hasattr(run, name)}
        same["config"] = run.config.model_dump(mode="json")
        return cls(**same, steps=run.config.steps, averages=list(run.config.averages), stalled=stalled)


class RunList(BaseModel):
    """All runs, newest first."""

    runs: list[RunView]


class NewRun(BaseModel):
    """A run to queue: any knobs of its configuration; what is left out is the reference recipe's."""

    model_config = ConfigDict(extra="forbid")

    name: NewName = Field("", description="Empty: what its recipe is called")
    config: dict[str, Any] = Field(default_factory=dict, description="Any knob except data")


class TrainingCurve(BaseModel):
    """Parallel arrays: the mean loss of the steps since the point before, and what the step was made with.

    `decay`: by the average's name. null: not a finite number, or not known because the data are gone.
    """

    step: list[int]
    loss: list[float | None]
    learning_rate: list[float | None]
    decay: dict[str, list[float]]


class CheckpointView(BaseModel):
    """A checkpoint that was saved."""

    step: int
    bytes: int
    saved_at: float

    @classmethod
    def of(cls, saved: SavedCheckpoint) -> Self:
        """The view of a checkpoint of the store."""
        return cls(step=saved.step, bytes=saved.bytes, saved_at=saved.saved_at)


class EvaluationSummary(BaseModel):
    """How many images one checkpoint's raw weights or one of its averages read right."""

    step: int
    weights: Literal["raw", "ema"]
    average: str | None
    split: str
    n: int
    correct: int
    accuracy: float
    loss: float | None

    @classmethod
    def of(cls, score: Score) -> Self:
        """The summary of an evaluation of the store."""
        return cls(
            step=score.step,
            weights="ema" if score.average else "raw",
            average=score.average or None,
            split=score.split,
            n=score.n,
            correct=score.correct,
            accuracy=score.correct / score.n,
            loss=score.loss,
        )


class History(BaseModel):
    """The curves of a run so far. `cursor` is where its events go on from here."""

    run: str
    cursor: str
    training: TrainingCurve
    evaluations: list[EvaluationSummary]


class DigitResult(BaseModel):
    """How many images of one digit were read right; accuracy is null where there are none."""

    digit: int
    n: int
    correct: int
    accuracy: float | None


class EvaluationView(BaseModel):
    """One evaluation in full.

    accuracy_interval: Wilson's 95 % interval. confusion: how many images of digit (row) were read as digit
    (column). seconds: what making it took, whenever that was. note: why it is not the newest checkpoint.
    """

    run: str
    step: int
    weights: Literal["raw", "ema"]
    average: str | None
    decay: float | None
    split: str
    n: int
    correct: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    loss: float | None
    per_digit: list[DigitResult]
    confusion: list[list[int]]
    checkpoint: str
    cached: bool
    seconds: float
    note: str | None


class ReadingView(BaseModel):
    """What one set of weights reads: the digit, its probability, and those of all ten."""

    digit: int
    confidence: float
    probabilities: list[float]


class AveragedReadingView(ReadingView):
    """What the average of this name reads."""

    average: str


class PredictionView(BaseModel):
    """What raw and averaged weights read in a picture. `ema`: the run's first average.

    image: the 28×28 pixels in [0, 1] that the picture was turned into.
    """

    run: str
    step: int
    raw: ReadingView
    ema: AveragedReadingView | None
    averages: list[AveragedReadingView]
    image: list[list[float]]
    note: str | None
