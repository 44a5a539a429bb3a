"""What a study trains: a full recipe, and the same without each of its parts in turn, with several seeds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field

from shadowboard.configuration import RunConfig, describe, parse_config
from shadowboard.errors import ConfigurationInvalid
from shadowboard.validation import quoted

Part = Literal[
    "without_averaging",
    "without_learning_rate_decay",
    "without_regularization",
    "without_hidden_layer",
    "without_activation",
]
Variant = Literal[
    "full",
    "without_averaging",
    "without_learning_rate_decay",
    "without_regularization",
    "without_hidden_layer",
    "without_activation",
]

FULL: Variant = "full"
PARTS: tuple[Part, ...] = get_args(Part)
FEWEST_SEEDS, MOST_SEEDS = 2, 20
USUAL_SEEDS = 5

NAMES: Mapping[Variant, str] = {
    "full": "full recipe",
    "without_averaging": "without averaging",
    "without_learning_rate_decay": "without learning-rate decay",
    "without_regularization": "without regularisation",
    "without_hidden_layer": "without a hidden layer",
    "without_activation": "without an activation",
}

_LEFT_OUT: Mapping[Variant, Mapping[str, Any]] = {
    "full": {},
    "without_averaging": {"averages": ()},
    "without_learning_rate_decay": {"learning_rate_decay": 1.0},
    "without_regularization": {"regularization": 0.0},
    "without_hidden_layer": {"hidden": ()},
    "without_activation": {"activation": "none"},
}


class PlannedRun(NamedTuple):
    """A run of a study: its `config` holds the seed."""

    variant: Variant
    config: RunConfig


class StudyPlan(BaseModel):
    """The full recipe, what is left out of it in turn, and with how many seeds: those from its own on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: RunConfig = Field(description="The full recipe; its seed is the first one")
    seeds: int = Field(USUAL_SEEDS, ge=FEWEST_SEEDS, le=MOST_SEEDS, description="Runs of each variant")
    variants: tuple[Part, ...] = Field(
        PARTS, min_length=1, description="What is compared with the full recipe"
    )

    @property
    def every(self) -> tuple[Variant, ...]:
        """The full recipe, then its variants."""
        return (FULL, *self.variants)

    def runs(self) -> Iterator[PlannedRun]:
        """In the order in which they are trained: seed by seed.

        Of each seed the full recipe is the last, so that it is the newest run where the newest is meant.
        """
        for seed in range(self.config.seed, self.config.seed + self.seeds):
            for variant in (*self.variants, FULL):
                yield PlannedRun(variant, _without(self.config, variant, seed=seed))

    def judged_by(self, variant: Variant) -> str:
        """The weights by which its runs are judged: their first average, else the raw ones (empty)."""
        averages = _without(self.config, variant).averages
        return averages[0].name if averages else ""


def parse_plan(
    knobs: Mapping[str, Any], seeds: int = USUAL_SEEDS, variants: Sequence[str] = PARTS
) -> StudyPlan:
    """The plan of a study whose full recipe has these knobs. Raises ConfigurationInvalid."""
    config = parse_config(knobs)
    if not FEWEST_SEEDS <= seeds <= MOST_SEEDS:
        raise ConfigurationInvalid(f"seeds is {seeds}; expected {FEWEST_SEEDS} to {MOST_SEEDS}.")
    if config.seed > 2**31 - seeds:
        raise ConfigurationInvalid(
            f"seed is {config.seed}; expected at most {2**31 - seeds:,}, "
            f"for a study takes {seeds} from there on."
        )
    if config.start_from is not None:
        raise ConfigurationInvalid("start_from cannot be part of a study: its runs start from their seeds.")
    if unknown := [variant for variant in variants if variant not in PARTS]:
        raise ConfigurationInvalid(
            f"There is no variant called {quoted(unknown[0])}; the variants are {', '.join(PARTS)}."
        )
    chosen = tuple(part for part in PARTS if part in variants)
    if not chosen:
        raise ConfigurationInvalid(f"variants is empty; expected at least one of {', '.join(PARTS)}.")
    for part in chosen:
        if _changes_nothing(config, part):
            raise ConfigurationInvalid(
                f"The full recipe itself is {NAMES[part]}: leave {part} out of the variants, "
                "or give the recipe what it leaves out."
            )
    return StudyPlan(config=config, seeds=seeds, variants=chosen)


def _changes_nothing(config: RunConfig, part: Part) -> bool:
    if part == "without_activation" and not config.hidden:
        return True
    return _without(config, part) == config


def _without(config: RunConfig, variant: Variant, **knobs: Any) -> RunConfig:
    return config.model_copy(update={**_LEFT_OUT[variant], **knobs})


def plan_name(plan: StudyPlan) -> str:
    """What a study is called where nobody names it."""
    recipe = describe(plan.config)
    return f"Variants {'of the' if recipe == describe(RunConfig()) else 'with'} {recipe}"


def run_name(variant: Variant, seed: int, study_id: str) -> str:
    """What a run of a study is called."""
    return f"{NAMES[variant]}, seed {seed} · study {study_id}"
