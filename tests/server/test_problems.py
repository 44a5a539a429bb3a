"""One error shape: every kind of error, on every route."""

from typing import Any

import httpx2
import pytest

from shadowboard.records import Run

JSON = {"Content-Type": "application/json"}

CASES: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("GET", "/nowhere", {}, 404, "There is nothing at /nowhere."),
    ("GET", "/static/nothing.js", {}, 404, "There is nothing at /static/nothing.js."),
    ("PUT", "/runs", {}, 405, "PUT is not possible at /runs; expected"),
    ("DELETE", "/healthz", {}, 405, "expected GET"),
    ("POST", "/static/page.js", {}, 405, "POST is not possible"),
    ("GET", "/runs/zzz", {}, 404, "There is no run 'zzz'"),
    ("GET", "/runs/zzz/history", {}, 404, "There is no run 'zzz'"),
    ("GET", "/runs/zzz/events", {}, 404, "There is no run 'zzz'"),
    ("POST", "/runs/zzz/stop", {}, 404, "There is no run 'zzz'"),
    ("GET", "/evaluate?run=zzz", {}, 404, "There is no run 'zzz'"),
    ("POST", "/runs/RUN/stop", {}, 409, "neither queued nor in training"),
    (
        "GET",
        "/runs/RUN/history?max_points=0",
        {},
        422,
        "max_points is '0'; expected at least 1.",
    ),
    ("GET", "/runs/RUN/history?max_points=x", {}, 422, "max_points is 'x'; expected a whole number."),
    (
        "GET",
        "/runs/RUN/events?after=7",
        {},
        422,
        "after is '7'; expected the id of an event, such as m12-c3-e40.",
    ),
    ("GET", "/runs/RUN/events", {"headers": {"Last-Event-ID": "m1"}}, 422, "last-event-id is 'm1'"),
    ("GET", "/runs/a%00b", {}, 422, "run_id is"),
    ("GET", f"/evaluate?run={501 * 'x'}", {}, 422, "run is 'xxxxxx"),
    ("GET", "/evaluate?run=RUN&step=99", {}, 404, "There is no checkpoint of step 99"),
    ("GET", "/evaluate?run=RUN&step=99999999999999999999", {}, 422, "expected latest, best or the number"),
    (
        "GET",
        "/evaluate?run=RUN&step=-1",
        {},
        422,
        "step is '-1'; expected latest, best or the number of a step.",
    ),
    (
        "GET",
        "/evaluate?run=RUN&split=train",
        {},
        422,
        "split is 'train'; expected 'validation' or 'test'.",
    ),
    ("GET", "/evaluate?run=RUN&ema=perhaps", {}, 422, "ema is 'perhaps'; expected true or false."),
    (
        "GET",
        "/evaluate?run=RUN&ema=true&average=X",
        {},
        422,
        "holds no average called X; it holds: Exponential",
    ),
    ("GET", "/evaluate?run=RUN&average=X", {}, 422, "average is 'X', but raw weights were asked for"),
    ("GET", "/evaluate?run=RUN&step=best", {}, 404, "has been evaluated with these weights yet"),
    ("GET", "/evaluate?run=NONE", {}, 404, "has no checkpoint yet"),
    ("POST", "/predict?run=RUN", {"content": b"no picture"}, 422, ""),
    ("POST", "/predict?run=RUN", {"json": {"image": [[0] * 28] * 27}}, 422, "27"),
    ("POST", "/predict?run=RUN", {"json": {"image": [[0] * 28] * 28}}, 422, "empty"),
    ("POST", "/predict?run=RUN", {"json": {"picture": 1}}, 422, 'expected {"image": 28 rows of 28 numbers}'),
    ("POST", "/predict?run=RUN", {"content": b"[" * 100_000, "headers": JSON}, 422, "JSON"),
    ("POST", "/predict?run=RUN", {"content": b"{", "headers": JSON}, 422, "JSON"),
    ("POST", "/predict?run=NONE", {"json": {"image": [[1] * 28] * 28}}, 404, "has no checkpoint yet"),
    ("POST", "/predict?step=first", {"content": b""}, 422, "step is 'first'"),
    ("POST", "/runs", {"content": b"{", "headers": JSON}, 422, "The body is no JSON"),
    ("POST", "/runs", {"json": {"nam": "x"}}, 422, "There is no field called nam."),
    ("POST", "/runs", {"content": b'{"name": "\\ud800"}', "headers": JSON}, 422, "name is"),
    ("POST", "/runs", {"json": {"config": {"steps": 0}}}, 422, "steps is 0; expected 1 to 100,000,000."),
    ("POST", "/runs", {"json": {"config": {"colour": 1}}}, 422, "no knob called colour"),
    (
        "POST",
        "/runs",
        {"json": {"config": {"data": "/etc"}}},
        422,
        "data is '/etc'; over HTTP it can only be mnist",
    ),
    (
        "POST",
        "/runs",
        {"content": b'{"config": {"learning_rate": NaN}}', "headers": JSON},
        422,
        "learning_rate is nan",
    ),
    (
        "POST",
        "/runs",
        {"content": b"name=x", "headers": {"Content-Type": "text/plain"}},
        422,
        "The Content-Type of the body is 'text/plain'; expected application/json.",
    ),
    (
        "POST",
        "/runs",
        {"data": {'{"name": "x"}': ""}},
        422,
        "The Content-Type of the body is 'application/x-www-form-urlencoded'; expected application/json.",
    ),
    (
        "POST",
        "/predict?run=RUN",
        {"content": b' {"image": [[1]]}', "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        422,
        "The Content-Type of the body is 'application/x-www-form-urlencoded'; expected application/json.",
    ),
    ("POST", "/runs", {"json": {"name": "a/b"}}, 422, "name has a slash; expected none"),
    (
        "GET",
        "/evaluate?run=RUN&emma=true",
        {},
        422,
        "There is no query parameter called 'emma'; /evaluate takes average, ema, run, split, step.",
    ),
    (
        "GET",
        "/runs/RUN/events?last=1",
        {},
        422,
        "There is no query parameter called 'last'; /runs/RUN/events takes after, runs.",
    ),
    ("GET", "/events?after=1", {}, 422, "There is no query parameter called 'after'; /events takes none."),
    ("DELETE", "/runs/RUN?force", {}, 422, "There is no query parameter called 'force'"),
    (
        "POST",
        "/runs",
        {"content": b'{"config": {"\\ud800": 1}}', "headers": JSON},
        422,
        "There is no knob called ?",
    ),
    ("GET", "/images/test/10000.png", {}, 404, "There is no test image 10000; expected 0 to 9999."),
    ("GET", "/images/test/-1.png", {}, 404, "There is no test image -1"),
    ("GET", "/images/all/1.png", {}, 422, "split is 'all'"),
    ("GET", "/images/test/one.png", {}, 422, "index is 'one'"),
]


@pytest.mark.parametrize(
    ("method", "path", "request_", "status", "detail"), CASES, ids=[f"{c[0]} {c[1]} {c[3]}" for c in CASES]
)
def test_errors_have_one_shape(
    sample: tuple[httpx2.Client, Run, Run],
    method: str,
    path: str,
    request_: dict[str, Any],
    status: int,
    detail: str,
) -> None:
    client, run, empty = sample
    answer = client.request(method, path.replace("RUN", run.id).replace("NONE", empty.id), **request_)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == status
    assert detail.replace("RUN", run.id) in body["detail"]
    assert "\n" not in body["detail"]
    assert body["detail"].endswith(".")
