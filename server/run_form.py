"""The form that queues a run: the knobs with their limits and defaults, as the configuration has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from shadowboard.averaging import Average
from shadowboard.configuration import RunConfig
from shadowboard.validation import limits

_GROUPS = {
    "Length and data": ("steps", "save_every", "batch_size", "seed"),
    "Network": ("hidden", "activation"),
    "Optimiser": ("optimizer", "momentum", "learning_rate", "learning_rate_decay", "regularization"),
}
_LABELS = {
    "hidden": "Hidden layers",
    "num_updates": "num_updates",
    "optimizer": "Optimiser",
    "regularization": "Regularisation factor",
}
NOT_OVER_HTTP = {"data"}


@dataclass(frozen=True)
class Knob:
    """One field of the form. `default` is as one would type it, `limits` as one would say them."""

    name: str
    label: str
    help: str
    default: str
    kind: str
    limits: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preset:
    """A recipe worth trying: the knobs that differ from the reference recipe's."""

    name: str
    help: str
    knobs: Mapping[str, Any]


@dataclass(frozen=True)
class RunForm:
    """What the form is made of. `average` are the knobs of one average, `defaults` those of a run."""

    groups: Mapping[str, tuple[Knob, ...]]
    average: Mapping[str, Knob]
    most_averages: int
    presets: tuple[Preset, ...]
    defaults: Mapping[str, Any]


PRESETS = (
    Preset("Reference recipe", "One hidden layer of 500, 30,000 steps, one average with decay 0.99", {}),
    Preset(
        "Quick look", "The same in 3,000 steps, a checkpoint every 100", {"steps": 3000, "save_every": 100}
    ),
    Preset(
        "No num_updates",
        "The decay is 0.99 from the first step on: the average starts slowly",
        {"averages": [{"decay": 0.99, "num_updates": False}]},
    ),
    Preset(
        "Decay 0.9999",
        "A long memory: half of a weight's value is gone only after some 6,900 steps",
        {"averages": [{"decay": 0.9999}]},
    ),
    Preset(
        "Three decays at once",
        "0.9, 0.99 and 0.999 side by side, of the very same raw weights",
        {"averages": [{"decay": 0.9}, {"decay": 0.99}, {"decay": 0.999}]},
    ),
)


@cache
def run_form() -> RunForm:
    """The form."""
    schema = RunConfig.model_json_schema()
    knobs = schema["properties"]
    average = schema["$defs"][Average.__name__]["properties"]
    return RunForm(
        groups={title: tuple(_knob(name, knobs[name]) for name in names) for title, names in _GROUPS.items()},
        average={name: _knob(name, average[name]) for name in ("decay", "num_updates")},
        most_averages=knobs["averages"]["maxItems"],
        presets=PRESETS,
        defaults=RunConfig().model_dump(mode="json", exclude=NOT_OVER_HTTP),
    )


def _knob(name: str, schema: Mapping[str, Any]) -> Knob:
    default = schema["default"]
    kind = (
        "choice" if "enum" in schema else {"array": "list", "integer": "whole"}.get(schema["type"], "number")
    )
    return Knob(
        name=name,
        label=_LABELS.get(name, name.replace("_", " ").capitalize()),
        help=schema["description"],
        default=", ".join(map(str, default)) if isinstance(default, list) else _plain(default),
        kind=kind,
        limits=limits(schema),
        choices=tuple(schema.get("enum", ())),
    )


def _plain(value: Any) -> str:
    """0.0001, not 1e-04."""
    return f"{value:.10f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
