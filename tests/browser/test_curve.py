"""The curve, the sentence and the numbers: live, readable, and the user's zoom kept."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Site

pytestmark = pytest.mark.browser

MARKS = "#chart .scatterlayer .point"


def correct(site: Site, run_id: str, step: int, average: str, split: str = "validation") -> int:
    return next(
        s.correct for s in site.store.scores(run_id) if (s.step, s.average, s.split) == (step, average, split)
    )


def x_range(page: Page) -> list[float]:
    return [float(x) for x in page.evaluate("document.getElementById('chart').layout.xaxis.range")]


def series(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(
        "document.getElementById('chart').data.map(({ name, x, y }) => ({ name, x: [...x], y: [...y] }))"
    )
    return found


def drag_zoom(page: Page) -> None:
    box = page.locator("#chart .xy .nsewdrag, #chart .draglayer .xy rect.nsewdrag").first.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.3 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], y, steps=5)
    page.mouse.up()


def test_curve_grows_without_reload(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100)
    page = visit(site).open(run)
    expect(page.locator(MARKS)).to_have_count(4)  # raw and averaged, twice
    page.evaluate("window.notReloaded = true")

    site.advance(run, 200, 300)
    expect(page.locator("#sentence")).to_contain_text("At step 300")
    page.get_by_label("Everything").check()
    expect(page.locator(MARKS)).to_have_count(8)
    expect(page.locator("#state-text")).to_contain_text("300 of 600 steps")
    assert page.evaluate("window.notReloaded")


def test_sentence_tells_what_the_store_holds(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    sentence = page.locator("#sentence")
    expect(sentence).to_contain_text("At step 200")
    for split, name in (("validation", "Validation"), ("test", "Test")):
        page.get_by_label(name, exact=True).check()
        expect(sentence).to_contain_text(f"{split} images")
        raw, ema = (correct(site, run.id, 200, a, split) for a in ("", "ExponentialMovingAverage"))
        outcome = (
            f"{abs(ema - raw):,} {'more' if ema > raw else 'fewer'}" if ema != raw else "exactly as many"
        )
        expect(sentence).to_contain_text(f"averaged weights read {ema:,} of")
        expect(sentence).to_contain_text(f"the raw weights {raw:,}: {outcome}.")
        expect(page.locator("#curve-title")).to_have_text(f"{name} accuracy")


def test_close_up_leaves_out_the_first_steps_and_says_so(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 200, 300, 400, 500)
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 500")
    expect(page.locator("#chart-caption")).to_contain_text("Below this close-up")
    expect(page.locator("#chart-caption")).to_contain_text("at step 0")
    low, _ = page.evaluate("document.getElementById('chart').layout.yaxis.range")
    assert low > 80
    page.get_by_label("Everything").check()
    expect(page.locator("#chart-caption")).to_be_empty()
    low, _ = page.evaluate("document.getElementById('chart')._fullLayout.yaxis.range")
    assert low < 20


def test_zoom_outlives_new_points(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 200")
    drag_zoom(page)
    reset = page.get_by_role("button", name="Reset zoom")
    expect(reset).to_be_visible()
    zoomed = x_range(page)
    assert zoomed[0] > 10

    site.advance(run, 300)
    expect(page.locator("#sentence")).to_contain_text("At step 300")
    page.wait_for_selector("#chart[aria-label*='At step 300']")
    assert x_range(page) == zoomed
    reset.click()
    expect(reset).to_be_hidden()
    assert x_range(page)[1] > 299


def test_pointing_reads_the_step_out(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    expect(page.locator("#readout")).to_contain_text("newest step200")
    box = page.locator("#chart .nsewdrag").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"], steps=3)
    expect(page.locator("#readout .entry.step")).to_have_text("step100")
    raw = correct(site, run.id, 100, "") / 100
    expect(page.locator("#readout .entry.raw dd")).to_have_text(f"{raw:.2%}".replace("%", "\u00a0%"))
    page.mouse.move(5, 5)
    expect(page.locator("#readout .entry.step")).to_have_text("newest step200")


def test_several_averages_can_be_chosen(site: Site, visit: Open) -> None:
    run = site.begin(averages=[{"decay": 0.99}, {"decay": 0.999}])
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    sentence = page.locator("#sentence")
    expect(sentence).to_contain_text("with decay 0.99 read")
    page.get_by_label("0.999", exact=True).check()
    ema = correct(site, run.id, 200, "EMA_0.999")
    expect(sentence).to_contain_text(f"with decay 0.999 read {ema:,} of")
    expect(page.locator("#readout .entry.ema dt")).to_have_text("averaged 0.999")


def test_numbers_are_those_of_the_store(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100)
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 100")
    page.get_by_text("The numbers").click()
    raw, ema = (correct(site, run.id, 100, a) for a in ("", "ExponentialMovingAverage"))
    first = page.locator("#numbers-table tbody tr").first
    difference = f"{ema - raw:+,}".replace("-", "−") if ema != raw else "0"
    expect(first).to_have_text(f"100{raw:,}{ema:,}{difference}")
    expect(page.locator("#numbers-table tbody tr")).to_have_count(2)


def test_chart_has_no_way_out(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0)
    page = visit(site).open(run)
    expect(page.locator(MARKS)).to_have_count(2)
    expect(page.locator("#chart .modebar-btn, #chart a")).to_have_count(0)
