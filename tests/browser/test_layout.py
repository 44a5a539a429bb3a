"""Every width, both themes, and the keyboard."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.sites import Site
from tests.browser.test_accessibility import SETTLE
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

LONG_NAME = "hidden 500 + 400, averages 0.99 + 0.999, learning rate 0.05, a name that is rather long"


def boxes(page: Page, *names: str) -> list[dict[str, float]]:
    """Where these are, all at one moment: what arrives meanwhile moves them. Each is to be seen."""
    found = page.evaluate(
        """(names) => names.map((name) => {
          const [one, ...others] = document.querySelectorAll(name);
          return !others.length && one.checkVisibility() ? one.getBoundingClientRect().toJSON() : null;
        })""",
        names,
    )
    assert None not in found, [name for name, box in zip(names, found, strict=True) if box is None]
    return list(found)


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_nothing_is_wider_than_the_window(site: Site, visit: Open) -> None:
    run = site.begin(LONG_NAME, averages=[{"decay": 0.99}, {"decay": 0.999}])
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 200")
    page.get_by_text("The numbers").click()
    for summary in page.get_by_text("What am I looking at?").all():
        summary.click()
    for width in (360, 768, 1440, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function("(width) => document.documentElement.scrollWidth <= width", arg=width)


def test_only_the_slider_stays_at_hand_on_a_phone(site: Site, visit: Open) -> None:
    run = site.begin(averages=[{"decay": 0.99}, {"decay": 0.999}])
    site.advance(run, 0, 100, 200)
    site.end(run, "finished", "")
    page = visit(site, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True).open(run)
    expect(page.locator("#step-shown")).to_have_text("200")
    expect(page.locator("#step-slider")).to_have_attribute("max", "2")  # all are evaluated
    expect(page.locator("#overall")).to_contain_text("over the 2 checkpoints")
    expect(page.locator("#average-choices .gain b")).to_have_count(2)
    page.locator("#canvas").evaluate("(canvas) => canvas.scrollIntoView()")
    expect(page.locator("#step-slider")).to_be_in_viewport()
    expect(page.locator("#split-switch")).not_to_be_in_viewport()
    bar, canvas = boxes(page, ".step-bar", "#canvas")
    assert bar["y"] == 0
    assert bar["y"] + bar["height"] <= canvas["y"]
    assert canvas["y"] + canvas["height"] <= 740
    page.locator("#step-back").tap()
    expect(page.locator("#step-shown")).to_have_text("100")


def test_on_a_phone_the_answer_and_the_curve_come_first(site: Site, visit: Open) -> None:
    run = site.begin(averages=[{"decay": 0.99}, {"decay": 0.999}])
    site.advance(run, 0, 100, 200)
    site.end(run, "finished", "")
    page = visit(site, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).open(run)
    expect(page.locator("#overall")).to_contain_text("over the 2 checkpoints")
    expect(page.locator("#curve-panel #sentence")).to_contain_text("At step 200")
    expect(page.locator("#average-choices .gain b")).to_have_count(2)
    expect(page.locator("#best-steps button")).to_have_count(2)
    in_order = (
        *("#overall", "#average-switch", "#split-switch", "#readout", "#chart", "#sentence", "#best-steps"),
        *(".chart-tools", "#disagreements-panel", "#draw-panel", "#training-panel"),
    )
    tops = [box["y"] for box in boxes(page, *in_order)]
    assert tops == sorted(tops)
    assert tops[in_order.index("#chart")] < 680
    # What can be done to the run is in one place, near the head.
    opener = page.locator("#run-menu-open")
    opener.tap()
    for name in ("Rename", "Download", "Delete"):
        expect(page.locator("#run-menu").get_by_role("button", name=name, exact=True)).to_be_in_viewport()
    page.locator("#rename-run").tap()
    expect(page.locator("#run-menu")).to_be_hidden()
    page.locator("#rename-cancel").tap()
    expect(opener).to_be_focused()
    page.set_viewport_size({"width": 1440, "height": 900})
    for place in (
        *("#overall + #sentence", "#actions #rename-run + #delete-run", ".step-switches #split-switch"),
        *(
            "#curve-panel > header > .chart-tools",
            ".readings #best-steps",
            ".step-bar #inspect-step + [popovertarget=export]",
        ),
    ):
        expect(page.locator(place)).to_be_visible()
    expect(opener).to_be_hidden()


def test_the_tools_of_the_chart_are_beside_its_title(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100)
    page = visit(site).open(run)
    expect(page.locator("#readout .entry.step")).to_be_visible()
    page.get_by_label("Error rate").check()
    for width in (1280, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate(SETTLE)
        title, tools = boxes(page, "#curve-title", ".chart-tools")
        assert tools["y"] < title["y"] + title["height"] / 2 < tools["y"] + tools["height"]
        assert tools["height"] < 45


# How far the ends of neighbours are apart, and how much room the emptiest panel has at its foot.
HOLES = """() => {
  const bottom = (element) => element.getBoundingClientRect().bottom;
  const [left, right] = document.querySelectorAll(".column");
  const beside = [[left.lastElementChild, right.lastElementChild], ["agreement", "training"]
    .map((name) => document.getElementById(`${name}-panel`))];
  const rooms = [...document.querySelectorAll(".panels .panel")]
    .map((panel) => bottom(panel) - Math.max(...[...panel.children].map(bottom)));
  return [...beside.map(([one, other]) => Math.abs(bottom(one) - bottom(other))), Math.max(...rooms)];
}"""


def test_panels_side_by_side_end_together(site: Site, visit: Open) -> None:
    run = site.begin(data="mnist")
    site.advance(run, 0, 100)
    page = visit(site, viewport={"width": 1100, "height": 2800}).open(run)
    expect(page.locator("#disagreements-gallery .card").first).to_be_visible()
    expect(page.locator("#agreement-table")).to_be_visible()
    for width in (1100, 1440):
        page.set_viewport_size({"width": width, "height": 2800})
        page.wait_for_function(
            f"() => {{ const [a, b, room] = ({HOLES})(); return a < 1 && b < 1 && room < 30; }}"
        )


def test_theme_is_the_systems_until_chosen(site: Site, visit: Open) -> None:
    visitor = visit(site, color_scheme="dark")
    page = visitor.open()
    dark = background(page)
    page.emulate_media(color_scheme="light")
    light = background(page)
    assert light != dark
    page.get_by_label("Dark", exact=True).check()
    assert background(page) == dark
    page.reload()
    assert background(page) == dark
    expect(page.get_by_label("Dark", exact=True)).to_be_checked()
    page.get_by_label("As the system").check()
    assert background(page) == light


def test_chart_follows_the_theme(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100)
    page = visit(site, color_scheme="light").open(run)
    line = page.locator("#chart .scatterlayer .js-line").first
    expect(line).to_be_visible()
    before = line.evaluate("(path) => getComputedStyle(path).stroke")
    page.get_by_label("Dark", exact=True).check()
    expect(line).not_to_have_css("stroke", before)


def test_raw_and_averaged_differ_by_more_than_colour(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100)
    page = visit(site).open(run)
    raw, averaged = (
        page.locator(f"#chart .trace{name} .js-line").evaluate(
            "(path) => [getComputedStyle(path).strokeDasharray, getComputedStyle(path).strokeWidth]"
        )
        for name in ("raw", "average0")
    )
    assert raw[0] != "none"
    assert averaged[0] == "none"
    assert float(averaged[1].removesuffix("px")) > float(raw[1].removesuffix("px"))
