"""Against a forward pass in NumPy."""

import numpy as np
import pytest

from shadowboard.network import entropy, init, logits, penalty

IMAGES = np.random.default_rng(0).random((7, 784), np.float32)
LABELS = np.array([0, 1, 2, 3, 4, 5, 9], np.int32)
FUNCTIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "none": lambda x: x,
}


def numpy_logits(weights: dict[str, np.ndarray], activation: str) -> np.ndarray:
    values = IMAGES.astype(np.float64)
    layers = len(weights) // 2
    for i in range(1, layers + 1):
        values = values @ weights[f"layer{i}/weights"] + weights[f"layer{i}/biases"]
        values = FUNCTIONS[activation](values) if i < layers else values
    return values


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("hidden", [(), (50,), (30, 20, 10)])
def test_logits_entropy_and_penalty_equal_numpys(hidden: tuple[int, ...], activation: str) -> None:
    weights = {name: np.asarray(w) for name, w in init(hidden, 0).items()}
    expected = numpy_logits(weights, activation)
    np.testing.assert_allclose(logits(weights, IMAGES, activation), expected, rtol=1e-4, atol=1e-5)
    entropies = np.log(np.exp(expected).sum(1)) - expected[np.arange(7), LABELS]
    assert float(entropy(weights, IMAGES, LABELS, activation)) == pytest.approx(entropies.mean(), rel=1e-5)
    squares = sum((w.astype(np.float64) ** 2).sum() / 2 for n, w in weights.items() if n.endswith("weights"))
    assert float(penalty(weights, 0.01)) == pytest.approx(0.01 * squares, rel=1e-5)


def test_initial_weights_are_those_of_the_reference_and_a_function_of_the_seed() -> None:
    weights = init((500,), 3)
    first = np.asarray(weights["layer1/weights"])
    assert {n: w.shape for n, w in weights.items()} == {
        "layer1/weights": (784, 500),
        "layer1/biases": (500,),
        "layer2/weights": (500, 10),
        "layer2/biases": (10,),
    }
    assert np.abs(first).max() <= 0.2 + 1e-6  # truncated at two standard deviations …
    assert first.std() == pytest.approx(0.088, abs=0.001)  # … which makes 0.1 this
    assert not np.asarray(weights["layer1/biases"]).any()
    np.testing.assert_array_equal(first, init((500,), 3)["layer1/weights"])
    assert not np.array_equal(first, init((500,), 4)["layer1/weights"])
