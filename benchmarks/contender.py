"""Shadowboard's own training path: losses, averages, the finiteness check, and checkpoints on disk."""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.workload import accuracy, read_mnist, report, time_windows
from shadowboard import checkpoints
from shadowboard.averaging import average_name
from shadowboard.configuration import RunConfig
from shadowboard.dataset import load_dataset
from worker.trainer import Trainer

NAMES = {"w1": "layer1/weights", "b1": "layer1/biases", "w2": "layer2/weights", "b2": "layer2/biases"}


def main() -> None:
    """Train the default run the way the worker does, a checkpoint each 1,000 steps."""
    config = RunConfig()
    trainer = Trainer(config, load_dataset(config.data).train)
    state = trainer.initial()

    def run(steps: int) -> None:
        nonlocal state
        end = state.step + steps
        while state.step < end:
            to_save = config.save_every - state.step % config.save_every
            state, losses = trainer.advance(state, min(trainer.capacity, to_save, end - state.step))
            if not (np.isfinite(losses).all() and trainer.is_finite(state)):
                raise FloatingPointError(f"the loss is not finite before step {state.step}")
            if state.step % config.save_every == 0:
                checkpoints.save(Path(folder), state.step, state.tensors())

    with tempfile.TemporaryDirectory() as folder:
        # Whole saving intervals, so that every window pays for its checkpoint.
        speeds = time_windows(run, window=config.save_every, warm_up=config.save_every)
    shadows = {
        short: state.shadows[average_name(name, config.averages[0].name)].numpy()
        for short, name in NAMES.items()
    }
    score = accuracy(shadows, read_mnist()[1])
    report("Shadowboard, with its checkpoints", speeds, averaged_accuracy=score)


if __name__ == "__main__":
    main()
