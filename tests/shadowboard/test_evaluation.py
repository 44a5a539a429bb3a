import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowboard import network
from shadowboard.configuration import RunConfig
from shadowboard.dataset import Dataset, Split
from shadowboard.evaluation import Evaluation, evaluate
from shadowboard.quiet_tensorflow import tf
from shadowboard.store import Store


def made(labels: list[int], predictions: list[int], confidences: list[float]) -> Evaluation:
    return Evaluation(
        np.array(labels, np.uint8), np.array(predictions, np.uint8), np.array(confidences, np.float32), 1.0
    )


readings = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.floats(0, 1, width=32)), min_size=1, max_size=200
).map(lambda rows: made(*map(list, zip(*rows, strict=True))))


@given(readings)
def test_calibration_error_is_that_of_a_loop_over_the_bins(evaluation: Evaluation) -> None:
    expected = 0.0
    for m in range(15):
        low, high = m / 15, (m + 1) / 15
        inside = [
            i for i, c in enumerate(evaluation.confidences) if low < float(c) <= high or (m == 0 and c == 0)
        ]
        if inside:
            right = [evaluation.predictions[i] == evaluation.labels[i] for i in inside]
            confident = [float(evaluation.confidences[i]) for i in inside]
            gap = abs(sum(right) / len(inside) - sum(confident) / len(inside))
            expected += len(inside) / evaluation.n * gap
    assert evaluation.calibration_error == pytest.approx(expected, abs=1e-12)


def test_calibration_error_in_closed_form() -> None:
    # 3 of 4 are right at a confidence of 0.5, all 6 at one of 0.75: 0.4 · 0.25 + 0.6 · 0.25
    evaluation = made([1] * 10, [1, 1, 1, 2] + [1] * 6, [0.5] * 4 + [0.75] * 6)
    assert evaluation.calibration_error == pytest.approx(0.25)
    assert evaluation.mean_confidence == pytest.approx(0.65)
    assert made([1, 1], [1, 1], [1.0, 1.0]).calibration_error == 0
    assert made([1, 1], [2, 2], [1.0, 1.0]).calibration_error == 1
    assert made([1] * 10, [1] * 8 + [2] * 2, [0.75] * 10).calibration_error == pytest.approx(0.05)


@given(readings)
def test_confidence_and_accuracy_are_no_further_apart_than_the_calibration_error(
    evaluation: Evaluation,
) -> None:
    apart = abs(evaluation.mean_confidence - evaluation.accuracy)
    assert apart <= evaluation.calibration_error + 1e-12 <= 1 + 2e-12


def test_readings_are_those_of_a_forward_pass_in_float64(mnist: Dataset) -> None:
    weights = network.init([16], seed=3)
    images, labels = mnist.train.images[:5_100], mnist.train.labels[:5_100]  # several batches
    found = evaluate(weights, Split(images, labels))
    w1, b1, w2, b2 = (
        np.asarray(weights[name], np.float64)
        for name in ("layer1/weights", "layer1/biases", "layer2/weights", "layer2/biases")
    )
    values = np.maximum(images / 255 @ w1 + b1, 0) @ w2 + b2
    odds = np.exp(values) / np.exp(values).sum(1, keepdims=True)
    np.testing.assert_array_equal(found.predictions, odds.argmax(1))
    np.testing.assert_allclose(found.confidences, odds.max(1), rtol=1e-5)
    assert found.loss == pytest.approx(-np.log(odds[np.arange(len(labels)), labels]).mean(), rel=1e-5)
    assert found.correct == (odds.argmax(1) == labels).sum()


def test_weights_too_large_to_read_with_have_no_confidence(mnist: Dataset) -> None:
    weights = {name: value * np.float32(1e30) for name, value in network.init([16], seed=3).items()}
    found = evaluate(weights, Split(mnist.test.images[:20], mnist.test.labels[:20]))
    assert not np.isfinite(found.loss)
    assert found.mean_confidence == 0
    assert found.calibration_error == pytest.approx(found.accuracy)


def test_a_logit_that_is_no_number_is_never_the_largest(mnist: Dataset) -> None:
    """As TensorFlow has it; only one output of the network has gone astray."""
    weights = dict(network.init([16], seed=3))
    split = Split(mnist.test.images[:200], mnist.test.labels[:200])
    expected = np.array(network.logits(weights, split.images / np.float32(255)))
    expected[:, 3] = math.nan
    weights["layer2/biases"] = np.where(np.arange(10) == 3, np.float32(math.nan), weights["layer2/biases"])
    found = evaluate(weights, split)
    np.testing.assert_array_equal(found.predictions, tf.argmax(expected, 1).numpy())
    assert 3 not in found.predictions
    assert found.mean_confidence == 0
    assert math.isnan(found.loss)


@pytest.mark.parametrize("loss", [0.25, math.nan, math.inf, -math.inf])
def test_what_is_stored_is_read_again_and_a_loss_that_is_no_number_as_none(store: Store, loss: float) -> None:
    evaluation = replace(made([3, 4, 5], [3, 9, 5], [0.5, 0.25, 0.0]), loss=loss)
    run = store.create_run(RunConfig())
    row = evaluation.stored(7, "EMA", "test", 0.125)
    store.add_evaluation(run.id, *row)
    found = store.evaluation(run.id, 7, "EMA", "test")
    assert found is not None
    assert found.score == replace(row.score, id=found.score.id, created_at=found.score.created_at)
    assert (found.score.n, found.score.correct, found.score.seconds) == (3, 2, 0.125)
    assert found.score.loss == (loss if math.isfinite(loss) else None)
    again = Evaluation.of_stored(found, evaluation.labels)
    for name in ("labels", "predictions", "confidences"):
        assert getattr(again, name).tolist() == getattr(evaluation, name).tolist()
    assert again.loss == loss if math.isfinite(loss) else math.isnan(again.loss)
