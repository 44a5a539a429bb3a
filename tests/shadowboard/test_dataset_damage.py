"""Every way in which a folder of IDX files can be wrong."""

import gzip
import io
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowboard.dataset import load_dataset
from shadowboard.errors import DatasetDamaged, DatasetError, DatasetMissing
from tests.shadowboard.test_dataset import (
    IMAGES,
    LABELS,
    TEST_IMAGES,
    TEST_LABELS,
    example_files,
    labels_file,
    plain,
    write,
    zipped,
)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_damaged_folder_loads_or_says_why(data: st.DataObject) -> None:
    packing = data.draw(st.sampled_from([plain, zipped]))
    files = dict(packing(*item) for item in example_files(training=3, test=1).items())
    name = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    # The first bytes, where the headers are, are hit as often as all the others together.
    place = data.draw(st.integers(0, min(40, len(content) - 1)) | st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    files[name] = bytes(content)
    with tempfile.TemporaryDirectory() as folder:
        try:
            loaded = load_dataset(write(Path(folder), files))
        except DatasetError as error:
            assert_is_a_sentence(error, name)
        else:
            assert (len(loaded.validation), len(loaded.train), len(loaded.test)) == (1, 2, 1)


def assert_is_a_sentence(error: DatasetError, name: str) -> None:
    message = str(error)
    assert name in message
    assert "expected" in message
    assert message.endswith(".")
    assert "\n" not in message


def expect(folder: Path, kind: type[DatasetError], *parts: str) -> None:
    with pytest.raises(kind) as caught:
        load_dataset(str(folder))
    assert_is_a_sentence(caught.value, folder.name)
    for part in parts:
        assert part in str(caught.value)


def test_no_such_folder(tmp_path: Path) -> None:
    expect(tmp_path / "nowhere", DatasetMissing, "nowhere does not exist", "expected `mnist` or a folder")


@pytest.mark.parametrize("name", ["bad\0name", "x" * 5000])
def test_an_impossible_path(name: str) -> None:
    with pytest.raises(DatasetError, match=r"expected .*\.$"):
        load_dataset(name)


def test_a_file_where_a_folder_is_expected(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    expect(tmp_path / "file", DatasetMissing, "file is not a folder")


@pytest.mark.parametrize("name", [IMAGES, LABELS, TEST_IMAGES, TEST_LABELS])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    files = example_files()
    del files[name]
    write(tmp_path, files)
    other = name.replace("-idx", ".idx")
    expect(tmp_path, DatasetMissing, f"no file {name}", other, f"{name}.gz", f"{other}.gz")


def test_a_folder_where_a_file_is_expected(tmp_path: Path) -> None:
    files = example_files()
    del files[LABELS]
    write(tmp_path, files)
    (tmp_path / LABELS).mkdir()
    expect(tmp_path, DatasetDamaged, f"{LABELS} is not a file", "expected an IDX file")


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, example_files())

    def refuse(*_: object) -> None:  # permissions do not bind root, who may be running this
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    expect(tmp_path, DatasetDamaged, f"{LABELS} may not be read: permission denied")


def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, example_files())

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", fail)
    expect(tmp_path, DatasetDamaged, f"{LABELS} cannot be read (Input/output error)")


