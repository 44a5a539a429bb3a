"""Pages of other sites in the same browser, and a name of theirs that is pointed at this machine."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.sites import Site
from tests.browser.visitors import ARGUMENTS, CHROMIUM

pytestmark = pytest.mark.browser

# All that a page can try to have another site do, or to learn from it; ends with what it has learnt.
ATTACK = """async ([url, run]) => {
  const told = {};
  const attempt = async (name, path, method, body, kind, mode) => {
    for (const credentials of ["include", "omit"]) {
      const headers = kind ? { "Content-Type": kind } : {};
      try {
        const answer = await fetch(url + path, { method, body, headers, mode, credentials });
        told[name] = answer.type === "opaque" ? "" : await answer.text();
      } catch {
        told[name] = "";
      }
    }
  };
  const stop = `/runs/${run}/stop`;
  await attempt("read", "/runs", "GET");
  await attempt("stop", stop, "POST");
  await attempt("stop blindly", stop, "POST", "", "text/plain", "no-cors");
  await attempt("queue", "/runs", "POST", "{}", "application/json");
  await attempt("queue blindly", "/runs", "POST", "{}", "text/plain", "no-cors");
  await attempt("delete", `/runs/${run}`, "DELETE");
  await attempt("rename", `/runs/${run}`, "PATCH", '{"name": "x"}', "application/json");
  navigator.sendBeacon(url + stop, "");
  const stream = new EventSource(`${url}/runs/${run}/events?after=m0-c0-e0`);
  told.events = await new Promise((done) => {
    for (const name of ["run", "training"]) stream.addEventListener(name, ({ data }) => done(data));
    stream.onerror = () => done("");
  });
  stream.close();
  for (const [kind, path] of [["script", "/runs"], ["img", "/images/test/0.png"]]) {
    const element = document.createElement(kind);
    const loading = new Promise((done) => {
      element.onload = () => done("loaded");
      element.onerror = () => done("");
    });
    element.src = url + path;
    document.body.append(element);
    told[kind] = await loading;
  }
  return told;
}"""
FORM = """([url, run]) => {
  const form = document.createElement("form");
  Object.assign(form, { action: `${url}/runs/${run}/stop`, method: "post", enctype: "text/plain" });
  document.body.append(form);
  form.submit();
}"""


@contextmanager
def another_site() -> Iterator[int]:
    """A server of pages that mean harm, and its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>harmless</title><body>")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def misled(chromium: Browser) -> Iterator[Browser]:
    """A browser for which evil.example is this machine."""
    path = next(found for name in CHROMIUM if (found := shutil.which(name)))
    rules = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    own = chromium.browser_type.launch(executable_path=path, args=[*ARGUMENTS, rules])
    yield own
    own.close()


def test_a_page_of_another_site_changes_and_learns_nothing(site: Site, misled: Browser) -> None:
    run = site.begin("not theirs")
    site.advance(run, 0)
    context = misled.new_context()
    context.new_page().goto(f"{site.url}/?run={run.id}")  # where a person has just been
    with another_site() as port:
        for name in ("evil.example", "127.0.0.1", "localhost"):  # the last two are of the same site
            page = context.new_page()
            page.goto(f"http://{name}:{port}/")
            told = page.evaluate(ATTACK, [site.url, run.id])
            assert set(told.values()) == {""}, name
            with page.expect_navigation():
                page.evaluate(FORM, [site.url, run.id])
            assert "taken from this server's own pages only" in page.content()
    context.close()
    after = site.store.run(run.id)
    assert (after.state, after.stop_requested, after.name) == ("training", False, "not theirs")
    assert [one.id for one in site.store.runs() if one.created_at > run.created_at] == []
    site.end(run, "stopped", "")


def test_a_name_that_is_pointed_at_this_machine(site: Site, misled: Browser) -> None:
    """Then the other site's page would share an origin with ours."""
    run = site.begin("not theirs either")
    site.advance(run, 0)
    context = misled.new_context()
    page: Page = context.new_page()
    port = urlsplit(site.url).port
    answer = page.goto(f"http://evil.example:{port}/runs")
    assert answer is not None
    assert answer.status == 421
    assert "not theirs" not in page.content()
    told = page.evaluate(ATTACK, [f"http://evil.example:{port}", run.id])
    for name in ("read", "stop", "queue", "delete", "rename"):
        assert "The Host header is 'evil.example:" in told[name], name
    assert told["events"] == ""
    assert "not theirs" not in str(told)
    context.close()
    after = site.store.run(run.id)
    assert (after.state, after.stop_requested) == ("training", False)
    site.end(run, "stopped", "")
