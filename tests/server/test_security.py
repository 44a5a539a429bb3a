import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from shadowboard.settings import Settings

MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def served(sample: tuple[httpx2.Client, Any, Any]) -> httpx2.Client:
    return sample[0]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:1",
        "localhost.",
        "127.0.0.1",
        "127.0.0.1:8000",
        "127.9.9.9",
        "[::1]",
        "[::1]:80",
    ],
)
def test_this_machines_names_are_served(served: httpx2.Client, host: str) -> None:
    assert served.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "192.168.1.5",
        "[fe80::1]",
        "[::1]evil.example",
        "[::1].evil.example:80",
        "[evil.example]",
        "[::1",
        "::1",
        "127.0.0.1:evil.example",
        "127.0.0.1@evil.example",
        "localhost..",
        "localhost:8000, evil.example",
        "",
        "0.0.0.0",  # noqa: S104
    ],
)
def test_other_names_are_not(served: httpx2.Client, host: str) -> None:
    answer = served.get("/healthz", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert "expected localhost" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("listening", "host", "served"),
    [
        ("127.0.0.1", "proxied.example", True),
        ("127.0.0.1", "PROXIED.example.:443", True),
        ("127.0.0.1", "sub.proxied.example", False),
        ("0.0.0.0", "proxied.example", True),  # noqa: S104
        ("0.0.0.0", "192.168.1.5:8000", True),  # noqa: S104
        ("::", "[fe80::1]:8000", True),
        ("0.0.0.0", "evil.example", False),  # noqa: S104
        ("board.example", "Board.Example:8000", True),
        ("board.example", "evil.example", False),
        ("192.168.1.5", "192.168.1.5", True),
        ("192.168.1.5", "192.168.1.6", False),
    ],
)
def test_a_server_answers_to_where_it_listens(listening: str, host: str, served: bool) -> None:
    from server.security import HostCheck, _name

    assert HostCheck(lambda *_: None, listening, ["proxied.example"])._serves(_name(host)) is served  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://localhost:8000", "Host": "localhost:8000"}, True),
        ({"Origin": "http://localhost:8001", "Host": "localhost:8000"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, True),
    ],
)
def test_only_our_own_pages_may_change_things(
    served: httpx2.Client, headers: dict[str, str], allowed: bool
) -> None:
    answer = served.post("/runs/zzz/stop", headers=headers)
    assert answer.status_code == (404 if allowed else 403)
    assert answer.headers["content-type"] == "application/problem+json"
    assert served.get("/runs", headers=headers).status_code == 200


def test_a_body_that_announces_too_much_is_refused(served: httpx2.Client) -> None:
    for path in ("/predict", "/runs", "/runs/zzz/stop"):
        answer = served.post(path, content=b"x" * (8 * MEBIBYTE + 1))
        assert answer.status_code == 413
        assert answer.json()["detail"] == "The body is too large; expected at most 8 MiB."


@pytest.mark.parametrize(("mebibytes", "status"), [(8, 422), (9, 413)])
def test_a_body_is_counted_as_it_streams_in(served: httpx2.Client, mebibytes: int, status: int) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(mebibytes):
            yield b"x" * MEBIBYTE

    answer = served.post("/predict", content=parts())
    assert "content-length" not in answer.request.headers
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def raw(client: httpx2.Client, request: bytes) -> bytes:
    """What a server answers to bytes that no HTTP library would send, until it closes."""
    address = (client.base_url.host, client.base_url.port or 80)
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n"])
def test_one_host_header_is_expected(served: httpx2.Client, hosts: bytes) -> None:
    answer = raw(served, b"GET /runs HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_without_a_host_header_nothing_is_served(served: httpx2.Client) -> None:
    assert raw(served, b"GET /runs HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize("length", [b"-1", b"1e9", b"99999999999999999999", b"5\r\nContent-Length: 6"])
def test_lengths_that_cannot_be_are_refused(served: httpx2.Client, length: bytes) -> None:
    start = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
    assert raw(served, start + length + b"\r\n\r\n")[9:12] in {b"400", b"413"}


def test_a_body_that_never_comes_ends_with_408(
    serving: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.app._BODY_SECONDS", 0.3)
    with serving() as client:
        head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab"
        answer = raw(client, head)  # which returns, since the server closes
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"not complete after 0.3 s" in answer
        assert client.post("/predict", content=b"").status_code == 422


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/static/plotly.min.js", "/runs"])
def test_every_answer_tells_the_browser_what_is_allowed(served: httpx2.Client, path: str) -> None:
    headers = served.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-request-id"]
    assert "access-control-allow-origin" not in headers


def test_also_what_fails_and_what_is_refused(served: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("shadowboard.store.Store.run", fail)
    answers = [
        served.get("/runs/x", headers={"X-Request-ID": "mine-1"}),
        served.get("/runs", headers={"Host": "evil.example"}),
        served.post("/runs", headers={"Sec-Fetch-Site": "cross-site"}),
        served.post("/runs", content=b"x" * (8 * MEBIBYTE + 1)),
    ]
    assert [answer.status_code for answer in answers] == [500, 421, 403, 413]
    for answer in answers:
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-request-id"]
        assert answer.headers["content-type"] == "application/problem+json"
    assert answers[0].json()["detail"] == "Unexpected RuntimeError; the server's log has more, under mine-1."


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pyproject.toml",
        "/static/%2e%2e/pyproject.toml",
        "/static/..%2fpyproject.toml",
        "/runs/..%2f..",
        "/images/test/..%2f1.png",
    ],
)
def test_paths_lead_nowhere(served: httpx2.Client, path: str) -> None:
    request = served.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=path.encode())
    assert served.send(request).status_code in {404, 422}


def test_runs_are_looked_up_never_joined(
    serving: Callable[[], Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.home / "runs").mkdir()
    with serving() as client:
        for name in ("..", "../..", ".", "/", str(settings.home)):
            assert client.get("/evaluate", params={"run": name}).status_code == 404
