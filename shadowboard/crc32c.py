"""CRC-32C (Castagnoli; RFC 3720, appendix B.4) of large blocks, some hundred MB a second in NumPy.

The checksum is linear: many short lanes of a block are computed side by side, and joined after.
"""

from functools import cache, reduce

import numpy as np
from numpy.typing import NDArray

_Register = NDArray[np.uint32]

_POLYNOMIAL = np.uint32(0x82F63B78)  # with its bits reversed
_ONES = 0xFFFFFFFF
_LANE = 256  # bytes
_LANE_POWER = 8  # of two
_MASK_DELTA = 0xA282EAD8


def crc32c(block: bytes | NDArray[np.uint8], before: int = 0) -> int:
    """The checksum of `block` after data that have the checksum `before`."""
    values = np.frombuffer(block, np.uint8)
    register = np.array([before ^ _ONES], np.uint32)
    for power in range(len(values).bit_length()):
        if len(values) >> power & 1:
            register = _advance(power, register)
    return int(register[0]) ^ _joined(_lanes(values)) ^ _ONES


def masked(checksum: int) -> int:
    """The checksum as TensorFlow and LevelDB store it beside the data."""
    return ((checksum >> 15 | checksum << 17) + _MASK_DELTA) & _ONES


def _lanes(values: NDArray[np.uint8]) -> _Register:
    """The register after each lane alone, from zero. Zeros in front, to fill the first lane, leave it so."""
    count = -(-len(values) // _LANE)
    padded = np.zeros(count * _LANE, np.uint8)
    padded[len(padded) - len(values) :] = values
    registers = np.zeros(count, np.uint32)
    for pair in np.ascontiguousarray(padded.view("<u2").reshape(count, _LANE // 2).T):
        registers = _two_bytes()[(registers ^ pair) & 0xFFFF] ^ (registers >> 16)
    return registers


def _joined(registers: _Register) -> int:
    """The register after all lanes, one after the other."""
    power = _LANE_POWER
    while len(registers) > 1:
        if len(registers) % 2:
            registers = np.concatenate([np.zeros(1, np.uint32), registers])
        registers = _advance(power, registers[0::2]) ^ registers[1::2]
        power += 1
    return int(registers[0]) if len(registers) else 0


def _advance(power: int, registers: _Register) -> _Register:
    """The registers after 2^power zero bytes more."""
    return reduce(
        np.bitwise_xor,
        ((registers >> np.uint32(bit) & 1) * column for bit, column in enumerate(_columns(power))),
    )


@cache
def _columns(power: int) -> _Register:
    """What 2^power zero bytes make of each single bit."""
    if power:
        return _advance(power - 1, _columns(power - 1))
    return _one_byte(np.uint32(1) << np.arange(32, dtype=np.uint32))


def _one_byte(registers: _Register) -> _Register:
    for _ in range(8):
        registers = (registers >> np.uint32(1)) ^ (registers & np.uint32(1)) * _POLYNOMIAL
    return registers


@cache
def _two_bytes() -> _Register:
    return _one_byte(_one_byte(np.arange(1 << 16, dtype=np.uint32)))
