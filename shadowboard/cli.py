"""The command line: the one place that puts library, worker and server together. Nobody imports it."""

import atexit
import gc
import logging
import os
import signal
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from shadowboard.configuration import RunConfig, parse_average, parse_config
from shadowboard.errors import RunBusy, ShadowboardError, StoreUnavailable
from shadowboard.settings import Settings, load_settings

if TYPE_CHECKING:
    from shadowboard.source import Source
    from shadowboard.store import Store

app = typer.Typer(
    name="shadowboard",
    help="Compare raw with averaged model weights while training runs.",
    no_args_is_help=True,
    add_completion=False,
)

_DEFAULTS = RunConfig()

RunName = Annotated[str | None, typer.Option(help="Id or name of a run; default: the newest.")]
Folder = Annotated[Path | None, typer.Option(help="A folder of checkpoints that any program wrote.")]
Step = Annotated[str, typer.Option(help="latest, best (on validation), or a number.")]
Home = Annotated[Path | None, typer.Option(help="Folder of the database and the checkpoints.")]
Database = Annotated[str | None, typer.Option("--database-url", help="SQLAlchemy URL of the database.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def _main(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False) -> None:
    pass  # main() looks for --debug itself: it must know before a command fails


@app.command()
def up(
    host: Host = None,
    port: Port = None,
    home: Home = None,
    database_url: Database = None,
    no_train: Annotated[bool, typer.Option("--no-train", help="Serve only; start no worker.")] = False,
) -> None:
    """Server and worker together; queues the reference recipe if there is no run yet."""
    from contextlib import ExitStack

    from server.serving import serve as serve_pages
    from worker.child import WorkerChild

    settings = _settings(host=host, port=port, home=home, database_url=database_url)
    _log_to_stderr()
    child = WorkerChild(
        {"SHADOWBOARD_HOME": str(settings.home), "SHADOWBOARD_DATABASE_URL": settings.store_url}
    )
    with ExitStack() as stack:

        def announce(url: str) -> None:
            # Only now is it sure that the port is free: a second `up` must change nothing.
            if not no_train:
                with _store(settings) as store:
                    if not store.runs(limit=1):
                        store.create_run(RunConfig())
                stack.enter_context(child)
            typer.echo(f"Shadowboard is at {url} (Ctrl-C stops it; started again, it goes on)")

        serve_pages(settings, announce)


@app.command()
def serve(host: Host = None, port: Port = None, home: Home = None, database_url: Database = None) -> None:
    """The server alone."""
    from server.serving import serve as serve_pages

    _log_to_stderr()
    settings = _settings(host=host, port=port, home=home, database_url=database_url)
    serve_pages(settings, lambda url: typer.echo(f"Shadowboard is at {url} (Ctrl-C stops it)"))


@app.command()
def work(
    home: Home = None,
    database_url: Database = None,
    until_input_ends: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """The worker alone: trains queued runs, one after the other, until it is stopped."""
    _log_to_stderr()
    settings = _settings(home=home, database_url=database_url)
    stop = _stop_on_signals()
    if until_input_ends:
        threading.Thread(target=_set_when_input_ends, args=(stop,), daemon=True).start()
    with _store(settings) as store:
        from worker.loop import work as take_runs

        if until_input_ends:
            os.nice(5)  # from here on: the server answers people, the training only a clock
        take_runs(store, settings.run_folder, stop)


@app.command()
def train(
    steps: Annotated[int, typer.Option(help="Length of the training.")] = _DEFAULTS.steps,
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = _DEFAULTS.batch_size,
    hidden: Annotated[
        str, typer.Option(help="Units of the hidden layers: 500, or 300,100, or none.")
    ] = "500",
    activation: Annotated[str, typer.Option(help="relu, tanh, sigmoid or none.")] = _DEFAULTS.activation,
    optimizer: Annotated[str, typer.Option(help="sgd or momentum.")] = _DEFAULTS.optimizer,
    momentum: Annotated[float, typer.Option(help="For --optimizer momentum.")] = _DEFAULTS.momentum,
    learning_rate: Annotated[float, typer.Option(help="At step 0.")] = _DEFAULTS.learning_rate,
    learning_rate_decay: Annotated[
        float, typer.Option(help="Factor an epoch.")
    ] = _DEFAULTS.learning_rate_decay,
    regularization: Annotated[float, typer.Option(help="Factor of Σ ½‖W‖².")] = _DEFAULTS.regularization,
    ema_decay: Annotated[
        list[str] | None,
        typer.Option(help="Decay of an average to keep; repeatable. 0.99:constant: without num_updates."),
    ] = None,
    num_updates: Annotated[bool, typer.Option(help="Decay min(decay, (1 + n) / (10 + n)) at step n.")] = True,
    save_every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = _DEFAULTS.save_every,
    seed: Annotated[int, typer.Option(help="Of the initial weights and the data's order.")] = _DEFAULTS.seed,
    data: Annotated[str, typer.Option(help="mnist, or a folder with four IDX files.")] = _DEFAULTS.data,
    name: Annotated[str, typer.Option(help="Name of the run; empty: its recipe.")] = "",
    resume: Annotated[str | None, typer.Option(help="Go on with this run (id or name) instead.")] = None,
    home: Home = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """One run in the foreground, with both accuracies at each checkpoint."""
    knobs = {
        "steps": steps,
        "batch_size": batch_size,
        "hidden": [] if hidden in {"none", "0"} else hidden.split(","),
        "activation": activation,
        "optimizer": optimizer,
        "momentum": momentum,
        "learning_rate": learning_rate,
        "learning_rate_decay": learning_rate_decay,
        "regularization": regularization,
        "averages": [parse_average(text, num_updates) for text in ema_decay or ["0.99"]],
        "save_every": save_every,
        "seed": seed,
        "data": data if data == _DEFAULTS.data else str(Path(data).resolve()),
    }
    config = parse_config(knobs)
    settings, stop = _settings(home=home, database_url=database_url), _stop_on_signals()
    with _store(settings) as store:
        from worker.foreground import take, train_in_foreground
        from worker.loop import worker_name

        logging.getLogger("worker").setLevel(logging.CRITICAL)  # the display tells what there is to tell
        worker = worker_name()
        run = take(store, resume, worker) if resume else store.create_run(config, name, worker)
        folder = settings.run_folder(run.id)
        try:
            run = train_in_foreground(store, run, worker, folder, stop=stop, as_json=as_json)
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{error} Go on with: shadowboard train --resume {run.id}") from error
    if run.state == "stopped":
        _say(f"{run.message} Go on with: shadowboard train --resume {run.id}")
        raise typer.Exit(130)
    if run.state != "finished":
        raise RunBusy(f"Run {run.id} {run.state}: {run.message}")


@app.command()
def evaluate(
    run: RunName = None,
    folder: Folder = None,
    step: Step = "latest",
    ema: Annotated[bool, typer.Option("--ema/--raw", help="Averaged or raw weights.")] = False,
    average: Annotated[str | None, typer.Option(help="Which average, when there are several.")] = None,
    split: Annotated[str, typer.Option(help="validation or test.")] = "validation",
    data: Annotated[str | None, typer.Option(help="With --folder: mnist, or a folder of IDX files.")] = None,
    activation: Annotated[str | None, typer.Option(help="With --folder: of the hidden layers.")] = None,
    home: Home = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """How many images a checkpoint reads right, with its raw or its averaged weights."""
    if split not in {"validation", "test"}:
        raise typer.BadParameter(f"{split!r} is neither validation nor test.", param_hint="--split")
    settings = _settings(home=home, database_url=database_url)
    from shadowboard import terminal

    source = _source(settings, run, folder, data, activation)
    if ema and average is None:
        average = source.first_average()
    checkpoint = source.checkpoint(step, average)
    result = source.evaluate(checkpoint, average, split)
    terminal.print_evaluation(checkpoint.step, average, split, result, as_json=as_json)


@app.command()
def predict(
    picture: Annotated[Path, typer.Argument(help="A PNG, JPEG or WebP of one digit.")],
    run: RunName = None,
    folder: Folder = None,
    step: Step = "latest",
    activation: Annotated[str | None, typer.Option(help="With --folder: of the hidden layers.")] = None,
    home: Home = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """What the raw and the averaged weights read in one picture."""
    settings = _settings(home=home, database_url=database_url)
    from shadowboard import terminal
    from shadowboard.digit_image import from_picture
    from shadowboard.errors import PictureInvalid

    try:
        image = from_picture(picture.read_bytes())
    except OSError as error:
        raise PictureInvalid(f"{picture} cannot be read: {error.strerror}.") from error
    source = _source(settings, run, folder, None, activation)
    checkpoint = source.checkpoint(step, source.first_average() if step == "best" else None)
    terminal.print_readings(checkpoint.step, source.read_digit(checkpoint, image), as_json=as_json)


@app.command()
def runs(home: Home = None, database_url: Database = None, as_json: AsJson = False) -> None:
    """The runs, newest first."""
    settings = _settings(home=home, database_url=database_url)
    from shadowboard import terminal

    with _store(settings) as store:
        terminal.print_runs(store.runs(), as_json=as_json)


def _settings(**options: Any) -> Settings:
    return load_settings(**options)


def _store(settings: Settings) -> "closing[Store]":
    from shadowboard.store import Store

    return closing(Store(settings.store_url))


def _source(
    settings: Settings, run: str | None, folder: Path | None, data: str | None, activation: str | None
) -> "Source":
    from shadowboard.source import Source

    if folder is None:
        if data or activation:
            raise typer.BadParameter(
                "goes with --folder only; a run knows its own.", param_hint="--data/--activation"
            )
        with _store(settings) as store:
            return Source.of_run(store.run(run) if run else store.newest_run(), settings)
    if run:
        raise typer.BadParameter("Give either --run or --folder.", param_hint="--run")
    return Source(str(folder), folder, data or "mnist", activation or "relu")


def _stop_on_signals() -> threading.Event:
    """An event that the first SIGINT or SIGTERM sets; a second one ends the process at once."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return stop


def _set_when_input_ends(stop: threading.Event) -> None:
    # Not through sys.stdin: a thread that holds its lock at the interpreter's end is a fatal error.
    while os.read(0, 4096):
        pass
    stop.set()


def _log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S"
    )


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def main() -> None:
    """Run a command: errors in one line on stderr with exit code 1, wrong usage with 2."""
    debug = "--debug" in sys.argv
    # At its exit Python would look through all of TensorFlow for garbage, which takes a second.
    atexit.register(gc.freeze)
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except TyperException as error:
        if debug:
            raise
        if error.format_message():  # there is none where help was shown for want of a command
            _say(f"shadowboard: {error.format_message()}")
        sys.exit(error.exit_code)
    except ShadowboardError as error:
        if debug:
            raise
        _say(f"shadowboard: {error}")
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        _say(f"shadowboard: {type(error).__name__}: {error} (--debug shows where)")
        sys.exit(1)


if __name__ == "__main__":
    main()
