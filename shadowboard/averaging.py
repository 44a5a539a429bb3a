"""Exponential moving averages of weights: the decay schedule and the shadow update.

Polyak & Juditsky, "Acceleration of stochastic approximation by averaging", 1992, for the idea;
TensorFlow's `tf.train.ExponentialMovingAverage` for this form of it and for the names.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from shadowboard.validation import number

FIRST_NAME = "ExponentialMovingAverage"

# The suffixes that TensorFlow's optimisers give to what they keep for a variable: no averages.
OPTIMIZER_SLOTS = frozenset(
    ["Momentum", "Adagrad", "ProximalAdagrad", "gradient_accumulator", "gradient_squared_accumulator"]
    + [f"{name}{mark}" for name in ("Adam", "AdaMax", "Adadelta", "RMSProp", "Ftrl") for mark in ("", "_1")]
)


class Average(BaseModel):
    """One moving average that a run keeps of all its weights.

    `name` is its suffix in the checkpoint: the shadow of `layer1/weights` is `layer1/weights/<name>`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decay: float = Field(0.99, ge=0, lt=1, allow_inf_nan=False, description="Weight of the past")
    num_updates: bool = Field(
        True, strict=True, description="Start with a small decay: min(decay, (1 + n) / (10 + n))"
    )
    name: str = Field("", pattern=r"^[A-Za-z0-9_.-]*$", max_length=64, description="Suffix in the checkpoint")

    _numbers = field_validator("decay", mode="before")(number)

    @property
    def short(self) -> str:
        """The knobs in a few characters: `0.99`, or `0.99 constant` without num_updates."""
        return f"{self.decay}" if self.num_updates else f"{self.decay} constant"

    @property
    def in_words(self) -> str:
        """What tells it from others in a sentence: `decay 0.99`."""
        return f"decay {self.short}"


def named(averages: tuple[Average, ...]) -> tuple[Average, ...]:
    """The averages with the empty names filled in: TensorFlow's for the first, `EMA_<decay>` for the rest."""
    return tuple(
        a if a.name else a.model_copy(update={"name": FIRST_NAME if i == 0 else _name_by_decay(a)})
        for i, a in enumerate(averages)
    )


def _name_by_decay(average: Average) -> str:
    return "EMA_" + average.short.replace(" ", "_").replace("+", "")


def average_name(variable: str, average: str) -> str:
    """The checkpoint name that the shadow of `variable` has or would have."""
    return f"{variable}/{average}"


def effective_decay(decay: float, num_updates: ArrayLike | None = None) -> NDArray[np.float32]:
    """min(decay, (1 + n) / (10 + n)) for n = `num_updates`, any shape; plain `decay` where it is None.

    In float32 throughout, as TensorFlow computes it, so that both round alike.
    """
    constant = np.float32(decay)
    if num_updates is None:
        return np.asarray(constant)
    n = np.asarray(num_updates, np.float32)
    return np.minimum(constant, (np.float32(1) + n) / (np.float32(10) + n))


def decays(average: Average, steps: NDArray[np.int64]) -> NDArray[np.float32]:
    """The decay used after each of `steps`, int64 [N] counted from 1 for the first step → float32 [N]."""
    if average.num_updates:
        return effective_decay(average.decay, steps)
    return np.broadcast_to(effective_decay(average.decay), steps.shape)


def update(shadow: Any, variable: Any, decay: Any) -> Any:
    """shadow − (1 − decay) · (shadow − variable), for arrays or tensors of any one shape.

    Equal to decay · shadow + (1 − decay) · variable, with one rounding fewer.
    """
    return shadow - (1 - decay) * (shadow - variable)
