"""What the command `inspect` prints: tables of plain text, or a line of JSON."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard.contents import Contents
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.inspection import Variable, plain, restorable, small, values
from shadowboard.printable import printable
from shadowboard.restore_map import RestoreMap, averages_in, near, variables_to_restore
from shadowboard.terminal import print_json

_LISTED = 50  # variables of a restore that are listed
_HEAD = ("variable", "kind", "shape", "type")
_NUMBERS = ("mean", "std", "min", "max", "zeros", "not finite", "distance", "cosine")


def matching(names: Collection[str], pattern: str) -> list[str]:
    """The names that have the pattern in them, or match it where it has wildcards.

    Raises CheckpointUnsuitable where there are none.
    """
    whole = pattern if any(c in pattern for c in "*?[") else f"*{pattern}*"
    found = [name for name in names if fnmatchcase(name, whole)]
    if names and not found:
        hint = f"; near it: {', '.join(near(pattern, names))}" if near(pattern, names) else ""
        raise CheckpointUnsuitable(f"No variable of the checkpoint is called like {pattern!r}{hint}.")
    return found


def print_inspection(contents: Contents, variables: Sequence[Variable], *, as_json: bool) -> None:
    """The variables, the values of small ones, and what is restored raw and from each average."""
    names = [variable.name for variable in variables]
    maps = _maps(contents, names)
    read = dict.fromkeys([*names, *(name for found in maps for name in found.names)])
    told = values(contents, small(contents, list(read)))
    if as_json:
        print_json(
            {
                "checkpoint": contents.name,
                "bytes": contents.bytes,
                "variables": [_as_json(variable, told.get(variable.name)) for variable in variables],
                "restored": [_map_as_json(found) for found in maps],
            }
        )
        return
    lines = [_summary(contents, variables), "", *_table(variables)]
    if shown := {name: name for name in names if name in told}:
        lines += ["", "In the checkpoint", *_equations(shown, told)]
    for found in maps:
        title = f"Restored from {found.average}" if found.average else "Restored raw"
        lines += ["", f"{title}: {found.sentence}"]
        if len(found.restored) <= _LISTED:
            lines += _equations(found.sources, told)
    sys.stdout.write("\n".join(map(printable, lines)) + "\n")


def _maps(contents: Contents, names: Collection[str]) -> list[RestoreMap]:
    """What is restored into the variables among `names`: raw, and from each average of any of them."""
    roles = contents.roles
    wanted = restorable({name: roles[name] for name in names})
    return [
        variables_to_restore(contents.entries, wanted, average, roles=roles, partial=True)
        for average in (None, *averages_in(roles, wanted))
        if wanted
    ]


def _summary(contents: Contents, variables: Sequence[Variable]) -> str:
    kinds = [variable.role.kind for variable in variables]
    counted = [f"{kinds.count(kind):,} {kind}" for kind in dict.fromkeys(sorted(kinds, key=_KINDS.index))]
    shown = "" if len(variables) == len(contents.entries) else f" of {len(contents.entries):,}"
    text = f"{contents.name}: {len(variables):,}{shown} variables, {_size(contents.bytes)}"
    measured = any(variable.statistics for variable in variables) or not variables
    hint = "" if measured else " Their values are not read; --statistics does, and --match chooses some."
    return f"{text}; {', '.join(counted) or 'none'}.{hint}"


_KINDS = ["raw", "average", "slot", "counter", "other"]


def _size(count: int) -> str:
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {unit}"
    return f"{count} bytes"


def _table(variables: Sequence[Variable]) -> list[str]:
    """The lines of a table; the columns of statistics are there where something is in them."""
    rows = [(*_HEAD, *_NUMBERS), *map(_row, variables)]
    columns = [
        column for column in zip(*rows, strict=True) if column[0] in _HEAD or any(map(str.strip, column[1:]))
    ]
    widths = [max(map(len, column)) for column in columns]
    texts = {column[0] for column in columns} & set(_HEAD)
    lines = []
    for cells in zip(*columns, strict=True):
        padded = [
            cell.ljust(width) if column[0] in texts else cell.rjust(width)
            for cell, width, column in zip(cells, widths, columns, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return lines


def _row(variable: Variable) -> tuple[str, ...]:
    s = variable.statistics
    shape = "×".join(map(str, variable.shape)) or "scalar"
    numbers = (
        [""] * len(_NUMBERS)
        if s is None
        else [
            *map(_number, (s.mean, s.std, s.min, s.max)),
            "" if s.zeros is None else f"{s.zeros:.1%}",
            f"{s.non_finite:,}" if s.non_finite else "",
            _number(variable.distance),
            "" if variable.cosine is None else f"{variable.cosine:.6f}",
        ]
    )
    return (variable.name, variable.role.kind, shape, variable.dtype, *numbers)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _equations(sources: "dict[str, str]", told: "dict[str, NDArray[Any]]") -> list[str]:
    """`variable = value`, or `variable ← name in the checkpoint = value` where the two differ."""
    lines = []
    for variable, name in sources.items():
        source = "" if variable == name else f" ← {name}"
        value = f" = {_value(told[name])}" if name in told else ""
        lines.append(f"  {variable}{source}{value}")
    return lines


def _value(value: NDArray[Any]) -> str:
    return np.array2string(value, separator=", ", max_line_width=10**6, threshold=_FEW_SHOWN).replace(
        "\n", ""
    )


_FEW_SHOWN = 24  # values that are written out on a terminal; of more, the first and the last


def _as_json(variable: Variable, value: "NDArray[Any] | None") -> "dict[str, Any]":
    found = vars(variable) | vars(variable.role) | {"shape": list(variable.shape)}
    del found["role"]
    statistics = variable.statistics and asdict(variable.statistics)
    return found | {"statistics": statistics, "values": None if value is None else plain(value)}


def _map_as_json(found: RestoreMap) -> "dict[str, Any]":
    return {
        "average": found.average,
        "names": found.names,
        "raw_fallbacks": found.fallbacks,
        "uninitialised": list(found.uninitialised),
    }
