"""What a study has found, against a second implementation on tables made at random."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_rel

from shadowboard.configuration import RunConfig
from shadowboard.records import Run, Score, Standing, State, StepScores
from shadowboard.studies import CurvePoint, Member, Study
from shadowboard.study import report
from shadowboard.study_curves import curves
from shadowboard.study_progress import progress
from shadowboard.variants import FULL, PARTS, StudyPlan, Variant, parse_plan
from tests.shadowboard.closed_testing import closed_bonferroni

EMA = "ExponentialMovingAverage"
STEPS = 40
PLAN = parse_plan({"steps": STEPS, "save_every": 10}, 5)
STUDY = Study("study1", "a study", PLAN, 1.0)


def run_of(run_id: str, config: RunConfig, state: State = "finished", step: int = STEPS, **more: Any) -> Run:
    values: dict[str, Any] = {
        "message": "", "steps_per_second": 0.0, "stop_requested": False, "worker": None, "beat": 0,
        "heartbeat_at": None, "created_at": 0.0, "started_at": None, "finished_at": None,
        "latest_checkpoint": step, **more,
    }  # fmt: skip
    return Run(id=run_id, name=run_id, config=config, state=state, step=step, **values)


def members_of(plan: StudyPlan) -> list[Member]:
    return [Member(v, run_of(f"{v} {c.seed}", c)) for v, c in plan.runs()]


def score(step: int, average: str, split: str, correct: int) -> Score:
    return Score(step, average, split, 5_000 if split == "validation" else 10_000, correct, None, 0.1)


Table = dict[tuple[Variant, int, str, str, int], int]
"""Variant, seed, average, split, step → images read right."""


def random_table(seed: int) -> Table:
    random = np.random.default_rng(seed)
    table: Table = {}
    for i, (variant, config) in enumerate(PLAN.runs()):
        for average in ("", *(a.name for a in config.averages)):
            for step in range(0, STEPS + 1, 10):
                for split, n in (("validation", 5_000), ("test", 10_000)):
                    table[variant, config.seed, average, split, step] = int(
                        n * (0.97 + 0.001 * (i % 6)) + random.integers(-n // 500, n // 500)
                    )
    return table


def standings_of(table: Table) -> dict[str, dict[str, Standing]]:
    found: dict[str, dict[str, Standing]] = {}
    for variant, seed, average in {key[:3] for key in table}:
        at = {
            step: StepScores(
                step,
                *(
                    score(step, average, s, table[variant, seed, average, s, step])
                    for s in ("validation", "test")
                ),
            )
            for step in range(0, STEPS + 1, 10)
        }
        best = max(at.values(), key=lambda one: (one.validation.correct if one.validation else 0, -one.step))
        run_id = f"{variant} {seed}"
        found.setdefault(run_id, {})[average] = Standing(run_id, average, 2 * len(at), at[STEPS], best)
    return found


def judged(variant: Variant) -> str:
    return "" if variant == "without_averaging" else EMA


COUNTS = {f"{v} {c.seed}": (5, 5 * 2 * (1 + len(c.averages))) for v, c in PLAN.runs()}


@pytest.mark.parametrize("seed", range(4))
def test_the_table_is_that_of_a_second_implementation(seed: int) -> None:
    table = random_table(seed)
    rows = {row.variant: row for row in report(STUDY, members_of(PLAN), standings_of(table), COUNTS).rows}
    assert list(rows) == [FULL, *PARTS]
    finals = {
        (variant, split): np.array([table[variant, s, judged(variant), split, STEPS] for s in range(5)]) / n
        for variant in rows
        for split, n in (("validation", 5_000), ("test", 10_000))
    }
    tests = {v: ttest_rel(finals[v, "test"], finals[FULL, "test"]) for v in PARTS}
    corrected = closed_bonferroni([tests[v].pvalue for v in PARTS])
    for variant, row in rows.items():
        for split in ("validation", "test"):
            found, expected = getattr(row, split), finals[variant, split]
            assert found == pytest.approx(
                (5, expected.mean(), expected.std(ddof=1), expected.min(), expected.max())
            )
        assert row.average == judged(variant)
        if variant == FULL:
            assert (row.difference, row.p_holm, row.sign) == (None, None, 0)
            continue
        interval = tests[variant].confidence_interval(0.95)
        assert row.difference is not None
        assert row.difference.interval == pytest.approx((interval.low, interval.high), abs=1e-9)
        p_holm = corrected[PARTS.index(variant)]
        assert row.p_holm == pytest.approx(p_holm, abs=1e-12)
        higher = 1 if row.difference.mean > 0 else -1
        assert row.sign == (higher if p_holm < 0.05 else 0)


@pytest.mark.parametrize("seed", range(4))
def test_the_choices_are_those_of_a_second_implementation(seed: int) -> None:
    table = random_table(seed)
    choices = report(STUDY, members_of(PLAN), standings_of(table), COUNTS).choices
    assert {row.kind for row in choices["without_averaging"]} == {"last_raw", "best_raw"}
    by_kind: dict[str, list[tuple[int, int]]] = {}
    for s in range(5):
        for word, average in (("raw", ""), ("averaged", EMA)):
            validation = [table[FULL, s, average, "validation", step] for step in range(0, STEPS + 1, 10)]
            for kind, step in ((f"last_{word}", STEPS), (f"best_{word}", 10 * int(np.argmax(validation)))):
                by_kind.setdefault(kind, []).append((step, table[FULL, s, average, "test", step]))
    rows = {row.kind: row for row in choices[FULL]}
    assert list(rows) == ["last_raw", "best_raw", "last_averaged", "best_averaged"]
    last = [correct for _, correct in by_kind["last_raw"]]
    others = [kind for kind in rows if kind != "last_raw"]
    p_values = [ttest_rel([c for _, c in by_kind[kind]], last).pvalue for kind in others]
    corrected = dict(zip(others, closed_bonferroni(p_values), strict=True))
    for kind, row in rows.items():
        assert row.steps == [step for step, _ in by_kind[kind]]
        assert row.test is not None
        assert row.test.mean == pytest.approx(np.mean([c for _, c in by_kind[kind]]) / 10_000)
        assert row.p_holm == (pytest.approx(corrected[kind], abs=1e-12) if kind in corrected else None)


def test_what_has_not_come_to_its_end_is_in_no_mean() -> None:
    states: dict[str, tuple[State, int]] = {
        "full 3": ("training", 20), "full 4": ("queued", 0), "without_activation 0": ("diverged", 17),
        "without_activation 1": ("failed", 3), "without_averaging 2": ("finished", STEPS),
    }  # fmt: skip
    standings = standings_of(random_table(0))
    last = standings["without_averaging 2"][""].final
    # Its last step is not evaluated on test yet.
    unevaluated = replace(last, test=None)
    standings["without_averaging 2"][""] = replace(standings["without_averaging 2"][""], final=unevaluated)
    members = [
        Member(v, replace(run, state=states[run.id][0], step=states[run.id][1]))
        if run.id in states
        else Member(v, run)
        for v, run in members_of(PLAN)
    ]
    found = report(STUDY, members, standings, COUNTS)
    seeds = {row.variant: row.test.seeds for row in found.rows if row.test}
    assert seeds == dict.fromkeys(PARTS, 5) | {FULL: 3, "without_averaging": 4, "without_activation": 3}
    by_variant = {row.variant: row for row in found.rows}
    assert (by_variant["without_activation"].diverged, by_variant["without_activation"].failed) == (1, 1)
    paired = {row.variant: row.difference.seeds for row in found.rows if row.difference}
    assert paired["without_averaging"] == 2
    assert paired["without_activation"] == 1
    assert found.progress.state == "training"
    assert len(found.choices[FULL][0].steps) == len(found.choices["without_activation"][0].steps) == 3


def test_where_the_raw_weights_are_not_evaluated_at_the_last_step_there_is_no_outcome() -> None:
    """Else what averaging gains would be counted from raw weights of another step."""
    standings = standings_of(random_table(0))
    raw = standings["full 1"][""]
    standings["full 1"][""] = replace(raw, final=replace(raw.final, step=STEPS - 10))
    found = report(STUDY, members_of(PLAN), standings, COUNTS).outcomes
    assert set(found[FULL]) == {0, 2, 3, 4}


def test_progress_and_how_long_it_will_take() -> None:
    plan = parse_plan({"steps": 100}, 2, ["without_averaging", "without_hidden_layer"])
    done = {"state": "finished", "step": 100, "started_at": 50.0}
    by_id: dict[str, dict[str, Any]] = {
        "without_averaging 0": done | {"finished_at": 70.0},  # 0.2 s a step
        "without_hidden_layer 0": done | {"finished_at": 55.0},  # 0.05 s
        "full 0": {"state": "training", "step": 40, "steps_per_second": 10.0},  # 0.1 s
    }
    members = []
    for variant, config in plan.runs():
        run_id = f"{variant} {config.seed}"
        members.append(
            Member(variant, run_of(run_id, config, **{"state": "queued", "step": 0} | by_id.get(run_id, {})))
        )
    counts = {"without_averaging 0": (2, 4), "without_hidden_layer 0": (2, 7), "full 0": (1, 0)}
    found = progress(plan, members, counts)
    assert (found.state, found.runs) == ("training", 6)
    assert found.states == {"finished": 2, "training": 1, "queued": 3}
    assert (found.steps_done, found.steps) == (240, 600)
    assert (found.evaluations, found.evaluations_due) == (11, 4 + 8 + 4)
    assert found.seconds_left == pytest.approx(60 * 0.1 + 100 * (0.2 + 0.05 + 0.1))
    nothing = progress(plan, [], {})
    assert (nothing.state, nothing.seconds_left) == ("finished", None)


@pytest.mark.parametrize(
    ("states", "evaluated", "expected"),
    [
        (["finished", "queued"], True, "queued"),
        (["finished", "stopped"], True, "stopped"),
        (["finished", "failed"], True, "stopped"),
        (["finished", "diverged"], False, "evaluating"),
        (["finished", "diverged"], True, "finished"),
    ],
)
def test_the_state_of_a_study_follows_from_its_runs(
    states: list[State], evaluated: bool, expected: str
) -> None:
    plan = parse_plan({"steps": STEPS}, 2, ["without_averaging"])
    members = [Member(FULL, run_of(str(i), plan.config, state)) for i, state in enumerate(states)]
    counts = {str(i): (5, 20 if evaluated else 19) for i in range(len(states))}
    assert progress(plan, members, counts).state == expected


def test_a_curve_is_of_the_runs_that_are_finished() -> None:
    plan = parse_plan({"steps": 20, "save_every": 10}, 2, ["without_averaging"])
    runs = {
        "a": ("full", "finished"), "b": ("full", "finished"), "c": ("full", "training"),
        "d": ("without_averaging", "training"),
    }  # fmt: skip
    members = [Member(v, run_of(i, plan.config, s)) for i, (v, s) in runs.items()]  # type: ignore[arg-type]
    rights = {"a": (10, 50, 90), "b": (20, 60, 80), "c": (99, 99), "d": (5, 6)}
    points = [
        CurvePoint(runs[i][0], i, average, 10 * k, right, 100)  # type: ignore[arg-type]
        for i, of_run in rights.items()
        for k, right in enumerate(of_run)
        for average in (("", EMA, "another") if runs[i][0] == "full" else ("",))
    ]
    found = curves(plan, members, points, 400)
    assert [(c.variant, c.average, c.seeds) for c in found] == [
        ("full", "", 2), ("full", EMA, 2), ("without_averaging", "", 1),
    ]  # fmt: skip
    full = found[1]
    assert full.step == [0, 10, 20]
    assert full.mean == pytest.approx([0.15, 0.55, 0.85])
    assert (full.lowest, full.highest) == ([0.1, 0.5, 0.8], [0.2, 0.6, 0.9])
    assert found[2].mean == [0.05, 0.06]
    assert curves(plan, members, points, 2)[0].step == [0, 20]
    lost = [Member(v, replace(run, state="diverged") if v != "full" else run) for v, run in members]
    assert [c.variant for c in curves(plan, lost, points, 400)] == ["full", "full"]
