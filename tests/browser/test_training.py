"""The training panel: loss, learning rate and decay, and what a decay means."""

import math

import pytest
from playwright.sync_api import expect

from tests.browser.sites import Site
from tests.browser.test_curve import MARKS, drag_zoom, x_range
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

READOUT = "#training-readout"


def test_readout_tells_decay_and_half_life_at_the_shown_step(site: Site, visit: Open) -> None:
    run = site.begin(averages=[{"decay": 0.99}, {"decay": 0.999}])
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    expect(page.locator(f"{READOUT} .entry.step")).to_have_text("step200")
    # Both are still in the warm-up at step 200: (1 + n) / (10 + n).
    decay = 201 / 210
    half_life = math.log(0.5) / math.log(decay)
    for kind, name in ((".ema", "0.99"), (".ema-faint", "0.999")):
        one = page.locator(f"{READOUT} .entry{kind}")
        expect(one).to_contain_text(f"decay of {name}")
        expect(one).to_contain_text(f"{decay:.6g} half-life {round(half_life)}\u00a0steps")
    expect(page.locator("#step-slider")).to_have_attribute("max", "2")  # all are evaluated
    page.get_by_role("button", name="Step before").click()
    expect(page.locator(f"{READOUT} .entry.step")).to_have_text("step100")
    metric = next(m for m in site.store.metrics(run.id) if m.step == 100)
    expect(page.locator(READOUT)).to_contain_text(f"loss{metric.loss:.3g}")


def test_three_strips_share_the_step_axis_and_the_zoom(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    chart = page.locator("#training-chart")
    expect(chart.locator(".js-line")).to_have_count(3)
    expect(page.locator("#step-slider")).to_have_attribute("max", "2")  # all are evaluated
    expect(page.locator(MARKS)).to_have_count(4)  # the other chart is drawn, too, but for step 0
    expect(page.locator("#overall")).to_contain_text("over the 2 checkpoints")  # and moves no more
    accuracy, training = (x_range(page, name) for name in ("chart", "training-chart"))
    assert accuracy == training
    drag_zoom(page)
    reset = page.locator("#training-frame").get_by_role("button", name="Reset zoom")
    expect(reset).to_be_visible()
    accuracy, training = (x_range(page, name) for name in ("chart", "training-chart"))
    assert accuracy == training
    assert accuracy[0] > 10
    reset.click()
    for button in page.locator(".zoom-reset").all():
        expect(button).to_be_hidden()
    assert x_range(page)[0] < 0


def test_run_without_average_has_no_strip_for_it(site: Site, visit: Open) -> None:
    run = site.begin(averages=[])
    site.advance(run, 0, 100)
    page = visit(site).open(run)
    expect(page.locator("#training-chart .js-line")).to_have_count(2)
    expect(page.locator(READOUT)).to_contain_text("learning rate")
    expect(page.locator(READOUT)).not_to_contain_text("decay")
    expect(page.locator(MARKS)).to_have_count(2)
    expect(page.locator("#chart [class*=tracegap]")).to_have_count(0)


def test_nothing_trained_yet_is_said(site: Site, visit: Open) -> None:
    run = site.begin()
    page = visit(site).open(run)
    expect(page.locator("#training-note")).to_have_text("The first steps are under way.")
    expect(page.locator("#chart-note")).to_have_text("The curves begin with the first evaluated checkpoint.")
