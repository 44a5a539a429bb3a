"""What a request leaves in the log, and the id by which it is found there."""

import logging
import re
import time
from collections.abc import Iterator

import httpx2
import pytest

from shadowboard.logs import Logfmt
from tests.shadowboard.test_logs import read


class Kept(logging.Handler):
    """Keeps the lines, as each is logged: the id of a request is known only while it is answered."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(Logfmt())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler, logger = Kept(), logging.getLogger("server")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_each_request_has_a_line_with_its_id(client: httpx2.Client, kept: Kept) -> None:
    given = client.get("/runs?limit=1", headers={"X-Request-ID": "from-a.proxy_1"})
    assert given.headers["x-request-id"] == "from-a.proxy_1"
    made = client.get("/nowhere%0Alevel=error")
    assert re.fullmatch(r"[0-9a-f]{16}", made.headers["x-request-id"])
    assert client.get("/healthz").headers["x-request-id"] != made.headers["x-request-id"]
    for _ in range(500):  # a line is written after its answer has left
        if len(kept.lines) == 3:
            break
        time.sleep(0.02)
    first, second, _ = (dict(read(line)) for line in kept.lines)
    assert first["request"] == "from-a.proxy_1"
    assert (first["method"], first["path"], first["status"]) == ("GET", "/runs", "200")
    assert second["path"] == "/nowhere\nlevel=error"
    assert second["status"] == "404"
    assert second["client"] == "127.0.0.1"
    assert 0 <= float(second["seconds"]) < 60


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a=b", 'a"b', "ä", "a\tb", "a/b", "²"])
def test_ids_that_are_not_plain_are_replaced(client: httpx2.Client, name: str) -> None:
    answer = client.get("/healthz", headers=[(b"X-Request-ID", name.encode())])
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


def test_what_a_request_sets_off_carries_its_id(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch, kept: Kept
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("shadowboard.store.Store.run", fail)
    answer = client.get("/runs/x")
    assert answer.status_code == 500
    name = answer.headers["x-request-id"]
    assert name in answer.json()["detail"]
    (line,) = [line for line in kept.lines if "Unexpected" in line]
    assert dict(read(line.split("\n")[0]))["request"] == name
    assert "RuntimeError: boom" in line
