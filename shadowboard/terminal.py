"""What the commands print: progress, tables, and lines of JSON."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from shadowboard.averaging import Average
from shadowboard.configuration import RunConfig
from shadowboard.printable import printable
from shadowboard.records import Run

if TYPE_CHECKING:  # it brings TensorFlow, which a table of runs does not need
    from shadowboard.comparison import Comparison
    from shadowboard.evaluation import Evaluation
    from shadowboard.warm_start import WarmStart

_RUN_KEYS = ("id", "name", "state", "message", "step", "latest_checkpoint", "created_at", "finished_at")
_UNBOUNDED = 1_000_000  # columns

Accuracies = Mapping[str, Mapping[str, float]]  # split → weights ("raw", or an average's name) → accuracy


def print_json(value: object) -> None:
    """One line of JSON on stdout."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")
    sys.stdout.flush()


def _print_table(table: Table) -> None:
    """A table on stdout; where that is no terminal, as wide as it is, for what reads it has no window."""
    console = Console()
    if not console.is_terminal:
        console.width = _UNBOUNDED
    console.print(table)


class TrainingDisplay:
    """A run in the foreground: a bar on a terminal, a line for each checkpoint elsewhere, or JSON lines."""

    def __init__(self, run: Run, *, as_json: bool) -> None:
        self._config = run.recipe
        self._json = as_json
        self._console = Console(stderr=True)
        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("[green]{task.fields[speed]:,.0f} steps/s[/]"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=run.steps, speed=0.0, text="")
        self.note(f"Run {run.id}: {printable(run.name)}.")

    def __enter__(self) -> "TrainingDisplay":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def note(self, sentence: str) -> None:
        """A sentence for the person who watches."""
        self._console.print(sentence, highlight=False, markup=False, soft_wrap=True)

    def started(self, start: "WarmStart") -> None:
        """What the run takes from another checkpoint, before its first step."""
        for line in start.lines:
            self.note(printable(line))
        if self._json:
            print_json({"event": "start", **start.as_json})

    def advanced(self, step: int, steps_per_second: float) -> None:
        """The training is at `step`."""
        self._bar.update(self._task, completed=step, speed=steps_per_second)

    def evaluated(
        self, step: int, loss: float | None, accuracies: Accuracies, steps_per_second: float
    ) -> None:
        """The checkpoint of `step` is saved and read; `loss` is the training loss there."""
        text = accuracy_text(self._config, accuracies["validation"])
        self._bar.update(self._task, text=text)
        if self._json:
            numbers = {"loss": loss, "accuracy": accuracies, "steps_per_second": round(steps_per_second, 1)}
            print_json({"event": "checkpoint", "step": step, **numbers})
        elif not self._console.is_terminal:
            shown = "" if loss is None else f"  loss {loss:.4f}"
            speed = f"  {steps_per_second:,.0f} steps/s" if steps_per_second else ""
            self.note(f"step {step:>7,}{shown}  {text}{speed}")

    def ended(self, run: Run, accuracies: Accuracies | None) -> None:
        """The run is over; `accuracies` are those of its last checkpoint."""
        if self._json:
            end = {
                "event": "end",
                "run": run.id,
                "state": run.state,
                "step": run.step,
                "message": run.message,
            }
            print_json({**end, "accuracy": accuracies})
        elif accuracies:
            print_accuracies(self._config, accuracies)


def label(average: Average, averages: Sequence[Average]) -> str:
    """What an average is called on a screen: `averaged` where there is one, else with its decay."""
    return "averaged" if len(averages) == 1 else f"averaged {average.short}"


def _spelt_out(name: str, averages: Sequence[Average]) -> str:
    """An average by its decay, `averaged weights (decay 0.99)`; by its name where no more is known of it."""
    known = _short(name, averages)
    return f"averaged weights ({f'decay {known}' if known else printable(name)})"


def _short(name: str, averages: Sequence[Average]) -> str | None:
    return next((average.short for average in averages if average.name == name), None)


def accuracy_text(config: RunConfig, accuracies: Mapping[str, float]) -> str:
    """`raw 0.9766  averaged 0.9794`"""
    names = {"raw": "raw", **{a.name: label(a, config.averages) for a in config.averages}}
    return "  ".join(f"{names[name]} {value:.4f}" for name, value in accuracies.items())


def print_accuracies(config: RunConfig, accuracies: Accuracies) -> None:
    """A table of the splits by the weights."""
    table = Table("weights", *(split for split in accuracies))
    names = {"raw": "raw", **{a.name: label(a, config.averages) for a in config.averages}}
    for name, shown in names.items():
        table.add_row(shown, *(f"{by_weights[name]:.4f}" for by_weights in accuracies.values()))
    _print_table(table)


