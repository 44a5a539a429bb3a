"""What every test may use: the real data set, a small share of it as a folder, a store, and PostgreSQL."""

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from shadowboard.dataset import Dataset, load_dataset
from shadowboard.store import Store
from tests.postgresql import find_programs, running


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=10, help="how often tests/faults/test_kill.py kills a run")
    parser.addoption(
        "--cases",
        type=int,
        default=10,
        help="how many requests an operation tests/server/test_openapi.py generates, beside some 1,200 "
        "that never vary; they are other ones each time where there are more than the default",
    )


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes are told by their number: gzip's hold the time, and every collection must be the same."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return load_dataset()


@pytest.fixture(scope="session", autouse=True)
def _light_starts(mnist: Dataset) -> Iterator[None]:
    """Servers start in this process some hundred times.

    So they share the images, and look through TensorFlow's modules for garbage as rarely as all else does.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "server.datasets.load_dataset", lambda data: mnist if data == "mnist" else load_dataset(data)
        )
        rarely = SimpleNamespace(collect=lambda: 0, freeze=lambda: None, unfreeze=lambda: None)
        patch.setattr("server.engine.gc", rarely)
        yield


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes(), 1))


@pytest.fixture(scope="session")
def small_data(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 1,200 training images of MNIST (1,100 train, 100 validate) and 200 test images."""
    folder = tmp_path_factory.mktemp("small-data")
    for prefix, split, n in (("train", mnist.train, 1200), ("t10k", mnist.test, 200)):
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", split.images[:n].reshape(n, 28, 28))
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", split.labels[:n])
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'shadowboard.db'}")
    yield store
    store.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of this session's own."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: install your system's package (Debian: postgresql).")
    with running(programs) as url:
        yield url
