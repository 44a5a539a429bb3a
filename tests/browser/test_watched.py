"""A run that another program trains, on its page."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from shadowboard import checkpoints
from shadowboard.watched import watched_config
from tests.browser.sites import Site
from tests.browser.visitors import Open
from tests.faults.processes import wait_for

pytestmark = pytest.mark.browser


def test_a_watched_folder_from_its_first_checkpoint_to_its_end(
    site: Site, visit: Open, tmp_path: Path
) -> None:
    folder = tmp_path / "their training"
    folder.mkdir()
    run = site.store.watch(watched_config(folder, data=site.data))
    visitor = visit(site)
    page = visitor.open(run)
    state = page.locator("#state")
    expect(state).to_contain_text("Watching There is no TensorFlow checkpoint in")
    expect(state).to_contain_text("which is empty")
    expect(page.locator("#sentence")).to_contain_text("as soon as one is saved in the folder")
    expect(page.locator("#progress")).to_be_hidden()

    for step in (0, 100):
        checkpoints.save(folder, step, site.trained[step])
    expect(state).to_contain_text(
        re.compile(r"Watching .*their training · step 100 saved at \d\d:\d\d"), timeout=20_000
    )
    expect(state).to_contain_text("activation: relu, assumed; --activation changes it")
    expect(page.locator("#sentence")).to_contain_text("At step 100", timeout=20_000)
    supposed = page.get_by_text("If the activation of the hidden layers is relu, as is assumed:")
    expect(supposed).to_be_visible()
    expect(page.get_by_role("radio", name="EMA_0.999")).to_be_attached()
    expect(page.locator("#training-panel")).to_contain_text("Another program trains this run")
    expect(page).to_have_title("Watching · their training · Shadowboard")

    expect(page.locator("#step-slider")).to_have_attribute("max", "1")  # both are evaluated
    for file in folder.glob("model.ckpt-0.*"):
        file.unlink()
    checkpoints.save(folder, 200, site.trained[200])
    expect(page.locator("#sentence")).to_contain_text("At step 200", timeout=20_000)
    lost = page.locator("#step-lost")
    expect(lost).to_be_hidden()
    for _ in range(2):
        page.get_by_role("button", name="Step before").click()
    expect(page.locator("#sentence")).to_contain_text("At step 0")
    expect(lost).to_be_visible()
    expect(lost).to_have_text("files gone")

    page.get_by_role("button", name="Stop watching").click()
    expect(state).to_contain_text("Stopped no longer watching")
    page.get_by_role("button", name="Watch again").click()
    expect(state).to_contain_text("Watching")
    page.get_by_role("button", name="Delete", exact=True).click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text(f"The files in {folder} stay as they are.")
    visitor.expects_loss = True  # what the page asks for at that moment may be gone before the answer
    question.get_by_role("button", name="Delete the run").click()
    expect(page.locator("#banner")).to_contain_text("was deleted")
    assert (folder / "model.ckpt-200.index").exists()


def test_a_step_that_is_written_anew_is_compared_anew(site: Site, visit: Open, tmp_path: Path) -> None:
    """As by a program that is started again in the same folder; also where the step was looked at before."""
    for step in (100, 200):
        checkpoints.save(tmp_path, step, site.trained[step])
    run = site.store.watch(watched_config(tmp_path, data=site.data))
    page = visit(site).open(run)
    sentence = page.locator("#sentence")
    expect(sentence).to_contain_text("At step 200", timeout=20_000)
    page.get_by_role("button", name="Step before").click()
    expect(sentence).to_contain_text("At step 100")

    def verdict(step: int) -> str:
        answer = page.request.get(f"{site.url}/compare?run={run.id}&step={step}&split=validation")
        return str(answer.json().get("verdict", ""))  # none while the checkpoint is being written

    earlier = {step: verdict(step) for step in (100, 200)}
    assert all(earlier.values())
    for step, tensors in ((100, site.trained[0]), (200, site.trained[500])):
        checkpoints.save(tmp_path, step, tensors)
        wait_for(lambda step=step: verdict(step) not in {earlier[step], ""})  # type: ignore[misc]
    expect(sentence).to_contain_text(verdict(100))
    page.get_by_role("button", name="Next step").click()
    expect(sentence).to_contain_text(verdict(200))
    over_the_run = page.request.get(f"{site.url}/runs/{run.id}/comparison").json()["verdict"]
    expect(page.locator("#overall")).to_contain_text(over_the_run)


def test_beside_runs_that_are_trained_here(site: Site, visit: Open, tmp_path: Path) -> None:
    """In the table of runs, where little is known of it."""
    checkpoints.save(tmp_path, 100, site.trained[100])
    watched = site.store.watch(watched_config(tmp_path, data=site.data), "theirs")
    own = site.begin("ours", seed=5)
    site.advance(own, 0)
    page = visit(site).open(path="/compare-runs")
    row = page.locator(f'tr[data-run="{watched.id}"]')
    expect(row).to_contain_text("watching")
    expect(row).to_contain_text("–")
    site.end(own, "finished", "")


def test_a_folder_whose_network_is_not_recognised(own_site: Site, visit: Open, tmp_path: Path) -> None:
    folder = tmp_path / "convolutions"
    folder.mkdir()
    checkpoints.save(folder, 100, {"conv/kernel": np.zeros((3, 3, 1, 8), np.float32)})
    run = own_site.store.watch(watched_config(folder, data=own_site.data))
    page = visit(own_site).open(run)
    expect(page.locator("#sentence")).to_have_text(
        "The checkpoints of this folder cannot be read yet: The checkpoint holds conv/kernel [3, 3, 1, 8]; "
        "expected a chain 784 → … → 10 of dense layers, each with weights [inputs, units] and biases. "
        "shadowboard watch … --network module:function reads any network.",
        timeout=20_000,
    )
