"""A log line for each request, and an id that its answer and all lines about it carry."""

import logging
import re
import secrets
import time
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shadowboard.logs import FIELDS, request_id

log = logging.getLogger(__name__)

_HEADER = b"x-request-id"

_SANE_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


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
                log.info("Answered.", extra={FIELDS: _fields(scope, status, seconds)})


def _fields(scope: Scope, status: int, seconds: float) -> dict[str, Any]:
    client = scope.get("client") or ("",)
    return {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "seconds": seconds,
        "client": client[0],
    }
