"""One image: both readings with all probabilities, and the same image through training."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from shadowboard.records import Run
from tests.browser.sites import Site
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

STEPS = (0, 100, 200, 600)
CARD = "#disagreements-gallery .card"


@pytest.fixture(scope="module")
def run(site: Site) -> Run:
    run = site.begin("one image", data="mnist")
    site.advance(run, *STEPS)
    return run


@pytest.fixture
def board(site: Site, visit: Open, run: Run) -> Page:
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 600")
    expect(page.locator(CARD).first).to_be_visible()
    return page


def opened(page: Page, place: int = 0) -> int:
    """Open the card at `place`; the image's index."""
    card = page.locator(CARD).nth(place)
    index = int(card.get_attribute("data-index") or "")
    card.click()
    expect(page.locator("#image-place")).to_contain_text(f"validation image {index:,},")
    expect(page.locator("#image-text")).to_contain_text("raw reads")
    return index


def through_training(page: Page, run: Run, index: int) -> dict[str, Any]:
    """The server's answer."""
    found: dict[str, Any] = page.request.get(
        page.url.partition("?")[0] + f"runs/{run.id}/readings?split=validation&index={index}"
    ).json()
    return found


def test_both_rows_of_ten_probabilities(board: Page, run: Run) -> None:
    track = through_training(board, run, opened(board))
    expect(board.locator("#image-title")).to_have_text(re.compile(rf"This is an? {track['label']}"))
    expect(board.locator("#image-bars tr.true th")).to_have_text(str(track["label"]))
    name = next(iter(track["averages"]))
    for kind, weights in (("raw", track["raw"]), ("ema", track["averages"][name])):
        shares = board.locator(f"#image-bars td.share.{kind}").all_inner_texts()
        expected = [f"{100 * p:.1f}\u00a0%" if p >= 0.0005 else "" for p in weights["probabilities"][-1]]
        assert shares == expected
    picture = board.locator("#image-picture")
    assert picture.evaluate("(img) => img.decode().then(() => img.naturalWidth)") == 28


def test_previous_and_next_go_through_the_list(board: Page) -> None:
    indexes = board.locator(CARD).evaluate_all("(cards) => cards.map((card) => Number(card.dataset.index))")
    opened(board)
    place = board.locator("#image-place")
    board.locator("#image-next").click()
    expect(place).to_contain_text(f"image {indexes[1]:,},")
    expect(board.locator("#image-count")).to_have_text(re.compile(r"2 of \d+"))
    board.keyboard.press("ArrowRight")
    expect(place).to_contain_text(f"image {indexes[2]:,},")
    board.keyboard.press("ArrowLeft")
    board.locator("#image-previous").click()
    expect(place).to_contain_text(f"image {indexes[0]:,},")
    board.keyboard.press("ArrowLeft")
    expect(board.locator("#image-count")).to_have_text(re.compile(r"^([\d,]+) of \1$"))


def test_escape_closes_and_focus_returns(board: Page) -> None:
    opened(board, 2)
    board.keyboard.press("Escape")
    expect(board.locator("#image")).to_be_hidden()
    expect(board.locator(CARD).nth(2)).to_be_focused()
    expect(board).not_to_have_url(re.compile("image="))


def test_the_track_is_the_true_digits_and_takes_the_step_along(board: Page, run: Run) -> None:
    track = through_training(board, run, opened(board))
    label = track["label"]
    chart = board.locator("#image-track")
    for kind, weights in (("raw", track["raw"]), ("ema", track["averages"]["ExponentialMovingAverage"])):
        points = re.findall(
            r"[ML]([\d.]+) ([\d.]+)", board.locator(f"#image-track-{kind}").get_attribute("d") or ""
        )
        assert [round(6 * float(x) / 10) for x, _ in points] == list(STEPS)
        assert [1 - float(y) / 1000 for _, y in points] == pytest.approx(
            [shares[label] for shares in weights["probabilities"]], abs=1e-3
        )
    expect(chart).to_have_attribute("aria-valuenow", "600")
    chart.focus()
    board.keyboard.press("ArrowLeft")
    expect(chart).to_have_attribute("aria-valuenow", "200")
    expect(board.locator("#image-place")).to_contain_text("step 200")
    expect(board.locator("#step-shown")).to_have_text("200")
    board.keyboard.press("Home")
    expect(board.locator("#image-track-text")).to_contain_text("Step 0: raw ")
    box = chart.bounding_box()
    assert box
    board.mouse.click(box["x"] + box["width"] * 0.18, box["y"] + box["height"] / 2)
    expect(chart).to_have_attribute("aria-valuenow", "100")


def test_the_address_opens_the_image_again(board: Page) -> None:
    index = opened(board, 1)
    expect(board).to_have_url(re.compile(rf"image={index}\b"))
    board.reload()
    expect(board.locator("#image-place")).to_contain_text(f"validation image {index:,}, step 600")
    expect(board.locator("#image-text")).to_contain_text("raw reads")


def test_an_image_of_a_cell_opens_over_it_and_goes_back(board: Page) -> None:
    board.locator("#confusion-raw [data-label='7'][data-digit='7']").click()
    card = board.locator("#images .card").nth(1)
    card.click()
    expect(board.locator("#image-title")).to_have_text("This is a 7")
    expect(board.locator("#image-count")).to_have_text("2 of 200")
    board.keyboard.press("Escape")
    expect(board.locator("#image")).to_be_hidden()
    expect(board.locator("#images")).to_be_visible()
    expect(card).to_be_focused()
    board.keyboard.press("Escape")
    expect(board.locator("#images")).to_be_hidden()


def test_a_new_checkpoint_goes_on_with_the_track(site: Site, visit: Open) -> None:
    run = site.begin("going on", data="mnist")
    site.advance(run, 0, 100)
    page = visit(site).open(run)
    expect(page.locator(CARD).first).to_be_visible()
    opened(page)
    site.advance(run, 200)
    expect(page.locator("#image-track")).to_have_attribute("aria-valuemax", "200")
    expect(page.locator("#image-track")).to_have_attribute("aria-valuenow", "200")


def test_a_run_without_an_average(site: Site, visit: Open) -> None:
    run = site.begin("raw detail", averages=[], data="mnist")
    site.advance(run, 0, 600)
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 600")  # at 0 there may be no such image
    page.locator("#confusion-raw [data-label='3'][data-digit='3']").click()
    page.locator("#images .card").first.click()
    expect(page.locator("#image-text")).to_have_text(re.compile(r"Read right: raw reads 3 \(\d+\.\d\s%\)\."))


@pytest.mark.parametrize("width", [360, 1440])
def test_the_dialog_fits(board: Page, width: int) -> None:
    board.set_viewport_size({"width": width, "height": 740})
    opened(board)
    assert board.locator("#image").evaluate(
        "(d) => d.scrollWidth <= d.clientWidth && d.offsetWidth <= innerWidth"
    )
