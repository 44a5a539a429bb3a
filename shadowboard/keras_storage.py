"""How a file of Keras is stored: variables in HDF5, and of a whole model that file in an archive.

Whoever has written it: no other file is reached by way of it, and no more is unpacked than it may have.
"""

import json
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from shadowboard import regular_file
from shadowboard.errors import CheckpointDamaged, CheckpointMissing, ShadowboardError
from shadowboard.part_of_file import Part
from shadowboard.printable import said_by

_WEIGHTS = "model.weights.h5"

# What a file may cost, whoever has written it: a few hundred bytes can claim to unpack to any size.
_LARGEST = 2**30  # bytes, of the file, of what is packed in it, and of all values
_MOST = 20_000  # variables, or members of a .keras file
_LONGEST_LIST = 2**20  # bytes, of the list of its members, each of which takes 46 or more
_LONGEST_CONFIG = 2**21  # bytes, which as Python's objects take some thirty times as many
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of others no limit can be set to what they unpack to


@contextmanager
def opened(path: Path) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """The variables by name, and the model's configuration; None: the file does not tell it.

    The file is read whole: of one that is packed, a checksum is of all of it.
    """
    with _told(path):
        config = None
        content = regular_file.read_whole(path, _LARGEST)  # to open the file itself would lock it for Keras
        if path.suffix == ".keras":
            content, config = _unpacked(content)
        with h5py.File(BytesIO(content), "r") as file:
            yield variables_of(file), config


@dataclass(frozen=True)
class Weights:
    """Where the weights of a file are, to be looked into again and again; and the model's configuration.

    `unpacked`: those that are not packed as Keras does, of which nothing can be read alone.
    """

    path: Path
    config: Any = None
    start: int = 0
    size: int | None = None  # None: to the end
    unpacked: bytes | None = None

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """The file of HDF5, of which no more is read than is looked at.

        Raises CheckpointMissing, CheckpointDamaged.
        """
        with _told(self.path), ExitStack() as stack:
            weights: Any
            if self.unpacked is not None:
                weights = BytesIO(self.unpacked)
            else:
                file = stack.enter_context(regular_file.opened(self.path, _LARGEST))
                whole = os.fstat(file.fileno()).st_size
                weights = Part(file, self.start, whole if self.size is None else self.size)
            yield stack.enter_context(h5py.File(weights, "r"))


def find_weights(path: Path) -> Weights:
    """Raises CheckpointMissing, CheckpointDamaged."""
    if path.suffix != ".keras":
        return Weights(path)
    with (
        _told(path),
        regular_file.opened(path, _LARGEST) as file,
        _archive(file, os.fstat(file.fileno()).st_size) as archive,
    ):
        config, weights = _config(archive), archive.getinfo(_WEIGHTS)
        if weights.compress_type != zipfile.ZIP_STORED:
            return Weights(path, config, unpacked=_member(archive, _WEIGHTS))
        archive.open(weights).close()  # it is where the list of members says
        file.seek(weights.header_offset + 26)
        start = weights.header_offset + 30 + sum(struct.unpack("<HH", file.read(4)))  # a name, and more
        return Weights(path, config, start, weights.file_size)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Whatever goes wrong becomes CheckpointMissing or CheckpointDamaged."""
    try:
        yield
    except ShadowboardError:
        raise
    except FileNotFoundError as error:
        raise CheckpointMissing(f"The checkpoint {path.name} is gone.") from error
    except Exception as error:  # on bytes made to break them, zipfile and h5py raise nearly everything
        told = error.strerror if isinstance(error, OSError) else None
        reason = told or said_by(error) or type(error).__name__
        raise CheckpointDamaged(
            f"The checkpoint {path.name} is damaged or cannot be read: {reason}."
        ) from error


def _unpacked(content: bytes) -> tuple[bytes, Any]:
    """The weights of a .keras file, as a .weights.h5 file holds them, and its configuration."""
    with _archive(BytesIO(content), len(content)) as archive:
        return _member(archive, _WEIGHTS), _config(archive)


@contextmanager
def _archive(file: BinaryIO, size: int) -> Iterator[zipfile.ZipFile]:
    """Raises ValueError where its list of members is a long one, before any of it is read."""
    part = Part(file, 0, size)
    part.most_at_once = _LONGEST_LIST
    with zipfile.ZipFile(part) as archive:
        part.most_at_once = None
        if len(archive.filelist) > _MOST:
            raise ValueError(f"it has more than {_MOST:,} members")
        yield archive


def _config(archive: zipfile.ZipFile) -> Any:
    return json.loads(_member(archive, "config.json", _LONGEST_CONFIG))


def _member(archive: zipfile.ZipFile, name: str, most: int = _LARGEST) -> bytes:
    """What is packed under a name, which cannot grow beyond what it claims."""
    member = archive.getinfo(name)
    if member.compress_type not in _PACKINGS:
        raise ValueError(f"{name} is packed in another way than Keras does")
    if member.file_size > most:
        raise ValueError(f"{name} has {member.file_size:,} bytes; expected at most {most:,}")
    with archive.open(member) as packed:
        return packed.read(member.file_size)


def variables_of(file: Any) -> dict[str, Any]:
    """Its data sets by name; links to others are not followed.

    One whose values are in other files is refused: whoever wrote this one shall not choose what is read.
    """
    found: dict[str, Any] = {}
    size = 0

    def visit(name: str, entry: Any) -> None:
        nonlocal size
        if not isinstance(entry, h5py.Dataset):
            return
        _check_here(entry, name)
        values = max(prod(entry.shape or ()), prod(entry.chunks or ()))
        size += values * entry.dtype.itemsize
        if size > _LARGEST:
            raise ValueError(f"its values take {size:,} bytes or more; expected at most {_LARGEST:,}")
        if len(found) == _MOST:
            raise ValueError(f"it has more than {_MOST:,} variables")
        found[name] = entry

    file.visititems(visit)
    return found


def found_in(file: Any, name: str) -> Any:
    """The data set called `name`, as `variables_of` would find it: by no link to another."""
    entry = file
    for part in name.split("/"):
        if not isinstance(entry.get(part, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} is not there any more")  # noqa: TRY004 - it is the file that is not right
        entry = entry[part]
    _check_here(entry, name)
    return entry


def _check_here(entry: Any, name: str) -> None:
    if entry.is_virtual or entry.external:
        raise ValueError(f"the values of {name} are in another file")
