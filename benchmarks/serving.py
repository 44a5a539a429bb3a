"""/predict of Shadowboard and its peers under the same load in one run, as a Markdown table.

    python -m benchmarks.serving [--rounds 4] [--seconds 3] [--only shadowboard --only litserve]

The same network (784 → 500 → 10) with the raw and the averaged weights of one checkpoint, both read at each
request; the same 100 images; one client (benchmarks/load.py). All servers are started first, each with one
worker; then each round loads one after the other, first with one connection, then with sixteen. Ratios are
taken within a round, so a machine that is busy for a while slows both sides of a ratio.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.processes import (
    ROOT,
    ask,
    cpu_seconds,
    free_port,
    others_share,
    process,
    wait_until_evaluated,
    wait_until_it_answers,
)
from benchmarks.serving_peers.contenders import (
    CONTENDERS,
    FLOOR,
    OURS,
    PEERS_ENVIRONMENT,
    Contender,
    Readings,
)
from benchmarks.training import QUIET, machine
from benchmarks.workload import Floats, Layers, read_mnist
from shadowboard import weights
from shadowboard.checkpoints import find
from shadowboard.configuration import RunConfig

STEPS = 200
IMAGES = 100
IDLE, BUSY = 1, 16  # connections
WARM_UP_SECONDS = 1.0
TOLERANCE = 1e-3  # of a probability: float32 sums in another order

NAMES = {"w1": "layer1/weights", "b1": "layer1/biases", "w2": "layer2/weights", "b2": "layer2/biases"}


class Workload(NamedTuple):
    """The run to serve, its weights by kind, and the images."""

    home: Path
    layers: dict[str, Layers]  # raw, ema
    images: Floats  # [IMAGES, 28, 28]


class Server(NamedTuple):
    """A contender that has started and answered rightly."""

    contender: Contender
    url: str
    bodies: Path


class Load(NamedTuple):
    """What one connection and what sixteen met, and the share of the machine that others took meanwhile."""

    idle: dict[str, float]
    busy: dict[str, float]
    others: float


Results = dict[str, list[Load]]  # contender → each round


def make_workload(folder: Path) -> Workload:
    """Train for a moment, as anybody would, and take both kinds of weights out of the last checkpoint."""
    home = folder / "home"
    command = [sys.executable, "-m", "shadowboard.cli", "train", "--steps", str(STEPS), "--home", str(home)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"shadowboard train ended with {done.returncode}: {done.stderr.strip()}")
    (run_folder,) = (home / "runs").iterdir()
    checkpoint = find(run_folder, STEPS)
    average = RunConfig().averages[0].name
    layers = {}
    for kind, suffix in (("raw", None), ("ema", average)):
        values = weights.restore(checkpoint, suffix)
        layers[kind] = {short: values[name] for short, name in NAMES.items()}
    images = read_mnist()[1].images[:IMAGES].reshape(-1, 28, 28)
    return Workload(home, layers, images)


def expected(layers: Layers, images: Floats) -> Floats:
    """The probabilities [N, 10] that right readings hold, in float64."""
    w1, b1, w2, b2 = (layers[name].astype(np.float64) for name in ("w1", "b1", "w2", "b2"))
    powers = np.exp(np.maximum(images.reshape(len(images), -1) @ w1 + b1, 0) @ w2 + b2)
    probabilities: Floats = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


@contextlib.contextmanager
def serving(contender: Contender, workload: Workload, folder: Path) -> Iterator[Server]:
    """The contender, ready. Raises RuntimeError where it does not start, or reads something else."""
    python = ROOT / contender.environment / "bin" / "python"
    if not python.exists():
        raise RuntimeError(f"{contender.environment} is not there")
    port = free_port()
    environment = {"CUDA_VISIBLE_DEVICES": ""}
    if contender is CONTENDERS[OURS]:
        arguments = ["serve", "--home", str(workload.home), "--port", str(port)]
    else:
        folder.mkdir()
        layers = {f"{kind}/{name}": v for kind, set_ in workload.layers.items() for name, v in set_.items()}
        np.savez(folder / "weights.npz", **layers)  # type: ignore[arg-type]
        arguments = [str(folder), str(port)]
        environment |= PEERS_ENVIRONMENT
        environment["PATH"] = (
            f"{python.parent}{os.pathsep}{os.environ['PATH']}"  # MLflow calls Uvicorn by name
        )
    bodies = folder.with_suffix(".bodies")
    lines = [json.dumps(contender.body(image)) for image in workload.images]
    bodies.write_text("\n".join(lines) + "\n")
    url, log = f"http://127.0.0.1:{port}{contender.path}", folder.with_suffix(".log")
    command = [str(python), "-m", contender.module, *arguments]
    with process(command, environment, log) as started:
        wait_until_it_answers(started, url, lines[0].encode(), log)
        if contender is CONTENDERS[OURS]:
            wait_until_evaluated(workload.home)
        if contender.readings is not None:
            check(contender.readings, url, lines, workload)
        yield Server(contender, url, bodies)


def check(readings: Readings, url: str, lines: list[str], workload: Workload) -> None:
    """Raises RuntimeError where an image is not read as these weights read it."""
    right = [expected(workload.layers[kind], workload.images) for kind in ("raw", "ema")]
    for i, line in enumerate(lines):
        for kind, found in zip(right, readings(ask(url, line.encode())), strict=True):
            if not np.allclose(found, kind[i], rtol=0, atol=TOLERANCE):
                raise RuntimeError(f"it reads image {i} as {found}; expected {kind[i].round(4).tolist()}")


def load(server: Server, connections: int, seconds: float) -> dict[str, float]:
    """One load of it, by a client in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.load", server.url, "--bodies", str(server.bodies)]
    options = ["--connections", str(connections), "--seconds", str(seconds)]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{server.contender.name}: {done.stderr.strip().splitlines()[-1]}")
    report: dict[str, float] = json.loads(done.stdout)
    return report


