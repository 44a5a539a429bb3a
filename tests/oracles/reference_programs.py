"""The reference's programs, on TensorFlow's own optimisers, ExponentialMovingAverage and Saver.

One trains and writes checkpoints, one evaluates the newest. Neither knows Shadowboard: they are what it is
compared with, step by step in the tests, and side by side as programs on one folder:

    python tests/oracles/reference_programs.py train FOLDER --steps 3000
    python tests/oracles/reference_programs.py follow FOLDER --split test

Everything runs in a tf.Graph and a Session of its own, so eager code may live in the same process.
"""

import argparse
import gzip
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

v1 = tf.compat.v1

PIXELS = 784
CLASSES = 10
VALIDATION_SIZE = 5_000
BASENAME = "model_mnist.ckpt"
TF_AVERAGE = "ExponentialMovingAverage"

Tensor: TypeAlias = Any  # TensorFlow ships no types
Images = NDArray[np.float32]  # [N, 784] in [0, 1]
Labels = NDArray[np.integer[Any]]  # [N]
Values = dict[str, NDArray[Any]]
Averages = Sequence[tuple[float, bool, str]]  # decay, with num_updates, name

REFERENCE_AVERAGES: Averages = ((0.99, True, TF_AVERAGE),)

_ACTIVATIONS = {"relu": tf.nn.relu, "tanh": tf.nn.tanh, "sigmoid": tf.nn.sigmoid, "none": tf.identity}


class TrainingGraph(NamedTuple):
    """The handles of one training graph."""

    graph: Tensor
    images: Tensor
    labels: Tensor
    initial: dict[str, Tensor]  # variable name → placeholder of its initial value
    initialise: Tensor
    step: Tensor  # runs one whole step: optimiser, then averages
    loss: Tensor  # of the batch, before the step
    saver: Tensor
    variables: dict[str, Tensor]


def forward(images: Tensor, variables: Mapping[str, Tensor], activation: str) -> Tensor:
    """Logits [N, 10]: dense layers with the activation between them."""
    layers = len(variables) // 2
    values = images
    for i in range(1, layers + 1):
        values = tf.matmul(values, variables[f"layer{i}/weights"]) + variables[f"layer{i}/biases"]
        if i < layers:
            values = _ACTIVATIONS[activation](values)
    return values


def layer_shapes(hidden: Sequence[int]) -> dict[str, list[int]]:
    """The shape of every trainable variable of 784 → hidden… → 10, by name."""
    shapes = {}
    for i, (inputs, units) in enumerate(pairwise([PIXELS, *hidden, CLASSES]), start=1):
        shapes[f"layer{i}/weights"] = [inputs, units]
        shapes[f"layer{i}/biases"] = [units]
    return shapes


def initial_values(hidden: Sequence[int] = (500,), seed: int = 0, bias: float = 0.0) -> Values:
    """Truncated normal weights of stddev 0.1 and constant biases."""
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(seed)
        draws = {
            name: tf.fill(shape, bias) if len(shape) == 1 else v1.truncated_normal(shape, stddev=0.1, seed=i)
            for i, (name, shape) in enumerate(layer_shapes(hidden).items())
        }
        values: Values = session.run(draws)
    return values


