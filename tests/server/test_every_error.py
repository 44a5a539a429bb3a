"""A real request for every error that can leave the server, and a guard that none is forgotten."""

import inspect
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

import server
from server.app import create_app
from shadowboard import errors
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store
from tests.server.conftest import run_maker, running

TOKEN = "a-token-of-this-test"  # noqa: S105 - and of no server that lasts

NOT_OVER_HTTP: set[type[errors.ShadowboardError]] = {
    errors.SettingsInvalid,  # before there is a server
    errors.SaveFailed,  # of workers
    errors.LeaseLost,  # of workers
}
ABSTRACT = {errors.ShadowboardError, errors.DatasetError, errors.RunError}

Kind = type[errors.ShadowboardError] | None


class Served:
    """A server with a token, the database below it, and runs that have something the matter with them."""

    def __init__(self, client: httpx2.Client, settings: Settings, store: Store) -> None:
        self.client, self.settings = client, settings
        make = run_maker(store, settings)
        self.run = make((0, 10))
        self.empty = make()
        self.damaged = make((0,))
        for file in settings.run_folder(self.damaged.id).glob("*.data*"):
            file.write_bytes(b"x" * file.stat().st_size)
        folder = settings.home / "no-images"
        folder.mkdir()
        for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
            (folder / f"{name}-ubyte").touch()
        self.no_images = make((0,), data=str(folder))
        self.no_folder = make((0,), data=str(settings.home / "nowhere"))

    def ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        return self.client.request(method, path, **request)

    def evaluate(self, run: Run, more: str = "") -> httpx2.Response:
        return self.ask("GET", f"/evaluate?run={run.id}&step=0{more}")

    def database(self, command: str) -> None:
        with closing(sqlite3.connect(self.settings.home / "shadowboard.db")) as connection:
            connection.execute(command)

    @contextmanager
    def without_database(self) -> Iterator[None]:
        self.database("ALTER TABLE runs RENAME TO mislaid")
        yield
        self.database("ALTER TABLE mislaid RENAME TO runs")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, host="127.0.0.1", port=0, token=SecretStr(TOKEN))
    with pytest.MonkeyPatch.context() as patch, closing(Store(settings.store_url)) as store:
        patch.setattr("server.backlog.Backlog.refresh", lambda self: None)
        patch.setattr("server.authentication._WRONG_SECONDS", 0.0)
        patch.setattr("server.app._BODY_SECONDS", 1.0)
        with running(settings) as client:
            client.headers["Authorization"] = f"Bearer {TOKEN}"
            yield Served(client, settings, store)


def busy(served: Served, patch: pytest.MonkeyPatch) -> httpx2.Response:
    patch.setattr("server.evaluating._WAITING", 0)
    return served.evaluate(served.run, "&split=test")


def unavailable(served: Served, _: pytest.MonkeyPatch) -> httpx2.Response:
    with served.without_database():
        return served.ask("GET", "/runs")


def not_ready(served: Served, _: pytest.MonkeyPatch) -> httpx2.Response:
    with served.without_database():
        return served.ask("GET", "/readyz")


def without_onnx(served: Served, patch: pytest.MonkeyPatch) -> httpx2.Response:
    patch.setitem(sys.modules, "onnx", None)
    return served.ask("GET", f"/runs/{served.run.id}/checkpoints/0/export?format=onnx")


def undeletable(served: Served, _: pytest.MonkeyPatch) -> httpx2.Response:
    run = served.ask("POST", "/runs").json()["id"]
    for folder in (run, f".deleted-{run}"):
        (served.settings.run_folder(folder) / "in the way").mkdir(parents=True)
    return served.ask("DELETE", f"/runs/{run}")


def unexpected(served: Served, patch: pytest.MonkeyPatch) -> httpx2.Response:
    patch.setattr("shadowboard.store.Store.newest_runs", lambda self, limit, **_: limit / 0)
    return served.ask("GET", "/runs?limit=1")


def too_slow(served: Served, _: pytest.MonkeyPatch) -> httpx2.Response:
    url = served.client.base_url
    with closing(HTTPConnection(url.host, url.port or 80, timeout=20)) as connection:
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Length", "5")
        connection.endheaders(b"ab")
        answer = connection.getresponse()
        return httpx2.Response(answer.status, headers=answer.getheaders(), content=answer.read())


def asking(method: str, path: str, **request: Any) -> "Provoke":
    return lambda served, _: served.ask(
        method, path.format(run=served.run.id, empty=served.empty.id, damaged=served.damaged.id), **request
    )


def parts() -> Iterator[bytes]:
    for _ in range(9):
        yield b"x" * 2**20


Provoke = Callable[[Served, pytest.MonkeyPatch], httpx2.Response]

OTHERS = {"Sec-Fetch-Site": "cross-site"}
NOBODY = {"Authorization": ""}
JSON = {"Content-Type": "application/json"}

