"""Files that Keras writes, `<name>-<step>.weights.h5` and `.keras`: what is in them, raw and averaged.

A model saves its variables by layer, and those of its optimiser in a row: its counters, then one of a kind
for each variable of the model, and so on. Of an optimiser with `use_ema` the first kind is the average.
Needs no TensorFlow and no Keras.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, takewhile
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from shadowboard.errors import CheckpointUnsuitable
from shadowboard.keras_config import activation, uses_ema
from shadowboard.keras_storage import Weights, found_in, opened, variables_of
from shadowboard.layout import KERAS_AVERAGE, Layout, layout_of
from shadowboard.listing import MOST_STEPS, Checkpoint
from shadowboard.roles import INTEGERS, Role, Variable

ENDS = (".weights.h5", ".keras")

_OPTIMIZER = "optimizer/vars/"
_NEAR = 0.5
_BLOCK = 2**22  # bytes of values at a time


@dataclass(frozen=True)
class KerasCheckpoint(Checkpoint):
    """One file of Keras; `prefix` is its path."""

    @property
    def index(self) -> Path:
        """The file itself."""
        return self.prefix

    @property
    def bytes(self) -> int:
        """Its size on disk; 0 where it is gone."""
        stamp = self.stamp
        return stamp.size if stamp else 0


@dataclass(frozen=True)
class KerasEntry:
    """A variable of such a file. `dtype`: NumPy's name of its type, which is TensorFlow's."""

    shape: tuple[int, ...]
    dtype: str
    bytes_each: int

    @property
    def size(self) -> int:
        """How many values it has."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """How many bytes they take."""
        return self.size * self.bytes_each


def step_in(path: Path) -> int | None:
    """How many steps the optimiser has counted; None where the file does not tell.

    Raises CheckpointMissing, CheckpointDamaged.
    """
    with opened(path) as (variables, _):
        counter: Any = variables.get(f"{_OPTIMIZER}0", np.float32(0))
        if counter.shape != () or counter.dtype.kind not in "iu":
            return None
        step = int(counter[()])
        return step if 0 <= step < MOST_STEPS else None


def layout_in(path: Path) -> Layout:
    """Which variables are the network and its average.

    Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable (no such network in it).
    """
    with opened(path) as (variables, config):
        return replace(_layout(variables, config), activation=activation(config))


def look_into(weights: Weights) -> tuple[dict[str, KerasEntry], Layout | None]:
    """Everything that is in a file, by name; and the network, where it is one that is recognised.

    No more is read than that takes. Raises CheckpointMissing, CheckpointDamaged.
    """
    with weights.opened() as file:
        variables = variables_of(file)
        entries = {name: _described(variable) for name, variable in variables.items()}
        try:
            return entries, _layout(variables, weights.config)
        except CheckpointUnsuitable:
            return entries, None


def blocks(weights: Weights, name: str, entry: KerasEntry) -> Iterator[NDArray[Any]]:
    """The numbers called `name`, flat and some at a time; `entry`: what `look_into` has told of them.

    Read some at a time too where they lie in a row, as Keras stores them; in one piece where they are in
    chunks. Raises CheckpointMissing, and CheckpointDamaged also where the file was written anew since.
    """
    at_a_time = max(1, _BLOCK // entry.bytes_each)
    with weights.opened() as file:
        variable = found_in(file, name)
        if _described(variable) != entry:
            raise ValueError(f"{name} is not what it was")
        yield from _flat(variable[()] if variable.chunks else variable, entry.shape, at_a_time)


def _flat(
    array: Any, shape: tuple[int, ...], at_a_time: int, place: tuple[int, ...] = ()
) -> Iterator[NDArray[Any]]:
    """The values of an array of this shape, or of those at a place in its first dimensions."""
    if 0 in shape:
        return
    each = prod(shape[1:])
    if not shape:
        yield np.reshape(array[place], -1)
    elif each > at_a_time:
        for i in range(shape[0]):
            yield from _flat(array, shape[1:], at_a_time, (*place, i))
    else:
        for start in range(0, shape[0], at_a_time // each):
            yield np.reshape(array[(*place, slice(start, start + at_a_time // each))], -1)


def optimizer_roles(entries: Mapping[str, KerasEntry], layout: Layout | None) -> dict[str, Role]:
    """What the optimiser's variables are for; which belongs to which of the model's, their shapes tell."""
    row = _row(entries)
    counters = [*takewhile(lambda name: entries[name].shape == (), row)]
    roles = {name: Role("counter" if entries[name].dtype in INTEGERS else "other") for name in counters}
    of: Sequence[str] = layout.variables if layout else ()
    kept = {name for names in layout.averages.values() for name in names} - {*of} if layout else set[str]()
    if layout and kept:  # of what is not trained the optimiser keeps nothing
        average = layout.averages[KERAS_AVERAGE]
        of = [name for name, own in zip(of, average, strict=True) if name != own]
    slots = [name for name in row[len(counters) :] if name not in kept]
    each = len(slots) // len(of) if of else 0
    for order in ([v for v in of for _ in range(each)], [*of] * each):  # as Keras has several kinds, or one
        if [entries[v].shape for v in order] == [entries[name].shape for name in slots]:
            return roles | {name: Role("slot", v) for name, v in zip(slots, order, strict=True)}
    return roles | {name: Role("slot") for name in slots}


def read(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The variables called `names`. Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable."""
    with opened(path) as (variables, _):
        if missing := [name for name in names if name not in variables]:
            raise CheckpointUnsuitable(f"The file {path.name} holds no {', '.join(missing)}.")
        return {name: variables[name][()] for name in names}


