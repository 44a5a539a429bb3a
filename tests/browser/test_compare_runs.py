"""The page that compares runs."""

import math
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from shadowboard.configuration import parse_config
from shadowboard.dataset import Dataset
from shadowboard.intervals import wilson_interval
from shadowboard.records import Run, Score
from tests.browser.conftest import WORKER, Open, Site, call

pytestmark = pytest.mark.browser

TWO = {"averages": [{"decay": 0.99}, {"decay": 0.999}]}
SECOND = "EMA_0.999"
FIRST = "ExponentialMovingAverage"


def scored(
    site: Site, name: str, *scores: tuple[int, str, int], state: Any = "finished", **knobs: Any
) -> Run:
    """A run of which (step, average, images of 100 read right) are known; of the test images, two fewer."""
    run = site.store.create_run(parse_config({"steps": 300, **knobs}), name, WORKER)
    for step, average, correct in scores:
        for split, right in (("validation", correct), ("test", correct - 2)):
            score = Score(step, average, split, 100, right, 0.5, 0.1, time.time())
            site.store.add_evaluation(run.id, score, b"", b"")
    site.store.add_progress(run.id, WORKER, 300, 500.0, [])
    if state != "training":
        site.store.release(run.id, WORKER, state, "")
    return run


@pytest.fixture
def three(own_site: Site) -> list[Run]:
    return [
        scored(
            own_site, "slow", (100, "", 80), (200, "", 95), (300, "", 90), (300, FIRST, 92), learning_rate=0.1
        ),
        scored(own_site, "fast", (100, "", 88), (300, "", 93), (300, FIRST, 96), (300, SECOND, 97), **TWO),
        scored(own_site, "bare", (300, "", 85), averages=[], seed=5),
    ]


def complete(page: Page) -> None:
    """Until the gains are there, rows are written anew."""
    expect(page.locator("#runs-table td.gain").filter(has_text="…")).to_have_count(0)


def cells(page: Page, name: str) -> list[str]:
    complete(page)
    row = page.locator("#runs-table tbody tr").filter(has=page.get_by_role("link", name=name, exact=True))
    return [text.strip() for text in row.locator("td.accuracy").all_inner_texts()]


def names(page: Page) -> Locator:
    return page.locator("#runs-table tbody th a")


def test_the_table_tells_knobs_and_accuracies(own_site: Site, visit: Open, three: list[Run]) -> None:
    visitor = visit(own_site, charts=False)
    page = visitor.open(path="/compare-runs")
    expect(names(page)).to_have_text(["bare", "fast", "slow"])  # newest first
    expect(page.locator("#runs-count")).to_have_text("3 runs")
    heads = page.locator("#runs-table thead button")
    knobs = ["learning rate", "averages", "seed"]
    expect(heads).to_have_text(["Run", "Steps", *knobs, "mean over the run", *["raw", "averaged"] * 3])
    assert cells(page, "slow") == [
        "90.00\u00a0%\n82.56–94.48", "92.00\u00a0%\n85.00–95.89",
        "best 95.00\u00a0%\n88.82–97.85\nat 200", "92.00\u00a0%\n85.00–95.89\nat 300",
        "best 93.00\u00a0%\n86.25–96.57", "90.00\u00a0%\n82.56–94.48",
    ]  # fmt: skip
    assert cells(page, "fast")[1::2] == [
        "best 97.00\u00a0%\n91.55–98.97\ndecay 0.999",
        "best 97.00\u00a0%\n91.55–98.97\nat 300\ndecay 0.999",
        "best 95.00\u00a0%\n88.82–97.85\ndecay 0.999",
    ]
    expect(page.locator("#table-rule")).to_contain_text("the one that is best on validation")
    assert cells(page, "bare")[1::2] == ["–", "–", "–"]
    page.get_by_role("radio", name="All", exact=True).check()
    expect(page.get_by_role("button", name="batch size")).to_be_visible()
    visitor.expects_loss = True  # there are no checkpoints behind these scores
    page.get_by_role("link", name="fast", exact=True).first.click()
    expect(page.locator("#run-picker")).to_have_value(three[1].id)
    expect(page.get_by_label("0.999", exact=True)).to_be_checked()  # the same average as in the table


def test_columns_sort_the_rows(own_site: Site, visit: Open, three: list[Run]) -> None:
    page = visit(own_site, charts=False).open(path="/compare-runs")
    expect(names(page)).to_have_count(3)
    best = page.locator("[data-key=best-ema]")
    column = page.locator("th", has=best)
    best.click()
    expect(names(page)).to_have_text(["fast", "slow", "bare"])
    expect(column).to_have_attribute("aria-sort", "descending")
    expect(best).to_be_focused()
    best.press("Enter")
    expect(names(page)).to_have_text(["slow", "fast", "bare"])  # without a value: last either way
    expect(column).to_have_attribute("aria-sort", "ascending")
    page.reload()
    expect(names(page)).to_have_text(["slow", "fast", "bare"])
    page.get_by_role("button", name="Run", exact=True).click()
    expect(names(page)).to_have_text(["bare", "fast", "slow"])


