"""The command `inspect`: what is in a checkpoint, and what would be restored from it."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadowboard.options import AsJson, Database, Home, open_store
from shadowboard.settings import load_settings

if TYPE_CHECKING:
    from shadowboard.contents import Contents
    from shadowboard.listing import Checkpoint

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
    from shadowboard.inspection import inspect as inspect_contents
    from shadowboard.watched import WatchedConfig

    network = ""
    if folder is None:
        settings = load_settings(home=home, database_url=database_url)
        with open_store(settings) as store:
            found = store.run(run) if run else store.newest_run()
            folder = found.folder or settings.run_folder(found.id)
            network = found.config.network if isinstance(found.config, WatchedConfig) else ""
    elif run:
        raise typer.BadParameter("Give either --run or --folder.", param_hint="--run")
    contents = _open(folder, step, network)
    names = inspection_text.matching(contents.entries, match)
    if statistics is None:
        statistics = sum(contents.entries[name].bytes for name in names) <= LARGE
    variables = inspect_contents(contents, names, statistics=statistics)
    inspection_text.print_inspection(contents, variables, as_json=as_json)


def _open(folder: Path, step: str, network: str) -> "Contents":
    """The checkpoint of a step; of `latest`, the newest one that can be read."""
    from shadowboard.contents import open_contents
    from shadowboard.errors import CheckpointDamaged, CheckpointMissing
    from shadowboard.given_network import GivenCheckpoint, GivenNetwork
    from shadowboard.listing import Checkpoint, pick

    def opened(one: Checkpoint) -> "Contents":
        given = GivenCheckpoint(one.prefix, one.step, GivenNetwork(network)) if network else one
        return open_contents(given)

    if step != "latest":
        if not (step.isascii() and step.isdigit()):
            raise typer.BadParameter(f"{step!r} is neither latest nor a number.", param_hint="--step")
        return opened(pick(_numbered(folder), int(step)))
    if (file := _of_file(folder)) is not None:
        return opened(file)
    damaged: CheckpointDamaged | CheckpointMissing | None = None
    for checkpoint in _newest(folder):
        try:
            contents = opened(checkpoint)
        except (CheckpointDamaged, CheckpointMissing) as error:
            damaged = damaged or error
        else:
            if damaged:
                log.warning("%s", damaged)
            return contents
    raise damaged or CheckpointMissing(f"There is no readable checkpoint in {folder}.")


def _of_file(path: Path) -> "Checkpoint | None":
    """The checkpoint whose file it is, or whose files without their ends; None: it is that of no one."""
    from shadowboard.errors import CheckpointMissing
    from shadowboard.keras_file import ENDS
    from shadowboard.listing import Checkpoint

    try:
        if path.is_dir():
            return None
        if path.name.endswith(ENDS):
            return Checkpoint(path, 0)
        prefixes = [p for p in (path, path.with_suffix("")) if p.with_name(f"{p.name}.index").is_file()]
    except OSError as error:  # its name is too long, say
        raise CheckpointMissing(f"{path} cannot be read: {error.strerror}.") from error
    return Checkpoint(prefixes[0], 0) if prefixes else None


def _numbered(folder: Path) -> "list[Checkpoint]":
    """Those with a step, TensorFlow's and Keras', by ascending step."""
    from shadowboard.folder_sight import look
    from shadowboard.listing import list_checkpoints

    # Of TensorFlow's also those that are not complete: to name one tells what is the matter with it.
    there = {one.step: one for one in [*look(folder).checkpoints, *list_checkpoints(folder)]}
    return [there[step] for step in sorted(there)]


def _newest(folder: Path) -> "list[Checkpoint]":
    """Those with a step, the newest first; then those without. Raises CheckpointMissing."""
    from shadowboard.errors import CheckpointMissing
    from shadowboard.folder_sight import look
    from shadowboard.listing import Checkpoint, newest_files

    numbered = _numbered(folder)[::-1]
    try:
        others = [Checkpoint(prefix, 0) for prefix in newest_files(folder)]
    except CheckpointMissing as error:
        if not numbered:  # a file of Keras may be what is the matter
            raise CheckpointMissing(look(folder).problem or str(error)) from None
        others = []
    known = {one.prefix for one in numbered}
    return [*numbered, *(one for one in others if one.prefix not in known)]
