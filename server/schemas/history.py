"""The curves of a run. Losses are in nats."""

from typing import Literal, Self

from pydantic import BaseModel, Field

from shadowboard.records import Score


class TrainingCurve(BaseModel):
    """Parallel arrays, one value a point. null: not a finite number, or not known as the data are gone."""

    step: list[int] = Field(description="Steps done")
    loss: list[float | None] = Field(description="Mean over the steps since the point before")
    learning_rate: list[float | None] = Field(description="What the step was made with")
    decay: dict[str, list[float]] = Field(
        description="What the step was averaged with, by the average's name"
    )


class EvaluationSummary(BaseModel):
    """How many images one checkpoint's raw weights or one of its averages read right."""

    step: int = Field(description="Step of the checkpoint")
    weights: Literal["raw", "ema"] = Field(description="Raw or averaged weights")
    average: str | None = Field(description="Name of the average; null for raw weights")
    split: str = Field(description="validation or test")
    n: int = Field(description="Images")
    correct: int = Field(description="Images read right")
    accuracy: float = Field(description="The share read right")
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
    training: TrainingCurve = Field(description="Of the training itself")
    evaluations: list[EvaluationSummary] = Field(description="Of its checkpoints, by step")
