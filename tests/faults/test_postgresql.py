"""Server and worker as processes of their own that meet in PostgreSQL."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.postgresql import fresh

ROOT = Path(__file__).parents[2]


@contextmanager
def started(environment: dict[str, str], *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "shadowboard.cli", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()


def wait_for(condition: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + 120
    while not (value := condition()):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return value


def test_a_run_is_queued_trained_evaluated_and_compared(postgresql: str, tmp_path: Path) -> None:
    settings = {
        "SHADOWBOARD_HOME": str(tmp_path),
        "SHADOWBOARD_DATABASE_URL": fresh(postgresql),
        "SHADOWBOARD_PORT": "0",
    }
    with started(settings, "serve") as server, started(settings, "work"):
        assert server.stdout is not None
        client = httpx2.Client(base_url=server.stdout.readline().split()[3], timeout=60)
        config = {"steps": 200, "hidden": [16], "save_every": 100}
        run = client.post("/runs", json={"name": "meeting", "config": config}).json()["id"]
        wait_for(lambda: client.get(f"/runs/{run}").json()["state"] == "finished")

        def evaluated() -> list[tuple[int, str, str]]:
            found = client.get(f"/runs/{run}/history").json()["evaluations"]
            return sorted((one["step"], one["weights"], one["split"]) for one in found)

        kinds = [(weights, split) for weights in ("ema", "raw") for split in ("test", "validation")]
        every = [(step, *kind) for step in (0, 100, 200) for kind in kinds]
        wait_for(lambda: evaluated() == every)
        history = client.get(f"/runs/{run}/history").json()
        assert history["training"]["step"][-1] == 200
        averaged = client.get("/evaluate", params={"ema": True, "split": "test"}).json()
        assert (averaged["run"], averaged["step"], averaged["n"], averaged["cached"]) == (
            run,
            200,
            10_000,
            True,
        )
        assert averaged["accuracy"] > 0.5
        compared = client.get("/compare", params={"run": "meeting", "split": "test"}).json()
        assert compared["verdict"]
        (best,) = client.get("/runs/scores").json()["runs"]
        assert best["run"] == run
        client.close()
    listed = subprocess.run(
        [sys.executable, "-m", "shadowboard.cli", "runs", "--json"],
        cwd=ROOT,
        env={**os.environ, **settings},
        check=True,
        capture_output=True,
        text=True,
    )
    assert '"latest_checkpoint": 200' in listed.stdout
    assert not list(tmp_path.glob("*.db*"))
