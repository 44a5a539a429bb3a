"""What weights read in pictures."""

from pydantic import BaseModel, Field


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
