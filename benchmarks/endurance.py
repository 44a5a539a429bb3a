"""An hour at work: training without a pause, evaluating, 50 dashboards, 20 requests a second; as a table.

    python -m benchmarks.endurance [--minutes 60] [--dashboards 50]

`shadowboard up` trains one default run after the other. A dashboard here is what a page is to the server: it
reads the list of runs and the history of the one in training, keeps its stream of events open, and asks for
the comparison at each new checkpoint and now and then for that of the whole run; with the next run it begins
anew. The requests beside them go round what a script would ask for. /healthz is asked by a process of its own
(`benchmarks.load`), at fixed times: here it would wait for the answers to fifty dashboards to be read, too.
Memory is the resident one.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from statistics import linear_regression, quantiles
from typing import Any, NamedTuple

import httpx2

from benchmarks.processes import (
    ROOT,
    cpu_seconds,
    free_port,
    others_share,
    process,
    wait_until_it_answers,
)
from benchmarks.training import QUIET, machine
from shadowboard.configuration import RunConfig
from shadowboard.dataset import load_dataset
from shadowboard.store import Store

AVERAGE = "ExponentialMovingAverage"
PACE = 1 / 20  # s between two requests
HEALTH_PACE = 0.25
LOOK_PACE = 10.0  # s between two looks at the memory
OVERALL_PACE = 30.0
MIB = 1024 * 1024


class Memory(NamedTuple):
    """Resident memory in MiB, so many hours after the start."""

    hours: float
    server: float
    worker: float


@dataclass
class Seen:
    """What the clients have met so far; waits in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    health: dict[str, float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    events: int = 0
    memory: list[Memory] = field(default_factory=list)


class Client:
    """Asks one server, and counts what it answers."""

    def __init__(self, http: httpx2.AsyncClient, seen: Seen) -> None:
        self.http, self.seen = http, seen

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON; None where it is no 2xx, which is counted."""
        began = time.perf_counter()
        try:
            answer = await self.http.request(method, path, json=body)
        except httpx2.HTTPError as error:
            self.seen.statuses[0] += 1
            self.seen.refused[f"{path}: {error!r}"] += 1
            return None
        self.seen.waits.append(time.perf_counter() - began)
        self.seen.statuses[answer.status_code] += 1
        if not answer.is_success:
            self.seen.refused[f"{path}: {answer.text[:300]}"] += 1
            return None
        return answer.json()


async def look_on(client: Client) -> None:
    """A dashboard: of one run after the other, each while it is trained."""
    while True:
        listed = await client.ask("GET", "/runs?limit=100")
        training = [run["id"] for run in listed["runs"] if run["state"] == "training"] if listed else []
        if training:
            await _follow(client, training[0])
        await asyncio.sleep(1)


async def _follow(client: Client, run: str) -> None:
    history = await client.ask("GET", f"/runs/{run}/history")
    if history is None:
        return
    shown, overall_at = -1, 0.0
    both: Counter[int] = Counter()
    stream = client.http.stream("GET", f"/runs/{run}/events?runs=true&after={history['cursor']}", timeout=120)
    async with stream as answer:
        kind = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            if not line.startswith("data: "):
                continue
            client.seen.events += 1
            told = json.loads(line.removeprefix("data: "))
            if kind == "evaluation" and told["split"] == "validation":
                both[told["step"]] += 1
                if both[told["step"]] == 2 and told["step"] > shown:
                    shown = told["step"]
                    question = f"run={run}&step={shown}&split=validation&average={AVERAGE}"
                    await client.ask("GET", f"/compare?{question}")
                if shown >= 0 and time.monotonic() > overall_at:
                    overall_at = time.monotonic() + OVERALL_PACE
                    await client.ask("GET", f"/runs/{run}/comparison?split=validation&average={AVERAGE}")
            if kind == "run" and told["state"] not in {"queued", "training"}:
                return  # to the next one


async def ask_on(client: Client, finished: str) -> None:
    """The requests of scripts, at fixed times whether or not the ones before are answered."""
    images = load_dataset().test.images

    def shapes(i: int) -> list[tuple[str, str, Any]]:
        step, image = i % 31 * 1000, images[i % len(images)].reshape(28, 28) / 255
        return [
            ("GET", "/evaluate?ema=true", None),
            ("GET", f"/evaluate?run={finished}&step={step}&ema=true&split=test", None),
            ("POST", f"/predict?run={finished}", {"image": image.tolist()}),
            ("GET", "/runs?limit=20", None),
            ("GET", f"/runs/{finished}/history", None),
            ("GET", f"/compare?run={finished}&step={step}&average={AVERAGE}", None),
            ("GET", f"/runs/{finished}/checkpoints", None),
        ]

    due = time.monotonic()
    async with asyncio.TaskGroup() as under_way:  # it ends them, too: else they are lost with the connections
        for request in chain.from_iterable(map(shapes, count())):
            under_way.create_task(client.ask(*request))
            due += PACE
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def ask_for_health(seen: Seen, url: str, seconds: float) -> None:
    """At a fixed pace, to the end. Raises RuntimeError where anything but a 200 answers."""
    client = [sys.executable, "-m", "benchmarks.load", f"{url}/healthz", "--connections", "1"]
    pace = ["--seconds", str(seconds), "--interval", str(HEALTH_PACE)]
    pipe = asyncio.subprocess.PIPE
    asking = await asyncio.create_subprocess_exec(*client, *pace, cwd=ROOT, stdout=pipe, stderr=pipe)
    try:
        told, said = await asking.communicate()
    finally:
        if asking.returncode is None:
            asking.kill()
    if asking.returncode:
        raise RuntimeError(said.decode())
    seen.health = json.loads(told)


async def watch(seen: Seen, server: int, store: Store) -> None:
    """Look at the memory from time to time, and keep a run queued."""
    began = time.monotonic()
    while True:
        if not store.runs(state="queued"):
            await asyncio.to_thread(store.create_run, RunConfig())
        hours = (time.monotonic() - began) / 3600
        worker = _children(server)
        seen.memory.append(Memory(hours, _resident(server), sum(map(_resident, worker))))
        await asyncio.sleep(LOOK_PACE)


def _children(pid: int) -> list[int]:
    lists = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return [int(child) for line in lists for child in line.split()]


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / MIB
    return 0.0


async def go_on(url: str, server: int, store: Store, finished: str, minutes: float, dashboards: int) -> Seen:
    """All of it at once, for so many minutes."""
    seen = Seen()
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=url, timeout=30, limits=limits) as http:
        client = Client(http, seen)
        workers = [look_on(client) for _ in range(dashboards)]
        workers += [ask_on(client, finished), watch(seen, server, store)]
        health = asyncio.create_task(ask_for_health(seen, url, 60 * minutes))
        tasks = [health, *(asyncio.create_task(worker) for worker in workers)]
        # The others end by an error alone.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()  # raises what has ended it
    return seen


def table(seen: Seen, minutes: float) -> str:
    """Memory at a tenth of the time, at half and at the end, and what the clients have met."""
    later = [memory for memory in seen.memory if memory.hours >= seen.memory[-1].hours / 2]
    lines = ["| resident memory, MiB | after a tenth | half-way | at the end | per hour in the second half |"]
    lines += ["| --- | ---: | ---: | ---: | ---: |"]
    for name in ("server", "worker"):
        column = [getattr(memory, name) for memory in seen.memory]
        trend = linear_regression([m.hours for m in later], [getattr(m, name) for m in later]).slope
        at = [column[len(column) // 10], column[len(column) // 2], column[-1]]
        lines.append(f"| {name} | {at[0]:.0f} | {at[1]:.0f} | {at[2]:.0f} | {trend:+.1f} |")
    waits = quantiles(seen.waits, n=100, method="inclusive")
    statuses = ", ".join(f"{count:,} × {status}" for status, count in sorted(seen.statuses.items()))
    lines += [
        "",
        f"`/healthz`: median {seen.health['p50']:.1f} ms, p99 {seen.health['p99']:.1f} ms, slowest"
        f" {seen.health['slowest']:.0f} ms. All others: median {1000 * waits[49]:.1f} ms, p99"
        f" {1000 * waits[98]:.0f} ms. Answers in {minutes:g} minutes: {statuses}, and"
        f" {seen.health['requests']:,} of /healthz; events: {seen.events:,}.",
    ]
    return "\n".join([*lines, *(f"{times} × {told}" for told, times in seen.refused.most_common(20))])


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="An hour of training, evaluating, dashboards and requests.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--dashboards", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        url, log = f"http://127.0.0.1:{port}", home / "up.log"
        store = Store(f"sqlite:///{home / 'shadowboard.db'}")
        first = store.create_run(RunConfig()).id
        command = [sys.executable, "-m", "shadowboard.cli", "up", "--home", folder, "--port", str(port)]
        with process(command, {}, log) as started:
            wait_until_it_answers(started, f"{url}/healthz", None, log)
            while store.run(first).state != "finished":  # so that there is one to ask for
                time.sleep(1)
            cpu, steps = cpu_seconds(), _steps(store)
            seen = asyncio.run(go_on(url, started.pid, store, first, options.minutes, options.dashboards))
            others, steps = others_share(cpu, cpu_seconds()), _steps(store) - steps
            scores = sum(len(store.scores(run.id)) for run in store.runs())
        said = log.read_text()
        store.close()
    print(table(seen, options.minutes))
    print(f"\nMeanwhile {steps:,} steps were trained; {scores:,} evaluations are stored. {machine()}.")
    if "warning" in said or "error" in said:
        print(f"\nThe server's log:\n{said[-3000:]}")
    if others > QUIET:
        print(f"\n**Not a quiet machine: other processes took up to {others:.0%} of it. Measure again.**")


def _steps(store: Store) -> int:
    return sum(run.step for run in store.runs())


if __name__ == "__main__":
    main()
