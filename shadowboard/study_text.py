"""What the command `study` prints: how far it is, and its tables."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table

from shadowboard.choices import CHOICE_NAMES, ChoiceRow
from shadowboard.conclusions import Verdict
from shadowboard.paired import PairedDifference, Spread
from shadowboard.printable import printable
from shadowboard.records import Run
from shadowboard.studies import Member
from shadowboard.study import StudyReport, VariantRow
from shadowboard.terminal import print_json
from shadowboard.variants import FULL, NAMES
from shadowboard.wording import p_text, signed_points

_WIDE = 120  # columns, where the output is no terminal
_TOGETHER = "What a tutorial concludes, judged at the 5 % level for all together (Holm):"
_VERDICTS: dict[Verdict, str] = {"holds": "holds", "fails": "does not hold", "open": "cannot be told"}


class StudyDisplay:
    """A study in the foreground: a bar on a terminal, a line for each run elsewhere, or JSON lines."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._console = Console(stderr=True)
        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, text="")

    def __enter__(self) -> "StudyDisplay":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def note(self, sentence: str) -> None:
        """A sentence for the person who watches."""
        self._console.print(printable(sentence), highlight=False, markup=False, soft_wrap=True)

    def began(self, report: StudyReport) -> None:
        """The study begins, or goes on."""
        study, progress = report.study, report.progress
        over = sum(progress.states.get(state, 0) for state in ("finished", "diverged", "failed"))
        self.note(f"Study {study.id}, {study.name}: {over} of {progress.runs} runs have ended.")

    def progressed(self, report: StudyReport, run: Run | None, speed: float) -> None:
        """The study is so far; `run` is in training here, at `speed` steps/s."""
        progress = report.progress
        member = next((m for m in report.members if run and m.run.id == run.id), None)
        here = f"{_place(report, member)}, {speed:,.0f} steps/s" if member else "evaluating"
        text = "; ".join(filter(None, [here, _left(progress.seconds_left)]))
        self._bar.update(self._task, completed=progress.steps_done, total=progress.steps, text=text)

    def ended(self, report: StudyReport, member: Member, seconds: float) -> None:
        """A run of the study was trained here and has ended, after so many seconds."""
        run = member.run
        outcome = report.outcomes[member.variant].get(member.seed)
        if self._json:
            accuracy = outcome and {
                "validation": outcome.validation.correct / outcome.validation.n,
                "test": outcome.test.correct / outcome.test.n,
            }
            named = {"run": run.id, "variant": member.variant, "seed": member.seed, "state": run.state}
            left = report.progress.seconds_left
            print_json({"event": "run", **named, "accuracy": accuracy, "seconds_left": left})
            return
        told = f"{_place(report, member)}: {run.state}"
        if outcome:
            validation, test = (s.correct / s.n for s in (outcome.validation, outcome.test))
            told += f", validation {validation:.4f}, test {test:.4f}"
        if run.message:
            told += f". {run.message}"
        self.note(
            "; ".join(filter(None, [f"{told} ({seconds:,.0f} s)", _left(report.progress.seconds_left)]))
        )

    def tell_missing(self, report: StudyReport) -> None:
        """Of the runs that were deleted, if any: the tables are without them."""
        if missing := report.progress.runs - len(report.members):
            self.note(f"Runs of the study that were deleted: {missing} of {report.progress.runs}.")


def _place(report: StudyReport, member: Member) -> str:
    """`run 7 of 30, without averaging, seed 1`"""
    ids = [one.run.id for one in report.members]
    number = ids.index(member.run.id) + 1
    return f"run {number} of {len(ids)}, {NAMES[member.variant]}, seed {member.seed}"


def _left(seconds: float | None) -> str:
    if not seconds:
        return ""
    return f"about {seconds / 60:,.0f} min left" if seconds >= 90 else f"about {seconds:,.0f} s left"


def print_study(report: StudyReport, *, as_json: bool) -> None:
    """Its tables and conclusions, or a line of JSON."""
    if as_json:
        print_json({"event": "study", **as_values(report)})
        return
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _WIDE)
    console.print(_table("variant", [_variant(row) for row in report.rows], "full recipe"))
    if rows := report.choices.get(FULL):
        console.print(_table("snapshot of the full recipe", [_choice(row) for row in rows], "last raw"))
    if report.conclusions:
        console.print(_TOGETHER, highlight=False, soft_wrap=True)
    for conclusion in report.conclusions:
        p_value = "" if conclusion.p_holm is None else f" ({p_text(conclusion.p_holm)})"
        verdict = f"{_VERDICTS[conclusion.verdict]}{p_value}"
        text = f"{conclusion.claim}: {verdict}. {conclusion.sentence}"
        console.print(text, highlight=False, markup=False, soft_wrap=True)


def _table(what: str, rows: Sequence[Sequence[str]], against: str) -> Table:
    columns = [what, "steps" if "snapshot" in what else "seeds", "validation", "test"]
    columns += [f"test, to the {against}, pp (95 %)", "p (Holm)"]
    table = Table(*(Column(column, justify="left" if column == what else "right") for column in columns))
    for row in rows:
        table.add_row(*row)
    return table


def _variant(row: VariantRow) -> list[str]:
    lost = [f"{n} {word}" for n, word in ((row.diverged, "diverged"), (row.failed, "failed")) if n]
    seeds = ", ".join([str(row.test.seeds if row.test else 0), *lost])
    return [NAMES[row.variant], seeds, *_scores(row)]


def _choice(row: ChoiceRow) -> list[str]:
    low, high = min(row.steps), max(row.steps)
    return [CHOICE_NAMES[row.kind], f"{low:,}" if low == high else f"{low:,}–{high:,}", *_scores(row)]


def _scores(row: VariantRow | ChoiceRow) -> list[str]:
    return [_mean(row.validation), _mean(row.test), _difference(row.difference), _p_value(row.p_holm)]


def _mean(found: Spread | None) -> str:
    if found is None:
        return "–"
    return f"{found.mean:.4f}" + ("" if found.deviation is None else f" ± {found.deviation:.4f}")


def _difference(difference: PairedDifference | None) -> str:
    if difference is None:
        return ""
    if difference.interval is None:
        return signed_points(difference.mean)[0]
    mean, low, high = signed_points(difference.mean, *difference.interval)
    return f"{mean} ({low} to {high})"


def _p_value(p_holm: float | None) -> str:
    return "" if p_holm is None else p_text(p_holm).removeprefix("p ").removeprefix("= ")


def as_values(report: StudyReport) -> dict[str, Any]:
    """The tables and conclusions as JSON has them."""
    study = report.study
    return {
        "id": study.id,
        "name": study.name,
        "state": report.progress.state,
        "plan": study.plan.model_dump(mode="json"),
        "variants": [
            _as_values(row) | {"variant": row.variant, "average": row.average} for row in report.rows
        ],
        "choices": {
            variant: [_as_values(row) | {"choice": row.kind, "steps": row.steps} for row in rows]
            for variant, rows in report.choices.items()
        },
        "conclusions": [conclusion.__dict__ for conclusion in report.conclusions],
    }


def _as_values(row: VariantRow | ChoiceRow) -> dict[str, Any]:
    return {
        "validation": row.validation and row.validation._asdict(),
        "test": row.test and row.test._asdict(),
        "difference": row.difference and dict(row.difference.__dict__),
        "p_holm": row.p_holm,
    }
