"""What a study has found: each variant over its seeds, and against the full recipe seed by seed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shadowboard.choices import ChoiceRow, choices_of, compare_choices
from shadowboard.conclusions import Conclusion, Outcome, Outcomes, conclude
from shadowboard.intervals import ALPHA
from shadowboard.paired import PairedDifference, Spread, corrected, minus, spread
from shadowboard.records import Run, Standing
from shadowboard.studies import Member, Studies, Study
from shadowboard.study_progress import Counts, Progress, is_evaluated, progress
from shadowboard.variants import FULL, StudyPlan, Variant

Standings = Mapping[str, Mapping[str, Standing]]
"""Run → average (empty: raw) → how these weights have done."""


@dataclass(frozen=True)
class VariantRow:
    """A variant at the last step of its runs, by the weights that it is judged by (`average` empty: raw).

    diverged, failed: runs that never came to their last step, and so are in no mean. difference: on the test
    images, to the full recipe of the same seed; p_holm: its p-value, corrected for the comparisons of all
    variants. Both None of the full recipe itself, and while there are too few seeds.
    """

    variant: Variant
    average: str
    diverged: int
    failed: int
    validation: Spread | None
    test: Spread | None
    difference: PairedDifference | None
    p_holm: float | None

    @property
    def sign(self) -> int:
        """1: better than the full recipe, −1: worse, 0: that could be chance."""
        if self.difference is None or self.p_holm is None or self.p_holm >= ALPHA:
            return 0
        return 1 if self.difference.mean > 0 else -1


@dataclass(frozen=True)
class StudyReport:
    """A study as it stands.

    outcomes: of the runs at their last steps, by variant and seed. choices: of the variants of which any run
    is finished and evaluated at all its checkpoints, over those runs.
    """

    study: Study
    members: Sequence[Member]
    progress: Progress
    outcomes: Outcomes
    rows: list[VariantRow]
    choices: Mapping[Variant, list[ChoiceRow]]
    conclusions: list[Conclusion]


def report_of(studies: Studies, study: Study) -> StudyReport:
    """The study as the store has it."""
    members = studies.members(study.id)
    return report(study, members, studies.standings(study.id), studies.saved_and_evaluated(study.id))


def report(study: Study, members: Sequence[Member], standings: Standings, counts: Counts) -> StudyReport:
    """Everything about a study, of what the store has of it."""
    plan = study.plan
    outcomes = _outcomes(plan, members, standings)
    choices = {
        variant: compare_choices(
            [
                choices_of(standings.get(run.id, {}), plan.judged_by(variant))
                for of, run in members
                if of == variant and run.state == "finished" and is_evaluated(run, counts)
            ]
        )
        for variant in plan.every
    }
    return StudyReport(
        study,
        members,
        progress(plan, members, counts),
        outcomes,
        _rows(plan, members, outcomes),
        {variant: rows for variant, rows in choices.items() if rows},
        conclude(plan, outcomes, Counter(of for of, run in members if run.state == "diverged")),
    )


def _outcomes(plan: StudyPlan, members: Sequence[Member], standings: Standings) -> Outcomes:
    found: dict[Variant, dict[int, Outcome]] = {variant: {} for variant in plan.every}
    for variant, run in members:
        if outcome := _outcome(run, standings.get(run.id, {}), plan.judged_by(variant)):
            found[variant][run.recipe.seed] = outcome
    return found


def _outcome(run: Run, standings: Mapping[str, Standing], average: str) -> Outcome | None:
    """How a finished run did at its last step; None where that is not evaluated yet."""
    judged, raw = standings.get(average), standings.get("")
    if run.state != "finished" or judged is None or raw is None:
        return None
    if judged.final.step != run.steps or raw.final.step != run.steps:
        return None
    if judged.final.validation is None or judged.final.test is None or raw.final.test is None:
        return None
    return Outcome(judged.final.validation, judged.final.test, raw.final.test)


def _rows(plan: StudyPlan, members: Sequence[Member], outcomes: Outcomes) -> list[VariantRow]:
    tests = {
        variant: {seed: outcome.test for seed, outcome in of.items()} for variant, of in outcomes.items()
    }
    others: Sequence[Variant] = plan.variants
    differences = {variant: minus(tests[variant], tests[FULL]) for variant in others}
    p_holm = corrected(differences)
    states = Counter((variant, run.state) for variant, run in members)
    return [
        VariantRow(
            variant,
            plan.judged_by(variant),
            states[variant, "diverged"],
            states[variant, "failed"],
            spread([outcome.validation for outcome in outcomes[variant].values()]),
            spread(list(tests[variant].values())),
            differences.get(variant),
            p_holm.get(variant),
        )
        for variant in plan.every
    ]