def build_graph(
    *,
    hidden: Sequence[int] = (500,),
    activation: str = "relu",
    learning_rate: float = 0.8,
    learning_rate_decay: float = 0.99,
    regularization: float = 1e-4,
    steps_per_epoch: int = 550,
    momentum: float | None = None,
    averages: Averages = REFERENCE_AVERAGES,
) -> TrainingGraph:
    """The training graph: loss, optimiser step, then every average, in this order."""
    graph = tf.Graph()
    with graph.as_default():
        images = v1.placeholder(tf.float32, [None, PIXELS], "images")
        labels = v1.placeholder(tf.int32, [None], "labels")
        global_step = v1.train.get_or_create_global_step()
        # Initial values are fed rather than constants, so that .meta files stay small.
        initial = {
            name: v1.placeholder(tf.float32, shape, f"initial/{name}")
            for name, shape in layer_shapes(hidden).items()
        }
        weights = {
            name: v1.get_variable(name, initializer=value, use_resource=True)
            for name, value in initial.items()
        }
        logits = forward(images, weights, activation)
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        penalty = tf.add_n([tf.nn.l2_loss(w) for name, w in weights.items() if name.endswith("/weights")])
        loss = tf.reduce_mean(entropy) + regularization * penalty
        rate = v1.train.exponential_decay(learning_rate, global_step, steps_per_epoch, learning_rate_decay)
        optimizer = (
            v1.train.GradientDescentOptimizer(rate)
            if momentum is None
            else v1.train.MomentumOptimizer(rate, momentum)
        )
        step = optimizer.minimize(loss, global_step=global_step, var_list=list(weights.values()))
        for decay, num_updates, name in averages:
            # global_step is read inside apply(), so after this step has been counted.
            count = global_step if num_updates else None
            average = v1.train.ExponentialMovingAverage(decay, count, name=name)
            with tf.control_dependencies([step]):
                step = average.apply(list(weights.values()))
        return TrainingGraph(
            graph=graph,
            images=images,
            labels=labels,
            initial=initial,
            initialise=v1.global_variables_initializer(),
            step=step,
            loss=loss,
            saver=v1.train.Saver(max_to_keep=None),
            variables={v.op.name: v for v in v1.global_variables()},
        )


def train(
    folder: Path | str | None,
    images: Images,
    labels: Labels,
    order: NDArray[np.integer[Any]],
    initial: Mapping[str, NDArray[np.float32]],
    *,
    steps: int,
    batch_size: int = 100,
    hidden: tuple[int, ...] = (500,),
    activation: str = "relu",
    learning_rate: float = 0.8,
    learning_rate_decay: float = 0.99,
    regularization: float = 1e-4,
    steps_per_epoch: int = 550,
    momentum: float | None = None,
    averages: Averages = REFERENCE_AVERAGES,
    save_every: int = 1_000,
    basename: str = BASENAME,
    on_step: Callable[[int, float], None] | None = None,
) -> tuple[Values, list[float]]:
    """Train `steps` steps from `initial`; batch k (from 0) is order[k·B : (k+1)·B].

    Writes `<folder>/<basename>-<step>` at step 0, every `save_every` steps and at the end; nothing where
    `folder` is None. `on_step` is told each step's number, from 1, and its loss.
    Returns every variable's final value by name, and the losses, each before its own step.
    """
    if len(order) < steps * batch_size:
        raise ValueError(f"order holds {len(order)} indices; expected {steps} × {batch_size}")
    program = build_graph(
        hidden=hidden,
        activation=activation,
        learning_rate=learning_rate,
        learning_rate_decay=learning_rate_decay,
        regularization=regularization,
        steps_per_epoch=steps_per_epoch,
        momentum=momentum,
        averages=averages,
    )
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
    losses: list[float] = []
    with v1.Session(graph=program.graph) as session:
        session.run(program.initialise, {program.initial[name]: initial[name] for name in program.initial})
        for step in range(steps + 1):
            if folder is not None and (step % save_every == 0 or step == steps):
                program.saver.save(session, str(Path(folder) / basename), global_step=step)
            if step == steps:
                break
            batch = order[step * batch_size : (step + 1) * batch_size]
            feed = {program.images: images[batch], program.labels: labels[batch]}
            loss, _ = session.run([program.loss, program.step], feed)
            losses.append(float(loss))
            if on_step is not None:
                on_step(step + 1, losses[-1])
        values: Values = session.run(program.variables)
    return values, losses


