"""`shadowboard up` as a person uses it: real processes, real signals, real HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from shadowboard.configuration import parse_config
from shadowboard.records import Run
from shadowboard.store import Store
from tests.faults.processes import wait_for
from tests.faults.workers import store_of
from worker.child import WorkerChild

ROOT = Path(__file__).parents[2]


@contextmanager
def up(home: Path, *options: str) -> Iterator["tuple[subprocess.Popen[str], str]"]:
    """The process and the URL that it announces, on a free port."""
    command = [sys.executable, "-m", "shadowboard.cli", "up", "--home", str(home), "--port", "0", *options]
    log = (home.parent / "up.log").open("a")
    with (
        log,
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            words = process.stdout.readline().split()
            assert words[:3] == ["Shadowboard", "is", "at"]
            yield process, words[3]
        finally:
            process.kill()


def get(url: str) -> Any:
    with urlopen(url, timeout=60) as answer:
        return json.load(answer)


def child_of(process: "subprocess.Popen[str]") -> int:
    return int(wait_for(lambda: " ".join(of_threads(process.pid, "children")).split())[0])


def of_threads(pid: int, name: str) -> list[str]:
    """What the file of each thread says, but for those that have ended since they were listed."""
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            found.append((thread / name).read_text())
    return found


def priorities(pid: int) -> set[int]:
    """Of all threads."""
    return {int(stat.rpartition(")")[2].split()[16]) for stat in of_threads(pid, "stat")}


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends while this is read
        return False


def test_up_trains_serves_survives_its_worker_and_ends_with_it(tmp_path: Path, small_data: Path) -> None:
    home = tmp_path / "home"
    knobs = {"steps": 50_000_000, "save_every": 2_000, "batch_size": 20, "hidden": [64]}
    with closing(store_of(home)) as store:
        store.create_run(parse_config(knobs | {"data": str(small_data)}), "small")
    with up(home) as (process, url):
        (run,) = get(f"{url}/runs")["runs"]
        assert run["name"] == "small"

        def both_curves() -> bool:
            evaluations = get(f"{url}/runs/{run['id']}/history")["evaluations"]
            steps = [{e["step"] for e in evaluations if e["weights"] == kind} for kind in ("raw", "ema")]
            return len(steps[0] & steps[1]) >= 2

        wait_for(both_curves)
        if sys.platform == "linux":  # where each thread has a priority of its own
            assert priorities(child_of(process)) == {os.getpriority(os.PRIO_PROCESS, 0) + 5}
        answer = get(f"{url}/evaluate?ema=true&step=2000")
        assert (answer["weights"], answer["average"]) == ("ema", "ExponentialMovingAverage")
        assert answer["accuracy"] > 0.75

        worker = child_of(process)
        os.kill(worker, signal.SIGKILL)
        before = get(f"{url}/runs/{run['id']}")["latest_checkpoint"]
        wait_for(lambda: get(f"{url}/runs/{run['id']}")["latest_checkpoint"] > before)
        worker = child_of(process)

        os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it, to the whole group
        assert process.wait(60) == 0
        assert not is_alive(worker)
    log = (tmp_path / "up.log").read_text()
    assert [line.split(maxsplit=2)[2] for line in log.splitlines()] == [
        'message="The worker ended with exit code -9; it starts again in 1 s."',
        f'message="Run {run["id"]} has not been heard of for 5 s; it is taken over."',
    ]
    stopped = only_run(home)
    assert (stopped.state, stopped.step) == ("queued", stopped.latest_checkpoint)

    with up(home) as (process, url):  # and the next one goes on, until it is killed
        wait_for(lambda: get(f"{url}/runs/{run['id']}")["step"] > stopped.step)
        worker = child_of(process)
        process.kill()
        process.wait()
        wait_for(lambda: not is_alive(worker))
    left = only_run(home)
    assert (left.state, left.step) == ("queued", left.latest_checkpoint)
    assert left.step > stopped.step


@pytest.mark.parametrize("command", ["up", "serve", "work"])
def test_it_ends_cleanly_whenever_it_is_told_to(
    tmp_path: Path, command: str, thorough: bool, tell: Callable[[str, int, str], None]
) -> None:
    times, slowest = 20 if thorough else 2, 0.0
    for number in range(times):
        home = tmp_path / str(number % 2)  # new, or with a run already
        line = [sys.executable, "-m", "shadowboard.cli", command, "--home", str(home)]
        with subprocess.Popen(
            line + (["--port", "0"] if command != "work" else []),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            wait_for(lambda process=process: is_handled(process.pid, signal.SIGTERM))
            time.sleep((6 if thorough else 3) * number / times)  # while TensorFlow loads, and after
            began = time.monotonic()
            process.send_signal(signal.SIGTERM if number % 2 else signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Traceback" not in errors
        slowest = max(slowest, time.monotonic() - began)
    tell(
        f"SIGTERM or SIGINT to `shadowboard {command}` in its first seconds",
        times,
        f"{slowest:.1f} s at most",
    )


def is_handled(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("SigCgt:")[2].split()[0], 16) >> (number - 1) & 1)


def test_a_worker_that_cannot_start_is_tried_again_ever_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits = iter([OSError(11, "Resource temporarily unavailable"), 7, -9])

    def start(command: list[str], **_: Any) -> Any:
        outcome = next(waits, None)
        if isinstance(outcome, OSError):
            raise outcome
        code = f"import os, sys; os.kill(os.getpid(), 9) if {outcome} == -9 else sys.exit({outcome})"
        if outcome is None:
            code = "import sys; sys.stdin.read()"
        return real([sys.executable, "-S", "-c", code], stdin=subprocess.PIPE)

    real = subprocess.Popen
    monkeypatch.setattr("worker.child.subprocess.Popen", start)
    monkeypatch.setattr("worker.child._FIRST_WAIT", 0.01)
    with WorkerChild({}):
        wait_for(lambda: len(caplog.messages) == 3)
    assert caplog.messages == [
        "The worker could not be started: Resource temporarily unavailable; it starts again in 0.01 s.",
        "The worker ended with exit code 7; it starts again in 0.02 s.",
        "The worker ended with exit code -9; it starts again in 0.04 s.",
    ]


def test_up_queues_the_reference_recipe_unless_it_is_not_to_train(tmp_path: Path) -> None:
    for options, names in ((["--no-train"], []), ([], ["reference recipe"])):
        with up(tmp_path / "home", *options) as (_, url):
            assert [run["name"] for run in get(f"{url}/runs")["runs"]] == names


def only_run(home: Path) -> Run:
    store = Store(f"sqlite:///{home / 'shadowboard.db'}")
    (run,) = store.runs()
    store.close()
    return run
