"""Evaluations in full. Losses are in nats."""

from typing import Literal

from pydantic import BaseModel, Field

CALIBRATION_ERROR = "Expected calibration error: how far confidence and accuracy are apart, in 15 equal bins"


class DigitResult(BaseModel):
    """How many images of one digit were read right."""

    digit: int = Field(description="From 0 to 9")
    n: int = Field(description="Images of this digit")
    correct: int = Field(description="Of these, read right")
    accuracy: float | None = Field(description="null where there are none")


class EvaluationView(BaseModel):
    """One evaluation in full."""

    run: str = Field(description="Id of the run")
    step: int = Field(description="Of the checkpoint")
    weights: Literal["raw", "ema"] = Field(description="ema: averaged")
    average: str | None = Field(description="Name of the average; null for raw weights")
    decay: float | None = Field(description="The average's; null for raw weights")
    split: Literal["validation", "test"] = Field(description="As asked for")
    n: int = Field(description="Images")
    correct: int = Field(description="Images read right")
    accuracy: float = Field(description="Share read right")
    accuracy_interval: tuple[float, float] = Field(description="Wilson's 95 % interval")
    loss: float | None = Field(description="Mean over the images; null: not a finite number")
    mean_confidence: float = Field(description="Mean probability of the digits that were read")
    calibration_error: float = Field(description=CALIBRATION_ERROR)
    per_digit: list[DigitResult] = Field(description="All ten, in order")
    confusion: list[list[int]] = Field(description="Images of a digit (row) that were read as one (column)")
    checkpoint: str = Field(description="The checkpoint's file name, without its endings")
    cached: bool = Field(description="It was stored already")
    seconds: float = Field(description="What making it took, whenever that was")
    note: str | None = Field(description="Why it is not the newest checkpoint, where it is not")


class EvaluatedImage(BaseModel):
    """One image, and what it was read as."""

    index: int = Field(description="Its place in the split, from 0")
    label: int = Field(description="The digit that it is")
    digit: int = Field(description="The digit that it was read as")
    confidence: float = Field(description="Probability of that digit")


class EvaluatedImages(BaseModel):
    """Images of one evaluation."""

    run: str = Field(description="Id of the run")
    step: int = Field(description="Of the checkpoint")
    weights: Literal["raw", "ema"] = Field(description="ema: averaged")
    average: str | None = Field(description="Name of the average; null for raw weights")
    split: Literal["validation", "test"] = Field(description="As asked for")
    total: int = Field(description="How many images there are of that label, read as that digit")
    images: list[EvaluatedImage] = Field(description="The first of them, by index")
