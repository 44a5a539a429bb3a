"""What weights read in pictures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from server.promoting import Promotion
    from server.reading import Reading
    from server.tracking import Track
    from shadowboard.digit_image import DigitImage
    from shadowboard.records import Run


class ReadingView(BaseModel):
    """What one set of weights reads."""

    digit: int = Field(description="The most probable one")
    confidence: float = Field(description="Probability of this digit")
    probabilities: list[float] = Field(description="Of all ten digits")

    @classmethod
    def of(cls, reading: "Reading", **more: Any) -> Self:
        """The view of a reading; `more` are fields of a subclass."""
        return cls(
            digit=reading.digit, confidence=reading.confidence, probabilities=reading.probabilities, **more
        )


class AveragedReadingView(ReadingView):
    """What one average reads."""

    average: str = Field(description="Name of the average")


class PictureReadings(BaseModel):
    """What raw and averaged weights read in one picture."""

    raw: ReadingView = Field(description="What the raw weights read")
    ema: AveragedReadingView | None = Field(
        description="What the run's first average reads; null where it keeps none"
    )
    averages: list[AveragedReadingView] = Field(description="What each average reads that the run keeps")

    @classmethod
    def of(cls, readings: "Sequence[Reading]", **more: Any) -> Self:
        """The view of the raw reading and each average's; `more` are fields of a subclass.

        Not validated, for it takes longer than all the rest, and nothing of it comes from outside.
        """
        raw, *averaged = readings
        averages = [AveragedReadingView.of(reading, average=reading.average) for reading in averaged]
        ema = averages[0] if averages else None
        return cast(Self, cls.model_construct(raw=ReadingView.of(raw), ema=ema, averages=averages, **more))


class Read(BaseModel):
    """The checkpoint that was read, and why this one."""

    run: str = Field(description="Id of the run")
    step: int = Field(description="Of the checkpoint")
    checkpoint: str = Field(description="Name of the checkpoint's files, without their ends")
    chosen: str = Field(description="Why this checkpoint, in a sentence")
    note: str | None = Field(description="Which checkpoints were passed over as damaged; null: none")


def of_promotion(promotion: "Promotion") -> dict[str, Any]:
    """The fields of Read."""
    return {
        "run": promotion.run.id,
        "step": promotion.checkpoint.step,
        "checkpoint": promotion.checkpoint.prefix.name,
        "chosen": promotion.chosen,
        "note": promotion.note,
    }


class PredictionView(Read, PictureReadings):
    """What raw and averaged weights read in a picture."""

    image: list[list[float]] = Field(description="28×28 pixels from 0 to 1: what the picture was turned into")


class BatchView(Read):
    """What raw and averaged weights read in several pictures."""

    readings: list[PictureReadings] = Field(description="One for each picture, in their order")


class TrackOfWeights(BaseModel):
    """What the raw weights or one average read at each step."""

    digit: list[int] = Field(description="The most probable one")
    confidence: list[float] = Field(description="Probability of this digit")
    probabilities: list[list[float]] = Field(description="Of all ten digits")

    @classmethod
    def of(cls, readings: "Sequence[Reading]") -> Self:
        """The view of one set of weights' readings, by step."""
        return cls(
            digit=[reading.digit for reading in readings],
            confidence=[reading.confidence for reading in readings],
            probabilities=[reading.probabilities for reading in readings],
        )


class Skipped(BaseModel):
    """A checkpoint that could not be read."""

    step: int = Field(description="Of the checkpoint")
    reason: str = Field(description="What is the matter with it")


class TrackView(BaseModel):
    """One picture, read by a run's checkpoints. Parallel arrays, one value a checkpoint, by step."""

    run: str = Field(description="Id of the run")
    image: list[list[float]] = Field(description="28×28 pixels from 0 to 1: what was read")
    label: int | None = Field(description="The digit that it is; null: a picture of the client's")
    step: list[int] = Field(description="Of the checkpoints")
    raw: TrackOfWeights = Field(description="What the raw weights read")
    averages: dict[str, TrackOfWeights] = Field(description="What each average reads, by its name")
    skipped: list[Skipped] = Field(description="Checkpoints that are gone, damaged or of another kind")

    @classmethod
    def of(cls, run: "Run", track: "Track", image: "DigitImage", label: int | None) -> Self:
        """The view of a track."""
        names = [average.name for average in run.config.averages]
        return cls(
            run=run.id,
            image=image.tolist(),
            label=label,
            step=track.steps,
            raw=TrackOfWeights.of([readings[0] for readings in track.readings]),
            averages={
                name: TrackOfWeights.of([readings[i] for readings in track.readings])
                for i, name in enumerate(names, start=1)
            },
            skipped=[Skipped(step=step, reason=reason) for step, reason in track.skipped],
        )
