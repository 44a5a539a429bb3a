"""How the server's answers grow with its store: 10, 100 and 1,000 runs, as a Markdown table of medians.

    python -m benchmarks.scale

Each run has 2,000 training metrics, 25 checkpoints and 100 evaluations; the one that is asked about keeps
what each image was read as in full. The server is the real one in a process of its own. Whatever else this
machine does at the same time is in the figures.
"""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.latency import ask, milliseconds, serving
from shadowboard import checkpoints, network
from shadowboard.averaging import FIRST_NAME, average_name
from shadowboard.configuration import RunConfig
from shadowboard.dataset import Dataset, load_dataset
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store

SIZES = (10, 100, 1_000)
METRICS = 2_000
CHECKPOINTS = 25
REPEATS = 30
STEPS = 40_000


@dataclass(frozen=True)
class Filled:
    """A home folder whose store is filled, and the run in it to ask about."""

    settings: Settings
    run: Run


def fill(home: Path, runs: int, data: Dataset) -> Filled:
    """A store of so many finished runs. The newest has its last checkpoint on disk, too."""
    settings = Settings(home=home)
    with closing(Store(settings.store_url)) as store:
        made = [store.create_run(RunConfig(steps=STEPS, seed=seed), worker="w") for seed in range(runs)]
        for run in made:
            store.release(run.id, "w", "finished", "")
        newest = made[-1]
        # Past the store's methods: through them it would take a worker's days.
        with closing(sqlite3.connect(home / "shadowboard.db")) as database, database:
            for run in made:
                _fill_run(database, run, data, whole=run is newest)
            database.execute("UPDATE runs SET step = ?", (STEPS,))
        weights = network.init(newest.config.hidden, seed=0)
        shadows = {average_name(name, FIRST_NAME): value for name, value in weights.items()}
        tensors = {**weights, **shadows, "global_step": np.int64(STEPS)}
        checkpoints.save(settings.run_folder(newest.id), STEPS, tensors)
        return Filled(settings, store.run(newest.id))


def _fill_run(database: sqlite3.Connection, run: Run, data: Dataset, *, whole: bool) -> None:
    metrics = np.linspace(STEPS // METRICS, STEPS, METRICS, dtype=int)
    database.executemany(
        "INSERT INTO training_metrics (run_id, step, loss) VALUES (?, ?, ?)",
        [(run.id, int(step), 2.3 / (1 + step / 1000)) for step in metrics],
    )
    steps = range(STEPS // CHECKPOINTS, STEPS + 1, STEPS // CHECKPOINTS)
    database.executemany(
        "INSERT INTO checkpoints (run_id, step, bytes, saved_at) VALUES (?, ?, 3200000, 0)",
        [(run.id, step) for step in steps],
    )
    for row, readings in _evaluations(run, steps, data, whole=whole):
        cursor = database.execute(
            "INSERT INTO evaluations (run_id, step, average, split, n, correct, loss, seconds, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, 0.1, 0.1, 0)",
            row,
        )
        database.execute("INSERT INTO readings VALUES (?, ?, ?)", (cursor.lastrowid, *readings))


def _evaluations(
    run: Run, steps: Sequence[int], data: Dataset, *, whole: bool
) -> Iterator[tuple[tuple[str, int, str, str, int, int], tuple[bytes, bytes]]]:
    """A row and its readings, for each step, kind of weights and split."""
    random = np.random.default_rng(run.config.seed)
    for step in steps:
        for average in ("", *(average.name for average in run.config.averages)):
            for split, images in (("validation", data.validation), ("test", data.test)):
                wrong = random.random(len(images)) < 0.02 + 100 / step
                read = (images.labels + wrong) % 10
                sure = random.uniform(0.5, 1, len(images))
                n = None if whole else 1
                readings = read.astype(np.uint8)[:n].tobytes(), sure.astype("<f4")[:n].tobytes()
                yield (run.id, step, average, split, len(images), int((~wrong).sum())), readings


def routes(run: Run) -> dict[str, str]:
    """What is measured, and its address."""
    return {
        "`GET /runs`": "/runs",
        "`GET /runs/scores`": "/runs/scores",
        "`GET /runs/{id}/history`": f"/runs/{run.id}/history",
        "`GET /evaluate`, evaluated before": f"/evaluate?ema=true&run={run.id}&step={STEPS}",
        "`GET /compare`, evaluated before": f"/compare?run={run.id}&step={STEPS}",
        "`GET /healthz`": "/healthz",
    }


def answer_times(filled: Filled) -> dict[str, float]:
    """The median of each route's answers, milliseconds."""
    times = {}
    with serving(filled.settings.home) as connection:
        ask(connection, "/evaluate")  # answered once TensorFlow is loaded
        time.sleep(1)
        while ask(connection, "/readyz")["evaluator"] != "idle":  # it looks for checkpoints to evaluate
            time.sleep(0.5)
        for what, path in routes(filled.run).items():
            ask(connection, path)
            times[what] = statistics.median(
                milliseconds(lambda path=path: ask(connection, path))  # type: ignore[misc]
                for _ in range(REPEATS)
            )
    return times


def main() -> None:
    """Fill, measure, and print the table."""
    data = load_dataset()
    found = []
    for runs in SIZES:
        with tempfile.TemporaryDirectory() as home:
            found.append(answer_times(fill(Path(home), runs, data)))
    print("| median ms | " + " | ".join(f"{runs:,} runs" for runs in SIZES) + " |")
    print("| --- |" + " ---: |" * len(SIZES))
    for what in found[0]:
        print(f"| {what} | " + " | ".join(f"{times[what]:.1f}" for times in found) + " |")


if __name__ == "__main__":
    main()
