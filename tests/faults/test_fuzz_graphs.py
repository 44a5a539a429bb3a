"""Graphs in files that others have made, which have a parser each, fed with anything."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from hypothesis import strategies as st
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

from shadowboard import checkpoints
from shadowboard.contents import open_contents
from shadowboard.errors import CheckpointDamaged
from shadowboard.graph_file import activation_beside, graph_file
from shadowboard.listing import Checkpoint
from shadowboard.object_graph import OBJECT_GRAPH
from tests.faults.fuzzing import damaged


def test_graphs_of_savers(tmp_path: Path, fuzz: Any) -> None:
    names = ["w1", "b1", "w2", "b2", "read", "product", "sum", "given", "logits"]
    operations = ["VariableV2", "Identity", "ReadVariableOp", "MatMul", "BiasAdd", "AddV2", "Relu", "Tanh"]
    inputs = st.lists(st.sampled_from([*names, "product:0", "^w1", "nowhere", ""]), max_size=3)
    node = st.builds(
        lambda name, operation, takes: tf.compat.v1.NodeDef(name=name, op=operation, input=takes),
        st.sampled_from(names), st.sampled_from(operations), inputs,
    )  # fmt: skip
    good = [("product", "MatMul", ["given", "w1"]), ("sum", "BiasAdd", ["product", "b1"]),
            ("relu", "Relu", ["sum"]), ("logits", "MatMul", ["relu", "w2"])]  # fmt: skip
    whole = [tf.compat.v1.NodeDef(name=name, op=op, input=takes) for name, op, takes in good]
    told = set()

    def parse(content: bytes) -> None:
        checkpoint = Checkpoint(tmp_path / "m-1", 1)
        graph_file(checkpoint).write_bytes(content)
        told.add(activation_beside([checkpoint], names[:4]))

    nodes = st.lists(node, max_size=6)
    graphs = st.builds(lambda one, other: graph(one + other), nodes, nodes | st.just(whole))
    fuzz("graphs beside checkpoints", graphs | damaged(graph(whole)) | st.binary(), parse, ())
    assert {None, "", "relu"} <= told <= {None, "", "relu", "tanh", "none"}


def graph(nodes: list[Any]) -> bytes:
    written = tf.compat.v1.MetaGraphDef(graph_def=tf.compat.v1.GraphDef(node=nodes))
    return bytes(written.SerializeToString())


def test_graphs_of_objects(tmp_path: Path, fuzz: Any) -> None:
    keys = st.sampled_from(["a", "b", "c", "d", "nowhere", ""])
    parts = st.sampled_from(["dense", "kernel", "sgd", "momentum", "_", "/"]) | st.text(max_size=2)
    tensor = st.tuples(keys, st.lists(parts, max_size=6).map("".join))

    def objects(tensors: list[tuple[str, str]]) -> bytes:
        graph = TrackableObjectGraph()
        for key, name in tensors:
            graph.nodes.add().attributes.add(checkpoint_key=key, full_name=name)
        return bytes(graph.SerializeToString())

    def parse(content: bytes) -> None:
        held = {name: np.ones(2, np.float32) for name in "abcd"}
        contents = open_contents(checkpoints.save(tmp_path, 1, {OBJECT_GRAPH: content, **held}))
        assert set(contents.entries) == {OBJECT_GRAPH, *held}

    whole = objects([("a", "dense/kernel"), ("b", "sgd/dense_kernel_momentum"), ("c", "iteration")])
    anything = st.lists(tensor, max_size=5).map(objects) | damaged(whole) | st.binary()
    fuzz("graphs of objects", anything, parse, (CheckpointDamaged,))
