"""What a new run takes from a checkpoint: which variable from which name, what is fresh, what is left over.

As a Saver with a dict restores some of a program's variables, and the rest is initialised; but the names are
those that the checkpoint really holds, and nothing is taken or left silently. Needs no TensorFlow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shadowboard.errors import CheckpointUnsuitable, ConfigurationInvalid
from shadowboard.layout import CLASSES, PIXELS, own_name, variable_names
from shadowboard.listing import Checkpoint
from shadowboard.restore_map import near
from shadowboard.roles import FLOATS
from shadowboard.start_from import Mapped, StartFrom
from shadowboard.start_source import StartSource, open_source

_FEW = 3  # names that are told in a sentence

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Taken:
    """A variable that starts as `factor` times what is called `name` in the checkpoint.

    `averaged`: that is the average that was asked for; where one was, and it is not, there is none of it.
    """

    variable: str
    shape: Shape
    name: str
    factor: float
    averaged: bool


@dataclass(frozen=True)
class Fresh:
    """A variable that is initialised by the seed: on request, or for want of a name or of its shape.

    `found`: the shape that it has in the checkpoint, where that is the reason.
    """

    variable: str
    shape: Shape
    why: Literal["asked", "missing", "shape"]
    found: Shape | None = None


@dataclass(frozen=True)
class LeftOver:
    """A variable of the checkpoint of which nothing is taken, neither itself nor its average."""

    name: str
    shape: Shape


@dataclass(frozen=True)
class WarmStart:
    """How a run starts. `checkpoint`: the name of its files, without their ends."""

    start: StartFrom
    checkpoint: str
    taken: tuple[Taken, ...]
    fresh: tuple[Fresh, ...]
    left_over: tuple[LeftOver, ...]

    @property
    def sentence(self) -> str:
        """How much is taken, for a person."""
        taken, fresh, left = len(self.taken), len(self.fresh), len(self.left_over)
        told = f"{taken} of {taken + fresh} variables start with {self.start.weights}"
        if raw := sum(not one.averaged for one in self.taken) if self.start.average else 0:
            told += f", {raw} of them raw, for there is no such average of {_them(raw)}"
        if fresh:
            told += f"; {fresh} {'is' if fresh == 1 else 'are'} initialised afresh"
        if left:
            told += f"; {left} of the checkpoint {'is' if left == 1 else 'are'} left over"
        return f"{told}."

    @property
    def as_json(self) -> dict[str, Any]:
        """All of it, for JSON."""
        asked = self.start.model_dump(include={"run", "folder", "step", "average"})
        parts: dict[str, Sequence[Taken | Fresh | LeftOver]] = {
            "taken": self.taken,
            "fresh": self.fresh,
            "left_over": self.left_over,
        }
        told = {name: [asdict(one) for one in found] for name, found in parts.items()}
        return {**asked, "checkpoint": self.checkpoint, **told, "sentence": self.sentence}

    @property
    def lines(self) -> list[str]:
        """All of it, a line a variable."""
        return [
            f"Starts from {self.checkpoint} of {self.start.where}: {self.sentence}",
            *(f"  {t.variable} {list(t.shape)} ← {own_name(t.name)}{times(t.factor)}" for t in self.taken),
            *(f"  {f.variable} {list(f.shape)} afresh{_because(f)}" for f in self.fresh),
            *(f"  left over: {left.name} {list(left.shape)}" for left in self.left_over),
        ]


def times(factor: float) -> str:
    """` × 0.2`; nothing where it is 1."""
    return "" if factor == 1 else f" × {factor:.15g}"


def _because(fresh: Fresh) -> str:
    if fresh.why == "shape":
        return f": it is {list(fresh.found or ())} in the checkpoint"
    return ": not in the checkpoint" if fresh.why == "missing" else ", as asked"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def shapes_of(hidden: Sequence[int]) -> dict[str, Shape]:
    """The variables of a network 784 → hidden… → 10 with their shapes, in order."""
    layers = list(pairwise([PIXELS, *hidden, CLASSES]))
    shapes: list[Shape] = [shape for inputs, units in layers for shape in ((inputs, units), (units,))]
    return dict(zip(variable_names(len(layers)), shapes, strict=True))


def plan(start: StartFrom, hidden: Sequence[int], checkpoint: Checkpoint) -> WarmStart:
    """What a run with `hidden` layers takes from the `checkpoint` that `start` means: by its index alone.

    A variable takes the value of the same name, or of the same place in the network where another program has
    named it, if it has the same shape; what the checkpoint lacks is initialised afresh. Raises
    ConfigurationInvalid where a mapping is about no variable of the run; CheckpointUnsuitable where the
    checkpoint has no such average or name, where shapes differ and nothing says what is wanted, and where
    nothing at all would be taken; CheckpointMissing, CheckpointDamaged.
    """
    shapes, mappings = shapes_of(hidden), start.mappings
    _check_variables(mappings, shapes)
    source = open_source(checkpoint, start.average)
    found = [_one(source, name, shape, mappings.get(name)) for name, shape in shapes.items()]
    taken = tuple(one for one in found if isinstance(one, Taken))
    fresh = tuple(one for one in found if isinstance(one, Fresh))
    differing = [one for one in fresh if one.why == "shape"]
    if differing and not start.partial:
        raise CheckpointUnsuitable(_differ(source, differing))
    if not taken:
        raise CheckpointUnsuitable(
            f"Nothing would be taken from {source.name}, which holds {_some(source.variables)}; expected "
            f"some of {', '.join(shapes)} in the same shapes, or a mapping."
        )
    return WarmStart(start, source.name, taken, fresh, _left_over(source, taken))


def initial_values(report: WarmStart, checkpoint: Checkpoint) -> dict[str, NDArray[np.float32]]:
    """The first values of the variables that take one, float32.

    Raises CheckpointMissing, CheckpointDamaged, and CheckpointUnsuitable where one is no finite number.
    """
    source = open_source(checkpoint, report.start.average)
    stored = source.values(list(dict.fromkeys(one.name for one in report.taken)))
    found = {}
    for one in report.taken:
        with np.errstate(all="ignore"):
            found[one.variable] = stored[one.name] * np.float32(one.factor)
        if not np.isfinite(found[one.variable]).all():
            raise CheckpointUnsuitable(
                f"{one.name}{times(one.factor)} of {report.checkpoint} is not finite, for {one.variable} to "
                "start with."
            )
    return found


def _check_variables(mappings: Mapping[str, Mapped], shapes: Mapping[str, Shape]) -> None:
    for variable in mappings:
        if variable not in shapes:
            alike = near(variable, shapes)
            told = f"near it: {', '.join(alike)}" if alike else f"it has {', '.join(shapes)}"
            raise ConfigurationInvalid(
                f"start_from.map is about {variable}, which this run has not got; {told}."
            )


def _one(source: StartSource, variable: str, shape: Shape, mapped: Mapped | None) -> Taken | Fresh:
    if mapped and not mapped.name:
        return Fresh(variable, shape, "asked")
    name = source.named(mapped.name) if mapped else source.counterpart(variable)
    if name is None and mapped:
        alike = near(mapped.name, map(own_name, source.entries))
        hint = f" (near it: {', '.join(alike)})" if alike else ""
        raise CheckpointUnsuitable(
            f"{source.name} holds no {mapped.name}{hint}, for {variable} to start with."
        )
    if name is None:
        return Fresh(variable, shape, "missing")
    read = source.averages.get(name, name)
    entry = source.entries[read]
    if entry.dtype not in FLOATS:
        raise CheckpointUnsuitable(
            f"{own_name(read)} in {source.name} is {entry.dtype}, for {variable} to start with; expected one "
            f"of {', '.join(sorted(FLOATS))}."
        )
    if (found := tuple(entry.shape)) == shape:
        averaged = read in source.averages.values()
        return Taken(variable, shape, read, mapped.factor if mapped else 1.0, averaged)
    if mapped is None:
        return Fresh(variable, shape, "shape", found)
    raise CheckpointUnsuitable(
        f"{variable} is {list(shape)} in this run, and {own_name(read)} is {list(found)} in {source.name}; "
        "expected equal shapes."
    )


def _left_over(source: StartSource, taken: Sequence[Taken]) -> tuple[LeftOver, ...]:
    used = {one.name for one in taken}
    return tuple(
        LeftOver(own_name(name), tuple(source.entries[name].shape))
        for name in source.variables
        if not used & {name, source.averages.get(name, name)}
    )


def _differ(source: StartSource, differing: Sequence[Fresh]) -> str:
    told = [
        f"{one.variable} is {list(one.shape)} in this run and {list(one.found or ())} in {source.name}"
        for one in differing[:_FEW]
    ]
    more = f", and {len(differing) - _FEW} more" if len(differing) > _FEW else ""
    return (
        f"{', '.join(told)}{more}; expected equal shapes. Map such a variable, or start partially: "
        "what differs is then initialised afresh."
    )


def _some(names: Sequence[str]) -> str:
    told = ", ".join(map(own_name, names[:_FEW])) or "no weights"
    return told + (f" and {len(names) - _FEW:,} more" if len(names) > _FEW else "")
