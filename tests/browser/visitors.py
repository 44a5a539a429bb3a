"""Who looks at a site: a real browser, in which nothing may go wrong unnoticed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from shadowboard.records import Run
from tests.browser.sites import Site

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# The sandbox cannot be had in most containers; the rest keeps the browser from calling home.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--process-per-site",  # tabs of one window share a process, and with it the scripts that it has compiled
)

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
        assert not visitor.complaints, visitor.complaints
