"""The HTTP server: a port taken beforehand, an announcement when it answers, an end within seconds."""

import asyncio
import errno
import ipaddress
import logging
import math
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import uvicorn

from server.app import close_streams, create_app
from server.memory import share_arenas
from server.slow_readers import ReadLimit
from shadowboard.errors import SettingsInvalid
from shadowboard.given_network import GivenNetwork
from shadowboard.settings import Settings
from shadowboard.store import Store

log = logging.getLogger(__name__)

_GRACE_SECONDS = 2
# Longer than clients and proxies keep a connection that is idle, 60 s at most mostly: whoever sends on one at
# the moment at which it is closed loses the request.
_IDLE_SECONDS = 75
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN_SECONDS = 60.0  # until the same is told again


def serve(
    settings: Settings,
    announce: Callable[[str], None],
    leave: Callable[[], None] = lambda: None,
    networks: Sequence[GivenNetwork] = (),
) -> None:
    """Serve until SIGINT or SIGTERM; `announce` gets the URL as soon as requests are answered.

    `leave` is called when the end begins; `networks`: those given beside the one that is known.

    Raises SettingsInvalid where the port cannot be had, or where others could reach the server and change
    things; StoreUnavailable where the database cannot be opened.
    """
    _allow_many_connections()
    share_arenas()
    with closing(listen(settings)) as listener:
        Store(settings.store_url).close()
        Server(settings, listener, announce, leave, networks).run()


def listen(settings: Settings) -> socket.socket:
    """A socket on the host and port of the settings. Raises SettingsInvalid."""
    host, port = settings.host, settings.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name such as localhost may stand for addresses of both kinds.
        family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        _check_reach(settings, str(address[0]))
        listener = socket.create_server(address[:2], family=family, backlog=2048)
    except (socket.gaierror, UnicodeError):  # the second where a part is empty, or too long for a name
        raise SettingsInvalid(f"{host!r} is no address of this machine; set the host to 127.0.0.1.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            problem = "is in use; choose another with --port or SHADOWBOARD_PORT (0 takes a free one)"
        else:
            problem = f"cannot be used: {(error.strerror or str(error)).lower()}"
        raise SettingsInvalid(f"Port {port} on {host} {problem}.") from error
    # Connections inherit it. Without, an answer's second packet waits 40 ms for the first one's receipt;
    # asyncio sets it only on sockets that it made itself.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _allow_many_connections() -> None:
    """Each is an open file, of which a process may by default have 1,024, but mostly many more if it asks."""
    with suppress(ImportError, ValueError, OSError):  # not everywhere, and not for everybody
        import resource

        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _check_reach(settings: Settings, address: str) -> None:
    """Refuse, or with `insecure` warn, where others could change things. Raises SettingsInvalid."""
    if settings.token or (ipaddress.ip_address(address).is_loopback and not settings.names):
        return
    if not settings.insecure:
        way = f"on {settings.host}" if not settings.names else f"as {', '.join(settings.names)}"
        raise SettingsInvalid(
            f"Others could reach the server {way}, and it has no token: set SHADOWBOARD_TOKEN to 16 or more "
            "characters that nobody guesses, listen on 127.0.0.1 alone, or take the risk with --insecure."
        )
    log.warning("Whoever reaches this server can queue, stop and delete runs: it has no token.")


class Server(uvicorn.Server):
    """Uvicorn with a socket of ours; a signal ends `run` as a return does."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        announce: Callable[[str], None],
        leave: Callable[[], None] = lambda: None,
        networks: Sequence[GivenNetwork] = (),
    ) -> None:
        self._app = create_app(settings, networks)
        self._listener = listener
        self._announce, self._leave = announce, leave
        self._told_at = -math.inf
        self._url = _url(settings.host, listener.getsockname()[1])
        super().__init__(
            uvicorn.Config(
                self._app,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                http=ReadLimit,
                lifespan="on",
                ws="none",
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on the listener, until a signal or `should_exit`."""
        super().run(sockets or [self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce the URL."""
        asyncio.get_running_loop().set_exception_handler(self._tell)
        await super().startup(sockets)
        self._announce(self._url)

    def _tell(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Of what nobody awaits. With no file left for a connection, asyncio says so thousands of times."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in {errno.EMFILE, errno.ENFILE}:
            loop.default_exception_handler(context)
        elif time.monotonic() - self._told_at > _AGAIN_SECONDS:
            self._told_at = time.monotonic()
            log.error("No more connections can be taken: %s.", (error.strerror or "").lower())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams first: the rest waits for them."""
        self._leave()
        close_streams(self._app)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave on a signal, without raising it once more at the end: the caller has things to put away."""
        try:
            before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        except ValueError:  # not the main thread
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _url(host: str, port: int) -> str:
    """An address that a browser on this machine can open."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - it is taken out here
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{port}"
