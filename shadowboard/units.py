"""The weights of a first layer as images: what each unit looks for, raw and averaged.

Of weights [inputs, units] whose inputs are the pixels of a square, each column is an image.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shadowboard.contents import Contents
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.inspection import averages_of, values
from shadowboard.restore_map import averages_in

Order = Literal["number", "change"]

_SIDES = range(4, 129)  # pixels
_LARGEST = 64 * 2**20  # bytes of one variable: it is read in one piece
_SHOWN = 0.999  # of the absolute values are told apart; a few far outliers would leave all else pale


@dataclass(frozen=True)
class Units:
    """Some units of a layer. Images: float32 [shown, side, side], of raw and of averaged weights."""

    name: str
    side: int
    total: int
    numbers: list[int]
    raw: NDArray[np.float32]
    average: str | None
    averaged: NDArray[np.float32] | None
    limit: float
    """The absolute value that all but a thousandth of the layer's raw weights are within."""
    change_limit: float
    """The same of averaged less raw weights; 0 where there is no average."""


def first_layer(contents: Contents) -> str | None:
    """The raw variable that is most likely a first layer whose units are images; None: there is none."""
    raw = (name for name, role in contents.roles.items() if role.kind == "raw")
    return next((name for name in raw if side_of(contents, name)), None)


def side_of(contents: Contents, name: str) -> int | None:
    """The side of the square that a variable's inputs make, in pixels; None where they make none."""
    entry = contents.entries[name]
    if len(entry.shape) != 2 or not entry.shape[1] or entry.bytes > _LARGEST:
        return None
    side = math.isqrt(entry.shape[0])
    return side if side in _SIDES and side * side == entry.shape[0] else None


def units(
    contents: Contents, name: str | None, average: str | None, first: int, count: int, order: Order
) -> Units:
    """`count` units of the raw variable `name` (None: of the first layer) from the place `first` on.

    Beside those of its `average` (None: the first that there is). In the order of their numbers, or of their
    change: the one first whose average is furthest from its raw weights. Raises CheckpointUnsuitable where it
    is no layer whose units are images, or has no such average, CheckpointMissing, CheckpointDamaged.
    """
    name = name or first_layer(contents)
    if name is None:
        raise CheckpointUnsuitable("The checkpoint holds no weights [side · side, units], units as images.")
    roles = contents.roles
    if name not in roles:
        raise CheckpointUnsuitable(f"The checkpoint {contents.name} holds no {name}.")
    side = side_of(contents, name)
    if roles[name].kind != "raw" or side is None:
        shape = list(contents.entries[name].shape)
        raise CheckpointUnsuitable(
            f"{name} is {roles[name].kind} {shape}; expected raw weights [side · side, units]."
        )
    there = averages_in(roles, [name])
    if average and average not in there:
        raise CheckpointUnsuitable(
            f"The checkpoint holds no average of {name} called {average}, but {', '.join(there) or 'none'}."
        )
    average = average or next(iter(there), None)
    raw = _read(contents, name)
    kept = {roles[one].average: one for one in averages_of(roles, name)}
    averaged = _read(contents, kept[average]) if average else None
    change = None if averaged is None else np.subtract(averaged, raw, dtype=np.float64)
    numbers = np.arange(raw.shape[1])
    if order == "change" and change is not None:
        numbers = np.argsort(-np.nan_to_num(np.square(change).sum(axis=0)), kind="stable")
    shown = numbers[first : first + count]

    def images(weights: NDArray[np.float32]) -> NDArray[np.float32]:
        return weights[:, shown].T.reshape(len(shown), side, side)

    return Units(
        name=name,
        side=side,
        total=raw.shape[1],
        numbers=[int(number) for number in shown],
        raw=images(raw),
        average=average,
        averaged=None if averaged is None else images(averaged),
        limit=_limit(raw),
        change_limit=0.0 if change is None else _limit(change),
    )


def _read(contents: Contents, name: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return values(contents, [name])[name].astype(np.float32)


def _limit(weights: NDArray[Any]) -> float:
    finite = np.abs(weights[np.isfinite(weights)])
    return float(np.quantile(finite, _SHOWN)) if finite.size else 0.0
