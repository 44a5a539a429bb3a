"""The page of the API in a real browser, which would complain of whatever the policy refuses."""

import pytest
from playwright.sync_api import expect

from tests.browser.sites import Site
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser


def test_the_dashboard_leads_to_it_and_it_leads_back(site: Site, visit: Open) -> None:
    page = visit(site).open()
    page.get_by_role("link", name="API").click()
    expect(page).to_have_title("API · Shadowboard")
    page.get_by_role("navigation").get_by_role("link", name="POST /predict", exact=True).click()
    expect(page.locator("#predict")).to_be_in_viewport()
    page.get_by_role("link", name="Dashboard", exact=True).click()
    expect(page.locator("#run-picker")).to_be_visible()


def test_it_needs_no_script(site: Site, visit: Open) -> None:
    page = visit(site, java_script_enabled=False).open(path="/docs")
    answer = page.locator("#list_runs details")
    expect(answer.get_by_text("runs[].stalled")).to_be_hidden()
    answer.locator("summary").click()
    expect(answer.get_by_text("runs[].stalled")).to_be_visible()


def test_answers_open_beside_it_without_a_missing_icon(site: Site, visit: Open) -> None:
    page = visit(site).open(path="/docs")
    page.get_by_role("link", name="Open /runs", exact=True).click()
    expect(page.locator("pre")).to_contain_text('{"runs":')
    page.goto(f"{site.url}/favicon.ico")


def test_nothing_is_wider_than_the_window(site: Site, visit: Open) -> None:
    page = visit(site).open(path="/docs")
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    for width in (360, 768, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        # The window has its new width a little later.
        page.wait_for_function("(width) => innerWidth === width", arg=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_has_the_theme_that_was_chosen_on_the_dashboard(site: Site, visit: Open) -> None:
    visitor = visit(site, color_scheme="light")
    visitor.open().get_by_label("Dark", exact=True).check()
    page = visitor.open(path="/docs")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_narrow_the_list_of_operations_is_folded(site: Site, visit: Open) -> None:
    page = visit(site, viewport={"width": 390, "height": 800}).open(path="/docs")
    link = page.get_by_role("link", name="POST /predict", exact=True)
    expect(link).to_be_hidden()
    page.get_by_text("All operations").click()
    link.click()
    expect(link).to_be_hidden()
    expect(page.locator("#predict")).to_be_in_viewport()
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(link).to_be_in_viewport()


def test_the_list_marks_what_is_read_and_the_theme_is_chosen_here_too(site: Site, visit: Open) -> None:
    page = visit(site).open(path="/docs")
    page.locator("#metrics").scroll_into_view_if_needed()
    marked = page.locator("#contents [aria-current]")
    page.locator("#healthz").evaluate("(one) => scrollTo(0, one.offsetTop - innerHeight / 10)")
    expect(marked).to_have_text("GET /healthz")
    expect(marked).to_be_in_viewport()
    page.get_by_label("Dark", exact=True).check()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
