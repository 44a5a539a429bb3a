"""The curve: live, readable, and the user's zoom kept."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.sites import Site
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

MARKS = "#chart .xy .scatterlayer .trace:not([class*=tracebest]) .point"  # of evaluations


def correct(site: Site, run_id: str, step: int, average: str, split: str = "validation") -> int:
    return next(
        s.correct for s in site.store.scores(run_id) if (s.step, s.average, s.split) == (step, average, split)
    )


def x_range(page: Page, chart: str = "chart") -> list[float]:
    return [float(x) for x in page.evaluate(f"document.getElementById('{chart}').layout.xaxis.range")]


def series(page: Page) -> list[dict[str, Any]]:
    """The curves, as they are drawn; the chosen average's comes last but for raw's."""
    found: list[dict[str, Any]] = page.evaluate(
        "document.getElementById('chart').data.filter(({ uid }) => /^(raw|average)/.test(uid))"
        ".map(({ name, x, y }) => ({ name, x: [...x], y: [...y] }))"
    )
    return found


def place(page: Page, share: float) -> tuple[float, float]:
    """Where the share of the step axis is, at half the height of the curves."""
    box = page.locator("#chart .xy .nsewdrag, #chart .draglayer .xy rect.nsewdrag").first.bounding_box()
    assert box
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2


def drag_zoom(page: Page) -> None:
    page.mouse.move(*place(page, 0.1))
    page.mouse.down()
    page.mouse.move(*place(page, 0.4), steps=5)
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


def test_close_up_leaves_out_the_first_steps_and_says_so(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 200, 300, 400, 500)
    page = visit(site).open(run)
    expect(page.locator("#step-slider")).to_have_attribute("max", "4")
    page.reload()  # all is evaluated: the first drawing is the last
    expect(page.locator("#sentence")).to_contain_text("At step 500")
    expect(page.locator("#chart-caption")).to_contain_text("Left out of this close-up")
    expect(page.locator("#chart-caption")).to_contain_text("at step 0")
    low, _ = page.evaluate("document.getElementById('chart').layout.yaxis.range")
    assert low > 80
    # The curves begin in the picture, not beneath it.
    assert all(one["y"][0] >= low for one in series(page))
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
    reset = page.locator("#zoom-reset")
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


def test_axis_has_room_for_what_comes_and_grows_seldom(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100)
    page = visit(site).open(run)
    expect(page.locator(MARKS)).to_have_count(4)
    assert 150 < x_range(page)[1] < 160
    ends = []
    for step in (200, 300, 400):
        site.advance(run, step)
        page.wait_for_selector(f"#chart[aria-label*='At step {step}']")
        ends.append(x_range(page)[1])
    assert 300 < ends[0] < 310
    assert 600 < ends[1] < 620
    assert ends[1:] == [ends[1]] * 2


def test_error_rate_and_logarithmic_steps(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    expect(page.locator("#readout .entry.step")).to_have_text("step200")
    expect(page.locator("#step-slider")).to_have_attribute("max", "2")  # all are evaluated
    page.get_by_label("Error rate").check()
    expect(page.locator("#curve-title")).to_have_text("Validation error rate")
    raw = correct(site, run.id, 200, "") / 100
    expect(page.locator("#readout .entry.raw dd")).to_have_text(f"{1 - raw:.2%}".replace("%", "\u00a0%"))
    page.wait_for_function("() => document.getElementById('chart')._fullLayout?.yaxis.type === 'linear'")
    page.get_by_label("Log steps").check()
    expect(page.locator("#chart-caption")).to_contain_text("no place for step 0")
    assert all(one["x"] == [100, 200] for one in series(page))
    assert series(page)[-1]["y"][-1] == pytest.approx(100 * (1 - raw))
    expect(page).to_have_url(re.compile("measure=error"))
    expect(page).to_have_url(re.compile("scale=log"))


def test_chart_has_no_way_out(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0)
    page = visit(site).open(run)
    expect(page.locator(MARKS)).to_have_count(2)
    expect(page.locator("#chart .modebar-btn, #chart a")).to_have_count(0)
