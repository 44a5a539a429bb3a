"""The visitor itself: what it hears. Each other browser test counts on it."""

import time

import pytest
from playwright.sync_api import Browser

from tests.browser.sites import Site
from tests.browser.visitors import Visitor, open_window

pytestmark = pytest.mark.browser

ELSEWHERE = "http://127.0.0.2:9/"  # nobody is there


@pytest.mark.parametrize(
    ("script", "heard"),
    [
        ("console.warn('careful')", "warning: careful"),
        ("setTimeout(() => { throw new Error('slip') })", "slip"),
        ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')", "refused by style-src"),
        (
            "document.head.append(document.createRange().createContextualFragment('<script>1</script>'))",
            "refused by script-src",
        ),
        (f"fetch('{ELSEWHERE}').catch(() => {{}})", "refused by connect-src"),
        (f"window.open('{ELSEWHERE}')", "a request elsewhere"),
        ("window.open('about:blank').console.error('from a popup')", "from a popup"),
        (
            "try { new Worker(URL.createObjectURL(new Blob(['1']))) } catch {}",
            "refused by worker-src",
        ),
    ],
)
def test_whatever_goes_wrong_is_heard(site: Site, chromium: Browser, script: str, heard: str) -> None:
    visitor = Visitor(open_window(chromium), site)
    page = visitor.open(path="/docs")
    page.evaluate(f"() => {{ {script} }}")
    give_up = time.monotonic() + 20
    while not any(heard in complaint for complaint in visitor.complaints) and time.monotonic() < give_up:
        page.wait_for_timeout(20)
    assert any(heard in complaint for complaint in visitor.complaints), visitor.complaints
    visitor.context.close()
