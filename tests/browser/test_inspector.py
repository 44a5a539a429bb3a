"""The page that looks into a checkpoint."""

from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from shadowboard import checkpoints
from shadowboard.contents import open_contents
from shadowboard.inspection import inspect
from shadowboard.listing import Checkpoint
from shadowboard.records import Run
from tests.browser.sites import WORKER, Site
from tests.browser.test_accessibility import check
from tests.browser.visitors import Open
from tests.oracles import snapshot_demo

pytestmark = pytest.mark.browser

EMA = "ExponentialMovingAverage"
TWO = {"averages": [{"decay": 0.99}, {"decay": 0.999}]}
NBSP = "\u00a0"


@pytest.fixture
def trained_run(site: Site) -> Run:
    run = site.begin("to look into", **TWO)
    site.advance(run, 0, 100, 200)
    site.end(run, "finished", "")
    return run


def saved(site: Site, tensors: dict[str, Any], step: int = 5) -> Run:
    """A run with one checkpoint, which holds whatever a program may have put into it."""
    run = site.begin("from elsewhere")
    found = checkpoints.save(site.settings.run_folder(run.id), step, tensors)
    site.store.add_checkpoint(run.id, WORKER, step, found.bytes)
    site.end(run, "finished", "")
    return run


def rows(page: Page) -> Locator:
    return page.locator("#variables-body tr")


def cells(page: Page, name: str) -> list[str]:
    return page.locator(f'#variables-body tr[data-name="{name}"] > *').all_inner_texts()


def whole(page: Page) -> None:
    """All panels show `trained_run`: nothing comes any more that moves what is pointed at."""
    expect(page.locator(".raw-outline")).to_have_count(1)
    expect(page.locator("#variables-body .distance .bar")).to_have_count(8)
    expect(page.locator("#restored-ema-list li")).to_have_count(5)
    expect(page.locator("#units-place")).not_to_be_empty()


def test_every_variable_with_its_average_and_their_distance(
    site: Site, visit: Open, trained_run: Run
) -> None:
    page = visit(site).open(path=f"/inspect?run={trained_run.id}")
    expect(page.locator("h1")).to_have_text("model.ckpt-200")
    expect(page.locator("#tally")).to_have_text(f"13 variables: 4 raw, 8 averages, 1 counter · 4.8{NBSP}MB")
    names = rows(page).evaluate_all("(rows) => rows.map((row) => row.dataset.name)")
    family = ["", f"/{EMA}", "/EMA_0.999"]
    layers = [f"layer{i}/{kind}" for i in (1, 2) for kind in ("biases", "weights")]
    assert names == ["global_step", *(layer + end for layer in layers for end in family)]
    expect(page.locator("#variables-body .distance .bar")).to_have_count(8)
    contents = open_contents(Checkpoint(site.settings.run_folder(trained_run.id) / "model.ckpt-200", 200))
    (known,) = inspect(contents, [f"layer1/weights/{EMA}"])
    assert known.distance is not None
    shown = cells(page, known.name)
    assert [shown[0].replace("\n", ""), shown[1], shown[2]] == [
        f"layer1/weights/{EMA}",
        "average",
        "784 × 500 float32",
    ]
    assert shown[3].strip() == f"{100 * known.distance:.2f}{NBSP}%"
    assert shown[4] == f"{known.cosine:.6f}"


