"""Best or last? Four ways to choose among a run's snapshots, and what each is worth on the test images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from shadowboard.paired import PairedDifference, Spread, corrected, minus, spread
from shadowboard.records import Score, Standing

ChoiceKind = Literal["last_raw", "best_raw", "last_averaged", "best_averaged"]

CHOICE_NAMES: Mapping[ChoiceKind, str] = {
    "last_raw": "last raw",
    "best_raw": "best raw by validation",
    "last_averaged": "last averaged",
    "best_averaged": "best averaged by validation",
}


class Choice(NamedTuple):
    """A snapshot that was chosen: its weights (`average` empty: raw), and what they read right there."""

    kind: ChoiceKind
    average: str
    step: int
    validation: Score
    test: Score


@dataclass(frozen=True)
class ChoiceRow:
    """One way to choose, over the seeds of a study. `steps`: those that were chosen, seed by seed.

    difference: on the test images, to the last raw snapshot of the same seed; p_holm: its p-value, corrected
    for the comparisons of all the other choices. Both None of the last raw one itself.
    """

    kind: ChoiceKind
    steps: list[int]
    validation: Spread | None
    test: Spread | None
    difference: PairedDifference | None
    p_holm: float | None


def choices_of(standings: Mapping[str, Standing], average: str) -> list[Choice]:
    """What the four choices come to for a run of these standings, by average (empty: raw).

    Best: of the highest validation accuracy, of equals the earliest. Of weights that are not evaluated there
    is none, nor of averaged ones where `average` is empty.
    """
    found = []
    for word, name in (("raw", ""), ("averaged", average)):
        standing = standings.get(name)
        if standing is None or (word == "averaged" and not average):
            continue
        for which, at in (("last", standing.final), ("best", standing.best)):
            if at.validation and at.test:
                kind: ChoiceKind = f"{which}_{word}"  # type: ignore[assignment]
                found.append(Choice(kind, name, at.step, at.validation, at.test))
    return found


def compare_choices(runs: Sequence[Sequence[Choice]]) -> list[ChoiceRow]:
    """The choices over runs that differ in nothing but their seeds; of each run what `choices_of` gives."""
    chosen = {
        kind: {i: choice for i, choices in enumerate(runs) for choice in choices if choice.kind == kind}
        for kind in CHOICE_NAMES
    }
    tests = {kind: {i: choice.test for i, choice in of.items()} for kind, of in chosen.items() if of}
    others = [kind for kind in tests if kind != "last_raw"]
    differences: dict[ChoiceKind, PairedDifference | None] = {
        kind: minus(tests[kind], tests["last_raw"]) for kind in others
    }
    p_holm = corrected(differences)
    return [
        ChoiceRow(
            kind,
            [choice.step for choice in chosen[kind].values()],
            spread([choice.validation for choice in chosen[kind].values()]),
            spread(list(tests[kind].values())),
            differences.get(kind),
            p_holm.get(kind),
        )
        for kind in tests
    ]
