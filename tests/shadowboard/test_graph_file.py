"""Activation functions out of graphs that TensorFlow's own Saver has written."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shadowboard.graph_file import activation_beside, graph_file
from shadowboard.listing import Checkpoint
from tests.oracles.reference_programs import build_graph

v1 = tf.compat.v1
WEIGHTS = ["one/w", "two/w", "three/w"]

Layer = Callable[[Any, Any, Any], Any]
"""Product with the weights, biases, what the product was taken of → what the layer gives."""


def of(function: Callable[[Any], Any]) -> Layer:
    return lambda product, biases, _: function(tf.nn.bias_add(product, biases))


def saved(folder: Path, hidden: Sequence[Layer], resources: bool = True, towers: int = 1) -> Checkpoint:
    """What a Saver writes of dense layers that are made so, and of their training."""
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
            for layer, (weights, biases) in zip([*hidden, of(tf.identity)], layers, strict=True):
                values = layer(tf.matmul(values, weights), biases, values)
            losses.append(tf.reduce_sum(tf.nn.log_softmax(values)))
        penalty = tf.add_n([tf.reduce_sum(tf.matmul(w, w, transpose_a=True)) for w, _ in layers])
        step = v1.train.AdamOptimizer().minimize(tf.add_n(losses) + penalty)
        with tf.control_dependencies([step]):
            v1.train.ExponentialMovingAverage(0.9).apply([weights for weights, _ in layers])
        session.run(v1.variables_initializer(v1.trainable_variables()))  # which the averages begin with
        session.run(v1.global_variables_initializer())
        return Checkpoint(Path(v1.train.Saver().save(session, str(folder / "m"), global_step=3)), 3)


def beside(checkpoint: Checkpoint, weights: Sequence[str] = WEIGHTS) -> str | None:
    """None: there is no graph, or it tells nothing."""
    return activation_beside([checkpoint], [name for w in weights for name in (w, biases_of(w))]) or None


def biases_of(weights: str) -> str:
    return weights.removesuffix("weights") + "biases" if "weights" in weights else f"{weights[:-1]}b"


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "none"])
@pytest.mark.parametrize("hidden", [(5,), (8, 8)])
def test_of_the_reference_program(tmp_path: Path, activation: str, hidden: tuple[int, ...]) -> None:
    program = build_graph(hidden=hidden, activation=activation, momentum=0.9)
    with v1.Session(graph=program.graph):
        v1.train.export_meta_graph(str(tmp_path / "m-1.meta"), graph=program.graph)
    weights = [name for name in program.initial if name.endswith("/weights")]
    assert beside(Checkpoint(tmp_path / "m-1", 1), weights) == activation


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (of(tf.nn.relu), "relu"),
        (of(tf.sigmoid), "sigmoid"),
        (of(tf.identity), "none"),
        (of(lambda values: values), "none"),
        (lambda product, biases, _: tf.tanh(product + biases), "tanh"),
        (lambda product, biases, _: tf.identity(tf.tanh(tf.identity(product) + biases)), "tanh"),
        # What is none of the functions that are known here, though it may have one in it:
        (of(tf.nn.elu), None),
        (of(tf.nn.gelu), None),
        (of(lambda values: values * tf.sigmoid(values)), None),
        (of(lambda values: tf.maximum(values, 0.2 * values)), None),
        (of(lambda values: 2 * tf.nn.relu(values)), None),
        (of(lambda values: 2 * tf.sigmoid(2 * values) - 1), None),
        (of(lambda values: tf.nn.relu(values) - 0.5), None),
        (of(lambda values: tf.tanh(values) + 1), None),
        (of(lambda values: tf.sigmoid(tf.nn.relu(values))), None),
        (of(lambda values: tf.nn.dropout(1 - tf.sigmoid(values), rate=0.5)), None),
        (of(lambda values: tf.nn.dropout(tf.nn.relu(values), rate=0.5)), None),
        # What is no dense layer:
        (lambda product, biases, _: tf.tanh(product) + biases, None),
        (lambda product, biases, _: tf.tanh(product), None),
        (lambda product, biases, _: tf.tanh(product + biases + biases), None),
        (lambda product, biases, _: tf.tanh(product + 1), None),
        (lambda product, biases, before: tf.tanh(product + biases) + before[:, :7], None),
    ],
)
@pytest.mark.parametrize("resources", [True, False])
def test_what_is_done_between_layers(
    tmp_path: Path, layer: Layer, expected: str | None, resources: bool
) -> None:
    for layers in (1, 2):
        checkpoint = saved(tmp_path / str(layers), [layer] * layers, resources)
        assert beside(checkpoint, WEIGHTS[:layers] + WEIGHTS[2:]) == expected


def test_all_layers_and_all_towers_count(tmp_path: Path) -> None:
    """A program may have the layers twice, to train and to validate."""
    assert beside(saved(tmp_path / "a", [of(tf.nn.relu)] * 2, towers=2)) == "relu"
    assert beside(saved(tmp_path / "b", [of(tf.nn.relu), of(tf.tanh)])) is None
    functions = iter([tf.nn.relu, tf.nn.relu, tf.nn.relu, tf.tanh])

    def the_next(product: Any, biases: Any, _: Any) -> Any:
        return next(functions)(product + biases)

    assert beside(saved(tmp_path / "c", [the_next] * 2, towers=2)) is None


def test_another_order_of_layers_than_the_graph_has_is_told_nothing_of(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, [of(tf.nn.relu)] * 2)
    assert beside(checkpoint, ["two/w", "one/w", "three/w"]) is None
    assert beside(checkpoint, ["one/w", "other/w", "three/w"]) is None


def test_the_newest_graph_there_is(tmp_path: Path) -> None:
    """A program may save it once, or not yet."""
    first = saved(tmp_path, [of(tf.tanh)] * 2)
    later = [Checkpoint(tmp_path / f"m-{step}", step) for step in (4, 5)]
    names = [name for w in WEIGHTS for name in (w, biases_of(w))]
    assert activation_beside([first, *later], names) == "tanh"
    saved(tmp_path / "other", [of(tf.sigmoid)] * 2)
    (tmp_path / "other" / "m-3.meta").rename(graph_file(later[0]))
    assert activation_beside([first, *later], names) == "sigmoid"
    whole = graph_file(later[0]).read_bytes()
    info = v1.MetaGraphDef(meta_info_def=v1.MetaGraphDef.FromString(whole).meta_info_def)
    beginning = info.SerializeToString()
    assert whole.startswith(beginning)
    assert len(beginning) > 1_000
    for part in (b"", beginning[:1_000], beginning, whole[: len(whole) // 2]):  # while it is written
        graph_file(later[1]).write_bytes(part)
        assert activation_beside([first, *later], names) == "sigmoid"
    saved(tmp_path / "third", [of(tf.nn.elu)] * 2)
    (tmp_path / "third" / "m-3.meta").rename(graph_file(later[1]))
    assert activation_beside([first, *later], names) == ""  # it goes before older ones that tell something
    for file in tmp_path.glob("*.meta"):
        file.unlink()
    assert activation_beside([first, *later], names) is None


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_is_more_than_a_graph_that_tells_nothing(tmp_path: Path, data: st.DataObject) -> None:
    whole = tmp_path / "m-3.meta"
    if not whole.exists():
        saved(tmp_path, [of(tf.nn.relu)] * 2)
    content = whole.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    places = data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=9))
    damaged = bytearray(content[:cut])
    for place, value in places:
        if place < cut:
            damaged[place] = value
    other = Checkpoint(tmp_path / f"damaged-{hash(bytes(damaged)) & 0xFFFFFF}", 3)
    graph_file(other).write_bytes(damaged)
    assert beside(other) in {None, "relu", "none", "tanh", "sigmoid"}
    if not places and cut < len(content) // 2:
        assert beside(other) is None


def test_what_is_no_graph(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "m-3", 3)
    file = graph_file(checkpoint)
    os.mkfifo(file)  # to open it as a file is opened would wait for ever
    assert beside(checkpoint) is None
    file.unlink()
    file.mkdir()
    assert beside(checkpoint) is None
    file.rmdir()
    file.write_bytes(b"\x12" * 100_000)
    assert beside(checkpoint) is None
    node = b"\x12\x04\x0a\x02\x0a\x00"  # a graph with a node, as often as one likes
    file.write_bytes(node * 30_000)
    assert beside(checkpoint) is None
    with file.open("wb") as large:
        large.truncate(5 * 2**20)
    assert beside(checkpoint) is None


def test_a_graph_that_goes_many_ways_costs_no_more_than_its_size(tmp_path: Path) -> None:
    """Thousands of products behind a long way from one to the other."""
    nodes = [
        {"name": "x", "op": "Placeholder"},
        *({"name": name, "op": "VariableV2"} for w in WEIGHTS[:2] for name in (w, biases_of(w))),
        {"name": "p", "op": "MatMul", "input": ["x", WEIGHTS[0]]},
        *({"name": f"i{k}", "op": "Identity", "input": [f"i{k - 1}" if k else "p"]} for k in range(9_000)),
        *({"name": f"q{k}", "op": "MatMul", "input": ["i8999", WEIGHTS[1]]} for k in range(9_000)),
    ]
    checkpoint = Checkpoint(tmp_path / "m-3", 3)
    meta = v1.MetaGraphDef(graph_def=v1.GraphDef(node=[v1.NodeDef(**node) for node in nodes]))
    graph_file(checkpoint).write_bytes(meta.SerializeToString())
    assert beside(checkpoint, WEIGHTS[:2]) is None  # to go all ways back would take minutes
