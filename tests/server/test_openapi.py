"""The OpenAPI document against the server: requests generated from it, and its own examples."""

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import settings as thoroughness
from hypothesis import strategies as st
from pydantic import SecretStr

from shadowboard.configuration import parse_config
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.variants import parse_plan
from tests.server.conftest import running
from tests.shadowboard.pictures import drawing, encode

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras' own, as it saves

TOKEN = "a-token-of-this-test"  # noqa: S105 - and of no server that lasts
SMALL = {"steps": 60, "hidden": [8], "save_every": 20, "averages": [{"decay": 0.99}, {"decay": 0.9}]}
USUAL = 10
"""Cases by default: what `make test` generates is always the same."""

Operation = tuple[str, str, dict[str, Any]]
"""Method, path, and what the document says of it."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A server with a token, and runs in every state, the finished ones really trained."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, host="127.0.0.1", port=0, token=SecretStr(TOKEN))
    with pytest.MonkeyPatch.context() as patch, closing(Store(settings.store_url)) as store:
        patch.setattr("server.authentication._WRONG_SECONDS", 0.0)
        make_runs(store, settings)
        with running(settings) as client:
            client.headers["Authorization"] = f"Bearer {TOKEN}"
            for _ in range(600):
                if client.get("/readyz").json()["evaluator"] == "idle":  # all runs are evaluated
                    break
                time.sleep(0.1)
            yield client


def make_runs(store: Store, settings: Settings) -> None:
    from worker.loop import run_once

    def train(name: str, **knobs: Any) -> Run:
        run = store.create_run(parse_config(SMALL | knobs), name, worker="worker")
        folder = settings.run_folder(run.id)
        return run_once(store, run, "worker", folder, Event(), interrupted="stopped")

    for name in ("disposable", "trained", "reference recipe"):
        assert train(name).state == "finished"
    assert train("no average", averages=[]).state == "finished"
    assert train("diverged", learning_rate=1e6).state == "diverged"
    damaged = train("damaged", steps=20)
    for file in settings.run_folder(damaged.id).glob("*-20.data*"):
        file.write_bytes(b"x" * file.stat().st_size)
    plan = parse_plan(SMALL, 2, ["without_averaging"])
    for name in ("Variants of the reference recipe", *["disposable study"] * 5):
        store.studies.stop(store.studies.create(plan, name).id)  # so that none of its runs is to be trained
    for name in ("queued", *["disposable"] * 20):
        store.create_run(parse_config(SMALL), name)
    store.request_stop(store.create_run(parse_config(SMALL), "stopped").id)
    store.create_run(parse_config(SMALL), "stalled", worker="nobody")


def operations(document: dict[str, Any]) -> list[Operation]:
    paths = document["paths"].items()
    return [(m.upper(), path, operation) for path, methods in paths for m, operation in methods.items()]


def answers(client: httpx2.Client) -> dict[tuple[str, str], Counter[int]]:
    """How often the server has answered with which status, by method and route, as its metrics tell."""
    line = r'shadowboard_requests_total{method="(\w+)",route="([^"]+)",status="(\d+)"} (\d+)'
    found: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for method, route, status, count in re.findall(line, client.get("/metrics").text):
        found[method, route][int(status)] = int(count)
    return found


def example(of: dict[str, Any]) -> Any:
    """What the document gives as an example of a parameter or a body; else the default."""
    schema = of["schema"]
    if "examples" in of:
        return next(iter(of["examples"].values()))["value"]
    return (
        of["example"]
        if "example" in of
        else schema["examples"][0]
        if "examples" in schema
        else schema["default"]
    )


def body(operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The example of a JSON body, for the client."""
    if "requestBody" not in operation:
        return {}
    media = operation["requestBody"]["content"]["application/json"]
    first = media["schema"].get("anyOf", [media["schema"]])[0]
    if "$ref" in first:
        media = {"schema": document["components"]["schemas"][first["$ref"].rpartition("/")[2]]}
    return {"json": example(media)}


@contextmanager
def to_change(client: httpx2.Client, name: str) -> Iterator[str]:
    """A new run of the name of the example, for what would else change the one that all others need."""
    run = client.post("/runs", json={"name": "reference recipe"}).json()["id"]
    if name == "resume_run":
        client.post(f"/runs/{run}/stop")
    yield run
    client.delete(f"/runs/{run}")