def _layout(variables: Mapping[str, Any], config: Any) -> Layout:
    model = {
        name: Variable(variable.shape, variable.dtype.name)
        for name, variable in variables.items()
        if not name.startswith(_OPTIMIZER)
    }
    layout = layout_of(model)
    average = _first_kind(variables, layout.variables)
    kept = uses_ema(config)
    if average and (_is_near(variables, layout.variables, average) if kept is None else kept):
        layout = replace(layout, averages={KERAS_AVERAGE: average})
    return layout


def _row(variables: Mapping[str, Any]) -> list[str]:
    """The names of what the optimiser keeps, in its order."""
    return [*takewhile(lambda name: name in variables, (f"{_OPTIMIZER}{i}" for i in count()))]


def _first_kind(variables: Mapping[str, Any], of: Sequence[str]) -> tuple[str, ...]:
    """For each of the model's variables the first that the optimiser keeps of it; itself: it is not trained.

    Empty where their shapes do not tell, as where one of two layers of one width is not trained.
    """
    row = _row(variables)
    slots = row[len([*takewhile(lambda name: variables[name].shape == (), row)]) :]
    if not slots or any(variables[name].dtype.kind != "f" for name in slots[: len(of)]):
        return ()
    shapes = [variables[name].shape for name in slots]
    layers = list(zip(*[[variables[name].shape for name in of[i::2]] for i in (0, 1)], strict=True))
    kept = [*zip(shapes[0::2], shapes[1::2], strict=False)]
    if kept[: len(layers)] == layers:
        return tuple(slots[: len(of)])
    found, all_kinds = [], Counter(shapes)
    for trained in range(1, len(layers)):
        kinds, left = divmod(len(shapes), 2 * trained)
        one_kind = Counter(shapes[: 2 * trained])
        if not left and all_kinds == {shape: kinds * times for shape, times in one_kind.items()}:
            found += _places(kept[:trained], layers)
    if len(found) != 1:
        return ()
    first = {of[2 * layer + i]: slots[2 * n + i] for n, layer in enumerate(found[0]) for i in (0, 1)}
    return tuple(first.get(name, name) for name in of)


def _places(some: Sequence[Any], all_: Sequence[Any]) -> list[list[int]]:
    """Where the `some` are among `all_`, in their order: the first places, and the last if these differ."""
    places: list[list[int]] = []
    for step in (1, -1):
        left = iter(range(len(all_))[::step])
        found = [next((i for i in left if all_[i] == one), -1) for one in some[::step]][::step]
        if -1 not in found and found not in places:
            places.append(found)
    return places


def _is_near(variables: Mapping[str, Any], of: Sequence[str], average: Sequence[str]) -> bool:
    """Whether these are an average and not a momentum, say, which a file of weights alone does not tell.

    An average is near its variable; what else an optimiser keeps is made of gradients.
    """
    pairs = [pair for pair in zip(of, average, strict=True) if pair[0] != pair[1]]
    raw, kept = (
        np.concatenate([variables[name][()].ravel() for name in names]) for names in zip(*pairs, strict=True)
    )
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is near nothing
        return bool(np.linalg.norm(kept - raw) < _NEAR * np.linalg.norm(raw))


def _described(variable: Any) -> KerasEntry:
    kind = "string" if h5py.check_string_dtype(variable.dtype) else variable.dtype.name
    return KerasEntry(tuple(variable.shape or ()), kind, variable.dtype.itemsize)
