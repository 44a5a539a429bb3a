"""The panels of single digits and of confusions, against what the server says of the same checkpoint."""

import re
from itertools import chain
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from shadowboard.records import Run
from tests.browser.sites import Site
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

ROW = "#digits-rows tr"


def compared(page: Page, run: Run, step: int, split: str = "validation") -> dict[str, Any]:
    """The server's comparison."""
    answer = page.request.get(page.url.partition("?")[0] + f"compare?run={run.id}&step={step}&split={split}")
    assert answer.ok
    found: dict[str, Any] = answer.json()
    return found


def cell(page: Page, kind: str, label: int, digit: int) -> Locator:
    return page.locator(f"#confusion-{kind} [data-label='{label}'][data-digit='{digit}']")


@pytest.fixture(scope="module")
def run(site: Site) -> Run:
    run = site.begin("digits", data="mnist")
    site.advance(run, 0, 100, 600)
    return run


@pytest.fixture(scope="module")
def board(site: Site, visit_once: Open, run: Run) -> Page:
    page = visit_once(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 600")
    return page


def signed(number: int) -> str:
    return "0" if number == 0 else f"{'+' if number > 0 else '−'}{abs(number)}"


def test_each_digit_has_its_numbers_and_dots(board: Page, run: Run) -> None:
    expect(board.locator("#digits-summary")).to_contain_text("Averaging")
    for digit in compared(board, run, 600)["per_digit"]:
        row = board.locator(ROW).nth(digit["digit"])
        gap = digit["ema_correct"] - digit["raw_correct"]
        expect(row.locator(".share.raw")).to_have_text(f"{100 * digit['raw_accuracy']:.2f}")
        expect(row.locator(".share.ema")).to_have_text(f"{100 * digit['ema_accuracy']:.2f}")
        expect(row.locator("td.gap")).to_have_text(signed(gap))
        raw, ema = row.locator(".dot.raw"), row.locator(".dot.ema")
        places = [float(dot.evaluate("(dot) => dot.style.getPropertyValue('--at')")) for dot in (raw, ema)]
        assert all(0 <= place <= 100 for place in places)
        assert (places[1] > places[0]) == (gap > 0)
        assert raw.evaluate("(dot) => getComputedStyle(dot).backgroundColor") == "rgba(0, 0, 0, 0)"


def test_digits_follow_step_and_split(board: Page, run: Run) -> None:
    expect(board.locator("#step-slider")).to_have_attribute("max", "2")  # all are evaluated
    board.locator("#step-back").click()
    first = compared(board, run, 100)["per_digit"][0]
    expect(board.locator(ROW).first.locator(".share.raw")).to_have_text(f"{100 * first['raw_accuracy']:.2f}")
    board.get_by_label("Test", exact=True).check()
    first = compared(board, run, 100, "test")["per_digit"][0]
    expect(board.locator(ROW).first.locator(".share.raw")).to_have_text(f"{100 * first['raw_accuracy']:.2f}")
    board.get_by_label("Validation", exact=True).check()
    board.get_by_role("button", name="Latest").click()
    expect(board.locator("#sentence")).to_contain_text("At step 600")
    first = compared(board, run, 600)["per_digit"][0]
    expect(board.locator(ROW).first.locator(".share.raw")).to_have_text(f"{100 * first['raw_accuracy']:.2f}")


def test_matrices_count_what_the_server_counts(board: Page, run: Run) -> None:
    confusion = compared(board, run, 600)["confusion"]
    differences = [
        (label, digit, confusion["ema"][label][digit] - confusion["raw"][label][digit])
        for label in range(10)
        for digit in range(10)
    ]
    for kind in ("raw", "ema"):
        found = board.locator(f"#confusion-{kind} td[data-label]").all_text_contents()
        assert [int(text or 0) for text in found] == list(chain(*confusion[kind]))
    found = board.locator("#confusion-difference td[data-label]").all_text_contents()
    assert [int(text.replace("−", "-") or 0) for text in found] == [n for _, _, n in differences]
    label, digit, fewer = min((d for d in differences if d[0] != d[1]), key=lambda d: d[2])
    better = cell(board, "difference", label, digit)
    expect(better).to_have_attribute("data-better", "ema")
    expect(better).to_have_accessible_name(
        re.compile(f"{label} read as {digit}: {-fewer} images? fewer by averaging")
    )


def test_a_matrix_is_one_stop_and_arrows_move_in_it(board: Page, run: Run) -> None:
    raw = compared(board, run, 600)["confusion"]["raw"]
    cell(board, "raw", 0, 0).focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowLeft"):
        board.keyboard.press(key)
    expect(cell(board, "raw", 2, 0)).to_be_focused()
    expect(board.locator("#confusion-raw [tabindex='0']")).to_have_count(1)
    number = raw[2][0]
    images = "no image" if number == 0 else "1 image" if number == 1 else f"{number} images"
    expect(cell(board, "raw", 2, 0)).to_have_accessible_name(f"2 read as 0: {images}")
    expect(board.locator("#confusion-line")).to_contain_text(f"2 read as 0: raw {number}")
    board.keyboard.press("End")
    expect(cell(board, "raw", 2, 9)).to_be_focused()
    board.keyboard.press("Tab")
    expect(cell(board, "ema", 0, 0)).to_be_focused()


@pytest.mark.parametrize("kind", ["raw", "ema"])
def test_a_cell_lists_its_images(board: Page, run: Run, kind: str) -> None:
    matrix = compared(board, run, 600)["confusion"][kind]
    number, label, digit = max((matrix[i][j], i, j) for i in range(10) for j in range(10) if i != j)
    cell(board, kind, label, digit).focus()
    board.keyboard.press("Enter")
    dialog = board.locator("#images")
    expect(dialog).to_be_visible()
    expect(board.locator("#images-title")).to_have_text(
        f"{label} read as {digit} by the {'raw' if kind == 'raw' else 'averaged'} weights"
    )
    expect(board.locator("#images-text")).to_contain_text(f"{number} images, step 600, validation")
    expect(dialog.locator(".card")).to_have_count(min(number, 24))
    expect(dialog.locator(".card").first).to_have_accessible_name(
        re.compile(rf"validation image \d+, an? {label}: .* reads {digit}, .*, wrong")
    )
    assert dialog.locator("img").first.evaluate("(img) => img.decode().then(() => img.naturalWidth)") == 28
    board.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(cell(board, kind, label, digit)).to_be_focused()


def test_a_large_cell_lists_its_first_images(board: Page, run: Run) -> None:
    total = compared(board, run, 600)["confusion"]["raw"][1][1]
    cell(board, "raw", 1, 1).click()
    expect(board.locator("#images-text")).to_contain_text(f"The first 200 of {total} images")
    cards = board.locator("#images .card")
    expect(cards).to_have_count(24)
    board.locator("#images-more").click()
    expect(cards).to_have_count(96)
    expect(cards.nth(24)).to_be_focused()
    board.keyboard.press("Escape")


def test_a_cell_of_the_difference_lists_what_has_moved(board: Page, run: Run) -> None:
    found = compared(board, run, 600)["disagreements"]
    one = next(d for d in found if d["kind"] == "fixed")
    label, digit = one["label"], one["raw"]["digit"]
    moved = [d for d in found if d["label"] == label and digit in (d["raw"]["digit"], d["ema"]["digit"])]
    cell(board, "difference", label, digit).click()
    expect(board.locator("#images .card")).to_have_count(min(len(moved), 24))
    expect(board.locator(f"#images .card[data-index='{one['index']}'] .line.ema.right")).to_be_visible()
    board.keyboard.press("Escape")


def test_a_run_without_an_average_shows_raw_alone(site: Site, visit: Open) -> None:
    run = site.begin("raw alone", averages=[], data="mnist")
    site.advance(run, 0, 600)
    page = visit(site).open(run)
    expect(page.locator("#digits-summary")).to_contain_text("This run keeps no average.")
    expect(page.locator(f"{ROW} .share.raw").first).to_have_text(re.compile(r"\d\d\.\d\d"))
    expect(page.locator(f"{ROW} .dot.ema").first).to_be_hidden()
    expect(page.locator("#confusion-raw")).to_be_visible()
    expect(page.locator("#confusion-ema")).to_be_hidden()
    expect(page.locator("#disagreements-empty")).to_contain_text("keeps no average")


def test_a_run_without_a_checkpoint_says_so(site: Site, visit: Open) -> None:
    run = site.begin("nothing yet")
    page = visit(site).open(run)
    for panel in ("digits", "confusion", "disagreements"):
        expect(page.locator(f"#{panel}-panel .panel-note").first).to_have_text(
            "This fills with the first evaluated checkpoint."
        )
        expect(page.locator(f"#{panel}-panel .panel-body")).to_be_hidden()


def test_one_matrix_at_a_time_on_a_phone(site: Site, visit: Open, run: Run) -> None:
    page = visit(site, viewport={"width": 360, "height": 740}, has_touch=True).open(run)
    expect(page.locator("#confusion-raw")).to_be_visible()
    expect(page.locator("#confusion-difference")).to_be_hidden()
    page.get_by_label("Difference", exact=True).check()
    expect(page.locator("#confusion-difference")).to_be_visible()
    expect(page.locator("#confusion-raw")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_words_for_a_mouse_are_others_for_fingers(site: Site, visit: Open, run: Run) -> None:
    by_mouse = ("Point at a cell", "mouse, finger or pen; or arrow keys and space")
    by_finger = ("Tap a cell to see its images.", "with a finger or a pen")
    for options, said, unsaid in (
        ({}, by_mouse, by_finger),
        ({"has_touch": True, "is_mobile": True}, by_finger, by_mouse),
    ):
        page = visit(site, **options).open(run)
        for words in said:
            expect(page.get_by_text(words)).to_be_visible()
        for words in unsaid:
            expect(page.get_by_text(words)).to_be_hidden()
