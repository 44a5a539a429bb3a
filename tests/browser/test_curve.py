"""The curve, the sentence and the numbers: live, readable, and the user's zoom kept."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Open, Site

pytestmark = pytest.mark.browser

MARKS = "#chart .xy .scatterlayer .trace:not([class*=tracebest]) .point"  # of evaluations
BEST = "#chart [class*=tracebest] .point"


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
        for part in (f"{raw:,}", f"{ema:,}"):
            expect(sentence).to_contain_text(part)
        if ema != raw:
            expect(sentence).to_contain_text(f"{abs(ema - raw):,} {'more' if ema > raw else 'fewer'}")
        expect(page.locator("#curve-title")).to_have_text(f"{name} accuracy")


def gap_bars(page: Page) -> dict[float, str]:
    """The sharp bars' heights by their step, and of which kind each is."""
    drawn = page.evaluate(
        "document.getElementById('chart').data.filter(({ uid }) => uid.startsWith('gap-'))"
        ".map(({ uid, x, y }) => [uid, [...x], [...y]])"
    )
    return {
        round((xs[i] + xs[i + 2]) / 2): f"{uid.removeprefix('gap-')} {ys[i + 1]:+.2f}"
        for uid, xs, ys in drawn
        for i in range(0, len(xs), 6)
    }


def test_the_run_as_a_whole_is_judged_and_bars_beyond_chance_are_filled(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200, 300, 400)
    page = visit(site).open(run)
    overall = page.locator("#overall")
    expect(overall).to_contain_text("over the 4 checkpoints so far")
    expect(page.locator("#sentence")).to_have_text(
        re.compile("^One checkpoint alone tells less than the run. At")
    )
    site.advance(run, 500, 600)
    site.end(run, "finished", "")
    # While a run goes on, the page asks for its comparison only for a share of the time.
    expect(overall).to_contain_text("over the 6 checkpoints of the run", timeout=30_000)
    found = page.request.get(f"{site.url}/runs/{run.id}/comparison").json()
    expect(overall).to_have_text(found["verdict"])
    page.wait_for_selector("#chart[aria-label*='At step 600']")
    expected = {}
    columns = (found[name] for name in ("step", "only_raw", "only_ema", "p_value"))
    for step, raw, ema, p in zip(*columns, strict=True):
        if step and raw != ema:
            kind = f"{'ahead' if ema > raw else 'behind'}-{'clear' if p < 0.05 else 'chance'}"
            expected[step] = f"{kind} {ema - raw:+.2f}"  # of 100 images
    page.wait_for_function(
        "(n) => document.getElementById('chart').data.filter(({ uid }) => /^gap-.*-(clear|chance)/.test(uid))"
        ".reduce((sum, { x }) => sum + x.length / 6, 0) === n",
        arg=len(expected),
    )
    assert gap_bars(page) == expected != {}
    page.get_by_label("Test", exact=True).check()
    test = page.request.get(f"{site.url}/runs/{run.id}/comparison?split=test").json()
    expect(overall).to_have_text(test["verdict"])


