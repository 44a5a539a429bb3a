"""HEAD against GET, over a real connection."""

import http.client
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from shadowboard.records import Run

VARYING = {"date", "x-request-id", "content-length", "transfer-encoding"}


@pytest.mark.parametrize(
    "path",
    ["/", "/docs", "/healthz", "/metrics", "/runs", "/runs/zzz", "/nowhere", "/static/base.css",
     "/static/plotly.min.js", "/images/test/0.png", "/openapi.json", "/evaluate?step=x"],
)  # fmt: skip
def test_head_is_get_without_its_body(sample: tuple[httpx2.Client, Run, Run], path: str) -> None:
    client = sample[0]
    head, get = client.head(path), client.get(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    assert {k: v for k, v in head.headers.items() if k not in VARYING} == {
        k: v for k, v in get.headers.items() if k not in VARYING
    }
    if path != "/metrics":
        assert head.headers["content-length"] == get.headers["content-length"]


def test_a_stream_ends_at_once_and_the_connection_is_good_for_more(
    make_run: Callable[..., Run], client: httpx2.Client
) -> None:
    run = make_run((0,), state="training")
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=20)
    for _ in range(3):
        connection.request("HEAD", f"/runs/{run.id}/events")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.read() == b""
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"ok"}'
    connection.close()


def test_where_there_is_no_get_there_is_no_head(sample: tuple[Any, Run, Run]) -> None:
    assert sample[0].head("/predict").status_code == 405
