"""The pure functions of the page that compares runs."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.modules import call

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([0, 50, 90], [0, 50, 90]),
        ([10, 12, 13], [10, 26, 42]),
        ([80, 95, 99], [68, 84, 100]),
        ([0, 99, 100], [0, 84, 100]),
        ([], []),
    ],
)
def test_labels_are_moved_apart(blank: Page, wanted: list[int], found: list[int]) -> None:
    assert call(blank, "compare_runs/place", "module.spread(argument, 16, 100)", wanted) == found


def labels(page: Page, *curves: tuple[str, list[tuple[int, float]]]) -> dict[str, Any]:
    """The labels of averaged curves, each a run's letter and its points, in a figure of 600 by 400 pixels."""
    given = [
        {
            "run": {"id": letter},
            "mark": {"letter": letter, "symbol": "circle"},
            "weights": "ema",
            "points": [{"step": step, "accuracy": accuracy} for step, accuracy in points],
        }
        for letter, points in curves
    ]
    colours = dict.fromkeys(("raw", "ema", "ink", "muted", "line"), "rgb(0, 0, 0)")
    options = {"emphasised": None, "colours": colours, "width": 600, "height": 400}
    found = call(
        page, "compare_runs/figure", "module.figure(...argument).layout.annotations", [given, options]
    )
    return {label["text"][0]: label for label in found}


def test_letters_of_curves_that_end_early_beneath_the_picture_stand_at_its_foot(blank: Page) -> None:
    good = [(step, 0.97 + step / 1_000_000) for step in range(0, 30_001, 3000)]
    found = labels(blank, ("A", good), ("B", [(0, 0.1)]), ("C", [(0, 0.1)]), ("D", good[:5]))
    assert (found["B"]["text"], found["C"]["text"]) == ("B ↓", "C ↓")
    heights = {letter: label["y"] for letter, label in found.items()}
    assert heights["B"] == heights["C"] < min(heights["A"], heights["D"])
    assert not found["B"]["showarrow"]  # no line leads across the plot
    assert found["D"]["showarrow"]
    pixels = (600 - 58 - 60) / 30_000
    assert found["C"]["x"] * pixels - found["B"]["x"] * pixels >= 28
    assert found["B"]["x"] * pixels >= 14  # and is not over the axis' numbers


@pytest.mark.parametrize(
    ("x", "y", "found"),
    [
        (60, 520, {"step": 50, "run": "a"}),  # between two points of it, near their line
        (60, 1005, {"step": 50, "run": "b"}),
        (85, 20, {"step": 75, "run": None}),  # a ends before it, and b is far
        (5, 60, None),
        (60, 1015, None),
    ],
)
def test_what_is_pointed_at(blank: Page, x: int, y: int, found: Any) -> None:
    frame = {"left": 10, "top": 10, "width": 100, "height": 1000, "last": 100, "range": [0, 100]}
    curves = [
        {"run": {"id": "a"}, "points": [{"step": 0, "accuracy": 0.0}, {"step": 60, "accuracy": 0.6}]},
        {"run": {"id": "b"}, "points": [{"step": 0, "accuracy": 0.0}, {"step": 100, "accuracy": 0.0}]},
    ]
    code = "module.pointedAt(argument.curves, argument.frame, argument)"
    assert (
        call(blank, "compare_runs/place", code, {"curves": curves, "frame": frame, "x": x, "y": y}) == found
    )


@pytest.mark.parametrize(
    "address",
    [
        "?",
        "?runs=",
        "?runs=abc,def",
        "?sort=step",
        "?sort=-knob:learning_rate",
        "?split=test",
        "?runs=abc,def,ghi&weights=both",
        "?filter=a+b&knobs=all",
        "?runs=abc&studies=def,ghi",
    ],
)
def test_the_address_holds_what_is_looked_at(blank: Page, address: str) -> None:
    code = "module.toAddress(module.fromAddress(argument))"
    assert call(blank, "compare_runs/selection", code, address) == address


def test_what_is_wrong_in_an_address_is_as_by_default(blank: Page) -> None:
    found = call(
        blank, "compare_runs/selection", "module.fromAddress(argument)", "?sort=<b>&split=x&weights="
    )
    assert (found["sort"], found["split"], found["weights"], found["ticked"]) == (
        "-created",
        "validation",
        None,
        None,
    )


def test_the_rows_of_a_study_stand_together_where_it_is_unfolded(blank: Page) -> None:
    studies = ["a", None, "b", "a"]
    rows = [{"run": {"id": i, "study": s and {"id": s}}} for i, s in enumerate(studies)]
    code = (
        "module.folded(...argument).map(({ row, study, rows }) => row ? row.run.id : [study.id, rows.length])"
    )
    assert call(blank, "compare_runs/folds", code, [rows, []]) == [["a", 2], 1, ["b", 1]]
    assert call(blank, "compare_runs/folds", code, [rows, ["a"]]) == [["a", 2], 0, 3, 1, ["b", 1]]
    code = "module.runsIn(module.folded(...argument), argument[1])"
    assert [call(blank, "compare_runs/folds", code, [rows, open]) for open in ([], ["a"])] == [4, 4]


def test_a_run_of_a_study_is_no_first_choice(blank: Page) -> None:
    runs = [
        {"id": "s", "state": "training", "study": {"id": "a"}},
        {"id": "newest", "state": "finished", "study": None},
        {"id": "live", "state": "training", "study": None},
    ]
    code = "argument.map((runs) => module.firstChoice(runs)?.id ?? null)"
    found = call(blank, "dashboard/list", code, [runs, runs[:2], runs[:1], []])
    assert found == ["live", "newest", "s", None]


@pytest.mark.parametrize(
    ("listed", "total", "unreadable", "left"),
    [
        (["a", "gone"], 2, [], 1),
        (["a"], 2, [], 1),  # it was older than all that are listed
        (["a"], 1, [], 1),  # it was deleted before the list was read
        (["a"], 2, ["gone"], 2),  # it was listed before its configuration could not be read any more
    ],
)
def test_a_run_that_is_gone_is_counted_once(
    blank: Page, listed: list[str], total: int, unreadable: list[str], left: int
) -> None:
    runs = [{"id": id} for id in listed]
    before = {"runs": runs, "total": total, "unreadable": unreadable}
    found = call(blank, "dashboard/list", "module.withNews(argument, { gone: 'gone' })", before)
    assert (found["runs"], found["total"]) == ([{"id": "a"}], left)
