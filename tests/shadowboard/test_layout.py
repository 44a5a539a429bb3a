"""Networks of other programs, written by TensorFlow and Keras themselves, recognised by names and shapes."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from shadowboard.checkpoints import Checkpoint
from shadowboard.contents import open_contents
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.inspection import inspect
from shadowboard.inspection import values as read
from shadowboard.layout import layout_of, recognise, variable_names
from shadowboard.restore_map import variables_to_restore
from shadowboard.roles import Variable
from shadowboard.start_source import open_source
from shadowboard.weights import averages_of, layout_in, restore
from tests.shadowboard.test_distribution import assert_compares

v1 = tf.compat.v1
RANDOM = np.random.default_rng(0)


def arrays(hidden: Sequence[int] = (7, 5)) -> list[np.ndarray]:
    """Weights and biases in turn."""
    shapes = [s for i, o in pairwise([784, *hidden, 10]) for s in ((i, o), (o,))]
    return [RANDOM.random(shape, np.float32) for shape in shapes]


def floats(shapes: dict[str, tuple[int, ...]]) -> dict[str, Variable]:
    """A checkpoint's tensors of these shapes."""
    return {name: Variable(shape, "float32") for name, shape in shapes.items()}


def test_a_checkpoints_network_is_recognised() -> None:
    shapes = {name: w.shape for name, w in zip(variable_names(3), arrays((30, 20)), strict=True)}
    assert recognise({**shapes, "global_step": (), "layer1/weights/Momentum": (784, 30)}) == variable_names(3)


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        ({}, "holds no weights; expected a chain 784 → … → 10 of dense layers"),
        ({"layer1/weights": (784, 10)}, r"biases \[\]; expected \[784, 10\] and \[10\]"),
        ({"layer1/weights": (10, 784), "layer1/biases": (784,)}, r"\[10, 784\]"),
        ({"layer1/weights": (784, 11), "layer1/biases": (11,)}, r"expected \[784, 10\]"),
        ({"w": (784, 10)}, r"The checkpoint holds w \[784, 10\]; expected a chain"),
        ({"w": (784, 10), "b": (10,), "gamma": (784,)}, r"holds b \[10\], gamma \[784\], w \[784, 10\]"),
        ({"conv": (5, 5, 1, 32), "w": (784, 10), "b": (10,)}, r"conv \[5, 5, 1, 32\]"),
        ({"w": (784, 30), "b": (30,)}, r"b \[30\], w \[784, 30\]"),
        ({f"w{i}": (784, 784) for i in range(40)} | {f"b{i}": (784,) for i in range(40)}, "and 77 more"),
        (
            {"a/w": (784, 10), "a/b": (10,), "z/w": (784, 10), "z/b": (10,)},
            "holds several networks, a, z; expected a chain",
        ),
    ],
)
def test_what_is_no_such_network_is_refused(shapes: dict[str, tuple[int, ...]], sentence: str) -> None:
    with pytest.raises(CheckpointUnsuitable, match=sentence):
        layout_of(floats(shapes))


@given(
    st.lists(st.integers(1, 4), max_size=6),
    st.permutations(list("abcdefghijklmn")),
    st.sampled_from(["{0}/kernel {0}/bias", "w{0} b{0}", "net/{0}/w net/{0}/b", "{0}_matrix {0}_vector"]),
)
def test_whatever_the_layers_are_called(hidden: list[int], order: list[str], naming: str) -> None:
    """Layers are ordered by their shapes; those that could change places, by their names."""
    first, second = naming.split()
    widths = [784, *hidden, 10]
    places = sorted(order[: len(widths) - 1]) if len(set(hidden)) < len(hidden) else order
    names = [pattern.format(places[i]) for i in range(len(widths) - 1) for pattern in (first, second)]
    shapes = {
        name: shape
        for i, (inputs, units) in enumerate(pairwise(widths))
        for name, shape in ((names[2 * i], (inputs, units)), (names[2 * i + 1], (units,)))
    }
    found = layout_of(floats(dict(sorted(shapes.items()))))
    chain = [shapes[name] for name in found.variables]
    assert [shape[0] for shape in chain[::2]] == widths[:-1]
    assert chain[1::2] == [(units,) for units in widths[1:]]
    assert sorted(found.variables) == sorted(shapes)
    if len(set(hidden)) == len(hidden):
        assert list(found.variables) == names
    assert found.averages == {}


