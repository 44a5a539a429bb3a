"""A TensorFlow V2 checkpoint, read without TensorFlow: names at once, values some at a time.

The index is a table of LevelDB's format (tensorflow/core/lib/io/table.h): name → BundleEntryProto
(tensorflow/core/protobuf/tensor_bundle.proto), which says where in the data files a tensor's bytes are.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from google_crc32c import extend
from numpy.typing import NDArray

from shadowboard.errors import CheckpointDamaged, CheckpointMissing
from shadowboard.regular_file import read_whole
from shadowboard.wire import Broken, fields, repeated, signed, varint

_FOOTER = 48  # bytes
_MAGIC = 0xDB4775248B80FB57
# What an index may cost, whoever has written it: names share beginnings, so that few bytes can claim many.
_LARGEST_INDEX = 2**26  # bytes: some 500,000 variables
_LARGEST_NAMES = 2**28  # bytes, of all names together
_ENTRY = 64  # of these each entry counts as so many more
_MOST_DIMENSIONS = 254  # as TensorFlow has at most
_BLOCK = 2**22  # bytes of values at a time
_LONGEST_TEXT = 2**28  # bytes

# tensorflow/core/framework/types.proto: number → TensorFlow's name, and NumPy's type where it has one.
_TYPES: dict[int, tuple[str, str | None]] = {
    1: ("float32", "<f4"), 2: ("float64", "<f8"), 3: ("int32", "<i4"), 4: ("uint8", "u1"),
    5: ("int16", "<i2"), 6: ("int8", "i1"), 7: ("string", None), 8: ("complex64", "<c8"),
    9: ("int64", "<i8"), 10: ("bool", "?"), 11: ("qint8", None), 12: ("quint8", None),
    13: ("qint32", None), 14: ("bfloat16", "<u2"), 15: ("qint16", None), 16: ("quint16", None),
    17: ("uint16", "<u2"), 18: ("complex128", "<c16"), 19: ("float16", "<f2"), 20: ("resource", None),
    21: ("variant", None), 22: ("uint32", "<u4"), 23: ("uint64", "<u8"), 24: ("float8_e5m2", None),
    25: ("float8_e4m3fn", None), 29: ("int4", None), 30: ("uint4", None),
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A tensor of a checkpoint, and where its bytes are."""

    dtype: str
    """TensorFlow's name of its type."""
    shape: tuple[int, ...]
    shard: int
    offset: int
    bytes: int
    checksum: int
    stored: str | None
    """NumPy's type of the bytes; None: they are no plain numbers."""
    sliced: bool
    """Whether it is stored in parts, under names of their own."""

    @property
    def size(self) -> int:
        """How many values it has."""
        return prod(self.shape)


