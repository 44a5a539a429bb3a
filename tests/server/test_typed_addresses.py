"""The addresses of lists: to a person who types one its page, to everybody else JSON."""

import httpx2
import pytest

from shadowboard.records import Run

# What Chromium, Firefox and Safari ask for when an address is opened.
BROWSERS = {
    "chromium": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "firefox": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
}
# curl and fetch, an explicit wish, Java's HttpURLConnection.
OTHERS = ["*/*", "application/json", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"]


@pytest.mark.parametrize(("path", "page"), [("/runs", "compare-runs"), ("/studies", "study")])
def test_a_typed_address_leads_to_the_page(
    sample: tuple[httpx2.Client, Run, Run], path: str, page: str
) -> None:
    client = sample[0]
    for accept in BROWSERS.values():
        answer = client.get(path, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["location"]) == (303, page)
        assert answer.headers["vary"] == "Accept, Referer"
        assert (
            client.get(f"/{page}", headers={"Accept": accept}).headers["content-type"].startswith("text/html")
        )
    for accept in OTHERS:
        answer = client.get(path, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.headers["vary"] == "Accept, Referer"


def test_who_comes_from_a_page_of_ours_or_asks_for_a_part_gets_json(
    sample: tuple[httpx2.Client, Run, Run],
) -> None:
    client, run, _ = sample
    accept = {"Accept": BROWSERS["chromium"]}
    docs = str(client.base_url.join("/docs"))
    assert client.get("/runs", headers={**accept, "Referer": docs}).status_code == 200
    assert client.get("/runs", headers={**accept, "Referer": "https://wiki.example/"}).status_code == 303
    assert client.get("/runs", headers={**accept, "Referer": "http://["}).status_code == 303
    assert client.get("/runs", headers={"Referer": "http://["}).status_code == 200
    for path in ("/runs?limit=1", f"/runs/{run.id}"):
        assert client.get(path, headers=accept).headers["content-type"] == "application/json"