def test_a_variable_close_up(site: Site, visit: Open, trained_run: Run) -> None:
    page = visit(site).open(path=f"/inspect?run={trained_run.id}")
    expect(page.locator("#closeup-title")).to_have_text("layer1/weights")
    whole(page)
    raw, averaged = page.locator(".raw-outline"), page.locator(".ema-outline")
    styles = [
        one.evaluate("(e) => [getComputedStyle(e).strokeDasharray, getComputedStyle(e).strokeWidth]")
        for one in (raw, averaged)
    ]
    assert [dashes != "none" for dashes, _ in styles] == [True, False]
    assert float(styles[0][1][:-2]) < float(styles[1][1][:-2])
    page.locator("#histogram svg").hover()
    expect(page.locator("#histogram-readout")).to_contain_text("averaged 0.99 ")
    page.get_by_label("Log", exact=True).check()
    button = page.get_by_role("button", name="layer2/biases", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#closeup-title")).to_have_text("layer2/biases")
    expect(button).to_be_focused()
    expect(page.locator("#closeup-values tr")).to_have_count(10)
    contents = open_contents(Checkpoint(site.settings.run_folder(trained_run.id) / "model.ckpt-200", 200))
    expected = [np.concatenate(list(contents.blocks(f"layer2/biases{end}"))) for end in ("", "/EMA_0.999")]
    page.get_by_label("0.999").check()
    expect(page.locator("#closeup-numbers thead")).to_contain_text("averaged 0.999")
    shown = page.locator("#closeup-values tr").evaluate_all(
        "(rows) => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent))"
    )
    told = [[np.float32(text.replace("−", "-")) for text in row] for row in shown]
    np.testing.assert_array_equal(np.array(told).T, expected)
    expect(page).to_have_url(
        f"{site.url}/inspect?run={trained_run.id}&name=layer2/biases&average=EMA_0.999&scale=log"
    )
    page.reload()
    expect(page.locator("#closeup-numbers thead")).to_contain_text("averaged 0.999")


def test_the_first_layer_in_colours_of_sign(site: Site, visit: Open, trained_run: Run) -> None:
    page = visit(site).open(path=f"/inspect?run={trained_run.id}")
    whole(page)
    expect(page.locator("#units-place")).to_have_text("1–24 of 500 units")
    figures = page.locator(".unit-figures figure")
    expect(figures).to_have_count(3)
    contents = open_contents(Checkpoint(site.settings.run_folder(trained_run.id) / "model.ckpt-200", 200))
    raw = np.concatenate(list(contents.blocks("layer1/weights"))).reshape(28, 28, 500)
    pixels = page.locator("#units-raw").evaluate(
        "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"
    )
    green = np.array(pixels).reshape(28, 28, 4)
    ground = np.array([0xF4, 0xF4, 0xF4])
    strength = np.abs(green[..., :3] - ground).sum(axis=-1)
    unit = raw[..., 0]
    assert np.corrcoef(strength.ravel(), np.abs(unit).ravel())[0, 1] > 0.9
    strong = np.abs(unit) > np.abs(unit).max() / 2
    assert ((green[..., 1] > green[..., 0])[strong] == (unit > 0)[strong]).all()
    page.locator("#units-raw").hover(position={"x": 5, "y": 5})
    expect(page.locator("#units-readout")).to_contain_text("Unit 0, averaged ")
    page.get_by_role("button", name="Next units").click()
    expect(page.locator("#units-place")).to_have_text("25–48 of 500 units")
    page.get_by_label("Most changed").check()
    expect(page.locator("#units-place")).to_have_text("1–24 of 500 units")


def listed(page: Page, kind: str) -> dict[str, str]:
    found = page.locator(f"#{kind}-list li").evaluate_all(
        """(rows) => rows.map((row) =>
          [".variable-name", ".values"].map((part) => row.querySelector(part)?.textContent ?? ""))"""
    )
    return {name: value.replace("−", "-") for name, value in found}


def test_the_snapshot_demos_three_lists(site: Site, visit: Open) -> None:
    run = site.begin("snapshot demo")
    folder = site.settings.run_folder(run.id)
    folder.mkdir(parents=True)
    expected = snapshot_demo.lists(snapshot_demo.train(folder))
    for step in (20, 40):
        site.store.add_checkpoint(run.id, WORKER, step, 100)
    site.end(run, "finished", "")
    page = visit(site).open(path=f"/inspect?run={run.id}&step=40")
    expect(page.locator("h1")).to_have_text("snapshot-40")
    expect(page.locator("#tally")).to_contain_text("7 variables: 2 raw, 2 averages, 2 slots, 1 counter")
    expect(page.locator("#held-list .values")).to_have_count(7)
    expect(page.locator("#restored-ema-list .values")).to_have_count(3)
    expect(page.locator("#units-panel")).to_be_hidden()
    for kind, values in zip(("held", "restored-raw", "restored-ema"), expected, strict=True):
        shown = {name: np.fromstring(text, np.float32, sep=",") for name, text in listed(page, kind).items()}
        assert set(values) <= set(shown)
        for name, value in values.items():
            np.testing.assert_array_equal(shown[name], np.float32(value).ravel())
    expect(page.locator("#restored-ema .raw-note")).to_have_count(1)
    expect(page.locator("#restored-ema-sentence")).to_contain_text("global_step raw, for the checkpoint")


def test_one_name_that_nothing_reads(site: Site, visit: Open) -> None:
    values = {name: np.ones(3, np.float32) for name in ("v", f"v/{EMA}")}
    page = visit(site).open(path=f"/inspect?run={saved(site, values).id}")
    expect(page.locator("#restored-raw-left")).to_have_text("1 name of the checkpoint is not read.")


def test_a_thousand_variables_in_pages(site: Site, visit: Open) -> None:
    values = {f"block_{i:03}/kernel": np.full((2, 2), i, np.float32) for i in range(400)}
    shadows = {f"{name}/{EMA}": value * np.float32(0.5) for name, value in values.items()}
    slots = {f"{name}/Momentum": value for name, value in values.items()}
    page = visit(site).open(path=f"/inspect?run={saved(site, values | shadows | slots).id}")
    expect(page.locator("#variables-note")).to_have_text("1–60 of 1,200 variables")
    expect(rows(page)).to_have_count(60)
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator("#variables-note")).to_have_text("61–120 of 1,200 variables")
    expect(page.locator("#variables-body .distance .bar")).to_have_count(20)
    page.get_by_label("Filter the variables").fill("_39 kernel average")
    expect(rows(page)).to_have_count(10)
    expect(page.locator("#variables-note")).to_have_text("10 of 1,200 variables")
    assert cells(page, f"block_399/kernel/{EMA}")[3].strip() in {"", f"50.00{NBSP}%"}
    expect(page.locator("#variables-body .distance .bar")).to_have_count(10)
    restored = page.locator("#restored-ema-list")
    expect(restored.locator("li")).to_have_count(41)  # the first ones, and the button
    restored.get_by_role("button", name="Show all 400").click()
    expect(restored.locator("li")).to_have_count(400)
    expect(restored).to_be_focused()
    page.get_by_label("Filter the variables").fill("no such")
    expect(page.locator("#variables-note")).to_have_text("No variable is like that.")


