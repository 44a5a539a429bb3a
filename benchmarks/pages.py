"""What a person with a browser meets: how soon the page is there, how smooth it stays, what it keeps.

    python -m benchmarks.pages [--loads 7] [--updates 20] [--minutes 10]

The system's Chromium, headless, on the dashboard of the real server in a process of its own. The loads are of
the reference recipe while `shadowboard up` trains it on the same machine, each with an empty cache. The
updates and the memory are of a run in training with 1,000 checkpoints and five averages: 12,000 evaluations,
followed live. CPU time is that of the page's main thread, whatever else the machine does; times on the clock
are not.
"""

import argparse
import json
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.processes import ask, free_port, process, wait_until_it_answers
from benchmarks.training import machine
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.dataset import load_dataset
from shadowboard.records import Metric, Run, Score
from shadowboard.settings import Settings
from shadowboard.store import Store

CHECKPOINTS = 1_000
EVERY = 1_000  # steps
METRICS = 20_000
SPLITS = {"validation": 5_000, "test": 10_000}
WORKER = "the benchmark"
QUIET = 1.5  # seconds after which an update is over: the server looks twice a second, the page then asks once
START = 8.0  # seconds until a server has loaded TensorFlow behind its first answers
BEAT = 1.0  # seconds
SAVE_EVERY = 5  # beats
SAMPLE_EVERY = 30  # seconds
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")

# When both curves and the loss are there, and every task of more than 50 ms.
_WATCH = """
window.longTasks = [];
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: "longtask" });
(function look() {
  const curves = document.querySelectorAll("#chart .scatterlayer .js-line[d]").length >= 2;
  if (curves && document.querySelector("#training-chart .js-line[d]")) window.drawnAt = performance.now();
  else requestAnimationFrame(look);
})();
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's browser."""
    path = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def shadowboard(command: str, home: Path) -> Iterator[str]:
    """`shadowboard up` or `serve` on `home`; its address."""
    port, log = free_port(), home.with_suffix(".log")
    arguments = [sys.executable, "-m", "shadowboard.cli", command, "--home", str(home), "--port", str(port)]
    with process(arguments, {"CUDA_VISIBLE_DEVICES": ""}, log) as started:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_answers(started, f"{url}/runs", None, log)
        yield url


# How soon it is there


class Load(NamedTuple):
    """Milliseconds to the first paint and to the drawn curves, main-thread CPU until then, KiB, requests."""

    painted: float
    drawn: float
    cpu: float
    kibibytes: float
    requests: float


def loads(browser: Browser, home: Path, times: int) -> list[Load]:
    """Loads while the reference recipe trains. Raises RuntimeError where it ends too soon."""
    with shadowboard("up", home) as url:
        while len(ask(f"{url}/runs/{_newest(url)['id']}/history")["evaluations"]) < 3 * 4:
            time.sleep(0.5)
        found = [_load(browser, url) for _ in range(times)]
        if _newest(url)["state"] != "training":
            raise RuntimeError("the run ended before the loads did; ask for fewer")
    return found


def _newest(url: str) -> Any:
    while not (runs := ask(f"{url}/runs?limit=1")["runs"]):
        time.sleep(0.2)
    return runs[0]


def _load(browser: Browser, url: str) -> Load:
    with closing(browser.new_context(viewport={"width": 1440, "height": 900})) as context:
        page = context.new_page()
        page.add_init_script(_WATCH)
        cpu = cpu_of(page)
        page.goto(url)
        page.wait_for_function("() => window.drawnAt")
        used = cpu()
        painted, kibibytes, requests = page.evaluate(
            """() => {
              const loaded = performance.getEntries().filter(({ transferSize }) => transferSize);
              const bytes = loaded.reduce((sum, { transferSize }) => sum + transferSize, 0);
              const [{ startTime }] = performance.getEntriesByName("first-contentful-paint");
              return [startTime, bytes / 1024, loaded.length];
            }"""
        )
        return Load(painted, page.evaluate("drawnAt"), used, kibibytes, requests)


# How smooth it stays


