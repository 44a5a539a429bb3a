"""The login form against a real server."""

from collections.abc import Iterator

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from server.routes.login import _here
from shadowboard.settings import Settings
from tests.server.conftest import running

TOKEN = "correct+horse&battery=%41"  # noqa: S105 - and it needs quoting in a form


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), port=0, token=SecretStr(TOKEN))
    with running(settings) as client:
        yield client


def log_in(client: httpx2.Client, token: str = TOKEN, way: str = "/", **headers: str) -> httpx2.Response:
    return client.post("/login", data={"token": token, "next": way}, headers=headers)


def flags(answer: httpx2.Response) -> tuple[str, set[str]]:
    value, *rest = answer.headers["set-cookie"].split("; ")
    return value.partition("=")[2], {flag.lower() for flag in rest}


def test_a_login_lets_the_browser_change_things_until_it_logs_out(guarded: httpx2.Client) -> None:
    with httpx2.Client(base_url=guarded.base_url) as browser:
        assert browser.post("/runs/zzz/stop").status_code == 401
        answer = log_in(browser, way="/runs?limit=3")
        assert (answer.status_code, answer.headers["location"]) == (303, "/runs?limit=3")
        assert browser.post("/runs/zzz/stop").status_code == 404
        # A page of another site is still kept out, should a browser send it the cookie after all.
        assert browser.post("/runs/zzz/stop", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert browser.post("/logout").headers["location"] == "/"
        assert browser.post("/runs/zzz/stop").status_code == 401


def test_the_cookie_is_kept_from_scripts_and_other_sites(guarded: httpx2.Client) -> None:
    value, found = flags(log_in(guarded))
    assert found == {"httponly", "samesite=strict", "path=/", "max-age=2592000"}
    assert TOKEN not in value
    guarded.cookies.clear()


@pytest.mark.parametrize(("proto", "secure"), [("https", True), ("http", False), ("", False)])
def test_over_https_the_cookie_is_never_sent_in_the_clear(
    guarded: httpx2.Client, proto: str, secure: bool
) -> None:
    _, found = flags(log_in(guarded, **{"X-Forwarded-Proto": proto}))
    assert ("secure" in found) is secure
    guarded.cookies.clear()


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "🐎" * 20, "\x00"])
def test_a_wrong_token_is_told_and_changes_nothing(guarded: httpx2.Client, token: str) -> None:
    answer = log_in(guarded, token, way="/runs")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert ("That is not the token" if token.strip() else "The token is missing") in answer.text
    assert 'name="next" value="/runs"' in answer.text
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    "body", [b"", b"token", b"\xff\xfe", b"token=%ff", b"a=1&" * 5000, b"next=//e.example"]
)
def test_forms_that_no_browser_sends(guarded: httpx2.Client, body: bytes) -> None:
    assert guarded.post("/login", content=body).status_code == 401


EVIL = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "evil",
    "",
    "/ä",
    "/\r\nSet-Cookie: a=b",
]


@pytest.mark.parametrize("way", EVIL)
def test_it_leads_nowhere_else(guarded: httpx2.Client, way: str) -> None:
    answer = log_in(guarded, way=way)
    assert answer.headers["location"] == "/"
    assert 'name="next" value="/"' in guarded.get("/login", params={"next": way}).text
    guarded.cookies.clear()


@given(st.text(alphabet="/\\.:@?#%\t\n\r é" + "evil", max_size=12))
@example("/%2f/evil")
@example("/./evil")
def test_whatever_is_asked_for_stays_here(way: str) -> None:
    """As the WHATWG's URL parser would have it: it drops tab and newline, and takes \\ for /."""
    here = _here(way)
    seen = here.translate({9: None, 10: None, 13: None}).replace("\\", "/")
    assert seen.startswith("/")
    assert not seen.startswith("//")


def test_the_page_is_a_page_of_ours(guarded: httpx2.Client) -> None:
    answer = guarded.get("/login")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert 'type="password"' in answer.text
