"""The shipped MNIST, and folders of IDX files; those that are wrong: test_dataset_damage.py."""

import gzip
import hashlib
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shadowboard import dataset
from shadowboard.dataset import Dataset, as_float, load_dataset

SHIPPED = Path(dataset.__file__).parent / "mnist"
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"

Files = dict[str, bytes]


def images_file(images: NDArray[np.uint8]) -> bytes:
    return struct.pack(">4I", 0x803, *images.shape) + images.tobytes()


def labels_file(labels: NDArray[np.uint8]) -> bytes:
    return struct.pack(">2I", 0x801, len(labels)) + labels.tobytes()


def example_files(training: int = 24, test: int = 3, seed: int = 0) -> Files:
    rng = np.random.default_rng(seed)
    files = {}
    for images, labels, count in ((IMAGES, LABELS, training), (TEST_IMAGES, TEST_LABELS, test)):
        files[images] = images_file(rng.integers(0, 256, (count, 28, 28), np.uint8))
        files[labels] = labels_file(rng.integers(0, 10, count, np.uint8))
    return files


def write(folder: Path, files: Files) -> str:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return str(folder)


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        (IMAGES, "6bbc9ace898e44ae57da46a324031adb"),
        (LABELS, "a25bea736e30d166cdddb491f175f624"),
        (TEST_IMAGES, "2646ac647ad5339dbf082846283269ea"),
        (TEST_LABELS, "27ae3e4e09519cfbb04c329615203637"),
    ],
)
def test_the_shipped_files_are_mnist(name: str, digest: str) -> None:
    content = gzip.decompress((SHIPPED / f"{name}.gz").read_bytes())
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == digest


def test_mnist_has_its_published_sizes_and_labels(mnist: Dataset) -> None:
    assert mnist.name == "mnist"
    assert (len(mnist.train), len(mnist.validation), len(mnist.test)) == (55_000, 5_000, 10_000)
    assert mnist.validation.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    for name, split in (("train", mnist.train), ("validation", mnist.validation), ("test", mnist.test)):
        assert mnist.split(name) is split
        assert split.images.shape == (len(split), 784)
        assert split.images.dtype == split.labels.dtype == np.uint8


def test_the_first_training_images_are_the_validation_set(mnist: Dataset) -> None:
    everything = gzip.decompress((SHIPPED / f"{IMAGES}.gz").read_bytes())[16:]
    assert mnist.validation.images.tobytes() == everything[: 5_000 * 784]
    assert mnist.train.images.tobytes() == everything[5_000 * 784 :]


def test_the_arrays_are_read_only(mnist: Dataset) -> None:
    for split in (mnist.train, mnist.validation, mnist.test):
        for array in (split.images, split.labels):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.setflags(write=True)


def test_as_float_divides_by_255_in_float32() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(2, 128)
    result = as_float(pixels)
    assert result.dtype == np.float32
    assert result.shape == (2, 128)
    assert np.array_equal(result, np.array([[i / 255 for i in range(256)]], np.float32).reshape(2, 128))


@pytest.mark.parametrize(
    ("training", "validation"), [(2, 1), (11, 1), (12, 1), (23, 1), (24, 2), (35, 2), (120, 10)]
)
def test_one_twelfth_validates(tmp_path: Path, training: int, validation: int) -> None:
    loaded = load_dataset(write(tmp_path, example_files(training)))
    assert (len(loaded.validation), len(loaded.train)) == (validation, training - validation)


def test_a_folder_gives_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mnist"
    folder.mkdir()
    write(folder, example_files())
    monkeypatch.chdir(tmp_path)
    assert load_dataset("./mnist").name == "mnist"
    assert len(load_dataset("./mnist").train) == 22
    assert len(load_dataset("mnist").train) == 55_000
    monkeypatch.chdir(folder)
    assert load_dataset(".").name == "mnist"


def plain(name: str, content: bytes) -> tuple[str, bytes]:
    return name, content


def zipped(name: str, content: bytes) -> tuple[str, bytes]:
    return f"{name}.gz", gzip.compress(content)


def zipped_in_two_members(name: str, content: bytes) -> tuple[str, bytes]:
    return f"{name}.gz", gzip.compress(content[:20]) + gzip.compress(content[20:])


def dotted(name: str, content: bytes) -> tuple[str, bytes]:
    return name.replace("-idx", ".idx"), content


def dotted_and_zipped(name: str, content: bytes) -> tuple[str, bytes]:
    return zipped(*dotted(name, content))


def unpacked_on_the_way(name: str, content: bytes) -> tuple[str, bytes]:
    return f"{name}.gz", content


@pytest.mark.parametrize(
    "packing", [plain, zipped, zipped_in_two_members, dotted, dotted_and_zipped, unpacked_on_the_way]
)
def test_every_packing_reads_the_same(
    tmp_path: Path, packing: Callable[[str, bytes], tuple[str, bytes]]
) -> None:
    files = example_files()
    loaded = load_dataset(write(tmp_path, dict(packing(*item) for item in files.items())))
    assert loaded.test.images.tobytes() == files[TEST_IMAGES][16:]
    assert loaded.test.labels.tobytes() == files[TEST_LABELS][8:]
    together = loaded.validation.images.tobytes() + loaded.train.images.tobytes()
    assert together == files[IMAGES][16:]


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 40), st.integers(1, 9), st.integers(0, 2**32 - 1), st.booleans())
def test_what_is_written_is_read(training: int, test: int, seed: int, packed: bool) -> None:
    files = example_files(training, test, seed)
    packing = zipped if packed else plain
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_dataset(write(Path(folder), dict(packing(*item) for item in files.items())))
    cut = max(1, training // 12)
    pixels = np.frombuffer(files[IMAGES], np.uint8, offset=16).reshape(-1, 784)
    labels = np.frombuffer(files[LABELS], np.uint8, offset=8)
    assert np.array_equal(loaded.validation.images, pixels[:cut])
    assert np.array_equal(loaded.train.images, pixels[cut:])
    assert np.array_equal(loaded.validation.labels, labels[:cut])
    assert np.array_equal(loaded.train.labels, labels[cut:])
    assert np.array_equal(loaded.test.labels, np.frombuffer(files[TEST_LABELS], np.uint8, offset=8))
