"""The command `inspect`: what is in a checkpoint, and what would be restored from it."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadowboard.options import AsJson, Database, Home, open_store
from shadowboard.settings import load_settings

if TYPE_CHECKING:
    from shadowboard.bundle import Bundle

log = logging.getLogger(__name__)

inspect_command = typer.Typer()

RunName = Annotated[str | None, typer.Option(help="Id or name of a run; default: the newest.")]
Folder = Annotated[
    Path | None, typer.Option(help="A folder of checkpoints that any program wrote, or the files of one.")
]
Step = Annotated[str, typer.Option(help="latest, or a number.")]
Match = Annotated[
    str, typer.Option("--match", help="Only variables whose names have this in them, or match it: */biases.")
]
WithStatistics = Annotated[
    bool | None,
    typer.Option(
        "--statistics/--no-statistics",
        help="Read all values, for mean, distance to raw and so on; by default of up to 64 MiB.",
    ),
]


@inspect_command.command()
def inspect(
    run: RunName = None,
    folder: Folder = None,
    step: Step = "latest",
    match: Match = "",
    statistics: WithStatistics = None,
    home: Home = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Every variable of a checkpoint, small ones with their values, and what a restore makes of them."""
    from shadowboard import inspection_text
    from shadowboard.inspection import LARGE
    from shadowboard.inspection import inspect as inspect_bundle

    if folder is None:
        settings = load_settings(home=home, database_url=database_url)
        with open_store(settings) as store:
            found = store.run(run) if run else store.newest_run()
            folder = found.folder or settings.run_folder(found.id)
    elif run:
        raise typer.BadParameter("Give either --run or --folder.", param_hint="--run")
    bundle = _open(folder, step)
    names = inspection_text.matching(bundle.entries, match)
    if statistics is None:
        statistics = sum(bundle.entries[name].bytes for name in names) <= LARGE
    variables = inspect_bundle(bundle, names, statistics=statistics)
    inspection_text.print_inspection(bundle, variables, as_json=as_json)


def _open(folder: Path, step: str) -> "Bundle":
    """The checkpoint of a step; of `latest`, the newest one that can be read."""
    from shadowboard.bundle import open_bundle
    from shadowboard.errors import CheckpointDamaged, CheckpointMissing
    from shadowboard.listing import find, newest_files

    if step != "latest":
        if not (step.isascii() and step.isdigit()):
            raise typer.BadParameter(f"{step!r} is neither latest nor a number.", param_hint="--step")
        return open_bundle(find(folder, int(step)).prefix)
    for prefix in (folder, folder.with_suffix("")):
        if not folder.is_dir() and prefix.with_name(prefix.name + ".index").is_file():
            return open_bundle(prefix)
    damaged: CheckpointDamaged | CheckpointMissing | None = None
    for prefix in newest_files(folder):
        try:
            bundle = open_bundle(prefix)
        except (CheckpointDamaged, CheckpointMissing) as error:
            damaged = damaged or error
        else:
            if damaged:
                log.warning("%s", damaged)
            return bundle
    raise damaged or CheckpointMissing(f"There is no readable checkpoint in {folder}.")
