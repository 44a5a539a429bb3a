"""The curves' pure functions, in the browser that runs them."""

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from shadowboard.intervals import wilson_interval
from tests.browser.modules import call
from tests.browser.test_modules import evaluations

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("correct", "n"), [(0, 10), (1, 10), (10, 10), (4923, 5000), (98123, 100000)])
def test_wilson_is_the_librarys(blank: Page, correct: int, n: int) -> None:
    found = call(blank, "curves/interval", "module.wilson(...argument)", [correct, n])
    assert found == pytest.approx(wilson_interval(correct, n), abs=1e-12)


def test_wilson_of_a_textbook(blank: Page) -> None:
    """81 of 263 (Newcombe 1998, table I): 0.2553 to 0.3662."""
    found = call(blank, "curves/interval", "module.wilson(81, 263)")
    assert [round(bound, 4) for bound in found] == [0.2553, 0.3662]


def test_close_up_takes_more_points_than_a_call_takes_arguments(blank: Page) -> None:
    points = "Array.from({ length: 200000 }, (_, i) => ({ step: i, accuracy: 0.98 + (i % 7) / 1000 }))"
    low, high = call(blank, "curves/range", f"module.closeUp({points})")["range"]
    assert low < 0.98
    assert high > 0.986


def test_curve_begins_at_its_first_point_in_the_picture(blank: Page) -> None:
    points = evaluations(0.1, 0.5, 0.98, 0.6, 0.99)
    risen = call(blank, "curves/range", "module.risen(argument, 0.9)", points)
    assert [e["accuracy"] for e in risen] == [0.98, 0.6, 0.99]


@pytest.mark.parametrize(
    ("target", "index"), [(-5, 0), (0, 0), (49, 0), (50, 1), (51, 1), (260, 2), (1000, 3), (math.inf, 3)]
)
def test_nearest(blank: Page, target: float, index: int) -> None:
    assert call(blank, "curves/series", "module.nearest([0, 100, 200, 400], argument)", target) == index


def test_nearest_of_nothing(blank: Page) -> None:
    assert call(blank, "curves/series", "module.nearest([], 1)") == -1


def history(**correct: list[int]) -> str:
    """Code of a history with so many right answers of raw weights on each split, at steps 0, 1000, …"""
    found = [
        {"split": split, "average": None, "step": 1000 * i, "correct": right, "n": 100}
        for split, answers in correct.items()
        for i, right in enumerate(answers)
    ]
    return f"(await import('/static/dashboard/history.js')).fromAnswer({json.dumps({'evaluations': found})})"


def test_best_step_is_the_earliest_best_of_validation(blank: Page) -> None:
    made = history(validation=[10, 97, 98, 98, 90], test=[10, 97, 96, 99, 99])
    assert call(blank, "curves/series", f"module.bestStep({made}, null)") == 2000
    assert call(blank, "curves/series", f"module.bestStep({made}, 'other')") is None


def test_bars_of_neighbouring_checkpoints_do_not_overlap(blank: Page) -> None:
    """A run that was stopped just after a checkpoint has saved another."""
    edges = call(
        blank,
        "curves/gap",
        """module.gapBars(
             [100, 200, 205].map((step) => ({ step, images: 3, share: 0.01,
               kind: step > 150 ? "clear" : "chance" })),
             { low: 0, high: 300, log: false }, { ema: "rgb(0, 0, 0)", raw: "rgb(9, 9, 9)" }, 674)
           .flatMap(({ x }) => x.flatMap((left, i) => (i % 6 ? [] : [[left, x[i + 2]]])))""",
    )
    edges.sort()
    assert [round(sum(edge) / 2) for edge in edges] == [100, 200, 205]
    assert all(before[1] < after[0] for before, after in pairwise(edges))
    assert edges[0][1] - edges[0][0] > 2 * (edges[2][1] - edges[2][0])


@pytest.mark.parametrize(
    ("raw", "ema", "n", "points"),
    [
        (4925, 4921, 5000, "−0.08 pp"),
        (4925, 4926, 5000, "+0.02 pp"),
        (10, 10, 100, "none"),
        (99_000, 99_001, 100_000, "+1 image"),
    ],
)
def test_a_gap_is_never_rounded_to_none(blank: Page, raw: int, ema: int, n: int, points: str) -> None:
    sides = [{"correct": raw, "n": n}, {"correct": ema, "n": n}]
    found = call(blank, "curves/readout", "module.difference(...argument)", sides)
    assert found["points"].replace("\u00a0", " ") == points


