"""Against TensorFlow's own reading of the graph of objects."""

from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

from shadowboard.bundle import open_bundle
from shadowboard.checkpoints import save
from shadowboard.errors import CheckpointDamaged
from shadowboard.object_graph import OBJECT_GRAPH, full_names


def test_what_the_program_called_its_variables(tmp_path: Path) -> None:
    parts = {f"part{i}": tf.Variable(1.0, name=f"v{i}/größe") for i in range(40)}
    prefix = tf.train.Checkpoint(**parts, step=tf.Variable(3, dtype=tf.int64)).save(str(tmp_path / "m"))
    told = TrackableObjectGraph.FromString(tf.train.load_checkpoint(prefix).get_tensor(OBJECT_GRAPH))
    expected = {value.checkpoint_key: value.full_name for node in told.nodes for value in node.attributes}
    assert len(expected) == 42
    assert full_names(open_bundle(Path(prefix))) == expected


@pytest.mark.parametrize(
    "written", [b"\x0a", b"\x08\x01", b"\x0a\x04\x12\x02\x10\x01", b"\x0a\x05\x12\x03\x12\x01\xff"]
)
def test_what_is_no_graph_is_told(tmp_path: Path, written: bytes) -> None:
    checkpoint = save(tmp_path, 1, {OBJECT_GRAPH: written})
    with pytest.raises(CheckpointDamaged, match="its _CHECKPOINTABLE_OBJECT_GRAPH is no graph of objects"):
        full_names(open_bundle(checkpoint.prefix))


def test_of_any_other_checkpoint_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert full_names(open_bundle(save(tmp_path, 1, {"a": 1.0}).prefix)) == {}
