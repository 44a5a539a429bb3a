import gzip

import pytest
from fastapi import Request

from server.static_file import StaticFile

FILE = StaticFile("deep/a.js", b"export const a = 1;" * 10)


def asked(**headers: str) -> Request:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": sent})


def test_what_a_browser_has_is_not_sent_again() -> None:
    etag = FILE.response(asked(), "no-cache").headers["etag"]
    for told in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        answer = FILE.response(asked(if_none_match=told), "no-cache")
        assert (answer.status_code, answer.body, answer.headers["etag"]) == (304, b"", etag)
    assert FILE.response(asked(if_none_match='"other"'), "no-cache").body == FILE.content
    assert StaticFile("deep/a.js", b"other").hash != FILE.hash


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "gzip; q=1.0"])
def test_compressed_for_who_accepts_that(accepted: str) -> None:
    answer = FILE.response(asked(accept_encoding=accepted), "no-cache")
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(answer.body)) == FILE.content
    assert int(answer.headers["content-length"]) == len(answer.body) < len(FILE.content)


@pytest.mark.parametrize("accepted", ["", "gzip;q=0", "gzip; q=0.0", "identity", "x-gzip2"])
def test_plain_for_all_others(accepted: str) -> None:
    answer = FILE.response(asked(accept_encoding=accepted), "no-cache")
    assert "content-encoding" not in answer.headers
    assert answer.body == FILE.content


def test_headers() -> None:
    headers = FILE.response(asked(), "max-age=5").headers
    assert (headers["cache-control"], headers["vary"]) == ("max-age=5", "Accept-Encoding")
    types = {"a.js": "text/javascript", "a.css": "text/css", "a.svg": "image/svg+xml"}
    for name, expected in types.items():
        found = StaticFile(name, b"").response(asked(), "no-cache").headers["content-type"]
        assert found.partition(";")[0] == expected
