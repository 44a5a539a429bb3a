"""Drawings that are kept in the browser, to try on other steps and runs."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.sites import Site
from tests.browser.test_drawing import SEVEN, draw
from tests.browser.visitors import Open, Visitor

pytestmark = pytest.mark.browser

ONE = [(0.5, 0.15), (0.49, 0.5), (0.5, 0.85)]


@pytest.fixture
def visitor(site: Site, visit: Open) -> Visitor:
    return visit(site)


@pytest.fixture
def board(site: Site, visitor: Visitor) -> Page:
    run = site.begin("the reader")
    site.advance(run, 0, 500)
    return opened(visitor.open(run))


def opened(page: Page) -> Page:
    expect(page.locator("#sentence")).to_contain_text("At step")
    return page


def say(page: Page, digit: int) -> None:
    page.get_by_role("button", name=f"It is a {digit}", exact=True).click()


def keep(page: Page, points: list[tuple[float, float]], digit: int) -> None:
    """Draw it on a new sheet and say what it is."""
    if page.locator("#clear").is_enabled():
        page.locator("#clear").click()
    draw(page, points)
    say(page, digit)
    expect(page.locator(f"#label-choices [data-label='{digit}']")).to_have_attribute("aria-pressed", "true")


def ink(page: Page) -> float:
    """How much is painted on the sheet; what was drawn last is with the next frame."""
    return float(
        page.evaluate(
            """async () => {
                await new Promise(requestAnimationFrame);
                const canvas = document.getElementById("canvas");
                const context = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
                context.drawImage(canvas, 0, 0);
                const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
                return data.reduce((sum, value, i) => sum + (i % 4 === 3 ? value : 0), 0);
            }"""
        )
    )


def kept(page: Page) -> Locator:
    return page.locator("#kept-list button")


def test_a_drawing_is_kept_and_read(board: Page) -> None:
    expect(board.locator("#labelling")).to_be_hidden()
    keep(board, SEVEN, 7)
    expect(kept(board)).to_have_accessible_name(
        "A drawing, it is a 7. raw reads it right, averaged reads it right"
    )
    expect(kept(board).locator(".mark")).to_have_text(["✓", "✓"])
    keep(board, ONE, 4)
    expect(kept(board)).to_have_count(2)
    expect(kept(board).first.locator(".marks")).to_have_text("4✗1✗1")
    expect(board.locator("#kept-summary")).to_have_text("At step 500 raw reads 1 right, averaged 1.")
    expect(board.locator("#reading tr.true th")).to_have_text("4")


def test_a_drawing_that_is_read_right_is_kept_as_that(board: Page) -> None:
    button = board.locator("#keep")
    expect(button).to_be_disabled()
    draw(board, SEVEN)
    expect(button).to_have_text("Keep as a 7")
    button.click()
    expect(button).to_have_text("Kept as a 7")
    expect(button).to_be_disabled()
    expect(kept(board).locator(".marks")).to_have_text("7✓✓")
    say(board, 1)
    expect(button).to_have_text("Kept as a 1")
    expect(kept(board).locator("b")).to_have_text("1")


def test_another_digit_instead_and_none(board: Page) -> None:
    keep(board, SEVEN, 1)
    say(board, 7)
    expect(kept(board)).to_have_count(1)
    expect(kept(board).locator("b")).to_have_text("7")
    say(board, 7)
    expect(kept(board)).to_have_count(0)
    expect(board.locator("#kept-summary")).to_contain_text("kept in this browser")


def test_a_kept_drawing_comes_back_as_it_was(board: Page) -> None:
    keep(board, SEVEN, 7)
    drawn = ink(board)
    keep(board, ONE, 1)
    kept(board).nth(1).click()
    expect(board.locator("#ema-digit")).to_have_text("7")
    expect(kept(board).nth(1)).to_have_attribute("aria-current", "true")
    assert ink(board) == pytest.approx(drawn, rel=1e-3)
    draw(board, ONE)  # it is another drawing now
    expect(kept(board).nth(1)).to_have_attribute("aria-current", "false")


def test_kept_over_reload_and_read_by_other_runs_and_steps(site: Site, visitor: Visitor, board: Page) -> None:
    keep(board, SEVEN, 7)
    other = site.begin("no average", averages=[])
    site.advance(other, 0, 400)
    page = opened(visitor.open(other))
    expect(page.locator("#kept-summary")).to_have_text("At step 400 raw reads 1 right.")
    expect(kept(page).locator(".mark")).to_have_text(["✓"])
    page.locator("#step-back").click()
    expect(page.locator("#kept-summary")).to_have_text(re.compile(r"^At step 0 raw reads [01] right\.$"))
    kept(page).click()
    expect(page.locator("#reading-source")).to_have_text("read at step 0 of no average")
    page.reload()
    expect(kept(page)).to_have_count(1)


def test_other_tabs_follow(site: Site, visitor: Visitor, board: Page) -> None:
    second = opened(visitor.open(path="/" + board.url.rpartition("/")[2]))
    keep(second, SEVEN, 7)
    expect(kept(board).locator(".mark")).to_have_text(["✓", "✓"])
    board.bring_to_front()  # a page behind another draws a stroke once a second
    keep(board, ONE, 1)
    expect(kept(second)).to_have_count(2)


def test_removed_one_by_one_with_the_keyboard_and_all_at_once(board: Page) -> None:
    for points, digit in ((SEVEN, 7), (ONE, 1), (SEVEN, 2)):
        keep(board, points, digit)
    expect(kept(board)).to_have_count(3)
    kept(board).first.focus()
    board.keyboard.press("ArrowRight")
    expect(kept(board).nth(1)).to_be_focused()
    board.keyboard.press("Delete")
    expect(kept(board)).to_have_count(2)
    expect(kept(board).nth(1)).to_be_focused()
    board.keyboard.press("Enter")
    board.get_by_role("button", name="Remove", exact=True).click()
    expect(kept(board).locator("b")).to_have_text(["2"])
    board.get_by_role("button", name="Remove all").click()
    board.get_by_role("button", name="Keep them").click()
    expect(kept(board)).to_have_count(1)
    board.get_by_role("button", name="Remove all").click()
    board.locator("#confirm-yes").click()
    expect(kept(board)).to_have_count(0)
    assert board.evaluate("localStorage.getItem('shadowboard-drawings')") == "[]"


def test_full_storage_is_told(board: Page) -> None:
    board.evaluate(
        "() => { Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); }; }"
    )
    draw(board, SEVEN)
    say(board, 7)
    expect(board.locator("#banner")).to_contain_text("the drawing is kept until this page is left")
    expect(kept(board).locator(".mark")).to_have_text(["✓", "✓"])


def test_damaged_storage_is_an_empty_list(board: Page) -> None:
    board.evaluate("localStorage.setItem('shadowboard-drawings', '[{]')")
    opened(board).reload()
    expect(board.locator("#kept-summary")).to_contain_text("kept in this browser")
    keep(board, SEVEN, 7)
    expect(kept(board)).to_have_count(1)
