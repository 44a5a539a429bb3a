"""Against the values of RFC 3720, and a plain computation bit by bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowboard.crc32c import crc32c, masked


def bit_by_bit(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
    ids=["zeros", "ones", "up", "down", "digits", "nothing"],
)
def test_the_standards_examples(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


@given(length=st.integers(0, 2100), seed=st.integers(0, 9), cut=st.integers(0, 2100))
def test_any_length_in_one_piece_or_two(length: int, seed: int, cut: int) -> None:
    data = np.random.default_rng(seed).bytes(length)
    expected = bit_by_bit(data)
    assert crc32c(data) == expected
    assert crc32c(data[cut:], crc32c(data[:cut])) == expected
    assert crc32c(np.frombuffer(data, np.uint8)) == expected


def test_the_masked_form_is_leveldbs() -> None:
    checksum = crc32c(b"foo")
    assert masked(checksum) not in {checksum, masked(masked(checksum))}
    rotated = (masked(checksum) - 0xA282EAD8) % 2**32
    assert (rotated >> 17 | rotated << 15) % 2**32 == checksum
