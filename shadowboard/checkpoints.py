"""Checkpoints with TensorFlow: save, read. Listing them, `listing.py`, and inspecting them need none.

A checkpoint is a TensorFlow V2 checkpoint, `<base>-<step>.index` and `<base>-<step>.data-…-of-…`.
The index file is the commit: a checkpoint exists if and only if its `.index` does.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard.errors import CheckpointDamaged, CheckpointMissing, CheckpointUnsuitable, SaveFailed
from shadowboard.listing import Checkpoint, find, latest, list_checkpoints
from shadowboard.quiet_tensorflow import tf
from shadowboard.roles import Variable

__all__ = [
    "BASE",
    "STATE_FILE",
    "Checkpoint",
    "Variable",
    "find",
    "latest",
    "list_checkpoints",
    "name_newest",
    "read",
    "read_newest_good",
    "save",
    "saving",
    "unfinished",
    "variables",
]

BASE = "model.ckpt"
STATE_FILE = "checkpoint"
_UNFINISHED = ".saving-"
_OF_PATTERNS = frozenset("*?[\\")


def save(folder: Path, step: int, tensors: Mapping[str, Any]) -> Checkpoint:
    """Write `tensors` (name → array) as the checkpoint of `step`, all or nothing; the newest from then on.

    Raises SaveFailed; the checkpoints of all other steps are then as they were.
    """
    with saving(folder, step, tensors) as commit:
        return commit()


@contextmanager
def saving(folder: Path, step: int, tensors: Mapping[str, Any]) -> Iterator[Callable[[], Checkpoint]]:
    """`save` in two parts: first the files are complete, on disk and hidden; the yielded function shows them.

    It renames data, index, then the state file that `tf.train.latest_checkpoint` reads; where somebody has
    removed the hidden folder meanwhile (see `unfinished`), it changes nothing. Both parts raise SaveFailed.
    """
    final = Checkpoint(folder / f"{BASE}-{step}", step)
    with ExitStack() as stack:
        with _saving(final):
            folder.mkdir(parents=True, exist_ok=True)
            hidden = tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder, ignore_cleanup_errors=True)
            temporary = Path(stack.enter_context(hidden))
            prefix = temporary / final.prefix.name
            _write(prefix, tensors)
            files = [prefix.with_name(prefix.name + suffix) for suffix in (".data-00000-of-00001", ".index")]
            for file in files:
                _sync(file)

        def commit() -> Checkpoint:
            with _saving(final):
                # An index that is replaced must never stand beside the new data. Moved, not deleted: without
                # the hidden folder it stays.
                with suppress(FileNotFoundError):
                    (folder / files[-1].name).rename(temporary / "replaced")
                for file in files:
                    file.rename(folder / file.name)
                _sync(folder)
                _write_state(folder, final, temporary)
                _sync(folder)
            return final

        yield commit


@contextmanager
def _saving(final: Checkpoint) -> Iterator[None]:
    folder = final.prefix.parent
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        known = error.strerror if isinstance(error, OSError) else None
        reason = known or _reason(error, folder).rpartition("; ")[2]  # before it, a hidden file's name
        raise SaveFailed(
            f"The checkpoint of step {final.step} could not be saved in {folder}: {reason}."
        ) from error


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
    said = error.strerror if isinstance(error, OSError) else getattr(error, "message", None)
    text = str(said or error).partition("\n")[0].replace(f"{folder}/", "")
    return re.sub(r"\{\{.*?\}\} ?| ?\[Op:.*?\]", "", text).rstrip(".")


def unfinished(folder: Path) -> list[Path]:
    """The hidden folders of saves that are going on or were killed. To remove one calls its save off."""
    return list(folder.glob(f"{_UNFINISHED}*"))


@contextmanager
def _reading(checkpoint: Checkpoint) -> Iterator[str]:
    """The prefix for TensorFlow's readers. Its errors become CheckpointMissing and CheckpointDamaged."""
    folder = checkpoint.prefix.parent
    try:
        with _without_pattern(checkpoint.prefix) as prefix:
            folder = Path(prefix).parent
            yield prefix
    except (
        tf.errors.OpError,
        OSError,
        RuntimeError,
        ValueError,
        LookupError,
        TypeError,
    ) as error:
        index = checkpoint.prefix.with_name(checkpoint.prefix.name + ".index")
        if not index.exists():
            raise CheckpointMissing(f"The checkpoint {checkpoint.prefix.name} is gone.") from error
        raise CheckpointDamaged(
            f"The checkpoint {checkpoint.prefix.name} is damaged or cannot be read: {_reason(error, folder)}."
        ) from error


@contextmanager
def _without_pattern(prefix: Path) -> Iterator[str]:
    """A prefix that means these files to TensorFlow, which takes it for a pattern: where it looks like one,
    that of links to them.
    """
    if _OF_PATTERNS.isdisjoint(str(prefix)):
        yield str(prefix)
        return
    name = prefix.name if _OF_PATTERNS.isdisjoint(prefix.name) else BASE
    with tempfile.TemporaryDirectory() as folder:
        for file in prefix.parent.iterdir():
            if file.name.startswith(f"{prefix.name}."):
                (Path(folder) / f"{name}{file.name.removeprefix(prefix.name)}").symlink_to(file.absolute())
        yield f"{folder}/{name}"


def variables(checkpoint: Checkpoint) -> dict[str, Variable]:
    """What is in the checkpoint, by name. Raises CheckpointMissing, CheckpointDamaged."""
    with _reading(checkpoint) as prefix:
        reader = tf.train.load_checkpoint(prefix)
        types = reader.get_variable_to_dtype_map()
        return {
            name: Variable(tuple(shape), types[name].name)
            for name, shape in sorted(reader.get_variable_to_shape_map().items())
        }


def read(
    checkpoint: Checkpoint, names: Sequence[str] | None = None, there: Mapping[str, Variable] | None = None
) -> dict[str, NDArray[Any]]:
    """The tensors called `names` (all where None). TensorFlow checks each one's CRC.

    `there`: what is in the checkpoint, by whoever has just looked.
    Raises CheckpointMissing, CheckpointDamaged, and CheckpointUnsuitable where a name is not in it.
    """
    there = variables(checkpoint) if there is None else there
    wanted = sorted(there) if names is None else list(names)
    if missing := [name for name in wanted if name not in there]:
        raise CheckpointUnsuitable(
            f"The checkpoint {checkpoint.prefix.name} holds no {', '.join(missing)}; "
            f"it holds {', '.join(there) or 'nothing'}."
        )
    if not wanted:
        return {}
    with _reading(checkpoint) as prefix:
        tensors = tf.raw_ops.RestoreV2(
            prefix=prefix,
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
