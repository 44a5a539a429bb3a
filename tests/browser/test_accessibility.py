"""What axe-core finds (nothing), contrast, targets for motion: all pages, both themes, two widths."""

import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from shadowboard.configuration import RunConfig
from shadowboard.records import Run
from tests.browser.sites import Site, serving
from tests.browser.visitors import Open, Visitor, open_window

pytestmark = pytest.mark.browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# Of the four combinations of width and theme two are looked at: what else could be wrong, a colour on a
# ground in one theme, test_colours_are_told_apart looks up.
WIDE, NARROW = 1280, 360
THEMES = ("light", "dark")
MANY = [{"decay": decay} for decay in (0.9, 0.99, 0.999, 0.9999, 0.99999)]

RUN_AXE = """async (runOnly) => {
  // Where something was written anew while axe looked at it, it looks again.
  const isOutdated = ({ nodes }) => nodes.some(({ element }) => !element.isConnected);
  let [violations, incomplete] = [[], []];
  do {
    ({ violations, incomplete } = await axe.run({ runOnly, elementRef: true }));
  } while ([...violations, ...incomplete].some(isOutdated));
  const told = violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
    `${id}: ${target.join(" ")}: ${failureSummary}`));
  // Where axe cannot tell the contrast (text over a drawing, or of one character), the grounds are looked up.
  const unsure = incomplete.filter(({ id }) => id === "color-contrast").flatMap(({ nodes }) => nodes);
  for (const { element, target } of unsure) {
    const ratio = contrastOf(element);
    if (ratio < (isLarge(element) ? 3 : 4.5)) told.push(`contrast ${ratio.toFixed(2)}: ${target.join(" ")}`);
  }
  const other = incomplete.filter(({ id }) => id !== "color-contrast").map(({ id }) => `undecided: ${id}`);
  return [...told, ...other];
}"""

# The contrast of two colours as WCAG 2.2 defines it, from the pixels that the browser paints of them.
CONTRAST = """
window.pixelOf = (...colours) => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  for (const colour of colours) {
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
  }
  return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
};
window.luminance = (pixel) => {
  const [r, g, b] = pixel.map((v) => (v /= 255, v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
window.ratio = (one, other) => {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
window.contrastOf = (element) => {
  const grounds = [];
  for (let at = element; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
  const { color, fill } = getComputedStyle(element);
  const ink = element instanceof SVGElement ? fill : color;
  return ratio(pixelOf(...grounds), pixelOf(...grounds, ink));
};
window.isLarge = (element) => {
  const { fontSize, fontWeight } = getComputedStyle(element);
  return parseFloat(fontSize) >= (fontWeight >= 700 ? 18.66 : 24);
};
null
"""


# Two frames on, the page has moved what it shows elsewhere on a narrow window.
SETTLE = "() => new Promise((settled) => requestAnimationFrame(() => requestAnimationFrame(settled)))"


