"""What the page says in every state of a run, and how a run is chosen and stopped."""

import re

import pytest
from playwright.sync_api import expect

from shadowboard.configuration import RunConfig
from tests.browser.sites import Site
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser


def test_no_run_yet_and_the_first_one(own_site: Site, visit: Open) -> None:
    page = visit(own_site).open()
    expect(page.get_by_role("heading", name="No run yet")).to_be_visible()
    expect(page).to_have_title("Shadowboard")
    page.get_by_role("button", name="Queue the reference recipe").click()
    expect(page.locator("#state")).to_have_text("Queued waiting for a worker")
    run = own_site.store.newest_run()
    assert (run.state, run.config) == ("queued", RunConfig())
    expect(page).to_have_url(f"{own_site.url}/?run={run.id}")


def test_a_run_that_appears_is_shown(own_site: Site, visit: Open) -> None:
    page = visit(own_site).open()
    expect(page.get_by_role("heading", name="No run yet")).to_be_visible()
    run = own_site.begin("begun elsewhere")
    expect(page.locator("#run-picker")).to_have_value(run.id)
    expect(page.locator("#sentence")).to_contain_text("No checkpoint yet")


def test_queued_run_is_taken_off(site: Site, visit: Open) -> None:
    run = site.store.create_run(RunConfig(), "waiting")
    page = visit(site).open(run)
    page.get_by_role("button", name="Take off the queue").click()
    page.get_by_role("dialog").get_by_role("button", name="Take it off").click()
    expect(page.locator("#state")).to_have_text("Stopped at 0 of 30,000 steps")
    assert site.store.run(run.id).state == "stopped"


def test_queued_run_waits_for_the_worker_that_is_busy(own_site: Site, visit: Open) -> None:
    busy = own_site.begin("the busy one")
    own_site.advance(busy, 0)
    run = own_site.store.create_run(RunConfig(), "waiting")
    visitor = visit(own_site, alone=True)  # with a clock of its own
    visitor.context.clock.install()
    with own_site.heart(busy):
        page = visitor.open(run)
        state = page.locator("#state")
        expect(state).to_have_text("Queued waiting until a worker is free: “the busy one” is in training")
    own_site.end(busy, "finished", "")
    expect(state).to_have_text("Queued waiting for a worker")
    page.clock.fast_forward(21_000)
    expect(state).to_have_text("Queued waiting for a worker: start one with shadowboard work")


def test_training_run_is_stopped_after_a_question(site: Site, visit: Open) -> None:
    run = site.begin("to be stopped")
    site.advance(run, 0, 100)
    with site.heart(run):
        page = visit(site).open(run)
        expect(page.locator("#state")).to_contain_text("Training 100 of 600 steps · 500 steps/s · about 1")
        expect(page.get_by_role("progressbar")).to_have_attribute("value", "100")
        stop, dialog = page.get_by_role("button", name="Stop", exact=True), page.get_by_role("dialog")
        for refusal in (lambda: page.keyboard.press("Escape"), lambda: page.keyboard.press("Enter")):
            stop.click()
            expect(dialog).to_contain_text("Stop this run?")
            refusal()  # type: ignore[no-untyped-call]
            expect(dialog).to_be_hidden()
        assert not site.store.run(run.id).stop_requested
        stop.click()
        dialog.get_by_role("button", name="Stop the run").click()
        expect(page.locator("#state-text")).to_contain_text("stopping")
        assert site.store.run(run.id).stop_requested
    site.end(run, "stopped", "Stopped at step 100.")
    expect(page.locator("#state")).to_have_text("Stopped at 100 of 600 steps")
    expect(stop).to_be_hidden()


@pytest.mark.parametrize(
    ("state", "message", "shown"),
    [
        ("finished", "", re.compile(r"Finished 600 of 600 steps · in ")),
        ("stopped", "Stopped at step 600.", "Stopped at 600 of 600 steps"),
        ("diverged", "The loss is not finite at step 512.", "Diverged The loss is not finite at step 512."),
        ("failed", "The disk is full.", "Failed The disk is full."),
    ],
)
def test_ended_runs(site: Site, visit: Open, state: str, message: str, shown: str | re.Pattern[str]) -> None:
    run = site.begin("over")
    site.advance(run, 600)
    site.end(run, state, message)  # type: ignore[arg-type]
    page = visit(site).open(run)
    expect(page.locator("#state")).to_have_text(shown)
    expect(page.locator("#run-picker option:checked")).to_have_text(f"over · {state} · {run.id}")
    expect(page.locator("#sentence")).to_contain_text("At step 600")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_hidden()


def test_a_run_that_begins_says_what_it_waits_for(site: Site, visit: Open) -> None:
    run = site.begin("just begun")
    with site.heart(run):
        page = visit(site).open(run)
        expect(page.locator("#state")).to_have_text(
            "Training 0 of 600 steps · starting: reading the images, compiling the training loop"
        )
        site.advance(run, 0)
        expect(page.locator("#state")).to_contain_text("Training 0 of 600 steps · 500 steps/s")


def test_a_silent_worker_is_waited_for_before_another_is_asked_for(own_site: Site, visit: Open) -> None:
    run = own_site.begin("left alone")
    own_site.advance(run, 100)
    waiting = own_site.store.create_run(RunConfig(), "waiting")
    visitor = visit(own_site, alone=True)  # with a clock of its own
    visitor.context.clock.install()
    page, other = visitor.open(run), visitor.open(waiting)
    state = page.locator("#state")
    expect(state).to_contain_text("Interrupted at 100 of 600 steps: the worker has given no", timeout=20_000)
    expect(state).not_to_contain_text("shadowboard work")
    expect(other.locator("#state")).to_have_text("Queued waiting for a worker")
    page.clock.fast_forward(21_000)
    expect(state).to_contain_text("Stalled at 100 of 600 steps: the worker has given no sign since")
    expect(state).to_contain_text("start one with shadowboard work")
    with own_site.heart(run):
        expect(state).to_contain_text("Training 100 of 600 steps")


def test_reload_and_back_keep_the_run(own_site: Site, visit: Open) -> None:
    old = own_site.begin("the old one")
    own_site.advance(old, 100)
    new = own_site.begin("the new one")
    own_site.advance(new, 200)
    page = visit(own_site).open()
    picker = page.locator("#run-picker")
    expect(picker).to_have_value(new.id)
    picker.select_option(old.id)
    expect(page.locator("#sentence")).to_contain_text("At step 100")
    page.reload()
    expect(page.locator("#sentence")).to_contain_text("At step 100")
    expect(picker).to_have_value(old.id)
    page.get_by_role("link", name="newest run", exact=True).click()
    expect(page.locator("#sentence")).to_contain_text("At step 200")
    page.go_back()
    expect(page.locator("#sentence")).to_contain_text("At step 100")


def test_a_run_that_is_not_there(own_site: Site, visit: Open) -> None:
    run = own_site.begin("there")
    page = visit(own_site).open(path="/?run=<b>gone</b>")
    expect(page.get_by_role("heading", name="No such run")).to_be_visible()
    expect(page.locator("#missing-text")).to_contain_text("There is no run “<b>gone</b>” here")
    page.get_by_role("link", name="Show the newest run").click()
    expect(page.locator("#run-picker")).to_have_value(run.id)


def test_a_run_without_an_average(site: Site, visit: Open) -> None:
    run = site.begin("raw only", averages=[])
    site.advance(run, 300)
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("this run keeps no average")
