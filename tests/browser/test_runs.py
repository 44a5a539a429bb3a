"""What can be done to a run, from this window and from another one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from shadowboard.configuration import RunConfig
from shadowboard.errors import RunMissing
from shadowboard.records import Run
from tests.browser.sites import Site, serving
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser


def stopped(site: Site, name: str = "stopped", state: Any = "stopped") -> Run:
    run = site.begin(name)
    site.advance(run, 100)
    site.end(run, state, "")
    return run


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_a_run_is_resumed(site: Site, visit: Open, state: str) -> None:
    run = stopped(site, state=state)
    page = visit(site).open(run)
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#state")).to_contain_text("Queued to go on from step 100, waiting")
    assert site.store.run(run.id).state == "queued"
    expect(page.get_by_role("button", name="Resume")).to_be_hidden()


def test_what_is_over_cannot_be_resumed(site: Site, visit: Open) -> None:
    page = visit(site).open(stopped(site, state="diverged"))
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_hidden()


def test_a_refusal_is_told(site: Site, visit: Open) -> None:
    """Somebody else was faster."""
    run = stopped(site)
    visitor = visit(site)
    page = visitor.open(run)
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    visitor.expects_loss = True
    visitor.context.route(
        "**/resume", lambda route: route.fulfill(status=409, json={"detail": "It is taken."})
    )
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#banner")).to_have_text("The run could not be resumed: It is taken.")


def test_a_run_is_renamed_in_all_windows(site: Site, visit: Open) -> None:
    run, other = stopped(site, "first name"), stopped(site, "the other")
    visitor = visit(site)
    elsewhere, page = visitor.open(other), visitor.open(run)
    expect(elsewhere.locator(f'#run-picker option[value="{run.id}"]')).to_contain_text("first name")
    page.get_by_role("button", name="Rename").click()
    dialog = page.get_by_role("dialog", name="Rename this run")
    field = dialog.get_by_label("Name")
    expect(field).to_have_value("first name")
    visitor.expects_loss = True
    field.fill("   ")
    field.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("name is '   '; expected a name that can be seen.")
    field.fill("second <b>name<b>")
    field.press("Enter")
    expect(dialog).to_be_hidden()
    for one in (page, elsewhere):
        option = one.locator(f'#run-picker option[value="{run.id}"]')
        expect(option).to_have_text(f"second <b>name<b> · stopped · {run.id}")
    expect(page).to_have_title("Stopped · second <b>name<b> · Shadowboard")


def test_a_run_is_deleted_after_a_question(own_site: Site, visit: Open) -> None:
    left, run = stopped(own_site, "stays"), stopped(own_site, "goes")
    visitor = visit(own_site)
    elsewhere, page = visitor.open(run), visitor.open(run)
    for one in (page, elsewhere):
        expect(one.locator("#state")).to_contain_text("Stopped")
        expect(one.locator("#sentence")).to_contain_text("At step 100")
    visitor.expects_loss = True  # what the pages ask for at that moment may be gone before the answer
    for answer in ("Keep it", "Delete the run"):
        page.get_by_role("button", name="Delete", exact=True).click()
        dialog = page.get_by_role("dialog", name="Delete this run?")
        expect(dialog).to_contain_text(
            f"“goes” ({run.id}): its curves, its evaluations and its checkpoints up to step 100"
        )
        dialog.get_by_role("button", name=answer).click()
        expect(dialog).to_be_hidden()
    expect(page.locator("#banner")).to_have_text("“goes” was deleted.")
    expect(page.locator("#run-picker")).to_have_value(left.id)
    expect(page.locator("#run-picker option")).to_have_count(2)
    expect(page.locator("#sentence")).to_contain_text("At step 100")
    with pytest.raises(RunMissing):
        own_site.store.run(run.id)

    # In the other window
    expect(elsewhere.get_by_role("heading", name="This run was deleted")).to_be_visible()
    expect(elsewhere.locator("#missing-text")).to_have_text(
        f"goes ({run.id}) is gone, with its curves and checkpoints."
    )
    expect(elsewhere.locator("#run-picker option")).to_have_count(2)
    elsewhere.get_by_role("link", name="Show the newest run").click()
    expect(elsewhere.locator("#run-picker")).to_have_value(left.id)


def test_the_last_run_is_deleted(own_site: Site, visit: Open) -> None:
    run = stopped(own_site)
    visitor = visit(own_site)
    page = visitor.open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 100")
    page.get_by_role("button", name="Delete", exact=True).click()
    visitor.expects_loss = True  # what the page asks for at that moment may be gone before the answer
    page.get_by_role("button", name="Delete the run").click()
    expect(page.get_by_role("heading", name="No run yet")).to_be_visible()
    expect(page).to_have_url(f"{own_site.url}/")
    page.get_by_role("button", name="Queue the reference recipe").click()
    expect(page.locator("#state")).to_contain_text("Queued")


def test_a_run_in_training_cannot_be_deleted(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0)
    page = visit(site).open(run)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_hidden()
    site.end(run, "finished", "")
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_visible()
    for name in ("Stop", "Resume"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_hidden()


def test_the_list_follows_what_happens_elsewhere(own_site: Site, visit: Open) -> None:
    run = stopped(own_site)
    page = visit(own_site).open(run)
    options = page.locator("#run-picker option:not([hidden])")
    expect(options).to_have_count(1)
    newer = own_site.begin("newer")
    with own_site.heart(newer):
        expect(options).to_have_text([f"newer · training · {newer.id}", f"stopped · stopped · {run.id}"])
    own_site.advance(newer, 100)
    own_site.end(newer, "finished", "")
    expect(options).to_have_text([f"newer · finished · {newer.id}", f"stopped · stopped · {run.id}"])
    own_site.store.delete_run(newer.id)
    expect(options).to_have_text([f"stopped · stopped · {run.id}"])


def test_of_very_many_runs_the_newest_are_picked_from(own_site: Site, visit: Open) -> None:
    oldest = own_site.store.create_run(RunConfig(), "the oldest")
    for i in range(104):
        own_site.store.create_run(RunConfig(), f"run {i}")
    page = visit(own_site).open(oldest)
    picker = page.locator("#run-picker")
    expect(picker.locator("option:not([hidden])")).to_have_count(102)  # 100, the shown one, the way to all
    expect(picker).to_have_value(oldest.id)
    expect(picker.locator("option").last).to_have_text("All 105 runs…")
    picker.select_option(label="All 105 runs…")
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()


# With a token


@pytest.fixture
def guarded(
    tmp_path: Path, trained: dict[int, dict[str, Any]], small_data: Path, monkeypatch: Any
) -> Iterator[Site]:
    monkeypatch.setenv("SHADOWBOARD_TOKEN", "open-sesame-0123456789")
    with serving(tmp_path, trained, small_data) as site:
        yield site


def log_in(page: Page) -> None:
    page.get_by_role("link", name="Log in").first.click()
    page.get_by_label("Token").fill("open-sesame-0123456789")
    page.get_by_role("button", name="Log in").click()


def test_only_who_has_logged_in_is_offered_changes(guarded: Site, visit: Open) -> None:
    run = stopped(guarded)
    visitor = visit(guarded)
    page = visitor.open(run)
    expect(page.locator("#state")).to_contain_text("Stopped")
    for name in ("Resume", "Rename", "Delete", "New run"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    log_in(page)
    expect(page).to_have_url(f"{guarded.url}/?run={run.id}")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill("mine")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.locator("#run-picker option:checked")).to_contain_text("mine")
    visitor.context.clear_cookies()  # the login has ended meanwhile
    visitor.expects_loss = True
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#banner")).to_have_text("Your login has ended. Reload the page to log in again.")
    page.reload()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()


def test_logging_out(guarded: Site, visit: Open) -> None:
    page = visit(guarded).open()
    expect(page.get_by_role("heading", name="No run yet")).to_be_visible()
    log_in(page)
    expect(page.get_by_role("button", name="Queue the reference recipe")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in to queue one")).to_be_visible()
