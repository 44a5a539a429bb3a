"""Sole owner of checkpoint bytes: save, list, read, restore maps.

A checkpoint is a TensorFlow V2 checkpoint, `<base>-<step>.index` and `<base>-<step>.data-…-of-…`.
The index file is the commit: a checkpoint exists if and only if its `.index` does.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard.averaging import OPTIMIZER_SLOTS, average_name
from shadowboard.errors import CheckpointDamaged, CheckpointMissing, CheckpointUnsuitable, SaveFailed
from shadowboard.quiet_tensorflow import tf

BASE = "model.ckpt"
STATE_FILE = "checkpoint"
_UNFINISHED = ".saving-"

_MOST_DIGITS = 15  # of a step: not every number of more than 18 fits into a database


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint on disk; `prefix` is the path without `.index`, as TensorFlow's functions take it."""

    prefix: Path
    step: int

    @property
    def bytes(self) -> int:
        """Size on disk of the index and the data files."""
        return sum(f.stat().st_size for f in self.prefix.parent.glob(self.prefix.name + ".*") if f.is_file())


@dataclass(frozen=True)
class Variable:
    """A named tensor in a checkpoint."""

    shape: tuple[int, ...]
    dtype: Any


def save(folder: Path, step: int, tensors: Mapping[str, Any]) -> Checkpoint:
    """Write `tensors` (name → array) as the checkpoint of `step`, all or nothing; the newest from then on.

    The files are complete and on disk before the first rename: data, index, then the state file that
    `tf.train.latest_checkpoint` reads. Raises SaveFailed; what was there before is then still there.
    """
    final = Checkpoint(folder / f"{BASE}-{step}", step)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder) as temporary:
            prefix = Path(temporary) / final.prefix.name
            _write(prefix, tensors)
            files = [prefix.with_name(prefix.name + suffix) for suffix in (".data-00000-of-00001", ".index")]
            for file in files:
                _sync(file)
            # An index that is replaced must never stand beside the new data.
            (folder / files[-1].name).unlink(missing_ok=True)
            for file in files:
                file.rename(folder / file.name)
            _sync(folder)
            _write_state(folder, final, Path(temporary))
        _sync(folder)
    except (OSError, tf.errors.OpError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else _reason(error, folder)
        raise SaveFailed(
            f"The checkpoint of step {step} could not be saved in {folder}: {reason}."
        ) from error
    return final


def _write(prefix: Path, tensors: Mapping[str, Any]) -> None:
    names = sorted(tensors)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.convert_to_tensor(tensors[name]) for name in names],
    )


def name_newest(folder: Path, newest: Checkpoint | None) -> None:
    """Let the state file name `newest`, or let there be none. A save that was killed may have left it behind.

    Only for the run's one worker. Raises SaveFailed.
    """
    state = folder / STATE_FILE
    try:
        if newest is None:
            state.unlink(missing_ok=True)
            return
        line = f'model_checkpoint_path: "{newest.prefix.name}"\n'
        if not state.exists() or not state.read_text(encoding="utf-8", errors="replace").startswith(line):
            with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder) as temporary:
                _write_state(folder, newest, Path(temporary))
    except OSError as error:
        raise SaveFailed(f"{state} could not be written: {error.strerror}.") from error


def _write_state(folder: Path, newest: Checkpoint, temporary: Path) -> None:
    older = [c.prefix.name for c in list_checkpoints(folder) if c != newest]
    lines = [f'model_checkpoint_path: "{newest.prefix.name}"']
    lines += [f'all_model_checkpoint_paths: "{name}"' for name in [*older, newest.prefix.name]]
    state = temporary / STATE_FILE
    state.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _sync(state)
    state.rename(folder / STATE_FILE)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: BaseException, folder: Path) -> str:
    """TensorFlow's message, without the folder: whoever reads it need not know where the files are."""
    text = str(getattr(error, "message", error)).partition("\n")[0].replace(f"{folder}/", "")
    return re.sub(r"\{\{.*?\}\} ?| ?\[Op:.*?\]", "", text).rstrip(".")


