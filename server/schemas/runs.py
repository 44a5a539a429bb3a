"""Runs, and what queues one. Times are seconds since 1970, UTC."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from server.parameters import NewName
from shadowboard.averaging import Average
from shadowboard.configuration import RunConfig
from shadowboard.records import Run, SavedCheckpoint, State


class _Knobs:
    """Described as a RunConfig, but left to `parse_config`, which has the better sentences."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(RunConfig.__pydantic_core_schema__)


class RunView(BaseModel):
    """One training run."""

    id: str
    name: str
    state: State
    message: str = Field(description="Why it stands as it does, where there is more to say")
    step: int = Field(description="Steps done")
    steps: int = Field(description="Steps to do in all")
    steps_per_second: float
    stop_requested: bool
    created_at: float
    started_at: float | None
    finished_at: float | None
    heartbeat_at: float | None = Field(description="When its worker was last heard of")
    stalled: bool = Field(description="In training, but its worker has not been heard of for over 5 s")
    latest_checkpoint: int | None = Field(description="Step of the newest checkpoint")
    averages: list[Average] = Field(description="The averages that it keeps")
    config: RunConfig = Field(description="All its knobs")

    @classmethod
    def of(cls, run: Run, *, stalled: bool) -> Self:
        """The view of a run of the store."""
        same = {name: getattr(run, name) for name in cls.model_fields if hasattr(run, name)}
        return cls(**same, steps=run.config.steps, averages=list(run.config.averages), stalled=stalled)


class RunList(BaseModel):
    """All runs, newest first."""

    runs: list[RunView]


class NewRun(BaseModel):
    """A run to queue: any knobs of its configuration; what is left out is the reference recipe's."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "short", "config": {"steps": 5000, "seed": 1}}]},
    )

    name: NewName = Field("", description="Empty: what its recipe is called")
    config: Annotated[dict[str, Any], _Knobs] = Field(
        default_factory=dict, description="Any knobs; data can only be mnist"
    )


class CheckpointView(BaseModel):
    """A checkpoint that was saved."""

    step: int
    bytes: int
    saved_at: float

    @classmethod
    def of(cls, saved: SavedCheckpoint) -> Self:
        """The view of a checkpoint of the store."""
        return cls(step=saved.step, bytes=saved.bytes, saved_at=saved.saved_at)
