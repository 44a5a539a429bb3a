"""Log lines that people and machines read: logfmt, one record a line, with the id of the request at hand."""

import logging
import re
import secrets
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

_HEADER = b"x-request-id"

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that this task, or the thread that it waits for, answers."""

_SANE_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_BARE = re.compile(r"[^\s\"=\\]+")
_FIELD = "fields"


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
            **getattr(record, _FIELD, {}),
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


class RequestLog:
    """Gives each request an id, which its answer and its log lines carry, and logs a line when it is done.

    An id that the client or a proxy has given is kept where it is short and plain.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(_HEADER.decode(), "")
        name = given if _SANE_ID.fullmatch(given) else secrets.token_hex(8)
        request_id.set(name)  # for good: each request has a task, and thereby a context, of its own
        began = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (_HEADER, name.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            if log.isEnabledFor(logging.INFO):
                seconds = round(time.perf_counter() - began, 4)
                log.info("Answered.", extra={_FIELD: _fields(scope, status, seconds)})


def _fields(scope: Scope, status: int, seconds: float) -> dict[str, Any]:
    client = scope.get("client") or ("",)
    return {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "seconds": seconds,
        "client": client[0],
    }
