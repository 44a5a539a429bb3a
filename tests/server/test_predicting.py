import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from server.predicting import Predictor
from server.threads import Threads
from shadowboard.errors import CheckpointMissing, CheckpointUnsuitable
from shadowboard.evaluation import probabilities
from shadowboard.network import init, logits
from tests.server.conftest import in_a_loop


class Looks:
    """Counts the looks at store and disk, each of which waits until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, str]] = []
        self.go = threading.Event()
        self.failing = False
        monkeypatch.setattr("server.predicting.promote", self._promote)

    def _promote(self, _store: Any, _restorer: Any, run: str, step: str) -> Any:
        self.asked.append((run, step))
        assert self.go.wait(10)
        if self.failing:
            raise CheckpointMissing("None.")
        return SimpleNamespace(number=len(self.asked))


class Clock:
    """The time that `predicting` goes by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = 0.0
        monkeypatch.setattr("server.predicting.monotonic", lambda: self._now)

    def set(self, now: float) -> None:
        self._now = now


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(monkeypatch)


def predictor() -> Predictor:
    return Predictor(None, None, Threads())  # type: ignore[arg-type]


def test_one_look_for_all_who_ask_together(looks: Looks) -> None:
    async def ask() -> None:
        reader = predictor()
        waiting = [asyncio.create_task(reader.promotion("a", step)) for step in ["1", "2"] * 50]
        await asyncio.sleep(0.01)
        waiting[0].cancel()  # one who leaves takes nothing from the others
        looks.go.set()
        found = await asyncio.gather(*waiting[1:])
        assert len({promotion.number for promotion in found}) <= 2

    in_a_loop(ask())
    assert sorted(looks.asked) == [("a", "1"), ("a", "2")]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_new_look_after_a_quarter_of_a_second(looks: Looks, clock: Clock) -> None:
    looks.go.set()

    async def ask() -> list[int]:
        reader, found = predictor(), []
        for moment in (0.0, 0.1, 0.249, 1.0, 1.1, 9.0):
            clock.set(moment)
            found.append((await reader.promotion("a", "1")).number)
        return found

    assert in_a_loop(ask()) == [1, 1, 1, 2, 2, 3]


def test_while_a_new_look_is_under_way_the_last_one_counts_for_half_a_second(
    looks: Looks, clock: Clock
) -> None:
    async def ask() -> None:
        looks.go.set()
        reader = predictor()
        clock.set(0)
        assert (await reader.promotion("a", "1")).number == 1
        looks.go.clear()
        for moment in (0.26, 0.3, 0.49):
            clock.set(moment)
            assert (await reader.promotion("a", "1")).number == 1
        clock.set(0.51)
        waiting = [asyncio.create_task(reader.promotion("a", "1")) for _ in range(10)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
        looks.go.set()
        assert {(await task).number for task in waiting} == {2}

    in_a_loop(ask())
    assert len(looks.asked) == 2


def test_a_failure_is_not_kept(looks: Looks, clock: Clock) -> None:
    looks.go.set()

    async def ask() -> None:
        reader = predictor()
        clock.set(0)
        await reader.promotion("a", "1")
        looks.failing = True
        clock.set(0.3)
        await reader.promotion("a", "1")  # the old one; but from here on it is known to hold no longer
        while len(looks.asked) < 2 or reader._looks:
            await asyncio.sleep(0.001)
        with pytest.raises(CheckpointMissing):
            await reader.promotion("a", "1")
        looks.failing = False
        assert (await reader.promotion("a", "1")).number == 4

    in_a_loop(ask())


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "none"])
@pytest.mark.parametrize("hidden", [[], [500], [30, 20]])
@pytest.mark.parametrize("n", [1, 2, 33])
@pytest.mark.parametrize("ink", [0.0, 0.2, 1.0])
def test_probabilities_are_tensorflows(hidden: list[int], activation: str, n: int, ink: float) -> None:
    import tensorflow as tf

    weights = {name: value * 2 for name, value in init(hidden, seed=1).items()}
    generator = np.random.default_rng(n)
    images = generator.random((n, 784), np.float32) * (generator.random(784, np.float32) < ink)
    expected = tf.nn.softmax(logits(weights, images, activation)).numpy()
    for same in (weights, {name: np.asarray(value) for name, value in weights.items()}):
        found = probabilities([same, same], images, activation)
        assert found.dtype == np.float32
        assert found[:, 0] == pytest.approx(expected, rel=3e-5, abs=1e-7)
        assert np.array_equal(found[:, 1], found[:, 0])


@pytest.mark.parametrize("huge", [1e38, np.inf, np.nan])
def test_weights_too_large_to_read_with(huge: float) -> None:
    weights = {name: np.full(value.shape, huge, np.float32) for name, value in init([8], seed=1).items()}
    with pytest.raises(CheckpointUnsuitable, match="logits are not finite"):
        probabilities([weights], np.ones((1, 784), np.float32))
