"""The OpenAPI document against the server: requests generated from it, and its own examples."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from shadowboard.configuration import parse_config
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store
from tests.server.conftest import running

TOKEN = "a-token-of-this-test"
SMALL = {"steps": 60, "hidden": [8], "save_every": 20, "averages": [{"decay": 0.99}, {"decay": 0.9}]}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A server with a token, and runs in every state that the API can tell."""
    settings = Settings(
        home=tmp_path_factory.mktemp("home"), host="127.0.0.1", port=0, token=SecretStr(TOKEN)
    )
    with pytest.MonkeyPatch.context() as patch, closing(Store(settings.store_url)) as store:
        patch.setattr("server.authentication._WRONG_SECONDS", 0.0)
        make_runs(store, settings)
        with running(settings) as client:
            yield client


def make_runs(store: Store, settings: Settings) -> None:
    from worker.loop import run_once

    def make(name: str, **knobs: Any) -> Run:
        run = store.create_run(parse_config(SMALL | knobs), name, worker="worker")
        folder = settings.run_folder(run.id)
        return run_once(store, run, "worker", folder, Event(), interrupted="stopped")

    make("trained")
    make("reference recipe")
    make("no average", averages=[])
    make("diverged", learning_rate=1e6)
    damaged = make("damaged", steps=20)
    for file in settings.run_folder(damaged.id).glob("*-20.data*"):
        file.write_bytes(b"x" * file.stat().st_size)
    store.create_run(parse_config(SMALL), "queued")
    stopped = store.create_run(parse_config(SMALL), "stopped")
    store.request_stop(stopped.id)
    store.create_run(parse_config(SMALL), "stalled", worker="nobody")


def test_generated_requests(served: httpx2.Client, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    command = [
        Path(sys.executable).with_name("schemathesis"),
        f"--config-file={Path(__file__).with_name('schemathesis.toml')}",
        "--no-color", "run", f"{served.base_url}/openapi.json",
        f"--max-examples={request.config.getoption('--cases')}",
        "--checks=all", "--continue-on-failure", "--generation-deterministic", "--generation-database=none",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
