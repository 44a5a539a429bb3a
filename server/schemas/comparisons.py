"""Raw and averaged weights of one checkpoint, compared. Losses are in nats."""

from typing import Literal

from pydantic import BaseModel, Field

from server.schemas.evaluations import CALIBRATION_ERROR


class Side(BaseModel):
    """What one kind of weights is worth."""

    correct: int = Field(description="Images read right")
    accuracy: float = Field(description="Share read right")
    accuracy_interval: tuple[float, float] = Field(description="Wilson's 95 % interval")
    loss: float | None = Field(description="Mean over the images; null: not a finite number")
    calibration_error: float = Field(description=CALIBRATION_ERROR)
    mean_confidence: float = Field(description="Mean probability of the digits that were read")


class PairedTable(BaseModel):
    """How many images which of the two read right."""

    both_right: int = Field(description="Images that both read right")
    only_raw: int = Field(description="Images that only the raw weights read right")
    only_ema: int = Field(description="Images that only the averaged weights read right")
    both_wrong: int = Field(description="Images that neither reads right")


class Difference(BaseModel):
    """Averaged minus raw."""

    images: int = Field(description="Images that the averaged weights read right more; negative: fewer")
    accuracy: float = Field(description="The same as a share of all images")
    interval: tuple[float, float] = Field(description="95 % interval of that share: Tango's, for pairs")
    p_value: float = Field(description="Of McNemar's exact test, two-sided")


class DigitDifference(BaseModel):
    """How many images of one digit either kind of weights reads right."""

    digit: int = Field(description="From 0 to 9")
    n: int = Field(description="Images of this digit")
    raw_correct: int = Field(description="Of these, read right by the raw weights")
    ema_correct: int = Field(description="Of these, read right by the averaged weights")
    raw_accuracy: float | None = Field(description="null where there are none")
    ema_accuracy: float | None = Field(description="null where there are none")
    difference: float | None = Field(description="ema_accuracy minus raw_accuracy")


class Confusions(BaseModel):
    """Images of a digit (row) that were read as one (column)."""

    raw: list[list[int]] = Field(description="By the raw weights")
    ema: list[list[int]] = Field(description="By the averaged weights")


class Answer(BaseModel):
    """What an image was read as."""

    digit: int = Field(description="From 0 to 9")
    confidence: float = Field(description="Probability of this digit")


class DisagreementView(BaseModel):
    """An image that the two read as different digits."""

    index: int = Field(description="Its place in the split, from 0")
    label: int = Field(description="The digit that it is")
    kind: Literal["fixed", "broke", "both_wrong"] = Field(
        description="fixed: only the averaged weights are right; broke: only the raw ones are"
    )
    raw: Answer = Field(description="By the raw weights")
    ema: Answer = Field(description="By the averaged weights")


class ComparisonView(BaseModel):
    """Raw and averaged weights of one checkpoint on the same images."""

    run: str = Field(description="Id of the run")
    step: int = Field(description="Of the checkpoint")
    split: Literal["validation", "test"] = Field(description="As asked for")
    average: str = Field(description="Name of the average")
    decay: float | None = Field(description="The average's; null where the run's configuration has it not")
    checkpoint: str = Field(description="The checkpoint's file name, without its endings")
    n: int = Field(description="Images")
    raw: Side = Field(description="The raw weights")
    ema: Side = Field(description="The averaged weights")
    paired: PairedTable = Field(description="Images by who reads them right")
    difference: Difference = Field(description="Averaged minus raw")
    better: Literal["raw", "ema"] | None = Field(description="null: no significant difference, p ≥ 0.05")
    verdict: str = Field(description="All this in a sentence or two for a person")
    per_digit: list[DigitDifference] = Field(description="All ten, in order")
    confusion: Confusions = Field(description="Images of a digit (row) that were read as one (column)")
    disagreements: list[DisagreementView] = Field(
        description="The images that the two read differently, by index"
    )
    cached: bool = Field(description="Both evaluations were stored already")
    note: str | None = Field(description="Why it is not the newest checkpoint, where it is not")
