"""Studies of variants: what queues one, how far it is, what it has found."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from server.parameters import NewName
from server.places import without_places
from server.schemas.choices import ChoiceName
from server.schemas.runs import Knobs
from shadowboard.configuration import RunConfig
from shadowboard.records import State
from shadowboard.variants import FEWEST_SEEDS, MOST_SEEDS, PARTS, USUAL_SEEDS, Part, Variant

if TYPE_CHECKING:
    from shadowboard.choices import ChoiceRow
    from shadowboard.conclusions import Conclusion
    from shadowboard.paired import PairedDifference, Spread
    from shadowboard.studies import Study
    from shadowboard.study import StudyReport, VariantRow
    from shadowboard.study_curves import Curve
    from shadowboard.study_progress import Progress


class _StudyKnobs(Knobs):
    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = super().__get_pydantic_json_schema__(_, handler)
        del schema["properties"]["start_from"]
        return schema


class NewStudy(BaseModel):
    """A study to queue; what is left out of the recipe is the reference recipe's."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "short", "config": {"steps": 2000}, "seeds": 3}]},
    )

    name: NewName = Field("", description="Empty: what its recipe is called")
    config: Annotated[dict[str, Any], _StudyKnobs] = Field(
        default_factory=dict,
        description="Any knobs of the full recipe; data can only be mnist, and runs start from their seeds",
    )
    seeds: int = Field(
        USUAL_SEEDS,
        ge=FEWEST_SEEDS,
        le=MOST_SEEDS,
        description="Runs of each variant; their seeds are that of the recipe and those after it",
    )
    variants: list[Part] = Field(
        list(PARTS), min_length=1, max_length=20, description="What is left out of the full recipe in turn"
    )


class ProgressView(BaseModel):
    """How far a study is."""

    state: Literal["queued", "training", "evaluating", "stopped", "finished"] = Field(
        description="evaluating: all is trained. stopped: some of it was, or has failed, and can be resumed"
    )
    runs: int = Field(description="Runs that belong to it")
    states: dict[State, int] = Field(description="How many of them are in which state; one may be deleted")
    steps_done: int = Field(description="Of all its runs")
    steps: int = Field(description="Of all its runs, to do in all")
    evaluations: int = Field(description="Evaluations made")
    evaluations_due: int = Field(description="Evaluations of all that is saved so far")
    seconds_left: float | None = Field(
        description="As fast as before; null: nothing is left, or nothing tells"
    )

    @classmethod
    def of(cls, progress: "Progress") -> Self:
        """The view of a study's progress."""
        return cls(**progress.__dict__)


class StudyView(BaseModel):
    """A study: runs that were queued together, a recipe with and without each of its parts."""

    id: str = Field(description="Six letters and digits that never change", examples=["k7m2xd"])
    name: str = Field(description="As it was named, or what its recipe is called")
    created_at: float = Field(description="When it was queued")
    config: RunConfig = Field(description="The full recipe")
    seeds: int = Field(description="Runs of each variant")
    variants: list[Part] = Field(description="What is left out of the full recipe in turn")
    progress: ProgressView = Field(description="How far it is")

    @classmethod
    def of(cls, study: "Study", progress: "Progress", *, places: bool) -> Self:
        """The view of a study of the store; with `places` its recipe names folders in full."""
        plan = study.plan
        return cls(
            id=study.id,
            name=study.name,
            created_at=study.created_at,
            config=plan.config if places else without_places(plan.config),
            seeds=plan.seeds,
            variants=list(plan.variants),
            progress=ProgressView.of(progress),
        )


class StudyList(BaseModel):
    """Studies, newest first."""

    studies: list[StudyView] = Field(description="All of them")


class SpreadView(BaseModel):
    """Accuracies over seeds."""

    seeds: int = Field(description="Of how many runs")
    mean: float = Field(description="Their mean")
    deviation: float | None = Field(description="Their standard deviation; null: there is one run")
    lowest: float = Field(description="The least")
    highest: float = Field(description="The greatest")

    @classmethod
    def of(cls, spread: "Spread | None") -> Self | None:
        """The view of a spread."""
        return None if spread is None else cls(**spread._asdict())


class PairedDifferenceView(BaseModel):
    """A difference on the test images, seed by seed: of runs that start from the same weights."""

    seeds: int = Field(description="That both have")
    mean: float = Field(description="Mean difference of the accuracies")
    interval: tuple[float, float] | None = Field(
        description="95 % interval of that for other seeds and these images (Student's t); null: of one "
        "seed, or where all differ by just as much"
    )
    p_value: float | None = Field(description="Of Student's paired test, two-sided; null as the interval")
    p_holm: float | None = Field(
        description="The same, corrected by Holm for all comparisons of the table that it stands in"
    )

    @classmethod
    def of(cls, difference: "PairedDifference | None", p_holm: float | None) -> Self | None:
        """The view of a difference."""
        return None if difference is None else cls(**difference.__dict__, p_holm=p_holm)


