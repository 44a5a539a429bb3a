"""Activation functions as checkpoints of other programs tell them."""

import numpy as np
import pytest

from shadowboard.activations import ToldWeights, activation_of
from shadowboard.dataset import Split
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.evaluation import evaluate, probabilities
from shadowboard.given_network import GivenNetwork, GivenWeights, converted
from shadowboard.keras_config import common_activation
from shadowboard.network import init


def test_one_function_of_all_layers() -> None:
    assert common_activation(["linear", "linear"]) == "none"
    for different in (["relu", "tanh"], ["gelu"]):
        with pytest.raises(CheckpointUnsuitable) as raised:
            common_activation(different)
        assert str(raised.value) == (
            f"The hidden layers are {', '.join(different)}; "
            "expected all of them to be one of relu, tanh, sigmoid, linear. "
            "`shadowboard watch … --network package.module:logits` reads any other."
        )


def test_what_a_checkpoint_tells_is_what_is_read_with() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (30, 784), np.uint8)
    split, images = Split(pixels, rng.integers(0, 10, 30, np.uint8)), pixels / np.float32(255)
    plain = {name: np.asarray(value) for name, value in init([8], seed=1).items()}
    told = ToldWeights(plain, "tanh")
    assert (activation_of(told, "relu"), activation_of(plain, "relu")) == ("tanh", "relu")
    logits = np.tanh(images @ plain["layer1/weights"] + plain["layer1/biases"]) @ plain["layer2/weights"]
    given = GivenWeights(plain, GivenNetwork("mine:logits", lambda *_: logits + plain["layer2/biases"]))
    alike = [evaluate(weights, split, "relu") for weights in (told, given)]
    assert alike[0].loss == pytest.approx(alike[1].loss, rel=1e-5)
    assert evaluate(plain, split, "relu").loss != pytest.approx(alike[1].loss, rel=1e-3)
    for some in (images, images * (np.arange(784) < 100)):  # all pixels have ink, and few
        found = probabilities([told, plain, converted(told, lambda value: value)], some, "relu")
        np.testing.assert_allclose(found[:, 0], probabilities([plain], some, "tanh")[:, 0], rtol=1e-5)
        np.testing.assert_array_equal(found[:, 1], probabilities([plain], some, "relu")[:, 0])
        np.testing.assert_array_equal(found[:, 2], found[:, 0])
    np.testing.assert_allclose(
        probabilities([given, told], images, "relu")[:, 0], probabilities([told], images)[:, 0], rtol=1e-4
    )