CASES: list[tuple[Kind, int, str, Provoke]] = [
    (errors.RunMissing, 404, "There is no run 'zzz'", asking("GET", "/runs/zzz")),
    (
        errors.StudyMissing,
        404,
        "There is no study 'zzz'; GET /studies lists them.",
        asking("GET", "/studies/zzz"),
    ),
    (errors.RunBusy, 409, "The run {run} is finished; only", asking("POST", "/runs/{run}/resume")),
    (
        errors.ConfigurationInvalid,
        422,
        "steps is 0; expected 1 to 100,000,000.",
        asking("POST", "/runs", json={"config": {"steps": 0}}),
    ),
    (errors.ImageMissing, 404, "There is no test image 10000; ", asking("GET", "/images/test/10000.png")),
    (
        errors.ImageMissing,
        404,
        "There is no test image -1; expected 0 to 9999.",
        asking("GET", "/runs/{run}/readings?index=-1&split=test"),
    ),
    (errors.PictureInvalid, 422, "cannot be recognised", asking("POST", "/predict", content=b"GIF89a")),
    (
        errors.CheckpointMissing,
        404,
        "There is no checkpoint of step 99; the newest steps are: 0, 10.",
        asking("GET", "/evaluate?run={run}&step=99"),
    ),
    (
        errors.CheckpointDamaged,
        409,
        "The checkpoint model.ckpt-0 is damaged",
        lambda served, _: served.evaluate(served.damaged),
    ),
    (
        errors.CheckpointUnsuitable,
        422,
        "holds no average called X; it holds: ExponentialMovingAverage.",
        lambda served, _: served.evaluate(served.run, "&ema=true&average=X"),
    ),
    (errors.CheckpointError, 500, "The run is deleted, but not its files", undeletable),
    (
        errors.DatasetMissing,
        409,
        "nowhere does not exist",
        lambda served, _: served.evaluate(served.no_folder),
    ),
    (
        errors.DatasetDamaged,
        409,
        "train-labels-idx1-ubyte is empty",
        lambda served, _: served.evaluate(served.no_images),
    ),
    (errors.PackageMissing, 501, "by the package onnx, which is not installed here; ", without_onnx),
    (errors.Busy, 503, "0 evaluations are waiting already; try again", busy),
    (errors.StoreUnavailable, 503, "cannot be used", unavailable),
    (None, 503, "cannot be used", not_ready),
    (None, 500, "Unexpected ZeroDivisionError; the server's log has more, under ", unexpected),
    (
        None,
        422,
        "The body cannot be read; expected JSON in UTF-8",
        asking("POST", "/runs", content=b'{"name": "\xff"}', headers=JSON),
    ),
    (None, 401, "No token was sent; expected the header", asking("POST", "/runs", headers=NOBODY)),
    (
        None,
        401,
        "The token is wrong; expected the header",
        asking("DELETE", "/runs/{run}", headers={"Authorization": "Bearer guess"}),
    ),
    (
        None,
        401,
        "The login has ended; expected the header",
        asking("POST", "/runs/{run}/stop", headers=NOBODY | {"Cookie": "shadowboard=1.x"}),
    ),
    (None, 403, "POST requests are taken from", asking("POST", "/predict", headers=OTHERS)),
    (None, 404, "There is nothing at /nowhere.", asking("GET", "/nowhere")),
    (None, 405, "PUT is not possible at /runs; expected GET, HEAD, POST.", asking("PUT", "/runs")),
    (None, 405, "PUT is not possible at /login; expected GET, HEAD, POST.", asking("PUT", "/login")),
    (None, 405, "PATCH is not possible at /static/base.css;", asking("PATCH", "/static/base.css")),
    (None, 408, "The body is not complete after 1 s; send it faster.", too_slow),
    (None, 413, "expected at most 8 MiB.", asking("POST", "/predict", content=b"x" * (2**23 + 1))),
    (None, 413, "expected at most 8 MiB.", lambda served, _: served.ask("POST", "/predict", content=parts())),
    (
        None,
        421,
        "The Host header is 'evil.example'; expected localhost or 127.0.0.1.",
        asking("GET", "/runs", headers={"Host": "evil.example"}),
    ),
    (None, 422, "step is 'first'; expected latest, best", asking("GET", "/compare?step=first")),
]

HEADERS = {401: "WWW-Authenticate", 405: "Allow", 503: "Retry-After"}


@pytest.mark.parametrize(
    ("kind", "status", "detail", "provoke"),
    CASES,
    ids=[f"{status} {kind.__name__ if kind else detail[:20]}" for kind, status, detail, _ in CASES],
)
def test_every_error_is_a_sentence_in_one_shape(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    kind: Kind,
    status: int,
    detail: str,
    provoke: Provoke,
) -> None:
    raised: list[type[errors.ShadowboardError]] = []
    status_of = server.problems._status
    monkeypatch.setattr("server.problems._status", lambda kind: (raised.append(kind), status_of(kind))[1])
    answer = provoke(served, monkeypatch)
    assert answer.status_code == status, answer.text
    assert raised == ([kind] if kind else [])
    assert answer.headers["content-type"] == "application/problem+json"
    assert HEADERS.get(status, "Date") in answer.headers
    body = answer.json()
    assert {"type", "title", "status", "detail"} <= set(body)
    assert (body["type"], body["status"]) == ("about:blank", status)
    assert body["title"] == HTTPStatus(status).phrase
    assert detail.replace("{run}", served.run.id) in body["detail"]
    assert str(served.settings.home) not in answer.text  # the log has it
    assert re.fullmatch(r"[A-Z\d/][^\n]*\.|[a-z_.\d-]+ (is|does) [^\n]*\.", body["detail"])


def test_every_error_class_has_a_case() -> None:
    classes = {kind for _, kind in inspect.getmembers(errors, inspect.isclass)}
    assert {kind for kind, *_ in CASES if kind} == classes - NOT_OVER_HTTP - ABSTRACT


def test_every_status_has_a_case() -> None:
    sources = [path.read_text() for path in Path(server.__file__).parent.rglob("*.py")]
    named = {
        HTTPStatus[name].value for text in sources for name in re.findall(r"HTTPStatus\.([A-Z_]+)", text)
    }
    document = create_app(Settings()).openapi()
    told = {
        int(status)
        for methods in document["paths"].values()
        for operation in methods.values()
        for status in operation["responses"]
    }
    cases = {status for _, status, *_ in CASES}
    only_changed = {400}  # what the framework raises leaves as a 422
    assert {status for status in named | told if status >= 400} - only_changed == cases
