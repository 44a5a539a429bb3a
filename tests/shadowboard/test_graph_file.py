"""Activation functions out of graphs that TensorFlow's own Saver has written."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shadowboard.errors import CheckpointUnsuitable
from shadowboard.graph_file import activation_beside, graph_file
from shadowboard.listing import Checkpoint
from tests.oracles.reference_programs import build_graph

v1 = tf.compat.v1
WEIGHTS = ["one/w", "two/w", "three/w"]

Function = Callable[[Any], Any]


def saved(folder: Path, hidden: Sequence[Function], resources: bool = True, towers: int = 1) -> Checkpoint:
    """What a Saver writes of dense layers with these functions between them, and of their training."""
    names = WEIGHTS[: len(hidden)] + WEIGHTS[2:]
    with tf.Graph().as_default(), v1.Session() as session:
        widths = [784, *[7] * len(hidden), 10]
        layers = [
            (
                v1.get_variable(name, [widths[i], widths[i + 1]], use_resource=resources),
                v1.get_variable(f"{name[:-1]}b", [widths[i + 1]], use_resource=resources),
            )
            for i, name in enumerate(names)
        ]
        losses = []
        for _ in range(towers):
            values = v1.placeholder(tf.float32, [None, 784])
            for i, (weights, biases) in enumerate(layers):
                values = tf.nn.bias_add(tf.matmul(values, weights), biases)
                values = hidden[i](values) if i < len(hidden) else values
            losses.append(tf.reduce_sum(tf.nn.log_softmax(values)))
        loss = tf.add_n(losses) + tf.add_n([tf.nn.l2_loss(weights) for weights, _ in layers])
        step = v1.train.AdamOptimizer().minimize(loss)
        with tf.control_dependencies([step]):
            v1.train.ExponentialMovingAverage(0.9).apply([weights for weights, _ in layers])
        session.run(v1.variables_initializer(v1.trainable_variables()))  # which the averages begin with
        session.run(v1.global_variables_initializer())
        return Checkpoint(Path(v1.train.Saver().save(session, str(folder / "m"), global_step=3)), 3)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "none"])
@pytest.mark.parametrize("hidden", [(5,), (8, 8)])
def test_of_the_reference_program(tmp_path: Path, activation: str, hidden: tuple[int, ...]) -> None:
    program = build_graph(hidden=hidden, activation=activation, momentum=0.9)
    with v1.Session(graph=program.graph):
        v1.train.export_meta_graph(str(tmp_path / "m-1.meta"), graph=program.graph)
    weights = [name for name in program.initial if name.endswith("/weights")]
    assert activation_beside(Checkpoint(tmp_path / "m-1", 1), weights) == activation


def dropout_after(function: Function, values: Any) -> Any:
    return tf.nn.dropout(function(values), rate=0.5)


def older_dropout(values: Any) -> Any:
    return v1.nn.dropout(tf.tanh(values), keep_prob=v1.placeholder(tf.float32, []))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (tf.nn.relu, "relu"),
        (tf.identity, "none"),
        (lambda values: values, "none"),
        (partial(dropout_after, tf.nn.relu), "relu"),
        (older_dropout, "tanh"),
        (lambda values: tf.nn.relu(tf.nn.dropout(values, rate=0.1)), "relu"),
        # What none of the functions known here is, though it has one in it:
        (lambda values: values * tf.sigmoid(values), None),
        (lambda values: tf.nn.dropout(values * tf.sigmoid(values), rate=0.5), None),
        (lambda values: tf.maximum(values, 0.2 * values), None),
        (lambda values: 2 * tf.nn.relu(values), None),
        (lambda values: tf.sigmoid(tf.nn.relu(values)), None),
        (lambda values: values + tf.nn.relu(values), None),
        (tf.nn.gelu, None),
        (partial(dropout_after, tf.identity), None),
    ],
)
@pytest.mark.parametrize("resources", [True, False])
def test_what_is_done_between_layers(
    tmp_path: Path, function: Function, expected: str | None, resources: bool
) -> None:
    for layers in (1, 2):
        checkpoint = saved(tmp_path / str(layers), [function] * layers, resources)
        assert activation_beside(checkpoint, WEIGHTS[:layers] + WEIGHTS[2:]) == expected


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        ([tf.nn.elu, tf.nn.elu], "The hidden layers are elu; expected all of them to be one of relu, tanh"),
        ([tf.nn.leaky_relu, tf.nn.relu], "The hidden layers are leaky_relu, relu; expected all of them"),
    ],
)
def test_functions_that_are_not_known_are_named(tmp_path: Path, hidden: list[Function], told: str) -> None:
    checkpoint = saved(tmp_path, hidden)
    for _ in range(2):  # what was raised once is raised again
        with pytest.raises(CheckpointUnsuitable, match=told):
            activation_beside(checkpoint, WEIGHTS)


def test_all_towers_count(tmp_path: Path) -> None:
    """A program may have the layers twice, to train and to validate."""
    assert activation_beside(saved(tmp_path / "a", [tf.nn.relu] * 2, towers=2), WEIGHTS) == "relu"
    functions = iter([tf.nn.relu, tf.nn.relu, tf.nn.relu, tf.abs])

    def the_next(values: Any) -> Any:
        return next(functions)(values)

    mixed = saved(tmp_path / "b", [the_next] * 2, towers=2)
    assert activation_beside(mixed, WEIGHTS) is None


def test_another_order_of_layers_than_the_graph_has_is_told_nothing_of(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, [tf.nn.relu] * 2)
    assert activation_beside(checkpoint, ["two/w", "one/w", "three/w"]) is None
    assert activation_beside(checkpoint, ["one/w", "other/w", "three/w"]) is None


def test_a_graph_that_is_written_anew(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, [tf.tanh] * 2)
    assert activation_beside(checkpoint, WEIGHTS) == "tanh"
    graph_file(checkpoint).unlink()
    assert activation_beside(checkpoint, WEIGHTS) is None
    saved(tmp_path, [tf.sigmoid] * 2)
    assert activation_beside(checkpoint, WEIGHTS) == "sigmoid"


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_is_more_than_a_graph_that_tells_nothing(tmp_path: Path, data: st.DataObject) -> None:
    whole = tmp_path / "m-3.meta"
    if not whole.exists():
        saved(tmp_path, [tf.nn.relu] * 2)
    content = whole.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    places = data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=9))
    damaged = bytearray(content[:cut])
    for place, value in places:
        if place < cut:
            damaged[place] = value
    other = Checkpoint(tmp_path / f"damaged-{hash(bytes(damaged)) & 0xFFFFFF}", 3)
    graph_file(other).write_bytes(damaged)
    with suppress(CheckpointUnsuitable):  # the name of one function may have become that of another
        assert activation_beside(other, WEIGHTS) in {None, "relu", "none", "tanh", "sigmoid"}
    if not places and cut < len(content) // 2:
        assert activation_beside(other, WEIGHTS) is None


def test_what_is_no_graph(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "m-3", 3)
    file = graph_file(checkpoint)
    os.mkfifo(file)  # to open it as a file is opened would wait for ever
    assert activation_beside(checkpoint, WEIGHTS) is None
    file.unlink()
    file.mkdir()
    assert activation_beside(checkpoint, WEIGHTS) is None
    file.rmdir()
    file.write_bytes(b"\x12" * 100_000)
    assert activation_beside(checkpoint, WEIGHTS) is None
    node = b"\x12\x04\x0a\x02\x0a\x00"  # a graph with a node, as often as one likes
    file.write_bytes(node * 30_000)
    assert activation_beside(checkpoint, WEIGHTS) is None
    with file.open("wb") as large:
        large.truncate(5 * 2**20)
    assert activation_beside(checkpoint, WEIGHTS) is None
