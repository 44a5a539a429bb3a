"""The snapshot demo on TensorFlow's own classes: a linear model, Momentum, averages, and three lists."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1

Values = dict[str, Any]


class Lists(NamedTuple):
    """What the demo prints, by name."""

    checkpoint: Values
    raw: Values
    averaged: Values


def train(folder: Path, steps: int = 40, every: int = 20) -> str:
    """Fit y = 2·x₁ − 3·x₂ + 1, with a snapshot at each `every`-th step; the prefix of the last one."""
    random = np.random.default_rng(0)
    x = random.normal(size=(steps, 10, 2)).astype(np.float32)
    y = x @ np.float32([[2], [-3]]) + 1
    with tf.Graph().as_default(), v1.Session() as session:
        inputs = v1.placeholder(tf.float32, [None, 2])
        targets = v1.placeholder(tf.float32, [None, 1])
        weight, bias, average, step = _model()
        loss = tf.reduce_mean((inputs @ weight + bias - targets) ** 2)
        train_step = v1.train.MomentumOptimizer(0.02, 0.9).minimize(loss, global_step=step)
        with tf.control_dependencies([train_step]):
            update = average.apply([weight, bias])
        saver = v1.train.Saver()
        session.run(v1.global_variables_initializer())
        prefix = ""
        for i in range(steps):
            session.run(update, {inputs: x[i], targets: y[i]})
            if (i + 1) % every == 0:
                prefix = saver.save(session, str(folder / "snapshot"), global_step=step)
        return prefix


def lists(prefix: str) -> Lists:
    """The three lists, by TensorFlow's reader, its Saver, and its Saver with variables_to_restore()."""
    reader = tf.train.load_checkpoint(prefix)
    there = {name: reader.get_tensor(name).tolist() for name in reader.get_variable_to_shape_map()}
    with tf.Graph().as_default(), v1.Session() as session:
        weight, bias, average, _ = _model()
        restored = []
        for names in ({"weight": weight, "bias": bias}, average.variables_to_restore([weight, bias])):
            wanted = {name: v for name, v in names.items() if v.op.name != "global_step"}
            v1.train.Saver(wanted).restore(session, prefix)
            restored.append({v.op.name: session.run(v).tolist() for v in (weight, bias)})
    return Lists(there, *restored)


def _model() -> tuple[Any, Any, Any, Any]:
    weight = v1.get_variable("weight", [2, 1], initializer=v1.zeros_initializer())
    bias = v1.get_variable("bias", [], initializer=v1.zeros_initializer())
    step = v1.train.get_or_create_global_step()
    return weight, bias, tf.train.ExponentialMovingAverage(0.9, step), step