def test_extremes_keep_peaks_and_ends(blank: Page) -> None:
    value = "(i) => (i === 1234 ? 9 : i === 4321 ? -9 : i === 77 ? null : Math.sin(i))"
    kept = call(blank, "curves/sampling", f"module.extremes(5000, {value}, 100)")
    assert kept == sorted(set(kept))
    assert {0, 1234, 4321, 4999} <= set(kept)
    assert 77 not in kept
    assert len(kept) <= 102


def test_few_values_are_all_kept(blank: Page) -> None:
    assert call(blank, "curves/sampling", "module.extremes(3, () => null, 3)") == [0, 1, 2]


@pytest.mark.parametrize(
    ("low", "high", "steps"), [(150, 250, [100, 200, 300]), (0, 100, [0, 100, 200]), (500, 900, [400])]
)
def test_points_within(blank: Page, low: int, high: int, steps: list[int]) -> None:
    points = [{"step": step} for step in (0, 100, 200, 300, 400)]
    found = call(blank, "curves/sampling", f"module.within(argument, {low}, {high})", points)
    assert [point["step"] for point in found] == steps


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("zoomed", [None, [200, 3000]])
def test_places_and_steps_are_inverse(blank: Page, scale: str, zoomed: list[int] | None) -> None:
    state = {"scale": scale, "zoomed": zoomed, "run": {"state": "training", "step": 500, "steps": 5000}}
    code = """((axis) => [100, 500, 5000].map((step) => module.toStep(axis, module.toPlace(axis, step))))(
        module.stepAxis({ ...argument, history: { curves: new Map(), training: { step: [] } } }, 100))"""
    assert call(blank, "curves/axis", code, state) == pytest.approx([100, 500, 5000])


@pytest.mark.parametrize(
    ("state", "step", "last"),
    [
        ("stopped", 700, 700),
        ("finished", 700, 700),
        ("queued", 0, 5000),
        ("training", 1, 625),  # no less than an eighth
        ("training", 500, 625),
        ("training", 501, 1250),
        ("queued", 700, 1250),  # to be resumed
        ("training", 2000, 2500),
        ("training", 2100, 5000),
        ("training", 5000, 5000),
    ],
)
def test_axis_ends_where_the_run_does_or_a_part_of_it_early_on(
    blank: Page, state: str, step: int, last: int
) -> None:
    run = {"state": state, "step": step, "steps": 5000}
    code = "module.lastStep({ run: argument, history: { curves: new Map(), training: { step: [] } } })"
    assert call(blank, "curves/axis", code, run) == last


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.02, 4, [0.1, 1]), (1.3, 2.6, [1.5, 2]), (1.2, 1.7, [1.2, 1.4, 1.6]), (0.04, 3, [0.1, 0.3, 1, 3])],
)
def test_ticks_of_a_logarithmic_axis(blank: Page, low: float, high: float, ticks: list[float]) -> None:
    found = call(blank, "curves/axis", "module.logTicks(...argument)", [low, high])
    assert set(ticks) <= set(found)
    assert all(low <= tick <= high for tick in found)
    assert 2 <= len(found) <= 7


COLOURS = dict.fromkeys(("raw", "ema", "faint", "ink", "muted", "line"), "rgb(0, 0, 0)") | {
    "surface": "rgb(255, 255, 255)",
    "font": "serif",
}


def training_figure(page: Page, losses: list[float | None], **heights: list[float]) -> Any:
    """The training figure of a run with these losses, at steps 1, 11, …"""
    many = len(losses)
    training = {
        "step": [1 + 10 * i for i in range(many)],
        "loss": losses,
        "learning_rate": [0.1] * many,
        "decay": {"EMA": [0.1] * many},
    }
    state = {
        "run": {"state": "diverged", "step": 1, "steps": 100, "averages": [{"name": "EMA", "decay": 0.99}]},
        "average": "EMA",
        "scale": "linear",
        "zoomed": None,
    }
    code = """module.trainingFigure(
        { ...argument.state, history: { curves: new Map(), training: argument.training } }, argument.colours,
        { width: 600, height: 370, heights: argument.heights })"""
    given = {"state": state, "training": training, "colours": COLOURS, "heights": heights}
    return call(page, "curves/training_figure", code, given)


