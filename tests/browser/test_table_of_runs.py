"""The table of runs beside windows of all widths."""

import pytest
from playwright.sync_api import expect

from tests.browser.sites import FIRST, Site, scored
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

WIDER = """() => {
  const room = document.querySelector("#runs-table").parentElement;
  return room.scrollWidth - room.clientWidth;
}"""


def test_it_fits_and_its_knobs_make_way(own_site: Site, visit: Open) -> None:
    """Where columns have no room the knobs stand beneath the names, unless all of them are asked for."""
    scores = [(step, average, 90) for step in (200, 300) for average in ("", FIRST)]
    for i in range(3):
        knobs = {
            "seed": i,
            "learning_rate": 0.1 + i,
            "hidden": [64 * (i + 1)],
            "batch_size": 100 + i,
            "save_every": 100,
        }
        scored(own_site, f"a run with a name that is rather long, {i}", *scores, **knobs)
    page = visit(own_site).open(path="/compare-runs")
    gains = page.locator("#runs-table td.gain")
    expect(gains).to_have_count(3)
    expect(gains.filter(has_text="…")).to_have_count(0)
    knob = page.locator("#runs-table thead [data-key='knob:learning_rate']")
    line = page.locator("#runs-table .knobs").first
    for width in (1060, 1200, 1340, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"() => ({WIDER})() <= 0")
        if width < 1300:
            expect(knob).to_be_hidden()
            expect(line).to_contain_text(
                "steps 300 · batch size 102 · hidden 192 · learning rate 2.1 · seed 2"
            )
            expect(line).to_be_visible()
    page.set_viewport_size({"width": 1920, "height": 900})
    expect(knob).to_be_visible()
    expect(line).to_be_hidden()
    page.set_viewport_size({"width": 1060, "height": 900})
    expect(knob).to_be_hidden()
    page.get_by_role("radio", name="All", exact=True).check()
    expect(knob).to_be_visible()