def remove_unfinished(folder: Path) -> None:
    """Delete what saves that were killed have left in `folder`. Only for the run's one worker."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)


def list_checkpoints(folder: Path) -> list[Checkpoint]:
    """The checkpoints in `folder`, whatever their base name, by ascending step.

    Raises CheckpointMissing where the folder is there and cannot be read.
    """
    found: dict[int, tuple[float, Checkpoint]] = {}
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(folder, error) from error
    for entry in entries:
        prefix = entry.name.removesuffix(".index")
        step = prefix.rpartition("-")[2]
        is_step = step.isascii() and step.isdigit() and len(step) <= _MOST_DIGITS
        if prefix == entry.name or not is_step:
            continue
        try:
            modified = entry.stat().st_mtime
        except FileNotFoundError:  # deleted since the listing
            continue
        except OSError as error:
            raise _unreadable(folder, error) from error
        # Two base names with one step: the later one is the one that is still being written.
        if int(step) not in found or modified > found[int(step)][0]:
            found[int(step)] = (modified, Checkpoint(folder / prefix, int(step)))
    return [found[step][1] for step in sorted(found)]


def _unreadable(folder: Path, error: OSError) -> CheckpointMissing:
    return CheckpointMissing(f"The folder {folder.name} of checkpoints cannot be read: {error.strerror}.")


def find(folder: Path, step: int) -> Checkpoint:
    """The checkpoint of `step`. Raises CheckpointMissing, naming the steps that there are."""
    there = list_checkpoints(folder)
    for checkpoint in there:
        if checkpoint.step == step:
            return checkpoint
    steps = ", ".join(str(c.step) for c in there[-5:]) or "none"
    raise CheckpointMissing(f"There is no checkpoint of step {step}; the newest steps are: {steps}.")


def latest(folder: Path) -> Checkpoint:
    """The newest checkpoint. Raises CheckpointMissing where there is none."""
    there = list_checkpoints(folder)
    if not there:
        raise CheckpointMissing(f"There is no checkpoint in {folder}; expected <name>-<step>.index files.")
    return there[-1]


@contextmanager
def _reading(checkpoint: Checkpoint) -> Iterator[None]:
    try:
        yield
    except (
        tf.errors.OpError,
        RuntimeError,
        ValueError,
        LookupError,
        TypeError,
    ) as error:
        index = checkpoint.prefix.with_name(checkpoint.prefix.name + ".index")
        if not index.exists():
            raise CheckpointMissing(f"The checkpoint {checkpoint.prefix.name} is gone.") from error
        raise CheckpointDamaged(
            f"The checkpoint {checkpoint.prefix.name} is damaged or cannot be read: "
            f"{_reason(error, checkpoint.prefix.parent)}."
        ) from error


def variables(checkpoint: Checkpoint) -> dict[str, Variable]:
    """What is in the checkpoint, by name. Raises CheckpointMissing, CheckpointDamaged."""
    with _reading(checkpoint):
        reader = tf.train.load_checkpoint(str(checkpoint.prefix))
        types = reader.get_variable_to_dtype_map()
        return {
            name: Variable(tuple(shape), types[name])
            for name, shape in sorted(reader.get_variable_to_shape_map().items())
        }


def read(checkpoint: Checkpoint, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """The tensors called `names` (all where None). TensorFlow checks each one's CRC.

    Raises CheckpointMissing, CheckpointDamaged, and CheckpointUnsuitable where a name is not in it.
    """
    there = variables(checkpoint)
    wanted = sorted(there) if names is None else list(names)
    if missing := [name for name in wanted if name not in there]:
        raise CheckpointUnsuitable(
            f"The checkpoint {checkpoint.prefix.name} holds no {', '.join(missing)}; "
            f"it holds {', '.join(there) or 'nothing'}."
        )
    if not wanted:
        return {}
    with _reading(checkpoint):
        tensors = tf.raw_ops.RestoreV2(
            prefix=str(checkpoint.prefix),
            tensor_names=wanted,
            shape_and_slices=[""] * len(wanted),
            dtypes=[there[name].dtype for name in wanted],
        )
        return {name: np.asarray(tensor) for name, tensor in zip(wanted, tensors, strict=True)}


def read_newest_good(folder: Path) -> tuple[Checkpoint, dict[str, NDArray[Any]], list[CheckpointDamaged]]:
    """The newest checkpoint that reads without error, all its tensors, and the errors of those passed over.

    Raises CheckpointMissing where there is no good one.
    """
    damaged: list[CheckpointDamaged] = []
    for checkpoint in reversed(list_checkpoints(folder)):
        try:
            return checkpoint, read(checkpoint), damaged
        except CheckpointDamaged as error:
            damaged.append(error)
        except CheckpointMissing:  # deleted since the listing
            continue
    raise CheckpointMissing(f"There is no readable checkpoint in {folder}.")


def averages_in(names: Mapping[str, Any], variable_names: Sequence[str]) -> list[str]:
    """The averages that a checkpoint holds of any of `variable_names`; TensorFlow's own name first."""
    found = {
        name.removeprefix(f"{variable}/")
        for variable in variable_names
        for name in names
        if name.startswith(f"{variable}/")
    }
    return sorted(found - OPTIMIZER_SLOTS, key=lambda n: (n != "ExponentialMovingAverage", n))


def restore_map(
    names: Mapping[str, Any], variable_names: Sequence[str], average: str | None
) -> dict[str, str]:
    """Variable → the name to restore it from, out of `names` that the checkpoint really holds.

    With an average: its shadow where there is one, the raw value where there is none. Raises
    CheckpointUnsuitable where no variable has that average, or where a variable is in neither form.
    """
    there = averages_in(names, variable_names)
    if average and average not in there:
        raise CheckpointUnsuitable(
            f"The checkpoint holds no average called {average}; it holds: {', '.join(there) or 'none'}."
        )
    chosen = {}
    for variable in variable_names:
        shadow = average_name(variable, average) if average else variable
        chosen[variable] = shadow if shadow in names else variable
    if missing := [v for v, name in chosen.items() if name not in names]:
        raise CheckpointUnsuitable(f"The checkpoint holds no {', '.join(missing)}.")
    return chosen
