"""The client of the serving benchmarks: HTTP/1.1 on kept-alive connections, without an HTTP library.

    python -m benchmarks.load URL [--bodies FILE] [--connections 16] [--seconds 3] [--interval 0]

FILE has one JSON body a line, posted in turn; without it, requests are GETs. Each connection sends its next
request when the answer is there; with an interval, at fixed times, and where the answer before was late, a
wait counts from the time at which the request was due: otherwise a stall would count once, and hide the
requests it kept from being sent. That this process itself is woken late, on a busy machine, does not count.
Prints one line of JSON; anything but a 200 ends it with that answer. Standard library only, and a process of
its own, so that no contender's environment or client-side work can differ.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

_ANSWER_SECONDS = 30


class Connection(asyncio.Protocol):
    """One connection: at most one request under way; each answer's seconds go into `waits`."""

    def __init__(self, requests: Iterator[bytes], waits: list[float], until: float, interval: float) -> None:
        self._requests = requests
        self._waits = waits
        self._until = until
        self._interval = interval
        self._sent = 0.0
        self._answer = b""
        self._length = 0  # of the whole answer; 0 while its head is not complete
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._due = time.perf_counter()
        self._send()

    def _send(self, due: float | None = None) -> None:
        self._sent = due or time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._length:
            end = self._answer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._length = end + 4 + _content_length(self._answer[:end])
        if len(self._answer) < self._length:
            return
        now = time.perf_counter()
        if not self._answer.startswith(b"HTTP/1.1 200"):
            self.ended.set_exception(RuntimeError(self._answer[:500].decode(errors="replace")))
            self._transport.close()
            return
        self._waits.append(now - self._sent)
        self._answer, self._length = b"", 0
        if now >= self._until:
            self._transport.close()
        elif self._interval:
            self._due += self._interval
            if self._due > now:
                self._loop.call_later(self._due - now, self._send)
            else:
                self._send(self._due)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            if time.perf_counter() >= self._until:
                self.ended.set_result(None)
            else:
                self.ended.set_exception(RuntimeError("The server closed the connection."))


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise RuntimeError(f"An answer without Content-Length: {head.decode(errors='replace')}")


def encode(url: SplitResult, body: bytes | None) -> bytes:
    """The request as bytes."""
    target = url.path + (f"?{url.query}" if url.query else "")
    head = f"{'GET' if body is None else 'POST'} {target} HTTP/1.1\r\nHost: {url.netloc}\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + (body or b"")


async def load(
    url: str, bodies: list[bytes], connections: int, seconds: float, interval: float = 0.0
) -> list[float]:
    """The seconds that each request took."""
    address = urlsplit(url)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    requests = cycle([encode(address, body) for body in bodies] or [encode(address, None)])
    waits: list[float] = []
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    opened = [
        await loop.create_connection(lambda: Connection(requests, waits, until, interval), host, port)
        for _ in range(connections)
    ]
    async with asyncio.timeout(seconds + _ANSWER_SECONDS):
        await asyncio.gather(*(connection.ended for _, connection in opened))
    return waits


def summary(waits: list[float], seconds: float) -> dict[str, Any]:
    """Requests a second and the percentiles of the waits in ms."""
    percentiles = statistics.quantiles(waits, n=100, method="inclusive")
    return {
        "requests": len(waits),
        "requests_per_second": len(waits) / seconds,
        "p50": 1_000 * percentiles[49],
        "p99": 1_000 * percentiles[98],
        "slowest": 1_000 * max(waits),
    }


def main() -> None:
    """Load, and print the summary."""
    parser = argparse.ArgumentParser(description="Load a server over kept-alive connections.")
    parser.add_argument("url")
    parser.add_argument("--bodies", type=Path)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--interval", type=float, default=0.0, help="seconds between a connection's requests")
    options = parser.parse_args()
    bodies = options.bodies.read_bytes().splitlines() if options.bodies else []
    began = time.perf_counter()
    waits = asyncio.run(load(options.url, bodies, options.connections, options.seconds, options.interval))
    print(json.dumps(summary(waits, time.perf_counter() - began)))


if __name__ == "__main__":
    main()