def fill(home: Path) -> Run:
    """A store with one run in training, all of whose checkpoints are evaluated."""
    averages = [{"decay": decay} for decay in (0.9, 0.99, 0.999, 0.9999, 0.99999)]
    config = parse_config({"steps": 2 * CHECKPOINTS * EVERY, "save_every": EVERY, "averages": averages})
    settings = Settings(home=home)
    with closing(Store(settings.store_url)) as store:
        run = store.create_run(config, "1,000 checkpoints", WORKER)
        # Past the store's methods: through them it would take long.
        with closing(sqlite3.connect(home / "shadowboard.db")) as database, database:
            steps = range(EVERY, CHECKPOINTS * EVERY + 1, EVERY)
            database.executemany(
                "INSERT INTO checkpoints (run_id, step, bytes, saved_at) VALUES (?, ?, 11000000, 0)",
                [(run.id, step) for step in steps],
            )
            database.executemany(
                "INSERT INTO training_metrics (run_id, step, loss) VALUES (?, ?, ?)",
                [(run.id, int(at), _loss(at)) for at in np.linspace(50, steps[-1] - 1, METRICS, dtype=int)],
            )
            database.executemany(
                "INSERT INTO evaluations (run_id, step, average, split, n, correct, loss, seconds, "
                "created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
                [(run.id, *row[:7]) for step in steps[:-1] for row in _scores(config, step)],
            )
        save(store, run, steps[-1])
        return store.run(run.id)


def _loss(step: float) -> float:
    return 2.3 / (1 + step / 500) + 0.02 * abs(np.sin(step))


def _scores(config: RunConfig, step: int) -> Iterator[tuple[int, str, str, int, int, float, float]]:
    for place, name in enumerate(("", *(average.name for average in config.averages))):
        for split, n in SPLITS.items():
            wrong = 0.015 + 20 / step + 0.004 * (place == 0) * abs(np.sin(step)) + 0.0005 * place
            yield step, name, split, n, int(n * (1 - wrong)), 0.1, 0.1


@cache
def labels() -> dict[str, Any]:
    """What the images of each split are."""
    data = load_dataset()
    return {"validation": data.validation.labels.astype(np.uint8), "test": data.test.labels.astype(np.uint8)}


def save(store: Store, run: Run, step: int) -> None:
    """The worker and the evaluator at once: a checkpoint, with all its evaluations."""
    random = np.random.default_rng(step)
    for step_, name, split, n, correct, *rest in _scores(run.config, step):
        read = labels()[split].copy()
        # Of the hard images, which are the same for all weights, each gets some wrong.
        wrong = random.choice(2 * (n - correct), n - correct, replace=False)
        read[wrong] = (read[wrong] + 1 + wrong % 3) % 10
        sure = random.uniform(0.5, 1, n).astype("<f4")
        score = Score(step_, name, split, n, correct, *rest, time.time())
        store.add_evaluation(run.id, score, read.tobytes(), sure.tobytes())
    store.add_checkpoint(run.id, WORKER, step, 11_000_000)
    progress(store, run, step)


def progress(store: Store, run: Run, step: int) -> None:
    """The worker is at `step`."""
    store.add_progress(run.id, WORKER, step, 500.0, [Metric(step, _loss(step))])


def cpu_of(page: Page) -> Any:
    """A function that tells the main thread's CPU milliseconds since it was last called."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    last = 0.0

    def since() -> float:
        nonlocal last
        before, last = last, metrics(session)["TaskDuration"] * 1_000
        return last - before

    return since


def metrics(session: CDPSession) -> dict[str, float]:
    """Chromium's counters of the page."""
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}


def updates(page: Page, store: Store, run: Run, times: int) -> dict[str, list[float]]:
    """Main-thread CPU of what arrives, milliseconds: nothing, the training's progress, a whole checkpoint."""
    cpu = cpu_of(page)
    time.sleep(2 * QUIET)
    found: dict[str, list[float]] = {"nothing": [], "progress": [], "checkpoint": []}
    step = CHECKPOINTS * EVERY
    for _ in range(times):
        for kind, cpus in found.items():
            step += EVERY // 2 if kind != "nothing" else 0
            cpu()
            if kind == "progress":
                progress(store, run, step)
            elif kind == "checkpoint":
                save(store, run, step)
            time.sleep(QUIET)
            cpus.append(cpu())
    return found


