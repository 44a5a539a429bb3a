"""How well a run's weights have done: at its newest evaluated checkpoint, and at its best."""

from typing import Self

from pydantic import BaseModel, Field

from server.schemas.history import EvaluationSummary
from shadowboard.intervals import wilson_interval
from shadowboard.records import Score, Standing, StepScores


class Share(BaseModel):
    """How many images of a split were read right."""

    n: int = Field(description="Images")
    correct: int = Field(description="Images read right")
    accuracy: float = Field(description="The share read right")
    accuracy_interval: tuple[float, float] = Field(description="Wilson's 95 % interval of the accuracy")

    @classmethod
    def of(cls, score: Score) -> Self:
        """The share of an evaluation of the store."""
        return cls(
            n=score.n,
            correct=score.correct,
            accuracy=score.correct / score.n,
            accuracy_interval=wilson_interval(score.correct, score.n),
        )


class Point(BaseModel):
    """The same weights at one step, on both splits."""

    step: int = Field(description="Step of the checkpoint")
    validation: Share | None = Field(description="null: not evaluated")
    test: Share | None = Field(description="null: not evaluated")

    @classmethod
    def of(cls, scores: StepScores) -> Self:
        """The point of a step's evaluations in the store."""
        validation, test = scores.validation, scores.test
        return cls(
            step=scores.step,
            validation=Share.of(validation) if validation else None,
            test=Share.of(test) if test else None,
        )


class Scores(BaseModel):
    """How a run's raw weights or one of its averages have done."""

    final: Point = Field(description="At the newest checkpoint that is evaluated with these weights")
    best: Point = Field(
        description="Where they read the most validation images right; of equals the earliest"
    )

    evaluated: int = Field(
        description="How many evaluations there are: one of each checkpoint on either kind of images"
    )

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """The scores of a standing of the store."""
        return cls(final=Point.of(standing.final), best=Point.of(standing.best), evaluated=standing.evaluated)


class RunScores(BaseModel):
    """How one run has done with each of its weights."""

    run: str = Field(description="Id of the run")
    raw: Scores | None = Field(description="Of the raw weights; null: not evaluated")
    averages: dict[str, Scores] = Field(description="Of the averages that are evaluated, by name")


class ScoreList(BaseModel):
    """How the runs have done of which anything is evaluated."""

    runs: list[RunScores] = Field(description="In the order of their ids")


class Best(BaseModel):
    """The best checkpoint of some weights: the most validation images read right, of equals the earliest."""

    step: int = Field(description="Step of the checkpoint")
    weights: str = Field(description="raw or ema", examples=["ema"])
    average: str | None = Field(description="Name of the average; null for raw weights")
    checkpoint: str = Field(description="Name of the checkpoint's files, without their ends")
    validation: EvaluationSummary = Field(description="What it was chosen by")
    test: EvaluationSummary | None = Field(description="On the images kept for the end; null: not evaluated")


class BestList(BaseModel):
    """The best checkpoints of a run, of those that are still there."""

    run: str = Field(description="Id of the run")
    promoted: Best = Field(description="That of its first average; of the raw weights where it keeps none")
    raw: Best | None = Field(description="That of the raw weights; null: not evaluated")
    averages: list[Best] = Field(description="Those of the averages that are evaluated")
