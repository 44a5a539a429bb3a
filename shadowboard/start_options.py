"""The options of `train` that say what a run's first values are taken from."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadowboard.configuration import RunConfig, parse_config
from shadowboard.errors import ConfigurationInvalid, RunMissing

if TYPE_CHECKING:
    from shadowboard.settings import Settings
    from shadowboard.source import Source
    from shadowboard.store import Store

StartFromOption = Annotated[
    str | None,
    typer.Option(help="Start with the values of this run (id or name), or of a folder of any program's."),
]
StartStep = Annotated[str, typer.Option(help="latest, best (on validation), or a number.")]
StartEma = Annotated[
    bool, typer.Option("--start-ema/--start-raw", help="Start with averaged or raw weights.")
]
StartAverage = Annotated[str | None, typer.Option(help="Which average, when there are several.")]
StartMap = Annotated[
    list[str] | None,
    typer.Option(
        help="variable=name, variable=name*0.2 (a multiple), or variable= (afresh); repeatable. "
        "Where it says nothing, equal names with equal shapes are taken."
    ),
]
StartPartial = Annotated[
    bool,
    typer.Option("--start-partial", help="Where shapes differ, initialise afresh; else that is an error."),
]


@dataclass(frozen=True)
class StartAsked:
    """What was typed."""

    source: str
    step: str
    ema: bool
    average: str | None
    map: Sequence[str]
    partial: bool

    def resolved(self, config: RunConfig, store: "Store", settings: "Settings") -> RunConfig:
        """The configuration with this start: the run by its id, the step by its number.

        Raises ConfigurationInvalid, CheckpointError where it is not possible.
        """
        from shadowboard.warm_start import plan

        source, where = self._source(config, store, settings)
        average = self.average
        if self.ema and average is None:
            average = source.first_average()
        checkpoint = source.checkpoint(self.step, average)
        asked = {"step": checkpoint.step, "average": average or "", "map": self.map, "partial": self.partial}
        config = parse_config({**config.model_dump(), "start_from": {**where, **asked}})
        if config.start_from:
            plan(config.start_from, config.hidden, checkpoint)
        return config

    def _source(
        self, config: RunConfig, store: "Store", settings: "Settings"
    ) -> "tuple[Source, dict[str, str]]":
        """Where the checkpoints are, and how the configuration says so."""
        from shadowboard.source import Source

        try:
            run = store.run(self.source)
        except RunMissing:
            folder = _folder(self.source)
            if folder is None:
                raise ConfigurationInvalid(
                    f"--start-from is {self.source!r}; there is no such run, and no such folder."
                ) from None
            found = Source(str(folder), folder.resolve(), config.data, config.activation)
            return found, {"folder": str(found.folder)}
        return Source.of_run(run, settings), {"run": run.id}


def _folder(name: str) -> Path | None:
    with suppress(OSError, RuntimeError):  # the name is too long; ~ and the name of nobody
        folder = Path(name).expanduser()
        return folder if folder.is_dir() else None
    return None


def start_asked(
    source: str | None,
    step: str,
    ema: bool,
    average: str | None,
    mappings: Sequence[str] | None,
    partial: bool,
) -> StartAsked | None:
    """What the options ask for. Raises BadParameter where some were given without --start-from."""
    if source is None:
        if step != "latest" or ema or average or mappings or partial:
            raise typer.BadParameter(
                "is missing, which the other --start options are about.", param_hint="--start-from"
            )
        return None
    return StartAsked(source, step, ema, average, mappings or (), partial)