def test_what_is_not_tested_yet_is_not_called_chance(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    site.end(run, "finished", "")
    page = visit(site).context.new_page()
    held: list[Route] = []
    let_go = False

    def hold(route: Route) -> None:
        if let_go:
            route.continue_()
        else:
            held.append(route)

    page.route("**/comparison?*", hold)
    page.goto(f"{site.url}/?run={run.id}")
    expect(page.locator("#sentence")).to_contain_text("At step 200")
    caption = page.locator("#chart .annotation-text", has_text="gain by averaging")
    expect(caption).to_contain_text("outline: not tested yet")
    assert {bar.rpartition(" ")[0].rpartition("-")[2] for bar in gap_bars(page).values()} == {"untested"}
    expect(page.locator("#overall")).to_have_text("Comparing over the run…")
    let_go = True
    for route in held:
        route.continue_()
    expect(caption).not_to_contain_text("not tested yet")
    assert "untested" not in str(gap_bars(page))
    expect(page.locator("#overall")).to_contain_text("over the 2 checkpoints of the run")


def test_before_two_checkpoints_the_one_is_all_there_is_to_say(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100)
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_have_text(re.compile(r"^At step\s100"))
    expect(page.locator("#overall")).to_be_empty()


def test_close_up_leaves_out_the_first_steps_and_says_so(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 200, 300, 400, 500)
    page = visit(site).open(run)
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


def test_pointing_reads_the_step_out_on_both_charts(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    step = page.locator("#readout .entry.step")
    expect(step).to_have_text("step200")
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
    expect(page.locator(MARKS).first).to_be_attached()
    page.mouse.click(*place(page, 110 / 600))
    page.mouse.move(5, 5)
    expect(step).to_have_text("step100")
    assert "step=100" in page.url
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
    page.get_by_label("Test", exact=True).check()
    expect(page.locator(BEST)).to_have_count(2)
    for name, average in (("raw", ""), ("averaged", "ExponentialMovingAverage")):
        best = max((100, 200, 300), key=lambda step: correct(site, run.id, step, average))
        page.get_by_role("button", name=f"{name} at {best}").click()
        expect(page.locator("#readout .entry.step")).to_have_text(f"step{best}")


def test_error_rate_and_logarithmic_steps(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    expect(page.locator("#readout .entry.step")).to_have_text("step200")
    page.get_by_label("Error rate").check()
    expect(page.locator("#curve-title")).to_have_text("Validation error rate")
    raw = correct(site, run.id, 200, "") / 100
    expect(page.locator("#readout .entry.raw dd")).to_have_text(f"{1 - raw:.2%}".replace("%", "\u00a0%"))
    page.wait_for_function("document.getElementById('chart')._fullLayout?.yaxis.type === 'linear'")
    page.get_by_label("Log steps").check()
    expect(page.locator("#chart-caption")).to_contain_text("no place for step 0")
    assert all(one["x"] == [100, 200] for one in series(page))
    assert series(page)[-1]["y"][-1] == pytest.approx(100 * (1 - raw))
    assert "measure=error" in page.url
    assert "scale=log" in page.url


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


def test_several_averages_can_be_chosen(site: Site, visit: Open) -> None:
    run = site.begin(averages=[{"decay": 0.99}, {"decay": 0.999}])
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    chosen = page.locator("#readout .entry.ema")
    expect(chosen.locator("dt")).to_have_text("averaged 0.99")
    page.get_by_label("0.999", exact=True).check()
    expect(chosen.locator("dt")).to_have_text("averaged 0.999")
    ema = correct(site, run.id, 200, "EMA_0.999")
    expect(chosen.locator("dd")).to_have_attribute("title", f"{ema:,} of 100")
    expect(page.locator("#sentence")).to_contain_text(f"averaged weights (decay 0.999) read {ema:,} of")


def test_each_average_stands_with_its_gain_over_the_run(site: Site, visit: Open) -> None:
    run = site.begin(averages=[{"decay": 0.99}, {"decay": 0.999}])
    site.advance(run, 0, 100, 200, 300)
    site.end(run, "finished", "")
    page = visit(site).open(run)
    ask = f"{site.url}/runs/{run.id}/comparison?average="
    cards = page.locator("#average-choices label")
    expect(cards.locator(".gain b")).to_have_count(2)
    for i, name in enumerate(("ExponentialMovingAverage", "EMA_0.999")):
        found = page.request.get(ask + name).json()
        mean = found["overall"]
        numbers = [f"{100 * value:+.2f}".replace("-", "−") for value in (mean["accuracy"], *mean["interval"])]
        gain = cards.nth(i).locator(".gain")
        expect(gain).to_contain_text(f"{numbers[0]} pp {numbers[1]} to {numbers[2]}")
        cards.nth(i).click()
        expect(page.locator("#overall")).to_have_text(found["verdict"])
        expect(page.get_by_role("radio", name=("0.99", "0.999")[i], exact=True)).to_be_checked()


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
