"""Every parser of what others have made, fed with anything: none but its documented errors come out of it."""

import gzip
import os
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from hypothesis import strategies as st

from shadowboard import checkpoints, keras_file
from shadowboard.bundle import open_bundle
from shadowboard.configuration import parse_average, parse_config
from shadowboard.contents import open_contents
from shadowboard.dataset import load_dataset
from shadowboard.digit_image import from_array, from_picture
from shadowboard.errors import (
    CheckpointDamaged,
    CheckpointUnsuitable,
    ConfigurationInvalid,
    DatasetError,
    PictureInvalid,
)
from shadowboard.folder_sight import look
from shadowboard.listing import Checkpoint
from shadowboard.restore_map import averages_in
from shadowboard.roles import roles_of
from tests.faults.fuzzing import damaged
from tests.faults.tables import block, entry, table
from tests.faults.test_hostile_keras import SHAPES, h5, keras
from tests.shadowboard.pictures import drawing, encode


def idx(magic: int, sizes: tuple[int, ...], values: bytes) -> bytes:
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + values


IMAGES = idx(0x803, (3, 28, 28), bytes(3 * 784))
LABELS = idx(0x801, (3,), bytes(3))


def test_idx(tmp_path: Path, fuzz: Any) -> None:
    names = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("labels-idx1", "images-idx3")]
    whole = dict(zip(names, [LABELS, IMAGES] * 2, strict=True))

    def parse(one: tuple[str, bytes]) -> None:
        for name, content in (whole | dict([one])).items():
            (tmp_path / name).write_bytes(content)
        load_dataset(str(tmp_path))

    contents = [content for good in (LABELS, IMAGES) for content in (good, gzip.compress(good, mtime=0))]
    headers = st.builds(
        idx, st.sampled_from([0x801, 0x803, 0x903]), st.tuples(*[st.integers(0, 2**32 - 1)] * 3), st.binary()
    )
    anything = st.one_of(*map(damaged, contents), headers, headers.map(gzip.compress), st.binary())
    fuzz("IDX files", st.tuples(st.sampled_from(names), anything), parse, (DatasetError,))


def test_pictures(fuzz: Any) -> None:
    picture = drawing("RGB", "white", "black")
    kinds = [encode(picture, kind) for kind in ("png", "jpeg", "webp", "gif", "bmp", "tiff")]
    fuzz("pictures", st.one_of(*map(damaged, kinds), st.binary()), from_picture, (PictureInvalid,))


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


def test_arrays(fuzz: Any) -> None:
    square = VALUES.map(lambda value: [[value] * 28] * 28)
    rows = st.lists(st.lists(VALUES, max_size=3), max_size=3)
    fuzz("images as numbers", VALUES | square | rows, from_array, (PictureInvalid,))


KNOBS = st.sampled_from(
    ["steps", "batch_size", "hidden", "activation", "optimizer", "momentum", "learning_rate", "averages",
     "save_every", "seed", "data", "start_from", "decay", "num_updates", "name", "regularization"]
)  # fmt: skip


def test_configurations(fuzz: Any) -> None:
    inner = st.dictionaries(KNOBS | st.text(max_size=9), VALUES, max_size=3)
    odd = st.dictionaries(
        KNOBS | st.text(max_size=9), VALUES | inner | st.lists(inner, max_size=3), max_size=4
    )
    fuzz("configurations", odd, parse_config, (ConfigurationInvalid,))
    texts = st.text(max_size=20) | st.floats().map(str) | st.from_regex(r"[\d.e-]{0,9}:constant?")
    fuzz(
        "averages on the command line",
        texts,
        lambda text: parse_config({"averages": [parse_average(text)]}),
        (ConfigurationInvalid,),
    )


def table_of(pairs: list[tuple[int, bytes, bytes]]) -> bytes:
    """An index with every checksum right, whatever its entries are."""
    return table([block(*(entry(key, value, shared) for shared, key, value in pairs))])


