"""Log lines: read back by a small logfmt parser of the tests' own."""

import logging
import re
import subprocess
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shadowboard.logs import Logfmt

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


def test_only_the_level_asked_for_and_above_is_written() -> None:
    code = (
        "import logging, sys; from shadowboard.logs import log_to_stderr; log_to_stderr(sys.argv[1])\n"
        "for level in ('info', 'warning', 'error'): getattr(logging.getLogger('x'), level)(level)"
    )
    for level, count in (("info", 3), ("warning", 2), ("error", 1)):
        done = subprocess.run([sys.executable, "-c", code, level], capture_output=True, text=True, check=True)
        assert len(done.stderr.splitlines()) == count
        assert done.stdout == ""
