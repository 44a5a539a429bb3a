"""What averaging gains each run, as the table of runs tells it while evaluations come in."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from shadowboard.configuration import parse_config
from shadowboard.dataset import load_dataset
from shadowboard.evaluation import Evaluation
from shadowboard.records import Run
from tests.browser.sites import FIRST, WORKER, Site
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser


def begin(site: Site) -> Run:
    config = parse_config({"steps": 400, "save_every": 100, "data": site.data})
    run = site.store.create_run(config, "evaluated by the test", WORKER)
    site.store.add_progress(run.id, WORKER, 400, 500.0, [])
    return run


def evaluate(site: Site, run: Run, step: int, gain: int) -> None:
    """As the server does; of the images the averaged weights read so many more right."""
    dataset = load_dataset(site.data)
    for split in ("validation", "test"):
        labels = dataset.split(split).labels
        for average, wrong in (("", 50), (FIRST, 50 - gain)):
            predictions = labels.copy()
            predictions[:wrong] = (predictions[:wrong] + 1) % 10
            made = Evaluation(labels, predictions, np.full(len(labels), 0.9, np.float32), 0.5)
            site.store.add_evaluation(run.id, *made.stored(step, average, split, 0.1))


def told(page: Page, site: Site, run: Run) -> str:
    """What the table ought to say of the run."""
    overall = page.request.get(f"{site.url}/runs/{run.id}/comparison").json()["overall"]
    return f"{overall['accuracy']:+.2%}".replace("%", "\u00a0pp").replace("-", "−")


def test_a_gain_is_over_all_that_is_evaluated_in_the_end(own_site: Site, visit: Open) -> None:
    """The newest checkpoints are evaluated first, long after the run has ended."""
    run = begin(own_site)
    own_site.store.add_checkpoint(run.id, WORKER, 400, 1)
    own_site.end(run, "finished", "")
    for step in (400, 300):
        evaluate(own_site, run, step, gain=10)
    page = visit(own_site).open(path="/compare-runs")
    gain = page.locator("#runs-table td.gain")
    few = told(page, own_site, run)
    expect(gain).to_contain_text(few)
    for step in (200, 100, 0):
        evaluate(own_site, run, step, gain=30)
    every = told(page, own_site, run)
    assert every != few
    expect(gain).to_contain_text(every, timeout=40_000)  # it looks the more seldom the longer nothing came


def test_a_gain_is_asked_for_again_after_its_pause(own_site: Site, visit: Open) -> None:
    run = begin(own_site)
    for step in (0, 100, 200):
        evaluate(own_site, run, step, gain=10)
    page = visit(own_site).context.new_page()
    page.route(
        "**/comparison?*",
        lambda route: (page.wait_for_timeout(500), route.continue_()),  # and so a pause of seconds
        times=1,
    )
    page.goto(f"{own_site.url}/compare-runs?runs=none")
    gain = page.locator("#runs-table td.gain")
    few = told(page, own_site, run)
    expect(gain).to_contain_text(few)
    for step in (300, 400):
        evaluate(own_site, run, step, gain=30)
    own_site.store.add_checkpoint(run.id, WORKER, 400, 1)
    own_site.end(run, "finished", "")
    every = told(page, own_site, run)
    assert every != few
    expect(gain).to_contain_text(every, timeout=40_000)  # where answers take long, so do the pauses
