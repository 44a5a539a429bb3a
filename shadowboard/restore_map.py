"""Restore maps: which name of a checkpoint each variable is restored from. Needs no TensorFlow.

After `tf.train.ExponentialMovingAverage.variables_to_restore`, which invents the name of an average for each
trainable variable, so that a restore fails where the checkpoint holds none. Here the map is made of the names
that the checkpoint really holds.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shadowboard.averaging import FIRST_NAME, average_name
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.roles import Described, Role, alike, roles_of

_NEAR = 3  # names that are told beside a missing one


@dataclass(frozen=True)
class Restored:
    """A variable, and the name that its value has in the checkpoint.

    `source`: its average, its raw value, or what a rename says.
    """

    variable: str
    name: str
    source: Literal["average", "raw", "renamed"]


@dataclass(frozen=True)
class RestoreMap:
    """What a restore reads, and what it leaves."""

    average: str | None
    restored: tuple[Restored, ...]
    uninitialised: tuple[str, ...]
    """Variables that are not restored, and still have to be given a value."""

    @property
    def names(self) -> dict[str, str]:
        """Name in the checkpoint → variable: what TensorFlow's Saver takes. The last of equal names."""
        return {r.name: r.variable for r in self.restored}

    @property
    def sources(self) -> dict[str, str]:
        """Variable → name in the checkpoint."""
        return {r.variable: r.name for r in self.restored}

    @property
    def fallbacks(self) -> list[str]:
        """Variables that are restored raw though an average was asked for: the checkpoint holds none."""
        return [r.variable for r in self.restored if self.average and r.source == "raw"]

    @property
    def sentence(self) -> str:
        """What is restored from where, for a person."""
        counts = {s: sum(r.source == s for r in self.restored) for s in ("average", "raw", "renamed")}
        parts = []
        if self.average:
            parts.append(f"{_variables(counts['average'])} from {self.average}")
            if self.fallbacks:
                them = "it" if len(self.fallbacks) == 1 else "them"
                parts.append(f"{_some(self.fallbacks)} raw, for the checkpoint holds no average of {them}")
        elif counts["raw"]:
            parts.append(f"{_variables(counts['raw'])} raw")
        if counts["renamed"]:
            parts.append(f"{_variables(counts['renamed'])} from another name")
        if self.uninitialised:
            parts.append(f"not restored, and still to be initialised: {_some(self.uninitialised)}")
        return "; ".join(parts or ["Nothing is restored"]) + "."


def variables_to_restore(
    entries: Mapping[str, Described],
    variables: Iterable[str],
    average: str | None = FIRST_NAME,
    *,
    roles: Mapping[str, Role] | None = None,
    only: Collection[str] | None = None,
    rename: Mapping[str, str] | None = None,
    partial: bool = False,
) -> RestoreMap:
    """The map for a model's `variables`, out of the `entries` (by name) that a checkpoint really holds.

    `roles`: what each entry is for; None: as their names tell.

    With an average: a variable's average where there is one, its raw value where there is none; raw where
    `average` is None. `only`: restore these variables, leave the others uninitialised. `rename`: variable →
    the name in the checkpoint to restore it from, whatever else there is. `partial`: leave a variable that
    the checkpoint does not hold uninitialised, instead of an error.

    Raises CheckpointUnsuitable where no variable has that average, where a name is not in the checkpoint (it
    tells names that are near) or is of another shape or type than the variable it is to be restored into, and
    where `only` or `rename` name what is no variable.
    """
    wanted, renamed = list(variables), dict(rename or {})
    _check_variables(wanted, only, renamed)
    roles = roles_of(entries, wanted) if roles is None else roles
    there = averages_in(roles, wanted)
    if average and average not in there:
        raise CheckpointUnsuitable(
            f"The checkpoint holds no average called {average}; it holds: {', '.join(there) or 'none'}."
        )
    shadows = {role.of: name for name, role in roles.items() if role.average == average}
    restored: list[Restored] = []
    left: list[str] = []
    missing: dict[str, str] = {}
    for variable in wanted:
        if only is not None and variable not in only:
            left.append(variable)
        elif variable in renamed and renamed[variable] in entries:
            _check_alike(variable, renamed[variable], entries)
            restored.append(Restored(variable, renamed[variable], "renamed"))
        elif variable in renamed:
            missing[variable] = renamed[variable]
        elif average and variable in shadows:
            restored.append(Restored(variable, shadows[variable], "average"))
        elif variable in entries:
            restored.append(Restored(variable, variable, "raw"))
        elif partial:
            left.append(variable)
        else:
            missing[variable] = variable
    if missing:
        raise CheckpointUnsuitable(_missing(missing, entries))
    return RestoreMap(average, tuple(restored), tuple(left))


def variables_to_restore_as_tensorflow(
    variables: Collection[str], averaged: Iterable[str], average: str = FIRST_NAME
) -> dict[str, str]:
    """Name → variable exactly as TensorFlow's class has it, with names that no checkpoint need hold.

    `variables`: all that there are, shadows too. `averaged`: what it calls moving_avg_variables; where it is
    called without, those are the trainable variables and those of which an average is kept.
    """
    found = {average_name(variable, average): variable for variable in averaged}
    plain = set(variables) - set(found.values()) - set(found)
    return found | {variable: variable for variable in sorted(plain)}


def averages_in(roles: Mapping[str, Role], variables: Collection[str]) -> list[str]:
    """The averages that there are of any of the variables; TensorFlow's own name first."""
    of = frozenset(variables)
    found = {role.average for role in roles.values() if role.average and role.of in of}
    return sorted(found, key=lambda name: (name != FIRST_NAME, name))


def near(name: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that `name` may have been meant to be."""
    return difflib.get_close_matches(name, list(names), _NEAR)


def _check_variables(
    variables: Sequence[str], only: Collection[str] | None, renamed: Mapping[str, str]
) -> None:
    for name in [*(only or ()), *renamed]:
        if name not in variables:
            raise CheckpointUnsuitable(f"There is no variable called {name}{_hint(name, variables)}.")


def _check_alike(variable: str, name: str, entries: Mapping[str, Described]) -> None:
    """Of a variable that the checkpoint does not hold, nobody here knows the shape."""
    if variable in entries and not alike(entries[variable], entries[name]):
        told = " and ".join(f"{n} is {entries[n].dtype} {list(entries[n].shape)}" for n in (variable, name))
        raise CheckpointUnsuitable(f"{told}; a variable is restored from one of its own shape and type.")


def _missing(missing: Mapping[str, str], names: Collection[str]) -> str:
    told = [f"{name}{_hint(name, names)}" for name in list(missing.values())[:_NEAR]]
    more = f"; and {len(missing) - _NEAR:,} more" if len(missing) > _NEAR else ""
    return f"The checkpoint holds no {'; no '.join(told)}{more}."


def _hint(name: str, names: Iterable[str]) -> str:
    found = near(name, names)
    return f" (near it: {', '.join(found)})" if found else ""


def _variables(count: int) -> str:
    return "1 variable" if count == 1 else f"{count:,} variables"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NEAR])
    return f"{shown} and {len(names) - _NEAR:,} more" if len(names) > _NEAR else shown
