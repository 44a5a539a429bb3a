"""Every route with a part that somebody may choose, asked for what is none: it leads nowhere else."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from email.message import Message
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from shadowboard.records import Run
from tests.server.test_security import raw

# As they stand in the address.
TRICKS = [
    *("..", ".", "%2e%2e", "%252e%252e", "%2e%2e%2f%2e%2e%2fprivate", "..%2f..%2fetc%2fpasswd", "....%2f%2f"),
    *(
        "..%5c..%5cprivate",
        "%5c%5chost%5cshare",
        "C:%5cWindows",
        "~root",
        "%00",
        "a%00b",
        "%c0%ae%c0%ae%c0%af",
    ),
    *("%ef%bc%8e%ef%bc%8e%ef%bc%8f", "%e2%80%ae", "%0d%0aX-Injected:%20yes", "%0a", "%ff%fe", "%ed%a0%80"),
    *("%3Cscript%3Ealert(1)%3C%2Fscript%3E", "%7B%7B7*7%7D%7D", "'%20OR%201=1--", "*", "%25", "a" * 3000),
    *("model.ckpt-0.index", "-1", "1e3", "%D9%A3", "99999999999999999999", "0x10", ";x=1", "private", "%"),
]


def addresses(document: dict[str, Any], run: str) -> Iterator[tuple[str, str]]:
    """Method and path of each operation, with a trick at each of its places in turn."""
    good = {"run_id": run, "step": "10", "split": "test", "index": "1"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
            for chosen in names:
                others = {name: good.get(name, "x") for name in names}
                for trick in [*TRICKS, look_alike(run)]:
                    yield method.upper(), path.format(**others | {chosen: trick})


def look_alike(text: str) -> str:
    """The same in other letters, which Unicode's compatibility forms would make it of."""
    return quote("".join(chr(ord(c) + 0xFEE0) for c in text))


class Answer(NamedTuple):
    status: int
    headers: Message
    text: str

    @property
    def detail(self) -> str:
        """What it says, as a problem."""
        assert self.headers["Content-Type"] == "application/problem+json"
        told: str = json.loads(self.text)["detail"]
        return told


@pytest.fixture(scope="module")
def ask(sample: tuple[httpx2.Client, Run, Run]) -> Iterator[Callable[[str, str], Answer]]:
    """Asks for a path as it is, which better clients would first put in order."""
    url = sample[0].base_url
    with closing(HTTPConnection(url.host, url.port, timeout=60)) as connection:

        def answer(method: str, path: str) -> Answer:
            connection.request(method, path)
            with connection.getresponse() as found:
                return Answer(found.status, found.headers, found.read().decode())

        yield answer


Ask = Callable[[str, str], Answer]


def test_no_place_in_a_path_leads_elsewhere(sample: tuple[httpx2.Client, Run, Run], ask: Ask) -> None:
    client, run, _ = sample
    document = client.get("/openapi.json").json()
    before = client.get("/runs").json()
    asked = 0
    for method, path in addresses(document, run.id):
        answer = ask(method, path)
        asked += 1
        assert "x-injected" not in answer.headers
        if answer.status == 307:  # to the same without a / at its end
            assert urlsplit(answer.headers["Location"]).netloc == urlsplit(str(client.base_url)).netloc
            continue
        assert answer.status in {404, 405, 422}, (method, path, answer.status)
        assert "root:" not in answer.text
        assert "\n" not in answer.detail
        assert len(answer.detail) < 4_000
    assert asked > 500
    assert client.get("/runs").json() == before


@pytest.mark.parametrize("trick", [trick for trick in TRICKS if trick not in {".", "private"}])
def test_no_file_is_served_but_those_of_the_pages(ask: Ask, trick: str) -> None:
    for folder in ("", "0123456789abcdef/", "dashboard/"):
        answer = ask("GET", f"/static/{folder}{trick}")
        assert answer.status in {404, 422}, (trick, answer.status)
        assert answer.detail


@pytest.mark.parametrize(
    "path", ["//evil.example/", "//evil.example/runs/", "/%2f%2fevil.example/", "/\\evil/"]
)
def test_nobody_is_sent_elsewhere(ask: Ask, path: str) -> None:
    answer = ask("GET", path)
    assert answer.status in {307, 404}
    assert urlsplit(answer.headers.get("location", "")).hostname in {None, "127.0.0.1"}


HEADERS = [
    {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"},
    {"X-Original-URL": "/metrics", "X-Rewrite-URL": "/metrics"},
    {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Forwarded-Prefix": "/evil"},
    {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"},
    {"X-Request-ID": "a b\tc"},
    {"Range": "bytes=0-1,0-1,0-1"},
    {"Accept-Encoding": "gzip;q=nan, *;q=1e999"},
    {"Accept-Language": "../../etc/passwd"},
    {"Cookie": "shadowboard=" + "a" * 4000},
]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: next(iter(headers)))
def test_no_header_makes_another_request_of_it(
    sample: tuple[httpx2.Client, Run, Run], headers: dict[str, str]
) -> None:
    client, run, _ = sample
    answer = client.get(f"/runs/{run.id}", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["id"] == run.id
    assert "evil" not in str(dict(answer.headers)) + client.get("/docs", headers=headers).text
    assert client.get(f"/runs/{run.id}").status_code == 200


HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"
RAW = {
    "elsewhere": b"GET http://evil.example/runs HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE + b"\r\n",
    "NUL in a header": b"GET /runs HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n" + CLOSE + b"\r\n",
    "NUL in a path": b"GET /runs\x00 HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
    "a long header": b"GET /runs HTTP/1.1\r\n" + HOST + b"x" * 200_000 + b": y\r\n" + CLOSE + b"\r\n",
    "a long path": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
    "an odd coding": b"POST /predict HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: x\r\n" + CLOSE + b"\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}  # fmt: skip


@pytest.mark.parametrize("what", RAW)
def test_requests_that_no_browser_sends(sample: tuple[httpx2.Client, Run, Run], what: str) -> None:
    client, run, _ = sample
    try:
        answer = raw(client, RAW[what])
    except ConnectionError:  # what is too long is not read to its end
        answer = b"HTTP/1.1 4"
    assert answer.startswith(b"HTTP/1.1 4"), answer[:200]
    assert client.get(f"/runs/{run.id}").status_code == 200
