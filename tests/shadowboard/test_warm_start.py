"""What a run takes from checkpoints, of runs and of other programs: matched, afresh, left over, refused."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from shadowboard import checkpoints
from shadowboard.checkpoints import Checkpoint
from shadowboard.errors import CheckpointDamaged, CheckpointUnsuitable, ConfigurationInvalid
from shadowboard.folder_sight import look
from shadowboard.start_from import StartFrom
from shadowboard.warm_start import Fresh, LeftOver, Taken, initial_values, plan, shapes_of

EMA = "ExponentialMovingAverage"
RANDOM = np.random.default_rng(0)
Arrays = dict[str, NDArray[Any]]


def arrays(hidden: Sequence[int]) -> Arrays:
    return {name: RANDOM.random(shape, np.float32) for name, shape in shapes_of(hidden).items()}


def shadowed(weights: Mapping[str, NDArray[Any]], *without: str) -> Arrays:
    """With averages, slots and a step, as a run saves them."""
    averages = {f"{name}/{EMA}": w + 1 for name, w in weights.items() if name not in without}
    slots = {f"{name}/Momentum": w for name, w in weights.items()}
    return {**weights, **averages, **slots, "global_step": np.int64(7)}


@pytest.fixture(scope="module")
def two_layers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkpoint, Arrays]:
    """784 → 6 → 10 with an average, as a run saves it."""
    stored = shadowed(arrays([6]))
    return checkpoints.save(tmp_path_factory.mktemp("two layers"), 7, stored), stored


def start(*mappings: str, average: str = "", partial: bool = False) -> StartFrom:
    return StartFrom(run="abc", step=7, average=average, map=mappings, partial=partial)


def test_all_of_a_network_of_the_same_shape(two_layers: tuple[Checkpoint, Arrays]) -> None:
    checkpoint, stored = two_layers
    report = plan(start(), [6], checkpoint)
    assert report.taken == tuple(Taken(n, s, n, 1.0, False) for n, s in shapes_of([6]).items())
    assert (report.fresh, report.left_over) == ((), ())
    values = initial_values(report, checkpoint)
    for name in shapes_of([6]):
        np.testing.assert_array_equal(values[name], stored[name])
    assert report.sentence == "4 of 4 variables start with raw weights."


def test_the_first_layers_of_a_deeper_network(two_layers: tuple[Checkpoint, Arrays]) -> None:
    checkpoint, stored = two_layers
    with pytest.raises(CheckpointUnsuitable) as caught:
        plan(start(), [6, 5], checkpoint)
    assert str(caught.value) == (
        "layer2/weights is [6, 5] in this run and [6, 10] in model.ckpt-7, layer2/biases is [5] in this "
        "run and [10] in model.ckpt-7; expected equal shapes. Map such a variable, or start partially: "
        "what differs is then initialised afresh."
    )
    report = plan(start(average=EMA, partial=True), [6, 5], checkpoint)
    assert [(one.variable, one.name, one.averaged) for one in report.taken] == [
        ("layer1/weights", f"layer1/weights/{EMA}", True),
        ("layer1/biases", f"layer1/biases/{EMA}", True),
    ]
    assert report.fresh == (
        Fresh("layer2/weights", (6, 5), "shape", (6, 10)),
        Fresh("layer2/biases", (5,), "shape", (10,)),
        Fresh("layer3/weights", (5, 10), "missing"),
        Fresh("layer3/biases", (10,), "missing"),
    )
    assert report.left_over == (LeftOver("layer2/biases", (10,)), LeftOver("layer2/weights", (6, 10)))
    values = initial_values(report, checkpoint)
    assert set(values) == {"layer1/weights", "layer1/biases"}
    np.testing.assert_array_equal(values["layer1/weights"], stored[f"layer1/weights/{EMA}"])
    assert report.lines == [
        "Starts from model.ckpt-7 of the run abc: 2 of 6 variables start with averaged weights "
        f"({EMA}); 4 are initialised afresh; 2 of the checkpoint are left over.",
        f"  layer1/weights [784, 6] ← layer1/weights/{EMA}",
        f"  layer1/biases [6] ← layer1/biases/{EMA}",
        "  layer2/weights [6, 5] afresh: it is [6, 10] in the checkpoint",
        "  layer2/biases [5] afresh: it is [10] in the checkpoint",
        "  layer3/weights [5, 10] afresh: not in the checkpoint",
        "  layer3/biases [10] afresh: not in the checkpoint",
        "  left over: layer2/biases [10]",
        "  left over: layer2/weights [6, 10]",
    ]


def test_renames_multiples_and_what_is_to_be_fresh(two_layers: tuple[Checkpoint, Arrays]) -> None:
    """The last layer of the one becomes the last of the other; a mapping follows the weights chosen."""
    checkpoint, stored = two_layers
    mappings = [
        "layer3/weights=layer2/weights*0.2",
        "layer3/biases=layer2/biases*-1",
        "layer2/weights=",
        "layer2/biases=",
    ]
    report = plan(start(*mappings, average=EMA), [6, 6], checkpoint)
    values = initial_values(report, checkpoint)
    np.testing.assert_array_equal(values["layer3/weights"], stored[f"layer2/weights/{EMA}"] * np.float32(0.2))
    np.testing.assert_array_equal(values["layer3/biases"], -stored[f"layer2/biases/{EMA}"])
    assert [(one.variable, one.why) for one in report.fresh] == [
        ("layer2/weights", "asked"), ("layer2/biases", "asked"),
    ]  # fmt: skip
    assert report.left_over == ()
    assert f"  layer3/weights [6, 10] ← layer2/weights/{EMA} × 0.2" in report.lines
    assert "  layer2/biases [6] afresh, as asked" in report.lines


def test_what_has_no_average_is_taken_raw_and_that_is_said(tmp_path: Path) -> None:
    stored = shadowed(arrays([6]), "layer2/biases")
    checkpoint = checkpoints.save(tmp_path, 7, stored)
    report = plan(start(average=EMA), [6], checkpoint)
    assert [one.variable for one in report.taken if not one.averaged] == ["layer2/biases"]
    assert report.sentence == (
        f"4 of 4 variables start with averaged weights ({EMA}), 1 of them raw, for there is no such average "
        "of it."
    )


def test_a_checkpoint_that_is_no_network_is_taken_from_by_name(tmp_path: Path) -> None:
    stored = {"old/weights": RANDOM.random((784, 6)), f"old/weights/{EMA}": RANDOM.random((784, 6))}
    checkpoint = checkpoints.save(tmp_path, 7, stored)  # in float64
    for average, name in (("", "old/weights"), (EMA, f"old/weights/{EMA}")):
        report = plan(start("layer1/weights=old/weights*0.2", average=average), [6], checkpoint)
        (value,) = initial_values(report, checkpoint).values()
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, stored[name].astype(np.float32) * np.float32(0.2))


class Net(tf.Module):
    def __init__(self, hidden: Sequence[int]) -> None:
        super().__init__()
        self.parts = [tf.Variable(value) for value in arrays(hidden).values()]


def test_another_programs_names_are_matched_by_their_places(tmp_path: Path) -> None:
    net, ema = Net([6]), Net([6])
    path = tf.train.Checkpoint(net=net, ema=ema).write(str(tmp_path / "theirs-7"))
    checkpoint = Checkpoint(Path(path), 7)
    for average, part in (("", net), ("ema", ema)):
        report = plan(start(average=average), [6], checkpoint)
        assert (report.fresh, report.left_over) == ((), ())
        values = initial_values(report, checkpoint)
        for value, variable in zip(values.values(), part.parts, strict=True):
            np.testing.assert_array_equal(value, variable.numpy())
    report = plan(start("layer1/biases=net/parts/1*0.5", partial=True), [6, 6], checkpoint)
    values = initial_values(report, checkpoint)
    np.testing.assert_array_equal(values["layer1/biases"], net.parts[1].numpy() / 2)
    assert [left.name for left in report.left_over] == ["net/parts/2", "net/parts/3"]


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras' own
def test_a_file_of_keras(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(6), keras.layers.Dense(10)])
    model.save_weights(tmp_path / "model-7.weights.h5")
    (checkpoint,) = look(tmp_path).checkpoints
    report = plan(start("layer1/weights=layers/dense/vars/0*2"), [6], checkpoint)
    values = initial_values(report, checkpoint)
    for value, given, times in zip(values.values(), model.get_weights(), (2, 1, 1, 1), strict=True):
        np.testing.assert_array_equal(value, given * np.float32(times))


@pytest.mark.parametrize(
    ("asked", "hidden", "kind", "sentence"),
    [
        (
            start(average="EMA_0.9"), 6, CheckpointUnsuitable,
            f"The checkpoint model.ckpt-7 holds no average called EMA_0.9; it holds: {EMA}.",
        ),
        (
            start("layer1/weigths=layer1/weights"), 6, ConfigurationInvalid,
            "start_from.map is about layer1/weigths, which this run has not got; near it: layer1/weights",
        ),
        (start("w="), 6, ConfigurationInvalid, "this run has not got; it has layer1/weights, layer1/biases,"),
        (
            start("layer1/weights=layer1/weigths"), 6, CheckpointUnsuitable,
            "model.ckpt-7 holds no layer1/weigths (near it: layer1/weights",
        ),
        (
            start("layer1/biases=layer1/weights", partial=True), 6, CheckpointUnsuitable,
            "layer1/biases is [6] in this run, and layer1/weights is [784, 6] in model.ckpt-7; expected",
        ),
        (
            start("layer1/biases=global_step"), 6, CheckpointUnsuitable,
            "global_step in model.ckpt-7 is int64, for layer1/biases to start with; expected one of bfloat16",
        ),
        (
            start("layer2/biases=", partial=True), 5, CheckpointUnsuitable,
            "Nothing would be taken from model.ckpt-7, which holds layer1/biases, layer1/weights, "
            "layer2/biases and 1 more; expected some of layer1/weights, ",
        ),
    ],
    ids=["average", "variable", "far variable", "name", "shape", "type", "nothing"],
)  # fmt: skip
def test_what_is_not_possible_is_told(
    two_layers: tuple[Checkpoint, Arrays],
    asked: StartFrom,
    hidden: int,
    kind: type[Exception],
    sentence: str,
) -> None:
    with pytest.raises(kind) as caught:
        plan(asked, [hidden], two_layers[0])
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("value", "factor"), [(np.nan, 1), (3e38, 2), (1.0, 1e300)])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, value: float, factor: float) -> None:
    checkpoint = checkpoints.save(tmp_path, 7, {"w": np.full([10], value, np.float32)})
    report = plan(start(f"layer1/biases=w*{factor}"), [], checkpoint)
    with pytest.raises(CheckpointUnsuitable, match=r"of model\.ckpt-7 is not finite, for layer1/biases"):
        initial_values(report, checkpoint)


def test_damaged_values_are_noticed(tmp_path: Path) -> None:
    checkpoint = checkpoints.save(tmp_path, 7, arrays([6]))
    report = plan(start(), [6], checkpoint)
    (data,) = tmp_path.glob("*.data-*")
    data.write_bytes(b"x" * data.stat().st_size)
    with pytest.raises(CheckpointDamaged, match="checksum"):
        initial_values(report, checkpoint)
