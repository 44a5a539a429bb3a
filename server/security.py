"""What protects a server on a person's own machine from the other pages in that person's browser."""

import asyncio
import ipaddress
import re
from collections.abc import Collection
from http import HTTPStatus

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.problems import problem

_READING = {"GET", "HEAD", "OPTIONS"}

POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "style-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)

_HOST = re.compile(r"(\[(?P<ipv6>[^\]]+)\]|(?P<name>[^:\[\]]*))(:\d*)?")

_NAMED = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: forms would then be sent with "Origin: null", even from here to here.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_HEADERS = [(name.lower().encode(), value.encode()) for name, value in _NAMED.items()]


class SecurityHeaders:
    """Adds the headers that tell a browser what these pages may do, and who may use them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class HostCheck:
    """Answers only requests whose Host header names this server.

    A page of another site can point its own name at 127.0.0.1 (DNS rebinding) and would then share an
    origin with us; but its requests carry that name. An address cannot be rebound, so a server that
    listens on every address answers to any, and to names only where they are allowed.
    """

    def __init__(self, app: ASGIApp, host: str, allowed: Collection[str] = ()) -> None:
        self.app = app
        self._names = {"localhost", host.lower(), *allowed}
        self._expected = " or ".join(dict.fromkeys(["localhost", host.lower(), *allowed]))
        address = _address(host.lower())
        self._everywhere = address is not None and address.is_unspecified

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            header = Headers(scope=scope).get("host", "")
            if not self._serves(_name(header)):
                detail = f"The Host header is {header[:200]!r}; expected {self._expected}."
                await problem(HTTPStatus.MISDIRECTED_REQUEST, detail)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _serves(self, name: str) -> bool:
        if name in self._names:
            return True
        address = _address(name)
        return address is not None and (address.is_loopback or self._everywhere)


def _name(host: str) -> str:
    """The host without its port, and without the brackets of an IPv6 address; empty where it is malformed."""
    found = _HOST.fullmatch(host)
    return (found["ipv6"] or found["name"].removesuffix(".")).lower() if found else ""


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


class OriginCheck:
    """Refuses changing requests that another site's page sends (cross-site request forgery).

    Browsers say where a request comes from in Sec-Fetch-Site, or older ones in Origin; programs that are
    no browser send neither, and no page can make them act. (Valsorda, "Cross-Site Request Forgery", 2025.)
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["method"] not in _READING:
            headers = Headers(scope=scope)
            if not _same_origin(headers):
                detail = f"{scope['method']} requests are taken from this server's own pages only."
                await problem(HTTPStatus.FORBIDDEN, detail)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _same_origin(headers: Headers) -> bool:
    if site := headers.get("sec-fetch-site"):
        return site in {"same-origin", "none"}
    if (origin := headers.get("origin")) is None:
        return True
    return origin.partition("://")[2].lower() == headers.get("host", "").lower()


class BodyLimit:
    """Refuses bodies of more than `limit` bytes: at once by the announced length, else as they stream in.

    And those that are not there after `seconds`: a client must not hold a place by sending ever so slowly.
    """

    def __init__(self, app: ASGIApp, limit: int, seconds: float) -> None:
        self.app = app
        self._limit = limit
        self._seconds = seconds
        self._too_large = f"The body is too large; expected at most {limit // 2**20} MiB."
        self._too_slow = f"The body is not complete after {seconds:g} s; send it faster."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._limit:
            await problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large)(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + self._seconds
        received, complete = 0, False

        async def receive_limited() -> Message:
            nonlocal received, complete
            if complete:  # what comes now is the end of the connection, which may take its time
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                close = {"Connection": "close"}
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, self._too_slow, close) from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > self._limit:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large)
            return message

        await self.app(scope, receive_limited, send)
