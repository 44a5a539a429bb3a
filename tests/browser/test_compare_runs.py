"""The table of the page that compares runs."""

import math
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from shadowboard.configuration import parse_config
from shadowboard.dataset import Dataset
from shadowboard.intervals import wilson_interval
from shadowboard.records import Run, Score
from shadowboard.schema import runs
from shadowboard.variants import parse_plan
from tests.browser.sites import FIRST, WORKER, Compared, Site, scored
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser


def complete(page: Page) -> None:
    """Until the gains are there, rows are written anew."""
    expect(page.locator("#runs-table td.gain").filter(has_text="…")).to_have_count(0)


def cells(page: Page, name: str) -> list[str]:
    complete(page)
    row = page.locator("#runs-table tbody tr").filter(has=page.get_by_role("link", name=name, exact=True))
    return [text.strip() for text in row.locator("td.accuracy").all_inner_texts()]


def names(page: Page) -> Locator:
    return page.locator("#runs-table tbody th a")


def test_the_table_tells_knobs_and_accuracies(compared: Compared, visit: Open) -> None:
    visitor = visit(compared.site)
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
    expect(page.locator("#run-picker")).to_have_value(compared.fast.id)
    expect(page.get_by_label("0.999", exact=True)).to_be_checked()  # the same average as in the table


def test_columns_sort_the_rows(compared: Compared, visit: Open) -> None:
    page = visit(compared.site).open(path="/compare-runs")
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


def test_an_order_is_chosen_above_the_table(compared: Compared, visit: Open) -> None:
    page = visit(compared.site).open(path="/compare-runs?sort=best-ema")
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


def test_intervals_are_bars_on_one_scale(own_site: Site, visit: Open) -> None:
    slow = (100, "", 80), (200, "", 95), (300, "", 90), (300, FIRST, 92)
    shown = scored(own_site, "slow", *slow)
    scored(own_site, "fast", (300, "", 93), (300, FIRST, 97))
    scored(own_site, "bare", (300, "", 85), averages=[])
    lost = scored(own_site, "lost", (300, "", 10), averages=[])
    page = visit(own_site).open(path="/compare-runs")

    def span(run: Run, place: int) -> tuple[float, float]:
        cells = f"tr[data-run='{run.id}'] td.accuracy"
        expect(page.locator(cells).nth(place).locator(".bar")).to_be_visible()
        # All at one moment: the table may be written anew between two questions.
        (left, width), (outer, whole) = page.evaluate(
            """([cells, place]) => [".bar", ".whisker"].map((part) => {
              const cell = document.querySelectorAll(cells)[place];
              const { x, width } = cell.querySelector(part).getBoundingClientRect();
              return [x, width];
            })""",
            [cells, place],
        )
        return (left - outer) / whole, width / whole

    expect(names(page)).to_have_count(4)
    complete(page)
    # The scale goes from the lowest interval's end to the highest one's, that of the lost run left out.
    low, high = wilson_interval(83, 100)[0], wilson_interval(97, 100)[1]
    wanted = wilson_interval(90, 100)
    left, width = span(shown, 0)
    assert left == pytest.approx((wanted[0] - low) / (high - low), abs=0.02)
    assert width == pytest.approx((wanted[1] - wanted[0]) / (high - low), abs=0.02)
    expect(page.locator(f"tr[data-run='{lost.id}'] .whisker.beneath")).to_have_count(3)


def test_narrow_it_is_a_list_of_cards(compared: Compared, visit: Open) -> None:
    page = visit(compared.site, viewport={"width": 360, "height": 800}).open(path="/compare-runs")
    expect(names(page)).to_have_count(3)
    # All at one moment: until the gains are there, rows are written anew.
    cells = page.locator("#runs-table td.accuracy").evaluate_all(
        """(cells) => cells.map((cell) => cell.getBoundingClientRect())
          .map(({ left, right, width, height }) => ({ left, right, area: width * height }))"""
    )
    assert len(cells) == 3 * 6
    for box in cells:
        assert box["area"] > 0
        assert box["left"] >= 0
        assert box["right"] <= 360
    page.get_by_label("Sort by").select_option("Final, validation, averaged")
    expect(names(page)).to_have_text(["fast", "slow", "bare"])