def test_an_order_is_chosen_above_the_table(own_site: Site, visit: Open, three: list[Run]) -> None:
    page = visit(own_site, charts=False).open(path="/compare-runs?sort=best-ema")
    order = page.get_by_label("Sort by")
    expect(order.locator("option:checked")).to_have_text("Best, validation, averaged, turned round")
    expect(names(page)).to_have_text(["slow", "fast", "bare"])
    order.select_option("Best, validation, averaged")
    expect(names(page)).to_have_text(["fast", "slow", "bare"])
    order.select_option("Learning rate")
    expect(names(page)).to_have_text(["bare", "fast", "slow"])
    expect(page.locator("th", has=page.locator("[data-key='knob:learning_rate']"))).to_have_attribute(
        "aria-sort", "descending"
    )


def test_intervals_are_bars_on_one_scale(own_site: Site, visit: Open, three: list[Run]) -> None:
    lost = scored(own_site, "lost", (300, "", 10), averages=[])
    page = visit(own_site, charts=False).open(path="/compare-runs")

    def span(run: Run, place: int) -> tuple[float, float]:
        cell = page.locator(f"tr[data-run='{run.id}'] td.accuracy").nth(place)
        bar, outer = (cell.locator(part).bounding_box() for part in (".bar", ".whisker"))
        assert bar
        assert outer
        return ((bar["x"] - outer["x"]) / outer["width"], bar["width"] / outer["width"])

    expect(names(page)).to_have_count(4)
    complete(page)
    # The scale goes from the lowest interval's end to the highest one's, that of the lost run left out.
    low, high = wilson_interval(83, 100)[0], wilson_interval(97, 100)[1]
    wanted = wilson_interval(90, 100)
    left, width = span(three[0], 0)
    assert left == pytest.approx((wanted[0] - low) / (high - low), abs=0.02)
    assert width == pytest.approx((wanted[1] - wanted[0]) / (high - low), abs=0.02)
    expect(page.locator(f"tr[data-run='{lost.id}'] .whisker.beneath")).to_have_count(3)


def test_narrow_it_is_a_list_of_cards(own_site: Site, visit: Open, three: list[Run]) -> None:
    page = visit(own_site, charts=False, viewport={"width": 360, "height": 800}).open(path="/compare-runs")
    expect(names(page)).to_have_count(3)
    for cell in page.locator("#runs-table td.accuracy").all():
        box = cell.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    page.get_by_label("Sort by").select_option("Final, validation, averaged")
    expect(names(page)).to_have_text(["fast", "slow", "bare"])


