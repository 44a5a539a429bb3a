"""What a run starts from: as a request asks for it, and what comes of that."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from server.parameters import NameInBody
from shadowboard.configuration import RunConfig
from shadowboard.start_from import LONGEST, MOST, StartFrom

if TYPE_CHECKING:
    from shadowboard.warm_start import WarmStart

LATEST = "latest"
BEST = "best"
_MOST_STEPS = 10**15 - 1


def _step(value: Any) -> Any:
    if value in (LATEST, BEST) or (type(value) is int and 0 <= value <= _MOST_STEPS):
        return value
    raise ValueError("latest, best or the number of a step")


class NewStart(BaseModel):
    """A checkpoint whose values the variables of a new run start with."""

    model_config = ConfigDict(extra="forbid")

    run: NameInBody = Field(description="Id or name of the run")
    folder: Literal[""] = Field("", description="Always empty: over HTTP a run starts from a run")
    step: Annotated[
        Any,
        AfterValidator(_step),
        WithJsonSchema(
            {"anyOf": [{"type": "integer", "minimum": 0, "maximum": _MOST_STEPS}, {"enum": [LATEST, BEST]}]}
        ),
    ] = Field(LATEST, description="latest, best (on validation, of these weights), or a number")
    average: NameInBody = Field("", description="Name of the average; empty: the raw weights")
    map: list[Annotated[str, Field(max_length=2 * LONGEST)]] = Field(
        default_factory=list,
        max_length=MOST,
        description="Each `variable=name`, `variable=name*0.2` (a multiple), or `variable=` (afresh)",
    )
    partial: bool = Field(
        False, strict=True, description="Where shapes differ, initialise afresh; else that is an error"
    )


class TakenVariable(BaseModel):
    """A variable of the run that starts with a value of the checkpoint."""

    variable: str = Field(description="The variable of the run")
    shape: list[int] = Field(description="Its length along each axis")
    name: str = Field(description="The name in the checkpoint that it takes")
    factor: float = Field(description="How many times that it is")
    averaged: bool = Field(description="Whether that is the average that was asked for")


class FreshVariable(BaseModel):
    """A variable of the run that is initialised by the seed."""

    variable: str = Field(description="The variable of the run")
    shape: list[int] = Field(description="Its length along each axis")
    why: Literal["asked", "missing", "shape"] = Field(
        description="asked: `map` says so. missing: the checkpoint has none. shape: it differs there"
    )
    found: list[int] | None = Field(description="The shape that it has in the checkpoint, if that is why")


class LeftOverVariable(BaseModel):
    """A variable of the checkpoint of which nothing is taken; averages, slots and counters are none."""

    name: str = Field(description="Its name in the checkpoint")
    shape: list[int] = Field(description="Its length along each axis")


class StartReport(BaseModel):
    """What a run takes from a checkpoint before its first step."""

    run: str = Field(description="Id of the run whose checkpoint it is; empty: it is in a folder")
    folder: str = Field(description="The folder, where it is of no run")
    step: int = Field(description="Step of the checkpoint")
    average: str = Field(description="The average that is taken; empty: raw weights")
    checkpoint: str = Field(description="Name of its files, without their ends")
    taken: list[TakenVariable] = Field(description="Variables that start with a value of the checkpoint")
    fresh: list[FreshVariable] = Field(description="Variables that are initialised by the seed")
    left_over: list[LeftOverVariable] = Field(description="Variables of the checkpoint that nobody takes")
    sentence: str = Field(description="How much is taken, in a sentence")

    @classmethod
    def of(cls, report: "WarmStart") -> Self:
        """The view of a report."""
        return cls.model_validate(report.as_json)


class RunPreview(BaseModel):
    """What a request would queue."""

    name: str = Field(description="What the run would be called")
    config: RunConfig = Field(description="All its knobs, the start's step by its number")
    start: StartReport | None = Field(
        description="What it would start with; null: all is initialised by seed"
    )


class RunStart(BaseModel):
    """What a run has started from."""

    run: str = Field(description="Id of the run")
    start_from: StartFrom | None = Field(description="As its configuration says; null: from its seed")
    start: StartReport | None = Field(
        description="What it took; null: all was initialised by seed, or the checkpoint is gone"
    )
    problem: str | None = Field(description="Why the checkpoint cannot be told of any more, in a sentence")
