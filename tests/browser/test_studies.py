"""The page of studies: its list, its form, and everything about one study."""

import math
import re
import time
from collections.abc import Iterator
from itertools import combinations

import pytest
from playwright.sync_api import Page, expect

from shadowboard.records import Score
from shadowboard.studies import Study
from shadowboard.variants import NAMES, PARTS, parse_plan
from tests.browser.modules import call
from tests.browser.sites import WORKER, Site
from tests.browser.test_accessibility import CONTRAST, SMALL_TARGETS, THEMES, check
from tests.browser.visitors import Open

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
    visitor = visit(own_site)
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


def test_there_is_no_room_for_conclusions_that_nobody_draws(site: Site, visit: Open) -> None:
    """Of regularisation alone."""
    study = site.store.studies.create(parse_plan({"steps": 300}, 2, ["without_regularization"]), "one part")
    page = open_study(site, visit, study)
    expect(page.locator("#grid tbody td").first).to_have_text("queued")
    expect(page.locator("#conclusions-panel")).to_be_hidden()


def test_a_study_grows_while_it_is_looked_at(own_site: Site, visit: Open) -> None:
    study = begin(own_site)
    page = open_study(own_site, visit, study)
    expect(page.locator("#no-conclusions")).to_be_visible()
    expect(page.locator("#overlay-note")).to_have_text(
        "The curves begin with the first evaluated checkpoint."
    )
    expect(page.locator("#overlay")).to_be_hidden()  # no axes that measure nothing
    expect(page.locator("#same-training")).to_contain_text("Averaging does not change the training")
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
    # Six colours, none of them raw's or averaged's, and each curve has its name at its end.
    lines = page.locator("#overlay .scatterlayer .js-line").evaluate_all(
        "(lines) => lines.map(getComputedStyle).filter(({ strokeWidth }) => parseFloat(strokeWidth))"
        ".map(({ stroke }) => stroke)"
    )
    taken = page.evaluate(
        "['raw', 'ema'].map((name) => getComputedStyle(document.querySelector(`.${name}-number`)).color)"
    )
    assert len({*lines, *taken}) == 8
    names = page.locator("#overlay .annotation-text").all_text_contents()
    assert sorted(names) == [
        f"{letter} {name}" for letter, name in zip("ABCDEF", NAMES.values(), strict=True)
    ]
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


def test_a_variant_of_which_all_runs_diverged_has_no_curve_and_says_so(own_site: Site, visit: Open) -> None:
    plan = parse_plan({"steps": STEPS}, 2, ["without_averaging", "without_activation"])
    study = own_site.store.studies.create(plan)
    for variant, run in own_site.store.studies.members(study.id):
        if variant == "without_averaging":
            continue
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
    expect(entries).to_have_text(["10.00\u00a0%10.00–10.00, 2 seeds, at 0", "not evaluated yet", "diverged"])
    expect(page.locator("#overlay")).to_have_attribute(
        "aria-label", re.compile("without an activation diverged$")
    )
    expect(page.locator("#overlay .annotation-text")).to_have_count(1)
    expect(page.locator("#variants")).to_contain_text("2 diverged")
    expect(page.locator("#conclusions")).to_contain_text("2 of 2 runs without an activation diverged.")
    headings = page.locator("#variants thead th")
    expect(headings.last).to_have_text("Against the full recipe, test · p (Holm)")


def test_a_study_is_stopped_resumed_and_deleted(own_site: Site, visit: Open) -> None:
    study = begin(own_site)
    finish(own_site, study, (0,))
    visitor = visit(own_site)
    page = visitor.open(path=f"/study?study={study.id}")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Stop the study").click()
    expect(page.locator("#state")).to_contain_text("Stopped 6 of 18 runs · 12 stopped")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#state")).to_contain_text("Queued 6 of 18 runs")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#confirm-text")).to_contain_text("its 18 runs")
    visitor.expects_loss = True  # what the page asks for at that moment may be gone before the answer
    page.get_by_role("button", name="Delete the study").click()
    expect(page.get_by_role("heading", name="No study yet")).to_be_visible()
    assert own_site.store.runs() == []


def test_a_study_on_a_phone(site: Site, finished: Study, visit: Open) -> None:
    phone = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
    page = open_study(site, visit, finished, **phone)
    expect(page.locator("#variants tbody tr")).to_have_count(6)
    expect(page.locator("#overlay .main-svg").first).to_be_visible()
    assert page.evaluate(SMALL_TARGETS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_study_that_is_not_there(site: Site, visit: Open) -> None:
    visitor = visit(site)
    visitor.expects_loss = True  # the browser tells of the 404
    page = visitor.open(path="/study?study=nope")
    expect(page.get_by_role("heading", name="No such study")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="All studies").click()
    expect(page.get_by_role("heading", name="Studies")).to_be_visible()


def oklab(pixel: list[int]) -> tuple[float, ...]:
    """A colour where distances are about as they are seen (Ottosson 2020)."""
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (p / 255 for p in pixel))
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def test_the_colours_of_variants(site: Site, visit: Open) -> None:
    """Letters have them, too, so 4.5 : 1; and each is far from the others, from raw's and from averaged's."""
    page = visit(site).open(path="/study")
    page.evaluate(CONTRAST)
    names = [*(f"variant-{letter}" for letter in "abcdef"), "raw", "ema"]
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        pixels, ratios = page.evaluate(
            """(names) => {
              const probe = document.body.appendChild(document.createElement("i"));
              const colour = (name) => (probe.style.color = `var(--${name})`, getComputedStyle(probe).color);
              const [ground, ...pixels] = ["surface", ...names].map((name) => pixelOf(colour(name)));
              return [pixels, pixels.map((pixel) => ratio(pixel, ground))];
            }""",
            names,
        )
        assert min(ratios) >= 4.5
        seen = dict(zip(names, map(oklab, pixels), strict=True))
        near = [pair for pair in combinations(seen, 2) if math.dist(*(seen[name] for name in pair)) < 0.1]
        assert near == [], theme


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
