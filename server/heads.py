"""HEAD: what GET would answer, without its body."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """Lets every GET route answer HEAD, as uptime checks and `curl -I` ask for it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        started = asyncio.Event()
        asked = False

        async def receive_until_started() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await started.wait()
            return {"type": "http.disconnect"}  # so that a stream ends as soon as it has begun

        async def send_start(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                started.set()

        # A copy: the HTTP server has to know the real method, for it frames the answer by it.
        await self.app(dict(scope, method="GET"), receive_until_started, send_start)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
