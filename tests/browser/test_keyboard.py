"""The whole page with keys alone: each stop is seen, none is a trap, and focus comes back from dialogs."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from shadowboard.records import Run
from tests.browser.sites import Site
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

MOST_STOPS = 150

# What has the focus, and why it is not seen, if so: no outline, out of the window, under something.
FOCUS = """() => {
  const focused = document.activeElement;
  if (focused === document.body) return null;
  const beside = focused.parentElement.querySelectorAll(":scope > input:focus ~ *");
  const shown = [focused, ...beside, focused.closest(".sheet")]
    .filter((element) => element && getComputedStyle(element).opacity !== "0");
  const outlined = shown.find((element) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
  });
  const box = (outlined ?? focused).getBoundingClientRect();
  const name = focused.id || focused.name || focused.textContent.trim() || focused.className;
  if (!outlined) return [name, "no outline"];
  const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
  if (bottom - top < Math.min(box.height, 20) - 1) return [name, `out of the window: ${box.top}`];
  const [x, y] = [(Math.max(box.left, 0) + Math.min(box.right, innerWidth)) / 2, (top + bottom) / 2];
  const there = document.elementFromPoint(x, y);
  const label = outlined.closest("label");
  const own = [outlined.contains(there), there.contains(outlined), label?.contains(there)];
  return [name, own.some(Boolean) ? "" : `under ${there.tagName} ${there.className}`];
}"""


def stop(page: Page) -> str | None:
    """The name of what has the focus, which has to be seen; None where the page itself has it."""
    found = page.evaluate(FOCUS)
    if found is None:
        return None
    assert not found[1], f"{found[0]}: {found[1]}"
    return str(found[0])


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until the target has the focus."""
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        stop(page)
        if target.evaluate("(element) => element === document.activeElement"):
            return
    pytest.fail(f"{target} is not reached with {key}.")


@pytest.fixture(scope="module")
def run(site: Site) -> Iterator[Run]:
    run = site.begin("by keys", data="mnist", averages=[{"decay": 0.99}, {"decay": 0.999}])
    site.advance(run, 0, 100, 200, 300)
    with site.heart(run):  # the page would tell of a silent worker, and what is below would move
        yield run


@pytest.fixture
def board(site: Site, visit: Open, run: Run) -> Page:
    page = visit(site, viewport={"width": 1280, "height": 800}).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 300")
    expect(page.locator("#step-slider")).to_have_attribute("max", "3")  # all of them are evaluated
    expect(page.locator("#disagreements-gallery .card").first).to_be_visible()
    expect(page.locator("#chart .main-svg").first).to_be_visible()
    # What comes late moves what has the focus. A page asks only for a share of the time.
    expect(page.locator("#overall")).to_contain_text("over the 3 checkpoints", timeout=30_000)
    expect(page.locator("#average-choices .gain b")).to_have_count(2)
    return page


@pytest.mark.parametrize("width", [360, 1280])
def test_each_stop_is_seen_and_none_is_a_trap(board: Page, width: int) -> None:
    board.set_viewport_size({"width": width, "height": 780})
    there = []
    board.keyboard.press("Tab")
    while (name := stop(board)) is not None:
        there.append(name)
        assert len(there) < MOST_STOPS, there
        board.keyboard.press("Tab")
    back = []
    for _ in there:
        board.keyboard.press("Shift+Tab")
        back.append(stop(board))
    assert back == there[::-1]
    assert there[0] == "Skip to the results"
    tools = ("view", "measure", "scale")
    narrow = width < 700  # there the answer and the curve come first
    wanted = [
        *(
            "run-picker",
            "new-run-open",
            "all-runs",
            "theme",
            "stop-run",
            "run-menu-open" if narrow else "rename-run",
        ),
        *("average", "play", "step-slider", "step-latest", "split"),
        *(("curve-frame", "download-csv", *tools) if narrow else (*tools, "curve-frame", "download-csv")),
        *("disagreements", "canvas", "pen", "random-image", "open-picture", "span", "agreement-frame"),
    ]
    assert [name for name in there if name in wanted] == wanted
    assert there.count("What am I looking at?") == 7


def test_the_skip_link_leads_past_the_header(board: Page) -> None:
    board.keyboard.press("Tab")
    board.keyboard.press("Enter")
    expect(board).to_have_url(re.compile("#main$"))
    expect(board.locator("#main")).to_be_in_viewport()
    board.keyboard.press("Tab")
    assert stop(board) == "stop-run"


def test_what_is_looked_at_is_chosen_with_arrow_keys(site: Site, board: Page, run: Run) -> None:
    other = site.begin("the other one")
    site.advance(other, 0, 100)
    sentence = board.locator("#sentence")
    tab_to(board, board.locator("#step-slider"))
    board.keyboard.press("ArrowLeft")
    expect(sentence).to_contain_text("At step 200")
    board.keyboard.press("Home")
    expect(sentence).to_contain_text("At step 0 ")
    tab_to(board, board.locator("#step-latest"))
    board.keyboard.press("Enter")
    expect(sentence).to_contain_text("At step 300")
    tab_to(board, board.locator("[name=split][value=validation]"))
    board.keyboard.press("ArrowRight")
    expect(sentence).to_contain_text("test images")
    tab_to(board, board.locator("[name=average]").first)
    board.keyboard.press("ArrowRight")
    expect(board).to_have_url(re.compile("average=EMA_0.999"))
    expect(board.locator("#step-slider")).to_have_attribute("max", "3")  # of these images, too
    tab_to(board, board.locator("[name=scale][value=linear]"))
    board.keyboard.press("ArrowRight")
    expect(board.locator("[name=scale][value=log]")).to_be_checked()
    tab_to(board, board.locator("#curve-frame"))
    board.keyboard.press("ArrowLeft")
    expect(sentence).to_contain_text("At step 200")
    board.keyboard.press("Escape")
    expect(sentence).to_contain_text("At step 300")
    expect(board.locator(f'#run-picker option[value="{other.id}"]')).to_be_attached()
    tab_to(board, board.locator("#run-picker"), "Shift+Tab")
    board.keyboard.press("Home")  # the newest
    expect(board.locator("#run-picker option:checked")).to_contain_text("the other one")
    expect(sentence).to_contain_text("At step 100")
    expect(board.locator("#run-picker")).to_be_focused()


