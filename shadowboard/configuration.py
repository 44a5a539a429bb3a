"""The knobs of a training run. The defaults are the reference recipe."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from shadowboard.averaging import OPTIMIZER_SLOTS, Average, named
from shadowboard.errors import ConfigurationInvalid
from shadowboard.start_from import StartFrom
from shadowboard.validation import first_of, limits, number, sentence

Activation = Literal["relu", "tanh", "sigmoid", "none"]
Optimizer = Literal["sgd", "momentum"]

Width = Annotated[int, Field(ge=1, le=65_536), BeforeValidator(number)]


class RunConfig(BaseModel):
    """Everything that a run's result depends on; immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(30_000, ge=1, le=100_000_000, description="Length of the training, in steps")
    batch_size: int = Field(100, ge=1, le=65_536, description="Images a step")
    hidden: tuple[Width, ...] = Field((500,), max_length=16, description="Units of each hidden layer")
    activation: Activation = Field("relu", description="Activation function of the hidden layers")
    optimizer: Optimizer = Field(
        "sgd", description="sgd: plain gradient descent; momentum: with a velocity kept for each weight"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="Share of the last step (optimizer momentum only)")
    learning_rate: float = Field(0.8, gt=0, le=1e6, description="Learning rate at step 0")
    learning_rate_decay: float = Field(0.99, gt=0, le=1, description="Factor on the learning rate an epoch")
    regularization: float = Field(1e-4, ge=0, le=1e6, description="Factor of Σ ½‖W‖², biases left out")
    averages: Annotated[tuple[Average, ...], AfterValidator(named)] = Field(
        named((Average(),)), max_length=8, description="Averages to keep"
    )
    save_every: int = Field(1_000, ge=1, le=100_000_000, description="Steps between checkpoints")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the initial weights and of the data's order")
    data: str = Field("mnist", min_length=1, description="mnist, or a folder with four IDX files")
    start_from: StartFrom | None = Field(
        None, description="Checkpoint whose values the variables start with; null: by seed"
    )

    _numbers = field_validator(
        "steps", "batch_size", "momentum", "learning_rate", "learning_rate_decay", "regularization",
        "save_every", "seed", mode="before",
    )(number)  # fmt: skip

    @model_validator(mode="after")
    def _check(self) -> Self:
        kinds = [(a.decay, a.num_updates) for a in self.averages]
        names = [a.name for a in self.averages]
        if twice := {kind for kind in kinds if kinds.count(kind) > 1}:
            raise ValueError(f"two averages have the decay {min(twice)[0]}; expected each once")
        if doubled := {n for n in names if names.count(n) > 1}:
            raise ValueError(f"two averages are named {min(doubled)}; expected different names")
        if taken := OPTIMIZER_SLOTS & set(names):
            raise ValueError(f"an average is named {min(taken)}, which is what an optimiser's slot is named")
        return self


def parse_config(knobs: Mapping[str, Any]) -> RunConfig:
    """A RunConfig of `knobs`, defaults for the rest. Raises ConfigurationInvalid naming knob and value."""
    known = {knob: value for knob, value in knobs.items() if knob in RunConfig.model_fields}
    unknown = [_unknown(knob, RunConfig) for knob in knobs if knob not in known]
    try:
        config = RunConfig.model_validate(known)
    except ValidationError as error:
        raise ConfigurationInvalid(first_of([*map(_sentence, error.errors()), *unknown])) from None
    if unknown:
        raise ConfigurationInvalid(first_of(unknown))
    return config


def _sentence(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    part = StartFrom if where.startswith("start_from") else Average
    match error["type"]:
        case "extra_forbidden":
            return _unknown(where, part)
        case "missing":
            return f"{where} is missing."
        case "model_type":
            message = f"an object with {', '.join(part.model_fields)}"
        case "tuple_type":
            message = "a list"
        case "too_long":
            message = f"at most {error['ctx']['max_length']} of them"
        case _:
            message = _range(_schema(error["loc"]), error["type"]) or error["msg"]
    return sentence(error | {"msg": message}, where)


def _schema(path: Sequence[str | int]) -> dict[str, Any]:
    """What the JSON schema says of the knob, or the part of one, at `path`."""
    whole = RunConfig.model_json_schema()
    found = whole
    for name in path:
        found = found["items"] if isinstance(name, int) else found["properties"][name]
        found = next(iter(found.get("anyOf", [found])))  # or null
        if "$ref" in found:
            found = whole["$defs"][found["$ref"].rpartition("/")[2]]
    return found


def _range(schema: Mapping[str, Any], finding: str) -> str:
    """`0 to below 1`, or `a number, 0 to below 1` where none was given; empty for what is no number."""
    kind = {"integer": "a whole number, ", "number": "a number, "}.get(schema.get("type", ""))
    if kind is None:
        return ""
    out_of_range = finding.startswith(("greater_than", "less_than"))
    return limits(schema) if out_of_range else kind + limits(schema)


def _unknown(where: str, model: type[BaseModel]) -> str:
    return f"There is no knob called {where[:100]}; the knobs are {', '.join(model.model_fields)}."


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
            shown = Path(value).name if knob == "data" else _text(value)
            parts.append(f"{knob.replace('_', ' ')} {shown}")
    return ", ".join(parts) or "reference recipe"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " + ".join(v.short if isinstance(v, Average) else str(v) for v in value) or "none"
    if isinstance(value, StartFrom):
        return value.short
    return f"{value:g}" if isinstance(value, float) else str(value)
