"""A run that another program trains: the folder that is watched, and what evaluating it needs."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shadowboard.configuration import Activation
from shadowboard.errors import ConfigurationInvalid
from shadowboard.validation import sentence

MNIST = "mnist"


class WatchedAverage(BaseModel):
    """An average that the checkpoints of another program hold. They do not tell its decay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decay: None = Field(None, description="Not known")
    num_updates: None = Field(None, description="Not known")
    name: str = Field(max_length=64, description="What it is called in the checkpoints")

    @property
    def in_words(self) -> str:
        """What tells it from others in a sentence."""
        return self.name


class WatchedConfig(BaseModel):
    """What is known of a training that another program does; immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str = Field(description="Where that program saves its checkpoints")
    data: str = Field(MNIST, min_length=1, description="mnist, or a folder with four IDX files")
    activation: Activation = Field("relu", description="Activation function of the hidden layers")
    activation_from: Literal["assumed", "graph", "given", "checkpoint"] = Field(
        "assumed",
        description="Who says so: nobody, a graph beside checkpoints, whoever watches it, or a checkpoint",
    )
    network: str = Field("", description="Function that reads it, package.module:function; empty: recognised")
    hidden: tuple[int, ...] | None = Field(
        None, description="Units of each hidden layer; null: no checkpoint has told them yet"
    )
    averages: tuple[WatchedAverage, ...] = Field((), description="Averages that its checkpoints hold")

    @model_validator(mode="before")
    @classmethod
    def _only_relu_is_assumed(cls, values: Any) -> Any:
        """Configurations of older versions do not tell who has said it."""
        if isinstance(values, dict) and values.get("activation", "relu") != "relu":
            return {"activation_from": "given", **values}
        return values

    def is_of(self, other: "WatchedConfig") -> bool:
        """Whether both mean the same training, evaluated alike.

        By the activation only where it was given for both: what is assumed gives way to what a graph tells,
        that to what is given, and all to what a checkpoint tells.
        """
        given = self.activation_from == other.activation_from == "given"
        asked = ("folder", "data", "network", *(("activation",) if given else ()))
        return all(getattr(self, name) == getattr(other, name) for name in asked)

    @property
    def graph_may_tell(self) -> bool:
        """Whether a graph beside the checkpoints may tell the activation, for nobody else has."""
        return self.activation_from in {"assumed", "graph"} and not self.network

    @property
    def activation_is_assumed(self) -> bool:
        """Whether the network's activation matters, and nobody has said which it is."""
        return self.activation_from == "assumed" and not self.network and self.hidden != ()


def watched_config(folder: Path, **options: Any) -> WatchedConfig:
    """The configuration of a folder to watch; options that are None are left out.

    The folder has to be there, and may be empty. Raises ConfigurationInvalid.
    """
    try:
        where = folder.expanduser().absolute()
    except RuntimeError:
        raise ConfigurationInvalid(f"{folder} begins with the home of a user who is not known.") from None
    try:
        str(where).encode()
        if not where.is_dir():
            what = "is no folder" if where.exists() else "is not there"
            raise ConfigurationInvalid(f"{where} {what}; expected the folder that checkpoints are saved in.")
        next(where.iterdir(), None)
    except OSError as error:
        raise ConfigurationInvalid(f"{where} cannot be read: {error.strerror}.") from error
    except UnicodeEncodeError:
        raise ConfigurationInvalid(f"{str(where)!r} is no text; expected a folder whose name is.") from None
    given = {name: value for name, value in options.items() if value is not None}
    if "activation" in given:
        given["activation_from"] = "given"
    try:
        return WatchedConfig(folder=str(where), **given)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigurationInvalid(sentence(first, str(first["loc"][0]))) from None


def resolved_data(data: str | None) -> str | None:
    """`mnist`, or a folder as a path that holds wherever it is read; None where none is given."""
    return data if data in {None, MNIST} else str(Path(data or "").resolve())
