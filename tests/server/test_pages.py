import gzip
import io
import re
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from shadowboard.dataset import Dataset

FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def served(sample: tuple[httpx2.Client, Any, Any]) -> httpx2.Client:
    return sample[0]


def test_the_page(served: httpx2.Client) -> None:
    for path in ("/", "/?run=abc", "/compare-runs", "/study"):
        answer = served.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        assert re.search(r'"/static/plotly.min.js\?v=[0-9a-f]{16}"', answer.text)


def test_every_file_that_the_page_names_is_there_and_of_this_host(served: httpx2.Client) -> None:
    pages = "".join(served.get(path).text for path in ("/", "/compare-runs", "/study"))
    addresses = re.findall(r'(?:src|href)="([^"#]+\.[a-z]+[^"]*)"', pages)
    assert addresses
    for address in addresses:
        assert "//" not in address
        assert served.get("/" + address.removeprefix("/")).status_code == 200


def test_plotly_comes_compressed_and_is_kept_forever(served: httpx2.Client) -> None:
    address = re.search(r"/static/plotly.min.js\?v=[0-9a-f]+", served.get("/").text)
    assert address is not None
    with served.stream("GET", address[0], headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
        headers = answer.headers
    assert headers["content-encoding"] == "gzip"
    assert headers["cache-control"] == FOREVER
    assert headers["vary"] == "Accept-Encoding"
    assert headers["content-type"].startswith("text/javascript")
    plain = served.get(address[0], headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed) == plain.content
    assert b"plotly.js" in plain.content[:100]
    again = served.get(address[0], headers={"If-None-Match": headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_static_files_are_asked_about_unless_their_address_names_their_content(
    served: httpx2.Client,
) -> None:
    plain = served.get("/static/dom.js")
    assert plain.headers["cache-control"] == "no-cache"
    assert plain.headers["content-type"].startswith("text/javascript")
    version = re.search(r"/static/([0-9a-f]{16})/base.css", served.get("/").text)
    assert version is not None
    named = served.get(f"/static/{version[1]}/dom.js")
    assert (named.headers["cache-control"], named.content) == (FOREVER, plain.content)
    older = served.get(f"/static/{'0' * 16}/dom.js")
    assert (older.headers["cache-control"], older.content) == ("no-cache", plain.content)


def test_pages_name_all_modules_that_they_will_need(served: httpx2.Client) -> None:
    """Or else a browser finds them one import after the other."""
    for page in ("/", "/compare-runs"):
        text = served.get(page).text
        named = set(re.findall(r'(?:src|href)="(/static/[0-9a-f]{16}/[^"]+\.js)"', text))
        imported = {
            str(httpx2.URL(f"http://x{module}").join(other)).removeprefix("http://x")
            for module in named
            for other in re.findall(r'from "(\.[^"]+)"', served.get(module).text)
        }
        assert len(imported) > 10
        assert imported <= named


@pytest.mark.parametrize(
    ("split", "index"), [("test", 0), ("test", 9999), ("validation", 4999), ("train", 54999)]
)
def test_images_are_those_of_the_data(served: httpx2.Client, mnist: Dataset, split: str, index: int) -> None:
    answer = served.get(f"/images/{split}/{index}.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == FOREVER
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.mode, image.size) == ("L", (28, 28))
        assert np.array_equal(np.asarray(image).ravel(), getattr(mnist, split).images[index])


def test_health(served: httpx2.Client) -> None:
    assert served.get("/healthz").json() == {"status": "ok"}


def test_the_page_that_compares_runs(served: httpx2.Client) -> None:
    answer = served.get("/compare-runs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"
    assert "/compare-runs" not in served.get("/openapi.json").json()["paths"]


def test_the_form_has_every_knob_that_can_be_sent() -> None:
    from server.run_form import NOT_OVER_HTTP, run_form
    from shadowboard.configuration import RunConfig, parse_config

    form = run_form()
    knobs = [knob for group in form.groups.values() for knob in group]
    assert {knob.name for knob in knobs} | {"averages", "start_from"} | NOT_OVER_HTTP == set(
        RunConfig.model_fields
    )
    for knob in knobs:
        assert knob.help == RunConfig.model_fields[knob.name].description
    assert {knob.name: (knob.default, knob.limits) for knob in knobs if knob.kind != "choice"} == {
        "steps": ("30000", "1 to 100,000,000"),
        "save_every": ("1000", "1 to 100,000,000"),
        "batch_size": ("100", "1 to 65,536"),
        "seed": ("0", "0 to 2,147,483,647"),
        "hidden": ("500", ""),
        "momentum": ("0.9", "0 to below 1"),
        "learning_rate": ("0.8", "above 0 to 1,000,000"),
        "learning_rate_decay": ("0.99", "above 0 to 1"),
        "regularization": ("0.0001", "0 to 1,000,000"),
    }
    assert parse_config(form.defaults) == RunConfig()
    for preset in form.presets:
        parse_config(preset.knobs)
