"""A tutorial's conclusions: held, refuted or left open by costs that are known."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from shadowboard.conclusions import Outcome, conclude
from shadowboard.intervals import wilson_interval
from shadowboard.records import Score
from shadowboard.variants import FULL, PARTS, Variant, parse_plan
from tests.shadowboard.closed_testing import closed_bonferroni

PLAN = parse_plan({"steps": 40}, 5)

Costs = dict[Variant, list[int]]


def score(correct: int) -> Score:
    return Score(40, "", "test", 10_000, correct, None, 0.1)


def outcomes_of(costs: Costs, gains: Costs | None = None) -> dict[Variant, dict[int, Outcome]]:
    """Of images that leaving a part out costs, seed by seed, and that averaging gains."""
    found: dict[Variant, dict[int, Outcome]] = {}
    for variant in (FULL, *PARTS):
        right = [9_840 - cost for cost in costs.get(variant, [0, 0, 0, 0])]
        gained = (gains or {}).get(variant, [0] * len(right))
        found[variant] = {
            seed: Outcome(score(4_900), score(images), score(images - gain))
            for seed, (images, gain) in enumerate(zip(right, gained, strict=True))
        }
    return found


EXPECTED: Costs = {
    "without_averaging": [1, 2, -1, 0],
    "without_learning_rate_decay": [3, 2, 4, 2],
    "without_regularization": [20, 24, 21, 25],
    "without_hidden_layer": [600, 610, 605, 598],
    "without_activation": [590, 600, 607, 603],
}


def verdicts(
    costs: Costs, gains: Costs | None = None, diverged: dict[Variant, int] | None = None
) -> list[str]:
    return [conclusion.verdict for conclusion in conclude(PLAN, outcomes_of(costs, gains), diverged or {})]


def test_the_tutorials_conclusions_hold_where_the_numbers_say_so() -> None:
    gains: Costs = {FULL: [9, 11, 10, 8], "without_hidden_layer": [1, 0, 2, 1]}
    found = conclude(PLAN, outcomes_of(EXPECTED, gains), {})
    assert [conclusion.claim for conclusion in found] == [
        "Averaging and learning-rate decay change little",
        "Regularisation changes more than averaging and learning-rate decay",
        "The hidden layer and the activation change most",
        "The more complex the model, the more averaging brings",
    ]
    assert [conclusion.verdict for conclusion in found] == ["holds"] * 4
    assert found[0].sentence == (
        "What leaving out costs: averaging +0.01 pp (−0.02 to +0.03), learning-rate decay "
        "+0.03 pp (+0.01 to +0.04). "
        "Little is less than 0.25 pp, by which other test images may move an accuracy."
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"without_learning_rate_decay": [300, 310, 305, 306]}, ["fails", "fails", "holds", "open"]),
        ({"without_learning_rate_decay": [1, 80, -30, 60]}, ["open", "open", "holds", "open"]),
        ({"without_regularization": [0, 9, -7, 3]}, ["holds", "open", "holds", "open"]),
        ({"without_regularization": [-20, -24, -21, -25]}, ["holds", "fails", "holds", "open"]),
        ({"without_activation": [5, 7, 6, 5]}, ["holds", "holds", "fails", "open"]),
        ({"without_activation": []}, ["holds", "holds", "open", "open"]),
    ],
)
def test_a_conclusion_fails_or_stays_open_where_they_do_not(changes: Costs, expected: list[str]) -> None:
    assert verdicts(EXPECTED | changes) == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("without_activation", ["holds", "holds", "holds", "open"]),
        ("without_regularization", ["holds", "holds", "fails", "open"]),
        ("without_averaging", ["fails", "fails", "fails", "open"]),
    ],
)
def test_what_always_diverges_costs_most(part: Variant, expected: list[str]) -> None:
    assert verdicts(EXPECTED | {part: []}, diverged={part: 5}) == expected
    found = conclude(PLAN, outcomes_of(EXPECTED | {part: []}), {part: 5})
    assert any("everything (all 5 runs diverge)" in conclusion.sentence for conclusion in found)


def test_of_variants_that_are_not_studied_nothing_is_said() -> None:
    plan = parse_plan({"steps": 40}, 4, ["without_averaging", "without_activation"])
    found = conclude(plan, outcomes_of(EXPECTED), {})
    assert [conclusion.claim for conclusion in found] == [
        "Averaging changes little", "The activation changes most",
    ]  # fmt: skip


def test_a_claim_that_is_true_of_no_cost_is_rarely_said_to_hold() -> None:
    """Where leaving out regularisation costs just as much as the others, 5 % at most are told otherwise."""
    random = np.random.default_rng(11)
    told = 0
    for _ in range(400):
        costs: Costs = {v: random.integers(-20, 21, 5).tolist() for v in PARTS}
        told += verdicts(costs | {FULL: [0] * 5})[1] == "holds"
    assert told <= 20


def p_of(differences: np.ndarray, value: float = 0.0) -> float:
    return float(ttest_1samp(differences, value).pvalue)


def expected_verdicts(costs: Costs, gains: Costs) -> list[str]:
    """A second implementation, by SciPy and the closure of Bonferroni's test."""
    cost = {part: np.array(costs[part], float) for part in PARTS}
    gain = np.array(gains[FULL], float) - np.array(gains["without_hidden_layer"], float)
    means = {part: values.mean() for part, values in cost.items()}
    low, high = wilson_interval(9_840, 10_000)
    little = 10_000 * (high - low) / 2
    averaging, decay, more, layer, activation = PARTS
    to_bound = [
        (abs(means[one]) < little, p_of(cost[one], np.copysign(little, means[one])))
        for one in (averaging, decay)
    ]
    pairs = [
        [(means[one] > means[other], p_of(cost[one] - cost[other])) for one in dear for other in cheap]
        for dear, cheap in (([more], [averaging, decay]), ([layer, activation], [averaging, decay, more]))
    ]
    claims = [to_bound, *pairs, [(gain.mean() > 0, p_of(gain))]]
    holds = [max(p if so else 1.0 for so, p in claim) for claim in claims]
    fails = [min(1.0, len(claim) * min(1.0 if so else p for so, p in claim)) for claim in claims]
    corrected = closed_bonferroni([min(both) for both in zip(holds, fails, strict=True)])
    return [
        "open" if p >= 0.05 else "holds" if yes < no else "fails"
        for p, yes, no in zip(corrected, holds, fails, strict=True)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_the_verdicts_are_those_of_a_second_implementation(seed: int) -> None:
    """Of claims that are judged together: one alone at the 5 % level would be said to hold more often."""
    random = np.random.default_rng(seed)
    told = set()
    for _ in range(25):
        centres, width = random.integers(-30, 40, len(PARTS)), random.integers(2, 30)
        costs: Costs = {
            part: (centre + random.integers(-width, width + 1, 5)).tolist()
            for part, centre in zip(PARTS, centres, strict=True)
        }
        gains: Costs = {v: random.integers(0, 20, 5).tolist() for v in (FULL, *PARTS)}
        costs[FULL] = [0] * 5
        found = verdicts(costs, gains)
        # Gains and costs are of the same test images: of them the outcomes are made.
        assert found == expected_verdicts(costs, gains)
        told |= set(found)
    assert told == {"holds", "fails", "open"}


def test_no_claim_holds_by_the_survivors_of_what_it_calls_cheaper() -> None:
    part: Variant = "without_learning_rate_decay"
    some = EXPECTED | {part: [3, 2, 4, 2]}
    assert verdicts(some, diverged={part: 1})[1:3] == ["open", "open"]
    dear: Variant = "without_activation"  # which would only cost more with those that diverged
    assert verdicts(EXPECTED, diverged={dear: 1})[2] == "holds"
    cheap = EXPECTED | {dear: [5, 7, 6, 5]}
    assert verdicts(cheap)[2] == "fails"
    assert verdicts(cheap, diverged={dear: 1})[2] == "open"


def test_what_diverges_with_some_seeds_is_never_said_to_change_little() -> None:
    part: Variant = "without_learning_rate_decay"
    some = EXPECTED | {part: [3, 2]}
    found = conclude(PLAN, outcomes_of(some), {part: 3})[0]
    assert conclude(PLAN, outcomes_of(some), {})[0].verdict == "holds"
    assert found.verdict == "open"
    assert "3 of 5 runs without learning-rate decay diverged." in found.sentence
    assert verdicts(EXPECTED | {part: [300, 310, 304]}, diverged={part: 2})[0] == "fails"
    one = conclude(PLAN, outcomes_of(EXPECTED | {part: [3]}), {part: 4})[0]
    assert (one.verdict, one.sentence) == (
        "open",
        "Fewer than two seeds without learning-rate decay have come to their end. "
        "4 of 5 runs without learning-rate decay diverged.",
    )


def test_two_that_diverged_are_not_all_while_others_are_still_to_come() -> None:
    part: Variant = "without_activation"
    for number in (2, 4):
        found = conclude(PLAN, outcomes_of(EXPECTED | {part: []}), {part: number})[2]
        assert (found.verdict, found.p_holm) == ("open", None)
        assert f"{number} of 5 runs without an activation diverged." in found.sentence


def test_where_the_full_recipe_diverges_with_some_seeds_nothing_is_decided_by_the_others() -> None:
    gains: Costs = {FULL: [9, 11, 10, 8], "without_hidden_layer": [1, 0, 2, 1]}
    for parts in ({}, {"without_activation": []}, {"without_averaging": []}):
        outcomes = outcomes_of(EXPECTED | parts, gains)
        outcomes[FULL] = {seed: outcomes[FULL][seed] for seed in (0, 1)}
        assert conclude(PLAN, outcomes, dict.fromkeys(parts, 5))[1].verdict != "open"
        for found in conclude(PLAN, outcomes, dict.fromkeys(parts, 5) | {FULL: 3}):
            assert (found.verdict, found.p_holm) == ("open", 1.0)
            assert "3 of 5 runs of the full recipe diverged." in found.sentence


def test_what_averaging_brings_is_not_told_by_the_survivors_of_the_simpler_model() -> None:
    part: Variant = "without_hidden_layer"
    for gains in ([1, 0, 2], [19, 20, 22]):
        outcomes = outcomes_of(EXPECTED | {part: [600, 610, 605]}, {FULL: [9, 11, 10, 8], part: gains})
        assert conclude(PLAN, outcomes, {})[-1].verdict != "open"
        found = conclude(PLAN, outcomes, {part: 2})[-1]
        assert found.verdict == "open"
        assert found.sentence.endswith("without. 2 of 5 runs without a hidden layer diverged.")
    none = conclude(PLAN, outcomes_of(EXPECTED | {part: []}), {part: 5})[-1]
    assert none.sentence == (
        "Fewer than two seeds without a hidden layer have come to their end. "
        "5 of 5 runs without a hidden layer diverged."
    )


@pytest.mark.parametrize("cost", [7, 60])
def test_seeds_that_all_cost_just_as_much_decide_nothing(cost: int) -> None:
    plan = parse_plan({"steps": 40}, 2, ["without_averaging"])
    (found,) = conclude(plan, outcomes_of({FULL: [0, 0], "without_averaging": [cost, cost]}), {})
    assert (found.verdict, found.p_holm) == ("open", 1.0)


@pytest.mark.parametrize("diverged", [{}, {FULL: 3}, dict.fromkeys(PARTS, 5)], ids=["no", "full", "parts"])
@pytest.mark.parametrize("seeds", [0, 1])
def test_where_the_full_recipe_has_too_few_seeds_it_is_named(
    seeds: int, diverged: dict[Variant, int]
) -> None:
    outcomes = outcomes_of({part: [] for part in PARTS} if PARTS[0] in diverged else EXPECTED)
    outcomes[FULL] = {seed: outcomes[FULL][seed] for seed in range(seeds)}
    for found in conclude(PLAN, outcomes, diverged):
        assert found.verdict == "open"
        first, *more = found.sentence.split(". ")
        assert first.rstrip(".") == "Fewer than two seeds of the full recipe have come to their end"
        assert bool(more) == bool(diverged)
        assert ("3 of 5 runs of the full recipe diverged." in more) == (FULL in diverged)


def test_where_both_have_seeds_but_hardly_the_same_none_is_blamed() -> None:
    outcomes = outcomes_of(EXPECTED)
    outcomes[FULL] = {seed + 3: outcome for seed, outcome in outcomes[FULL].items()}
    last = conclude(PLAN, outcomes, {})[-1]
    assert last.sentence == (
        "Fewer than two seeds have come to their end both without a hidden layer and with the full recipe."
    )
