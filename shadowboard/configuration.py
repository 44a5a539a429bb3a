"""The knobs of a training run. The defaults are the reference recipe."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shadowboard.averaging import Average, named
from shadowboard.errors import ConfigurationInvalid
from shadowboard.validation import sentence

Activation = Literal["relu", "tanh", "sigmoid", "none"]
Optimizer = Literal["sgd", "momentum"]
Width = int


class RunConfig(BaseModel):
    """Everything that a run's result depends on; immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(30_000, ge=1, le=100_000_000, description="Length of the training, in steps")
    batch_size: int = Field(100, ge=1, le=65_536, description="Images a step")
    hidden: tuple[Width, ...] = Field((500,), max_length=16, description="Units of each hidden layer")
    activation: Activation = Field("relu", description="Activation function of the hidden layers")
    optimizer: Optimizer = Field("sgd", description="sgd: plain gradient descent; momentum: with slots")
    momentum: float = Field(0.9, ge=0, lt=1, description="Share of the last step (optimizer momentum only)")
    learning_rate: float = Field(0.8, gt=0, le=1e6, description="Learning rate at step 0")
    learning_rate_decay: float = Field(0.99, gt=0, le=1, description="Factor on the learning rate an epoch")
    regularization: float = Field(1e-4, ge=0, le=1e6, description="Factor of Σ ½‖W‖², biases left out")
    averages: tuple[Average, ...] = Field((Average(),), max_length=8, description="Averages to keep")
    save_every: int = Field(1_000, ge=1, le=100_000_000, description="Steps between checkpoints")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the initial weights and of the data's order")
    data: str = Field("mnist", min_length=1, description="mnist, or a folder with four IDX files")

    @model_validator(mode="before")
    @classmethod
    def _name_averages(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            averages = values.get("averages", (Average(),))
            if isinstance(averages, list | tuple):
                return {**values, "averages": named(tuple(Average.model_validate(a) for a in averages))}
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(not 1 <= width <= 65_536 for width in self.hidden):
            raise ValueError(f"hidden is {list(self.hidden)}; expected widths from 1 to 65536")
        kinds = [(a.decay, a.num_updates) for a in self.averages]
        names = [a.name for a in self.averages]
        if twice := {kind for kind in kinds if kinds.count(kind) > 1}:
            raise ValueError(f"two averages have the decay {min(twice)[0]}; expected each once")
        if doubled := {n for n in names if names.count(n) > 1}:
            raise ValueError(f"two averages are named {min(doubled)}; expected different names")
        if taken := {"Momentum"} & set(names):
            raise ValueError(f"an average is named {taken.pop()}, which is the optimiser's slot")
        return self


def parse_config(knobs: Mapping[str, Any]) -> RunConfig:
    """A RunConfig of `knobs`, defaults for the rest. Raises ConfigurationInvalid naming knob and value."""
    try:
        return RunConfig.model_validate(dict(knobs))
    except ValidationError as error:
        raise ConfigurationInvalid("; ".join(_sentence(e) for e in error.errors())) from None


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"There is no knob called {where}; the knobs are {', '.join(RunConfig.model_fields)}."
    return sentence(error, where)


def parse_average(text: str, num_updates: bool = True) -> dict[str, Any]:
    """`0.99`, or `0.99:constant` for no num_updates, as an average's knobs. Raises ConfigurationInvalid."""
    number, mark, word = text.partition(":")
    try:
        decay = float(number)
    except ValueError:
        decay = None
    if decay is None or (mark and word != "constant"):
        raise ConfigurationInvalid(f"An average's decay is {text!r}; expected a number, or 0.99:constant.")
    return {"decay": decay, "num_updates": num_updates and not mark}


def describe(config: RunConfig) -> str:
    """The recipe as a short name: what differs from the reference recipe, or `reference recipe`."""
    parts = []
    for knob, default in RunConfig():
        value = getattr(config, knob)
        if value != default:
            parts.append(f"{knob.replace('_', ' ')} {_text(value)}")
    return ", ".join(parts) or "reference recipe"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " + ".join(v.short if isinstance(v, Average) else str(v) for v in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
