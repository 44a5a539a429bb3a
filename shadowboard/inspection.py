"""What is in a checkpoint, variable by variable: kind, statistics, an average's distance to its raw one."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shadowboard import checkpoints
from shadowboard.averaging import OPTIMIZER_SLOTS
from shadowboard.checkpoints import Checkpoint

Kind = Literal["raw", "average", "slot", "counter", "other"]

_BLOCK = 2**20  # values that are held as float64 at a time
_NUMBERS = frozenset(
    ["float16", "bfloat16", "float32", "float64", "bool"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)
# An object-based checkpoint's names: <variable>/.OPTIMIZER_SLOT/<optimizer>/<slot>/.ATTRIBUTES/VARIABLE_VALUE
_OBJECT_SLOT = "/.OPTIMIZER_SLOT/"
_OBJECT_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_OPTIMIZER_SCALARS = {"beta1_power", "beta2_power"}


@dataclass(frozen=True)
class Role:
    """What a variable is for. `of`: the raw variable that it belongs to; `average`: the average's name."""

    kind: Kind
    of: str | None = None
    average: str | None = None


@dataclass(frozen=True)
class Statistics:
    """Of all values; of the finite ones mean, standard deviation (population), least and greatest.

    None where there is no such value, or no float64 for it.
    """

    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    zeros: float | None = None
    """Share of the values that are zero."""
    non_finite: int = 0


@dataclass(frozen=True)
class Variable:
    """One variable of a checkpoint.

    `distance`: ‖average − raw‖ / ‖raw‖ in the Euclidean norm, `cosine`: of the angle between the two; None
    for what is no average, and where they are not defined.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    size: int
    role: Role
    statistics: Statistics
    distance: float | None = None
    cosine: float | None = None


def inspect(checkpoint: Checkpoint) -> list[Variable]:
    """Every variable of any TensorFlow checkpoint, by name. Raises CheckpointMissing, CheckpointDamaged.

    Holds one raw variable and one of its averages in memory at a time.
    """
    there = checkpoints.variables(checkpoint)
    roles = roles_of(there)
    found: dict[str, Variable] = {}

    def look(name: str, values: NDArray[Any] | None, raw: NDArray[Any] | None = None) -> None:
        distance, cosine = (None, None) if values is None or raw is None else compare(values, raw)
        found[name] = Variable(
            name=name,
            shape=there[name].shape,
            dtype=there[name].dtype.name,
            size=int(np.prod(there[name].shape, dtype=object)),
            role=roles[name],
            statistics=Statistics() if values is None else statistics(values),
            distance=distance,
            cosine=cosine,
        )

    def read(name: str) -> NDArray[Any] | None:
        if there[name].dtype.name not in _NUMBERS:
            return None
        return checkpoints.read(checkpoint, [name])[name]

    averages: dict[str, list[str]] = {}
    for name, role in roles.items():
        if role.kind == "average" and role.of:
            averages.setdefault(role.of, []).append(name)
    for name, role in roles.items():
        if role.kind != "average":
            values = read(name)
            look(name, values)
            for average in averages.get(name, []):
                look(average, read(average), raw=values)
    return [found[name] for name in sorted(found)]


def roles_of(there: Mapping[str, checkpoints.Variable]) -> dict[str, Role]:
    """Name → role, by the names, shapes and types that the checkpoint really holds.

    An average and a slot are named `<raw variable>/<suffix>` and are of its shape and type; a slot's suffix
    is one that TensorFlow's optimisers give.
    """
    roles: dict[str, Role] = {}
    for name in sorted(there):  # a raw variable comes before what is derived from it
        variable = there[name]
        base, _, suffix = name.rpartition("/")
        variable_of, is_object_slot, _ = name.partition(_OBJECT_SLOT)
        if is_object_slot:
            raw = variable_of + _OBJECT_VALUE
            roles[name] = Role("slot", raw if raw in there else None)
        elif base in there:
            alike = (variable.shape, variable.dtype) == (there[base].shape, there[base].dtype)
            if roles[base].kind != "raw" or not alike:
                roles[name] = Role("other")
            elif suffix in OPTIMIZER_SLOTS:
                roles[name] = Role("slot", base)
            else:
                roles[name] = Role("average", base, suffix)
        elif variable.dtype.is_integer and variable.shape == ():
            roles[name] = Role("counter")
        elif variable.dtype.is_floating and suffix not in _OPTIMIZER_SCALARS:
            roles[name] = Role("raw")
        else:
            roles[name] = Role("other")
    return roles


def statistics(values: NDArray[Any]) -> Statistics:
    """The statistics of numbers of any shape and type, computed in float64."""
    count, total, zeros = 0, 0.0, 0
    least, greatest = np.inf, -np.inf
    with np.errstate(over="ignore", invalid="ignore"):
        for (block,) in _blocks(values):
            zeros += int(np.count_nonzero(block == 0))
            finite = block[np.isfinite(block)]
            if finite.size:
                count += finite.size
                total += float(finite.sum())
                least, greatest = min(least, float(finite.min())), max(greatest, float(finite.max()))
        if not count:
            return Statistics(zeros=zeros / values.size if values.size else None, non_finite=values.size)
        mean = total / count
        # A second pass: the mean of the squares less the square of the mean would lose every digit.
        squares = sum(float(np.square(b[np.isfinite(b)] - mean).sum()) for (b,) in _blocks(values))
    return Statistics(
        mean=_finite(mean),
        std=_finite(math.sqrt(squares / count)),
        min=least,
        max=greatest,
        zeros=zeros / values.size,
        non_finite=values.size - count,
    )


def compare(average: NDArray[Any], raw: NDArray[Any]) -> tuple[float | None, float | None]:
    """‖average − raw‖ / ‖raw‖ and the cosine between the two, of any one shape, computed in float64.

    None where a value is not finite, or a norm that it is divided by is zero.
    """
    difference = product = average_square = raw_square = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for a, r in _blocks(average, raw):
            difference += float(np.square(a - r).sum())
            product += float(a @ r)
            average_square += float(a @ a)
            raw_square += float(r @ r)
    distance = _quotient(math.sqrt(difference), math.sqrt(raw_square))
    cosine = _quotient(product, math.sqrt(average_square) * math.sqrt(raw_square))
    return distance, None if cosine is None else min(1.0, max(-1.0, cosine))


def _blocks(*arrays: NDArray[Any]) -> Iterator[list[NDArray[np.float64]]]:
    """The values as float64, some at a time, of all arrays side by side."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, _BLOCK):
        yield [values[start : start + _BLOCK].astype(np.float64) for values in flat]


def _quotient(value: float, by: float) -> float | None:
    return _finite(value / by) if by and math.isfinite(by) else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
