"""What is looked at: one step for all panels, kept by the address, and each tab with its own."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from shadowboard.records import Run
from tests.browser.sites import Site
from tests.browser.visitors import Open, Visitor

pytestmark = pytest.mark.browser

# What each panel says of the step that it shows.
PANELS = (
    "#sentence",
    "#readout",
    "#training-readout",
    "#digits-rows",
    "#disagreements-gallery",
    "#confusion-frequent",
    "#reading-source",
)


def begin(site: Site, **knobs: Any) -> Run:
    run = site.begin("looked at", averages=[{"decay": 0.99}, {"decay": 0.999}], **knobs)
    site.advance(run, 0, 100, 200, 300)
    return run


@pytest.fixture(scope="module")
def run(site: Site) -> Run:
    return begin(site, data="mnist")


@pytest.fixture
def growing(site: Site) -> Run:
    """On few images, so that what comes is soon evaluated."""
    return begin(site)


def opened(visitor: Visitor, run: Run) -> Page:
    page = visitor.open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 300")
    expect(page.locator("#step-slider")).to_have_attribute("max", "3")  # all are evaluated
    if run.config.averages:
        # A page asks only for a share of the time.
        expect(page.locator("#overall")).to_contain_text("over the 3 checkpoints", timeout=30_000)
        expect(page.locator("#readout")).not_to_contain_text("…")  # of the other average, too
    if run.config.data == "mnist":
        expect(page.locator("#disagreements-gallery .card").first).to_be_visible()
    return page


def said(page: Page) -> list[str]:
    return [page.locator(panel).text_content() for panel in PANELS]


def settled(page: Page, step: int) -> None:
    """All panels show the step, and nothing of another one."""
    expect(page.locator("#sentence")).to_contain_text(f"At step {step} ")
    expect(page.locator("#step-shown")).to_have_text(str(step))
    expect(page.locator("#readout .entry.step")).to_have_text(f"step{step}")
    first = 10  # that the training has told
    expect(page.locator("#training-readout .entry.step")).to_have_text(f"step{max(step, first)}")
    expect(page.locator("#reading-source")).to_contain_text(f"step {step}")
    expect(page.locator(".panel-body.stale")).to_have_count(0)


def test_the_slider_moves_every_panel(site: Site, visit: Open, run: Run) -> None:
    page = opened(visit(site), run)
    page.locator("#random-image").click()
    settled(page, 300)
    shown = {300: said(page)}
    mark = page.locator("#curve-frame .step-line.shown")
    places = {mark.evaluate("(line) => line.style.translate")}
    slider = page.locator("#step-slider")
    for step, value in ((100, "1"), (0, "0"), (200, "2")):
        slider.fill(value)
        settled(page, step)
        shown[step] = said(page)
        places.add(mark.evaluate("(line) => line.style.translate"))
        for panel, before, now in zip(PANELS, shown[300], shown[step], strict=True):
            assert now != before, f"{panel} is the same at steps 300 and {step}"
    assert len(places) == 4
    # The same step shows the same again, from whatever side it is come to.
    page.get_by_role("button", name="Next step").click()
    settled(page, 300)
    assert said(page) == shown[300]


def test_a_dragged_slider_is_followed(site: Site, visit: Open, run: Run) -> None:
    page = opened(visit(site), run)
    slider = page.locator("#step-slider")
    box = slider.bounding_box()
    assert box
    middle = box["height"] / 2
    slider.hover(position={"x": box["width"] - 8, "y": middle})  # wherever it is by now
    page.mouse.down()
    page.mouse.move(box["x"] + 8, box["y"] + middle, steps=8)
    expect(page.locator("#sentence")).to_contain_text("At step 0 ")
    page.mouse.up()
    expect(page).to_have_url(re.compile("step=0"))


def test_play_goes_through_the_steps_and_ends(site: Site, visit: Open, run: Run) -> None:
    page = opened(visit(site), run)
    page.locator("#step-shown").evaluate(
        """(shown) => {
          window.steps = [];
          const watch = new MutationObserver(() => steps.push(Number(shown.textContent)));
          watch.observe(shown, { childList: true, characterData: true, subtree: true });
        }"""
    )
    play = page.locator("#play")
    play.click()
    expect(play).to_have_attribute("aria-pressed", "true")
    expect(play).to_have_attribute("aria-pressed", "false", timeout=30_000)
    assert list(dict.fromkeys(page.evaluate("steps"))) == [0, 100, 200, 300]


def test_a_reload_keeps_all_that_was_chosen(site: Site, visit: Open, run: Run) -> None:
    page = opened(visit(site), run)
    page.locator("#step-slider").fill("1")
    page.get_by_label("Test", exact=True).check()
    page.locator("[name=average]").nth(1).check()
    for name in ("Everything", "Error rate", re.compile("^Log")):
        page.get_by_label(name).check()
    expect(page.locator("#sentence")).to_contain_text("At step 100 ")
    expect(page.locator("#sentence")).to_contain_text("test images")
    expect(page.locator("#sentence")).to_contain_text("(decay 0.999)")
    expect(page.locator("#overall")).to_contain_text(
        re.compile(r"with decay 0\.999 .*over the 3 checkpoints .* test images"), timeout=30_000
    )
    expect(page).to_have_url(re.compile("scale=log$"))
    chosen = "[...document.querySelectorAll('input:checked')].map(({ name, value }) => `${name} ${value}`)"
    before = (page.url, page.evaluate(chosen), page.locator("#sentence").inner_text())
    for part in (
        f"run={run.id}",
        "step=100",
        "split=test",
        "average=EMA_0.999",
        "view=everything",
        "scale=log",
    ):
        assert part in page.url
    page.reload()
    expect(page.locator("#sentence")).to_have_text(before[2])
    assert (page.url, page.evaluate(chosen)) == before[:2]
    # Another step is no place of its own to go back to.
    page.locator("#step-slider").fill("2")
    expect(page).to_have_url(re.compile("step=200"))
    assert page.evaluate("history.length") == 2  # the empty tab, and this


def test_a_chosen_step_stays_while_training_goes_on_and_latest_follows(
    site: Site, visit: Open, growing: Run
) -> None:
    run = growing
    page = opened(visit(site), run)
    page.locator("#step-slider").fill("1")
    expect(page.locator("#sentence")).to_contain_text("At step 100 ")
    site.advance(run, 400)
    expect(page.locator("#step-slider")).to_have_attribute("max", "4")
    expect(page.locator("#step-shown")).to_have_text("100")
    expect(page.locator("#step-slider")).to_have_value("1")
    page.get_by_role("button", name="Latest").click()
    expect(page.locator("#sentence")).to_contain_text("At step 400 ")
    expect(page).to_have_url(re.compile(rf"\?run={run.id}$"))
    site.advance(run, 500)
    expect(page.locator("#sentence")).to_contain_text("At step 500 ")


def test_two_tabs_look_at_different_things(site: Site, visit: Open, growing: Run) -> None:
    run, visitor = growing, visit(site)
    other = site.begin("in the other tab")
    site.advance(other, 0, 100)
    same, elsewhere, one = opened(visitor, run), visitor.open(other), opened(visitor, run)
    expect(elsewhere.locator("#sentence")).to_contain_text("At step 100 ")
    one.locator("#step-slider").fill("1")
    expect(one.locator("#sentence")).to_contain_text("At step 100 ")
    site.advance(run, 400)
    site.advance(other, 200)
    expect(same.locator("#sentence")).to_contain_text("At step 400 ")
    expect(elsewhere.locator("#sentence")).to_contain_text("At step 200 ")
    expect(one.locator("#step-slider")).to_have_attribute("max", "4")
    expect(one.locator("#sentence")).to_contain_text("At step 100 ")
    expect(one.locator("#run-picker")).to_have_value(run.id)
    expect(elsewhere.locator("#run-picker")).to_have_value(other.id)