def header(*sizes: int) -> bytes:
    return struct.pack(f">{len(sizes)}I", *sizes)


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        (IMAGES, b"", ["is empty"]),
        (LABELS, b"", ["is empty"]),
        (IMAGES, header(0x801, 1) + b"\1", ["begins with 0x00000801", "0x00000803"]),
        (LABELS, header(0x803, 1, 28, 28) + bytes(784), ["begins with 0x00000803", "0x00000801"]),
        (IMAGES, b"<!DOCTYPE html>", ["begins with 0x3c21444f"]),
        (IMAGES, b"\0\0", ["ends after 2 bytes", "header of 16 bytes"]),
        (IMAGES, header(0x803, 24, 28), ["ends after 12 bytes", "header of 16 bytes"]),
        (LABELS, header(0x801), ["ends after 4 bytes", "header of 8 bytes"]),
        (IMAGES, header(0x803, 24, 32, 30) + bytes(24 * 960), ["images of 32×30 pixels", "expected 28×28"]),
        (IMAGES, header(0x803, 0, 28, 28), ["holds 0 images", "at least 1"]),
        (LABELS, header(0x801, 0), ["holds 0 labels", "at least 1"]),
        (LABELS, header(0x801, 24) + bytes(25), ["more than 24 bytes", "expected 24"]),
        (LABELS, header(0x801, 24) + bytes(20), ["holds 20 bytes after its header", "expected 24"]),
        (LABELS, header(0x801, 23) + bytes(23), ["24 images", "23 labels", "one label for each image"]),
        (LABELS, header(0x801, 24) + bytes(20) + b"\x0c\x0d\0\0", ["label 12 at index 20", "from 0 to 9"]),
        (IMAGES, header(0x803, 24, 28, 28) + bytes(9), ["holds 9 bytes", "expected 18,816"]),
        (
            IMAGES,
            header(0x803, 2**32 - 1, 28, 28) + bytes(9),
            ["holds 9 bytes", "expected 3,367,254,359,280"],
        ),
        (
            f"{IMAGES}.gz",
            gzip.compress(header(0x803, 2**32 - 1, 28, 28) + bytes(9)),
            ["claims 3,367,254,359,280 bytes", "cannot hold"],
        ),
        (f"{LABELS}.gz", gzip.compress(header(0x801, 24) + bytes(9)), ["holds 9 bytes", "expected 24"]),
        (f"{LABELS}.gz", gzip.compress(b""), ["ends after 0 bytes"]),
        (f"{LABELS}.gz", gzip.compress(header(0x801, 24) + bytes(24))[:-9], ["ends inside its gzip data"]),
        (f"{LABELS}.gz", gzip.compress(header(0x801, 24) + bytes(24))[:5], ["ends inside its gzip data"]),
        (f"{LABELS}.gz", b"\x1f\x8b\x07" + bytes(40), ["damaged gzip data"]),
        (f"{LABELS}.gz", gzip.compress(bytes(99))[:10] + b"\xff" * 40, ["damaged gzip data"]),
    ],
)
def test_a_file_that_is_not_what_it_should_be(
    tmp_path: Path, name: str, content: bytes, parts: list[str]
) -> None:
    files = example_files()
    del files[name.removesuffix(".gz")]
    files[name] = content
    write(tmp_path, files)
    expect(tmp_path, DatasetDamaged, name.removesuffix(".gz"), *parts)


def test_a_checksum_that_does_not_fit(tmp_path: Path) -> None:
    files = dict(zipped(*item) for item in example_files().items())
    content = bytearray(files[f"{TEST_IMAGES}.gz"])
    content[-6] ^= 1
    write(tmp_path, {**files, f"{TEST_IMAGES}.gz": bytes(content)})
    expect(tmp_path, DatasetDamaged, TEST_IMAGES, "CRC check failed")


def test_letters_are_refused_with_a_sentence(tmp_path: Path) -> None:
    files = example_files()
    files[LABELS] = labels_file(np.arange(1, 25, dtype=np.uint8))
    write(tmp_path, files)
    expect(tmp_path, DatasetDamaged, f"{LABELS} holds the label 10 at index 9", "labels from 0 to 9")


def test_one_training_image_cannot_be_split(tmp_path: Path) -> None:
    write(tmp_path, example_files(training=1))
    expect(tmp_path, DatasetDamaged, "holds 1 training image", "at least 2")


def test_a_gzip_bomb_is_read_no_further_than_its_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = example_files()
    del files[LABELS]
    write(tmp_path, {**files, f"{LABELS}.gz": gzip.compress(header(0x801, 24) + bytes(50_000_000))})
    asked: list[int] = []
    read = gzip.GzipFile.read

    def watched(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        asked.append(-1 if size is None else size)
        return read(self, size)

    monkeypatch.setattr(gzip.GzipFile, "read", watched)
    expect(tmp_path, DatasetDamaged, "more than 24 bytes")
    assert asked == [8, 25]


def test_a_claim_beyond_memory_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, example_files())

    class Full(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise MemoryError

    monkeypatch.setattr(Path, "open", lambda *_: Full())
    expect(tmp_path, DatasetDamaged, "claims more than fits into memory")