def print_runs(runs: Sequence[Run], *, as_json: bool) -> None:
    """The runs as a table, or as a line of JSON each."""
    if as_json:
        for run in runs:
            print_json(
                {key: getattr(run, key) for key in _RUN_KEYS} | {"config": run.config.model_dump(mode="json")}
            )
        return
    if not runs:
        print("There is no run yet.")
        return
    headers = ("id", "name", "state", "step", "of", "checkpoint", "queued at")
    # Only names give way in a narrow window.
    table = Table(*(Column(header, no_wrap=header != "name") for header in headers))
    for run in runs:
        created = datetime.fromtimestamp(run.created_at).astimezone().strftime("%Y-%m-%d %H:%M")
        last = "" if run.latest_checkpoint is None else f"{run.latest_checkpoint:,}"
        table.add_row(
            run.id,
            Text(printable(run.name), no_wrap=True, overflow="ellipsis"),
            run.state,
            f"{run.step:,}",
            "" if run.steps is None else f"{run.steps:,}",
            last,
            created,
        )
    _print_table(table)


def print_evaluation(
    step: int,
    average: str | None,
    split: str,
    result: "Evaluation",
    averages: Sequence[Average],
    *,
    as_json: bool,
) -> None:
    """One evaluation as a sentence, or as a line of JSON; `averages` are those of which more is known."""
    low, high = result.accuracy_interval
    if as_json:
        weights = {"weights": "ema" if average else "raw", "average": average}
        loss = result.loss if math.isfinite(result.loss) else None
        counts = {"n": result.n, "correct": result.correct, "accuracy": result.accuracy, "loss": loss}
        print_json({"step": step, **weights, "split": split, **counts, "accuracy_interval": [low, high]})
        return
    name = _spelt_out(average, averages) if average else "raw weights"
    sys.stdout.write(
        f"At step {step:,} the {name} read {result.correct:,} of {result.n:,} {split} images right: "
        f"{result.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f}), loss {result.loss:.4f}.\n"
    )


def print_export(
    step: int, average: str | None, path: Path, size: int, averages: Sequence[Average], *, as_json: bool
) -> None:
    """Which weights are in which file, of `size` bytes; or a line of JSON."""
    if as_json:
        weights = {"weights": "ema" if average else "raw", "average": average}
        print_json({"step": step, **weights, "file": str(path), "bytes": size})
        return
    name = _spelt_out(average, averages) if average else "raw weights"
    sys.stdout.write(f"{printable(str(path))} has the {name} of step {step:,} ({size:,} bytes).\n")


def print_comparison(step: int, average: str, split: str, comparison: "Comparison", *, as_json: bool) -> None:
    """The verdict on one checkpoint, or a line of JSON."""
    from shadowboard.comparison import verdict

    sentence = verdict(step, split, comparison)
    if not as_json:
        sys.stdout.write(sentence + "\n")
        return
    c = comparison
    paired = {
        "both_right": c.both_right,
        "only_raw": c.only_raw,
        "only_ema": c.only_averaged,
        "both_wrong": c.both_wrong,
    }
    difference = {
        "images": c.images,
        "accuracy": c.difference,
        "interval": list(c.interval),
        "p_value": c.p_value,
    }
    sides = {"raw": {"correct": c.raw.correct}, "ema": {"correct": c.averaged.correct}}
    found = {"step": step, "split": split, "average": average, "n": c.n, **sides}
    better = "ema" if c.better == "averaged" else c.better
    print_json(found | {"paired": paired, "difference": difference, "better": better, "verdict": sentence})


def print_readings(
    source: str,
    step: int,
    readings: Mapping[str, Sequence[float]],
    averages: Sequence[Average],
    *,
    as_json: bool,
) -> None:
    """What each kind of weights of `source` reads in a picture: a table, or a line of JSON."""
    rows = {
        name: {"digit": list(values).index(max(values)), "confidence": max(values), "probabilities": values}
        for name, values in readings.items()
    }
    if as_json:
        print_json({"step": step, **rows})
        return
    sys.stdout.write(f"Step {step:,} of {printable(source)}:\n")
    table = Table("digit")
    for name, row in rows.items():
        spelt = "raw weights" if name == "raw" else _spelt_out(name, averages)
        article = "an" if row["digit"] == 8 else "a"
        sys.stdout.write(f"The {spelt} read {article} {row['digit']} ({row['confidence']:.1%}).\n")
        table.add_column("raw" if name == "raw" else f"averaged {_short(name, averages) or printable(name)}")
    for digit in range(10):
        shown = [f"{values[digit]:.1%}" for values in readings.values()]
        marks = ["bold" if row["digit"] == digit else "dim" for row in rows.values()]
        table.add_row(str(digit), *map(Text, shown, marks))
    _print_table(table)
