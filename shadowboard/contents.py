"""A checkpoint of any program, opened to be looked into: what is in it, what each of it is for, its values.

What is not asked for is not read, and what is read is held some at a time; without TensorFlow.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shadowboard import keras_file
from shadowboard.bundle import Bundle, open_bundle
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.given_network import GivenCheckpoint
from shadowboard.keras_storage import find_weights
from shadowboard.layout import KERAS_AVERAGE, Layout, layout_of, layout_of_all
from shadowboard.listing import Checkpoint
from shadowboard.object_graph import full_names, kept_by_keras
from shadowboard.roles import Described, Role, roles_of


class Entry(Described, Protocol):
    """A tensor in a checkpoint: also how many values it has, and how many bytes they take."""

    @property
    def size(self) -> int: ...

    @property
    def bytes(self) -> int: ...


@dataclass(frozen=True)
class Contents:
    """What is in one checkpoint; `name`: that of its files, without their ends.

    roles: what each variable is for, as whoever evaluates the checkpoint has it. blocks: name → its numbers,
    flat and some at a time; raises CheckpointDamaged, CheckpointMissing.
    """

    name: str
    entries: Mapping[str, Entry]
    roles: Mapping[str, Role]
    blocks: Callable[[str], Iterator[NDArray[Any]]]

    @cached_property
    def bytes(self) -> int:
        """How many bytes of values it holds."""
        return sum(entry.bytes for entry in self.entries.values())


def open_contents(checkpoint: Checkpoint) -> Contents:
    """Raises CheckpointMissing, CheckpointDamaged."""
    path = checkpoint.prefix
    if path.name.endswith(keras_file.ENDS):
        weights = find_weights(path)
        entries, layout = keras_file.look_into(weights)
        known = roles_of(entries) | keras_file.optimizer_roles(entries, layout)
        return Contents(
            path.name,
            entries,
            _with_averages(known, layout, entries),
            lambda name: keras_file.blocks(weights, name, entries[name]),
        )
    bundle = open_bundle(path)
    names = full_names(bundle)
    layout = _layout(checkpoint, bundle, names)
    roles = roles_of(bundle.entries)
    roles |= _kept_by_keras(roles, bundle.entries, names, layout)
    roles = _with_averages(roles, layout, bundle.entries)
    return Contents(path.name, bundle.entries, roles, partial(_blocks, bundle))


def _layout(checkpoint: Checkpoint, bundle: Bundle, names: Mapping[str, str]) -> Layout | None:
    """The network and its averages; None where it is none that is known here."""
    if isinstance(checkpoint, GivenCheckpoint):
        return layout_of_all(bundle.entries)
    try:
        return layout_of(bundle.entries, names)
    except CheckpointUnsuitable:
        return None


def _kept_by_keras(
    roles: Mapping[str, Role],
    entries: Mapping[str, Entry],
    names: Mapping[str, str],
    layout: Layout | None,
) -> dict[str, Role]:
    """Of what optimisers of Keras keep in an object-based checkpoint, by full names."""
    raw = {name: names[name] for name, role in roles.items() if role.kind == "raw" and name in names}
    found = {name: Role("other") for name, full in raw.items() if full.endswith("/learning_rate")}
    for name, kept in kept_by_keras(entries, raw).items():
        of = next((one for one in kept.of if layout and one in layout.variables), kept.of[0])
        is_average = kept.kind == KERAS_AVERAGE
        found[name] = Role("average", of, kept.kind) if is_average else Role("slot", of)
    return found


def _with_averages(
    roles: Mapping[str, Role], layout: Layout | None, entries: Mapping[str, Entry]
) -> dict[str, Role]:
    """The roles by names, with the averages that the network is found to have, whatever they are called."""
    averages = {
        name: Role("average", variable, average)
        for average, names in (layout.averages.items() if layout else ())
        for variable, name in zip(layout.variables if layout else (), names, strict=True)
        if name != variable and tuple(entries[name].shape) == tuple(entries[variable].shape)
    }
    return {**roles, **averages}


def _blocks(bundle: Bundle, name: str) -> Iterator[NDArray[Any]]:
    if not bundle.entries[name].sliced:
        yield from bundle.blocks(name)
        return
    # Stored in parts, as programs on many machines do: TensorFlow puts them together.
    from shadowboard.checkpoints import read

    whole = read(Checkpoint(bundle.prefix, 0), [name])[name].reshape(-1)
    yield from bundle.cut(name, whole.astype(np.float32) if whole.dtype.kind == "V" else whole)
