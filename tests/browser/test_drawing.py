"""Drawing with pointer and keys, and both readings of it."""

import io
import re

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload, Page, Request, expect

from tests.browser.conftest import Open, Site

pytestmark = pytest.mark.browser

SEVEN = [(0.28, 0.22), (0.45, 0.2), (0.7, 0.2), (0.62, 0.4), (0.53, 0.6), (0.45, 0.82)]


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    canvas = page.locator("#canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


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


def sheet(page: Page) -> str:
    """What is painted on the sheet."""
    return str(page.evaluate("document.getElementById('canvas').toDataURL()"))


@pytest.fixture
def board(site: Site, visit: Open) -> Page:
    run = site.begin("the reader")
    site.advance(run, 0, 500)
    page = visit(site, charts=False).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 500")
    return page


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
    visitor = visit(
        site, charts=False, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = visitor.open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 500")
    canvas = page.locator("#canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    before = page.evaluate("scrollY")
    touch = visitor.context.new_cdp_session(page)
    places = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in SEVEN]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": places[:1]})
    for place in places[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("#ema-digit")).to_have_text("7")
    assert page.evaluate("scrollY") == before


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


@pytest.mark.parametrize("split", ["Validation", "Test"])
def test_an_image_of_the_split_is_read_as_it_is(board: Page, split: str) -> None:
    board.get_by_label(split, exact=True).check()
    with board.expect_request("**/predict?*") as sent:
        board.get_by_role("button", name=f"{split} image", exact=True).click()
    assert sent.value.headers["content-type"] == "application/json"
    expect(board.locator("#as-read-caption")).to_have_text(re.compile(rf"^{split} image [\d,]+: an?\s\d$"))
    expect(board.locator("#raw-digit")).to_have_text(re.compile(r"\d"))
    label = board.locator("#as-read-caption").inner_text()[-1]
    expect(board.locator("#reading tr.true th")).to_have_text(label)


def test_one_that_they_disagree_on(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100)
    page = visit(site, charts=False).open(run)
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
    visitor = visit(site, charts=False)
    visitor.expects_loss = True  # a browser complains about a refusal, too
    page = visitor.open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 500")
    draw(page, SEVEN)
    expect(page.locator("#ema-digit")).to_have_text("7")
    before = sheet(page)
    page.locator("#picture-file").set_input_files(picture(Image.new("RGB", (60, 60), "white")))
    expect(page.locator("#reading-text")).to_have_text("Nothing stands out on photo.png.")
    assert sheet(page) == before
    expect(page.locator("#ema-digit")).to_have_text("7")
    expect(page.locator("#as-read-caption")).not_to_contain_text("photo.png")


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
    page = visit(site, charts=False).open(run)
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
    page = visit(site, charts=False).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 500")
    draw(page, SEVEN)
    expect(page.locator("#ema-name")).to_have_text("averaged 0.99")
    expect(page.locator("#other-readings")).to_have_text(re.compile(r"^averaged 0\.999 reads \d"))
    page.get_by_label("0.999", exact=True).check()
    expect(page.locator("#ema-name")).to_have_text("averaged 0.999")
    expect(page.locator("#other-readings")).to_have_text(re.compile(r"^averaged 0\.99 reads \d"))


# Through training


def points(page: Page, kind: str) -> int:
    """How many points the line has."""
    return len(re.findall("[ML]", page.locator(f"#through-{kind}").get_attribute("d") or ""))


@pytest.fixture
def long_board(site: Site, visit: Open) -> Page:
    run = site.begin()
    site.advance(run, 0, 100, 200, 300, 400, 500)
    page = visit(site, charts=False).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 500")
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
    page = visit(site, charts=False).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 200")
    data.write_bytes(data.read_bytes()[:-100])
    draw(page, SEVEN)
    expect(page.locator("#through-skipped")).to_have_text("Left out, for it could not be read: step 100.")
    assert points(page, "raw") == 2