def evaluate_latest(
    folder: Path | str,
    images: Images,
    labels: Labels,
    *,
    ema: bool,
    hidden: tuple[int, ...] = (500,),
    activation: str = "relu",
    average: str = TF_AVERAGE,
) -> tuple[int, int, int] | None:
    """Evaluate the newest checkpoint that the folder's `checkpoint` file names, raw or averaged.

    Returns its step, read from its file name, the number of correct predictions, and the number of images;
    None where there is no checkpoint.
    """
    with tf.Graph().as_default():
        placeholder = v1.placeholder(tf.float32, [None, PIXELS])
        weights = {
            name: v1.get_variable(name, shape, use_resource=True)
            for name, shape in layer_shapes(hidden).items()
        }
        predictions = tf.argmax(forward(placeholder, weights, activation), axis=1)
        # This class invents its names without looking into the checkpoint; decay plays no part in them.
        names = v1.train.ExponentialMovingAverage(0.99, name=average).variables_to_restore()
        saver = v1.train.Saver(names if ema else None)
        state = tf.train.get_checkpoint_state(str(folder))
        if state is None or not state.model_checkpoint_path:
            return None
        step = int(Path(state.model_checkpoint_path).name.rpartition("-")[2])
        with v1.Session() as session:
            saver.restore(session, state.model_checkpoint_path)
            predicted = session.run(predictions, {placeholder: images})
    return step, int(np.sum(predicted == labels)), len(labels)


def read_mnist(folder: Path) -> dict[str, tuple[Images, Labels]]:
    """The splits of the four gzipped IDX files: train 55,000, validation 5,000, test 10,000."""

    def read(name: str, header: int) -> NDArray[np.uint8]:
        return np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8, offset=header)

    def both(part: str) -> tuple[Images, Labels]:
        pixels = read(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, PIXELS)
        labels = read(f"{part}-labels-idx1-ubyte.gz", 8).astype(np.int32)
        return pixels.astype(np.float32) / np.float32(255), labels

    images, labels = both("train")
    first = VALIDATION_SIZE
    return {
        "train": (images[first:], labels[first:]),
        "validation": (images[:first], labels[:first]),
        "test": both("t10k"),
    }


def shuffled_order(images: int, steps: int, batch_size: int, seed: int = 0) -> NDArray[np.int64]:
    """Image indices for `steps` batches, reshuffled each epoch; its incomplete last batch is dropped."""
    per_epoch = images // batch_size
    random = np.random.default_rng(seed)
    epochs = [random.permutation(images)[: per_epoch * batch_size] for _ in range(-(-steps // per_epoch))]
    return np.concatenate([np.empty(0, np.int64), *epochs])[: steps * batch_size]


def _look(folder: Path, images: Images, labels: Labels, *, ema: bool) -> str:
    found = evaluate_latest(folder, images, labels, ema=ema)
    if found is None:
        return f"no checkpoint in {folder} yet"
    step, correct, n = found
    return f"after {step} steps: {'averaged' if ema else 'raw'} accuracy {correct / n:.4f}"


def main() -> None:
    """Train, or follow a training."""
    parser = argparse.ArgumentParser(description="The reference's training and evaluating programs.")
    parser.add_argument("program", choices=["train", "follow"])
    parser.add_argument("folder", type=Path, help="folder of the checkpoints")
    parser.add_argument("--data", type=Path, default=Path("shadowboard/mnist"), help="folder of MNIST")
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-every", type=int, default=1_000)
    parser.add_argument("--raw", action="store_true", help="follow the raw weights, not the averaged")
    parser.add_argument("--split", choices=["validation", "test"], default="validation")
    parser.add_argument("--every", type=float, default=10, help="seconds between two looks")
    parser.add_argument("--once", action="store_true", help="look once")
    options = parser.parse_args()
    splits = read_mnist(options.data)
    if options.program == "follow":
        while True:
            print(_look(options.folder, *splits[options.split], ema=not options.raw), flush=True)
            if options.once:
                return
            time.sleep(options.every)

    def report(step: int, loss: float) -> None:
        if step % 1_000 == 1:
            print(f"step {step}: loss on its batch {loss:.4f}", flush=True)

    order = shuffled_order(len(splits["train"][0]), options.steps, 100, options.seed)
    initial = initial_values(seed=options.seed)
    arguments = {"steps": options.steps, "save_every": options.save_every, "on_step": report}
    train(options.folder, *splits["train"], order, initial, **arguments)


if __name__ == "__main__":
    main()
