"""Shadowboard's own training path, whole: a worker's run, its metrics in SQL, its checkpoints on disk."""

import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

from benchmarks.workload import WINDOWS, accuracy, read_mnist, report
from shadowboard.configuration import RunConfig
from shadowboard.store import Store
from worker.loop import run_once
from worker.training import Event, Saved

NAMES = {"w1": "layer1/weights", "b1": "layer1/biases", "w2": "layer2/weights", "b2": "layer2/biases"}


def main() -> None:
    """Train the default recipe; a window lasts from one checkpoint's end to the next one's."""
    every = RunConfig().save_every
    config = RunConfig(steps=(1 + WINDOWS) * every)  # the first interval compiles
    saved: list[tuple[float, Saved]] = []

    def note(event: Event) -> None:
        if isinstance(event, Saved):
            saved.append((time.perf_counter(), event))

    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'shadowboard.db'}")
        run = store.create_run(config, worker="benchmark")
        ended = run_once(store, run, "benchmark", Path(folder), threading.Event(), "stopped", note)
        store.close()
    if ended.state != "finished":
        raise RuntimeError(f"The run is {ended.state}: {ended.message}")
    ends = [at for at, event in saved if event.state.step >= every]
    speeds = [every / (end - start) for start, end in pairwise(ends)]
    shadows = saved[-1][1].state.shadows
    average = config.averages[0].name
    score = accuracy(
        {short: shadows[f"{name}/{average}"].numpy() for short, name in NAMES.items()}, read_mnist()[1]
    )
    report("Shadowboard, with metrics and checkpoints", speeds, steps=config.steps, averaged_accuracy=score)


if __name__ == "__main__":
    main()