def test_ticked_runs_are_laid_over_one_another(own_site: Site, visit: Open, three: list[Run]) -> None:
    page = visit(own_site).open(path="/compare-runs")
    ticked = page.locator("#ticked li")
    expect(ticked).to_have_count(3)
    expect(page.get_by_label("Averaged", exact=True)).to_be_checked()
    expect(ticked.first).to_contain_text("no average, so no curve")
    box = page.get_by_role("checkbox", name="Show the curves of bare")
    box.focus()
    page.keyboard.press("Space")
    expect(ticked).to_have_count(2)
    expect(box).to_be_focused()
    fast, slow = three[1], three[0]
    expect(page).to_have_url(f"{own_site.url}/compare-runs?runs={fast.id},{slow.id}")
    curves = page.locator("#overlay .scatterlayer .trace")
    expect(curves).to_have_count(4)  # of two runs both, of more the averaged alone
    summary = "At the end: A raw 93.00 %, A averaged 97.00 %, B raw 90.00 %, B averaged 92.00 %"
    expect(page.locator("#overlay")).to_have_attribute(
        "aria-label", f"Accuracy on the validation images by step. {summary}".replace(" %", "\u00a0%")
    )
    page.get_by_label("Averaged", exact=True).check()
    expect(curves).to_have_count(2)
    page.get_by_label("Test", exact=True).check()
    expect(page.get_by_role("heading", name="Test accuracy")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Test accuracy")).to_be_visible()
    expect(curves).to_have_count(2)
    page.get_by_role("button", name="Take fast off the chart").click()
    page.get_by_role("button", name="Take slow off the chart").click()
    expect(page.locator("#overlay-note")).to_contain_text("Tick runs in the table")


def test_raw_and_averaged_differ_by_more_than_colour(own_site: Site, visit: Open, three: list[Run]) -> None:
    page = visit(own_site).open(path=f"/compare-runs?runs={three[0].id}")
    lines = page.locator("#overlay .scatterlayer .js-line")
    expect(lines).to_have_count(2)
    averaged, raw = lines.evaluate_all(
        """(paths) => paths.map(getComputedStyle)
          .map(({ strokeDasharray, strokeWidth }) => [strokeDasharray, parseFloat(strokeWidth)])"""
    )
    assert (raw[0] != "none", averaged[0]) == (True, "none")
    assert averaged[1] > raw[1]


def test_a_run_is_brought_forward(own_site: Site, visit: Open, three: list[Run]) -> None:
    page = visit(own_site).open(path=f"/compare-runs?runs={three[0].id},{three[1].id}")
    lines = page.locator("#overlay .scatterlayer .js-line")
    faint = page.locator('#overlay .scatterlayer .js-line[style*="stroke-opacity: 0.16"]')
    expect(lines).to_have_count(4)
    expect(faint).to_have_count(0)
    page.locator("#ticked a").first.focus()
    expect(faint).to_have_count(2)
    page.get_by_label("Filter the runs").focus()
    expect(faint).to_have_count(0)


def test_pointing_brings_the_nearest_run_forward_and_tells_of_the_step(
    own_site: Site, visit: Open, three: list[Run]
) -> None:
    page = visit(own_site).open(path=f"/compare-runs?runs={three[0].id},{three[1].id}")
    faint = page.locator('#overlay .scatterlayer .js-line[style*="stroke-opacity: 0.16"]')
    slow, fast = page.locator("#ticked .ends").nth(0), page.locator("#ticked .ends").nth(1)
    expect(slow).to_have_text("raw 90.00\u00a0%averaged 92.00\u00a0%at 300")
    lines = page.locator("#overlay .scatterlayer .js-line")
    expect(lines).to_have_count(4)
    box = page.locator("#overlay").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.5)
    expect(faint).to_have_count(2)
    expect(slow).to_have_text("raw 95.00\u00a0%averaged 92.00\u00a0%at 200")
    expect(page.locator("#overlay-step")).to_be_visible()
    page.mouse.move(0, 0)
    expect(faint).to_have_count(0)
    expect(slow).to_contain_text("at 300")
    page.locator("#overlay-frame").focus()
    page.keyboard.press("Home")
    expect(fast).to_contain_text("raw 88.00")
    expect(fast).to_contain_text("at 100")
    page.keyboard.press("Escape")
    expect(fast).to_contain_text("at 300")


def test_a_filter_finds_runs_among_very_many(own_site: Site, visit: Open) -> None:
    for i in range(205):
        own_site.store.create_run(parse_config({"seed": i}), f"trial {i}")
    page = visit(own_site, charts=False).open(path="/compare-runs")
    expect(names(page)).to_have_count(200)
    expect(page.locator("#table-note")).to_have_text("The first 200 of 205 runs; filter to find others.")
    page.get_by_label("Filter the runs").fill("TRIAL 20 queued")
    expect(names(page)).to_have_count(7)  # 20, 120 and 200 to 204
    expect(page.locator("#table-note")).to_have_text("7 of 205 runs.")
    page.reload()
    expect(names(page)).to_have_count(7)
    page.get_by_label("Filter the runs").fill("no such")
    expect(page.locator("#table-note")).to_have_text("No run is like that.")


def test_it_follows_what_happens(own_site: Site, visit: Open) -> None:
    page = visit(own_site, charts=False).open(path="/compare-runs")
    expect(page.get_by_role("heading", name="No run yet")).to_be_visible()
    run = own_site.begin("begun elsewhere")
    state = page.locator("#runs-table tbody small").first
    expect(state).to_have_text(f"training · {run.id}")
    own_site.advance(run, 100)
    expect(page.locator("#runs-table td.accuracy").first).to_contain_text("%", timeout=20_000)
    own_site.end(run, "finished", "")
    expect(state).to_have_text(f"finished · {run.id}")
    own_site.store.delete_run(run.id)
    expect(page.get_by_role("heading", name="No run yet")).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 1440, 2560])