class VariantView(BaseModel):
    """A variant at the last step of its runs."""

    variant: Variant = Field(description="The full recipe, or what is left out of it")
    average: str | None = Field(description="Name of the average that it is judged by; null: raw weights")
    diverged: int = Field(description="Runs whose loss was no finite number any more; they are in no mean")
    failed: int = Field(description="Runs that have failed; they are in no mean")
    validation: SpreadView | None = Field(description="null: no run is finished and evaluated")
    test: SpreadView | None = Field(description="null: no run is finished and evaluated")
    difference: PairedDifferenceView | None = Field(
        description="To the full recipe of the same seeds; null: of itself, or there is no seed of both"
    )
    better: bool | None = Field(
        description="Whether it is better than the full recipe, by p_holm < 0.05; null: that could be chance"
    )

    @classmethod
    def of(cls, row: "VariantRow") -> Self:
        """The view of a row."""
        return cls(
            variant=row.variant,
            average=row.average or None,
            diverged=row.diverged,
            failed=row.failed,
            validation=SpreadView.of(row.validation),
            test=SpreadView.of(row.test),
            difference=PairedDifferenceView.of(row.difference, row.p_holm),
            better={1: True, -1: False}.get(row.sign),
        )


class ChoiceRowView(BaseModel):
    """One way to choose among the snapshots of a run, over the runs of a variant."""

    choice: ChoiceName = Field(description="Best: by validation, of equals the earliest")
    steps: list[int] = Field(description="The steps that were chosen, by seed")
    validation: SpreadView | None = Field(description="What the best are chosen by")
    test: SpreadView | None = Field(description="On the images that have chosen nothing")
    difference: PairedDifferenceView | None = Field(
        description="To the last raw snapshot of the same seed; null: of itself"
    )

    @classmethod
    def of(cls, row: "ChoiceRow") -> Self:
        """The view of a row."""
        return cls(
            choice=row.kind,
            steps=row.steps,
            validation=SpreadView.of(row.validation),
            test=SpreadView.of(row.test),
            difference=PairedDifferenceView.of(row.difference, row.p_holm),
        )


class VariantChoices(BaseModel):
    """Best or last, over the runs of one variant that are finished and evaluated at all checkpoints."""

    variant: Variant = Field(description="Which variant")
    rows: list[ChoiceRowView] = Field(
        description="Last raw, best raw, last averaged, best averaged; without those that it has not"
    )


class ConclusionView(BaseModel):
    """What a tutorial on MNIST says of these variants, and whether it holds here."""

    claim: str = Field(description="What it says")
    verdict: Literal["holds", "fails", "open"] = Field(description="open: these seeds do not tell")
    sentence: str = Field(description="The numbers of this study for or against it")
    p_holm: float | None = Field(
        description="The p-value of the verdict, corrected by Holm for all conclusions of the study: holds "
        "and fails are below 0.05; null: too few seeds for any"
    )

    @classmethod
    def of(cls, conclusion: "Conclusion") -> Self:
        """The view of a conclusion."""
        return cls(**conclusion.__dict__)


class StudyRunView(BaseModel):
    """A run of a study."""

    run: str = Field(description="Id of the run")
    variant: Variant = Field(description="Which variant it is")
    seed: int = Field(description="With which seed")
    state: State = Field(description="As that of any run")
    step: int = Field(description="Steps done")
    steps: int = Field(description="Steps to do in all")
    test: float | None = Field(
        description="Share of the test images that it reads right at its end; null: not known yet"
    )


class StudyReportView(BaseModel):
    """Everything about a study."""

    study: StudyView = Field(description="What it is, and how far")
    runs: list[StudyRunView] = Field(description="Its runs, in the order of the queue")
    variants: list[VariantView] = Field(description="The table: the full recipe, then its variants")
    choices: list[VariantChoices] = Field(description="Best or last, of the variants that have a run for it")
    conclusions: list[ConclusionView] = Field(description="A tutorial's, each with its verdict here")

    @classmethod
    def of(cls, report: "StudyReport", *, places: bool) -> Self:
        """The view of a report; with `places` its recipe names folders in full."""
        runs = []
        for variant, run in report.members:
            seed = run.recipe.seed
            outcome = report.outcomes[variant].get(seed)
            test = outcome and outcome.test.correct / outcome.test.n
            known = {"run": run.id, "state": run.state, "step": run.step, "steps": run.recipe.steps}
            runs.append(StudyRunView(variant=variant, seed=seed, test=test, **known))
        return cls(
            study=StudyView.of(report.study, report.progress, places=places),
            runs=runs,
            variants=[VariantView.of(row) for row in report.rows],
            choices=[
                VariantChoices(variant=variant, rows=[ChoiceRowView.of(row) for row in rows])
                for variant, rows in report.choices.items()
            ],
            conclusions=[ConclusionView.of(conclusion) for conclusion in report.conclusions],
        )


class CurveView(BaseModel):
    """Accuracy by step over the seeds of a variant; the lists go together."""

    variant: Variant = Field(description="Which variant")
    average: str | None = Field(description="Name of the average; null: raw weights")
    seeds: int = Field(description="Of how many runs")
    step: list[int] = Field(description="Steps of the checkpoints")
    mean: list[float] = Field(description="Mean accuracy")
    lowest: list[float] = Field(description="The least")
    highest: list[float] = Field(description="The greatest")

    @classmethod
    def of(cls, curve: "Curve") -> Self:
        """The view of a curve."""
        return cls(**curve.__dict__ | {"average": curve.average or None})


class CurveList(BaseModel):
    """The curves of a study."""

    study: str = Field(description="Id of the study")
    split: Literal["validation", "test"] = Field(description="As asked for")
    curves: list[CurveView] = Field(
        description="Of each variant its raw weights', then those of the average that it is judged by"
    )
