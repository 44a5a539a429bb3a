"""Addresses of lists that a person types into a browser: they lead to pages. To all others they are JSON."""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGES: Mapping[str, str] = {"/runs": "compare-runs", "/studies": "study"}
"""Where the lists are to be seen, beside their own addresses."""

# As browsers begin when they open an address. Some programs ask for text/html too, but only they for XHTML.
_BROWSERS = "text/html,application/xhtml+xml"


class TypedAddresses:
    """Sends a browser from the address of a list on to its page.

    Not one that comes from a page of ours, as from the list of all operations, nor one that asks for a part.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        page = PAGES.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if page is None or scope["query_string"]:
            await self.app(scope, receive, send)
        elif _is_typed(Headers(scope=scope)):
            headers = [(b"location", page.encode()), (b"vary", b"Accept, Referer"), (b"content-length", b"0")]
            await send(
                {"type": "http.response.start", "status": HTTPStatus.SEE_OTHER.value, "headers": headers}
            )
            await send({"type": "http.response.body", "body": b""})
        else:

            async def send_varying(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message).add_vary_header("Accept, Referer")
                await send(message)

            await self.app(scope, receive, send_varying)


def _is_typed(headers: Headers) -> bool:
    if not headers.get("accept", "").replace(" ", "").startswith(_BROWSERS):
        return False
    try:
        return urlsplit(headers.get("referer", "")).netloc != headers.get("host")
    except ValueError:  # what is no address is none of ours
        return True
