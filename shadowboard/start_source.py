"""The checkpoint that a run takes its first values from: where it is, and what its variables are called.

Any program's, as its names and shapes tell. Needs no TensorFlow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shadowboard import keras_file
from shadowboard.bundle import open_bundle
from shadowboard.contents import open_contents
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.folder_sight import look
from shadowboard.inspection import restorable, values
from shadowboard.keras_file import KerasCheckpoint
from shadowboard.layout import Entries, Layout, layout_of, own_name, variable_names
from shadowboard.listing import Checkpoint, list_checkpoints, pick
from shadowboard.object_graph import full_names
from shadowboard.records import Run
from shadowboard.restore_map import averages_in, variables_to_restore
from shadowboard.roles import Variable, roles_of
from shadowboard.start_from import StartFrom


def checkpoints_of(run: Run, folder: Path) -> list[Checkpoint]:
    """The complete checkpoints of a run by ascending step; `folder`: where it saves if it is trained here."""
    return look(run.folder).checkpoints if run.folder else list_checkpoints(folder)


def find_source(
    start: StartFrom, find_run: Callable[[str], Run], run_folder: Callable[[str], Path]
) -> Checkpoint:
    """The checkpoint that is meant. Raises RunMissing, CheckpointMissing."""
    if start.folder:
        there = list_checkpoints(Path(start.folder)) or look(Path(start.folder)).checkpoints
    else:
        there = checkpoints_of(find_run(start.run), run_folder(start.run))
    return pick(there, start.step)


@dataclass(frozen=True)
class StartSource:
    """What is in the checkpoint. `layout`: the network in it, where it is one that is recognised.

    `averages`: for each of its variables that has one, the name of the average that is asked for.
    """

    checkpoint: Checkpoint
    entries: Entries
    layout: Layout | None
    averages: Mapping[str, str]

    @property
    def name(self) -> str:
        """Name of its files, without their ends."""
        return self.checkpoint.prefix.name

    def named(self, name: str) -> str | None:
        """The name in full of what somebody calls `name`: of an object-based checkpoint, short ones do."""
        if name in self.entries:
            return name
        return next((entry for entry in self.entries if own_name(entry) == name), None)

    def counterpart(self, variable: str) -> str | None:
        """Its variable that is the same as one of a run, by its name or else by its place in the network."""
        if variable in self.entries or self.layout is None:
            return self.named(variable)
        names = self.layout.variables
        return dict(zip(variable_names(len(names) // 2), names, strict=True)).get(variable)

    @cached_property
    def variables(self) -> list[str]:
        """The names of its floating-point variables: no averages, no slots, no counters.

        Raises CheckpointMissing, CheckpointDamaged.
        """
        layout = self.layout or Layout((), {}, ())
        others = {name for names in layout.averages.values() for name in names} - {*layout.variables}
        roles = open_contents(self.checkpoint).roles
        return [name for name in sorted({*self.entries} - others) if roles[name].kind == "raw"]

    def values(self, names: list[str]) -> dict[str, NDArray[np.float32]]:
        """The values called `names`, in their shapes. Raises CheckpointMissing, CheckpointDamaged."""
        if isinstance(self.checkpoint, KerasCheckpoint):
            stored = keras_file.read(self.checkpoint.prefix, names)
        else:
            stored = values(open_contents(self.checkpoint), names)
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is told by whoever asked
            return {name: value.astype(np.float32, copy=False) for name, value in stored.items()}


def open_source(checkpoint: Checkpoint, average: str) -> StartSource:
    """A checkpoint to take raw weights from, or (where its name is not empty) an average.

    Raises CheckpointMissing, CheckpointDamaged, and CheckpointUnsuitable where it holds no such average.
    """
    layout: Layout | None
    if isinstance(checkpoint, KerasCheckpoint):
        layout = keras_file.layout_in(checkpoint.prefix)
        names = {name for found in (layout.variables, *layout.averages.values()) for name in found}
        stored = keras_file.read(checkpoint.prefix, sorted(names))
        entries: Entries = {name: Variable(value.shape, value.dtype.name) for name, value in stored.items()}
    else:
        bundle = open_bundle(checkpoint.prefix)
        entries = bundle.entries
        try:
            layout = layout_of(entries, full_names(bundle))
        except CheckpointUnsuitable:  # its variables can be asked for by their names all the same
            layout = None
    return StartSource(
        checkpoint, entries, layout, _averages(checkpoint, entries, layout, average) if average else {}
    )


def _averages(
    checkpoint: Checkpoint, entries: Entries, layout: Layout | None, average: str
) -> dict[str, str]:
    """The name of each variable → that of its average."""
    roles = roles_of(entries)
    variables = restorable(roles)
    by_suffix, by_layout = averages_in(roles, variables), layout.averages if layout else {}
    found: dict[str, str] = {}
    if average in by_suffix:
        found |= variables_to_restore(entries, variables, average).sources
    if layout and average in by_layout:
        found |= zip(layout.variables, by_layout[average], strict=True)
    if not found:
        there = ", ".join(dict.fromkeys([*by_layout, *by_suffix])) or "none"
        raise CheckpointUnsuitable(
            f"The checkpoint {checkpoint.prefix.name} holds no average called {average}; it holds: {there}."
        )
    return {variable: name for variable, name in found.items() if variable != name}
