"""A real server with a real store and real checkpoints, and a real browser that looks at it."""

import random
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from server.serving import Server, listen
from shadowboard import checkpoints
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.dataset import Dataset
from shadowboard.records import Metric, Run, Score, State
from shadowboard.settings import Settings
from shadowboard.store import Store
from worker.loop import Heart
from worker.trainer import Trainer

WORKER = "the test"
STEPS = 600
EVERY = 100
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# The sandbox cannot be had in most containers; the rest keeps the browser from calling home.
expect.set_options(timeout=20_000)  # two browsers and their servers share two cores
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--process-per-site",  # tabs of one window share a process, and with it the scripts that it has compiled
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next((found for name in _CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail(f"These tests need a browser; none of {', '.join(_CHROMIUM)} is on the PATH.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


# What is looked at


@dataclass
class Site:
    """The server on one port, and the worker's side of its store, played by the test."""

    settings: Settings
    store: Store
    trained: dict[int, dict[str, Any]]
    data: str
    url: str = ""
    _server: Server | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Serve; on the same port as before where there was one."""
        ready = threading.Event()
        self._server = Server(self.settings, listen(self.settings), lambda url: self._announced(url, ready))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        assert ready.wait(30), "The server did not start."

    def _announced(self, url: str, ready: threading.Event) -> None:
        self.url = url
        self.settings = self.settings.model_copy(update={"port": int(url.rpartition(":")[2])})
        ready.set()

    def stop(self) -> None:
        """Stop serving."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(30)
            assert not self._thread.is_alive(), "The server did not stop."

    def begin(self, name: str = "a run", **knobs: Any) -> Run:
        """A run in training, without anything to show yet; it is evaluated on a few images of MNIST."""
        config = parse_config({"steps": STEPS, "save_every": EVERY, "data": self.data, **knobs})
        return self.store.create_run(config, name, WORKER)

    def advance(self, run: Run, *steps: int) -> None:
        """Save the checkpoints of `steps`, and report the training up to each."""
        for step in steps:
            tensors = _kept(self.trained[step], run.config)
            saved = checkpoints.save(self.settings.run_folder(run.id), step, tensors)
            metrics = [Metric(s, 3 / (s + 10)) for s in range(step - EVERY + 10, step + 1, 10) if s > 0]
            self.store.add_progress(run.id, WORKER, step, 500.0, metrics)
            self.store.add_checkpoint(run.id, WORKER, step, saved.bytes)

    def heart(self, run: Run) -> Heart:
        """The worker is heard of while a `with` block lasts, however slow this machine is."""
        return Heart(self.store, run.id, WORKER)

    def end(self, run: Run, state: State, message: str) -> None:
        """The worker lets go of the run."""
        self.store.release(run.id, WORKER, state, message)


def _kept(tensors: dict[str, Any], config: RunConfig) -> dict[str, Any]:
    """Without the averages that this run does not keep."""
    names = {average.name for average in config.averages}
    return {
        key: value for key, value in tensors.items() if "EMA_" not in key or key.rpartition("/")[2] in names
    }


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


@contextmanager
def serving(home: Path, trained: dict[int, dict[str, Any]], data: Path, port: int = 0) -> Iterator[Site]:
    settings = Settings(home=home, host="127.0.0.1", port=port)
    store = Store(settings.store_url)
    site = Site(settings, store, trained, str(data))
    site.start()
    yield site
    site.stop()
    store.close()


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


# Runs whose scores are known

FIRST = "ExponentialMovingAverage"
SECOND = "EMA_0.999"


def scored(
    site: Site, name: str, *scores: tuple[int, str, int], state: Any = "finished", **knobs: Any
) -> Run:
    """A run of which (step, average, images of 100 read right) are known; of the test images, two fewer."""
    run = site.store.create_run(parse_config({"steps": 300, **knobs}), name, WORKER)
    for step, average, correct in scores:
        for split, right in (("validation", correct), ("test", correct - 2)):
            score = Score(step, average, split, 100, right, 0.5, 0.1, time.time())
            site.store.add_evaluation(run.id, score, b"", b"")
    site.store.add_progress(run.id, WORKER, 300, 500.0, [])
    if state != "training":
        site.store.release(run.id, WORKER, state, "")
    return run


class Compared(NamedTuple):
    """Three finished runs on a server of their own; "bare" keeps no average, "fast" two."""

    site: Site
    slow: Run
    fast: Run
    bare: Run


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


# Who looks


# What the policy refuses is an error in the console, too, but not where a policy only reports.
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) =>
  console.error(`refused by ${effectiveDirective}: ${blockedURI} ${sample}`));
"""


def open_window(chromium: Browser, **options: Any) -> BrowserContext:
    """A browser window whose tabs tell of what the policy refuses."""
    options = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options}
    window = chromium.new_context(**options)
    # All tabs of the window, those that a page opens and workers included.
    window.add_init_script(_TELL_VIOLATIONS)
    return window


@dataclass
class Visitor:
    """Looks at a site in a browser window, and takes down whatever is not as it should be."""

    context: BrowserContext
    site: Site
    viewport: Any = None  # of its pages, where it is not the window's
    color_scheme: Any = None
    expects_loss: bool = (
        False  # of the connection, or of what is asked for, about which a browser always complains
    )
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listeners: dict[Any, Callable[[Any], None]] = {
            "console": lambda message: self._hear(message.type, message.text),
            "weberror": lambda error: self.complaints.append(f"uncaught: {error.error}"),
            "request": lambda request: self._check_host(request.url),
        }
        for event, listener in self._listeners.items():
            self.context.on(event, listener)

    def open(self, run: Run | None = None, path: str = "/") -> Page:
        """The page in a new tab, with the run or else at the path."""
        page = self.context.new_page()
        if self.viewport:
            page.set_viewport_size(self.viewport)
        if self.color_scheme:
            page.emulate_media(color_scheme=self.color_scheme)
        page.goto(self.site.url + (f"/?run={run.id}" if run else path))
        return page

    def leave(self, kept: Page) -> None:
        """Close all tabs but the `kept` one, and leave the window as if nobody had been here."""
        for page in self.context.pages:
            if page is not kept:
                page.close()
        for event, listener in self._listeners.items():
            self.context.remove_listener(event, listener)
        self.context.unroute_all()
        self.context.clear_cookies()
        everything = {"origin": self.site.url, "storageTypes": "local_storage,indexeddb"}
        session = self.context.new_cdp_session(kept)
        session.send("Storage.clearDataForOrigin", everything)
        session.detach()

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not (
            self.expects_loss and text.startswith("Failed to load resource")
        ):
            self.complaints.append(f"{kind}: {text}")

    def _check_host(self, url: str) -> None:
        if not url.startswith((f"{self.site.url}/", "data:", "blob:")):
            self.complaints.append(f"a request elsewhere: {url}")


Open = Callable[..., Visitor]


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


@contextmanager
def visiting(chromium: Browser, blank: Page | None) -> Iterator[Open]:
    """At the end no page may have complained, nor asked another host for anything.

    The first visitor uses the window of `blank`, unless it wants one of its own: `alone`, or with `options`.
    """
    visitors: list[Visitor] = []

    def visit(
        site: Site, *, viewport: Any = None, color_scheme: Any = None, alone: bool = False, **options: Any
    ) -> Visitor:
        shared = not (visitors or alone or options)
        window = blank.context if blank and shared else open_window(chromium, **options)
        visitors.append(Visitor(window, site, viewport, color_scheme))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        if blank and visitor.context is blank.context:
            visitor.leave(blank)
        else:
            visitor.context.close()
        assert visitor.complaints == []


@pytest.fixture
def visit(chromium: Browser, blank: Page) -> Iterator[Open]:
    with visiting(chromium, blank) as visit:
        yield visit


@pytest.fixture
def board(site: Site, visit: Open) -> Page:
    """The page of a run with a trained checkpoint, to draw on."""
    run = site.begin("the reader")
    site.advance(run, 0, 500)
    page = visit(site).open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 500")
    return page


@pytest.fixture(scope="module")
def visit_once(chromium: Browser) -> Iterator[Open]:
    """For a page that several tests look at, each of which leaves it as it was."""
    with visiting(chromium, None) as visit:
        yield visit


# Modules by themselves


def call(page: Page, module: str, code: str, argument: Any = None) -> Any:
    """The value of `code`, an expression of the imported `module` and of `argument`."""
    return page.evaluate(
        f"async (argument) => {{ const module = await import('/static/{module}.js'); return {code}; }}",
        argument,
    )
