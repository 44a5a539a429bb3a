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
from itertools import takewhile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from shadowboard.errors import CheckpointDamaged, CheckpointMissing, CheckpointUnsuitable
from shadowboard.layout import KERAS_AVERAGE, Layout, layout_of
from shadowboard.listing import Checkpoint
from shadowboard.roles import Variable

ENDS = (".weights.h5", ".keras")

_OPTIMIZER = "optimizer/vars/"
_WEIGHTS = "model.weights.h5"
_NEAR = 0.5


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
        return int(counter[()]) if counter.shape == () and counter.dtype.kind in "iu" else None


def layout_in(path: Path) -> Layout:
    """Which variables are the network and its average.

    Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable (no such network in it).
    """
    with _opened(path) as (variables, uses_ema):
        model = {
            name: Variable(variable.shape, variable.dtype.name)
            for name, variable in variables.items()
            if not name.startswith(_OPTIMIZER)
        }
        layout = layout_of(model)
        average = _first_kind(variables, layout.variables)
        if average and (_is_near(variables, layout.variables, average) if uses_ema is None else uses_ema):
            return replace(layout, averages={KERAS_AVERAGE: average})
        return layout


def read(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The variables called `names`. Raises CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable."""
    with _opened(path) as (variables, _):
        if missing := [name for name in names if name not in variables]:
            raise CheckpointUnsuitable(f"The file {path.name} holds no {', '.join(missing)}.")
        return {name: variables[name][()] for name in names}


def _first_kind(variables: Mapping[str, Any], of: Sequence[str]) -> tuple[str, ...]:
    """The first variables that the optimiser keeps beside its counters, where they match the model's."""
    row = [f"{_OPTIMIZER}{i}" for i in range(sum(name.startswith(_OPTIMIZER) for name in variables))]
    counters = len([*takewhile(lambda name: variables[name].shape == (), row)])
    found = row[counters : counters + len(of)]
    alike = [variables[name].shape for name in found] == [variables[name].shape for name in of]
    return tuple(found) if alike else ()


def _is_near(variables: Mapping[str, Any], of: Sequence[str], average: Sequence[str]) -> bool:
    """Whether these are an average and not a momentum, say, which a file of weights alone does not tell.

    An average is near its variable; what else an optimiser keeps is made of gradients.
    """
    raw, kept = (np.concatenate([variables[name][()].ravel() for name in names]) for names in (of, average))
    return bool(np.linalg.norm(kept - raw) < _NEAR * np.linalg.norm(raw))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Mapping[str, Any], bool | None]]:
    """The variables by name, and whether the optimiser keeps an average; None: the file does not tell."""
    try:
        uses_ema = None
        content = path.read_bytes()  # to open the file itself would lock it, and Keras could not write it
        if path.suffix == ".keras":
            with zipfile.ZipFile(BytesIO(content)) as archive:
                content, uses_ema = archive.read(_WEIGHTS), _uses_ema(archive.read("config.json"))
        with h5py.File(BytesIO(content), "r") as file:
            variables: dict[str, Any] = {}
            file.visititems(lambda name, found: variables.update(_dataset(name, found)))
            yield variables, uses_ema
    except FileNotFoundError as error:
        raise CheckpointMissing(f"The checkpoint {path.name} is gone.") from error
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise CheckpointDamaged(
            f"The checkpoint {path.name} is damaged or cannot be read: {reason}."
        ) from error


def _dataset(name: str, found: Any) -> dict[str, Any]:
    return {name: found} if isinstance(found, h5py.Dataset) else {}


def _uses_ema(config: bytes) -> bool | None:
    optimizer = (json.loads(config).get("compile_config") or {}).get("optimizer")
    return bool(optimizer["config"].get("use_ema")) if isinstance(optimizer, dict) else None
