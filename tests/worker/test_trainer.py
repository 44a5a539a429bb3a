"""Against TensorFlow's own optimisers and averages, in a compat.v1 graph fed the same batches."""

from typing import Any

import numpy as np
import pytest

from shadowboard.averaging import Average
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.dataset import Dataset, as_float
from shadowboard.errors import CheckpointUnsuitable, ConfigurationInvalid
from tests.oracles import reference_programs
from worker.trainer import State, Trainer, image_order

TWO = [{"decay": 0.99}, {"decay": 0.999, "num_updates": False}]


def arrays(state: State) -> dict[str, np.ndarray]:
    return {name: np.asarray(tensor) for name, tensor in state.tensors().items()}


def assert_same_bytes(one: State, other: State) -> None:
    ours, theirs = arrays(one), arrays(other)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name].tobytes() == theirs[name].tobytes(), name


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"averages": [{"decay": 0.99, "num_updates": False}]},
        {"averages": TWO},
        {"optimizer": "momentum", "momentum": 0.9, "learning_rate": 0.08, "averages": TWO},
        {"hidden": [], "learning_rate": 0.2},
        {"hidden": [40, 30], "activation": "tanh", "batch_size": 64, "regularization": 0.001},
    ],
    ids=["reference", "no num_updates", "two decays", "momentum", "no hidden layer", "two hidden layers"],
)
def test_a_hundred_steps_equal_tensorflows(mnist: Dataset, knobs: dict[str, Any]) -> None:
    config = parse_config(knobs)
    trainer = Trainer(config, mnist.train)
    state = trainer.initial()
    initial = {name: np.asarray(w) for name, w in state.weights.items()}
    expected, expected_losses = reference_programs.train(
        None,
        as_float(mnist.train.images),
        mnist.train.labels.astype(np.int32),
        image_order(config.seed, len(mnist.train), 0, 100 * config.batch_size),
        initial,
        steps=100,
        batch_size=config.batch_size,
        hidden=config.hidden,
        activation=config.activation,
        learning_rate=config.learning_rate,
        learning_rate_decay=config.learning_rate_decay,
        regularization=config.regularization,
        steps_per_epoch=len(mnist.train) / config.batch_size,
        momentum=config.momentum if config.optimizer == "momentum" else None,
        averages=[(a.decay, a.num_updates, a.name) for a in config.averages],
    )
    state, losses = trainer.advance(state, 100)
    ours = arrays(state)
    assert ours.keys() == expected.keys()
    assert ours["global_step"] == expected["global_step"] == 100
    for name, value in expected.items():
        assert np.linalg.norm(ours[name] - value) <= 1e-5 * np.linalg.norm(value), name
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)


def test_the_result_does_not_depend_on_the_chunks(mnist: Dataset) -> None:
    trainer = Trainer(parse_config({"averages": TWO, "batch_size": 64}), mnist.train)
    whole, losses = trainer.advance(trainer.initial(), 300)
    parts, state = [], trainer.initial()
    for count in (1, 20, 159, 120):
        state, some = trainer.advance(state, count)
        parts.append(some)
    assert_same_bytes(whole, state)
    np.testing.assert_array_equal(losses, np.concatenate(parts))


def test_a_restored_state_goes_on_alike(mnist: Dataset) -> None:
    config = parse_config({"optimizer": "momentum", "learning_rate": 0.05, "averages": TWO})
    trainer = Trainer(config, mnist.train)
    middle, _ = trainer.advance(trainer.initial(), 50)
    whole, _ = trainer.advance(middle, 50)
    again = Trainer(config, mnist.train)
    resumed, _ = again.advance(again.restore(arrays(middle)), 50)
    assert_same_bytes(whole, resumed)


def test_every_image_is_seen_once_an_epoch() -> None:
    stream = image_order(seed=5, images=70, start=0, stop=210)
    for epoch in range(3):
        assert sorted(stream[epoch * 70 : (epoch + 1) * 70]) == list(range(70))
    assert not np.array_equal(stream[:70], stream[70:140])
    np.testing.assert_array_equal(image_order(5, 70, 33, 177), stream[33:177])
    assert not np.array_equal(image_order(6, 70, 0, 70), stream[:70])


def test_the_order_of_an_epoch_never_changes() -> None:
    """Runs are resumed by later versions, so these very numbers are a promise."""
    assert image_order(0, 12, 0, 12).tolist() == [0, 2, 11, 9, 1, 8, 5, 4, 3, 10, 6, 7]


def test_the_first_bad_step_is_found(mnist: Dataset) -> None:
    config = RunConfig(learning_rate=100_000.0, averages=(Average(name="a"),))
    trainer = Trainer(config, mnist.train)
    start = trainer.initial()
    bad = trainer.first_bad_step(start, 60)
    before, losses = trainer.advance(start, bad - 1)
    assert np.isfinite(losses).all()
    assert trainer.is_finite(before)
    after, losses = trainer.advance(start, bad)
    assert not (np.isfinite(losses).all() and trainer.is_finite(after))


def test_a_checkpoint_of_another_network_is_refused(mnist: Dataset) -> None:
    trainer = Trainer(RunConfig(hidden=(20,)), mnist.train)
    other = arrays(Trainer(RunConfig(hidden=(30,)), mnist.train).initial())
    with pytest.raises(
        CheckpointUnsuitable, match=r"layer1/weights has shape \[784, 30\].*needs \[784, 20\]"
    ):
        trainer.restore(other)
    del other["layer1/weights"]
    with pytest.raises(CheckpointUnsuitable, match="holds no layer1/weights"):
        trainer.restore(other)


def test_a_batch_larger_than_the_data_is_refused(mnist: Dataset) -> None:
    with pytest.raises(ConfigurationInvalid, match="batch_size is 60000, but there are only 55000 training"):
        Trainer(RunConfig(batch_size=60_000), mnist.train)
