"""The command `export`: a checkpoint's weights as a file of the framework that is to use them."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from shadowboard.errors import SaveFailed
from shadowboard.export.formats import FORMATS, FormatName
from shadowboard.options import AsJson, Database, Home
from shadowboard.settings import load_settings
from shadowboard.weights_commands import Activation, Average, Folder, RunName, Step, source_of

export_command = typer.Typer()

_ENDS = ", ".join(f"{form.name} ({form.end})" for form in FORMATS.values())


@export_command.command()
def export(
    in_format: Annotated[FormatName, typer.Option("--format", help=f"{_ENDS}.")],
    run: RunName = None,
    folder: Folder = None,
    step: Step = "latest",
    ema: Annotated[bool, typer.Option("--ema/--raw", help="Averaged or raw weights.")] = False,
    average: Average = None,
    output: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="File or folder to write to, a new folder with a slash at its end; default: a name that "
            "tells what it is.",
        ),
    ] = None,
    activation: Activation = None,
    home: Home = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """A checkpoint's raw or averaged weights as a file for Keras, TensorFlow, ONNX Runtime or NumPy."""
    settings = load_settings(home=home, database_url=database_url)
    from shadowboard import terminal
    from shadowboard.export.exporting import Subject
    from shadowboard.export.exporting import export as written

    source = source_of(settings, run, folder, None, activation)
    if ema and average is None:
        average = source.first_average()
    checkpoint = source.checkpoint(step, average)
    weights = source.restore(checkpoint, average)
    subject = Subject(source.label, checkpoint, average, weights, source.activation)
    content = written(subject, in_format)
    path = _path(output or "", subject.file_name(in_format))
    _write(path, content)
    terminal.print_export(checkpoint.step, average, path, len(content), source.averages, as_json=as_json)


def _path(output: str, name: str) -> Path:
    """Of the file to write: `output`, or `name` in it where it is a folder. Raises SaveFailed."""
    path = Path(output)
    try:
        if output.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        return path / name if path.is_dir() else path
    except OSError as error:
        raise SaveFailed(f"{path} could not be made: {error.strerror}.") from error


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing; straight into what is no regular file: a pipe, a device. Raises SaveFailed."""
    try:
        target = Path(os.path.realpath(path))  # a link stays one
        loops = target.is_symlink()  # and is refused by the system
        if loops or (path.exists() and not path.is_file()):
            path.write_bytes(content)
            return
        # A folder, so that the file in it gets the mode that any new file would.
        with TemporaryDirectory(prefix=".exporting-", dir=target.parent) as temporary:
            part = Path(temporary, target.name)
            part.write_bytes(content)
            part.replace(target)
    except OSError as error:
        raise SaveFailed(f"{path} could not be written: {error.strerror}.") from error
