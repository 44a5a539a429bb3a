"""The commands that ask what weights are worth: evaluate, compare, predict."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from shadowboard.options import AsJson, Database, Home, open_store
from shadowboard.settings import Settings, load_settings

if TYPE_CHECKING:
    from shadowboard.source import Source

weights_commands = typer.Typer()

RunName = Annotated[str | None, typer.Option(help="Id or name of a run; default: the newest.")]
Folder = Annotated[Path | None, typer.Option(help="A folder of checkpoints that any program wrote.")]
Step = Annotated[str, typer.Option(help="latest, best (on validation), or a number.")]
Average = Annotated[str | None, typer.Option(help="Which average, when there are several.")]
Split = Annotated[str, typer.Option(help="validation or test.")]
Data = Annotated[str | None, typer.Option(help="With --folder: mnist, or a folder of IDX files.")]
Activation = Annotated[
    str | None, typer.Option(help="With --folder: of the hidden layers: relu, tanh, sigmoid or none.")
]


@weights_commands.command()
def evaluate(
    run: RunName = None,
    folder: Folder = None,
    step: Step = "latest",
    ema: Annotated[bool, typer.Option("--ema/--raw", help="Averaged or raw weights.")] = False,
    average: Average = None,
    split: Split = "validation",
    data: Data = None,
    activation: Activation = None,
    home: Home = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """How many images a checkpoint reads right, with its raw or its averaged weights."""
    _check_split(split)
    settings = load_settings(home=home, database_url=database_url)
    from shadowboard import terminal

    source = source_of(settings, run, folder, data, activation)
    if ema and average is None:
        average = source.first_average()
    checkpoint = source.checkpoint(step, average)
    result = source.evaluate(checkpoint, average, split)
    terminal.print_evaluation(checkpoint.step, average, split, result, source.averages, as_json=as_json)


@weights_commands.command()
def compare(
    run: RunName = None,
    folder: Folder = None,
    step: Step = "latest",
    average: Average = None,
    split: Split = "validation",
    data: Data = None,
    activation: Activation = None,
    home: Home = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Whether a checkpoint's averaged weights are better than its raw ones, or whether that is luck."""
    _check_split(split)
    settings = load_settings(home=home, database_url=database_url)
    from shadowboard import terminal
    from shadowboard.comparison import compare as compare_readings

    source = source_of(settings, run, folder, data, activation)
    average = average or source.first_average()
    checkpoint = source.checkpoint(step, average)
    sides = [source.evaluate(checkpoint, weights, split) for weights in (None, average)]
    terminal.print_comparison(checkpoint.step, average, split, compare_readings(*sides), as_json=as_json)


@weights_commands.command()
def predict(
    picture: Annotated[Path, typer.Argument(help="A PNG, JPEG or WebP of one digit.")],
    run: RunName = None,
    folder: Folder = None,
    step: Step = "latest",
    activation: Activation = None,
    home: Home = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """What the raw and the averaged weights read in one picture."""
    settings = load_settings(home=home, database_url=database_url)
    from shadowboard import terminal
    from shadowboard.digit_image import MAX_BYTES, from_picture
    from shadowboard.errors import PictureInvalid

    try:
        with picture.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PictureInvalid(f"{picture} cannot be read: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise PictureInvalid(f"{picture} is too large; expected at most {MAX_BYTES:,} bytes.")
    image = from_picture(content)
    source = source_of(settings, run, folder, None, activation)
    checkpoint = source.checkpoint(step, source.first_average() if step == "best" else None)
    readings = source.read_digit(checkpoint, image)
    terminal.print_readings(source.name, checkpoint.step, readings, source.averages, as_json=as_json)


def _check_split(split: str) -> None:
    from shadowboard.dataset import SPLITS

    if split not in SPLITS:
        raise typer.BadParameter(f"{split!r} is neither validation nor test.", param_hint="--split")


def source_of(
    settings: Settings, run: str | None, folder: Path | None, data: str | None, activation: str | None
) -> "Source":
    """What --run or --folder mean, with what goes with a folder. Raises RunMissing, StoreUnavailable."""
    from shadowboard import configuration
    from shadowboard.source import Source

    if folder is None:
        if data or activation:
            raise typer.BadParameter(
                "goes with --folder only; a run knows its own.", param_hint="--data/--activation"
            )
        with open_store(settings) as store:
            return Source.of_run(store.run(run) if run else store.newest_run(), settings)
    if run:
        raise typer.BadParameter("Give either --run or --folder.", param_hint="--run")
    if activation not in (None, *(known := get_args(configuration.Activation))):
        raise typer.BadParameter(f"{activation!r} is none of {', '.join(known)}.", param_hint="--activation")
    return Source(str(folder), folder, data or "mnist", activation or "relu", is_assumed=activation is None)
