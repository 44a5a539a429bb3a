"""The form that queues a run."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from server.run_form import run_form
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.dataset import Dataset
from tests.browser.modules import call
from tests.browser.sites import Site
from tests.browser.visitors import Open
from worker.training import train

pytestmark = pytest.mark.browser


def form(page: Page) -> Locator:
    page.get_by_role("button", name="New run").click()
    dialog = page.get_by_role("dialog", name="New run")
    expect(dialog).to_be_visible()
    return dialog


def queue(dialog: Locator) -> None:
    dialog.get_by_role("button", name="Queue the run").click()


@pytest.fixture
def empty(own_site: Site, visit: Open) -> Page:
    page = visit(own_site).open()
    expect(page.get_by_role("heading", name="No run yet")).to_be_visible()
    return page


def test_as_it_is_the_form_queues_the_reference_recipe(own_site: Site, empty: Page) -> None:
    dialog = form(empty)
    expect(dialog.get_by_role("button", name="Reference recipe")).to_have_attribute("aria-pressed", "true")
    queue(dialog)
    expect(dialog).to_be_hidden()
    run = own_site.store.newest_run()
    assert (run.name, run.config) == ("reference recipe", RunConfig())
    expect(empty.locator("#run-picker")).to_have_value(run.id)
    expect(empty).to_have_url(f"{own_site.url}/?run={run.id}")
    expect(empty.locator("#state")).to_contain_text("Queued")


def test_every_knob_is_sent_as_it_was_typed(own_site: Site, empty: Page) -> None:
    dialog = form(empty)
    knobs = {
        "steps": 1234, "save_every": 50, "batch_size": 64, "seed": 7, "hidden": (300, 20),
        "activation": "tanh", "optimizer": "momentum", "momentum": 0.5, "learning_rate": 0.05,
        "learning_rate_decay": 0.9, "regularization": 1e-6,
    }  # fmt: skip
    assert {*knobs, "averages", "data", "start_from"} == set(RunConfig.model_fields)
    for name, value in knobs.items():
        field = dialog.locator(f"[name={name}]")
        if isinstance(value, str):
            field.select_option(value)
        else:
            field.fill(", ".join(map(str, value)) if isinstance(value, tuple) else f"{value:.15g}")
    dialog.get_by_label("Name", exact=True).fill(" all of them ")
    dialog.get_by_role("button", name="Remove this average").click()
    for decay in ("0.9", "0"):
        dialog.get_by_role("button", name="Add an average").click()
        dialog.get_by_label("Decay", exact=True).last.fill(decay)
    dialog.get_by_label("num_updates").last.uncheck()
    queue(dialog)
    expect(dialog).to_be_hidden()
    run = own_site.store.newest_run()
    averages = [{"decay": 0.9}, {"decay": 0, "num_updates": False}]
    assert (run.name, run.config) == ("all of them", parse_config(knobs | {"averages": averages}))
    dialog = form(empty)  # the next one begins anew
    expect(dialog.get_by_label("Steps", exact=True)).to_have_value("30000")
    expect(dialog.get_by_role("button", name="Reference recipe")).to_have_attribute("aria-pressed", "true")


def test_presets(own_site: Site, empty: Page) -> None:
    for preset in run_form().presets:
        dialog = form(empty)
        dialog.get_by_label("Steps", exact=True).fill("77")
        dialog.get_by_role("button", name=preset.name).click()
        expect(dialog.get_by_role("button", name=preset.name)).to_have_attribute("aria-pressed", "true")
        queue(dialog)
        expect(dialog).to_be_hidden()
        assert own_site.store.newest_run().config == parse_config(preset.knobs), preset.name


def test_the_knobs_of_the_run_that_is_looked_at(own_site: Site, visit: Open) -> None:
    config = parse_config({"seed": 3, "hidden": [], "averages": [{"decay": 0.5, "num_updates": False}]})
    run = own_site.store.create_run(config, "the first")
    page = visit(own_site).open(run)
    expect(page.locator("#state")).to_contain_text("Queued")
    dialog = form(page)
    dialog.get_by_role("button", name="As this run").click()
    expect(dialog.locator("#preset-help")).to_have_text(
        "Differs from the reference recipe in: averages, hidden, seed."
    )
    dialog.get_by_label("Seed").fill("4")
    queue(dialog)
    expect(dialog).to_be_hidden()
    assert own_site.store.newest_run().config == config.model_copy(update={"seed": 4})


def test_of_two_buttons_for_the_same_knobs_one_is_pressed(own_site: Site, visit: Open) -> None:
    run = own_site.store.create_run(RunConfig(), "the reference recipe, too")
    page = visit(own_site).open(run)
    expect(page.locator("#state")).to_contain_text("Queued")
    dialog = form(page)
    pressed = dialog.locator(".presets [aria-pressed=true]")
    expect(pressed).to_have_text("Reference recipe")
    for name in ("As this run", "Reference recipe"):
        dialog.get_by_role("button", name=name).click()
        expect(pressed).to_have_text(name)
    dialog.get_by_label("Seed").fill("4")
    expect(pressed).to_have_count(0)


def test_sentences_of_the_server_stand_beside_their_fields(own_site: Site, visit: Open) -> None:
    visitor = visit(own_site)
    page = visitor.open()
    dialog = form(page)
    visitor.expects_loss = True  # browsers note every 422
    steps, decay = dialog.get_by_label("Steps", exact=True), dialog.get_by_label("Decay", exact=True)
    steps.fill("0")
    dialog.get_by_label("Seed").fill("first")
    decay.fill("1")
    queue(dialog)
    expect(dialog.locator("#problem-steps")).to_have_text("steps is 0; expected 1 to 100,000,000.")
    expect(dialog.locator("#problem-seed")).to_contain_text("seed is 'first'; expected a whole number")
    expect(dialog.locator("#problem-averages")).to_contain_text(
        "averages.0.decay is 1; expected 0 to below 1."
    )
    expect(dialog.locator("#problem-form")).to_be_hidden()
    expect(decay).to_have_attribute("aria-invalid", "true")
    expect(decay).to_be_focused()  # the first of them on the page
    decay.fill("0.9")
    expect(decay).not_to_have_attribute("aria-invalid", "true")
    steps.fill("10")
    expect(dialog.locator("#problem-steps")).to_be_hidden()
    dialog.get_by_label("Seed").fill("1")
    dialog.get_by_role("button", name="Add an average").click()
    dialog.get_by_label("Decay", exact=True).last.fill("0.9")
    queue(dialog)
    expect(dialog.locator("#problem-averages")).to_have_text(
        "two averages have the decay 0.9; expected each once."
    )
    dialog.get_by_role("button", name="Remove this average").last.click()
    queue(dialog)
    expect(dialog).to_be_hidden()
    assert own_site.store.newest_run().config == parse_config(
        {"steps": 10, "seed": 1, "averages": [{"decay": 0.9}]}
    )


def test_the_form_knows_what_goes_together(empty: Page) -> None:
    """Momentum where it matters, no more averages than a run can keep; Escape keeps what was typed."""
    dialog = form(empty)
    momentum = dialog.get_by_label("Momentum")
    expect(momentum).to_be_disabled()
    dialog.get_by_label("Optimiser", exact=True).select_option("momentum")
    expect(momentum).to_be_enabled()
    add = dialog.get_by_role("button", name="Add an average")
    for _ in range(run_form().most_averages - 1):
        add.click()
    expect(add).to_be_disabled()
    decays = [field.input_value() for field in dialog.get_by_label("Decay", exact=True).all()]
    assert len(set(decays)) == run_form().most_averages
    dialog.get_by_role("button", name="Remove this average").first.click()
    expect(add).to_be_enabled()
    dialog.get_by_label("Steps", exact=True).fill("4321")
    empty.keyboard.press("Escape")
    expect(empty.get_by_role("dialog")).to_have_count(0)
    expect(form(empty).get_by_label("Steps", exact=True)).to_have_value("4321")


def test_the_form_fits(empty: Page) -> None:
    dialog = form(empty)
    dialog.get_by_role("button", name="Three decays at once").click()
    body, last = dialog.locator(".form-body"), dialog.get_by_label("Regularisation factor")
    for width in (360, 1440):
        empty.set_viewport_size({"width": width, "height": 700})
        assert empty.evaluate("document.documentElement.scrollWidth") <= width
        assert body.evaluate("(one) => one.scrollWidth - one.clientWidth") == 0
        expect(dialog.get_by_role("button", name="Queue the run")).to_be_in_viewport()
        last.scroll_into_view_if_needed()
        expect(last).to_be_in_viewport()


# Pure functions


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (" 30000 ", "whole", 30000),
        ("1e-4", "number", 1e-4),
        ("", "number", ""),
        ("many", "whole", "many"),
        ("500, 300", "list", [500, 300]),
        ("500 + 300", "list", [500, 300]),
        ("500, wide", "list", [500, "wide"]),
        (" ", "list", []),
        ("relu", "choice", "relu"),
    ],
)
def test_fields_are_parsed(blank: Page, text: str, kind: str, value: Any) -> None:
    assert call(blank, "run_form/knobs", "module.parsed(...argument)", [text, kind]) == value


@pytest.mark.parametrize(
    ("detail", "found"),
    [
        ("steps is 0; expected more.", [("steps", None)]),
        ("steps is 0; expected more. seed is 'a. b is c'; expected less.", [("steps", None), ("seed", None)]),
        (
            "averages.1.decay is 2; expected less. hidden.0 is 0; expected more.",
            [("averages", 1), ("hidden", 0)],
        ),
        ("name has a slash; expected none. steps is 0; expected more.", [("name", None), ("steps", None)]),
        ("two averages have the decay 0.9; expected each once.", [("averages", None)]),
        ("The database is locked.", [(None, None)]),
    ],
)
def test_findings_name_their_knobs(
    blank: Page, detail: str, found: list[tuple[str | None, int | None]]
) -> None:
    code = 'module.findings(argument, ["steps", "seed", "averages", "hidden", "name"])'
    answer = call(blank, "run_form/knobs", code, detail)
    assert [(one["knob"], one["place"]) for one in answer] == found
    assert " ".join(one["text"] for one in answer) == detail


def test_the_form_tells_what_a_run_will_save(empty: Page) -> None:
    dialog = form(empty)
    told = dialog.locator("#new-run-saved")
    expect(told).to_have_text("31 checkpoints, about 99\u00a0MB")
    dialog.get_by_label("Save every").fill("1")
    expect(told).to_have_text("30,001 checkpoints, about 95\u00a0GB")
    dialog.get_by_label("Save every").fill("often")
    expect(told).to_have_text("")


@pytest.mark.parametrize(
    "knobs",
    [
        {"steps": 5, "save_every": 2, "hidden": (20,)},
        {"steps": 4, "save_every": 2, "hidden": (), "averages": []},
        {"steps": 3, "save_every": 9, "hidden": (7, 9), "optimizer": "momentum",
         "averages": [{"decay": 0.9}, {"decay": 0.99}]},
    ],
)  # fmt: skip
def test_what_a_run_saves_is_as_it_was_told(
    tmp_path: Path, blank: Page, mnist: Dataset, knobs: dict[str, Any]
) -> None:
    config = parse_config(knobs)
    told = call(blank, "run_form/knobs", "module.saved(argument)", config.model_dump(mode="json"))
    for _ in train(config, mnist.train, tmp_path, lambda: False):
        pass
    files = list(tmp_path.glob("*.data-*"))
    assert told["checkpoints"] == len(files)
    assert told["bytes"] == pytest.approx(sum(file.stat().st_size for file in files), abs=64 * len(files))
