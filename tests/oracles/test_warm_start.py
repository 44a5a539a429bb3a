"""A start from another checkpoint, beside a Saver that restores the same names in TensorFlow's own graph."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from shadowboard import checkpoints
from shadowboard.averaging import FIRST_NAME as EMA
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.dataset import Dataset, as_float
from shadowboard.listing import Checkpoint, find
from shadowboard.start_from import StartFrom
from tests.oracles import reference_programs
from worker.trainer import Trainer, image_order
from worker.training import Started, train

v1 = tf.compat.v1
STEPS = 30


@pytest.fixture(scope="module")
def trained(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """784 → 30 → 10, trained by the reference's own program."""
    folder = tmp_path_factory.mktemp("trained")
    reference_programs.train(
        folder,
        as_float(mnist.train.images[:2000]),
        mnist.train.labels[:2000].astype(np.int32),
        reference_programs.shuffled_order(2000, STEPS, 100),
        reference_programs.initial_values((30,)),
        steps=STEPS,
        hidden=(30,),
    )
    return folder


def deeper(folder: Path, *mappings: str, average: str = "") -> RunConfig:
    start = {"folder": str(folder), "step": STEPS, "average": average, "map": mappings, "partial": True}
    knobs = {
        "steps": STEPS,
        "hidden": [30, 30],
        "optimizer": "momentum",
        "learning_rate": 0.1,
        "batch_size": 50,
    }
    return parse_config(knobs | {"start_from": start})


def source(folder: Path) -> Callable[[StartFrom], Checkpoint]:
    return lambda start: find(folder, start.step)


def restored(prefix: str, names: dict[str, str], fresh: dict[str, Any]) -> dict[str, Any]:
    """A graph's variables after a Saver with a dict (name in the checkpoint → variable); the rest `fresh`."""
    with tf.Graph().as_default(), v1.Session() as session:
        variables = {
            name: v1.get_variable(name, initializer=np.asarray(value)) for name, value in fresh.items()
        }
        session.run(v1.global_variables_initializer())
        v1.train.Saver({name: variables[variable] for name, variable in names.items()}).restore(
            session, prefix
        )
        return session.run(variables)


@pytest.mark.parametrize("average", ["", EMA], ids=["raw", "averaged"])
def test_a_partial_restore_with_renames(mnist: Dataset, trained: Path, tmp_path: Path, average: str) -> None:
    config = deeper(trained, "layer3/weights=layer2/weights", "layer3/biases=layer2/biases", average=average)
    events = train(config, mnist.train, tmp_path, lambda: True, source(trained))
    started = next(event for event in events if isinstance(event, Started))
    assert started.start
    list(events)
    ours = checkpoints.read(find(tmp_path, 0))
    suffix = f"/{average}" if average else ""
    names = {
        f"{name}{suffix}": variable
        for name, variable in (
            ("layer1/weights", "layer1/weights"),
            ("layer1/biases", "layer1/biases"),
            ("layer2/weights", "layer3/weights"),
            ("layer2/biases", "layer3/biases"),
        )
    }
    assert {one.name: one.variable for one in started.start.taken} == names
    by_seed = Trainer(parse_config({"hidden": [30, 30]}), mnist.train).initial().weights
    prefix = tf.train.latest_checkpoint(str(trained))
    for name, value in restored(prefix, names, by_seed).items():
        np.testing.assert_array_equal(ours[name], value)
        np.testing.assert_array_equal(ours[f"{name}/{EMA}"], value)  # a shadow starts at its variable's value
        assert not ours[f"{name}/Momentum"].any()
    assert ours["global_step"] == 0


def test_a_multiple_of_another_variables_value(mnist: Dataset, trained: Path, tmp_path: Path) -> None:
    config = deeper(trained, "layer1/weights=layer1/weights*0.2")
    list(train(config, mnist.train, tmp_path, lambda: True, source(trained)))
    with tf.Graph().as_default(), v1.Session() as session:
        other = v1.get_variable("layer1/weights", [784, 30])
        v1.train.Saver([other]).restore(session, tf.train.latest_checkpoint(str(trained)))
        multiple = v1.get_variable("w2", initializer=other.read_value() * 0.2)
        session.run(multiple.initializer)
        expected = session.run(multiple)
    np.testing.assert_array_equal(
        checkpoints.read(find(tmp_path, 0), ["layer1/weights"])["layer1/weights"], expected
    )


def test_the_training_goes_on_as_tensorflows(mnist: Dataset, trained: Path, tmp_path: Path) -> None:
    """From the values of a start, step by step, with slots and shadows that begin with it."""
    config = deeper(trained, average=EMA)
    list(train(config, mnist.train, tmp_path, lambda: False, source(trained)))
    ours, first = (checkpoints.read(find(tmp_path, step)) for step in (STEPS, 0))
    theirs, _ = reference_programs.train(
        None,
        as_float(mnist.train.images),
        mnist.train.labels.astype(np.int32),
        image_order(config.seed, len(mnist.train), 0, STEPS * 50),
        {name: first[name] for name in reference_programs.layer_shapes((30, 30))},
        steps=STEPS,
        batch_size=50,
        hidden=(30, 30),
        learning_rate=0.1,
        momentum=0.9,
        steps_per_epoch=len(mnist.train) // 50,
    )
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], atol=2e-4, err_msg=name)
