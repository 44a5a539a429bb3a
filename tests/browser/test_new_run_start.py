"""A new run that starts from another's checkpoint: in the form, and on its page."""

import shutil
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from shadowboard.configuration import parse_config
from tests.browser.modules import call
from tests.browser.sites import EVERY, Site
from tests.browser.test_new_run import form, queue
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser
EMA = "ExponentialMovingAverage"


def test_the_first_layer_of_a_deeper_network(own_site: Site, visit: Open) -> None:
    source = own_site.begin("the first")
    own_site.advance(source, 0, EVERY)
    own_site.end(source, "finished", "")
    empty = own_site.begin("without any checkpoint")
    visitor = visit(own_site)
    page = visitor.open(source)
    expect(page.locator("#state")).to_contain_text("Finished")
    dialog = form(page)
    runs, report = dialog.get_by_label("Another run"), dialog.locator("#start-report")
    expect(runs.locator("option")).to_have_text(["Nothing: all by the seed", f"the first · {source.id}"])
    assert empty.id not in runs.inner_text()
    expect(dialog.get_by_label("Weights", exact=True)).to_be_hidden()
    runs.select_option(source.id)
    expect(report).to_contain_text("4 of 4 variables start with raw weights.")
    expect(dialog.get_by_label("Step", exact=True).locator("option")).to_have_text(
        [f"Latest ({EVERY})", "Best on validation", str(EVERY), "0"]
    )
    dialog.get_by_label("Step", exact=True).select_option("0")
    dialog.get_by_label("Weights", exact=True).select_option("Averaged 0.99")
    expect(report).to_contain_text(f"averaged weights ({EMA})")

    visitor.expects_loss = True  # browsers note every 422
    dialog.get_by_label("Hidden layers").fill("500, 30")
    expect(report.locator(".problem")).to_contain_text(
        "layer2/weights is [500, 30] in this run and [500, 10] in"
    )
    queue(dialog)
    expect(runs).to_be_focused()
    refusal = dialog.locator("#problem-start_from")
    expect(refusal).to_be_visible()
    expect(refusal).to_contain_text("layer2/weights is [500, 30] in this run and [500, 10] in")
    expect(report).to_be_empty()
    dialog.get_by_label("Steps", exact=True).fill("0")
    queue(dialog)
    expect(dialog.locator("#problem-steps")).to_be_visible()
    dialog.get_by_label("Steps", exact=True).fill("1000")
    dialog.get_by_label("Where shapes differ, initialise afresh").check()
    expect(report).to_contain_text("2 of 6 variables start with averaged weights")
    expect(refusal).to_be_hidden()
    expect(runs).not_to_have_attribute("aria-invalid", "true")
    mappings = dialog.get_by_label("Other names, multiples")
    mappings.fill("layer1/biases=layer1/biases*0.2\n\nlayer3/biases=layer2/biases")
    expect(report.locator("li", has_text=f"layer1/biases/{EMA}")).to_contain_text("× 0.2")
    expect(report.locator(".start-kind")).to_have_text(["Taken", "Afresh", "Left over"])
    queue(dialog)
    expect(dialog).to_be_hidden()
    run = own_site.store.runs()[0]
    start = {
        "run": source.id, "step": 0, "average": EMA, "partial": True,
        "map": ["layer1/biases=layer1/biases*0.2", "layer3/biases=layer2/biases"],
    }  # fmt: skip
    assert run.config == parse_config({"hidden": [500, 30], "steps": 1000, "start_from": start})


def test_what_a_run_has_started_from(own_site: Site, visit: Open) -> None:
    source = own_site.begin("the first")
    own_site.advance(source, 0)
    start = {"run": source.id, "step": 0, "average": EMA, "map": ["layer1/biases=layer1/biases*0.2"]}
    run = own_site.begin("the second", start_from=start)
    page = visit(own_site).open(run)
    line = page.locator("#start")
    expect(line).to_contain_text("Started with the averaged weights (decay 0.99) of step 0 of “the first”")
    line.locator("summary").click()
    expect(page.locator("#start-told")).to_contain_text("4 of 4 variables start with averaged weights")

    dialog = form(page)
    same = dialog.get_by_role("button", name="As this run")
    runs, report = dialog.get_by_label("Another run"), dialog.locator("#start-report")
    same.click()
    expect(runs).to_have_value(source.id)
    expect(dialog.get_by_label("Other names, multiples")).to_have_value("layer1/biases=layer1/biases*0.2")
    expect(same).to_have_attribute("aria-pressed", "true")
    expect(report).to_contain_text("4 of 4 variables")
    dialog.get_by_role("button", name="Reference recipe").click()
    expect(runs).to_have_value("")
    expect(report).to_be_empty()
    page.keyboard.press("Escape")

    line.get_by_role("link", name="Look at “the first”").click()
    expect(page.locator("#run-picker")).to_have_value(source.id)
    expect(line).to_be_hidden()


def test_a_source_that_is_gone(own_site: Site, visit: Open) -> None:
    source = own_site.begin("the first")
    own_site.advance(source, 0)
    run = own_site.begin("the second", start_from={"run": source.id, "step": 0})
    shutil.rmtree(own_site.settings.run_folder(source.id))
    page = visit(own_site).open(run)
    page.locator("#start-summary").click()
    expect(page.locator("#start-told")).to_contain_text(
        "What was taken cannot be told any more: There is no checkpoint of step 0; the newest steps are: "
        "none."
    )


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (None, "the seed"),
        ({"run": "k7m2xd", "folder": "", "step": 3000, "average": EMA}, "k7m2xd, step 3,000, averaged"),
        ({"run": "", "folder": "/a/theirs/", "step": 0, "average": ""}, "theirs, step 0"),
    ],
    ids=["none", "run", "folder"],
)
def test_the_table_of_runs_tells_it(blank: Page, start: dict[str, Any] | None, text: str) -> None:
    assert call(blank, "compare_runs/rows", "module.knobText('start_from', argument)", start) == text
