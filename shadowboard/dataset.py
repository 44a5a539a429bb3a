"""IDX files as arrays, split into training, validation and test images.

The format: a big-endian header (magic number, then one 32-bit size per dimension) followed by one byte per
value (LeCun, Cortes & Burges, "The MNIST database of handwritten digits"). MNIST itself ships in the package;
any other set of 28×28 images of ten classes is read from a folder with the same four files.
"""

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from shadowboard.errors import DatasetDamaged, DatasetMissing

IMAGE_SIDE = 28
PIXELS = IMAGE_SIDE * IMAGE_SIDE
CLASSES = 10
VALIDATION_SHARE = 12  # one training image in twelve: 5,000 of MNIST's 60,000
SPLITS = ("validation", "test")
"""Those that every checkpoint is evaluated on: one to choose by, one to report."""

_IMAGES_MAGIC = 0x00000803  # unsigned bytes, three dimensions
_LABELS_MAGIC = 0x00000801  # unsigned bytes, one dimension
_GZIP_START = b"\x1f\x8b"
_DEFLATE_LIMIT = 1032  # deflate cannot pack more than this many bytes into one

_Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels, read-only.

    images: uint8 [N, 784], a row of pixels per image, 0 background to 255 ink.
    labels: uint8 [N], 0 to 9.
    """

    images: _Bytes
    labels: _Bytes

    def __len__(self) -> int:
        """The number of images."""
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """The three splits of one data set. `name` is `mnist` or the name of the folder."""

    name: str
    train: Split
    validation: Split
    test: Split

    def split(self, name: str) -> Split:
        """The images of `train`, `validation` or `test`."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


def as_float(images: _Bytes) -> NDArray[np.float32]:
    """Pixels as the network takes them: uint8 of any shape → float32 of that shape, in [0, 1]."""
    return np.divide(images, np.float32(255.0), dtype=np.float32)


def load_dataset(data: str = "mnist") -> Dataset:
    """Reads `mnist`, which is in the package, or a folder of four IDX files, each plain or gzipped.

    The first twelfth of the training images is the validation set, the rest of them the training set, and
    the files that start with `t10k` are the test set. A folder called mnist is reached as `./mnist`.

    Raises DatasetMissing where the folder or a file is not there, and DatasetDamaged where a file is not
    what its name says or not what the network can learn from.
    """
    shipped = data == "mnist"
    folder = Path(__file__).parent / "mnist" if shipped else Path(data)
    with _readable(folder):
        if not folder.is_dir():
            found = "is not a folder" if folder.exists() else "does not exist"
            raise DatasetMissing(f"{folder} {found}; expected `mnist` or a folder with four IDX files.")
        return _load_folder("mnist" if shipped else folder.resolve().name, folder)


