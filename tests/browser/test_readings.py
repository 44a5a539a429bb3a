"""What the curve's panel tells in numbers: at a step, at the best ones, in its table and its files."""

import csv
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.sites import Site
from tests.browser.test_curve import MARKS, correct, place, x_range
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

BEST = "#chart [class*=tracebest] .point"


def test_pointing_reads_the_step_out_on_both_charts(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    step = page.locator("#readout .entry.step")
    expect(step).to_have_text("step200")
    expect(page.locator("#step-slider")).to_have_attribute("max", "2")  # all are evaluated
    expect(page.locator(MARKS).first).to_be_attached()
    page.mouse.move(*place(page, 100 / x_range(page)[1]), steps=3)
    expect(step).to_have_text("step100")
    expect(page.locator("#training-readout .entry.step")).to_have_text("step100")
    expect(page.locator(".step-line.hovered:visible")).to_have_count(2)
    raw, ema = (correct(site, run.id, 100, a) for a in ("", "ExponentialMovingAverage"))
    expect(page.locator("#readout .entry.raw dd")).to_have_text(f"{raw / 100:.2%}".replace("%", "\u00a0%"))
    gap = f"{ema - raw:+.2f}\u00a0pp".replace("-", "−") if ema != raw else "none"
    expect(page.locator("#readout .entry.gap dd")).to_have_text(gap)
    page.mouse.move(5, 5)
    expect(step).to_have_text("step200")
    expect(page.locator(".step-line.hovered:visible")).to_have_count(0)


def test_click_chooses_a_step_and_keys_go_on_from_there(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200, 300)
    page = visit(site).open(run)
    step = page.locator("#readout .entry.step")
    expect(step).to_have_text("step300")
    expect(page.locator("#step-slider")).to_have_attribute("max", "3")  # all are evaluated
    expect(page.locator(MARKS).first).to_be_attached()
    page.mouse.click(*place(page, 110 / 600))
    page.mouse.move(5, 5)
    expect(step).to_have_text("step100")
    expect(page).to_have_url(re.compile("step=100"))
    page.locator("#curve-frame").focus()
    keys = {"ArrowRight": 200, "ArrowLeft": 100, "Home": 0, "End": 300}
    for key, expected in keys.items():
        page.keyboard.press(key)
        expect(step).to_have_text(f"step{expected}")
    expect(page.locator("#step-latest")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Escape")
    expect(page.locator("#step-latest")).to_have_attribute("aria-pressed", "true")


def test_best_steps_are_those_of_validation_and_lead_there(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200, 300)
    page = visit(site).open(run)
    expect(page.locator("#readout .entry.step")).to_have_text("step300")
    expect(page.locator("#step-slider")).to_have_attribute("max", "3")  # all are evaluated
    page.get_by_label("Test", exact=True).check()
    expect(page.locator(BEST)).to_have_count(2)
    for name, average in (("raw", ""), ("averaged", "ExponentialMovingAverage")):
        best = max((100, 200, 300), key=lambda step: correct(site, run.id, step, average))
        page.get_by_role("button", name=f"{name} at {best}").click()
        expect(page.locator("#readout .entry.step")).to_have_text(f"step{best}")


def test_downloads(site: Site, visit: Open, tmp_path: Path) -> None:
    run = site.begin(name="a run / <b>")
    site.advance(run, 0, 100)
    page = visit(site).open(run)
    expect(page.locator(MARKS)).to_have_count(4)
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV").click()
    assert table.value.suggested_filename == f"a-run-b-{run.id}-validation.csv"
    table.value.save_as(tmp_path / "curves.csv")
    with (tmp_path / "curves.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["step"] for line in lines] == ["0", "100"]
    assert int(lines[1]["raw_correct"]) == correct(site, run.id, 100, "")
    assert int(lines[1]["averaged_0.99_correct"]) == correct(site, run.id, 100, "ExponentialMovingAverage")
    compared = page.request.get(f"{site.url}/compare?run={run.id}&step=100").json()
    for column, value in (
        ("difference", compared["difference"]["images"]),
        ("only_raw", compared["paired"]["only_raw"]),
        ("only_averaged", compared["paired"]["only_ema"]),
        ("p_value", compared["difference"]["p_value"]),
    ):
        assert float(lines[1][f"averaged_0.99_{column}"]) == value
    assert lines[0].keys() == lines[1].keys()
    assert None not in lines[0]
    with page.expect_download() as picture:
        page.get_by_role("button", name="PNG").click()
    assert picture.value.suggested_filename == f"a-run-b-{run.id}-validation.png"
    picture.value.save_as(tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (2400, 1500)
        assert len(image.convert("RGB").getcolors(1 << 24) or []) > 100


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
