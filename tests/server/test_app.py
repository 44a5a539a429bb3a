import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

ROUTES = [
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/"),
    ("GET", "/runs"),
    ("POST", "/runs"),
    ("POST", "/runs/preview"),
    ("GET", "/runs/{run_id}/start"),
    ("GET", "/runs/scores"),
    ("GET", "/runs/{run_id}"),
    ("PATCH", "/runs/{run_id}"),
    ("DELETE", "/runs/{run_id}"),
    ("POST", "/runs/{run_id}/stop"),
    ("POST", "/runs/{run_id}/resume"),
    ("GET", "/runs/{run_id}/best"),
    ("GET", "/runs/{run_id}/history"),
    ("GET", "/runs/{run_id}/comparison"),
    ("GET", "/runs/{run_id}/agreement"),
    ("GET", "/runs/{run_id}/choices"),
    ("GET", "/runs/{run_id}/events"),
    ("GET", "/runs/{run_id}/checkpoints"),
    ("GET", "/runs/{run_id}/checkpoints/{step}/variables"),
    ("GET", "/runs/{run_id}/checkpoints/{step}/variable"),
    ("GET", "/runs/{run_id}/checkpoints/{step}/units"),
    ("GET", "/runs/{run_id}/checkpoints/{step}/restore-map"),
    ("GET", "/runs/{run_id}/checkpoints/{step}/export"),
    ("GET", "/runs/{run_id}/readings"),
    ("POST", "/runs/{run_id}/readings"),
    ("GET", "/events"),
    ("GET", "/evaluate"),
    ("GET", "/evaluate/images"),
    ("GET", "/compare"),
    ("POST", "/predict"),
    ("POST", "/predict/batch"),
    ("GET", "/images/{split}/{index}.png"),
    ("POST", "/studies"),
    ("GET", "/studies"),
    ("GET", "/studies/{study_id}"),
    ("GET", "/studies/{study_id}/curves"),
    ("POST", "/studies/{study_id}/stop"),
    ("POST", "/studies/{study_id}/resume"),
    ("DELETE", "/studies/{study_id}"),
]


def test_importing_the_app_imports_no_tensorflow() -> None:
    code = "import sys, server.serving; print('tensorflow' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_every_route_of_the_contract_is_described(client: httpx2.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described == {route for route in ROUTES if route[1] != "/"}


def test_pages_are_there_before_tensorflow(
    serving: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loading = threading.Event()
    monkeypatch.setattr("server.engine.EngineLoader._load_tensorflow", lambda self: loading.wait(60))
    with serving() as client:
        for path in ("/healthz", "/", "/runs"):
            assert client.get(path).status_code == 200
        assert not loading.is_set()
        threading.Timer(0.5, loading.set).start()
        assert client.get("/evaluate").status_code == 404  # it waited, then found no run
        assert loading.is_set()


def test_tensorflow_that_takes_too_long_is_a_503(
    serving: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.engine.EngineLoader._load_tensorflow", lambda self: time.sleep(1))
    monkeypatch.setattr("server.engine._PATIENCE_SECONDS", 0.1)
    with serving() as client:
        answer = client.get("/evaluate")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["detail"].startswith("TensorFlow is still loading")


def test_tensorflow_that_does_not_load_leaves_the_rest_usable(
    serving: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object) -> None:
        raise ImportError("no such library")

    monkeypatch.setattr("server.engine.EngineLoader._load_tensorflow", fail)
    with serving() as client:
        assert client.get("/evaluate").status_code == 500
        assert client.get("/runs").status_code == 200
