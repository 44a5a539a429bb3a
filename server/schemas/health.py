"""Whether the server is well."""

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The server is up."""

    status: Literal["ok"] = Field("ok", description="Always")


class UsableCheckpoint(BaseModel):
    """A checkpoint whose weights can be read."""

    run: str = Field(description="Id of its run")
    step: int = Field(description="Its step")


class Readiness(BaseModel):
    """Whether the server can answer what it is there for, and what is the matter where it can't."""

    ready: bool = Field(description="All of the below is well")
    database: Literal["ok", "unavailable"] = Field(description="Whether the database can be read")
    evaluator: Literal["loading", "failed", "idle", "busy", "ended"] = Field(
        description="`loading`: TensorFlow is; `idle`: nothing is left to evaluate; "
        "`failed`, `ended`: only a new start helps"
    )
    checkpoint: UsableCheckpoint | None = Field(
        description="The newest readable one of the newest run that has any"
    )
    last_error: str | None = Field(description="What last failed in the background, also if long since")
