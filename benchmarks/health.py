"""/healthz while the same machine trains and evaluates without a pause, as a Markdown table.

    python -m benchmarks.health [--seconds 30]

`shadowboard up` trains; the server evaluates each new checkpoint in the background; besides, one client asks
for evaluations that nobody has made before, one after the other. Another asks /healthz at fixed times.
"""

import argparse
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.latency import ask
from benchmarks.processes import (
    ROOT,
    START_SECONDS,
    cpu_seconds,
    free_port,
    others_share,
    process,
    wait_until_it_answers,
)
from benchmarks.training import QUIET, machine
from shadowboard import checkpoints
from shadowboard.configuration import RunConfig
from shadowboard.dataset import load_dataset
from shadowboard.store import Store
from worker.trainer import Trainer

INTERVAL = 0.05
COPIES = 400  # of one checkpoint, each good for four evaluations
STEPS = 1_000_000  # more than there is time for


def prepare(store: Store, home: Path) -> tuple[str, str]:
    """A finished run with many checkpoints, and one in the queue; their ids."""
    finished = store.create_run(RunConfig(), worker="benchmark")
    trainer = Trainer(finished.config, load_dataset().train)
    folder = home / "runs" / finished.id
    first = checkpoints.save(folder, 0, trainer.initial().tensors())
    store.add_checkpoint(finished.id, "benchmark", 0, 0)
    store.release(finished.id, "benchmark", "finished", "")
    for step in range(1, COPIES):
        # Data before index, as a save does. Not recorded in the store: they are left to the requests.
        for suffix in (".data-00000-of-00001", ".index"):
            source = first.prefix.with_name(first.prefix.name + suffix)
            os.link(source, folder / f"{checkpoints.BASE}-{step}{suffix}")
    return finished.id, store.create_run(RunConfig(steps=STEPS)).id


def ask_for_evaluations(port: int, run: str, over: threading.Event, made: list[str]) -> None:
    """One after the other, none of them made before, until `over`; their paths go into `made`."""
    connection = HTTPConnection("127.0.0.1", port)
    for step, ema, split in itertools.product(range(1, COPIES), ("true", "false"), ("validation", "test")):
        if over.is_set():
            break
        path = f"/evaluate?run={run}&step={step}&ema={ema}&split={split}"
        if ask(connection, path)["cached"]:
            raise RuntimeError(f"{path} had been made before.")
        made.append(path)
    connection.close()


@contextlib.contextmanager
def evaluations(port: int, run: str) -> Iterator[list[str]]:
    """What has been evaluated on request, growing while the block lasts."""
    over, made = threading.Event(), list[str]()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask_for_evaluations, port, run, over, made)
        try:
            yield made
        finally:
            over.set()
        asking.result()


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="/healthz under training and evaluating.")
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        store = Store(f"sqlite:///{home / 'shadowboard.db'}")
        finished, training = prepare(store, home)
        command = [sys.executable, "-m", "shadowboard.cli", "up", "--home", folder, "--port", str(port)]
        url, log = f"http://127.0.0.1:{port}", home / "up.log"
        with process(command, {}, log) as started:
            wait_until_it_answers(started, f"{url}/evaluate?run={finished}", None, log)
            wait_until_it_trains(store, training)
            with evaluations(port, finished) as made:
                time.sleep(1)
                cpu, step = cpu_seconds(), store.run(training).step
                on_request, in_background = len(made), len(store.scores(training))
                client = [sys.executable, "-m", "benchmarks.load", f"{url}/healthz", "--connections", "1"]
                pace = ["--seconds", str(options.seconds), "--interval", str(INTERVAL)]
                done = subprocess.run([*client, *pace], cwd=ROOT, capture_output=True, text=True, check=True)
                others = others_share(cpu, cpu_seconds())
                steps, on_request = store.run(training).step - step, len(made) - on_request
                in_background = len(store.scores(training)) - in_background
        store.close()
    report = json.loads(done.stdout)
    print("| `/healthz` | median ms | p99 ms | slowest ms |\n| --- | ---: | ---: | ---: |")
    print(
        "| while training and evaluating"
        f" | {report['p50']:.1f} | {report['p99']:.1f} | {report['slowest']:.1f} |"
    )
    print(
        f"\n{report['requests']} requests, one every {1_000 * INTERVAL:.0f} ms; those that a late answer held"
        f" up count from when they were due. Meanwhile {steps:,} steps were trained, {in_background}"
        f" evaluations made in the background and {on_request} on request. {machine()}."
    )
    if others > QUIET:
        print(f"\n**Not a quiet machine: other processes took up to {others:.0%} of it. Measure again.**")


def wait_until_it_trains(store: Store, run: str) -> None:
    """Until the loop is compiled and has saved its first thousand steps."""
    until = time.monotonic() + START_SECONDS
    while store.run(run).step < RunConfig().save_every:
        if time.monotonic() > until:
            raise RuntimeError(f"It does not train: {store.run(run)}")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