def run_rounds(servers: dict[str, Server], rounds: int, seconds: float) -> Results:
    """Every server once a round; progress on standard error."""
    for server in servers.values():
        load(server, BUSY, WARM_UP_SECONDS)
    results: Results = {name: [] for name in servers}
    for number in range(1, rounds + 1):
        for name, server in servers.items():
            before = cpu_seconds()
            idle, busy = load(server, IDLE, seconds / 2), load(server, BUSY, seconds)
            others = others_share(before, cpu_seconds())
            results[name].append(Load(idle, busy, others))
            say(f"round {number} of {rounds}: {name} {busy['requests_per_second']:.0f} requests/s")
    return results


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def rates(results: Results, name: str) -> list[float]:
    """Requests a second with sixteen connections, a round each."""
    return [load.busy["requests_per_second"] for load in results[name]]


def ratio(results: Results, name: str, base: str) -> float | None:
    """The median over the rounds of name's rate over base's."""
    if base not in results:
        return None
    return statistics.median(a / b for a, b in zip(rates(results, name), rates(results, base), strict=True))


def table(results: Results) -> str:
    """The results as Markdown, the fastest first."""
    lines = [
        f"| server | requests/s | p50 ms | p99 ms | p50 ms, {IDLE} connection | p99 ms, {IDLE} connection "
        "| of the floor | of Shadowboard |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in sorted(results, key=lambda name: -statistics.median(rates(results, name))):
        waits = [
            f"{statistics.median(getattr(load, kind)[which] for load in results[name]):.2f}"
            for kind in ("busy", "idle")
            for which in ("p50", "p99")
        ]
        ratios = [ratio(results, name, base) for base in (FLOOR, OURS)]
        cells = [
            f"**{CONTENDERS[name].name}**" if name == OURS else CONTENDERS[name].name,
            f"{statistics.median(rates(results, name)):.0f}",
            *waits,
            *("–" if value is None else f"{value:.2f}" for value in ratios),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(results: Results) -> str:
    """How far ahead of the best peer, in a sentence."""
    peers = [name for name in results if CONTENDERS[name].readings is not None and name != OURS]
    if OURS not in results or not peers:
        return ""
    best = max(peers, key=lambda name: statistics.median(rates(results, name)))
    ahead = ratio(results, OURS, best)
    return (
        f"Shadowboard answers {ahead:.2f} times as many requests as the best peer, {CONTENDERS[best].name}."
    )


def main() -> None:
    """Start all, run the rounds, print the table."""
    parser = argparse.ArgumentParser(description="/predict of Shadowboard and its peers.")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load of sixteen connections")
    parser.add_argument("--only", action="append", choices=list(CONTENDERS), help="repeatable")
    options = parser.parse_args()
    servers: dict[str, Server] = {}
    failures: list[str] = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workload = make_workload(folder)
        for name, contender in CONTENDERS.items():
            if options.only and name not in options.only:
                continue
            try:
                servers[name] = stack.enter_context(serving(contender, workload, folder / name))
            except RuntimeError as error:
                failures.append(f"{contender.name} is left out: {error}.")
                say(failures[-1])
            else:
                say(f"{name} is ready")
        results = run_rounds(servers, options.rounds, options.seconds)
    print(table(results))
    print(
        f"\n{verdict(results)} POST of a 28×28 image as JSON, read with the raw and the averaged weights of"
        f" one 784 → 500 → 10 checkpoint; {BUSY} connections, one worker a server, client on the same host."
        f" The median of {options.rounds} rounds; ratios are medians of the rounds'. {machine()}."
    )
    for failure in failures:
        print(f"\n{failure}")
    others = max(load.others for loads in results.values() for load in loads)
    if others > QUIET:
        print(f"\n**Not a quiet machine: other processes took up to {others:.0%} of it. Measure again.**")


if __name__ == "__main__":
    main()
