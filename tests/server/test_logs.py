"""Log lines: read back by a small logfmt parser of the tests' own."""

import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.logs import Logfmt

PAIR = re.compile(r'(?P<name>[a-z_]+)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"=\\]+))(?: |\Z)')


def read(line: str) -> list[tuple[str, str]]:
    """The fields of a line, as bytes of UTF-8 would be: escapes are Python's."""
    found, end = [], 0
    for match in PAIR.finditer(line):
        assert match.start() == end, line
        end = match.end()
        quoted = match["quoted"]
        text = match["bare"] if quoted is None else unescape(quoted)
        found.append((match["name"], text))
    assert end == len(line), line
    return found


def unescape(text: str) -> str:
    return re.sub(
        r"\\(x..|u....|U........|.)",
        lambda m: m[0].encode().decode("unicode_escape") if m[1][0] in "xuUnrt" else m[1],
        text,
    )


def record(message: str, **fields: Any) -> logging.LogRecord:
    made = logging.LogRecord("a", logging.WARNING, "", 0, "%s", (message,), None)
    made.fields = fields
    return made


@given(st.text(min_size=1), st.text(min_size=1))
def test_nothing_forges_a_line_or_a_field(message: str, path: str) -> None:
    line = Logfmt().format(record(message, path=path))
    assert line.isprintable()
    fields = read(line)
    assert [name for name, _ in fields] == ["time", "level", "message", "path"]
    assert dict(fields)["message"] == message
    assert dict(fields)["path"] == path


def test_a_line_for_people() -> None:
    line = Logfmt().format(record("It starts again in 1 s.", status=200))
    assert re.fullmatch(
        r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=warning "
        r'message="It starts again in 1 s\." status=200',
        line,
    )


def test_a_traceback_follows_indented() -> None:
    def fail() -> None:
        raise ValueError("a\nlevel=error message=forged \x1b[31m")

    try:
        fail()
    except ValueError:
        made = logging.LogRecord("a", logging.ERROR, "", 0, "Unexpected.", (), sys.exc_info())
    first, *rest = Logfmt().format(made).split("\n")
    assert dict(read(first))["message"] == "Unexpected."
    assert all(line.startswith("    ") and line.isprintable() for line in rest)
    assert rest[-2:] == ["    ValueError: a", "    level=error message=forged \\x1b[31m"]


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


def test_only_the_level_asked_for_and_above_is_written() -> None:
    code = (
        "import logging, sys; from server.logs import log_to_stderr; log_to_stderr(sys.argv[1])\n"
        "for level in ('info', 'warning', 'error'): getattr(logging.getLogger('x'), level)(level)"
    )
    for level, count in (("info", 3), ("warning", 2), ("error", 1)):
        done = subprocess.run([sys.executable, "-c", code, level], capture_output=True, text=True, check=True)
        assert len(done.stderr.splitlines()) == count
        assert done.stdout == ""