def test_index_files(tmp_path: Path, fuzz: Any) -> None:
    held = {"a/weights": np.ones((2, 2), np.float32), "global_step": np.int64(1)}
    saved = checkpoints.save(tmp_path / "good", 1, held)
    whole = saved.index.read_bytes()
    (tmp_path / "m-1.data-00000-of-00001").write_bytes(
        saved.prefix.with_name(f"{saved.prefix.name}.data-00000-of-00001").read_bytes()
    )

    def parse(content: bytes) -> None:
        (tmp_path / "m-1.index").write_bytes(content)
        look(tmp_path)  # which tells whatever is the matter
        bundle = open_bundle(tmp_path / "m-1")
        averages_in(roles_of(bundle.entries), list(bundle.entries))
        for name, there in bundle.entries.items():
            if there.stored and not there.sliced:
                for _ in bundle.blocks(name):
                    pass

    protobuf = st.lists(
        st.builds(lambda field, kind, rest: bytes([field << 3 | kind]) + rest, st.integers(0, 9),
                  st.sampled_from([0, 0, 2, 2, 5, 1]), st.binary(max_size=6))
    ).map(b"".join)  # fmt: skip
    pairs = st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([b"", b"a", b"ab"]) | st.binary(max_size=5), protobuf)
    )
    anything = damaged(whole) | pairs.map(table_of) | st.binary()
    fuzz("checkpoints' index files", anything, parse, (CheckpointDamaged,))


def small_h5() -> bytes:
    def write(file: Any) -> None:
        for name, shape in SHAPES.items():
            file.create_dataset(name, data=np.zeros(shape, np.float32), compression="gzip")
        file.create_dataset("optimizer/vars/0", data=np.int64(3))
        file["link"] = h5py.SoftLink("/layers")

    return h5(write)


def test_keras_files(tmp_path: Path, fuzz: Any) -> None:
    content = small_h5()
    configs = [b"{}", b'{"compile_config": {"optimizer": {"config": {"use_ema": true}}}}']
    archives = [keras(content, config, packing) for config in configs for packing in (0, 8)]

    def parse(one: tuple[str, bytes]) -> None:
        end, bytes_ = one
        path = tmp_path / f"m-1{end}"
        path.write_bytes(bytes_)
        contents = open_contents(Checkpoint(path, 1))
        for held in contents.entries:
            list(contents.blocks(held))
        keras_file.step_in(path)
        layout = keras_file.layout_in(path)
        keras_file.read(path, layout.variables)

    of_h5 = st.tuples(st.just(".weights.h5"), st.binary() | damaged(content))
    of_zip = st.tuples(st.just(".keras"), st.one_of(*map(damaged, archives), st.binary()))
    fuzz("files of Keras", of_h5 | of_zip, parse, (CheckpointDamaged, CheckpointUnsuitable))


def test_names_in_folders(tmp_path: Path, fuzz: Any) -> None:
    content = small_h5()
    good = checkpoints.save(tmp_path / "good", 1, {"a": np.float32(1)})
    folder = tmp_path / "folder"
    folder.mkdir()
    parts = st.text(max_size=12) | st.sampled_from(
        ["-", "-5", "-999999999999999", "[x]", "*", "%2e", "-٣", "-00"]
    )
    names = st.builds("".join, st.lists(parts, min_size=1, max_size=3))
    ends = st.sampled_from([".index", ".weights.h5", ".keras", ".data-00000-of-00001", ".INDEX", ""])

    def parse(one: tuple[str, str]) -> None:
        for file in folder.iterdir():
            file.unlink()
        name, end = one
        if not name.strip(".") or len(os.fsencode(name)) > 200:
            return
        pieces = [(folder / f"{name}{end}", content if "index" not in end else good.index.read_bytes())]
        if end == ".index":
            data = good.prefix.with_name(f"{good.prefix.name}.data-00000-of-00001")
            pieces.append((folder / f"{name}.data-00000-of-00001", data.read_bytes()))
        for path, held in pieces:
            path.write_bytes(held)
        for checkpoint in look(folder).checkpoints:
            assert 0 <= checkpoint.step < 10**15
            assert checkpoint.bytes == sum(len(held) for _, held in pieces)

    possible = names.filter(lambda name: not set(name) & {"/", "\0"})
    fuzz("names in folders", st.tuples(possible, ends), parse, ())
