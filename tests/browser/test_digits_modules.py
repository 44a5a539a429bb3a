"""The pure functions behind the panels of digits, confusions and disagreements, in a browser."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.modules import call

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("shares", "labels"),
    [
        ([0.9716, 0.9964], ["97", "98", "99", "100"]),
        ([0.984, 0.9841], ["98.40", "98.45"]),
        ([0.981, 0.984], ["98.1", "98.2", "98.3", "98.4"]),
        ([1.0, 1.0], ["99.95", "100.00"]),
        ([0.0, 0.0], ["0.00", "0.05"]),
        ([0.0, 0.93], ["0", "25", "50", "75", "100"]),
    ],
)
def test_axis_is_round_and_holds_all(blank: Page, shares: list[float], labels: list[str]) -> None:
    code = "(({closeUp, tickLabels, place}) => { const axis = closeUp(argument);"
    code += " return [axis.ticks, tickLabels(axis), argument.map((s) => place(axis, s))]; })(module)"
    ticks, found, places = call(blank, "digits/scale", code, shares)
    assert found == labels
    assert ticks[0] <= min(shares) + 1e-9
    assert ticks[-1] >= max(shares) - 1e-9
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in places)


def disagreement(index: int, label: int, raw: int, ema: int, sure: float = 0.6) -> dict[str, Any]:
    kind = "fixed" if ema == label else "broke" if raw == label else "both_wrong"
    reading = {"confidence": sure}
    return {
        "index": index,
        "label": label,
        "kind": kind,
        "raw": {"digit": raw, **reading},
        "ema": {"digit": ema, **reading},
    }


def confusion(*images: tuple[int, int, int]) -> list[list[int]]:
    """The matrix of (label, digit, number)."""
    matrix = [[0] * 10 for _ in range(10)]
    for label, digit, number in images:
        matrix[label][digit] = number
    return matrix


def test_matrices_and_their_difference(blank: Page) -> None:
    comparison = {
        "confusion": {
            "raw": confusion((4, 4, 7), (4, 9, 2), (3, 5, 1), (3, 3, 9)),
            "ema": confusion((4, 4, 8), (4, 9, 1), (3, 5, 1), (3, 3, 9)),
        },
        # One 4 read as 9 is fixed; of the threes read as 5, one comes and one goes.
        "disagreements": [
            disagreement(0, 4, 9, 4), disagreement(1, 3, 5, 3), disagreement(2, 3, 3, 5)
        ],
    }  # fmt: skip
    found = call(blank, "digits/matrices", "module.matrices(argument)", comparison)
    raw, ema, difference = found["raw"], found["ema"], found["difference"]
    assert raw[4][9]["name"] == "4 read as 9: 2 images"
    assert ema[4][9]["name"] == "4 read as 9: 1 image"
    assert raw[0][1]["name"] == "0 read as 1: no image"
    assert raw[4][4]["name"] == "4 read right: 7 images"
    assert raw[4][4]["tint"] == 0 < raw[3][5]["tint"] < raw[4][9]["tint"] < 1
    assert (difference[4][9]["text"], difference[4][9]["better"]) == ("−1", "ema")
    assert (difference[4][4]["text"], difference[4][4]["better"]) == ("+1", "ema")
    assert difference[4][9]["name"] == "4 read as 9: 1 image fewer by averaging"
    assert (difference[3][5]["text"], difference[3][5]["better"]) == ("0", None)
    assert difference[3][5]["name"] == "3 read as 5: as many by averaging (1 new, 1 gone)"
    assert (difference[0][1]["text"], difference[0][1]["some"]) == ("", False)


def test_difference_matrix_is_that_of_the_two(blank: Page) -> None:
    disagreements = [
        disagreement(i, i % 10, (3 * i) % 10, (3 * i + 1 + i % 4) % 10) for i in range(40)
    ]  # fmt: skip
    code = "(({gained, lost}) => gained.map((row, l) => row.map((v, d) => v - lost[l][d])))"
    code += "(module.moves(argument))"
    net = call(blank, "digits/matrices", code, disagreements)
    expected = confusion()
    for d in disagreements:
        expected[d["label"]][d["ema"]["digit"]] += 1
        expected[d["label"]][d["raw"]["digit"]] -= 1
    assert net == expected
    assert all(sum(row) == 0 for row in net)


def test_without_an_average_there_is_one_matrix(blank: Page) -> None:
    comparison = {"confusion": {"raw": confusion((1, 7, 3)), "ema": None}, "disagreements": []}
    found = call(blank, "digits/matrices", "module.matrices(argument)", comparison)
    assert found["ema"] is found["difference"] is None
    assert found["raw"][1][7]["text"] == "3"
    top = call(blank, "digits/matrices", "module.mostFrequent(argument, 6)", comparison)
    assert top == [{"label": 1, "digit": 7, "raw": 3, "ema": None}]


def test_the_most_confident_disagreements_come_first(blank: Page) -> None:
    given = [disagreement(5, 1, 2, 1, 0.5), disagreement(9, 1, 2, 1, 0.9), disagreement(3, 1, 2, 1, 0.5)]
    found = call(blank, "digits/disagreement", "module.byConfidence(argument)", given)
    assert [d["index"] for d in found] == [9, 3, 5]
    assert call(blank, "digits/disagreement", "module.counted(argument)", given) == {
        "all": 3, "fixed": 3, "broke": 0, "both_wrong": 0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("label", "raw", "ema", "start"),
    [
        (4, 9, 4, "Averaging fixed it: raw reads 9 (60.0\u00a0%), averaged 4"),
        (4, 4, 9, "Averaging broke it: "),
        (4, 9, 7, "Both wrong, differently: "),
        (4, 9, 9, "Both wrong alike: "),
        (4, 4, 4, "Both right: "),
        (4, 4, None, "Read right: raw reads 4 (60.0\u00a0%)."),
    ],
)
def test_outcome_in_a_sentence(blank: Page, label: int, raw: int, ema: int | None, start: str) -> None:
    argument = [
        label,
        {"digit": raw, "confidence": 0.6},
        ema if ema is None else {"digit": ema, "confidence": 0.6},
    ]
    assert call(blank, "digits/disagreement", "module.outcome(...argument)", argument).startswith(start)


@pytest.mark.parametrize(
    ("values", "words"), [([3], "3"), ([3, 8], "3 and 8"), ([1, 2, 9], "1, 2 and 9"), ([], "")]
)
def test_digits_are_listed_as_one_says_them(blank: Page, values: list[int], words: str) -> None:
    assert call(blank, "digits/digits", "module.joined(argument)", values) == words


def test_readings_of_the_nearest_step(blank: Page) -> None:
    def weights(*sure: float) -> dict[str, Any]:
        return {
            "digit": [1] * len(sure), "confidence": list(sure), "probabilities": [[0.0, s] for s in sure]
        }  # fmt: skip

    track = {
        "step": [0, 100, 300],
        "raw": weights(0.1, 0.5, 0.7),
        "averages": {"EMA": weights(0.1, 0.6, 0.8)},
    }
    code = "[0, 140, 200, 900].map((step) => module.readingsAt(argument, 'EMA', step))"
    found = call(blank, "digits/tracking", code, track)
    assert [(r["step"], r["raw"]["confidence"], r["ema"]["confidence"]) for r in found] == [
        (0, 0.1, 0.1), (100, 0.5, 0.6), (300, 0.7, 0.8), (300, 0.7, 0.8)
    ]  # fmt: skip
    assert call(blank, "digits/tracking", "module.readingsAt(argument, null, 0)", track)["ema"] is None
