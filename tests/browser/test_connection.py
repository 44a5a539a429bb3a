"""The server goes and comes back: said quietly, resumed, and nothing doubled."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.sites import Site
from tests.browser.test_curve import MARKS, series
from tests.browser.test_drawing import SEVEN, draw
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser


def test_a_lost_connection_is_resumed_with_nothing_doubled(own_site: Site, visit: Open) -> None:
    run = own_site.begin()
    own_site.advance(run, 0, 100)
    visitor = visit(own_site)
    page = visitor.open(run)
    expect(page.locator("#sentence")).to_contain_text("At step 100")

    visitor.expects_loss = True
    own_site.stop()
    banner = page.locator("#banner")
    expect(banner).to_contain_text("Connection lost")
    draw(page, SEVEN)
    expect(page.locator("#reading-text")).to_contain_text("The server cannot be reached")
    own_site.advance(run, 200)
    newer = own_site.begin("begun meanwhile")
    own_site.start()

    expect(banner).to_contain_text("Connected again")
    expect(page.locator("#sentence")).to_contain_text("At step 200")
    expect(page.locator("#reading-source")).to_contain_text("read at step 200")
    expect(page.locator(f'#run-picker option[value="{newer.id}"]')).to_have_count(1)
    visitor.expects_loss = False
    own_site.advance(run, 300)
    expect(page.locator("#sentence")).to_contain_text("At step 300")
    page.get_by_label("Everything").check()
    expect(page.locator(MARKS)).to_have_count(8)
    for one in series(page):
        assert one["x"] == sorted(set(one["x"])), one["name"]
    expect(banner).to_be_hidden()


def test_a_page_opened_before_the_server_answers(own_site: Site, visit: Open) -> None:
    """The list of runs cannot be had at first; the page says so and goes on by itself."""
    run = own_site.begin()
    own_site.advance(run, 100)
    visitor = visit(own_site)
    visitor.expects_loss = True
    refuse = True
    visitor.context.route("**/runs?*", lambda route: route.abort() if refuse else route.continue_())
    page = visitor.open(run)
    expect(page.locator("#loading")).to_contain_text("The server cannot be reached yet")
    expect(page.locator("#banner")).to_be_hidden()
    refuse = False
    expect(page.locator("#sentence")).to_contain_text("At step 100")


def test_a_refused_stream_is_asked_for_again(site: Site, visit: Open) -> None:
    """A browser gives a stream up for good where a proxy, say, answers 502; the page does not."""
    run = site.begin()
    site.advance(run, 100)
    visitor = visit(site)
    visitor.expects_loss = True
    refusals = iter(range(2))

    def refuse(route: Route) -> None:
        if next(refusals, None) is None:
            route.continue_()
        else:
            route.fulfill(status=502, body="")

    visitor.context.route("**/events?*", refuse)
    page = visitor.open(run)
    expect(page.locator("#banner")).to_contain_text("Connection lost")
    expect(page.locator("#banner")).to_contain_text("Connected again")
    site.advance(run, 200)
    expect(page.locator("#sentence")).to_contain_text("At step 200")


def test_a_tab_has_one_stream_and_none_while_nobody_sees_it(site: Site, visit: Open) -> None:
    """Browsers allow six connections a server; what happened meanwhile is there when one comes back."""
    run = site.begin()
    site.advance(run, 100)
    page = visit(site).open()
    page.add_init_script(COUNT_STREAMS)
    page.goto(f"{site.url}/?run={run.id}")
    expect(page.locator("#sentence")).to_contain_text("At step 100")
    assert page.evaluate(OPEN_STREAMS) == 1
    show(page, hidden=True)
    assert page.evaluate(OPEN_STREAMS) == 0
    site.advance(run, 200)
    show(page, hidden=False)
    expect(page.locator("#sentence")).to_contain_text("At step 200")
    assert page.evaluate(OPEN_STREAMS) == 1
    expect(page.locator("#banner")).to_be_hidden()


COUNT_STREAMS = """
window.streams = [];
window.EventSource = class extends EventSource {
  constructor(address) { super(address); window.streams.push(this); }
};
"""
OPEN_STREAMS = "window.streams.filter((stream) => stream.readyState !== EventSource.CLOSED).length"


def show(page: Page, *, hidden: bool) -> None:
    """What a browser tells a page whose tab is left or chosen."""
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )
