"""Who may change something, asked of a real server that has a token."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.requests import Request

from server.authentication import COOKIE, SESSION_SECONDS, can_change, is_session, new_session
from shadowboard.settings import Settings
from tests.server.conftest import running

TOKEN = "correct-horse-battery"  # noqa: S105
READING = {
    ("POST", "/predict"),
    ("POST", "/predict/batch"),
    ("POST", "/runs/preview"),
    ("POST", "/runs/{run_id}/readings"),
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A server with a token."""
    home: Path = tmp_path_factory.mktemp("guarded")
    with running(Settings(home=home, port=0, token=SecretStr(TOKEN))) as client:
        yield client


@pytest.fixture(scope="module")
def operations(guarded: httpx2.Client) -> list[tuple[str, str, dict[str, Any]]]:
    paths = guarded.get("/openapi.json").json()["paths"]
    return [(m.upper(), path, o) for path, methods in paths.items() for m, o in methods.items()]


def test_every_changing_operation_needs_the_token(
    guarded: httpx2.Client, operations: list[tuple[str, str, dict[str, Any]]]
) -> None:
    changing = [
        (method, path, operation)
        for method, path, operation in operations
        if method != "GET" and (method, path) not in READING
    ]
    assert {(method, path) for method, path, _ in changing} >= {
        ("POST", "/runs"),
        ("POST", "/runs/{run_id}/stop"),
    }
    for method, path, operation in changing:
        assert operation.get("security") == [{"HTTPBearer": []}, {"APIKeyCookie": []}], (method, path)
        answer = guarded.request(method, path.replace("{run_id}", "zzz"))
        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert "SHADOWBOARD_TOKEN" in answer.json()["detail"]
        right = {"Authorization": f"Bearer {TOKEN}"}
        answer = guarded.request(method, path.replace("{run_id}", "zzz"), headers=right)
        assert answer.status_code in {201, 404, 422}, (method, path)


def test_reading_and_predicting_need_none(
    guarded: httpx2.Client, operations: list[tuple[str, str, dict[str, Any]]]
) -> None:
    for method, path, operation in operations:
        if method == "GET" or (method, path) in READING:
            assert "security" not in operation, (method, path)
    for path in ("/", "/docs", "/runs", "/healthz", "/metrics", "/login"):
        assert guarded.get(path).status_code == 200, path
    assert guarded.post("/predict", content=b"").status_code == 422


@pytest.mark.parametrize(
    "header",
    [
        b"Bearer",
        b"Bearer wrong",
        b"Bearer " + TOKEN[:-1].encode(),
        b"Bearer " + TOKEN.encode() + b"x",
        b"Bearer " + TOKEN.upper().encode(),
        b"Bearer \xff\xfe\xe4",
        "Bearer 🐎".encode(),
        b"Basic " + TOKEN.encode(),
        TOKEN.encode(),
        b"Bearer " + b"x" * 30_000,
    ],
    ids=range(10),
)
def test_anything_else_is_refused(guarded: httpx2.Client, header: bytes) -> None:
    answer = guarded.post("/runs/zzz/stop", headers=[(b"Authorization", header)])
    assert answer.status_code == 401
    assert TOKEN not in answer.text


def test_the_scheme_is_told_in_any_case(guarded: httpx2.Client) -> None:
    assert guarded.post("/runs/zzz/stop", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 404


@pytest.mark.parametrize(
    "cookie", ["", ".", "1.", "x.y", "99999999999.", "9" * 5000 + ".00", "ä.ö", "²." * 9]
)
def test_no_other_cookie_is_taken(guarded: httpx2.Client, cookie: str) -> None:
    value = f"{COOKIE}={cookie}".encode("latin-1", "replace")
    answer = guarded.post("/runs/zzz/stop", headers=[(b"Cookie", value)])
    assert answer.status_code == 401


@given(st.text(min_size=1), st.floats(0, 4e9), st.integers(-10, SESSION_SECONDS + 10))
def test_a_session_holds_until_it_expires(token: str, now: float, later: int) -> None:
    session = new_session(SecretStr(token), now)
    assert is_session(SecretStr(token), session, now + later) == (int(now) + SESSION_SECONDS > now + later)
    assert not is_session(SecretStr(token + "x"), session, now)


@given(st.text())
def test_made_up_sessions_are_refused(text: str) -> None:
    assert not is_session(SecretStr(TOKEN), text, time.time())


def test_a_session_that_was_prolonged_is_refused() -> None:
    expires, _, signature = new_session(SecretStr(TOKEN), 1_000_000).partition(".")
    assert is_session(SecretStr(TOKEN), f"{expires}.{signature}", 1_000_000)
    assert not is_session(SecretStr(TOKEN), f"{int(expires) + 1}.{signature}", 1_000_000)
    assert not is_session(SecretStr(TOKEN), f"0{expires}.{signature}", 1_000_000)


def test_without_a_token_everybody_may(client: httpx2.Client) -> None:
    assert client.post("/runs/zzz/stop").status_code == 404
    assert client.get("/login").status_code == 404


@pytest.mark.parametrize(
    ("token", "cookie", "may"),
    [
        pytest.param("", "", True, id="no token set"),
        pytest.param(TOKEN, "", False, id="no cookie"),
        pytest.param(TOKEN, f"{COOKIE}={new_session(SecretStr(TOKEN), time.time())}", True, id="session"),
        pytest.param(
            TOKEN, f"other=1; {COOKIE}={new_session(SecretStr(TOKEN), time.time())}", True, id="second cookie"
        ),
        pytest.param(TOKEN, f"{COOKIE}={new_session(SecretStr(TOKEN), 0)}", False, id="expired"),
        pytest.param(
            TOKEN, f"{COOKIE}={new_session(SecretStr(TOKEN[::-1]), time.time())}", False, id="other token"
        ),
    ],
)
def test_a_page_is_told_whether_it_may_change_things(token: str, cookie: str, may: bool) -> None:
    request = Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})
    assert can_change(SecretStr(token), request) is may