@pytest.mark.parametrize(
    "matrices",
    [
        [*((a, b) for a in range(20, 26) for b in range(20, 26) if a != b), (784, 20), (20, 10), (2, 2)],
        [(784, 7), *[(7, 7)] * 1_200, (7, 10)],
    ],
    ids=["apart", "long"],
)
def test_no_network_takes_long_to_be_refused(matrices: list[tuple[int, int]]) -> None:
    shapes: dict[str, tuple[int, ...]] = {f"w{i}": shape for i, shape in enumerate(matrices)}
    shapes |= {f"b{i}": (shape[1],) for i, shape in enumerate(matrices)}
    with pytest.raises(CheckpointUnsuitable, match="expected a chain 784"):
        layout_of(floats(shapes))


def test_widths_that_come_again() -> None:
    """The first by name would be a dead end."""
    shapes = {"a": (7, 10), "b": (7, 5), "c": (5, 7), "d": (784, 7)}
    biases = {f"{name}_b": (shape[1],) for name, shape in shapes.items()}
    found = layout_of(floats({**shapes, **biases}))
    assert found.variables[::2] == ("d", "b", "c", "a")


def test_a_number_of_any_length_in_a_name() -> None:
    names = [f"layer{'9' * 5_000}", "layer10", "layer9"]
    shapes: dict[str, tuple[int, ...]] = {f"{name}/w": (7, 7) for name in names}
    shapes |= {f"{name}/b": (7,) for name in names}
    shapes |= {"layer1/w": (784, 7), "layer1/b": (7,), "out/w": (7, 10), "out/b": (10,)}
    assert [name.partition("/")[0] for name in layout_of(floats(shapes)).variables[2:-2:2]] == names[::-1]


def saved_by_a_saver(folder: Path, raw: list[np.ndarray], averaged: list[np.ndarray]) -> Checkpoint:
    """With names that TensorFlow gives to variables that nobody named, and an optimiser's slots."""
    with tf.Graph().as_default(), v1.Session() as session:
        variables = [v1.Variable(value) for value in raw]
        average = v1.train.ExponentialMovingAverage(0.5)
        applied = average.apply(variables)
        loss = tf.add_n([tf.reduce_sum(v) for v in variables])
        v1.train.AdamOptimizer().minimize(loss, v1.train.get_or_create_global_step())
        session.run(v1.global_variables_initializer())
        session.run(applied)
        for variable, value in zip(variables, averaged, strict=True):
            average.average(variable).load(value, session)
        path = v1.train.Saver().save(session, str(folder / "my.model"), global_step=12)
    return Checkpoint(Path(path), 12)


class Net(tf.Module):
    """Weights and biases as attributes, created in the order given."""

    def __init__(self, values: list[np.ndarray]) -> None:
        super().__init__()
        for i, value in enumerate(values):
            setattr(self, f"{'wb'[i % 2]}{i // 2}", tf.Variable(value))


def saved_as_two_modules(folder: Path, raw: list[np.ndarray], averaged: list[np.ndarray]) -> Checkpoint:
    checkpoint = tf.train.Checkpoint(net=Net(raw), ema=Net(averaged), step=tf.Variable(12, dtype=tf.int64))
    return Checkpoint(Path(checkpoint.save(str(folder / "ckpt"))), 1)


def saved_with_tensorflows_averages(
    folder: Path, raw: list[np.ndarray], averaged: list[np.ndarray]
) -> Checkpoint:
    net = Net(raw)
    average = tf.train.ExponentialMovingAverage(0.5)
    average.apply(net.trainable_variables)
    by_variable = {f"{'wb'[i % 2]}{i // 2}": value for i, value in enumerate(averaged)}
    for name, value in by_variable.items():
        average.average(getattr(net, name)).assign(value)
    kept = [average.average(variable) for variable in net.trainable_variables]
    return Checkpoint(Path(tf.train.Checkpoint(net=net, averages=kept).save(str(folder / "ckpt"))), 1)


def saved_by_keras(folder: Path, raw: list[np.ndarray], averaged: list[np.ndarray]) -> Checkpoint:
    model = keras.Sequential([keras.Input((784,)), *(keras.layers.Dense(len(b)) for b in raw[1::2])])
    model.set_weights(raw)
    optimizer = keras.optimizers.SGD(momentum=0.9, use_ema=True)
    optimizer.build(model.trainable_variables)
    for variable, value in zip(optimizer._model_variables_moving_average, averaged, strict=True):
        variable.assign(value)
    path = tf.train.Checkpoint(model=model, optimizer=optimizer).save(str(folder / "ckpt"))
    return Checkpoint(Path(path), 1)


