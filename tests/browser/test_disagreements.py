"""The images on which raw and averaged weights differ."""

import re

import pytest
from playwright.sync_api import Page, expect

from shadowboard.records import Run
from tests.browser.sites import Site
from tests.browser.test_digits import compared
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

CARD = "#disagreements-gallery .card"
NAMES = {"fixed": "Averaging fixed", "broke": "Averaging broke", "both_wrong": "Both wrong"}


@pytest.fixture(scope="module")
def run(site: Site) -> Run:
    run = site.begin("disagreements", data="mnist")
    site.advance(run, 0, 100)
    return run


@pytest.fixture(scope="module")
def board(site: Site, visit_once: Open, run: Run) -> Page:
    page = visit_once(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 100")
    expect(page.locator(CARD).first).to_be_visible()
    return page


def indexes(page: Page) -> list[int]:
    found: list[int] = page.locator(CARD).evaluate_all("(cards) => cards.map((c) => Number(c.dataset.index))")
    return found


def test_a_card_tells_label_and_both_readings(board: Page, run: Run) -> None:
    found = {d["index"]: d for d in compared(board, run, 100)["disagreements"]}
    first = found[indexes(board)[0]]
    card = board.locator(CARD).first
    expect(card.locator(".is")).to_have_text(re.compile(rf"an? {first['label']}"))
    for kind in ("raw", "ema"):
        line = card.locator(f".line.{kind}")
        right = first[kind]["digit"] == first["label"]
        expect(line.locator("b")).to_have_text(str(first[kind]["digit"]))
        expect(line.locator(".sure")).to_have_text(f"{100 * first[kind]['confidence']:.1f}\u00a0%")
        expect(line.locator(".mark")).to_have_text("✓" if right else "✗")
    expect(card).to_have_accessible_name(
        re.compile(rf"validation image {first['index']}, .*raw reads .*averaged reads")
    )
    image = card.locator("img")
    assert image.evaluate("(img) => img.decode().then(() => [img.naturalWidth, img.width > 28])") == [
        28,
        True,
    ]
    expect(image).to_have_attribute("loading", "lazy")


def test_the_most_confident_come_first_and_more_on_request(board: Page, run: Run) -> None:
    found = compared(board, run, 100)["disagreements"]
    found.sort(key=lambda d: (-(d["raw"]["confidence"] + d["ema"]["confidence"]), d["index"]))
    assert len(found) > 12
    assert indexes(board) == [d["index"] for d in found[:12]]
    expect(board.locator("#disagreements-count")).to_have_text(f"{len(found)} of 5,000 validation images")
    board.locator("#disagreements-more").click()
    expect(board.locator(CARD)).to_have_count(min(len(found), 84))
    expect(board.locator(CARD).nth(12)).to_be_focused()


def test_images_that_stay_are_not_loaded_again(board: Page) -> None:
    board.evaluate("document.querySelectorAll('.card img').forEach((img) => (img.marked = true))")
    before = set(indexes(board))
    board.locator("#disagreements-kinds label").filter(has_text="Averaging fixed").click()
    kept = "(cards) => cards.filter((c) => c.querySelector('img').marked).map((c) => Number(c.dataset.index))"
    assert set(board.locator(CARD).evaluate_all(kept)) == before & set(indexes(board))


def test_filters_count_and_choose(board: Page, run: Run) -> None:
    for kind, name in NAMES.items():
        found = [d for d in compared(board, run, 100)["disagreements"] if d["kind"] == kind]
        choice = board.locator("#disagreements-kinds label").filter(has_text=name)
        expect(choice).to_have_text(f"{name} {len(found)}")
        choice.click()
        expect(board.locator(CARD)).to_have_count(min(len(found), 12))
        assert set(indexes(board)) <= {d["index"] for d in found}, name
    board.locator("#disagreements-kinds label").first.click()


def test_where_all_is_alike_it_says_so(board: Page) -> None:
    board.locator("#step-back").click()
    expect(board.locator("#disagreements-empty")).to_have_text(
        "At step 0 raw and averaged read every image alike."
    )
    expect(board.locator(CARD)).to_have_count(0)
    expect(board.locator("#disagreements-tools")).to_be_hidden()


def test_other_data_has_numbers_only(site: Site, visit: Open) -> None:
    run = site.begin("a folder of its own")
    site.advance(run, 0, 100)
    page = visit(site).open(run)
    expect(page.locator(CARD).first).to_be_visible()
    expect(page.locator("#disagreements-unpictured")).to_be_visible()
    expect(page.locator(f"{CARD} img")).to_have_count(0)
    page.locator(CARD).first.click()
    expect(page.locator("#image-canvas")).to_be_visible()
    expect(page.locator("#image-text")).to_contain_text("raw reads")
    ink = "(canvas) => canvas.getContext('2d').getImageData(0, 0, 28, 28).data"
    ink += ".some((value, i) => i % 4 < 3 && value > 200)"
    assert page.locator("#image-canvas").evaluate(ink)
