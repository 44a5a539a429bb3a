"""Drawing with pointer and keys, and both readings of it."""

import re

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.sites import Site
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

SEVEN = [(0.28, 0.22), (0.45, 0.2), (0.7, 0.2), (0.62, 0.4), (0.53, 0.6), (0.45, 0.82)]


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    canvas = page.locator("#canvas")
    canvas.scroll_into_view_if_needed()

    def place(x: float, y: float) -> tuple[float, float]:
        box = canvas.bounding_box()  # asked for each time: what stands above it may grow meanwhile
        assert box
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    page.mouse.move(*place(*points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*place(*point), steps=6)
    page.mouse.up()


def sheet(page: Page) -> str:
    """What is painted on the sheet; what was drawn last is with the next frame."""
    return str(
        page.evaluate(
            """() => new Promise((tell) =>
              requestAnimationFrame(() => tell(document.getElementById("canvas").toDataURL())))"""
        )
    )


def test_a_drawn_seven_is_read_by_both(board: Page) -> None:
    expect(board.locator("#canvas-hint")).to_be_visible()
    draw(board, SEVEN)
    expect(board.locator("#raw-digit")).to_have_text("7")
    expect(board.locator("#ema-digit")).to_have_text("7")
    expect(board.locator("#reading-text")).to_contain_text("Both read a 7")
    expect(board.locator("#reading-source")).to_have_text("read at step 500 of the reader")
    expect(board.locator("#canvas-hint")).to_be_hidden()
    # The ten probabilities of each column add up; the row of the digit stands out.
    for kind in ("raw", "ema"):
        shares = board.locator(f"#reading .share.{kind}").all_inner_texts()
        assert sum(float(s.split("\u00a0")[0]) for s in shares if s) == pytest.approx(100, abs=0.6)
    expect(board.locator("#reading tr.read th")).to_have_text(["7"])


def test_a_dot_is_ink(board: Page) -> None:
    blank = sheet(board)
    board.locator("#canvas").click()
    expect(board.locator("#reading-source")).to_contain_text("read at step 500")
    assert sheet(board) != blank


def test_undo_and_clear(board: Page) -> None:
    draw(board, SEVEN)
    expect(board.locator("#raw-digit")).to_have_text("7")
    painted = sheet(board)
    board.get_by_role("button", name="Clear").click()
    expect(board.locator("#canvas-hint")).to_be_visible()
    expect(board.locator("#raw-digit")).to_have_text("–")
    expect(board.get_by_role("button", name="Clear")).to_be_disabled()
    board.get_by_role("button", name="Undo").click()
    expect(board.locator("#raw-digit")).to_have_text("7")
    assert sheet(board) == painted
    board.get_by_role("button", name="Undo").click()
    expect(board.locator("#canvas-hint")).to_be_visible()
    expect(board.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_one_is_drawn_with_keys_alone(board: Page) -> None:
    board.locator("#canvas").focus()
    for _ in range(4):
        board.keyboard.press("ArrowUp")
    board.keyboard.press("Space")
    for _ in range(16):
        board.keyboard.press("ArrowDown")
    board.keyboard.press("Space")
    expect(board.locator("#ema-digit")).to_have_text("1")
    board.keyboard.press("ArrowRight")  # the pen is lifted: this draws nothing
    board.keyboard.press("Delete")
    expect(board.locator("#ema-digit")).to_have_text("–")
    board.keyboard.press("Control+z")
    expect(board.locator("#ema-digit")).to_have_text("1")


def test_touch_draws_and_does_not_scroll(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 500)
    site.end(run, "finished", "")  # of one that goes on it is told above the sheet when its worker is silent
    visitor = visit(site, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = visitor.open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 500")
    canvas = page.locator("#canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    touch = visitor.context.new_cdp_session(page)
    places = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in SEVEN]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": places[:1]})
    for place in places[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("#ema-digit")).to_have_text("7")
    after = canvas.bounding_box()
    assert after
    assert after["y"] == pytest.approx(box["y"], abs=1)  # what stands above it may have grown meanwhile


def test_space_held_down_paints_until_it_is_let_go(board: Page) -> None:
    board.locator("#canvas").focus()
    board.keyboard.down("Space")
    for _ in range(12):
        board.keyboard.press("ArrowDown")
    board.keyboard.up("Space")
    expect(board.locator("#ema-digit")).to_have_text("1")
    stroke = sheet(board)
    board.keyboard.press("ArrowRight")
    board.keyboard.press("ArrowLeft")
    assert sheet(board) == stroke


def test_the_keys_are_told_where_they_work(board: Page) -> None:
    keys = board.locator("#canvas-keys")
    expect(keys).to_be_hidden()
    board.keyboard.press("Tab")
    board.locator("#canvas").focus()
    expect(keys).to_be_visible()
    expect(keys).to_contain_text("Arrow keys move the pen, space paints")


def test_the_pen_is_chosen_and_remembered(board: Page) -> None:
    expect(board.get_by_label("Medium")).to_be_checked()
    draw(board, SEVEN)
    medium = sheet(board)
    board.get_by_role("button", name="Clear").click()
    board.get_by_label("Broad").check(force=True)
    draw(board, SEVEN)
    assert sheet(board) != medium
    expect(board.locator("#ema-digit")).to_have_text("7")
    board.locator("#canvas").press("[")
    board.locator("#canvas").press("[")
    expect(board.get_by_label("Fine")).to_be_checked()
    board.reload()
    expect(board.get_by_label("Fine")).to_be_checked()


def test_one_reading_at_a_time_and_the_latest_wins(board: Page) -> None:
    """However fast the pen, no request is sent before the one before it is answered."""
    underway: list[str] = []
    overlaps: list[int] = []

    def sent(request: Request) -> None:
        if "/predict" in request.url:
            underway.append(request.url)
            overlaps.append(len(underway))

    def answered(request: Request) -> None:
        if "/predict" in request.url:
            underway.remove(request.url)

    board.on("request", sent)
    board.on("requestfinished", answered)
    draw(board, [(0.5, 0.15), (0.5, 0.85)] * 6)
    expect(board.locator("#ema-digit")).to_have_text("1")
    assert set(overlaps) == {1}


def test_the_drawing_is_read_again_by_the_next_checkpoint(site: Site, visit: Open) -> None:
    run = site.begin("growing")
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("No checkpoint yet")
    draw(page, SEVEN)
    expect(page.locator("#reading-text")).to_contain_text("no checkpoint yet")
    site.advance(run, 400)
    expect(page.locator("#reading-source")).to_have_text("read at step 400 of growing")
    site.advance(run, 500)
    expect(page.locator("#reading-source")).to_have_text("read at step 500 of growing")
    expect(page.locator("#ema-digit")).to_have_text("7")


def test_other_averages_are_told(site: Site, visit: Open) -> None:
    run = site.begin(averages=[{"decay": 0.99}, {"decay": 0.999}])
    site.advance(run, 500)
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 500")
    draw(page, SEVEN)
    expect(page.locator("#ema-name")).to_have_text("averaged 0.99")
    expect(page.locator("#other-readings")).to_have_text(re.compile(r"^averaged 0\.999 reads \d"))
    page.get_by_label("0.999", exact=True).check()
    expect(page.locator("#ema-name")).to_have_text("averaged 0.999")
    expect(page.locator("#other-readings")).to_have_text(re.compile(r"^averaged 0\.99 reads \d"))
