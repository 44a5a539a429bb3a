"""The page's pure functions, in the browser that runs them."""

import pytest
from playwright.sync_api import Page

from tests.browser.modules import call

pytestmark = pytest.mark.browser


def evaluations(*accuracies: float) -> list[dict[str, float]]:
    return [{"step": 1000 * i, "accuracy": accuracy} for i, accuracy in enumerate(accuracies)]


def test_close_up_leaves_out_what_is_far_off(blank: Page) -> None:
    close = call(
        blank, "curves/range", "module.closeUp(argument)", evaluations(0.1, 0.97, 0.981, 0.982, 0.984)
    )
    assert [e["step"] for e in close["below"]] == [0]
    low, high = close["range"]
    assert 0.96 < low < 0.97
    assert 0.984 < high < 0.99


@pytest.mark.parametrize("accuracies", [(), (0.1,), (0.1, 0.9)])
def test_close_up_waits_for_three_steps(blank: Page, accuracies: tuple[float, ...]) -> None:
    assert call(blank, "curves/range", "module.closeUp(argument)", evaluations(*accuracies)) is None


@pytest.mark.parametrize("accuracy", [0.1, 0.98, 1.0])
def test_close_up_of_equal_values_has_a_height(blank: Page, accuracy: float) -> None:
    close = call(blank, "curves/range", "module.closeUp(argument)", evaluations(*[accuracy] * 4))
    assert close["below"] == []
    low, high = close["range"]
    assert low < accuracy < high


def test_known_points_change_nothing(blank: Page) -> None:
    points = {"step": [10, 20], "loss": [1.0, 0.5], "learning_rate": [0.8, 0.7], "decay": {"EMA": [0.5, 0.7]}}
    more = {"step": [20, 30], "loss": [0.5, None], "learning_rate": [0.7, 0.6], "decay": {"EMA": [0.7, 0.8]}}
    code = "argument.reduce(module.withTraining, module.emptyHistory()).training"
    once = call(blank, "dashboard/history", code, [points, more])
    assert once == {
        "step": [10, 20, 30],
        "loss": [1.0, 0.5, None],
        "learning_rate": [0.8, 0.7, 0.6],
        "decay": {"EMA": [0.5, 0.7, 0.8]},
    }
    assert call(blank, "dashboard/history", code, [points, more, points, more]) == once


def test_many_points_are_thinned_and_the_last_one_stays(blank: Page) -> None:
    parts = [
        {"step": [i, i + 1, i + 2], "loss": [i, i + 1, i + 2], "decay": {"EMA": [0.9] * 3}}
        for i in range(0, 9000, 3)
    ]
    found = call(
        blank,
        "dashboard/history",
        "argument.reduce(module.withTraining, module.emptyHistory()).training",
        parts,
    )
    assert found["step"] == found["loss"] == sorted(set(found["step"]))
    assert found["step"][-1] == 8999
    assert 1000 <= len(found["step"]) == len(found["decay"]["EMA"]) <= 2000


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "under 1 s"), (59.6, "60 s"), (600, "10 min"), (9000, "2.5 h")],
)
def test_durations(blank: Page, seconds: float, words: str) -> None:
    assert call(blank, "format", "module.duration(argument)", seconds) == words.replace(
        " ", "\u00a0"
    ).replace("under\u00a0", "under ")


def test_a_comparison_is_asked_for_of_the_run_that_was_looked_at(blank: Page) -> None:
    """It is asked for a moment later, when the run may be gone."""
    code = """(async () => {
        const problems = [];
        addEventListener('unhandledrejection', ({ reason }) => problems.push(String(reason)), { once: true });
        const asked = [];
        const kept = window.fetch;
        window.fetch = async (address) => {
            asked.push(String(address));
            return new Response('{"detail": "There is no such run."}', { status: 404 });
        };
        const { fromAnswer } = await import('/static/dashboard/history.js');
        const history = fromAnswer(argument);
        let now = { run: { id: 'abc', state: 'finished', averages: [{ name: 'EMA' }] }, history,
            split: 'test', average: 'EMA', overall: null, overalls: new Map() };
        const state = { get: () => now, set: (patch) => { now = { ...now, ...patch }; } };
        module.setUpOverall(state)(now);
        now = { ...now, run: null };
        await new Promise((done) => setTimeout(done, 300));
        window.fetch = kept;
        return { problems, asked };
    })()"""
    one = {"step": 100, "split": "test", "correct": 90, "n": 100, "accuracy": 0.9}
    evaluations = [one | {"average": None}, one | {"average": "EMA"}]
    told = call(blank, "dashboard/overall", code, {"evaluations": evaluations, "training": {}})
    assert told["problems"] == []
    (asked,) = told["asked"]
    assert asked.startswith("runs/abc/comparison?split=test&average=EMA")