def test_the_examples_of_every_operation_work(served: httpx2.Client) -> None:
    document = served.get("/openapi.json").json()
    for method, path, operation in operations(document):
        values: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
        for parameter in operation.get("parameters", []):
            value = example(parameter)
            values[parameter["in"]][parameter["name"]] = value if isinstance(value, list) else str(value)
        if method == "DELETE" and "{study_id}" in path:  # of which no example knows an id, either
            values["path"]["study_id"] = served.get("/studies/disposable study").json()["study"]["id"]
        changes = "security" in operation and "{run_id}" in path
        with (
            to_change(served, operation["operationId"]) if changes else nullcontext() as new,
            served.stream(
                method,
                # What deletes takes an id, and no example knows one.
                path.format(**values["path"] | ({"run_id": new} if method == "DELETE" else {})),
                params=values["query"],
                headers=values["header"],
                **body(operation, document),
            ) as answer,
        ):
            if answer.status_code >= 400:
                answer.read()
            assert str(answer.status_code) == next(iter(operation["responses"])), (method, path, answer.text)


def test_generated_requests(
    served: httpx2.Client,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    cases = pytestconfig.getoption("--cases")
    command = [
        Path(sys.executable).with_name("schemathesis"),
        f"--config-file={Path(__file__).with_name('schemathesis.toml')}",
        "--no-color",
        "run",
        f"{served.base_url.join('/openapi.json')}",
        f"--max-examples={cases}",
        "--continue-on-failure",
        "--generation-deterministic" if cases == USUAL else "--generation-database=none",
    ]
    before = answers(served)
    hooks = {"SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("generated_pictures.py"))}
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | hooks, capture_output=True, text=True, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    seen = {route: statuses - before[route] for route, statuses in answers(served).items()}
    for method, path, operation in operations(served.get("/openapi.json").json()):
        if operation["operationId"] != "list_of_runs_events":
            assert any(status < 300 for status in seen[method, path]), f"{method} {path} has never worked"
    assert not {status for statuses in seen.values() for status in statuses if status >= 500} - {503}
    sent = sum(statuses.total() for statuses in seen.values())
    assert sent > 1200
    row = (
        f"| requests generated from the OpenAPI document by schemathesis | {sent:,} | as documented; no 500 |"
    )
    record_property("fault", row)


def damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    """`whole` with some bytes in it replaced, and perhaps its end cut off."""
    end = len(whole)
    return st.builds(
        lambda start, new, cut: (whole[:start] + new + whole[start + len(new) :])[:cut],
        st.integers(0, end),
        st.binary(max_size=8),
        st.integers(0, end) | st.just(end),
    )


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["image", "images", "name", "config", "steps", "averages", "decay", "hidden"])
DRAWING = drawing("RGB", "white", "black")
BODIES = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(FIELDS, VALUES | st.dictionaries(FIELDS, VALUES, max_size=3))
    .map(json.dumps)
    .map(str.encode),
    *(damaged(encode(DRAWING, kind)) for kind in ("png", "jpeg", "webp", "gif", "tiff", "bmp")),
    damaged(json.dumps({"image": [[0.5] * 28] * 28}).encode()),
    damaged(json.dumps({"images": [base64.b64encode(encode(DRAWING)).decode()] * 2}).encode()),
    damaged(b'{"name": "\xc3\xa9", "config": {"steps": 1e5, "averages": [{"decay": 0.5}], "data": "mnist"}}'),
    st.sampled_from([b"[" * 100_000, b'{"config":' * 50_000, b"1" * 10_000, b'{"images": [[[1e999]]]}']),
)
CONTENT_TYPES = st.one_of(
    st.sampled_from(
        ["", "application/json", "Application/JSON ; charset=utf-16", "application/problem+json", "image/png",
         "text/plain", "multipart/form-data", "multipart/form-data; boundary=x", "image/", "/", ";", "*/*",
         "application/x-www-form-urlencoded"]
    ),
    st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20).map(str.strip),
)  # fmt: skip


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/runs", "/runs/trained/readings"])
def test_no_body_is_too_odd(served: httpx2.Client, path: str, pytestconfig: pytest.Config) -> None:
    cases = pytestconfig.getoption("--cases")

    @thoroughness(max_examples=15 * cases, derandomize=cases == USUAL, deadline=None, database=None)
    @given(body=BODIES, kind=CONTENT_TYPES)
    def check(body: bytes, kind: str) -> None:
        answer = served.post(path, content=body, headers={"Content-Type": kind.encode("latin-1")})
        if answer.status_code != 422:
            assert answer.status_code in {200, 201}, answer.text
        else:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"].endswith(".")
            assert "\n" not in answer.json()["detail"]

    check()