@pytest.mark.parametrize(
    ("losses", "labels"),
    [
        ([3.0, 0.04], ["0.1", "0.3", "1", "3"]),
        ([100_000.0, 2.0], ["10", "100", "1000", "10000", "100000"]),
        ([10.0, 1e22], ["1e6", "1e12", "1e18"]),
        ([1e-9, 1e-3, 9e37], ["1", "1e12", "1e24", "1e36"]),
        ([2.1e7, 2.2e7], ["2e7", "2.5e7"]),
    ],
)
def test_few_labels_at_the_loss_however_many_decades(
    blank: Page, losses: list[float], labels: list[str]
) -> None:
    axis = training_figure(blank, losses)["layout"]["yaxis"]
    assert axis["ticktext"] == labels
    assert len(axis["tickvals"]) == len(labels)


def test_a_zoom_into_many_decades_has_labels_of_its_own(blank: Page) -> None:
    axis = training_figure(blank, [10.0, 1e22], yaxis=[6.5, 8.5])["layout"]["yaxis"]
    assert axis["range"] == [6.5, 8.5]
    assert axis["ticktext"] == ["1e7", "3e7", "1e8", "3e8"]


@pytest.mark.parametrize("losses", [[2.5], [2.5, None]])
def test_a_lone_loss_is_marked(blank: Page, losses: list[float | None]) -> None:
    loss = training_figure(blank, losses)["data"][0]
    assert loss["mode"] == "markers"
    assert training_figure(blank, [2.5, 2.4])["data"][0]["mode"] == "lines"


def test_every_curve_of_a_single_report_is_marked(blank: Page) -> None:
    assert {curve["mode"] for curve in training_figure(blank, [2.5])["data"]} == {"markers"}


@pytest.mark.parametrize("zoomed", [None, [100, 200]])
@pytest.mark.parametrize("measure", ["accuracy", "error"])
def test_what_the_bands_are_is_said_on_a_ground_and_beside_the_button(
    blank: Page, measure: str, zoomed: list[int] | None
) -> None:
    state = {
        "run": {"state": "finished", "step": 300, "steps": 300, "averages": []},
        **{"average": None, "split": "test", "scale": "linear", "view": "closeup"},
        **{"measure": measure, "zoomed": zoomed},
    }
    made = f"{{ ...{history(test=[10, 97, 98, 98])}, training: {{ step: [] }} }}"
    code = f"""module.figure({{ ...argument.state, history: {made} }}, argument.colours,
        {{ width: 600, height: 370 }}).layout.annotations"""
    (said,) = call(blank, "curves/figure", code, {"state": state, "colours": COLOURS})
    assert said["bgcolor"] == COLOURS["surface"]
    assert (said["xshift"] < -100) == (measure == "error" and zoomed is not None)


@pytest.mark.parametrize(
    ("decay", "words"),
    [(0.5, "1.0 step"), (0.9, "6.6 steps"), (0.99, "69 steps"), (0.9999, "6,931 steps"), (1, "never halves")],
)
def test_half_life(blank: Page, decay: float, words: str) -> None:
    found = call(blank, "curves/half_life", "module.halfLifeWords(argument)", decay)
    assert found.replace("\u00a0", " ") == words


def test_half_life_of_a_weight_is_that_of_the_formula(blank: Page) -> None:
    found = call(blank, "curves/half_life", "module.halfLife(0.997)")
    assert 0.997**found == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("means", "largest"),
    [
        ([(0.001, 0.0005), (0.0021, 0.0011), (0.0019, 0.0012)], "+0.21\u00a0pp"),
        ([(0.001, 0.0005), (0.003, -0.001)], "+0.10\u00a0pp"),  # what could be chance is no gain
        ([(-0.001, -0.002), (0.003, -0.001)], None),
        ([(0.001, 0.0005), None], None),
    ],
)
def test_largest_gain(blank: Page, means: list[tuple[float, float] | None], largest: str | None) -> None:
    given = [mean and {"accuracy": mean[0], "interval": [mean[1], 1]} for mean in means]
    assert call(blank, "dashboard/choices", f"module.largestGain({json.dumps(given)})") == largest
