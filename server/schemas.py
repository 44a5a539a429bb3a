"""The bodies of requests and answers. Times are seconds since 1970, UTC; losses are in nats."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from server.parameters import NewName
from shadowboard.averaging import Average
from shadowboard.configuration import RunConfig
from shadowboard.records import Run, SavedCheckpoint, Score, State


class _Knobs:
    """Described as a RunConfig, but left to `parse_config`, which has the better sentences."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(RunConfig.__pydantic_core_schema__)


class Health(BaseModel):
    """The server is up."""

    status: Literal["ok"] = "ok"


class RunView(BaseModel):
    """One training run."""

    id: str
    name: str
    state: State
    message: str = Field(description="Why it stands as it does, where there is more to say")
    step: int = Field(description="Steps done")
    steps: int = Field(description="Steps to do in all")
    steps_per_second: float
    stop_requested: bool
    created_at: float
    started_at: float | None
    finished_at: float | None
    heartbeat_at: float | None = Field(description="When its worker was last heard of")
    stalled: bool = Field(description="In training, but its worker has not been heard of for over 5 s")
    latest_checkpoint: int | None = Field(description="Step of the newest checkpoint")
    averages: list[Average] = Field(description="The averages that it keeps")
    config: RunConfig = Field(description="All its knobs")

    @classmethod
    def of(cls, run: Run, *, stalled: bool) -> Self:
        """The view of a run of the store."""
        same = {name: getattr(run, name) for name in cls.model_fields if hasattr(run, name)}
        return cls(**same, steps=run.config.steps, averages=list(run.config.averages), stalled=stalled)


class RunList(BaseModel):
    """All runs, newest first."""

    runs: list[RunView]


class NewRun(BaseModel):
    """A run to queue: any knobs of its configuration; what is left out is the reference recipe's."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "short", "config": {"steps": 5000, "seed": 1}}]},
    )

    name: NewName = Field("", description="Empty: what its recipe is called")
    config: Annotated[dict[str, Any], _Knobs] = Field(
        default_factory=dict, description="Any knobs; data can only be mnist"
    )


class TrainingCurve(BaseModel):
    """Parallel arrays, one value a point. null: not a finite number, or not known as the data are gone."""

    step: list[int]
    loss: list[float | None] = Field(description="Mean over the steps since the point before")
    learning_rate: list[float | None] = Field(description="What the step was made with")
    decay: dict[str, list[float]] = Field(
        description="What the step was averaged with, by the average's name"
    )


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
    average: str | None = Field(description="Name of the average; null for raw weights")
    split: str
    n: int = Field(description="Images")
    correct: int = Field(description="Images read right")
    accuracy: float
    loss: float | None = Field(description="Mean over the images; null: not a finite number")

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
    """The curves of a run so far."""

    run: str = Field(description="Id of the run")
    cursor: str = Field(description="Where its events go on from here")
    training: TrainingCurve
    evaluations: list[EvaluationSummary]


class DigitResult(BaseModel):
    """How many images of one digit were read right."""

    digit: int
    n: int = Field(description="Images of this digit")
    correct: int = Field(description="Of these, read right")
    accuracy: float | None = Field(description="null where there are none")


class EvaluationView(BaseModel):
    """One evaluation in full."""

    run: str = Field(description="Id of the run")
    step: int = Field(description="Of the checkpoint")
    weights: Literal["raw", "ema"]
    average: str | None = Field(description="Name of the average; null for raw weights")
    decay: float | None = Field(description="The average's; null for raw weights")
    split: str
    n: int = Field(description="Images")
    correct: int = Field(description="Images read right")
    accuracy: float
    accuracy_interval: tuple[float, float] = Field(description="Wilson's 95 % interval")
    loss: float | None = Field(description="Mean over the images; null: not a finite number")
    per_digit: list[DigitResult]
    confusion: list[list[int]] = Field(description="Images of a digit (row) that were read as one (column)")
    checkpoint: str = Field(description="The checkpoint's file name, without its endings")
    cached: bool = Field(description="It was stored already")
    seconds: float = Field(description="What making it took, whenever that was")
    note: str | None = Field(description="Why it is not the newest checkpoint, where it is not")


class ReadingView(BaseModel):
    """What one set of weights reads."""

    digit: int
    confidence: float = Field(description="Probability of this digit")
    probabilities: list[float] = Field(description="Of all ten digits")


class AveragedReadingView(ReadingView):
    """What one average reads."""

    average: str = Field(description="Name of the average")


class PredictionView(BaseModel):
    """What raw and averaged weights read in a picture."""

    run: str = Field(description="Id of the run")
    step: int = Field(description="Of the checkpoint")
    raw: ReadingView
    ema: AveragedReadingView | None = Field(description="The run's first average; null where it keeps none")
    averages: list[AveragedReadingView] = Field(description="Each that the run keeps")
    image: list[list[float]] = Field(description="28×28 pixels from 0 to 1: what the picture was turned into")
    note: str | None = Field(description="Why it is not the newest checkpoint, where it is not")
