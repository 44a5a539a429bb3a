"""The drawing panel's pure functions, in the browser that runs them."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.modules import call

pytestmark = pytest.mark.browser

PIXELS = [[0.0] * 28 for _ in range(28)]
PIXELS[3] = [round(i / 27, 4) for i in range(28)]
STROKES = [{"width": 0.06, "points": [{"x": 0.25, "y": 0.123456}, {"x": 1, "y": 0}]}]


def drawing(name: str, label: int = 7, **more: Any) -> dict[str, Any]:
    return {"id": name, "label": label, "told": "", "pixels": PIXELS, "strokes": [], **more}


def test_pixels_are_the_same_after_their_way_through_text(blank: Page) -> None:
    found = call(blank, "drawing/pixels", "module.fromText(module.toText(argument))", PIXELS)
    assert len(found) == 28
    for row, expected in zip(found, PIXELS, strict=True):
        assert row == pytest.approx(expected, abs=0.5 / 255 + 1e-4)
    again = call(blank, "drawing/pixels", "module.fromText(module.toText(argument))", found)
    assert again == found


@pytest.mark.parametrize("text", ["", "AAAA", "no Base64!", None, "A" * 1048])
def test_other_text_is_no_pixels(blank: Page, text: str | None) -> None:
    assert call(blank, "drawing/pixels", "module.fromText(argument)", text) is None


def test_kept_drawings_are_the_same_after_their_way_through_text(blank: Page) -> None:
    kept = [drawing("a", 3, strokes=STROKES), drawing("b", 9, told="Test image 5: a 9")]
    found = call(blank, "drawing/kept", "module.listed(module.written(argument))", kept)
    assert [(d["id"], d["label"], d["told"]) for d in found] == [("a", 3, ""), ("b", 9, "Test image 5: a 9")]
    assert found[0]["strokes"] == [{"width": 0.06, "points": [{"x": 0.25, "y": 0.1235}, {"x": 1, "y": 0}]}]


@pytest.mark.parametrize(
    "text",
    [None, "", "{", "3", "{}", "[1, null, {}]", '[{"id": "a", "label": 12, "pixels": ""}]'],
)
def test_what_is_no_list_of_drawings_is_an_empty_one(blank: Page, text: str | None) -> None:
    assert call(blank, "drawing/kept", "module.listed(argument)", text) == []


def test_strokes_that_cannot_be_read_leave_the_pixels(blank: Page) -> None:
    code = "module.listed(module.written(argument).replace('[0.06,0.25,', '[0.06,'))"
    (found,) = call(blank, "drawing/kept", code, [drawing("a", strokes=STROKES)])
    assert found["strokes"] == []
    assert found["pixels"][3][27] == 1


def test_the_newest_come_first_and_the_oldest_make_room(blank: Page) -> None:
    code = "argument.reduce(module.withDrawing, []).map(({ id }) => id)"
    many = [drawing(str(i)) for i in range(30)]
    assert call(blank, "drawing/kept", code, many) == [str(i) for i in range(29, 5, -1)]


def test_a_drawing_said_to_be_another_digit_keeps_its_place(blank: Page) -> None:
    code = "argument.reduce(module.withDrawing, []).map(({ id, label }) => [id, label])"
    given = [drawing("a"), drawing("b"), drawing("a", 1)]
    assert call(blank, "drawing/kept", code, given) == [["b", 7], ["a", 1]]


def reading(raw: int, averaged: int | None) -> dict[str, Any]:
    averages = [] if averaged is None else [{"average": "EMA", "digit": averaged}]
    return {"raw": {"digit": raw}, "averages": averages}


@pytest.mark.parametrize(
    ("found", "parts", "spoken"),
    [
        (reading(7, 7), ["✓", "✓"], "raw reads it right, averaged reads it right"),
        (reading(1, 7), ["✗1", "✓"], "raw reads a 1, averaged reads it right"),
        (reading(8, None), ["✗8"], "raw reads an 8"),
        (None, [], "Not read yet"),
    ],
)
def test_marks(blank: Page, found: Any, parts: list[str], spoken: str) -> None:
    code = (
        "(({ parts, spoken }) => [parts.map((part) => part.textContent), spoken])"
        "(module.marks(7, argument ?? undefined, 'EMA'))"
    )
    assert call(blank, "drawing/marks", code, found) == [parts, spoken]


def test_right_readings_are_counted(blank: Page) -> None:
    code = "module.tally(argument[0], new Map(argument[1]), argument[2])"
    drawings = [drawing("a", 7), drawing("b", 1), drawing("c", 2)]
    found = [["a", reading(7, 7)], ["b", reading(7, 1)]]
    assert call(blank, "drawing/marks", code, [drawings, found, "EMA"]) == {"raw": 1, "ema": 2}
    assert call(blank, "drawing/marks", code, [drawings, found, None]) == {"raw": 1, "ema": None}


def line(page: Page, axis: dict[str, Any]) -> str:
    weights = {"probabilities": [[share, 1 - share] for share in (1, 0.25, 0)]}
    code = "module.linePath(argument[0], [0, 100, 1000], argument[1], 0)"
    return str(call(page, "readings/line", code, [axis, weights]))


def test_the_line_through_training(blank: Page) -> None:
    assert line(blank, {"low": 0, "high": 1000, "log": False}) == "M0.0 0.0L100.0 750.0L1000.0 1000.0"


def test_a_logarithmic_axis_has_no_place_for_step_0(blank: Page) -> None:
    assert line(blank, {"low": 2, "high": 3, "log": True}) == "M0.0 750.0L1000.0 1000.0"


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([], ""),
        ([3000], "Left out, for it could not be read: step 3,000."),
        ([1, 2, 3, 4, 5], "Left out, for they could not be read: step 1, 2, 3 and 2 more."),
    ],
)
def test_skipped_checkpoints_are_told(blank: Page, steps: list[int], text: str) -> None:
    skipped = [{"step": step, "reason": "It is damaged."} for step in steps]
    assert call(blank, "drawing/through_words", "module.skippedText(argument)", skipped) == text
