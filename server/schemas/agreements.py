"""How validation and test accuracy of a run agree, and what it costs to choose by validation."""

from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from shadowboard.agreement import Agreement, Correlation, Pair, Pairs


class CorrelationView(BaseModel):
    """The correlation of validation with test accuracy over several checkpoints."""

    checkpoints: int = Field(description="How many")
    pearson: float = Field(description="Pearson's r")
    pearson_interval: tuple[float, float] = Field(
        description="Its 95 % interval by Fisher's transformation, as if the checkpoints were independent"
    )
    spearman: float = Field(description="Spearman's rank correlation")
    as_claimed: bool = Field(description="Whether Pearson's r is above the claimed one")

    @classmethod
    def of(cls, found: "Correlation") -> Self:
        """The view of a correlation."""
        return cls(
            checkpoints=found.checkpoints,
            pearson=found.pearson,
            pearson_interval=found.interval,
            spearman=found.spearman,
            as_claimed=found.as_claimed,
        )


class PairView(BaseModel):
    """One checkpoint on both splits."""

    step: int = Field(description="Step of the checkpoint")
    validation: int = Field(description="Validation images read right")
    test: int = Field(description="Test images read right")

    @classmethod
    def of(cls, pair: "Pair") -> Self:
        """The view of a pair."""
        return cls(**pair._asdict())


class WeightsAgreementView(BaseModel):
    """The agreement of a run's raw weights or of one of its averages; the lists go together."""

    validation_images: int = Field(description="How many there are")
    test_images: int = Field(description="How many there are")
    step: list[int] = Field(description="Of the checkpoints that are evaluated on both splits, ascending")
    validation: list[int] = Field(description="Validation images read right")
    test: list[int] = Field(description="Test images read right")
    overall: CorrelationView | None = Field(
        description="Over all of them, the early rise included; null: there are fewer than four, or one of "
        "the two accuracies never changes"
    )
    late: CorrelationView | None = Field(description="Over those after `late_after`; null: as for `overall`")
    chosen: PairView = Field(
        description="Where the most validation images are read right; of equals the earliest"
    )
    best: PairView = Field(
        description="Where the most test images are read right, as is known in hindsight only"
    )
    last: PairView = Field(description="The newest")
    verdict: str = Field(
        description="Whether the claimed correlation holds, and what choosing by validation costs, in "
        "sentences for a person"
    )

    @classmethod
    def of(cls, pairs: "Pairs", found: "Agreement", verdict: str) -> Self:
        """The view of an agreement."""
        return cls(
            validation_images=pairs.validation_images,
            test_images=pairs.test_images,
            step=[pair.step for pair in pairs.pairs],
            validation=[pair.validation for pair in pairs.pairs],
            test=[pair.test for pair in pairs.pairs],
            overall=found.overall and CorrelationView.of(found.overall),
            late=found.late and CorrelationView.of(found.late),
            chosen=PairView.of(found.chosen),
            best=PairView.of(found.best),
            last=PairView.of(found.last),
            verdict=verdict,
        )


class AgreementView(BaseModel):
    """How validation and test accuracy agree over a run, for each of its weights."""

    run: str = Field(description="Id of the run")
    claimed: float = Field(description="What the correlation is claimed to be above")
    late_after: int = Field(description="The step in the middle of the run")
    raw: WeightsAgreementView | None = Field(
        description="Of the raw weights; null: not evaluated on both splits"
    )
    averages: dict[str, WeightsAgreementView] = Field(
        description="Of the averages that are evaluated on both splits, by name"
    )