def test_nothing_is_wider_than_the_window(own_site: Site, visit: Open, three: list[Run], width: int) -> None:
    page = visit(own_site, viewport={"width": width, "height": 800}).open(
        path="/compare-runs?knobs=all&weights=both"
    )
    expect(page.locator("#overlay .scatterlayer .trace")).to_have_count(5)
    for summary in page.get_by_text("What am I looking at?").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def evaluated(site: Site, mnist: Dataset, name: str, gained: int, **knobs: Any) -> Run:
    """A run at two of whose checkpoints averaging reads `gained` images right that raw weights do not."""
    run = site.store.create_run(parse_config({"steps": 300, **knobs}), name, WORKER)
    labels = mnist.validation.labels
    for step in (100, 200):
        raw, averaged = ((labels + 1) % 10).astype(labels.dtype), labels.copy()
        raw[abs(gained) :] = labels[abs(gained) :]
        sides = (raw, averaged) if gained >= 0 else (averaged, raw)
        for average, read in zip(("", FIRST), sides, strict=True):
            right = int((read == labels).sum())
            score = Score(step, average, "validation", len(labels), right, 0.5, 0.1, time.time())
            site.store.add_evaluation(run.id, score, read.tobytes(), bytes(4 * len(labels)))
    site.store.add_progress(run.id, WORKER, 300, 500.0, [])
    site.store.release(run.id, WORKER, "finished", "")
    return run


def test_what_averaging_gains_each_run(own_site: Site, visit: Open, mnist: Dataset, three: list[Run]) -> None:
    """Against a normal interval of the mean, computed here."""
    for name, gained in (("worse", -40), ("much", 50), ("same", 0)):
        evaluated(own_site, mnist, name, gained)
    page = visit(own_site, charts=False).open(path="/compare-runs?sort=-gain")

    def gain(name: str) -> Locator:
        row = page.locator("#runs-table tbody tr").filter(has=page.get_by_role("link", name=name, exact=True))
        return row.locator("td.gain")

    n = len(mnist.validation.labels)
    share = 50 / n
    reach = 1.96 * math.sqrt(share * (1 - share) / (n - 1))
    text = f"+{100 * share:.2f}\u00a0pp+{100 * (share - reach):.2f} to +{100 * (share + reach):.2f}helps"
    expect(gain("much")).to_have_text(text)
    expect(gain("worse")).to_contain_text("hurts")
    expect(gain("same")).to_have_text("0.00\u00a0pp0.00 to 0.00could be chance")
    expect(gain("bare")).to_have_text("–")
    expect(names(page).nth(2)).to_have_text("worse")
    expect(names(page).first).to_have_text("much")


# Pure functions


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([0, 50, 90], [0, 50, 90]),
        ([10, 12, 13], [10, 26, 42]),
        ([80, 95, 99], [68, 84, 100]),
        ([0, 99, 100], [0, 84, 100]),
        ([], []),
    ],
)
def test_labels_are_moved_apart(blank: Page, wanted: list[int], found: list[int]) -> None:
    assert call(blank, "compare_runs/place", "module.spread(argument, 16, 100)", wanted) == found


@pytest.mark.parametrize(
    ("x", "y", "found"),
    [
        (60, 520, {"step": 50, "run": "a"}),  # between two points of it, near their line
        (60, 1005, {"step": 50, "run": "b"}),
        (85, 20, {"step": 75, "run": None}),  # a ends before it, and b is far
        (5, 60, None),
        (60, 1015, None),
    ],
)
def test_what_is_pointed_at(blank: Page, x: int, y: int, found: Any) -> None:
    frame = {"left": 10, "top": 10, "width": 100, "height": 1000, "last": 100, "range": [0, 100]}
    curves = [
        {"run": {"id": "a"}, "points": [{"step": 0, "accuracy": 0.0}, {"step": 60, "accuracy": 0.6}]},
        {"run": {"id": "b"}, "points": [{"step": 0, "accuracy": 0.0}, {"step": 100, "accuracy": 0.0}]},
    ]
    code = "module.pointedAt(argument.curves, argument.frame, argument)"
    assert (
        call(blank, "compare_runs/place", code, {"curves": curves, "frame": frame, "x": x, "y": y}) == found
    )


@pytest.mark.parametrize(
    "address",
    [
        "?",
        "?runs=",
        "?runs=abc,def",
        "?sort=step",
        "?sort=-knob:learning_rate",
        "?split=test",
        "?runs=abc,def,ghi&weights=both",
        "?filter=a+b&knobs=all",
    ],
)
def test_the_address_holds_what_is_looked_at(blank: Page, address: str) -> None:
    code = "module.toAddress(module.fromAddress(argument))"
    assert call(blank, "compare_runs/selection", code, address) == address


def test_what_is_wrong_in_an_address_is_as_by_default(blank: Page) -> None:
    found = call(
        blank, "compare_runs/selection", "module.fromAddress(argument)", "?sort=<b>&split=x&weights="
    )
    assert (found["sort"], found["split"], found["weights"], found["ticked"]) == (
        "-created",
        "validation",
        None,
        None,
    )
