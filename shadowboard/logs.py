"""Log lines that people and machines read: logfmt, one record a line, with the id of the request at hand."""

import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that this task, or the thread that it waits for, answers; empty where there is none."""

FIELDS = "fields"
"""The attribute of a record that holds what its line tells beside the message, by name."""

_BARE = re.compile(r"[^\s\"=\\]+")


class Logfmt(logging.Formatter):
    """`time=… level=warning message="…" request=… key=value`; a traceback follows, indented by four.

    Whatever a value holds, it forges no line and no field: it is quoted, and what does not print is escaped.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "request": request_id.get(),
            **getattr(record, FIELDS, {}),
        }
        line = " ".join(f"{name}={_value(value)}" for name, value in fields.items() if value != "")
        if record.exc_info:
            lines = self.formatException(record.exc_info).split("\n")
            line += "".join("\n    " + _printable(one) for one in lines)
        return line


def log_to_stderr(level: str) -> None:
    """Send the lines of `level` (info, warning, …) and above to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(Logfmt())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def _value(value: object) -> str:
    text = str(value)
    if _BARE.fullmatch(text) and text.isprintable():
        return text
    return '"' + _printable(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
