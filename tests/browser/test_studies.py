"""The page of studies: its list, its form, and everything about one study."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from shadowboard.records import Score
from shadowboard.studies import Study
from shadowboard.variants import NAMES, PARTS, parse_plan
from tests.browser.conftest import WORKER, Open, Site, call
from tests.browser.test_accessibility import SMALL_TARGETS, check

pytestmark = pytest.mark.browser

STEPS = 300
# Images of 10,000 that leaving a part out costs, by seed.
COSTS = {
    "full": (0, 0, 0),
    "without_averaging": (1, 2, -1),
    "without_learning_rate_decay": (3, 2, 4),
    "without_regularization": (20, 24, 21),
    "without_hidden_layer": (600, 610, 605),
    "without_activation": (590, 600, 607),
}


def begin(site: Site) -> Study:
    return site.store.studies.create(parse_plan({"steps": STEPS, "save_every": 100}, 3), "what is it worth")


def finish(site: Site, study: Study, seeds: tuple[int, ...] = (0, 1, 2), diverged: str = "") -> None:
    """Play the worker and the evaluator of these seeds."""
    for variant, run in site.store.studies.members(study.id):
        seed = run.recipe.seed
        if seed not in seeds:
            continue
        assert site.store.take_over(run, WORKER)
        for step in range(0, STEPS + 1, 100):
            site.store.add_checkpoint(run.id, WORKER, step, 1)
            for average in ("", *(a.name for a in run.config.averages)):
                wrong = (
                    160
                    + COSTS[variant][seed]
                    + (0 if average or variant == "without_averaging" else 8)
                    + 5 * (STEPS - step)
                )
                for split, n in (("validation", 5_000), ("test", 10_000)):
                    correct = n - wrong * n // 10_000
                    score = Score(step, average, split, n, correct, 0.5, 0.1, time.time())
                    site.store.add_evaluation(run.id, score, b"", b"")
        site.store.add_progress(run.id, WORKER, STEPS, 500.0, [])
        end = variant == diverged and seed == 1
        site.store.release(run.id, WORKER, "diverged" if end else "finished", "")


def open_study(site: Site, visit: Open, study: Study, more: str = "", **options: object) -> Page:
    return visit(site, **options).open(path=f"/study?study={study.id}{more}")


def test_the_first_study_is_queued_by_the_form(own_site: Site, visit: Open) -> None:
    visitor = visit(own_site, charts=False)
    visitor.expects_loss = True  # of a refusal a browser always complains
    page = visitor.open(path="/study")
    expect(page.get_by_role("heading", name="No study yet")).to_be_visible()
    check(page, "no study")
    page.get_by_role("button", name="New study").click()
    dialog = page.get_by_role("dialog", name="New study")
    expect(dialog.locator("#study-size")).to_have_text("30 runs of 30,000 steps: 900,000 in all.")
    dialog.get_by_role("button", name="Quick look").click()
    dialog.get_by_label("Seeds").fill("1")
    dialog.get_by_role("button", name="Queue the study").click()
    expect(dialog.locator("#study-problem-seeds")).to_have_text("seeds is 1; expected at least 2.")
    expect(dialog.get_by_label("Seeds")).to_be_focused()
    check(page, "a refusal")
    dialog.get_by_label("Seeds").fill("2")
    dialog.get_by_label("Name").fill("a look")
    for part in PARTS[1:]:
        dialog.get_by_label(NAMES[part]).uncheck()
    dialog.get_by_label("Learning rate").fill("0.5")
    dialog.get_by_role("button", name="Queue the study").click()
    expect(page.get_by_role("heading", name="a look")).to_be_visible()
    (study,) = own_site.store.studies.all()
    knobs = {"steps": 3_000, "save_every": 500, "learning_rate": 0.5}
    assert study.plan == parse_plan(knobs, 2, ["without_averaging"])
    expect(page).to_have_url(f"{own_site.url}/study?study={study.id}")
    expect(page.locator("#state")).to_contain_text(
        "Queued 0 of 4 runs · waiting until a worker is free; where none runs, start one with"
    )
    page.get_by_role("link", name="All studies").click()
    expect(page.locator("#studies a")).to_have_text(["a look"])
    check(page, "the list")


def test_a_study_grows_while_it_is_looked_at(own_site: Site, visit: Open) -> None:
    study = begin(own_site)
    page = open_study(own_site, visit, study)
    expect(page.locator("#no-conclusions")).to_be_visible()
    expect(page.locator("#overlay-note")).to_have_text("No checkpoint is evaluated yet.")
    expect(page.locator("#grid tbody td").first).to_have_text("queued")
    check(page, "nothing yet")
    finish(own_site, study, (0,))
    expect(page.locator("#state")).to_contain_text("6 of 18 runs")
    expect(page.locator("#variants tbody tr").nth(1)).to_contain_text("one seed")
    finish(own_site, study, (1, 2), diverged="without_activation")
    expect(page.locator("#state")).to_contain_text("Finished 18 runs · 1 diverged")
    row = page.locator("#variants tbody tr").filter(has_text="Without regularisation")
    expect(row).to_contain_text("−0.22\u00a0pp")
    expect(row).to_contain_text("worse")
    expect(page.locator("#variants tbody tr").filter(has_text="Without averaging")).to_contain_text(
        "could be chance"
    )
    expect(page.locator("#variants tbody tr").last).to_contain_text("2 of 3")
    expect(page.locator("#variants tbody tr").last).to_contain_text("1 diverged")
    expect(page.locator(".verdict-mark")).to_have_text(["Holds", "Holds", "Holds", "Cannot be told"])
    expect(page.locator("#choices tbody tr th")).to_have_text(
        ["Last raw", "Best raw, by validation", "Last averaged", "Best averaged, by validation"]
    )
    expect(page.locator("#overlay .main-svg").first).to_be_visible()
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    check(page, "finished")
    page.locator("#choices-of").select_option("Without averaging")
    expect(page.locator("#choices tbody tr")).to_have_count(2)
    page.reload()
    expect(page.locator("#choices tbody tr")).to_have_count(2)  # the address has it


@pytest.fixture
def finished(site: Site) -> Iterator[Study]:
    study = begin(site)
    finish(site, study)
    yield study
    site.store.studies.delete(study.id)


def test_the_curves_of_a_study_are_pointed_at(site: Site, finished: Study, visit: Open) -> None:
    page = open_study(site, visit, finished, "&view=everything")
    chart, entries = page.locator("#overlay-frame"), page.locator("#curve-list li")
    expect(entries).to_have_count(6)
    expect(page.locator("#overlay .main-svg").first).to_be_visible()
    expect(entries.first).to_contain_text("98.40")
    chart.focus()
    chart.press("Home")
    expect(entries.first).to_contain_text("83.40\u00a0%83.40–83.40, 3 seeds, at 0")
    page.get_by_role("radio", name="Raw", exact=True).check()
    chart.press("End")
    expect(entries.first).to_contain_text("98.32")
    page.get_by_role("radio", name="Validation", exact=True).check()
    expect(page.locator("#overlay-title")).to_have_text("Validation accuracy")
    expect(page).to_have_url(
        f"{site.url}/study?study={finished.id}&split=validation&weights=raw&view=everything"
    )


def test_a_variant_of_which_all_runs_diverged_has_no_accuracy_beside_its_curve(
    own_site: Site, visit: Open
) -> None:
    study = own_site.store.studies.create(parse_plan({"steps": STEPS}, 2, ["without_activation"]))
    for variant, run in own_site.store.studies.members(study.id):
        assert own_site.store.take_over(run, WORKER)
        own_site.store.add_checkpoint(run.id, WORKER, 0, 1)
        for average in ("", *(a.name for a in run.config.averages)):
            for split, n in (("validation", 5_000), ("test", 10_000)):
                score = Score(0, average, split, n, n // 10, 2.3, 0.1, time.time())
                own_site.store.add_evaluation(run.id, score, b"", b"")
        state = "finished" if variant == "full" else "diverged"
        own_site.store.release(run.id, WORKER, state, "")
    page = open_study(own_site, visit, study)
    entries = page.locator("#curve-list li .ends")
    expect(entries).to_have_text(["10.00\u00a0%10.00–10.00, 2 seeds, at 0", "diverged"])
    expect(page.locator("#overlay")).to_have_attribute(
        "aria-label", re.compile("without an activation diverged$")
    )
    headings = page.locator("#variants thead th")
    expect(headings.last).to_have_text("Against the full recipe, test · p (Holm)")


def test_a_study_is_stopped_resumed_and_deleted(own_site: Site, visit: Open) -> None:
    study = begin(own_site)
    finish(own_site, study, (0,))
    page = open_study(own_site, visit, study, charts=False)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Stop the study").click()
    expect(page.locator("#state")).to_contain_text("Stopped 6 of 18 runs · 12 stopped")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#state")).to_contain_text("Queued 6 of 18 runs")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#confirm-text")).to_contain_text("its 18 runs")
    page.get_by_role("button", name="Delete the study").click()
    expect(page.get_by_role("heading", name="No study yet")).to_be_visible()
    assert own_site.store.runs() == []


def test_a_study_on_a_phone(site: Site, finished: Study, visit: Open) -> None:
    phone = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
    page = open_study(site, visit, finished, charts=False, **phone)
    expect(page.locator("#variants tbody tr")).to_have_count(6)
    assert page.evaluate(SMALL_TARGETS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_study_that_is_not_there(site: Site, visit: Open) -> None:
    visitor = visit(site, charts=False)
    visitor.expects_loss = True  # the browser tells of the 404
    page = visitor.open(path="/study?study=nope")
    expect(page.get_by_role("heading", name="No such study")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="All studies").click()
    expect(page.get_by_role("heading", name="Studies")).to_be_visible()


def test_the_numbers_of_the_tables(blank: Page) -> None:
    p_values = [None, 0.0004, 0.0496, 0.2578, 1]
    assert call(blank, "studies/numbers", "argument.map(module.pText)", p_values) == [
        "", "p < 0.001", "p = 0.049", "p = 0.26", "p = 1",
    ]  # fmt: skip
    assert call(blank, "studies/numbers", "argument.map(module.steps)", [[300, 300], [3000, 100, 200]]) == [
        "300", "100–3,000",
    ]  # fmt: skip
    rows = [{"difference": None}] + [
        {"difference": {"mean": m, "interval": i}}
        for m, i in ((0.001, [-0.001, 0.003]), (-0.06, [-0.07, -0.05]), (0.0, None))
    ]
    assert call(blank, "studies/numbers", "module.differenceScale(argument)", rows) == [-0.001, 0.003]
    assert call(blank, "studies/numbers", "module.differenceScale(argument)", [rows[2]]) == [-0.07, 0]
    tests = [{"test": {"mean": m, "lowest": m - 0.001, "highest": m + 0.001}} for m in (0.98, 0.97, 0.92)]
    assert call(blank, "studies/numbers", "module.accuracyScale(argument)", tests) == pytest.approx(
        [0.969, 0.981]
    )
