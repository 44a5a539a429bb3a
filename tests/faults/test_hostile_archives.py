"""Archives as of Keras that claim to hold what they do not, or cost much to unpack."""

import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shadowboard import keras_file
from shadowboard.contents import open_contents
from shadowboard.errors import CheckpointDamaged
from shadowboard.folder_sight import look
from tests.faults.test_hostile_keras import DAMAGED, MEBIBYTE, h5, keras, put, refusal, weights


def claiming(size: int, content: bytes) -> bytes:
    """A .keras file whose weights claim to have `size` bytes."""
    whole = bytearray(keras(content, packing=zipfile.ZIP_DEFLATED))
    for mark, place in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        at = whole.rindex(mark)  # the weights come last
        whole[at + place : at + place + 4] = size.to_bytes(4, "little")
    return bytes(whole)


def damaged() -> bytes:
    """What is packed is no stream of deflate."""
    whole = bytearray(keras(bytes(9999), packing=zipfile.ZIP_DEFLATED))
    at = whole.index(b"model.weights.h5") + len(b"model.weights.h5")
    whole[at : at + 4] = b"\xff" * 4
    return bytes(whole)


def members(count: int) -> bytes:
    """An archive that lists so many members without a name, as zip64."""
    listed = (b"PK\1\2\x14\0\x14\0" + bytes(38)) * count
    end = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, len(listed), 0)
    way_to_it = b"PK\6\7" + struct.pack("<IQI", 0, len(listed), 1)
    old_end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, len(listed), 0xFFFFFFFF, 0)
    return listed + end + way_to_it + old_end


PACKED: dict[str, tuple[bytes, str]] = {
    "claims too much": (
        claiming(2**31, b""),
        "model.weights.h5 has 2,147,483,648 bytes; expected",
    ),
    "claims too little": (claiming(1000, bytes(64 * MEBIBYTE)), "Bad CRC-32"),
    "bzip2": (keras(b"x", packing=zipfile.ZIP_BZIP2), "is packed in another way than Keras does"),
    "lzma": (keras(b"x", packing=zipfile.ZIP_LZMA), "is packed in another way than Keras does"),
    "damaged": (damaged(), "Error -3 while decompressing data"),
    "no weights": (keras(b"").replace(b"model.weights", b"model.nothing"), "There is no item named"),
    "deep": (keras(h5(weights), b"[" * 100_000), ""),
    "long configuration": (
        keras(h5(weights), b"[" + b"[]," * 700_000 + b"[]]", zipfile.ZIP_DEFLATED),
        "config.json has 2,100,004 bytes; expected at most 2,097,152.",
    ),
    "long list of members": (
        members(25_000),
        "a part of it has 1,150,000 bytes; expected at most 1,048,576.",
    ),
}


@pytest.mark.parametrize("case", PACKED)
def test_what_is_packed_otherwise_than_keras_does(tmp_path: Path, case: str) -> None:
    content, reason = PACKED[case]
    checkpoint = put(tmp_path, "m-1.keras", content)
    tracemalloc.start()
    try:
        told = refusal(checkpoint)
        with pytest.raises(CheckpointDamaged) as looked:
            open_contents(checkpoint)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert told.startswith(f"The checkpoint m-1.keras {DAMAGED}")
    assert reason in told
    assert reason in str(looked.value)
    assert peak < 16 * MEBIBYTE
    assert look(tmp_path).problem == told


def test_what_is_packed_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of its variables are looked at; what lies in a row is read some at a time."""

    def many(file: Any) -> None:
        for i in range(20):
            file.create_dataset(f"v{i}", data=np.arange(60, dtype=np.float32).reshape(3, 4, 5) + i)
        file.create_dataset("chunks", data=np.arange(60, dtype=np.float32), chunks=(60,))

    monkeypatch.setattr(keras_file, "_BLOCK", 4 * 7)  # a row and a bit
    for packing in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        content = keras(h5(many), packing=packing)
        contents = open_contents(put(tmp_path, "m-1.keras", content))
        with monkeypatch.context() as patched:
            patched.delattr(zipfile, "ZipFile")
            for i in range(20):
                read = list(contents.blocks(f"v{i}"))
                assert [block.size for block in read] == [5] * 12
                np.testing.assert_array_equal(np.concatenate(read), np.arange(60) + i)
            np.testing.assert_array_equal(np.concatenate([*contents.blocks("chunks")]), np.arange(60))
