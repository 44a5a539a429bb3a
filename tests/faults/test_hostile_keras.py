"""Files as of Keras that somebody has made to reach other files, or to cost time and memory."""

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from shadowboard import keras_file, keras_storage
from shadowboard.contents import open_contents
from shadowboard.dataset import load_dataset
from shadowboard.digit_image import from_picture
from shadowboard.errors import (
    CheckpointDamaged,
    CheckpointError,
    CheckpointUnsuitable,
    DatasetError,
    PictureInvalid,
)
from shadowboard.folder_sight import look
from shadowboard.keras_file import KerasCheckpoint
from shadowboard.weights import restore

MEBIBYTE = 2**20
SHAPES = {"layers/dense/vars/0": (784, 10), "layers/dense/vars/1": (10,)}
NAME = "m-1.weights.h5"
DAMAGED = "is damaged or cannot be read: "


def weights(file: Any, shapes: dict[str, tuple[int, ...]] = SHAPES) -> None:
    for name, shape in shapes.items():
        file.create_dataset(name, data=np.full(shape, 0.5, np.float32))


def h5(write: Callable[[Any], None]) -> bytes:
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        write(file)
    return held.getvalue()


def keras(content: bytes, config: bytes = b"{}", packing: int = zipfile.ZIP_STORED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", packing) as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", content)
    return held.getvalue()


def put(folder: Path, name: str, content: bytes) -> KerasCheckpoint:
    (folder / name).write_bytes(content)
    os.utime(folder / name, (1_000_000_000, 1_000_000_000))  # older than what may still be in the writing
    return KerasCheckpoint(folder / name, 1)


def refusal(checkpoint: KerasCheckpoint) -> str:
    with pytest.raises(CheckpointError) as caught:
        restore(checkpoint, None)
    told = str(caught.value)
    assert "\n" not in told
    assert len(told) < 500
    assert str(checkpoint.prefix.parent) not in told
    return told


def test_what_is_made_here_is_read(tmp_path: Path) -> None:
    for name, content in ((NAME, h5(weights)), ("m-1.keras", keras(h5(weights)))):
        checkpoint = put(tmp_path, name, content)
        assert {key: value.shape for key, value in restore(checkpoint, None).items()} == {
            "layer1/weights": (784, 10),
            "layer1/biases": (10,),
        }


