"""The checkpoints of a run, and what is in one."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from shadowboard.inspection import Variable


class CheckpointFile(BaseModel):
    """A checkpoint that was saved."""

    step: int = Field(description="Steps done")
    bytes: int = Field(description="Size on disk when it was saved")
    saved_at: float = Field(description="When it was saved")
    file: str = Field(description="Name of its files, without their ends")
    present: bool = Field(description="Whether its files are still there")


class CheckpointList(BaseModel):
    """The checkpoints of a run."""

    run: str = Field(description="Id of the run")
    checkpoints: list[CheckpointFile] = Field(description="By ascending step")


class VariableView(BaseModel):
    """One variable of a checkpoint. Statistics are of the finite values; null: there are none."""

    name: str = Field(description="Its name in the checkpoint")
    shape: list[int] = Field(description="Its length along each axis; empty: a single value")
    dtype: str = Field(description="TensorFlow's name of its type")
    kind: Literal["raw", "average", "slot", "counter", "other"] = Field(
        description="raw: a weight. average: of a raw variable. slot: what the optimiser keeps for one. "
        "counter: a whole number, such as the step"
    )
    of: str | None = Field(description="The raw variable that an average or a slot belongs to")
    average: str | None = Field(description="Name of the average; null where it is none")
    size: int = Field(description="How many values it has")
    mean: float | None = Field(description="Mean")
    std: float | None = Field(description="Standard deviation")
    min: float | None = Field(description="Least value")
    max: float | None = Field(description="Greatest value")
    zeros: float | None = Field(description="Share of all values that are zero")
    non_finite: int = Field(description="How many values are infinite or not a number")
    distance: float | None = Field(
        description="Of an average to its raw variable, relative: ‖average − raw‖ / ‖raw‖"
    )
    cosine: float | None = Field(description="Of the angle between an average and its raw variable")

    @classmethod
    def of_variable(cls, variable: "Variable") -> Self:
        """The view of an inspected variable."""
        return cls(
            name=variable.name,
            shape=list(variable.shape),
            dtype=variable.dtype,
            **vars(variable.role),
            size=variable.size,
            **vars(variable.statistics),
            distance=variable.distance,
            cosine=variable.cosine,
        )


class VariableList(BaseModel):
    """What is in a checkpoint."""

    run: str = Field(description="Id of the run")
    step: int = Field(description="Step of the checkpoint")
    checkpoint: str = Field(description="Name of its files, without their ends")
    variables: list[VariableView] = Field(description="By name")