def _load_folder(name: str, folder: Path) -> Dataset:
    training = _load_pair(folder, "train")
    test = _load_pair(folder, "t10k")
    if len(training) < 2:
        raise DatasetDamaged(
            f"{folder} holds 1 training image; expected at least 2, one to train on and one to validate with."
        )
    cut = max(1, len(training) // VALIDATION_SHARE)
    validation = Split(training.images[:cut], training.labels[:cut])
    train = Split(training.images[cut:], training.labels[cut:])
    return Dataset(name, train, validation, test)


def _load_pair(folder: Path, prefix: str) -> Split:
    labels_path = _find(folder, f"{prefix}-labels", "idx1")
    images_path = _find(folder, f"{prefix}-images", "idx3")
    labels = _read_idx(labels_path, _LABELS_MAGIC)
    images = _read_idx(images_path, _IMAGES_MAGIC)
    _check_labels(labels_path, labels)
    if len(images) != len(labels):
        raise DatasetDamaged(
            f"{images_path} holds {len(images):,} images and {labels_path.name} {len(labels):,} labels; "
            "expected one label for each image."
        )
    images = images.reshape(len(images), PIXELS)
    images.setflags(write=False)
    labels.setflags(write=False)
    return Split(images, labels)


def _find(folder: Path, stem: str, kind: str) -> Path:
    names = [f"{stem}{mark}{kind}-ubyte{end}" for end in ("", ".gz") for mark in ("-", ".")]
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise DatasetMissing(f"{folder} holds no file {names[0]}; expected it or one of {', '.join(names[1:])}.")


def _check_labels(path: Path, labels: _Bytes) -> None:
    if labels.max() >= CLASSES:
        index = int(np.argmax(labels >= CLASSES))
        raise DatasetDamaged(
            f"{path} holds the label {labels[index]} at index {index}; "
            f"expected labels from 0 to {CLASSES - 1}."
        )


def _read_idx(path: Path, magic: int) -> _Bytes:
    """The values of one file, in the shape that its header claims: images [N, 28, 28] or labels [N]."""
    if path.exists() and not path.is_file():
        raise DatasetDamaged(f"{path} is not a file; expected an IDX file.")
    with _readable(path), path.open("rb") as file:
        size = path.stat().st_size
        if size == 0:
            raise DatasetDamaged(f"{path} is empty; expected an IDX file.")
        packed = file.read(2) == _GZIP_START
        file.seek(0)
        # The content decides, for browsers unpack a .gz on the way and keep its name.
        content = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file
        shape = _read_shape(path, content, magic)
        claimed = math.prod(shape)
        # A read reserves what it is asked for, so it is asked for no more than the file can hold.
        if packed and claimed > size * _DEFLATE_LIMIT:
            raise DatasetDamaged(
                f"{path} claims {claimed:,} bytes of values in its header, which a file of {size:,} bytes "
                "cannot hold; expected a header that matches the file."
            )
        # One byte more than claimed: it shows a surplus, and makes gzip compare its checksum.
        values = content.read(claimed + 1 if packed else min(claimed + 1, size))
    if len(values) != claimed:
        found = f"{len(values):,}" if len(values) < claimed else f"more than {claimed:,}"
        raise DatasetDamaged(f"{path} holds {found} bytes after its header; expected {claimed:,}.")
    return np.frombuffer(values, np.uint8).reshape(shape)


def _read_shape(path: Path, content: BinaryIO, magic: int) -> tuple[int, ...]:
    """The sizes in the header, checked: (N, 28, 28) for images, (N,) for labels."""
    dimensions = magic & 0xFF
    length = 4 + 4 * dimensions
    header = content.read(length)
    if len(header) >= 4 and (found := int.from_bytes(header[:4], "big")) != magic:
        raise DatasetDamaged(f"{path} begins with 0x{found:08x}; expected the magic number 0x{magic:08x}.")
    if len(header) < length:
        raise DatasetDamaged(
            f"{path} ends after {len(header)} bytes, inside its header; expected a header of {length} bytes."
        )
    shape: tuple[int, ...] = struct.unpack(f">{dimensions}I", header[4:])
    if dimensions == 3 and shape[1:] != (IMAGE_SIDE, IMAGE_SIDE):
        raise DatasetDamaged(
            f"{path} holds images of {shape[1]}×{shape[2]} pixels; expected {IMAGE_SIDE}×{IMAGE_SIDE}."
        )
    if shape[0] == 0:
        kind = "images" if dimensions == 3 else "labels"
        raise DatasetDamaged(f"{path} holds 0 {kind}; expected at least 1.")
    return shape


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns what the system and gzip raise while `path` is read into sentences about it."""
    try:
        yield
    except FileNotFoundError as error:
        raise DatasetMissing(f"{path} does not exist; expected an IDX file.") from error
    except EOFError as error:
        raise DatasetDamaged(f"{path} ends inside its gzip data; expected a complete gzip file.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DatasetDamaged(
            f"{path} holds damaged gzip data ({error}); expected a sound gzip file."
        ) from error
    except PermissionError as error:
        raise DatasetDamaged(
            f"{path} may not be read: permission denied; expected a file or folder that this user may read."
        ) from error
    except MemoryError as error:
        raise DatasetDamaged(f"{path} claims more than fits into memory; expected fewer values.") from error
    except OSError as error:
        raise DatasetDamaged(
            f"{path} cannot be read ({error.strerror or error}); expected a readable file or folder."
        ) from error
