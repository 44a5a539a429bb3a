"""What each variable of a checkpoint is for, by the names, shapes and types that it really holds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from shadowboard.averaging import OPTIMIZER_SLOTS

Kind = Literal["raw", "average", "slot", "counter", "other"]

FLOATS = frozenset(["float16", "bfloat16", "float32", "float64"])
INTEGERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
# An object-based checkpoint's names: <variable>/.OPTIMIZER_SLOT/<optimizer>/<slot>/.ATTRIBUTES/VARIABLE_VALUE
_OBJECT_SLOT = "/.OPTIMIZER_SLOT/"
_OBJECT_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_OPTIMIZER_SCALARS = {"beta1_power", "beta2_power"}


class Described(Protocol):
    """A tensor in a checkpoint. `dtype`: TensorFlow's name of its type."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> str: ...


@dataclass(frozen=True)
class Variable:
    """A named tensor in a checkpoint."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Role:
    """What a variable is for. `of`: the raw variable that it belongs to; `average`: the average's name."""

    kind: Kind
    of: str | None = None
    average: str | None = None


def roles_of(entries: Mapping[str, Described], known: Collection[str] = ()) -> dict[str, Role]:
    """Name → role of everything that a checkpoint holds.

    An average and a slot are named `<raw variable>/<suffix>` and are of its shape and type; a slot's suffix
    is one that TensorFlow's optimisers give. `known`: names of a program's variables, whether or not the
    checkpoint holds them; none of these is an average or a slot, whatever it is called.
    """
    roles: dict[str, Role] = {}
    known = frozenset(known)
    for name in sorted(entries):  # a raw variable comes before what is derived from it
        entry = entries[name]
        base, _, suffix = name.rpartition("/")
        variable_of, is_object_slot, _ = name.partition(_OBJECT_SLOT)
        if is_object_slot:
            raw = variable_of + _OBJECT_VALUE
            roles[name] = Role("slot", raw if raw in entries else None)
        elif name not in known and (base in entries or base in known):
            if base in entries and (roles[base].kind != "raw" or not alike(entry, entries[base])):
                roles[name] = Role("other")
            elif suffix in OPTIMIZER_SLOTS:
                roles[name] = Role("slot", base)
            else:
                roles[name] = Role("average", base, suffix)
        elif entry.dtype in INTEGERS and entry.shape == ():
            roles[name] = Role("counter")
        elif entry.dtype in FLOATS and suffix not in _OPTIMIZER_SCALARS:
            roles[name] = Role("raw")
        else:
            roles[name] = Role("other")
    return roles


def alike(one: Described, other: Described) -> bool:
    """Whether they are of one shape and type."""
    return (tuple(one.shape), one.dtype) == (tuple(other.shape), other.dtype)
