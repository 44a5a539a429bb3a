"""The first /evaluate of a checkpoint, HTTP included, against the reference's evaluator.

    python -m benchmarks.cold_evaluation

Both restore the averaged weights and read the 5,000 validation images. For each new checkpoint both are asked
once, one after the other, in turns first; both processes are warm, neither has seen the checkpoint before.
"""

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.latency import ask, milliseconds
from benchmarks.processes import (
    ROOT,
    cpu_seconds,
    free_port,
    others_share,
    process,
    wait_until_evaluated,
    wait_until_it_answers,
)
from benchmarks.training import QUIET, machine
from shadowboard import checkpoints
from shadowboard.configuration import RunConfig
from shadowboard.dataset import load_dataset
from shadowboard.store import Store
from worker.trainer import Trainer

CHECKPOINTS = 100
STEPS_BETWEEN = 50
WARM_UP = 3


class Times(NamedTuple):
    """Milliseconds for one checkpoint."""

    ours: float
    reference: float


@contextlib.contextmanager
def reference(folder: Path) -> Iterator[Callable[[], dict[str, Any]]]:
    """The reference's evaluator on `folder`, to be called for a look at the newest checkpoint."""
    command = [sys.executable, "-m", "benchmarks.serving_peers.reference_evaluator", str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as started:

        def look() -> dict[str, Any]:
            assert started.stdin is not None
            assert started.stdout is not None
            print(file=started.stdin, flush=True)
            seen: dict[str, Any] = json.loads(started.stdout.readline())
            return seen

        yield look  # the end of its input is its own


def measure(home: Path) -> tuple[list[Times], float]:
    """Both times of each checkpoint, and the share of the machine that others took."""
    store = Store(f"sqlite:///{home / 'shadowboard.db'}")
    run = store.create_run(RunConfig(), worker="benchmark")
    trainer = Trainer(run.config, load_dataset().train)
    state = trainer.initial()
    folder = home / "runs" / run.id
    checkpoints.save(folder, 0, state.tensors())
    store.add_checkpoint(run.id, "benchmark", 0, 0)
    store.release(run.id, "benchmark", "finished", "")
    store.close()
    port, log = free_port(), home / "serve.log"
    command = [sys.executable, "-m", "shadowboard.cli", "serve", "--home", str(home), "--port", str(port)]
    times: list[Times] = []
    with process(command, {}, log) as started, reference(folder) as look:
        wait_until_it_answers(started, f"http://127.0.0.1:{port}/evaluate?ema=true", None, log)
        wait_until_evaluated(home)
        connection = HTTPConnection("127.0.0.1", port)
        before = cpu_seconds()
        for number in range(1, CHECKPOINTS + WARM_UP + 1):
            state, _ = trainer.advance(state, STEPS_BETWEEN)
            # Not recorded in the store, so that the evaluator in the background leaves it to the request.
            checkpoints.save(folder, state.step, state.tensors())
            answers: dict[str, Any] = {}
            path = f"/evaluate?ema=true&step={state.step}"

            def ours(path: str = path, answers: dict[str, Any] = answers) -> None:
                answers["ours"] = ask(connection, path)

            if number % 2:
                ours_took = milliseconds(ours)
            seen = look()
            if not number % 2:
                ours_took = milliseconds(ours)
            same(answers["ours"], seen, state.step)
            if number > WARM_UP:
                times.append(Times(ours_took, 1_000 * seen["seconds"]))
        others = others_share(before, cpu_seconds())
        connection.close()
    return times, others


def same(ours: dict[str, Any], seen: dict[str, Any], step: int) -> None:
    """Raises RuntimeError where they did not do the same, or ours had been done before."""
    if ours["cached"]:
        raise RuntimeError(f"Step {step} had been evaluated before: this was no cold evaluation.")
    if not ours["step"] == seen["step"] == step:
        raise RuntimeError(f"Step {step} was asked for; evaluated: {ours['step']} and {seen['step']}.")
    if abs(ours["accuracy"] - seen["accuracy"]) > 2 / ours["n"]:  # a tie may fall either way
        raise RuntimeError(f"Step {step}: accuracy {ours['accuracy']} here, {seen['accuracy']} there.")


def main() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as home:
        times, others = measure(Path(home))
    columns = {
        "**Shadowboard, the first `/evaluate`**": [pair.ours for pair in times],
        "the reference's evaluator, compat.v1": [pair.reference for pair in times],
    }
    print("| one checkpoint, 5,000 images | median ms | slowest ms | of the reference |")
    print("| --- | ---: | ---: | ---: |")
    for name, values in columns.items():
        share = statistics.median(a / b for a, b in zip(values, columns[list(columns)[1]], strict=True))
        print(f"| {name} | {statistics.median(values):.1f} | {max(values):.1f} | {share:.2f} |")
    print(
        f"\n{len(times)} new checkpoints of a run, restored and evaluated once by either, in turns first;"
        f" the ratio is the median of theirs. HTTP included. {machine()}."
    )
    if others > QUIET:
        print(f"\n**Not a quiet machine: other processes took up to {others:.0%} of it. Measure again.**")


if __name__ == "__main__":
    main()
