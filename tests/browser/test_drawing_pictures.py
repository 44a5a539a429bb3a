"""Pictures in place of a drawing: images of the data set, and files that are opened, pasted and dropped."""

import io
import re

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.sites import Site
from tests.browser.test_drawing import SEVEN, draw, sheet
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser


def picture(image: Image.Image) -> FilePayload:
    """An image as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return {"name": "photo.png", "mimeType": "image/png", "buffer": file.getvalue()}


def photographed_one() -> FilePayload:
    """A 1 in dark ink on paper, larger than any picture has to be."""
    photo = Image.new("RGB", (1500, 1100), (233, 228, 210))
    ImageDraw.Draw(photo).line([(760, 200), (740, 900)], fill=(30, 30, 90), width=60)
    return picture(photo)


# A file as a person's drag or Ctrl+V would bring it.
_BRING = """([target, kind, name, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
    const make = {
        paste: () => new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}),
        drop: () => new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}),
    };
    document.querySelector(target).dispatchEvent(make[kind]());
}"""


def bring(page: Page, kind: str, target: str, file: FilePayload) -> None:
    page.evaluate(_BRING, [target, kind, file["name"], list(file["buffer"])])


def test_an_image_of_the_split_is_read_as_it_is(board: Page) -> None:
    for split in ("Validation", "Test"):
        board.get_by_label(split, exact=True).check()
        with board.expect_request("**/predict?*") as sent:
            board.get_by_role("button", name=f"{split} image", exact=True).click()
        assert sent.value.headers["content-type"] == "application/json"
        told = re.compile(rf"^{split} image [\d,]+: an?\s\d$")
        expect(board.locator("#as-read-caption")).to_have_text(told)
        expect(board.locator("#raw-digit")).to_have_text(re.compile(r"\d"))
        label = board.locator("#as-read-caption").inner_text()[-1]
        expect(board.locator("#reading tr.true th")).to_have_text(label)


def test_one_that_they_disagree_on(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100)
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 100")
    button = page.get_by_role("button", name="One they disagree on")
    for _ in range(2):
        before = page.locator("#as-read-caption").inner_text()
        button.click()
        expect(page.locator("#as-read-caption")).not_to_have_text(before)
        expect(page.locator("#as-read-caption")).to_have_text(re.compile(r"^Validation image .+: an?\s\d$"))
        expect(page.locator("#reading-text")).to_contain_text("They disagree")


def test_a_picture_is_opened_pasted_and_dropped(board: Page) -> None:
    photo = photographed_one()
    with board.expect_file_chooser() as chooser:
        board.get_by_role("button", name="Open picture").click()
    chooser.value.set_files(photo)
    expect(board.locator("#ema-digit")).to_have_text("1")
    expect(board.locator("#as-read-caption")).to_have_text("photo.png")
    shown = sheet(board)
    for kind, target in (("paste", "#step-slider"), ("drop", "#draw-title")):
        board.get_by_role("button", name="Clear").click()
        expect(board.locator("#ema-digit")).to_have_text("–")
        bring(board, kind, target, photo)
        expect(board.locator("#ema-digit")).to_have_text("1")
        assert sheet(board) == shown
    # A stroke begins a new sheet, and undoing it brings the picture back.
    draw(board, SEVEN)
    expect(board.locator("#ema-digit")).to_have_text("7")
    board.get_by_role("button", name="Undo").click()
    expect(board.locator("#ema-digit")).to_have_text("1")


def test_what_is_no_picture_is_told_and_changes_nothing(board: Page) -> None:
    draw(board, SEVEN)
    expect(board.locator("#ema-digit")).to_have_text("7")
    before = sheet(board)
    board.locator("#picture-file").set_input_files(
        {"name": "notes.png", "mimeType": "image/png", "buffer": b"no"}
    )
    expect(board.locator("#reading-text")).to_have_text(
        "“notes.png” is no picture that can be opened here; a PNG, JPEG or WebP file can."
    )
    assert sheet(board) == before


def test_an_empty_picture_is_told_and_the_drawing_stays(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 500)
    visitor = visit(site)
    visitor.expects_loss = True  # a browser complains about a refusal, too
    page = visitor.open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 500")
    draw(page, SEVEN)
    expect(page.locator("#ema-digit")).to_have_text("7")
    before = sheet(page)
    page.locator("#picture-file").set_input_files(picture(Image.new("RGB", (60, 60), "white")))
    expect(page.locator("#reading-text")).to_have_text("Nothing stands out on photo.png.")
    assert sheet(page) == before
    site.advance(run, 600)  # what is drawn is read again, and the picture is still refused
    expect(page.locator("#reading-source")).to_contain_text("step 600")
    expect(page.locator("#reading-text")).to_have_text("Nothing stands out on photo.png.")
    expect(page.locator("#ema-digit")).to_have_text("7")
    expect(page.locator("#as-read-caption")).not_to_contain_text("photo.png")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#reading-text")).not_to_contain_text("photo.png")
