"""Files that Keras writes, `<name>-<step>.weights.h5` and `.keras`: what is in them, raw and averaged.

A model saves its variables by layer, and those of its optimiser in a row: its counters, then one of a kind
for each variable of the model, and so on. Of an optimiser with `use_ema` the first kind is the average.
Needs no TensorFlow and no Keras.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import count, takewhile
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from shadowboard.errors import (
    CheckpointDamaged,
    CheckpointMissing,
    CheckpointUnsuitable,
    ShadowboardError,
)
from shadowboard.keras_config import activation, uses_ema
from shadowboard.layout import KERAS_AVERAGE, Layout, layout_of
from shadowboard.listing import MOST_STEPS, Checkpoint
from shadowboard.regular_file import read_whole
from shadowboard.roles import Variable

ENDS = (".weights.h5", ".keras")

_OPTIMIZER = "optimizer/vars/"
_WEIGHTS = "model.weights.h5"
_NEAR = 0.5

# What a file may cost, whoever has written it: a few hundred bytes can claim to unpack to any size.
_LARGEST = 2**30  # bytes, of the file, of what is packed in it, and of all values
_MOST = 20_000  # variables, or members of a .keras file
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of others no limit can be set to what they unpack to


@dataclass(frozen=True)
class KerasCheckpoint(Checkpoint):
    """One file of Keras; `prefix` is its path."""

    @property
    def index(self) -> Path:
        """The file itself."""
        return self.prefix

    @property
    def bytes(self) -> int:
        """Its size on disk."""
        return self.prefix.stat().st_size


def step_in(path: Path) -> int | None:
    """How many steps the optimiser has counted; None where the file does not tell.

    Raises CheckpointMissing, CheckpointDamaged.
    """
    with _opened(path) as (variables, _):
        counter: Any = variables.get(f"{_OPTIMIZER}0", np.float32(0))
        if counter.shape != () or counter.dtype.kind not in "iu":
            return None
        step = int(counter[()])
        return step if 0 <= step < MOST_STEPS else None


def layout_in(path: Path) -> Layout:
    """Which variables are the network and its average.

    Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable (no such network in it).
    """
    with _opened(path) as (variables, config):
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
        return replace(layout, activation=activation(config))


def read(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The variables called `names`. Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable."""
    with _opened(path) as (variables, _):
        if missing := [name for name in names if name not in variables]:
            raise CheckpointUnsuitable(f"The file {path.name} holds no {', '.join(missing)}.")
        return {name: variables[name][()] for name in names}


def _first_kind(variables: Mapping[str, Any], of: Sequence[str]) -> tuple[str, ...]:
    """The first variables that the optimiser keeps beside its counters, where they match the model's."""
    row = [*takewhile(lambda name: name in variables, (f"{_OPTIMIZER}{i}" for i in count()))]
    counters = len([*takewhile(lambda name: variables[name].shape == (), row)])
    found = row[counters : counters + len(of)]
    alike = [variables[name].shape for name in found] == [variables[name].shape for name in of]
    return tuple(found) if alike and all(variables[name].dtype.kind == "f" for name in found) else ()


def _is_near(variables: Mapping[str, Any], of: Sequence[str], average: Sequence[str]) -> bool:
    """Whether these are an average and not a momentum, say, which a file of weights alone does not tell.

    An average is near its variable; what else an optimiser keeps is made of gradients.
    """
    raw, kept = (np.concatenate([variables[name][()].ravel() for name in names]) for names in (of, average))
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is near nothing
        return bool(np.linalg.norm(kept - raw) < _NEAR * np.linalg.norm(raw))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """The variables by name, and the model's configuration; None: the file does not tell it."""
    try:
        config = None
        content = read_whole(path, _LARGEST)  # to open the file itself would lock it for Keras
        if path.suffix == ".keras":
            content, config = _unpacked(content)
        with h5py.File(BytesIO(content), "r") as file:
            yield _variables(file), config
    except ShadowboardError:
        raise
    except FileNotFoundError as error:
        raise CheckpointMissing(f"The checkpoint {path.name} is gone.") from error
    except Exception as error:  # on bytes made to break them, zipfile and h5py raise nearly everything
        told = error.strerror if isinstance(error, OSError) else None
        reason = (told or str(error) or type(error).__name__).partition("\n")[0].rstrip(".")
        raise CheckpointDamaged(
            f"The checkpoint {path.name} is damaged or cannot be read: {reason}."
        ) from error


def _unpacked(content: bytes) -> tuple[bytes, Any]:
    """The weights of a .keras file, as a .weights.h5 file holds them, and its configuration."""
    if content.count(b"PK\1\2") > _MOST:
        raise ValueError(f"it has more than {_MOST:,} members")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return _member(archive, _WEIGHTS), json.loads(_member(archive, "config.json"))


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """What is packed under a name, which cannot grow beyond what it claims."""
    member = archive.getinfo(name)
    if member.compress_type not in _PACKINGS:
        raise ValueError(f"{name} is packed in another way than Keras does")
    if member.file_size > _LARGEST:
        raise ValueError(f"{name} has {member.file_size:,} bytes; expected at most {_LARGEST:,}")
    with archive.open(member) as packed:
        return packed.read(member.file_size)


def _variables(file: Any) -> dict[str, Any]:
    """Its data sets by name; links to others are not followed.

    One whose values are in other files is refused: whoever wrote this one shall not choose what is read.
    """
    found: dict[str, Any] = {}
    size = 0

    def visit(name: str, entry: Any) -> None:
        nonlocal size
        if not isinstance(entry, h5py.Dataset):
            return
        if entry.is_virtual or entry.external:
            raise ValueError(f"the values of {name} are in another file")
        values = max(prod(entry.shape or ()), prod(entry.chunks or ()))
        size += values * entry.dtype.itemsize
        if size > _LARGEST:
            raise ValueError(f"its values take {size:,} bytes or more; expected at most {_LARGEST:,}")
        if len(found) == _MOST:
            raise ValueError(f"it has more than {_MOST:,} variables")
        found[name] = entry

    file.visititems(visit)
    return found
