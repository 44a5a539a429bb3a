"""The pure functions of the panel that asks whether validation may choose."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from shadowboard.agreement import Pair, Pairs, agree, correlation_text
from tests.browser.modules import call

pytestmark = pytest.mark.browser


def sides(validation: list[int], test: list[int], span: str = "all", **run: Any) -> str:
    """Code of what is shown of raw weights with so many of 100 (200) images right at steps 0, 1000, …"""
    found = [
        {"split": split, "average": None, "step": 1000 * i, "correct": right, "n": n, "accuracy": right / n}
        for split, n, answers in (("validation", 100, validation), ("test", 200, test))
        for i, right in enumerate(answers)
    ]
    run = {"averages": [], "steps": 6000, "step": 0} | run
    history = (
        f"(await import('/static/dashboard/history.js')).fromAnswer({json.dumps({'evaluations': found})})"
    )
    given = {"average": None, "span": span, "run": run}
    return f"module.sides({{ ...{json.dumps(given)}, history: {history} }})"


@pytest.mark.parametrize(
    "r", [1.0, -1.0, 0.0, -0.001, 0.4321, 0.99123, 0.999981, -0.97, 0.99, 0.9999, 0.9999999]
)
def test_correlations_are_written_as_the_server_does(blank: Page, r: float) -> None:
    assert call(blank, "agreement/pairs", "module.correlationText(argument)", r) == correlation_text(r)


def test_the_choice_is_the_librarys(blank: Page) -> None:
    validation, test = [10, 98, 97, 98, 90, 95], [20, 190, 196, 191, 196]
    pairs = [Pair(1000 * i, validation[i], test[i]) for i in range(5)]
    expected = agree(Pairs(100, 200, pairs), 3000)
    steps = f"{sides(validation, test)}.map((s) => [s.choice.step, s.best.step, s.points.length])"
    assert call(blank, "agreement/pairs", steps) == [[expected.chosen.step, expected.best.step, 5]]


@pytest.mark.parametrize(
    ("run", "steps"), [({}, [4000, 5000]), ({"steps": None, "step": 5000}, [3000, 4000, 5000])]
)
def test_the_second_half_is_that_of_the_run(blank: Page, run: dict[str, Any], steps: list[int]) -> None:
    """Of one that is watched, of what there is so far."""
    code = f"{sides([1] * 6, [1] * 6, 'late', **run)}.flatMap((s) => s.points.map((pair) => pair.step))"
    assert call(blank, "agreement/pairs", code) == steps


@pytest.mark.parametrize(
    ("span", "checkpoints", "shown"),
    [("auto", 7, "all"), ("auto", 8, "late"), ("all", 8, "all"), ("late", 2, "late")],
)
def test_the_second_half_is_shown_as_soon_as_it_tells_something(
    blank: Page, span: str, checkpoints: int, shown: str
) -> None:
    made = sides([1] * checkpoints, [1] * checkpoints, span).replace("sides(", "shownSpan(", 1)
    assert call(blank, "agreement/pairs", made) == shown


FIGURE = """(async () => {
  const { figure, placeOf, stepNear } = await import("/static/agreement/figure.js");
  const sides = SIDES;
  const colours = { raw: "rgb(1, 1, 1)", ema: "rgb(2, 2, 2)" };
  return USE;
})()"""


def drawn(page: Page, made: str, use: str) -> Any:
    return call(page, "agreement/pairs", FIGURE.replace("SIDES", made).replace("USE", use))


def test_the_nearest_point_is_meant_and_none_far_away(blank: Page) -> None:
    use = """(({ frame }) => sides[0].points.flatMap((pair) => {
      const { x, y } = placeOf(frame, pair);
      const across = x > frame.left && x < frame.left + frame.width;
      const down = y > frame.top && y < frame.top + frame.height;
      const near = (dx, dy) => stepNear(sides, frame, { x: x + dx, y: y + dy });
      return [across && down, near(4, -4), near(90, 90)];
    }))(figure(sides, colours, { width: 400, height: 300 }))"""
    found = drawn(blank, sides([10, 60, 98], [20, 60, 196]), use)
    assert found == [True, 0, None, True, 1000, None, True, 2000, None]


def test_of_many_points_some_are_drawn_and_the_newest_is_one(blank: Page) -> None:
    many = [i % 100 for i in range(3000)]
    use = "figure(sides, colours, { width: 400, height: 300 }).data[0].x"
    found = drawn(blank, sides(many, [2 * i for i in many]), use)
    assert 200 <= len(found) <= 400
    assert found[-1] == 99


def test_equal_points_and_none_have_a_picture(blank: Page) -> None:
    use = """(({ frame: { x, y } }) => [...x, ...y])(figure(sides, colours, { width: 400, height: 300 }))"""
    low, high, *_ = drawn(blank, sides([98] * 4, [190] * 4), use)
    assert low < 98 < high
    assert high - low == pytest.approx(0.2)
    assert drawn(blank, sides([], []), use) == [0, 100, 0, 100]