# What it keeps


class Memory(NamedTuple):
    """After the garbage has been collected."""

    megabytes: float
    nodes: float
    listeners: float


def memory(page: Page, store: Store, run: Run, minutes: float) -> list[Memory]:
    """Samples while the run goes on, a step report a second and a checkpoint each five."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    found = []
    step = store.run(run.id).step
    until = time.monotonic() + 60 * minutes
    beat = 0
    while time.monotonic() < until:
        if beat % SAMPLE_EVERY == 0:
            session.send("HeapProfiler.collectGarbage")
            now = metrics(session)
            found.append(Memory(now["JSHeapUsedSize"] / 2**20, now["Nodes"], now["JSEventListeners"]))
        beat += 1
        step += EVERY // SAVE_EVERY
        if beat % SAVE_EVERY:
            progress(store, run, step)
        else:
            save(store, run, step)
        time.sleep(BEAT)
    return found


def followed(browser: Browser, home: Path, times: int, minutes: float) -> tuple[Any, ...]:
    """The updates, the tasks of more than 50 ms meanwhile, the memory, and the size of the history."""
    run = fill(home)
    with shadowboard("serve", home) as url, closing(Store(Settings(home=home).store_url)) as store:
        time.sleep(START)
        history = json.dumps(ask(f"{url}/runs/{run.id}/history"), separators=(",", ":"))
        load = _load(browser, f"{url}/?run={run.id}")
        with closing(browser.new_context(viewport={"width": 1440, "height": 900})) as context:
            page = context.new_page()
            page.add_init_script(_WATCH)
            page.goto(f"{url}/?run={run.id}")
            page.wait_for_function("() => window.drawnAt")
            time.sleep(3)
            page.evaluate("longTasks.length = 0")
            found = updates(page, store, run, times)
            long = page.evaluate("longTasks")
            return load, len(history) / 2**20, found, long, memory(page, store, run, minutes)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loads", type=int, default=7)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        print(f"{machine()}; Chromium {browser.version}\n")
        print("| the dashboard | median | worst |\n| --- | ---: | ---: |")
        if options.loads:
            found = loads(browser, Path(folder) / "up", options.loads)
            for what, values in zip(
                (
                    "first contentful paint while training runs, ms",
                    "curves drawn while training runs, ms",
                    "main-thread CPU until then, ms",
                    "transferred, KiB",
                    "requests",
                ),
                zip(*found, strict=True),
                strict=True,
            ):
                print(f"| {what} | {statistics.median(values):,.0f} | {max(values):,.0f} |")
        load, size, cpu, long, kept = followed(
            browser, Path(folder) / "long", options.updates, options.minutes
        )
        print(f"| 1,000 checkpoints × 6 weights × 2 splits: curves drawn, ms | {load.drawn:,.0f} | |")
        print(f"| … main-thread CPU until then, ms | {load.cpu:,.0f} | |")
        print(f"| … the history as JSON, MiB | {size:.1f} | |")
        for kind, values in cpu.items():
            print(f"| … CPU when {kind} arrives, ms | {statistics.median(values):.1f} | {max(values):.1f} |")
        rounds = f"{options.updates} rounds of these"
        print(f"| … tasks over 50 ms in {rounds} | {len(long)} | {max(long, default=0):.0f} ms |")
        if kept:
            print(f"\n| {options.minutes:g} minutes of live updates | at first | half-way | at last |")
            print("| --- | ---: | ---: | ---: |")
            for i, what in enumerate(("heap, MiB", "DOM nodes", "listeners")):
                values = [kept[at][i] for at in (0, len(kept) // 2, -1)]
                print(f"| {what} | " + " | ".join(f"{value:,.1f}" for value in values) + " |")


if __name__ == "__main__":
    main()