def check(page: Page, what: str, part: Callable[[], None] = lambda: None) -> None:
    """Nothing to complain of, wide and narrow, light and dark; and nothing wider than the window.

    Where a page repeats itself, `part` leaves a part of it for the second look.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
        page.evaluate(CONTRAST)
    found = []

    def look(width: int, theme: str) -> None:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        page.evaluate(SETTLE)
        found.extend(f"{width} {theme}: {told}" for told in page.evaluate(RUN_AXE, RULES))
        widest = page.evaluate("document.documentElement.scrollWidth")
        if widest > width:
            found.append(f"{width}: {widest} px wide")

    look(WIDE, "light")
    part()
    look(NARROW, "dark")
    page.emulate_media(color_scheme="light")
    assert not found, what + "\n" + "\n".join(found)


def close_dialogs(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


@pytest.fixture(scope="module")
def finished(site: Site) -> Run:
    run = site.begin("finished", data="mnist")
    site.advance(run, 0, 100, 200, 300)
    site.end(run, "finished", "")
    return run


def test_a_finished_run(site: Site, visit: Open, finished: Run) -> None:
    page = visit(site).open(finished)
    expect(page.locator("#disagreements-gallery .card").first).to_be_visible()
    expect(page.locator("#chart .main-svg").first).to_be_visible()
    expect(page.locator("#step-slider")).to_have_attribute("max", "3")  # all are evaluated
    page.locator("#agreement-panel").scroll_into_view_if_needed()
    expect(page.locator("#agreement-chart .point").first).to_be_visible()
    expect(page.locator("#agreement-table")).to_be_visible()
    check(page, "as it opens")
    page.locator("#random-image").click()
    expect(page.locator("#reading-text")).to_contain_text("read")
    expect(page.locator("#through-readout")).not_to_be_empty()
    page.locator("#label-choices button").first.click()
    expect(page.locator("#kept-list button").first).to_be_visible()
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    check(page, "with a drawing, and with everything open")


def test_the_dialogs(site: Site, visit: Open, finished: Run) -> None:
    visitor = visit(site)
    page = visitor.open(finished)
    visitor.expects_loss = True  # of requests that are refused, about which a browser complains, too
    expect(page.locator("#step-slider")).to_have_attribute("max", "3")  # the cards are those of the last step
    expect(page.locator("#sentence")).to_contain_text("At step 300")
    for opener in (
        "#new-run-open",
        "#rename-run",
        "#delete-run",
        "#disagreements-gallery .card",
        "#confusion-raw td.some:not(.right)",
    ):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.locator(opener).first.click()
        expect(page.locator("dialog[open]")).to_be_visible()
        content = "#images[open] .card, #image[open] #image-history, dialog[open] form"
        expect(page.locator(content).first).to_be_visible()
        if opener == "#rename-run":
            page.locator("#rename-name").fill("")
            page.keyboard.press("Enter")
            expect(page.locator("#rename-problem")).to_be_visible()
        if opener == "#new-run-open":
            page.locator("#knob-steps").fill("many")
            page.get_by_role("button", name="Queue the run").click()
            expect(page.locator("#problem-steps")).to_be_visible()
        check(page, opener)
        close_dialogs(page)


def test_runs_under_way_and_otherwise(site: Site, visit: Open) -> None:
    """Before anything is there to see, with five averages, and with none."""
    visitor = visit(site)
    begun, many, none = site.begin("begun"), site.begin("five", averages=MANY), site.begin("raw", averages=[])
    site.advance(many, 0, 100, 200)
    site.advance(none, 0, 100, 200)
    site.end(none, "diverged", "The loss is not finite at step 212.")
    for run, sentence in ((begun, "No checkpoint yet"), (many, "At step 200"), (none, "At step 200")):
        page = visitor.open(run)
        expect(page.locator("#sentence")).to_contain_text(sentence)
        expect(page.locator("#training-chart .main-svg").first).to_be_attached()
        check(page, run.name)
        page.close()


def test_what_is_not_there(own_site: Site, visit: Open) -> None:
    visitor = visit(own_site)
    page = visitor.open()
    expect(page.get_by_role("heading", name="No run yet")).to_be_visible()
    check(page, "no run yet")
    page = visitor.open(path="/?run=nope")
    expect(page.get_by_role("heading", name="No such run")).to_be_visible()
    check(page, "no such run")
    page = visitor.open(path="/compare-runs")
    expect(page.get_by_text("No run yet")).to_be_visible()
    check(page, "no run to compare")


def test_the_page_that_compares_runs(own_site: Site, visit: Open) -> None:
    for name in ("one", "other"):
        run = own_site.begin(name, averages=MANY[1:3])
        own_site.advance(run, 0, 100, 200)
        own_site.end(run, "finished", "")
    page = visit(own_site).open(path="/compare-runs")
    expect(page.locator("#runs-table tbody tr")).to_have_count(2)
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    check(page, "two runs")


def test_the_page_of_the_api(site: Site, visit: Open) -> None:
    page = visit(site).open(path="/docs")
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")

    def some() -> None:  # for the operations are all alike: the first of each group
        page.evaluate(
            "for (const other of document.querySelectorAll('article.panel ~ article.panel')) other.remove()"
        )

    check(page, "open", some)


@pytest.fixture
def guarded(
    tmp_path: Path, trained: dict[int, dict[str, Any]], small_data: Path, monkeypatch: Any
) -> Iterator[Site]:
    monkeypatch.setenv("SHADOWBOARD_TOKEN", "open-sesame-0123456789")
    with serving(tmp_path, trained, small_data) as site:
        yield site


def test_with_a_token(guarded: Site, visit: Open) -> None:
    guarded.store.create_run(RunConfig(), "waiting")
    visitor = visit(guarded)
    page = visitor.open()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    expect(page.locator("#state")).to_contain_text("Queued")
    check(page, "before the login")
    page.get_by_role("link", name="Log in").click()
    expect(page.get_by_label("Token")).to_be_visible()
    check(page, "the login")
    visitor.expects_loss = True
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, "the login, refused")


TEXTS = ["ink", "muted", "raw", "ema", "alarm"]
LINES = ["edge", "ema-faint"]
GROUNDS = ["ground", "surface", "sunken"]


@pytest.mark.parametrize("theme", THEMES)
def test_colours_are_told_apart(site: Site, visit: Open, theme: str) -> None:
    """Text on every ground at 4.5 : 1 (AA), lines and the edges of controls at 3 : 1."""
    page = visit(site, color_scheme=theme).open(path="/docs")
    page.evaluate(CONTRAST)
    ratios = page.evaluate(
        """([texts, lines, grounds]) => {
          const probe = document.body.appendChild(document.createElement("i"));
          const colour = (name) => (probe.style.color = `var(--${name})`, getComputedStyle(probe).color);
          return Object.fromEntries([...texts, ...lines].flatMap((ink) => grounds.map((ground) =>
            [`${ink} on ${ground}`, ratio(pixelOf(colour(ink)), pixelOf(colour(ground)))])));
        }""",
        [TEXTS, LINES, GROUNDS],
    )
    least = {pair: 4.5 if pair.split()[0] in TEXTS else 3 for pair in ratios}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < least[pair]} == {}


SMALL_TARGETS = """() => [...document.querySelectorAll("button, select, summary, input, .quiet-link")]
  .filter((target) => target.checkVisibility({ visibilityProperty: true }) && target.type !== "file")
  .map((target) => (["radio", "checkbox"].includes(target.type) ? target.closest("label") : target))
  .map((target) => [target.getBoundingClientRect(), target.id || target.textContent.trim()])
  .filter(([{ width, height }]) => height < 43 || width < 24)
  .map(([{ width, height }, name]) => `${name}: ${width.toFixed(1)} × ${height.toFixed(1)}`)"""


PLACED = re.compile("inset: .*px")  # the style of a menu, shortly after it has opened


def test_fingers_find_their_targets(site: Site, visit: Open, finished: Run) -> None:
    """44 px high; axe sees to their distance from one another."""
    phone = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
    visitor = visit(site, **phone)
    page = visitor.open(finished)
    expect(page.locator("#step-slider")).to_have_attribute("max", "3")  # the cards are those of the last step
    expect(page.locator("#sentence")).to_contain_text("At step 300")
    expect(page.locator("#disagreements-gallery .card").first).to_be_visible()
    assert page.evaluate(SMALL_TARGETS) == []
    for opener in ("#new-run-open", "#rename-run", "#disagreements-gallery .card"):
        if opener == "#rename-run":
            page.locator("#run-menu-open").tap()
            expect(page.locator("#run-menu > *")).to_have_text(["Rename", "Inspect", "Download", "Delete"])
            assert page.evaluate(SMALL_TARGETS) == []
        page.locator(opener).first.tap()
        expect(page.locator("dialog[open]")).to_be_visible()
        assert page.evaluate(SMALL_TARGETS) == [], opener
        page.locator("dialog[open]").get_by_role("button", name="C").first.tap()  # Close or Cancel
        expect(page.locator("dialog[open]")).to_have_count(0)
    page.locator("#run-menu-open").tap()
    page.get_by_role("button", name="Download", exact=True).tap()
    expect(page.locator("#run-menu")).to_be_hidden()
    opened = page.get_by_role("dialog", name="Download step 300")
    expect(opened).to_have_attribute("style", PLACED)
    menu = opened.bounding_box()
    assert menu
    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= 360
    assert menu["y"] > 100  # beneath what has opened it
    page = visitor.open(path="/compare-runs")
    expect(page.locator("#runs-table tbody tr").first).to_be_visible()
    assert page.evaluate(SMALL_TARGETS) == []


MOVING = """() => [...document.querySelectorAll("*")].filter((element) => {
  const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(element);
  return !/^(0s(, )?)+$/.test(transitionDuration) || animationName !== "none" || scrollBehavior !== "auto";
}).length"""


def test_nothing_moves_where_that_is_asked_for(site: Site, chromium: Browser, finished: Run) -> None:
    moving = []
    for wish in ("reduce", "no-preference"):
        visitor = Visitor(open_window(chromium, reduced_motion=wish), site)
        page = visitor.open(finished)
        expect(page.locator("#chart .main-svg").first).to_be_visible()
        moving.append(page.evaluate(MOVING))
        visitor.context.close()
        assert visitor.complaints == []
    assert moving[0] == 0
    assert moving[1] > 0  # or else this test would see nothing
