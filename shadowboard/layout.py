"""Which variables of a checkpoint are the network, and which are averages of them. Needs no TensorFlow.

By names and shapes alone: a chain 784 → … → 10 of dense layers, whatever they are called.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from shadowboard.averaging import FIRST_NAME
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.object_graph import Kept, kept_by_keras
from shadowboard.roles import FLOATS, Described, roles_of

PIXELS = 784
CLASSES = 10
KERAS_AVERAGE = "average"
"""What a Keras optimiser calls the one that it keeps."""

_FEW = 3  # names that are told
_MOST = 200  # layers of a network
_AVERAGED = re.compile(r"ema|averag|avg|shadow", re.IGNORECASE)
_OPTIMIZER = re.compile(r"optimizer|beta[12]_power")
# An object-based checkpoint's names, such as net/layer1/kernel/.ATTRIBUTES/VARIABLE_VALUE
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_SLOT = "/.OPTIMIZER_SLOT/"

Entries = Mapping[str, Described]
"""Name → shape and type of every tensor of a checkpoint."""
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Layout:
    """Names in the checkpoint: weights [inputs, units] and biases [units] of each layer in turn.

    `averages`: the same of each average, by its name; the raw variable where it has none.
    """

    variables: tuple[str, ...]
    averages: Mapping[str, tuple[str, ...]]
    hidden: tuple[int, ...]
    """Units of each hidden layer."""
    activation: str | None = None
    """Of the hidden layers; None: the checkpoint does not tell it."""


def layout_of(entries: Entries, full_names: Mapping[str, str] | None = None) -> Layout:
    """The network among what a checkpoint holds. Raises CheckpointUnsuitable.

    `full_names`: what the program called them, of an object-based checkpoint, in which they are called by
    the way to them.
    """
    if "layer1/weights" in entries:
        return _with_suffixes(entries, recognise({name: entry.shape for name, entry in entries.items()}))
    kept = kept_by_keras(entries, full_names or {})
    plain = {
        name: shape
        for name, shape in _floats(entries).items()
        if shape and name not in kept and _SLOT not in name and name.rpartition("/")[0] not in entries
    }
    chain = _chain(plain)
    found = _with_suffixes(entries, chain) if chain else _of_parts(entries, plain)
    return replace(found, averages={**found.averages, **_keras_average(found.variables, kept)})


def layout_of_all(entries: Entries) -> Layout:
    """All floating-point variables but an optimiser's, and averages of them, whatever network they are."""
    shapes = _floats(entries)
    plain = [
        name
        for name in shapes
        if not (_SLOT in name or name.rpartition("/")[0] in shapes or _OPTIMIZER.search(name))
    ]
    averaged = {name for name in plain if _AVERAGED.search(name.partition("/")[0])}
    variables = [name for name in sorted(plain, key=_natural) if name not in averaged]
    others = {}
    for part in sorted({name.partition("/")[0] for name in averaged}):
        names = [f"{part}/{name.partition('/')[2]}" for name in variables]
        if averaged.intersection(names):
            others[part] = tuple(o if o in averaged else v for o, v in zip(names, variables, strict=True))
    found = _with_suffixes(entries, variables)
    return replace(found, averages={**found.averages, **others}, hidden=())


def own_name(name: str) -> str:
    """What a variable is called without what TensorFlow adds to it in an object-based checkpoint."""
    return name.removesuffix(_VALUE)


def recognise(shapes: Shapes) -> list[str]:
    """The names of layer1/weights, layer1/biases, layer2/weights … in order.

    Raises CheckpointUnsuitable where they are no chain 784 → … → 10 of dense layers.
    """
    layers = 0
    while f"layer{layers + 1}/weights" in shapes:
        layers += 1
    if not layers:
        raise CheckpointUnsuitable("The checkpoint holds no layer1/weights; expected one [784, units].")
    width = PIXELS
    for i in range(1, layers + 1):
        found = list(shapes[f"layer{i}/weights"])
        bias = list(shapes.get(f"layer{i}/biases", []))
        units = CLASSES if i == layers else (found[-1] if found else 0)
        if found != [width, units] or bias != [units]:
            raise CheckpointUnsuitable(
                f"layer{i} has weights {found} and biases {bias}; expected [{width}, {units}] and [{units}]."
            )
        width = units
    return variable_names(layers)