# Other files


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A file that a watched one must not reach."""
    path = tmp_path / "elsewhere" / "private.h5"
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        weights(file)
        file.create_dataset("bytes", data=np.arange(7840, dtype=np.float32))
    return path


def external_links(file: Any, private: Path) -> None:
    for name in SHAPES:
        file[name] = h5py.ExternalLink(str(private), f"/{name}")


def a_link_to_all_of_it(file: Any, private: Path) -> None:
    file["layers"] = h5py.ExternalLink(str(private), "/layers")


def external_bytes(file: Any, private: Path) -> None:
    for name, shape in SHAPES.items():
        kept = [(str(private), 0, 4 * int(np.prod(shape)))]
        file.create_dataset(name, shape, np.float32, external=kept)


def virtual(file: Any, private: Path) -> None:
    for name, shape in SHAPES.items():
        layout = h5py.VirtualLayout(shape, np.float32)
        layout[...] = h5py.VirtualSource(str(private), name, shape)
        file.create_virtual_dataset(name, layout)


@pytest.mark.parametrize("reach", [external_links, a_link_to_all_of_it, external_bytes, virtual])
def test_no_other_file_is_read(
    tmp_path: Path, private: Path, reach: Callable[[Any, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: opened.append(str(path)) or real(path, *rest))
    content = h5(lambda file: reach(file, private))
    before = private.stat().st_atime_ns
    for name, bytes_ in ((NAME, content), ("m-1.keras", keras(content))):
        checkpoint = put(tmp_path, name, h5(weights) if name == NAME else keras(h5(weights)))
        good = open_contents(checkpoint)
        told = refusal(put(tmp_path, name, bytes_))
        assert "in another file" in told or "holds no weights" in told
        with suppress(CheckpointError):
            assert not open_contents(checkpoint).entries
        with pytest.raises(CheckpointDamaged):  # looked into before it was written anew
            list(good.blocks("layers/dense/vars/0"))
        (tmp_path / name).unlink()
    assert private.stat().st_atime_ns == before
    assert str(private) not in opened


def test_links_inside_are_not_followed_for_ever(tmp_path: Path) -> None:
    def circles(file: Any) -> None:
        weights(file)
        file["layers/round"] = file["layers"]
        file["layers/soft"] = h5py.SoftLink("/layers")
        file["nowhere"] = h5py.SoftLink("/nowhere")

    assert len(restore(put(tmp_path, NAME, h5(circles)), None)) == 2


# Time and memory


def huge(file: Any) -> None:
    """Of which nothing is stored."""
    file.create_dataset("layers/dense/vars/0", (784, 10**12), np.float32, chunks=(1, 2**20))


def huge_chunks(file: Any) -> None:
    file.create_dataset("x", (1,), np.float32, maxshape=(None,), chunks=(2**29,))


def words(file: Any) -> None:
    file.create_dataset("layers/dense/vars/0", data=["a"] * 7840, dtype=h5py.string_dtype())


def no_values(file: Any) -> None:
    file.create_dataset("layers/dense/vars/0", data=h5py.Empty(np.float32))


REFUSED: dict[str, tuple[Callable[[Any], None], str]] = {
    "huge": (huge, "its values take 3,136,000,000,000,000 bytes or more; expected at most 1,073,741,824"),
    "huge chunks": (huge_chunks, "its values take 2,147,483,648 bytes or more"),
    "words": (words, "holds no weights"),
    "no values": (no_values, ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_claims_too_much_is_not_read(tmp_path: Path, case: str) -> None:
    make, reason = REFUSED[case]
    assert reason in refusal(put(tmp_path, NAME, h5(make)))


def test_too_many_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_storage, "_MOST", 5)
    many = h5(lambda file: weights(file, {f"v{i}": (1,) for i in range(6)}))
    assert "it has more than 5 variables" in refusal(put(tmp_path, NAME, many))
    crowded = io.BytesIO()
    with zipfile.ZipFile(crowded, "w") as archive:
        for i in range(6):
            archive.writestr(f"{i}", b"")
    assert "it has more than 5 members" in refusal(put(tmp_path, "m-1.keras", crowded.getvalue()))


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    checkpoint = put(tmp_path, NAME, b"")
    with checkpoint.prefix.open("r+b") as file:
        file.truncate(2**40)
    assert "it has 1,099,511,627,776 bytes; expected at most 1,073,741,824." in refusal(checkpoint)


@pytest.mark.parametrize(
    "config", [b"[]", b"1", b'{"compile_config": 1}', b'{"compile_config": {"optimizer": {"config": []}}}']
)
def test_another_configuration_tells_nothing_of_an_average(tmp_path: Path, config: bytes) -> None:
    checkpoint = put(tmp_path, "m-1.keras", keras(h5(weights), config))
    assert len(restore(checkpoint, None)) == 2
    assert look(tmp_path).problem == ""


@pytest.mark.parametrize("name", ["x" * 30_000, "a\nb", "\x1b[2J"])
@pytest.mark.parametrize("shape", [(3,), (784, 10)])
def test_names_of_any_length_and_form(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    checkpoint = put(tmp_path, NAME, h5(lambda file: weights(file, {name: shape})))
    with pytest.raises(CheckpointUnsuitable, match=r"expected a chain .* biases\.$") as caught:
        restore(checkpoint, None)
    told = str(caught.value)
    assert told.isprintable()
    assert len(told) < 2000


def test_a_name_in_an_archive_that_takes_in_what_follows_it(tmp_path: Path) -> None:
    whole = bytearray(keras(h5(weights)))
    whole[26:28] = (30_000).to_bytes(2, "little")  # how long the first member's name is, says its header
    told = refusal(put(tmp_path, "m-1.keras", bytes(whole)))
    assert told.startswith(f"The checkpoint m-1.keras {DAMAGED}")


@pytest.mark.parametrize("counter", [-1, 2**62])
def test_a_counter_that_is_no_step(tmp_path: Path, counter: int) -> None:
    def counted(file: Any) -> None:
        weights(file)
        file.create_dataset("optimizer/vars/0", data=np.int64(counter))

    put(tmp_path, "m.weights.h5", h5(counted))
    assert look(tmp_path).problem.startswith("m.weights.h5 tells no step")


def test_an_optimiser_of_another_form(tmp_path: Path) -> None:
    """Whose row has holes, or words where an average would be."""

    def odd(file: Any) -> None:
        weights(file)
        file.create_dataset("optimizer/vars/0", data=np.int64(1))
        file.create_dataset("optimizer/vars/1", (784, 10), h5py.string_dtype())
        file.create_dataset("optimizer/vars/2", (10,), h5py.string_dtype())
        file.create_dataset("optimizer/vars/9", data=np.zeros(3))
        file.create_dataset("optimizer/vars/velocity", data=np.zeros(3))

    checkpoint = put(tmp_path, NAME, h5(odd))
    assert keras_file.layout_in(checkpoint.prefix).averages == {}
    assert len(restore(checkpoint, None)) == 2


# Code


class Harmful:
    """What, unpickled, makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    mark, folder = tmp_path / "mark", tmp_path / "folder"
    folder.mkdir()
    code = pickle.dumps(Harmful(mark))

    def opaque(file: Any) -> None:
        weights(file)
        file.create_dataset("optimizer/vars/0", data=np.void(code))
        file.attrs["pickle"] = np.void(code)

    put(folder, "m-1.weights.h5", code)
    put(folder, "m-2.keras", keras(code, code))
    put(folder, "m-3.weights.h5", h5(opaque))
    put(folder, "m-4.index", code)
    for name in ("train-labels-idx1-ubyte", "train-images-idx3-ubyte"):
        (folder / name).write_bytes(code)
    assert [checkpoint.step for checkpoint in look(folder).checkpoints] == [3]
    restore(KerasCheckpoint(folder / "m-3.weights.h5", 3), None)
    for kind in ("m-1.weights.h5", "m-2.keras"):
        refusal(KerasCheckpoint(folder / kind, 1))
    with pytest.raises(DatasetError):
        load_dataset(str(folder))
    with pytest.raises(PictureInvalid):
        from_picture(code)
    assert not mark.exists()
    pickle.loads(code)  # noqa: S301 - so it would have been seen
    assert mark.exists()