def within(dialog: Locator) -> None:
    expect(dialog).to_be_visible()
    assert dialog.evaluate("(dialog) => dialog.contains(document.activeElement)")


def test_focus_returns_from_every_dialog(board: Page) -> None:
    """Opened with Enter, gone through with Tab without leaving it, closed with Escape."""
    for opener in ("#new-run-open", "#stop-run", "#rename-run"):
        button = board.locator(opener)
        tab_to(board, button)
        board.keyboard.press("Enter")
        dialog = board.locator("dialog[open]")
        within(dialog)
        for _ in range(30):  # some of them in the browser's own bar, which is a document's body to us
            board.keyboard.press("Tab")
            if stop(board) is not None:
                within(dialog)
        board.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(button).to_be_focused()


def test_a_knob_is_changed_and_left_again(board: Page) -> None:
    tab_to(board, board.locator("#new-run-open"))
    board.keyboard.press("Enter")
    steps = board.locator("#knob-steps")
    tab_to(board, steps)
    board.keyboard.press("Control+a")
    board.keyboard.type("500")
    expect(steps).to_have_value("500")
    expect(board.locator("#preset-help")).to_have_text("Differs from the reference recipe in: steps.")
    tab_to(board, board.locator("#new-run-cancel"))
    board.keyboard.press("Enter")
    expect(board.locator("#new-run-open")).to_be_focused()


def test_the_run_is_renamed(site: Site, board: Page, run: Run) -> None:
    tab_to(board, board.locator("#rename-run"))
    board.keyboard.press("Enter")
    board.keyboard.type("renamed by keys")  # instead of the old name, which is selected
    board.keyboard.press("Enter")
    expect(board.locator("#run-picker option:checked")).to_contain_text("renamed by keys")
    expect(board.locator("#rename-run")).to_be_focused()
    assert site.store.run(run.id).name == "renamed by keys"


def test_the_theme_is_chosen(board: Page) -> None:
    tab_to(board, board.locator("[name=theme][value=system]"))
    board.keyboard.press("ArrowLeft")
    expect(board.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_digit_is_drawn_and_kept(board: Page) -> None:
    tab_to(board, board.locator("#canvas"))
    board.keyboard.press("Space")
    for _ in range(12):
        board.keyboard.press("ArrowDown")
    board.keyboard.press("Space")
    expect(board.locator("#reading-text")).to_contain_text("read")
    tab_to(board, board.locator("#label-choices button").nth(1))
    board.keyboard.press("Enter")
    expect(board.locator("#kept-list button")).to_have_count(1)
    expect(board.locator("#label-choices button").nth(1)).to_be_focused()


def test_a_card_opens_its_image_and_the_step_goes_along(board: Page) -> None:
    card = board.locator("#disagreements-gallery .card").first
    tab_to(board, card)
    board.keyboard.press("Enter")
    dialog = board.locator("#image")
    within(dialog)
    place = dialog.locator("#image-count")
    expect(place).to_contain_text("1 of ")
    board.keyboard.press("ArrowRight")
    expect(place).to_contain_text("2 of ")
    board.keyboard.press("ArrowLeft")
    board.keyboard.press("Escape")
    expect(card).to_be_focused()

    # The gallery is another one after a step has been chosen in the dialog; the image may not be in it.
    board.keyboard.press("Enter")
    expect(dialog.locator("#image-track")).to_be_visible()
    tab_to(board, dialog.locator("#image-track"))
    board.keyboard.press("ArrowLeft")
    expect(board.locator("#sentence")).to_contain_text("At step 200")
    board.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(board.locator("#disagreements-panel :focus")).to_have_count(1)


def test_a_cell_lists_its_images(board: Page) -> None:
    grid = board.locator("#confusion-raw")
    tab_to(board, grid.locator("[tabindex='0']"))
    board.keyboard.press("ArrowDown")
    board.keyboard.press("ArrowRight")
    cell = grid.locator("[data-label='1'][data-digit='1']")
    expect(cell).to_be_focused()
    stop(board)
    board.keyboard.press("Enter")
    images = board.locator("#images")
    within(images)
    expect(images.locator(".card").first).to_be_visible()
    tab_to(board, images.locator(".card").nth(1))
    board.keyboard.press("Enter")
    within(board.locator("#image"))
    board.keyboard.press("Escape")
    expect(images.locator(".card").nth(1)).to_be_focused()
    board.keyboard.press("Escape")
    expect(cell).to_be_focused()
    board.keyboard.press("Tab")
    assert stop(board) is not None
    expect(board.locator("#confusion-ema [tabindex='0']")).to_be_focused()
