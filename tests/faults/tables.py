"""Index files of checkpoints by hand, every checksum right: what no damage gives, but who means harm."""

import struct
from collections.abc import Mapping, Sequence

from google_crc32c import value as crc32c

FLOAT = 1  # tensorflow/core/framework/types.proto
INT64 = 9
QINT8 = 11

Handle = tuple[int, int]
"""Offset and size of a block."""


def varint(value: int) -> bytes:
    """Seven bits a byte."""
    found = b""
    while value >= 0x80:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def masked(content: bytes) -> int:
    """The checksum as it is stored."""
    checksum: int = crc32c(content)
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def entry(key: bytes, value: bytes, shared: int = 0, length: int | None = None) -> bytes:
    """A key, but for the part that it shares with the one before, and its value, which claims a length."""
    return varint(shared) + varint(len(key)) + varint(len(value) if length is None else length) + key + value


def block(*entries: bytes) -> bytes:
    """Entries in a row, with their checksum."""
    body = b"".join(entries) + struct.pack("<II", 0, 1) + b"\0"
    return body + struct.pack("<I", masked(body))


def table(blocks: Sequence[bytes], handles: Sequence[Handle] | None = None) -> bytes:
    """A file of these blocks, found by these `handles` where they are given, and the index of them."""
    content, found = b"", []
    for one in blocks:
        found.append((len(content), len(one) - 5))
        content += one
    places = found if handles is None else handles
    index = block(*(entry(b"k%04d" % i, handle(at, n)) for i, (at, n) in enumerate(places)))
    return content + ended(index, len(content))


def handle(offset: int, size: int) -> bytes:
    """Where a block is."""
    return varint(offset) + varint(size)


def ended(index: bytes, offset: int) -> bytes:
    """The block that is the index of the others, and what is after it."""
    footer = handle(0, 0) + handle(offset, len(index) - 5)
    return index + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")


def tensor(
    shape: Sequence[int],
    dtype: int = FLOAT,
    offset: int = 0,
    size: int = 0,
    checksum: int = 0,
    slices: bytes = b"",
) -> bytes:
    """What an index says of a tensor."""
    dimensions = b"".join(_field(2, b"\x08" + varint(n % 2**64)) for n in shape)
    numbers = b"\x20" + varint(offset) + b"\x28" + varint(size) + b"\x35" + struct.pack("<I", checksum)
    return b"\x08" + varint(dtype) + _field(2, dimensions) + numbers + slices


HEADER = entry(b"", b"\x08\x01")
SLICES = b"\x3a\x00"


def index(tensors: Mapping[str, bytes]) -> bytes:
    """An index of one block, of one data file."""
    return table([block(HEADER, *(entry(name.encode(), tensors[name]) for name in sorted(tensors)))])


def _field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content
