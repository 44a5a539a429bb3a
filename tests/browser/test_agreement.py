"""The panel that asks whether validation may choose: points, numbers, and when it asks the server."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from shadowboard.agreement import correlation_text
from shadowboard.records import Run
from tests.browser.sites import Site
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

STEPS = (0, 100, 200, 300, 400, 500)
RAW = "#agreement-chart .traceraw .point"
EMA = "#agreement-chart .traceaverage0 .point"
FIRST = "ExponentialMovingAverage"


@pytest.fixture
def run(site: Site) -> Run:
    run = site.begin("agreeing")
    site.advance(run, *STEPS)
    site.end(run, "finished", "")
    return run


def shown(page: Page) -> Locator:
    """The panel in the middle of the window."""
    expect(page.locator("#sentence")).to_contain_text("At step ")
    expect(page.locator("#overall")).not_to_have_text(re.compile("Comparing"))
    page.locator("#agreement-chart").evaluate("(chart) => chart.scrollIntoView({ block: 'center' })")
    return page.locator("#agreement-panel")


def all_drawn(page: Page) -> None:
    """Every checkpoint of both sets of weights is evaluated, on both splits."""
    for points in (RAW, EMA):
        expect(page.locator(points)).to_have_count(len(STEPS))


def answer(page: Page, site: Site, run: Run) -> dict[str, Any]:
    found: dict[str, Any] = page.request.get(f"{site.url}/runs/{run.id}/agreement").json()
    return found


def middle(part: Locator) -> tuple[float, float]:
    box = part.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_point_tells_its_step_and_leads_there(site: Site, visit: Open, run: Run) -> None:
    page = visit(site).open(run)
    shown(page)
    all_drawn(page)
    # A verdict that comes later may move what stands beneath it.
    expect(page.locator("#overall")).to_contain_text("of the run", timeout=40_000)
    page.wait_for_function("() => document.querySelector('#agreement-table tbody').rows.length === 2")
    step = page.locator("#agreement-readout .entry.step dd")
    expect(step).to_have_text("500")
    start = middle(page.locator(RAW).first)  # at step 0, far from all others
    page.mouse.move(start[0] + 3, start[1] - 3)
    expect(step).to_have_text("0")
    expect(page.locator("#curve-frame .step-line.hovered")).to_be_visible()
    expect(page.locator("#agreement-frame .pair-ring.hovered").first).to_be_visible()
    expect(page.locator("#step-shown")).to_have_text("500")
    page.mouse.click(*start)
    expect(page.locator("#step-shown")).to_have_text("0")
    ring = page.locator("#agreement-frame .pair-ring.shown").first
    assert middle(ring) == pytest.approx(start, abs=1.5)
    page.mouse.move(5, 5)
    expect(page.locator("#agreement-frame .pair-ring.hovered").first).to_be_hidden()
    values = page.locator("#agreement-readout .entry.raw dd")
    expect(values).to_have_text([re.compile(r"% validation$"), re.compile(r"% test$")])
    expect(values.last).to_have_attribute("title", re.compile(r"^\d+ of 200$"))
    page.locator("#agreement-frame").press("ArrowRight")
    expect(step).to_have_text("100")


def test_the_numbers_are_the_servers(site: Site, visit: Open, run: Run) -> None:
    page = visit(site).open(run)
    panel = shown(page)
    rows = panel.locator("tbody tr")
    all_drawn(page)
    expect(rows).to_have_count(2)
    found = answer(page, site, run)
    assert found["raw"]["step"] == list(STEPS)
    claim, choice = found["averages"][FIRST]["verdict"].split(" Validation chooses ")
    expect(panel.locator("#agreement-verdict p")).to_have_text(
        [claim, f"Validation chooses {choice}"],
        timeout=40_000,  # it asks again after a pause
    )
    expect(panel.locator("#agreement-verdict b").first).to_contain_text(
        "The correlation above 0.9999 that a tutorial claims"
    )
    for row, one in zip(rows.all(), (found["raw"], found["averages"][FIRST]), strict=True):
        overall = one["overall"]
        first = row.locator("td").first
        expect(first.locator("b")).to_have_text(correlation_text(overall["pearson"]))
        low, high = (correlation_text(r, overall["pearson"]) for r in overall["pearson_interval"])
        expect(first).to_contain_text(f"{low} to {high}ρ {correlation_text(overall['spearman'])}")
        expect(row.locator("td").nth(1)).to_have_text("–")  # two checkpoints are too few
        lost = one["best"]["test"] - one["chosen"]["test"]
        words = {0: "none", 1: "1 image"}.get(lost, f"{lost} images")
        expect(row.locator("td").last.locator("b")).to_have_text(words)
        expect(row.locator("td").last).to_contain_text(f"step {one['chosen']['step']}")


def test_the_second_half_by_itself(site: Site, visit: Open, run: Run) -> None:
    page = visit(site).open(run)
    shown(page)
    expect(page.locator(RAW)).to_have_count(len(STEPS))
    page.get_by_role(
        "radio", name="Second half"
    ).check()  # which two checkpoints are too few for by themselves
    expect(page.locator(RAW)).to_have_count(2)
    expect(page).to_have_url(re.compile("span=late"))
    page.reload()
    shown(page)
    expect(page.locator(RAW)).to_have_count(2)
    expect(page.get_by_role("radio", name="Second half")).to_be_checked()


def test_it_asks_when_it_is_seen_and_again_when_there_is_more(site: Site, visit: Open) -> None:
    run = site.begin("under way", averages=[])
    site.advance(run, 0, 100)
    visitor = visit(site, alone=True)
    asked: list[str] = []
    visitor.context.on("request", lambda request: asked.append(request.url))
    page = visitor.open(run)
    expect(page.locator("#chart .js-line").first).to_be_visible()
    assert not [url for url in asked if url.endswith("/agreement")]
    panel = shown(page)
    expect(panel.locator("#agreement-verdict")).to_contain_text("Too few to tell: of the raw weights only 2")
    expect(page.locator(RAW)).to_have_count(2)
    page.get_by_role("radio", name="Second half").check()
    expect(page.locator("#agreement-note")).to_have_text("The second half begins after step 300.")
    page.locator("#agreement-panel").get_by_role("radio", name="All").check()
    site.advance(run, 200, 300, 400)
    expect(page.locator(RAW)).to_have_count(5)
    expect(panel.locator("#agreement-verdict")).to_contain_text(
        "over all 5 checkpoints of the raw weights", timeout=40_000
    )
    expect(panel.locator("tbody tr")).to_have_count(1)


def test_before_there_is_anything_it_says_so(site: Site, visit: Open) -> None:
    run = site.begin("without a checkpoint")
    page = visit(site).open(run)
    page.locator("#agreement-chart").evaluate("(chart) => chart.scrollIntoView({ block: 'center' })")
    expect(page.locator("#agreement-note")).to_have_text("This fills with the first evaluated checkpoint.")
    expect(page.locator("#agreement-table")).to_be_hidden()
