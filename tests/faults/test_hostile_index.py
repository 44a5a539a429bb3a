"""Index files that somebody has made to cost time, memory or more: refused in a sentence, and cheaply."""

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from shadowboard.bundle import open_bundle
from shadowboard.errors import CheckpointDamaged
from shadowboard.folder_sight import look
from tests.faults.tables import (
    HEADER,
    INT64,
    QINT8,
    SLICES,
    block,
    ended,
    entry,
    handle,
    index,
    masked,
    table,
    tensor,
)

MEBIBYTE = 2**20


def written(folder: Path, content: bytes, data: bytes = b"") -> Path:
    (folder / "m-1.index").write_bytes(content)
    (folder / "m-1.data-00000-of-00001").write_bytes(data)
    for file in folder.iterdir():
        os.utime(file, (1_000_000_000, 1_000_000_000))  # older than what may still be in the writing
    return folder / "m-1"


def test_what_is_made_here_is_what_tensorflow_reads(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    data = values.tobytes() + np.int64(7).tobytes()
    tensors = {
        "a": tensor([2, 3], size=24, checksum=masked(data[:24])),
        "global_step": tensor([], INT64, 24, 8, masked(data[24:])),
    }
    prefix = written(tmp_path, index(tensors), data)
    reader = tf.train.load_checkpoint(str(prefix))
    np.testing.assert_array_equal(reader.get_tensor("a"), values)
    assert reader.get_tensor("global_step") == 7
    found = open_bundle(prefix)
    np.testing.assert_array_equal(np.concatenate(list(found.blocks("a"))), values.ravel())
    assert [c.step for c in look(tmp_path).checkpoints] == [1]


def overlapping() -> bytes:
    one = block(HEADER, *(entry(b"k%06d" % i, b"") for i in range(1000)))
    return table([one], [(0, len(one) - 5)] * 1000)


def its_own_index() -> bytes:
    """The index of the blocks is a block of them."""
    some = [(0, 1000)] * 100
    size = table([], some).index(b"\0\0\0\0\1\0\0\0") + 8
    return table([], [(0, size)] * len(some))


def names_without_end() -> bytes:
    long = entry(b"a" * MEBIBYTE, b"")
    return table([block(HEADER, long, *[entry(b"", b"", shared=MEBIBYTE)] * 100_000)])


def handles_without_end() -> bytes:
    """The same in the index of the blocks."""
    empty = block()
    where = handle(0, len(empty) - 5)
    long = entry(b"a" * MEBIBYTE, where)
    return empty + ended(block(long, *[entry(b"", where, shared=MEBIBYTE)] * 1000), len(empty))


CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "overlapping blocks": (overlapping, "blocks of its index overlap"),
    "a cycle": (its_own_index, "blocks of its index overlap"),
    "names without end": (names_without_end, "its index has too many names, or too long ones"),
    "handles without end": (handles_without_end, "blocks of its index overlap"),
    "a length beyond the block": (
        lambda: table([block(HEADER, entry(b"a", b"", length=2**63))]),
        "an entry of its index lies outside of its block",
    ),
    "more shared than there is": (
        lambda: table([block(HEADER, entry(b"a", b"", shared=2**40))]),
        "an entry of its index lies outside of its block",
    ),
    "a number without end": (
        lambda: table([block(HEADER, b"\xff" * 1000)]),
        "its index ends inside a number",
    ),
    "a block beyond the file": (lambda: table([], [(2**62, 2**62)]), "blocks of its index overlap"),
    "dimensions without end": (
        lambda: index({"a": tensor([2**62] * 100_000)}),
        "a shape in its index has 100,000 dimensions",
    ),
    "more values than atoms": (
        lambda: index({"a": tensor([2**62] * 254)}),
        "a shape in its index is [4,611,686,018,427,387,904, ",
    ),
    "fewer values than none": (
        lambda: index({"a": tensor([-(2**63)])}),
        "a shape in its index is [-9,223,372,036,854,775,808]",
    ),
    "bytes that are not there": (
        lambda: index({"a": tensor([2**60], size=2**62)}),
        "has 0 bytes; its index tells of 4,611,686,018,427,387,904",
    ),
    "text for a number": (lambda: table([block(HEADER, entry(b"a", b"\x2a\x01x"))]), ""),
    "a name that is no text": (lambda: table([block(HEADER, entry(b"\xff\xfe", tensor([])))]), ""),
    "other bytes first": (lambda: table([block(entry(b"", b"\x10\x01"))]), "has the first byte last"),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused(tmp_path: Path, case: str) -> None:
    make, reason = CASES[case]
    prefix = written(tmp_path, make())
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointDamaged) as caught:
            open_bundle(prefix)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * MEBIBYTE
    told = str(caught.value)
    assert told.startswith("The checkpoint m-1 is damaged or cannot be read: ")
    assert reason in told
    assert len(told) < 500
    sight = look(tmp_path)
    assert (sight.checkpoints, sight.problem) == ([], told)


def test_an_index_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    prefix = written(tmp_path, b"")
    with (tmp_path / "m-1.index").open("r+b") as file:
        file.truncate(2**36)  # takes no room
    with pytest.raises(CheckpointDamaged, match="it has 68,719,476,736 bytes; expected at most 67,108,864"):
        open_bundle(prefix)


@pytest.mark.parametrize(
    "counter",
    [
        tensor([], QINT8),
        tensor([], INT64, slices=SLICES),
        tensor([], INT64, size=8, checksum=masked(b"\xff" * 8)),
    ],
    ids=["of another type", "in parts", "negative"],
)
def test_a_counter_that_tells_nothing(tmp_path: Path, counter: bytes) -> None:
    (tmp_path / "m.index").write_bytes(index({"global_step": counter}))
    (tmp_path / "m.data-00000-of-00001").write_bytes(b"\xff" * 8)
    assert look(tmp_path).problem.startswith("m tells no step; expected <name>-<step>.index, or a counter")
