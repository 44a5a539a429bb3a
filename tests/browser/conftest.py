"""A real server with a real store and real checkpoints, and a real browser that looks at it."""

import random
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from shadowboard.configuration import parse_config
from shadowboard.dataset import Dataset
from tests.browser.sites import EVERY, FIRST, SECOND, STEPS, Compared, Site, scored, serving
from tests.browser.visitors import ARGUMENTS, CHROMIUM, Open, open_window, visiting
from worker.trainer import Trainer

expect.set_options(timeout=20_000)  # two browsers and their servers share two cores


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail(f"These tests need a browser; none of {', '.join(CHROMIUM)} is on the PATH.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def trained(mnist: Dataset) -> dict[int, dict[str, Any]]:
    """The tensors of a real training by step, with two averages."""
    config = parse_config({"averages": [{"decay": 0.99}, {"decay": 0.999}]})
    trainer = Trainer(config, mnist.train)
    state = trainer.initial()
    states = {0: state.tensors()}
    while state.step < STEPS:
        state, _ = trainer.advance(state, EVERY)
        states[state.step] = state.tensors()
    return states


@pytest.fixture(scope="session")
def site(
    tmp_path_factory: pytest.TempPathFactory, trained: dict[int, dict[str, Any]], small_data: Path
) -> Iterator[Site]:
    """One server for all tests that only look at runs of their own."""
    with serving(tmp_path_factory.mktemp("home"), trained, small_data) as site:
        yield site


@pytest.fixture(scope="session")
def own_port() -> int:
    """Where each of the servers of one test is found, so that the browser has their scripts already.

    It is none of the ports that systems give to whoever asks for any.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@pytest.fixture
def own_site(
    tmp_path: Path, trained: dict[int, dict[str, Any]], small_data: Path, own_port: int
) -> Iterator[Site]:
    """A server for one test, without any run."""
    with serving(tmp_path, trained, small_data, own_port) as site:
        yield site


@pytest.fixture(scope="session")
def compared(
    tmp_path_factory: pytest.TempPathFactory, trained: dict[int, dict[str, Any]], small_data: Path
) -> Iterator[Compared]:
    """For tests that only look at them."""
    with serving(tmp_path_factory.mktemp("compared"), trained, small_data) as site:
        slow = (100, "", 80), (200, "", 95), (300, "", 90), (300, FIRST, 92)
        fast = (100, "", 88), (300, "", 93), (300, FIRST, 96), (300, SECOND, 97)
        two = [{"decay": 0.99}, {"decay": 0.999}]
        yield Compared(
            site,
            scored(site, "slow", *slow, learning_rate=0.1),
            scored(site, "fast", *fast, averages=two),
            scored(site, "bare", (300, "", 85), averages=[], seed=5),
        )


@pytest.fixture(scope="session")
def blank(site: Site, chromium: Browser) -> Iterator[Page]:
    """A tab of the site that loads nothing by itself.

    It keeps alive the one window that most tests use, in which pages open twice as fast as in a new one.
    """
    with open_window(chromium) as window:
        page = window.new_page()
        page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        page.goto(f"{site.url}/healthz")
        yield page


@pytest.fixture
def visit(chromium: Browser, blank: Page) -> Iterator[Open]:
    with visiting(chromium, blank) as visit:
        yield visit


@pytest.fixture
def board(site: Site, visit: Open) -> Iterator[Page]:
    """The page of a run in training with a trained checkpoint, to draw on."""
    run = site.begin("the reader")
    site.advance(run, 0, 500)
    with site.heart(run):
        page = visit(site).open(run)
        expect(page.locator("#sentence")).to_contain_text("At step 500")
        yield page


@pytest.fixture(scope="module")
def visit_once(chromium: Browser) -> Iterator[Open]:
    """For a page that several tests look at, each of which leaves it as it was."""
    with visiting(chromium, None) as visit:
        yield visit
