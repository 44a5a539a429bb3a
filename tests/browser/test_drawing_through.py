"""A drawing through training: read by every checkpoint of the run."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.sites import Site
from tests.browser.test_drawing import SEVEN, draw
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser


def points(page: Page, kind: str) -> int:
    """How many points the line has."""
    return len(re.findall("[ML]", page.locator(f"#through-{kind}").get_attribute("d") or ""))


@pytest.fixture
def long_board(site: Site, visit: Open) -> Page:
    run = site.begin()
    site.advance(run, 0, 100, 200, 300, 400, 500)
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 500")
    expect(page.locator("#step-slider")).to_have_attribute("max", "5")  # all are evaluated
    return page


def test_a_drawing_through_training(long_board: Page) -> None:
    page, readout = long_board, long_board.locator("#through-readout")
    expect(page.locator("#through-note")).to_have_text("Draw a digit to see how its reading came about.")
    empty_room = [page.locator(name) for name in ("#through-plot", "#through-digit", "#labelling")]
    for part in empty_room:
        expect(part).to_be_hidden()
    draw(page, SEVEN)
    expect(readout).to_contain_text("A 7 at step 500: raw")
    for part in empty_room:
        expect(part).to_be_visible()
    assert points(page, "raw") == points(page, "ema") == 6
    # The same numbers as in the rows above it.
    for share in page.locator("#reading tr.read .share").all_inner_texts():
        expect(readout).to_contain_text(share)
    # Another digit, by its row or by name, and back to the one on top.
    page.locator("#reading tbody tr").nth(1).click()
    expect(readout).to_contain_text("A 1 at step 500")
    page.locator("#through-digit").select_option("a 9")
    expect(readout).to_contain_text("A 9 at step 500")
    expect(page.locator("#reading tr.followed th")).to_have_text("9")
    page.locator("#through-digit").select_option("the digit on top")
    expect(readout).to_contain_text("A 7 at step 500")


def test_the_chart_chooses_the_step_that_is_looked_at(long_board: Page) -> None:
    draw(long_board, SEVEN)
    expect(long_board.locator("#through-readout")).to_contain_text("at step 500")
    plot = long_board.locator("#through-plot")
    box = plot.bounding_box()
    assert box
    plot.hover(position={"x": box["width"] / 3, "y": 20})
    expect(long_board.locator("#through-readout")).to_contain_text("at step 200")
    plot.click(position={"x": box["width"] / 3, "y": 20})
    expect(long_board.locator("#step-shown")).to_have_text("200")
    expect(long_board.locator("#reading-source")).to_contain_text("read at step 200")
    long_board.locator("#through-frame").press("ArrowLeft")
    expect(long_board.locator("#step-shown")).to_have_text("100")


def test_the_run_is_read_when_the_pen_rests_and_only_while_it_is_looked_at(long_board: Page) -> None:
    asked: list[str] = []
    long_board.on("request", lambda request: "/readings" in request.url and asked.append(request.url))
    long_board.get_by_text("This drawing through training").click()
    draw(long_board, SEVEN)
    expect(long_board.locator("#ema-digit")).to_have_text("7")
    with long_board.expect_response("**/readings"):
        assert asked == []
        long_board.get_by_text("This drawing through training").click()
    expect(long_board.locator("#through-readout")).to_contain_text("A 7 at step 500")
    assert len(asked) == 1


def test_checkpoints_that_cannot_be_read_are_told(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    data = site.settings.run_folder(run.id) / "model.ckpt-100.data-00000-of-00001"
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 200")
    data.write_bytes(data.read_bytes()[:-100])
    draw(page, SEVEN)
    expect(page.locator("#through-skipped")).to_have_text("Left out, for it could not be read: step 100.")
    assert points(page, "raw") == 2
