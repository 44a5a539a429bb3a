"""What is in a checkpoint, variable by variable: kind, statistics, an average's distance to its raw one.

Of any checkpoint, however large: what is not asked for is not read, and what is read is held some at a time.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard import distribution
from shadowboard.contents import Contents
from shadowboard.distribution import Distance, Moments, Statistics
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.restore_map import near
from shadowboard.roles import FLOATS, INTEGERS, Role

LARGE = 64 * 2**20  # bytes: beyond it, statistics of everything take more than a moment
_FEW = 256  # values that are told in full

_NOTHING: NDArray[Any] = np.zeros(0)
_NUMBERS = FLOATS | INTEGERS | {"bool"}


@dataclass(frozen=True)
class Variable:
    """One variable of a checkpoint. `statistics`: None where they were not asked for.

    `values`: all of them, in its shape; None where they are many, no numbers, or were not read.
    `distance`: ‖average − raw‖ / ‖raw‖ in the Euclidean norm, `cosine`: of the angle between the two; None
    for what is no average, and where they are not defined.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    size: int
    bytes: int
    role: Role
    statistics: Statistics | None = None
    values: NDArray[Any] | None = None
    distance: float | None = None
    cosine: float | None = None


@dataclass(frozen=True)
class Closeup:
    """One raw variable with its averages, or any other variable alone, each by its name in the checkpoint."""

    variables: list[Variable]
    edges: list[float] | None
    """Of the histograms' bins, which all share; None: there is no finite value to count."""
    histograms: dict[str, list[int]]


def inspect(
    contents: Contents, names: Collection[str] | None = None, *, statistics: bool = True
) -> list[Variable]:
    """Every variable of a checkpoint, or those called `names`, by name.

    Without statistics nothing but the index is used. Raises CheckpointUnsuitable where a name is not in it,
    CheckpointMissing, CheckpointDamaged.
    """
    roles = contents.roles
    wanted = sorted(contents.entries if names is None else dict.fromkeys(names))
    _check_names(contents, wanted)
    found = {name: _listed(contents, name, roles[name]) for name in wanted}
    if statistics:
        families: dict[str, list[str]] = {}  # an average is read beside its raw variable
        for name in wanted:
            family = families.setdefault(_first(name, roles), [])
            if roles[name].kind == "average":
                family.append(name)
        for first, averages in families.items():
            for variable in _measured(contents, first, averages, roles):
                if variable.name in found:
                    found[variable.name] = variable
    return list(found.values())


def closeup(contents: Contents, name: str, bins: int) -> Closeup:
    """A variable with whatever it is compared with: a raw one and all its averages together.

    Raises as `inspect` does.
    """
    _check_names(contents, [name])
    roles = contents.roles
    first = _first(name, roles)
    names = [first, *averages_of(roles, first)]
    variables = list(_measured(contents, first, names[1:], roles))
    measured = [v.statistics for v in variables if v.statistics]
    edges = distribution.edges_of(measured, bins)
    return Closeup(
        variables=variables,
        edges=None if edges is None else edges.tolist(),
        histograms={}
        if edges is None
        else {one: distribution.count(contents.blocks(one), edges) for one in names},
    )


def averages_of(roles: Mapping[str, Role], raw: str) -> list[str]:
    """The names of the averages of a raw variable."""
    return [name for name, role in roles.items() if role.kind == "average" and role.of == raw]


def restorable(roles: Mapping[str, Role]) -> list[str]:
    """The variables that a model has, as far as a checkpoint tells: not what is kept for them."""
    return [name for name, role in roles.items() if role.kind in {"raw", "counter"}]


def small(contents: Contents, names: Sequence[str]) -> list[str]:
    """Those of the variables whose values can be told in full."""
    return [name for name in names if contents.entries[name].size <= _FEW and _is_number(contents, name)]


def values(contents: Contents, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """All values of these variables, which are numbers, in their shapes. Raises as `inspect` does."""
    return {
        name: np.concatenate([*contents.blocks(name), np.zeros(0, bool)]).reshape(
            contents.entries[name].shape
        )
        for name in names
    }


def plain(value: NDArray[Any]) -> Any:
    """The values as nested lists for JSON, which has no number that is not finite: those are null.

    A float32 comes with as many digits as tell it from other float32, 0.099999905, not 0.09999990463256836.
    """
    if value.dtype.kind != "f":
        return value.tolist()
    shortest = [float(str(v)) if np.isfinite(v) else None for v in value.reshape(-1)]
    return np.array(shortest, object).reshape(value.shape).tolist()


def _check_names(contents: Contents, wanted: Sequence[str]) -> None:
    for name in wanted:
        if name not in contents.entries:
            alike = near(name, contents.entries)
            hint = f"; near it: {', '.join(alike)}" if alike else ""
            raise CheckpointUnsuitable(f"The checkpoint {contents.name} holds no {name}{hint}.")


def _first(name: str, roles: Mapping[str, Role]) -> str:
    """What a variable is compared with: the raw one of an average, else itself."""
    role = roles[name]
    return role.of if role.kind == "average" and role.of else name


def _listed(contents: Contents, name: str, role: Role) -> Variable:
    entry = contents.entries[name]
    return Variable(name, entry.shape, entry.dtype, entry.size, entry.bytes, role)


def _is_number(contents: Contents, name: str) -> bool:
    return contents.entries[name].dtype in _NUMBERS


def _measured(
    contents: Contents, first: str, averages: Sequence[str], roles: Mapping[str, Role]
) -> Iterator[Variable]:
    """A variable with its statistics, and averages of it with their distances: all are read side by side."""
    names = [first, *averages]
    few = small(contents, names)
    kept: dict[str, list[NDArray[Any]]] = {name: [np.zeros(0, bool)] for name in few}
    moments = {name: Moments() for name in names}
    distances = {name: Distance() for name in averages}
    if _is_number(contents, first):
        for sides in _side_by_side([contents.blocks(name) for name in names]):
            for name, block in zip(names, sides, strict=True):
                moments[name].add(block)
                if name in kept:
                    kept[name].append(block)
                if name in distances:
                    distances[name].add(block, sides[0])
    for name in names:
        measured = replace(_listed(contents, name, roles[name]), statistics=moments[name].statistics())
        if name in kept:
            measured = replace(measured, values=np.concatenate(kept[name]).reshape(measured.shape))
        if name in distances:
            there = distances[name]
            measured = replace(measured, distance=there.relative, cosine=there.cosine)
        yield measured


def _side_by_side(sides: Sequence[Iterator[NDArray[Any]]]) -> Iterator[list[NDArray[Any]]]:
    """Blocks of the same places of all: of one shape, but where types differ blocks differ in length."""
    held = [_NOTHING] * len(sides)
    while True:
        held = [
            next(side, _NOTHING) if not block.size else block for side, block in zip(sides, held, strict=True)
        ]
        length = min(map(len, held))
        if not length:
            return
        yield [block[:length] for block in held]
        held = [block[length:] for block in held]
