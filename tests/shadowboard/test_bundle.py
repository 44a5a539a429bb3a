"""Against TensorFlow's own reader, on what TensorFlow wrote, whole and damaged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shadowboard import bundle
from shadowboard.bundle import open_bundle
from shadowboard.checkpoints import Checkpoint, save
from shadowboard.contents import open_contents
from shadowboard.errors import CheckpointDamaged, CheckpointError, CheckpointMissing

TYPES = [
    *(tf.float16, tf.bfloat16, tf.float32, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64),
    *(tf.uint8, tf.uint16, tf.uint32, tf.uint64, tf.bool, tf.complex64, tf.complex128),
]


def tensors() -> dict[str, Any]:
    values = np.array([[0, 1, -3], [100, 2, 7]])
    found = {
        f"a/{dtype.name}": tf.cast(tf.abs(values) if dtype.is_unsigned else values, dtype) for dtype in TYPES
    }
    found |= {
        "words": np.array([b"a", b""]),
        "scalar": np.float32(3.5),
        "empty": np.zeros((0, 3), np.float32),
    }
    return found | {"grüße": np.ones((2, 1, 3), np.float32)}


def test_names_shapes_types_and_values_are_those_of_tensorflows_reader(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, 1, tensors())
    reader = tf.train.load_checkpoint(str(checkpoint.prefix))
    found = open_bundle(checkpoint.prefix)
    types = reader.get_variable_to_dtype_map()
    assert {name: list(entry.shape) for name, entry in found.entries.items()} == {
        name: list(shape) for name, shape in reader.get_variable_to_shape_map().items()
    }
    assert {name: entry.dtype for name, entry in found.entries.items()} == {
        n: t.name for n, t in types.items()
    }
    assert list(found.entries) == sorted(types)
    for name, entry in found.entries.items():
        if name == "words":
            continue
        expected = np.asarray(
            tf.cast(reader.get_tensor(name), tf.float32) if "bfloat" in name else reader.get_tensor(name)
        )
        np.testing.assert_array_equal(
            np.concatenate([*found.blocks(name), []]), expected.ravel(), strict=False
        )
        assert (entry.size, entry.bytes) == (expected.size, expected.size * types[name].size)


def test_many_names_in_many_blocks_of_the_index(tmp_path: Path) -> None:
    many = {f"model/block_{i // 10}/layer_{i}/kernel": np.float32(i) for i in range(2000)}
    found = open_bundle(save(tmp_path, 1, many).prefix)
    assert list(found.entries) == sorted(many)
    assert float(next(found.blocks("model/block_77/layer_777/kernel"))[0]) == 777
    assert sum(entry.bytes for entry in found.entries.values()) == 8000


def test_large_values_come_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_BLOCK", 1000)
    values = np.arange(999, dtype=np.float32)
    found = open_bundle(save(tmp_path, 1, {"v": values}).prefix)
    blocks = list(found.blocks("v"))
    assert [len(block) for block in blocks] == [250, 250, 250, 249]
    np.testing.assert_array_equal(np.concatenate(blocks), values)


def test_a_single_string_is_what_tensorflow_has_written(tmp_path: Path) -> None:
    texts = {"none": b"", "short": b"ab\0c", "long": bytes(range(256)) * 300}
    saved = save(tmp_path, 1, {**texts, "number": np.ones(3), "several": np.array([b"a", b"b"])})
    found = open_bundle(saved.prefix)
    assert {name: found.text(name) for name in texts} == texts
    for name in ("number", "several"):
        with pytest.raises(CheckpointDamaged, match=f"{name} is no single string"):
            found.text(name)
    (data,) = tmp_path.glob("*.data*")
    data.write_bytes(data.read_bytes().replace(b"ab\0c", b"ab\0d"))
    with pytest.raises(CheckpointDamaged, match=r"the checksum of short in .* is wrong"):
        found.text("short")


@pytest.mark.parametrize("sharded", [True, False])
def test_a_variable_that_was_saved_in_parts(tmp_path: Path, sharded: bool) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        part = v1.fixed_size_partitioner(3)
        for name, partitioner in (("parts", part), ("whole", None)):
            v1.get_variable(
                name, [10, 4], initializer=v1.random_uniform_initializer(), partitioner=partitioner
            )
        session.run(v1.global_variables_initializer())
        prefix = v1.train.Saver(sharded=sharded).save(session, str(tmp_path / "m"), global_step=1)
    found = open_bundle(Path(prefix))
    assert {name: (e.shape, e.sliced) for name, e in found.entries.items()} == {
        "parts": ((10, 4), True),
        "whole": ((10, 4), False),
    }
    reader = tf.train.load_checkpoint(prefix)
    contents = open_contents(Checkpoint(Path(prefix), 1))
    for name in found.entries:
        values = np.concatenate(list(contents.blocks(name)))
        np.testing.assert_array_equal(values, reader.get_tensor(name).ravel())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_a_sentence_and_never_a_wrong_value(tmp_path: Path, data: st.DataObject) -> None:
    values = {"a": np.arange(64, dtype=np.float32), "b/c": np.ones((3, 2), np.float64)}
    prefix = save(tmp_path, 1, values).prefix
    path = prefix.with_name(prefix.name + data.draw(st.sampled_from([".index", ".data-00000-of-00001"])))
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans(), "truncate"):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    expected = {name: value.ravel().tolist() for name, value in values.items()}
    told = _read_or_told(prefix)
    # Some bytes of an index are padding: then nothing may have changed.
    assert told == expected or str(told).startswith(
        "The checkpoint model.ckpt-1 is damaged or cannot be read: "
    )
    assert str(tmp_path) not in str(told)


def _read_or_told(prefix: Path) -> dict[str, Any] | str:
    try:
        found = open_bundle(prefix)
        return {name: np.concatenate(list(found.blocks(name))).tolist() for name in found.entries}
    except CheckpointDamaged as error:
        return str(error)


@given(content=st.binary(max_size=200), whole=st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_called_an_index(tmp_path: Path, content: bytes, whole: bool) -> None:
    magic = bytes.fromhex("57fb808b247547db") if whole else b""
    (tmp_path / "m-1.index").write_bytes(content + magic)
    with pytest.raises(CheckpointDamaged, match="m-1 is damaged or cannot be read"):
        open_bundle(tmp_path / "m-1")


def test_what_is_gone_or_may_not_be_read(tmp_path: Path) -> None:
    prefix = save(tmp_path, 1, {"a": np.ones(3)}).prefix
    data = prefix.with_name(prefix.name + ".data-00000-of-00001")
    found = open_bundle(prefix)
    data.rename(tmp_path / "elsewhere")
    for read in (lambda: open_bundle(prefix), lambda: list(found.blocks("a"))):
        with pytest.raises(CheckpointDamaged, match="data-00000-of-00001: No such file"):
            read()
    data.mkdir()
    with pytest.raises(CheckpointError, match="Is a directory"):
        list(found.blocks("a"))
    prefix.with_name(prefix.name + ".index").unlink()
    with pytest.raises(CheckpointMissing, match=r"model.ckpt-1 is gone"):
        open_bundle(prefix)


def test_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = save(tmp_path, 1, {"a": np.ones(3)}).prefix

    def refuse(path: Path, _: int) -> bytes:  # whoever runs the tests may be allowed to read everything
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(bundle, "read_whole", refuse)
    with pytest.raises(CheckpointDamaged, match=r"cannot be read: model.ckpt-1.index: Permission denied"):
        open_bundle(prefix)