def variable_names(layers: int) -> list[str]:
    """What the variables of a network of `layers` layers are called here, in order."""
    return [f"layer{i}/{kind}" for i in range(1, layers + 1) for kind in ("weights", "biases")]


def _with_suffixes(entries: Entries, variables: Sequence[str]) -> Layout:
    """Averages are named as TensorFlow's class does, `<variable>/<name of the average>`, or are slots."""
    kept: dict[str, dict[str, str]] = {}
    for name, role in roles_of(entries, variables).items():
        if role.average and role.of:
            kept.setdefault(role.average, {})[role.of] = name
    averages = {
        average: tuple(of.get(variable, variable) for variable in variables)
        for average, of in sorted(kept.items(), key=lambda found: (found[0] != FIRST_NAME, found[0]))
        if not of.keys().isdisjoint(variables)
    }
    slots = {
        name: tuple(found)
        for name, found in _slots(entries, variables).items()
        if _AVERAGED.search(name) and all(slot in entries for slot in found)
    }
    hidden = tuple(entries[name].shape[0] for name in variables[2::2] if entries[name].shape)
    return Layout(tuple(variables), averages | slots, hidden)


def _floats(entries: Entries) -> dict[str, tuple[int, ...]]:
    return {name: tuple(entry.shape) for name, entry in entries.items() if entry.dtype in FLOATS}


def _slots(entries: Entries, variables: Sequence[str]) -> dict[str, list[str]]:
    """Slot name → what it is called: `<variable>/.OPTIMIZER_SLOT/<optimizer>/<slot>`, object-based."""
    if not variables:
        return {}
    bases = [variable.removesuffix(_VALUE) for variable in variables]
    first = f"{bases[0]}{_SLOT}"
    ends = [name.removeprefix(first) for name in entries if name.startswith(first)]
    return {
        end.removesuffix(_VALUE).rpartition("/")[2]: [f"{base}{_SLOT}{end}" for base in bases] for end in ends
    }


def _of_parts(entries: Entries, plain: Shapes) -> Layout:
    """A checkpoint of several parts, each a tree: the raw network, averages of it, an optimiser."""
    chains: dict[str, list[str]] = {}
    left: list[str] = []
    for depth in (1, 2):
        for part, names in _parts(plain, depth).items():
            known = [name for chain in chains.values() for name in chain]
            if not set(names) & set(known) and (chain := _chain({name: plain[name] for name in names})):
                chains[part] = chain
    known = [name for chain in chains.values() for name in chain]
    left = [name for name in sorted(plain, key=_natural) if name not in known and "optimizer" not in name]
    raw = [part for part in chains if not _AVERAGED.search(part)]
    if left or len(raw) != 1:
        raise CheckpointUnsuitable(_what_is_there(plain, left, raw))
    variables = chains[raw[0]]
    others = {part: tuple(chain) for part, chain in chains.items() if part != raw[0]}
    found = _with_suffixes(entries, variables)
    return replace(found, averages={**found.averages, **others})


def _keras_average(variables: Sequence[str], kept: Mapping[str, Kept]) -> dict[str, tuple[str, ...]]:
    """The one that a Keras optimiser with `use_ema` keeps, which has none of what is not trained."""
    averages = {of: name for name, one in kept.items() if one.kind == KERAS_AVERAGE for of in one.of}
    if averages.keys().isdisjoint(variables):
        return {}
    return {KERAS_AVERAGE: tuple(averages.get(name, name) for name in variables)}


def _parts(plain: Shapes, depth: int) -> dict[str, list[str]]:
    """The names by their first `depth` components."""

    def part(name: str) -> str:
        return "/".join(name.split("/")[:depth])

    return {key: list(names) for key, names in groupby(sorted(plain, key=_natural), key=part)}


