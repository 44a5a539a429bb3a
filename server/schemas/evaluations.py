"""Evaluations in full. Losses are in nats."""

from typing import Literal

from pydantic import BaseModel, Field


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
