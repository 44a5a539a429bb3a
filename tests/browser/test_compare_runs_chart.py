"""The chart of the page that compares runs: ticked, brought forward, pointed at."""

import time

import pytest
from playwright.sync_api import expect

from shadowboard.configuration import parse_config
from shadowboard.records import Score
from tests.browser.sites import FIRST, WORKER, Compared, Site, scored
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser


def test_ticked_runs_are_laid_over_one_another(compared: Compared, visit: Open) -> None:
    page = visit(compared.site).open(path="/compare-runs")
    ticked = page.locator("#ticked li")
    expect(ticked).to_have_count(3)
    expect(page.get_by_label("Averaged", exact=True)).to_be_checked()
    expect(ticked.first).to_contain_text("no average, so no curve")
    box = page.get_by_role("checkbox", name="Show the curves of bare")
    box.focus()
    page.keyboard.press("Space")
    expect(ticked).to_have_count(2)
    expect(box).to_be_focused()
    _, slow, fast, _ = compared
    expect(page).to_have_url(f"{compared.site.url}/compare-runs?runs={fast.id},{slow.id}")
    curves = page.locator("#overlay .scatterlayer .trace")
    expect(curves).to_have_count(4)  # of two runs both, of more the averaged alone
    summary = "At the end: A raw 93.00 %, A averaged 97.00 %, B raw 90.00 %, B averaged 92.00 %"
    expect(page.locator("#overlay")).to_have_attribute(
        "aria-label", f"Accuracy on the validation images by step. {summary}".replace(" %", "\u00a0%")
    )
    page.get_by_label("Averaged", exact=True).check()
    expect(curves).to_have_count(2)
    page.get_by_label("Test", exact=True).check()
    expect(page.get_by_role("heading", name="Test accuracy")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Test accuracy")).to_be_visible()
    expect(curves).to_have_count(2)
    page.get_by_role("button", name="Take fast off the chart").click()
    page.get_by_role("button", name="Take slow off the chart").click()
    expect(page.locator("#overlay-note")).to_contain_text("Tick runs in the table")
    expect(page.locator("#overlay")).to_be_hidden()  # no axes that measure nothing


def test_raw_and_averaged_differ_by_more_than_colour(compared: Compared, visit: Open) -> None:
    page = visit(compared.site).open(path=f"/compare-runs?runs={compared.slow.id}")
    lines = page.locator("#overlay .scatterlayer .js-line")
    expect(lines).to_have_count(2)
    averaged, raw = lines.evaluate_all(
        """(paths) => paths.map(getComputedStyle)
          .map(({ strokeDasharray, strokeWidth }) => [strokeDasharray, parseFloat(strokeWidth)])"""
    )
    assert (raw[0] != "none", averaged[0]) == (True, "none")
    assert averaged[1] > raw[1]


def test_a_run_is_brought_forward(compared: Compared, visit: Open) -> None:
    page = visit(compared.site).open(path=f"/compare-runs?runs={compared.slow.id},{compared.fast.id}")
    lines = page.locator("#overlay .scatterlayer .js-line")
    faint = page.locator('#overlay .scatterlayer .js-line[style*="stroke-opacity: 0.16"]')
    expect(lines).to_have_count(4)
    expect(faint).to_have_count(0)
    page.locator("#ticked a").first.focus()
    expect(faint).to_have_count(2)
    page.get_by_label("Filter the runs").focus()
    expect(faint).to_have_count(0)


def test_pointing_brings_the_nearest_run_forward_and_tells_of_the_step(
    compared: Compared, visit: Open
) -> None:
    page = visit(compared.site).open(path=f"/compare-runs?runs={compared.slow.id},{compared.fast.id}")
    faint = page.locator('#overlay .scatterlayer .js-line[style*="stroke-opacity: 0.16"]')
    slow, fast = page.locator("#ticked .ends").nth(0), page.locator("#ticked .ends").nth(1)
    expect(slow).to_have_text("raw 90.00\u00a0%averaged 92.00\u00a0%at 300")
    lines = page.locator("#overlay .scatterlayer .js-line")
    expect(lines).to_have_count(4)
    # As long as there was no curve it was lower, and the first drawing may still be.
    page.wait_for_function(
        """() => [document.getElementById("overlay")]
          .every(({ layout, clientHeight }) => layout.height === clientHeight)"""
    )
    box = page.locator("#overlay").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.5)
    expect(faint).to_have_count(2)
    expect(slow).to_have_text("raw 95.00\u00a0%averaged 92.00\u00a0%at 200")
    expect(page.locator("#overlay-step")).to_be_visible()
    page.mouse.move(0, 0)
    expect(faint).to_have_count(0)
    expect(slow).to_contain_text("at 300")
    page.locator("#overlay-frame").focus()
    page.keyboard.press("Home")
    expect(fast).to_contain_text("raw 88.00")
    expect(fast).to_contain_text("at 100")
    page.keyboard.press("Escape")
    expect(fast).to_contain_text("at 300")


def test_nothing_is_wider_than_the_window(compared: Compared, visit: Open) -> None:
    page = visit(compared.site).open(path="/compare-runs?knobs=all&weights=both")
    expect(page.locator("#overlay .scatterlayer .trace")).to_have_count(5)
    for summary in page.get_by_text("What am I looking at?").all():
        summary.click()
    for width in (360, 768, 1440, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(
            "(width) => innerWidth === width && document.documentElement.scrollWidth <= width", arg=width
        )


def test_a_run_that_is_evaluated_after_its_end_is_drawn_then(own_site: Site, visit: Open) -> None:
    """As where the server was started later, or has much to do."""
    run = own_site.store.create_run(parse_config({"steps": 300, "save_every": 100}), "early", WORKER)
    own_site.store.add_progress(run.id, WORKER, 300, 500.0, [])
    own_site.store.add_checkpoint(run.id, WORKER, 300, 1)
    own_site.store.release(run.id, WORKER, "finished", "")
    page = visit(own_site).open(path="/compare-runs")
    expect(page.locator("#overlay-note")).to_have_text(
        "The curves begin with the first evaluated checkpoint."
    )

    def evaluate(step: int) -> None:
        for average, correct in (("", 80), (FIRST, 90)):
            for split in ("validation", "test"):
                score = Score(step, average, split, 100, correct, 0.5, 0.1, time.time())
                own_site.store.add_evaluation(run.id, score, b"", b"")

    evaluate(300)
    expect(page.locator("#overlay .main-svg").first).to_be_visible()
    expect(page.locator("#runs-table td.accuracy").first).to_contain_text("80")
    for step in (200, 100):  # the newest were first
        evaluate(step)
    page.wait_for_function("() => document.getElementById('overlay').data.at(-1).x.length === 3")


def test_a_run_that_ends_evaluated_is_drawn_to_its_end(own_site: Site, visit: Open) -> None:
    run = scored(own_site, "short", (100, "", 80), state="training", averages=[])
    page = visit(own_site).open(path="/compare-runs")
    expect(page.locator("#overlay .main-svg").first).to_be_visible()
    for split in ("validation", "test"):
        score = Score(300, "", split, 100, 90, 0.5, 0.1, time.time())
        own_site.store.add_evaluation(run.id, score, b"", b"")
    own_site.store.add_checkpoint(run.id, WORKER, 300, 1)
    own_site.end(run, "finished", "")
    page.wait_for_function("() => document.getElementById('overlay').data.at(-1).x.at(-1) === 300")