def test_a_filter_finds_runs_among_very_many(own_site: Site, visit: Open) -> None:
    for i in range(205):
        own_site.store.create_run(parse_config({"seed": i}), f"trial {i}")
    page = visit(own_site).open(path="/compare-runs")
    expect(names(page)).to_have_count(200)
    expect(page.locator("#table-note")).to_have_text("The first 200 of 205 runs; filter to find others.")
    page.get_by_label("Filter the runs").fill("TRIAL 20 queued")
    expect(names(page)).to_have_count(7)  # 20, 120 and 200 to 204
    expect(page.locator("#table-note")).to_have_text("7 of 205 runs.")
    page.reload()
    expect(names(page)).to_have_count(7)
    page.get_by_label("Filter the runs").fill("no such")
    expect(page.locator("#table-note")).to_have_text("No run is like that.")
    with own_site.store._database.begin() as connection:
        connection.execute(update(runs).where(runs.c.name == "trial 7").values(config="none"))
    page.reload()
    without = "1 of them not shown, as this version cannot read their configuration"
    expect(page.locator("#runs-count")).to_have_text(f"205 runs; {without}")


def test_it_follows_what_happens(own_site: Site, visit: Open) -> None:
    visitor = visit(own_site)
    page = visitor.open(path="/compare-runs")
    expect(page.get_by_role("heading", name="No run yet")).to_be_visible()
    run = own_site.begin("begun elsewhere")
    state = page.locator("#runs-table tbody small").first
    with own_site.heart(run):
        expect(state).to_have_text(f"training · {run.id}")
    own_site.advance(run, 100)
    expect(page.locator("#runs-table td.accuracy").first).to_contain_text("%", timeout=20_000)
    own_site.end(run, "finished", "")
    expect(state).to_have_text(f"finished · {run.id}")
    visitor.expects_loss = True  # the page may be asking for what averaging gained this run
    own_site.store.delete_run(run.id)
    expect(page.get_by_role("heading", name="No run yet")).to_be_visible()


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


def test_what_averaging_gains_each_run(own_site: Site, visit: Open, mnist: Dataset) -> None:
    """Against a normal interval of the mean, computed here."""
    scored(own_site, "bare", (300, "", 85), averages=[])
    for name, gained in (("worse", -40), ("much", 50), ("same", 0)):
        evaluated(own_site, mnist, name, gained)
    page = visit(own_site).open(path="/compare-runs?sort=-gain")

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


def test_the_runs_of_a_study_are_folded_into_one_row(own_site: Site, visit: Open) -> None:
    """On this page and in the pickers of others; none ticks or shows one of them by itself."""
    own = scored(own_site, "my own", (300, "", 90), (300, FIRST, 92))
    plan = parse_plan({"steps": 300}, 2, ["without_averaging"])
    study = own_site.store.studies.create(plan, "what is it worth")
    members = [run for _, run in own_site.store.studies.members(study.id)]
    for run in members:
        own_site.store.add_evaluation(
            run.id, Score(300, "", "validation", 100, 95, 0.5, 0.1, time.time()), b"", b""
        )
    visitor = visit(own_site)
    page = visitor.open(path="/compare-runs")
    head = page.get_by_role("button", name="Study: what is it worth")
    expect(names(page)).to_have_text(["What it has found", "my own"])
    expect(head.locator("..")).to_contain_text("4 runs · 4 queued")
    expect(page.locator("#ticked li")).to_have_count(1)
    head.press("Enter")
    expect(page.locator("tr[data-run]")).to_have_count(5)
    expect(head).to_be_focused()
    page.get_by_role("checkbox", name=f"Show the curves of {members[0].name}").check()
    expect(page.locator("#ticked li")).to_have_count(2)
    page.reload()  # the address has it
    expect(head).to_have_attribute("aria-expanded", "true")
    head.click()
    expect(page.locator("tr[data-run]")).to_have_count(1)
    expect(head.locator("..")).to_contain_text("1 ticked")
    page.get_by_label("Filter the runs").fill("without")
    expect(page.locator("tr[data-run]")).to_have_count(2)  # who looks for a run is to see it

    visitor.expects_loss = True  # there are no checkpoints behind these scores
    page.goto(f"{own_site.url}/inspect")
    picker = page.locator("#run-picker")
    expect(picker).to_have_value(own.id)
    expect(picker.locator("option")).to_have_text([f"{run.name} · {run.id}" for run in [own, *members[::-1]]])
    expect(picker.locator("optgroup[label='Study: what is it worth'] option")).to_have_count(4)
    page.goto(own_site.url)
    expect(picker).to_have_value(own.id)  # although the study's runs are newer
    expect(page.locator("#newer-run")).to_be_hidden()
    options = picker.locator("option:not([hidden])")
    expect(options).to_have_text([f"my own · finished · {own.id}", "Study: what is it worth…"])
    picker.select_option(label="Study: what is it worth…")
    expect(page.get_by_role("heading", name="what is it worth")).to_be_visible()
    page.locator("#grid tbody a").first.click()
    expect(picker.locator("optgroup option")).to_have_count(4)
    expect(page.locator("#newer-run")).to_be_hidden()
