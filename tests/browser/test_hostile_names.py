"""Names that are made to be more than names, wherever the pages show them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from shadowboard import checkpoints
from shadowboard.watched import watched_config
from tests.browser.sites import WORKER, Site
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser

MARKUP = '<img src=x onerror="window.caught=1"><script>window.caught=1</script>'
NAMES = {
    "markup": (MARKUP, MARKUP),
    "quotes": ('"\'` onmouseover=window.caught=1 x="', '"\'` onmouseover=window.caught=1 x="'),
    "templates": ("${window.caught=1}{{7*7}}{% x %}", "${window.caught=1}{{7*7}}{% x %}"),
    "entities": ("&lt;b&gt;&amp;&#60;", "&lt;b&gt;&amp;&#60;"),
    "turning": ("safe\u202egnp.exe", "safe�gnp.exe"),
    "isolating": ("a\u2069\u2066\u202bb", "a���b"),
    "lines": ("one\ntwo\r\nthree\u2028four", "one�two��three�four"),
    "emoji": ("👩🏽‍🚀" * 64, "👩🏽‍🚀" * 64),
    "hebrew": ("שלום 1 \u200fעולם", "שלום 1 \u200fעולם"),
    "zero width": ("a\u200bb\u2060c\ufeffd", "a\u200bb\u2060c\ufeffd"),
}
OF_FILES = "<img src=x onerror=caught=1>'\"`&amp;[x]*"  # a folder's name holds no /
# What a page must not have made of a name.
TRACES = "[onerror], [onmouseover], img[src='x'], script:not([src]):not([type])"


def check_nothing_came_of_it(page: Page) -> None:
    assert page.evaluate("window.caught") is None
    assert page.locator(TRACES).count() == 0


def check_width(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_names_of_runs(own_site: Site, visit: Open) -> None:
    runs = {}
    for kind, (name, shown) in NAMES.items():
        run = own_site.begin(name)
        assert own_site.store.run(run.id).name == shown
        runs[kind] = own_site.store.run(run.id)
        if kind in {"markup", "emoji"}:
            own_site.advance(run, 0, 100)
        own_site.end(run, "failed", name)  # and as its message
    visitor = visit(own_site, viewport={"width": 360, "height": 800})
    page = visitor.open(runs["markup"])
    for kind, run in runs.items():
        option = page.locator(f'#run-picker option[value="{run.id}"]')
        assert option.text_content() == f"{run.name} · failed · {run.id}", kind
    for kind in ("markup", "turning", "emoji"):
        page.goto(f"{own_site.url}/?run={runs[kind].id}")
        expect(page).to_have_title(f"Failed · {runs[kind].name} · Shadowboard")
        check_nothing_came_of_it(page)
        check_width(page)
    page.goto(f"{own_site.url}/?run={runs['markup'].id}")
    page.locator("#run-menu-open").click()
    page.get_by_role("button", name="Rename").click()
    field = page.get_by_role("dialog", name="Rename this run").get_by_label("Name")
    expect(field).to_have_value(MARKUP)
    field.fill(MARKUP.replace("/", "") + "\u202e")
    field.press("Enter")
    renamed = MARKUP.replace("/", "") + "�"
    expect(page).to_have_title(f"Failed · {renamed} · Shadowboard")
    page.locator("#run-menu-open").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#confirm-text")).to_contain_text(f"“{renamed}” ({runs['markup'].id})")
    check_nothing_came_of_it(page)
    page.get_by_role("button", name="Keep it").click()

    page.goto(f"{own_site.url}/compare-runs?runs={runs['markup'].id},{runs['emoji'].id}")
    for kind, run in runs.items():
        name = renamed if kind == "markup" else run.name
        link = page.locator(f'tr[data-run="{run.id}"] a').first
        expect(link).to_be_attached()
        assert link.text_content() == name, kind
    check_nothing_came_of_it(page)
    check_width(page)
    page.goto(f"{own_site.url}/inspect?run={runs['markup'].id}")
    expect(page).to_have_title(f"model.ckpt-100 · {renamed} · Shadowboard")
    check_nothing_came_of_it(page)


def test_names_in_a_folder_of_another_program(own_site: Site, visit: Open, tmp_path: Path) -> None:
    folder = tmp_path / "theirs" / OF_FILES
    folder.mkdir(parents=True)
    run = own_site.store.watch(watched_config(folder, data=own_site.data))
    assert run.name == OF_FILES
    (folder / f"{OF_FILES}.txt").touch()
    page = visit(own_site).open(run)
    expect(page.locator("#state")).to_contain_text(f"which holds {OF_FILES}.txt")
    check_nothing_came_of_it(page)
    weights = {
        name: value for name, value in own_site.trained[100].items() if "EMA" not in name and "/E" not in name
    }
    network = {name: value for name, value in weights.items() if name.startswith("layer")}
    tensors = weights | {f"{name}/{OF_FILES}": np.asarray(value) / 2 for name, value in network.items()}
    saved = checkpoints.save(tmp_path, 100, tensors)
    for file in tmp_path.glob(f"{saved.prefix.name}.*"):
        file.rename(folder / file.name.replace(saved.prefix.name, f"{OF_FILES}-100"))
    expect(page.locator("#sentence")).to_contain_text("At step 100", timeout=20_000)
    check_nothing_came_of_it(page)
    averages = [average["name"] for average in _get(page, f"{own_site.url}/runs/{run.id}")["averages"]]
    assert averages == [OF_FILES]
    page.goto(f"{own_site.url}/compare-runs")
    expect(page.locator(f'tr[data-run="{run.id}"]')).to_contain_text(OF_FILES)
    check_nothing_came_of_it(page)


def test_names_in_a_checkpoint(own_site: Site, visit: Open) -> None:
    run = own_site.begin("from elsewhere")
    names = {MARKUP, *(name for name, _ in NAMES.values())} - {NAMES["emoji"][0]}
    tensors: dict[str, Any] = {name: np.ones((2, 2), np.float32) for name in names}
    found = checkpoints.save(own_site.settings.run_folder(run.id), 5, tensors)
    own_site.store.add_checkpoint(run.id, WORKER, 5, found.bytes)
    own_site.end(run, "finished", "")
    page = visit(own_site).open(path=f"/inspect?run={run.id}")
    rows = page.locator("#variables-body tr")
    expect(rows).to_have_count(len(names))
    assert set(rows.evaluate_all("(rows) => rows.map((row) => row.dataset.name)")) == names
    check_nothing_came_of_it(page)
    rows.first.click()
    expect(page.locator("#closeup-content")).to_be_visible()
    check_nothing_came_of_it(page)


def _get(page: Page, url: str) -> Any:
    return page.request.get(url).json()
