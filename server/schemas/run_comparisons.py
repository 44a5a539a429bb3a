"""Raw and averaged weights of a run, compared at every checkpoint and over all of them."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from shadowboard.run_comparison import MeanDifference


class MeanDifferenceView(BaseModel):
    """Averaged minus raw, on average over several checkpoints."""

    checkpoints: int = Field(description="How many")
    accuracy: float = Field(description="The mean difference as a share of the images")
    interval: tuple[float, float] = Field(
        description="95 % interval of that share: for these weights, and other images of the same kind"
    )
    differing: int = Field(description="Images that at some checkpoint only one of the two reads right")
    better: Literal["raw", "ema"] | None = Field(description="null: the difference could be chance")

    @classmethod
    def of(cls, mean: "MeanDifference") -> Self:
        """The view of a mean difference."""
        sides: dict[int, Literal["raw", "ema"]] = {1: "ema", -1: "raw"}
        return cls(**mean._asdict(), better=sides.get(mean.sign))


class RunComparisonView(BaseModel):
    """The checkpoints at which raw weights and the average are both evaluated, by step; lists go together."""

    run: str = Field(description="Id of the run")
    split: Literal["validation", "test"] = Field(description="As asked for")
    average: str = Field(description="Name of the average")
    n: int = Field(description="Images")
    step: list[int] = Field(description="Of the checkpoints")
    only_raw: list[int] = Field(description="Images that only the raw weights read right")
    only_ema: list[int] = Field(description="Images that only the averaged weights read right")
    p_value: list[float] = Field(description="Of McNemar's exact test, two-sided")
    overall: MeanDifferenceView | None = Field(
        description="Over the checkpoints after step 0; null: there are fewer than two"
    )
    late: MeanDifferenceView | None = Field(
        description="Over those after `late_after`; null: there are fewer than two"
    )
    late_after: int = Field(description="The step in the middle of the run")
    verdict: str | None = Field(description="All this in a sentence for a person; null: too few checkpoints")
