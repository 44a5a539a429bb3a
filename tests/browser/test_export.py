"""The menu that takes weights away, on the dashboard and in the inspector."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from shadowboard.records import Run
from shadowboard.watched import watched_config
from tests.browser.sites import Site
from tests.browser.test_accessibility import PLACED, SMALL_TARGETS, check
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

EMA = "ExponentialMovingAverage"
TWO = {"averages": [{"decay": 0.99}, {"decay": 0.999}]}


@pytest.fixture
def trained_run(site: Site) -> Run:
    run = site.begin("to take away", **TWO)
    site.advance(run, 0, 100)
    site.end(run, "finished", "")
    return run


def download(page: Page, title: str) -> Path:
    """The file of a format, as the browser saves it."""
    with page.expect_download() as found:
        page.get_by_role("link", name=re.compile(f"^{title} ")).click()
    folder = Path(found.value.path()).parent / "named"
    found.value.save_as(folder / found.value.suggested_filename)
    return folder / found.value.suggested_filename


def test_the_weights_that_are_looked_at_are_what_one_gets(site: Site, visit: Open, trained_run: Run) -> None:
    page = visit(site).open(trained_run)
    opener = page.get_by_role("button", name="Download", exact=True)
    opener.click()
    menu = page.get_by_role("dialog", name="Download step 100")
    expect(menu).to_be_visible()
    expect(menu.get_by_role("link")).to_have_count(8)
    expect(menu.get_by_role("radio", name="Averaged 0.99", exact=True)).to_be_checked()
    for wanted, weights, suffix in (("Averaged 0.99", "ema", f"/{EMA}"), ("Raw", "raw", "")):
        menu.get_by_role("radio", name=wanted, exact=True).check()
        path = download(page, "NumPy")
        assert path.name == f"to-take-away-{trained_run.id}-step-100-{weights}.npz"
        expect(page.locator("#export-status")).to_contain_text(f"{path.name} · ")
        with np.load(path) as found:
            assert len(found) == 4
            for name, value in found.items():
                np.testing.assert_array_equal(value, site.trained[100][name + suffix])
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()

    page.get_by_role("button", name="Step before").click()
    page.locator("#average-choices").get_by_role("radio", name="0.999").check()
    opener.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("dialog", name="Download step 0")
    menu.get_by_role("radio", name="Averaged 0.999").check()
    assert download(page, "Frozen graph").name == f"to-take-away-{trained_run.id}-step-0-EMA_0.999.pb"


def test_in_the_inspector_on_a_phone(site: Site, visit: Open, trained_run: Run) -> None:
    phone = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
    page = visit(site, **phone).open(path=f"/inspect?run={trained_run.id}&step=0")
    expect(page.locator("h1")).to_have_text("model.ckpt-0")
    page.get_by_role("button", name="Download", exact=True).tap()
    menu = page.get_by_role("dialog", name="Download step 0")
    expect(menu).to_have_attribute("style", PLACED)
    box = menu.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert page.evaluate(SMALL_TARGETS) == []
    assert download(page, "MetaGraph .meta").name == f"to-take-away-{trained_run.id}-step-0-ema.meta"
    check(page, "the menu")


def test_why_there_is_no_file_is_told(site: Site, visit: Open, tmp_path: Path) -> None:
    """Of what has been deleted meanwhile, and of a network that is a function there are arrays alone."""
    run = site.begin("soon gone", averages=[])
    site.advance(run, 0)
    visitor = visit(site)
    page = visitor.open(run)
    page.get_by_role("button", name="Download", exact=True).click()
    menu = page.get_by_role("dialog", name="Download step 0")
    expect(menu.get_by_role("radio")).to_have_count(1)
    for file in site.settings.run_folder(run.id).glob("model.ckpt-0.*"):
        file.unlink()
    visitor.expects_loss = True
    menu.get_by_role("link", name="NumPy").click()
    expect(page.locator("#export-status")).to_have_text(
        "There is no checkpoint of step 0; the newest steps are: none."
    )

    theirs = site.store.watch(watched_config(tmp_path, data=site.data, network="mine:logits"))
    page = visitor.open(theirs)
    expect(page.locator("#state")).to_contain_text("Watching")
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_disabled()