@dataclass(frozen=True)
class Bundle:
    """The index of one checkpoint. `prefix`: the path of its files, without their ends."""

    prefix: Path
    shards: int
    entries: Mapping[str, Entry]

    def blocks(self, name: str) -> Iterator[NDArray[Any]]:
        """The numbers called `name`, flat and some at a time; a checksum that is wrong is told at their end.

        bfloat16 comes as float32. Raises CheckpointDamaged, CheckpointMissing.
        """
        entry = self.entries[name]
        if entry.stored is None or entry.sliced:
            raise ValueError(f"{name} is not stored as plain numbers.")
        try:
            for block in _checked(self._data_file(entry), entry, name):
                yield _values(block, entry)
        except (OSError, Broken) as error:
            raise _unreadable(self.prefix, error) from error

    def text(self, name: str) -> bytes:
        """The one string called `name`, checked as TensorFlow does (tensor_bundle.cc, ReadStringTensor).

        Raises CheckpointDamaged, CheckpointMissing.
        """
        entry = self.entries[name]
        try:
            return _checked_text(self._data_file(entry), entry, name)
        except (OSError, Broken) as error:
            raise _unreadable(self.prefix, error) from error

    def _data_file(self, entry: Entry) -> Path:
        return self.prefix.with_name(f"{self.prefix.name}.data-{entry.shard:05d}-of-{self.shards:05d}")

    def cut(self, name: str, values: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """`values` [N], which somebody else has read, in the blocks in which they would have come here."""
        at_a_time = _BLOCK // np.dtype(self.entries[name].stored).itemsize
        for start in range(0, len(values), at_a_time):
            yield values[start : start + at_a_time]


def _checked(path: Path, entry: Entry, name: str) -> Iterator[bytes]:
    checksum, left = 0, entry.bytes
    with path.open("rb") as file:
        file.seek(entry.offset)
        while left:
            block = file.read(min(left, _BLOCK))
            if not block:
                raise Broken(f"{path.name} ends inside {name}")
            checksum, left = extend(checksum, block), left - len(block)
            yield block
    if _masked(checksum) != entry.checksum:
        raise Broken(f"the checksum of {name} in {path.name} is wrong")


def _checked_text(path: Path, entry: Entry, name: str) -> bytes:
    if entry.dtype != "string" or entry.shape or entry.sliced or entry.bytes > _LONGEST_TEXT:
        raise Broken(f"{name} is no single string, or a very long one")
    with path.open("rb") as file:
        file.seek(entry.offset)
        stored = file.read(entry.bytes)
    length, start = varint(stored, 0)
    checksum, text = stored[start : start + 4], stored[start + 4 :]
    # Of the length as a whole number, whatever it takes on disk; then of that number's own checksum.
    of_length = extend(0, struct.pack("<I" if length < 2**32 else "<Q", length))
    if (len(text), _masked(extend(extend(of_length, checksum), text))) != (length, entry.checksum):
        raise Broken(f"the checksum of {name} in {path.name} is wrong")
    return text


def _masked(checksum: int) -> int:
    """As TensorFlow and LevelDB store it beside the data (tensorflow/core/lib/hash/crc32c.h)."""
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _values(block: bytes, entry: Entry) -> NDArray[Any]:
    values = np.frombuffer(block, entry.stored)
    if entry.dtype == "bfloat16":  # the upper half of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values


def open_bundle(prefix: Path) -> Bundle:
    """The checkpoint with these files. Reads its index alone, and looks whether its data files are complete.

    Raises CheckpointMissing, CheckpointDamaged.
    """
    try:
        content = read_whole(prefix.with_name(prefix.name + ".index"), _LARGEST_INDEX)
        shards, entries = _read_index(content)
        _check_data(prefix, shards, entries.values())
    except (OSError, Broken, ValueError, TypeError) as error:  # whatever a field of the index holds
        raise _unreadable(prefix, error) from error
    return Bundle(prefix, shards, entries)


def _read_index(content: bytes) -> tuple[int, dict[str, Entry]]:
    """The number of data files, and what is in them by name."""
    table = dict(_table(content))
    header = fields(table.pop(b"", b""))
    if header.get(2, 0):
        raise Broken("it was written on a machine that has the first byte last")
    # Keys that begin with a zero are the parts of tensors that are stored in parts.
    named = {key.decode(): value for key, value in table.items() if not key.startswith(b"\0")}
    return int(header.get(1, 1)), {name: _entry(named[name]) for name in sorted(named)}


def _unreadable(prefix: Path, error: Exception) -> CheckpointDamaged | CheckpointMissing:
    if not prefix.with_name(prefix.name + ".index").exists():
        return CheckpointMissing(f"The checkpoint {prefix.name} is gone.")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if isinstance(error, OSError) and error.filename:
        reason = f"{Path(error.filename).name}: {reason}"
    return CheckpointDamaged(f"The checkpoint {prefix.name} is damaged or cannot be read: {reason}.")


def _check_data(prefix: Path, shards: int, entries: Iterable[Entry]) -> None:
    """Raise where a data file is shorter than the index says, as of a copy that is not complete."""
    ends: dict[int, int] = {}
    for entry in entries:
        if not entry.sliced:
            ends[entry.shard] = max(ends.get(entry.shard, 0), entry.offset + entry.bytes)
    for shard, end in ends.items():
        path = prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}")
        if (there := path.stat().st_size) < end:
            raise Broken(f"{path.name} has {there:,} bytes; its index tells of {end:,}")


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """All keys of a table with their values."""
    if len(content) < _FOOTER or struct.unpack_from("<Q", content, len(content) - 8)[0] != _MAGIC:
        raise Broken("its index is no complete table" if content else "its index is empty")
    _, place = _handle(content, len(content) - _FOOTER)  # of the table's own index; before it, of notes
    index, _ = _handle(content, place)
    blocks, names = index[1], 0

    def counted(block: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
        nonlocal names
        for key, value in _block(content, *block):
            names += len(key) + _ENTRY
            if names > _LARGEST_NAMES:
                raise Broken("its index has too many names, or too long ones")
            yield key, value

    for _, handle in counted(index):
        block, _ = _handle(handle, 0)
        blocks += block[1]
        if blocks > len(content):
            raise Broken("blocks of its index overlap")
        yield from counted(block)


def _block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The keys of a block with their values; each key is told by what it has beyond the one before."""
    if offset + size + 5 > len(content) or size < 4:
        raise Broken("a block of its index lies outside of it")
    (checksum,) = struct.unpack_from("<I", content, offset + size + 1)
    if _masked(extend(0, content[offset : offset + size + 1])) != checksum:
        raise Broken("the checksum of its index is wrong")
    if content[offset + size]:
        raise Broken("its index is compressed")
    (restarts,) = struct.unpack_from("<I", content, offset + size - 4)
    end = offset + size - 4 - 4 * restarts
    key = b""
    while offset < end:
        shared, offset = varint(content, offset)
        more, offset = varint(content, offset)
        length, offset = varint(content, offset)
        if shared > len(key) or offset + more + length > end:
            raise Broken("an entry of its index lies outside of its block")
        key = key[:shared] + content[offset : offset + more]
        yield key, content[offset + more : offset + more + length]
        offset += more + length


def _handle(content: bytes, offset: int) -> tuple[tuple[int, int], int]:
    """The offset and the size of a block, and where what follows begins."""
    start, offset = varint(content, offset)
    size, offset = varint(content, offset)
    return (start, size), offset


def _entry(message: bytes) -> Entry:
    held = fields(message)
    number = held.get(1, 0)
    name, stored = _TYPES.get(number, (f"type {number}", None))
    dimensions = repeated(held.get(2, b""), 2)
    if len(dimensions) > _MOST_DIMENSIONS:
        raise Broken(f"a shape in its index has {len(dimensions):,} dimensions")
    shape = tuple(signed(fields(dimension).get(1, 0)) for dimension in dimensions)
    entry = Entry(
        dtype=name,
        shape=shape,
        shard=held.get(3, 0),
        offset=held.get(4, 0),
        bytes=held.get(5, 0),
        checksum=held.get(6, 0),
        stored=stored,
        sliced=7 in held,
    )
    if any(length < 0 for length in shape) or entry.size >= 2**63:
        raise Broken(f"a shape in its index is [{', '.join(f'{length:,}' for length in shape[:8])}]")
    if stored and not entry.sliced and entry.bytes != entry.size * np.dtype(stored).itemsize:
        raise Broken(f"{entry.size:,} values of {name} would not take {entry.bytes:,} bytes")
    return entry