def saved_as_two_models(folder: Path, raw: list[np.ndarray], averaged: list[np.ndarray]) -> Checkpoint:
    model = keras.Sequential([keras.Input((784,)), *(keras.layers.Dense(len(b)) for b in raw[1::2])])
    model.compile(keras.optimizers.SGD(momentum=0.9))
    model.optimizer.build(model.trainable_variables)
    copied = keras.models.clone_model(model)  # whose variables are called alike
    for one, values in ((model, raw), (copied, averaged)):
        one.set_weights(values)
    return Checkpoint(Path(tf.train.Checkpoint(model=model, ema_model=copied).save(str(folder / "ckpt"))), 1)


@pytest.mark.parametrize(
    ("save", "average"),
    [
        (saved_by_a_saver, "ExponentialMovingAverage"),
        (saved_as_two_modules, "ema"),
        (saved_as_two_models, "ema_model"),
        (saved_with_tensorflows_averages, "averages"),
        (saved_by_keras, "average"),
    ],
)
def test_raw_and_averaged_weights_of_other_programs(
    save: Callable[..., Checkpoint], average: str, tmp_path: Path
) -> None:
    raw, averaged = arrays(), arrays()
    checkpoint = save(tmp_path, raw, averaged)
    assert averages_of(checkpoint) == [average]
    for name, expected in ((None, raw), (average, averaged)):
        restored: dict[str, Any] = restore(checkpoint, name)
        assert list(restored) == variable_names(3)
        for value, wanted in zip(restored.values(), expected, strict=True):
            np.testing.assert_array_equal(value, wanted)
    assert_looked_into_alike(checkpoint, average, averaged)


def assert_looked_into_alike(checkpoint: Checkpoint, average: str, averaged: list[np.ndarray]) -> None:
    """Whoever looks into the checkpoint is told of the same averages as whoever evaluates it."""
    there, contents = layout_in(checkpoint), open_contents(checkpoint)
    pairs = dict(zip(there.variables, there.averages[average], strict=True))
    assert {role.of: name for name, role in contents.roles.items() if role.kind == "average"} == pairs
    raw = [name for name, role in contents.roles.items() if role.kind == "raw"]
    assert set(raw) == set(there.variables)
    found = variables_to_restore(contents.entries, there.variables, average, roles=contents.roles)
    assert found.sources == pairs
    kept = dict(zip(there.variables, averaged, strict=True))
    for variable in inspect(contents, pairs.values()):
        assert variable.role.of
        (first,) = read(contents, [variable.role.of]).values()
        assert_compares((variable.distance, variable.cosine), kept[variable.role.of], first)


def test_what_is_not_trained_has_no_average(tmp_path: Path) -> None:
    """Its raw values are taken, as where TensorFlow's own restore finds no average."""
    layers = [keras.layers.Dense(7), keras.layers.Dense(5), keras.layers.Dense(10)]
    layers[0].trainable = False
    model = keras.Sequential([keras.Input((784,)), *layers])
    optimizer = keras.optimizers.SGD(momentum=0.9, use_ema=True)
    optimizer.build(model.trainable_variables)
    averaged = arrays()[2:]
    for variable, value in zip(optimizer._model_variables_moving_average, averaged, strict=True):
        variable.assign(value)
    path = tf.train.Checkpoint(model=model, optimizer=optimizer).save(str(tmp_path / "ckpt"))
    checkpoint = Checkpoint(Path(path), 1)
    expected = [*map(np.asarray, layers[0].weights), *averaged]
    for value, wanted in zip(restore(checkpoint, "average").values(), expected, strict=True):
        np.testing.assert_array_equal(value, wanted)
    averages = [r.of for r in open_contents(checkpoint).roles.values() if r.kind == "average"]
    source = open_source(checkpoint, "average")
    assert sorted(averages) == sorted(source.averages) == sorted(layout_in(checkpoint).variables[2:])
    assert sorted(source.variables) == sorted(layout_in(checkpoint).variables)  # and no momentum


def test_an_average_that_is_not_there_is_refused(tmp_path: Path) -> None:
    checkpoint = saved_as_two_modules(tmp_path, arrays(), arrays())
    with pytest.raises(CheckpointUnsuitable, match="holds no average called other; it holds: ema"):
        restore(checkpoint, "other")