def _chain(plain: Shapes) -> list[str] | None:
    """All of the variables as layers in order, weights and biases in turn; None where they are no chain.

    Of several orders, as of hidden layers of one width, the one by name; `fc2` comes before `fc10`.
    """
    names = sorted(plain, key=_natural)
    matrices = [name for name in names if len(plain[name]) == 2]
    vectors = [name for name in names if len(plain[name]) == 1]
    if not 0 < len(matrices) == len(vectors) <= _MOST or len(matrices) + len(vectors) != len(names):
        return None
    # Whatever is given is taken, but for the first and the last.
    given, taken = (Counter(plain[name][end] for name in matrices) for end in (1, 0))
    if given + Counter([PIXELS]) != taken + Counter([CLASSES]):
        return None
    order = _ordered(matrices, plain)
    biases = order and _biases(order, matrices, vectors, plain)
    return [name for layer in zip(order, biases, strict=True) for name in layer] if order and biases else None


def _ordered(matrices: Sequence[str], plain: Shapes) -> list[str] | None:
    """The matrices so that each takes what the one before gives, from the pixels to the classes.

    Each is the first by name after which all others can still be had (Fleury 1883, with directed edges).
    """
    order: list[str] = []
    width, left = PIXELS, list(matrices)
    while left:
        tried = set()
        for name in left:
            given = plain[name][1]
            others = [other for other in left if other != name]
            if plain[name][0] == width and given not in tried and _reaches(given, others, plain):
                break
            tried.update([given] if plain[name][0] == width else [])
        else:
            return None
        order.append(name)
        width, left = given, others
    return order if width == CLASSES else None


def _reaches(width: int, matrices: Sequence[str], plain: Shapes) -> bool:
    """Whether every matrix takes a width that comes of `width` by way of others."""
    gives: dict[int, set[int]] = {}
    for name in matrices:
        gives.setdefault(plain[name][0], set()).add(plain[name][1])
    reached, new = set[int](), {width}
    while new:
        reached |= new
        new = {given for taken in new for given in gives.get(taken, ())} - reached
    return gives.keys() <= reached


def _biases(
    order: Sequence[str], matrices: Sequence[str], vectors: Sequence[str], plain: Shapes
) -> list[str] | None:
    """For each matrix of `order` its vector: the one beside it, or else the one at its place by name."""
    beside = {_scope(name): name for name in vectors}
    if len(beside) == len(vectors) and {_scope(name) for name in matrices} == set(beside):
        chosen = [beside[_scope(name)] for name in order]
    else:
        chosen = [vectors[matrices.index(name)] for name in order]
    fits = all(plain[b] == (plain[m][1],) for m, b in zip(order, chosen, strict=True))
    return chosen if fits else None


def _scope(name: str) -> str:
    return name.removesuffix(_VALUE).rpartition("/")[0]


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names as numbers."""
    parts = re.split(r"(\d+)", name.removesuffix(_VALUE))
    numbers = (part.lstrip("0") if part.isdecimal() else None for part in parts)
    return [(-1, p) if n is None else (len(n), n) for p, n in zip(parts, numbers, strict=True)]


def _what_is_there(plain: Shapes, left: Sequence[str], raw: Sequence[str]) -> str:
    expected = "expected a chain 784 → … → 10 of dense layers, each with weights [inputs, units] and biases"
    if len(raw) > 1:
        return (
            f"The checkpoint holds several networks, {_some(raw)}; {expected}, once and beside it averages."
        )
    shown = left or sorted(plain, key=_natural)
    told = [f"{name.removesuffix(_VALUE)} {list(plain[name])}" for name in shown]
    holds = f"holds {_some(told)}" if told else "holds no weights"
    return f"The checkpoint {holds}; {expected}."


def _some(names: Iterable[str]) -> str:
    told = list(names)
    return ", ".join(told[:_FEW]) + (f" and {len(told) - _FEW:,} more" if len(told) > _FEW else "")