def test_other_steps_and_the_way_there_and_back(site: Site, visit: Open, trained_run: Run) -> None:
    page = visit(site).open(trained_run)
    expect(page.locator("#step-shown")).to_have_text("200")
    expect(page.locator("#step-slider")).to_have_attribute("max", "2")  # all are evaluated
    page.get_by_role("button", name="Step before").click()
    expect(page.locator("#step-shown")).to_have_text("100")  # and the link leads there
    page.locator("#inspect-step").click()
    expect(page.locator("h1")).to_have_text("model.ckpt-100")
    page.get_by_role("button", name="Next checkpoint").click()
    expect(page.locator("h1")).to_have_text("model.ckpt-200")
    page.go_back()
    expect(page.locator("h1")).to_have_text("model.ckpt-100")
    page.locator("#step-picker").select_option("latest")
    expect(page.locator("h1")).to_have_text("model.ckpt-200")
    page.get_by_role("link", name="Results at this step").click()
    expect(page.locator("#step-shown")).to_have_text("200")


def test_what_comes_late_is_not_shown_for_another_step(site: Site, visit: Open, trained_run: Run) -> None:
    held: dict[str, list[Route]] = {}

    def hold(route: Route) -> None:
        step, question = urlsplit(route.request.url).path.split("/")[-2:]
        held.setdefault(f"{step} {question}", []).append(route)

    def let_go(page: Page, *names: str) -> None:
        for route in [route for name in names for route in held.pop(name)]:
            with page.expect_response(route.request.url) as answer:
                route.continue_()
            answer.value.finished()
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    page = visit(site).context.new_page()
    for question in ("100/restore-map", "100/units", "0/variables", "0/restore-map", "0/units"):
        page.route(f"**/checkpoints/{question}?*", hold)
    with page.expect_request("**/100/units?*"), page.expect_request("**/100/restore-map?ema=true*"):
        page.goto(f"{site.url}/inspect?run={trained_run.id}&step=100")
    with page.expect_request("**/0/variables?*"):
        page.locator("#step-picker").select_option("0")
    let_go(page, "100 restore-map", "100 units")
    with page.expect_request("**/0/units?*"), page.expect_request("**/0/restore-map?ema=true*"):
        let_go(page, "0 variables")
    expect(page.locator("h1")).to_have_text("model.ckpt-0")
    expect(page.locator("#restored-raw-list li")).to_have_count(0)
    expect(page.locator("#units-place")).to_have_text("")
    let_go(page, "0 restore-map", "0 units")
    expect(page.locator("#restored-raw-list .values").first).to_have_text("0")
    expect(page.locator("#units-place")).to_have_text("1–24 of 500 units")


def test_the_latest_by_its_number(site: Site, visit: Open, trained_run: Run) -> None:
    page = visit(site).open(path=f"/inspect?run={trained_run.id}")
    expect(page.locator("#units-place")).to_have_text("1–24 of 500 units")
    with page.expect_request("**/200/units?*"):
        page.locator("#step-picker").select_option("200")
    page.get_by_role("button", name="Next units").click()
    expect(page.locator("#units-place")).to_have_text("25–48 of 500 units")


def test_what_cannot_be_looked_at_is_said(site: Site, visit: Open, trained_run: Run) -> None:
    visitor = visit(site)
    visitor.expects_loss = True
    data = site.settings.run_folder(trained_run.id) / "model.ckpt-100.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-9])
    page = visitor.open(path=f"/inspect?run={trained_run.id}&step=100")
    expect(page.locator("#problem-text")).to_contain_text("model.ckpt-100 is damaged or cannot be read")
    page.locator("#step-picker").select_option("200")
    expect(page.locator("h1")).to_have_text("model.ckpt-200")
    expect(page.locator("#problem")).to_be_hidden()
    page = visitor.open(path="/inspect?run=nobody")
    expect(page.locator("#problem-text")).to_contain_text("There is no run 'nobody'")
    expect(page.locator("#run-picker")).to_be_enabled()


def test_values_that_are_no_numbers(site: Site, visit: Open) -> None:
    values = {
        "w": np.array([1, np.nan, -np.inf], np.float32),
        "words": np.array([b"a"]),
        "none": np.zeros((0, 3)),
    }
    page = visit(site).open(path=f"/inspect?run={saved(site, values).id}&name=w")
    expect(page.locator("#closeup-values td")).to_have_text(["1", "not finite", "not finite"])
    expect(page.locator('tr[data-name="w"] .problem')).to_have_text("2")
    for name in ("words", "none"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator("#closeup-title")).to_have_text(name)


def test_nothing_to_complain_of(site: Site, visit: Open, trained_run: Run) -> None:
    page = visit(site).open(path=f"/inspect?run={trained_run.id}")
    whole(page)
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    check(page, "the inspector")
