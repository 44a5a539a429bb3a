"""Against TensorFlow's own class and a float64 closed form."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from shadowboard.averaging import (
    FIRST_NAME,
    Average,
    average_name,
    decays,
    effective_decay,
    named,
    update,
)

v1 = tf.compat.v1


def tensorflow_shadows(values: list[float], decay: float, num_updates: bool) -> list[np.float32]:
    """The shadow after each assignment of `values`, by tf.train.ExponentialMovingAverage."""
    with tf.Graph().as_default(), v1.Session() as session:
        variable = v1.get_variable("v", initializer=np.float32(values[0]), use_resource=True)
        value, count = v1.placeholder(tf.float32, []), v1.placeholder(tf.float32, [])
        assign = variable.assign(value)
        average = v1.train.ExponentialMovingAverage(decay, count if num_updates else None)
        with tf.control_dependencies([assign]):
            apply = average.apply([variable])
        session.run(v1.global_variables_initializer())
        shadows = []
        for n, given_value in enumerate(values[1:], start=1):
            session.run(apply, {value: given_value, count: n})
            shadows.append(session.run(average.average(variable)))
    return shadows


def our_shadows(values: list[float], average: Average) -> list[np.float32]:
    steps = np.arange(1, len(values))
    shadow = np.float32(values[0])
    shadows = []
    for value, decay in zip(values[1:], decays(average, steps), strict=True):
        shadow = update(shadow, np.float32(value), decay)
        shadows.append(shadow)
    return shadows


def test_the_one_variable_example() -> None:
    shadow = update(np.float32(0), np.float32(10), effective_decay(0.99))
    assert shadow == np.float32(0.099999905)


@pytest.mark.parametrize("num_updates", [True, False])
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99, 0.9999])
def test_equals_tensorflows_class_to_the_bit(decay: float, num_updates: bool) -> None:
    values = np.random.default_rng(1).normal(size=40).astype(np.float32).tolist()
    ours = our_shadows(values, Average(decay=decay, num_updates=num_updates))
    assert ours == tensorflow_shadows(values, decay, num_updates)


@given(
    values=st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=200),
    decay=st.floats(0, 0.9999),
    num_updates=st.booleans(),
)
def test_the_closed_form_in_float64(values: list[float], decay: float, num_updates: bool) -> None:
    """shadow_N = (Π d_k) v_0 + Σ (1 − d_k) (Π_{j>k} d_j) v_k, summed in float64."""
    steps = np.arange(1, len(values))
    d = np.minimum(decay, (1 + steps) / (10 + steps)) if num_updates else np.full(len(steps), decay)
    after = np.append(np.cumprod(d[::-1])[::-1][1:], 1.0)
    expected = np.prod(d) * values[0] + np.sum((1 - d) * after * np.array(values[1:]))
    ours = our_shadows(values, Average(decay=decay, num_updates=num_updates))[-1]
    assert abs(float(ours) - expected) <= 1e-6 * len(values) ** 0.5 * max(1.0, np.abs(values).max())


@pytest.mark.parametrize(("decay", "first"), [(0.99, 890), (0.999, 8_990), (0.9999, 89_990)])
def test_the_step_at_which_num_updates_stops_mattering(decay: float, first: int) -> None:
    assert effective_decay(decay, first - 200) < np.float32(decay)
    assert effective_decay(decay, first) == pytest.approx(decay, rel=1e-6)
    assert effective_decay(decay, first + 1) == np.float32(decay)


def test_names() -> None:
    averages = named((Average(decay=0.99), Average(decay=0.999), Average(decay=0.999, num_updates=False)))
    assert [a.name for a in averages] == [FIRST_NAME, "EMA_0.999", "EMA_0.999_constant"]
    assert average_name("layer1/weights", averages[0].name) == "layer1/weights/ExponentialMovingAverage"


@given(st.floats(0, 1, exclude_max=True), st.booleans())
def test_every_name_is_one_that_tensorflow_accepts(decay: float, num_updates: bool) -> None:
    _, second = named((Average(), Average(decay=decay, num_updates=num_updates)))
    with tf.Graph().as_default(), tf.name_scope(second.name) as scope:
        assert scope == f"{second.name}/"
