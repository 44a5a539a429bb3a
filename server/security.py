"""What protects a server on a person's own machine from the other pages in that person's browser."""

import ipaddress
from http import HTTPStatus

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
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

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds the headers that tell a browser what these pages may do, and who may use them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class HostCheck:
    """Answers only requests whose Host header names this server.

    A page of another site can point its own name at 127.0.0.1 (DNS rebinding) and would then share an
    origin with us; but its requests carry that name. An address cannot be rebound, so a server that
    listens on every address answers to any.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app = app
        self._host = host.lower()
        address = _address(self._host)
        self._everywhere = address is not None and address.is_unspecified

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            header = Headers(scope=scope).get("host", "")
            if not self._serves(_name(header)):
                detail = f"The Host header is {header[:200]!r}; expected localhost or {self._host}."
                await problem(HTTPStatus.MISDIRECTED_REQUEST, detail)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _serves(self, name: str) -> bool:
        if name in {"localhost", self._host}:
            return True
        address = _address(name)
        return address is not None and (address.is_loopback or self._everywhere)


def _name(host: str) -> str:
    """The host without its port, and without the brackets of an IPv6 address."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].removesuffix(".").lower()


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
    """Refuses bodies of more than `limit` bytes: at once by the announced length, else as they stream in."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self._limit = limit
        self._detail = f"The body is too large; expected at most {limit // 2**20} MiB."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._limit:
            await problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._detail)(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._detail)
            return message

        await self.app(scope, receive_counted, send)
