"""Whole numbers and messages as protocol buffers have them on disk (protobuf.dev, "Encoding")."""

import struct
from collections.abc import Iterator
from typing import Any


class Broken(Exception):
    """Bytes that are not what the format says, in words."""


def varint(content: bytes, offset: int) -> tuple[int, int]:
    """A whole number, seven bits a byte, and where what follows begins."""
    value = shift = 0
    while offset < len(content) and shift < 64:
        byte = content[offset]
        value |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if byte < 0x80:
            return value, offset
    raise Broken("its index ends inside a number")


def fields(message: bytes) -> dict[int, Any]:
    """The fields of a protocol buffer by number; of repeated ones the last."""
    return dict(_each_field(message))


def repeated(message: bytes, number: int) -> list[bytes]:
    """All values of one field."""
    return [value for found, value in _each_field(message) if found == number]


def _each_field(message: bytes) -> Iterator[tuple[int, Any]]:
    offset = 0
    while offset < len(message):
        tag, offset = varint(message, offset)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, offset = varint(message, offset)
            yield number, value
        elif wire == 2:
            length, offset = varint(message, offset)
            yield number, message[offset : offset + length]
            offset += length
        elif wire == 5 and offset + 4 <= len(message):
            yield number, struct.unpack_from("<I", message, offset)[0]
            offset += 4
        else:
            raise Broken("its index has an entry that cannot be read")


def signed(value: int) -> int:
    """A whole number that may be below zero, which is stored as one of 64 bits."""
    return value - 2**64 if value >= 2**63 else value
