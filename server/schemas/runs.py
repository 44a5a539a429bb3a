"""Runs, and what queues one. Times are seconds since 1970, UTC."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from server.parameters import NewName
from server.places import without_places
from server.problems import without_folders
from server.schemas.starts import NewStart
from shadowboard.averaging import Average
from shadowboard.configuration import RunConfig
from shadowboard.records import Run, SavedCheckpoint, State
from shadowboard.watched import WatchedAverage, WatchedConfig


class Knobs:
    """Described as a RunConfig, but left to `parse_config`, which has the better sentences."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(RunConfig.__pydantic_core_schema__)
        properties = schema["properties"]
        properties["data"] = {"const": "mnist", "default": "mnist", "description": "MNIST"}
        properties["start_from"] = {
            "anyOf": [NewStart.model_json_schema(), {"type": "null"}],
            "default": None,
            "description": RunConfig.model_fields["start_from"].description,
        }
        return schema


class StudyOfRunView(BaseModel):
    """The study that a run is part of."""

    id: str = Field(description="Id of the study")
    name: str = Field(description="What it is called")


class RunView(BaseModel):
    """One training run."""

    id: str = Field(description="Six letters and digits that never change", examples=["k7m2xd"])
    name: str = Field(description="As it was named, or what its recipe is called")
    state: State = Field(
        description="diverged: its loss is no finite number any more. failed: `message` says why. watched: "
        "another program trains it"
    )
    message: str = Field(description="Why it stands as it does, where there is more to say")
    step: int = Field(description="Steps done")
    steps: int | None = Field(description="Steps to do in all; null: only the program knows that trains it")
    steps_per_second: float = Field(description="How fast it trains, or did when it ended")
    stop_requested: bool = Field(description="Its worker has been asked to stop, and has not done so yet")
    created_at: float = Field(description="When it was queued")
    started_at: float | None = Field(description="When its training began; null: it has not")
    finished_at: float | None = Field(description="When its training ended; null: it has not")
    heartbeat_at: float | None = Field(
        description="When its worker was last heard of; of a watched run, when its last checkpoint was saved"
    )
    stalled: bool = Field(description="In training, but its worker has not been heard of for over 5 s")
    latest_checkpoint: int | None = Field(description="Step of the newest checkpoint")
    study: StudyOfRunView | None = Field(description="The study that it is part of; null: none")
    averages: list[Average | WatchedAverage] = Field(description="The averages that it keeps")
    config: RunConfig | WatchedConfig = Field(
        description="All its knobs; of one that is trained by another program, what is known. A server that "
        "has a token tells the last names of folders alone"
    )

    @classmethod
    def of(cls, run: Run, *, stalled: bool, places: bool) -> Self:
        """The view of a run of the store; with `places` its configuration names folders in full."""
        same = {name: getattr(run, name) for name in cls.model_fields if hasattr(run, name)}
        same["message"] = without_folders(run.message)
        same["study"] = run.study and StudyOfRunView(**run.study._asdict())
        same["config"] = run.config if places else without_places(run.config)
        return cls(**same, averages=list(run.config.averages), stalled=stalled)


class RunList(BaseModel):
    """Runs, newest first."""

    runs: list[RunView] = Field(description="All of them, or the newest `limit`")
    unreadable: list[str] = Field(
        description="Ids of those left out: their configurations are of another version, or damaged"
    )
    total: int = Field(description="How many runs there are in all")


class RunListed(BaseModel):
    """An event of the list: a run that is new in it, or that it says something else of."""

    run: RunView = Field(description="The run as it is now")


class RunGone(BaseModel):
    """An event of the list: a run that was deleted."""

    gone: str = Field(description="Id of the run")


class NewNameOfRun(BaseModel):
    """What of a run can be changed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "wide and slow"}]})

    name: NewName = Field(
        description="What to call it; surrounding space is left out", json_schema_extra={"minLength": 1}
    )


class NewRun(BaseModel):
    """A run to queue: any knobs of its configuration; what is left out is the reference recipe's.

    Or with a folder, a training of another program to watch.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "short", "config": {"steps": 5000, "seed": 1}}]},
    )

    name: NewName = Field("", description="Empty: what its recipe is called")
    folder: str = Field(
        "",
        description="Last name of a folder to watch, of those that the server was started with: what another "
        "program saves there is evaluated. Of the knobs it takes activation only. Empty: a run to train here",
        max_length=500,
    )
    config: Annotated[dict[str, Any], Knobs] = Field(
        default_factory=dict, description="Any knobs; data can only be mnist"
    )


class CheckpointView(BaseModel):
    """A checkpoint that was saved."""

    step: int = Field(description="Steps done")
    bytes: int = Field(description="Size on disk")
    saved_at: float = Field(description="When it was saved")

    @classmethod
    def of(cls, saved: SavedCheckpoint) -> Self:
        """The view of a checkpoint of the store."""
        return cls(step=saved.step, bytes=saved.bytes, saved_at=saved.saved_at)
