"""The command line: the one place that puts library, worker and server together. Nobody imports it."""

import atexit
import gc
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from shadowboard.configuration import RunConfig, parse_average, parse_config
from shadowboard.errors import RunBusy, SettingsInvalid, ShadowboardError, StoreUnavailable
from shadowboard.export_command import export_command
from shadowboard.inspect_command import inspect_command
from shadowboard.options import (
    AllowedHosts,
    AsJson,
    Database,
    Home,
    Host,
    Insecure,
    LogLevel,
    Port,
    Token,
    WatchFolders,
    WeightsCache,
    open_store,
)
from shadowboard.printable import printable
from shadowboard.records import Run
from shadowboard.recover_command import recover_command
from shadowboard.settings import load_settings
from shadowboard.start_options import (
    StartAverage,
    StartEma,
    StartFromOption,
    StartMap,
    StartPartial,
    StartStep,
    start_asked,
)
from shadowboard.stopping import ended_at_once, set_when_input_ends, stop_on_signals
from shadowboard.variants import PARTS, USUAL_SEEDS, parse_plan
from shadowboard.weights_commands import weights_commands

app = typer.Typer(
    name="shadowboard",
    help="Compare raw with averaged model weights while training runs.",
    no_args_is_help=True,
    add_completion=False,
)
app.add_typer(weights_commands)
app.add_typer(export_command)
app.add_typer(inspect_command)
app.add_typer(recover_command)

_DEFAULTS = RunConfig()


@app.callback()
def _main(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False) -> None:
    pass  # main() looks for --debug itself: it must know before a command fails


@app.command()
def up(
    host: Host = None,
    port: Port = None,
    home: Home = None,
    database_url: Database = None,
    token: Token = None,
    insecure: Insecure = None,
    allowed_hosts: AllowedHosts = None,
    watch_folders: WatchFolders = None,
    weights_cache_mib: WeightsCache = None,
    log_level: LogLevel = None,
    no_train: Annotated[bool, typer.Option("--no-train", help="Serve only; start no worker.")] = False,
) -> None:
    """Server and worker together; queues the reference recipe if there is no run yet."""
    from contextlib import ExitStack

    from server.serving import serve as serve_pages
    from worker.child import WorkerChild

    settings = load_settings(
        host=host,
        port=port,
        home=home,
        database_url=database_url,
        token=token,
        insecure=insecure,
        allowed_hosts=allowed_hosts,
        watch_folders=watch_folders,
        weights_cache_mib=weights_cache_mib,
        log_level=log_level,
    )
    _log_to_stderr(settings.log_level)
    child = WorkerChild(
        {
            "SHADOWBOARD_HOME": str(settings.home),
            "SHADOWBOARD_DATABASE_URL": settings.store_url,
            "SHADOWBOARD_LOG_LEVEL": settings.log_level,
        }
    )
    with ExitStack() as stack:

        def announce(url: str) -> None:
            # Only now is it sure that the port is free: a second `up` must change nothing.
            if not no_train:
                with open_store(settings) as store:
                    if not store.runs():
                        store.create_run(RunConfig())
                stack.enter_context(child)
            typer.echo(f"Shadowboard is at {url} (Ctrl-C stops it; started again, it goes on)")

        serve_pages(settings, announce, child.stop)


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    home: Home = None,
    database_url: Database = None,
    token: Token = None,
    insecure: Insecure = None,
    allowed_hosts: AllowedHosts = None,
    watch_folders: WatchFolders = None,
    weights_cache_mib: WeightsCache = None,
    log_level: LogLevel = None,
) -> None:
    """The server alone."""
    from server.serving import serve as serve_pages

    settings = load_settings(
        host=host,
        port=port,
        home=home,
        database_url=database_url,
        token=token,
        insecure=insecure,
        allowed_hosts=allowed_hosts,
        watch_folders=watch_folders,
        weights_cache_mib=weights_cache_mib,
        log_level=log_level,
    )
    _log_to_stderr(settings.log_level)
    serve_pages(settings, lambda url: typer.echo(f"Shadowboard is at {url} (Ctrl-C stops it)"))


@app.command()
def watch(
    folder: Annotated[Path, typer.Argument(help="Where the other program saves its checkpoints.")],
    name: Annotated[str, typer.Option(help="Name of the run; empty: that of the folder.")] = "",
    data: Annotated[str | None, typer.Option(help="mnist, or a folder with four IDX files.")] = None,
    activation: Annotated[
        str | None, typer.Option(help="Of the hidden layers: relu, tanh, sigmoid or none.")
    ] = None,
    network: Annotated[
        str,
        typer.Option(
            help="Function (weights, images) → logits that reads it, as package.module:function; "
            "imported from the current folder. Empty: a chain of dense layers is recognised."
        ),
    ] = "",
    host: Host = None,
    port: Port = None,
    home: Home = None,
    database_url: Database = None,
    token: Token = None,
    insecure: Insecure = None,
    allowed_hosts: AllowedHosts = None,
    watch_folders: WatchFolders = None,
    weights_cache_mib: WeightsCache = None,
    log_level: LogLevel = None,
) -> None:
    """Follow a training that another program does: evaluate each checkpoint that it saves in FOLDER.

    Nothing in the folder is changed. Where a server is running already, it is told; else one is started.
    """
    from server.serving import serve as serve_pages
    from shadowboard.dataset import load_dataset
    from shadowboard.given_network import load_network
    from shadowboard.neighbour import board_of
    from shadowboard.watched import resolved_data, watched_config

    settings = load_settings(
        host=host,
        port=port,
        home=home,
        database_url=database_url,
        token=token,
        insecure=insecure,
        allowed_hosts=allowed_hosts,
        watch_folders=watch_folders,
        weights_cache_mib=weights_cache_mib,
        log_level=log_level,
    )
    _log_to_stderr(settings.log_level)
    config = watched_config(folder, data=resolved_data(data), activation=activation, network=network)
    networks = [load_network(network)] if network else []
    load_dataset(config.data)  # there have to be images

    def tell(run: Run, where: str) -> None:
        typer.echo(printable(f"Watching {config.folder} as run {run.id} ({run.name})"))
        typer.echo(f"Shadowboard is {where}")

    def announce(url: str) -> None:
        with open_store(settings) as store:
            run = store.watch(config, name)
        tell(run, f"at {url}/?run={run.id} (Ctrl-C stops it; started again, it goes on)")

    try:
        serve_pages(settings, announce, networks=networks)
    except SettingsInvalid:  # the port may be taken by a server of the same store
        if networks:  # which has not got them
            raise
        with open_store(settings) as store, store.watching(config, name) as run:
            if (url := board_of(settings, run.id)) is None:
                raise
        tell(run, f"running already, at {url}/?run={run.id}")


@app.command()
def work(
    home: Home = None,
    database_url: Database = None,
    until_input_ends: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """The worker alone: trains queued runs, one after the other, until it is stopped."""
    settings = load_settings(home=home, database_url=database_url)
    asked = "log_level" in settings.model_fields_set
    _log_to_stderr(settings.log_level if asked else "info")  # alone it has nothing else to show
    stop = stop_on_signals()
    if until_input_ends:
        threading.Thread(target=set_when_input_ends, args=(stop,), daemon=True).start()
    with open_store(settings) as store:
        with ended_at_once(stop):  # until then there is nothing to save
            from worker.loop import work as take_runs

        if until_input_ends:
            os.nice(5)  # from here on: the server answers people, the training only a clock
        take_runs(store, settings.run_folder, stop)


@app.command()
def train(
    context: typer.Context,
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
    start_from: StartFromOption = None,
    start_step: StartStep = "latest",
    start_ema: StartEma = False,
    start_average: StartAverage = None,
    start_map: StartMap = None,
    start_partial: StartPartial = False,
    resume: Annotated[str | None, typer.Option(help="Go on with this run (id or name) instead.")] = None,
    home: Home = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """One run in the foreground, with both accuracies at each checkpoint."""
    if resume:
        _refuse_knobs(context)
    knobs = {
        "steps": steps,
        "batch_size": batch_size,
        "hidden": [] if hidden in {"none", "0"} else [_whole(width) for width in hidden.split(",")],
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
    start = start_asked(start_from, start_step, start_ema, start_average, start_map, start_partial)
    settings, stop = load_settings(home=home, database_url=database_url), stop_on_signals()
    with open_store(settings) as store:
        if start:
            config = start.resolved(config, store, settings)
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
def study(
    context: typer.Context,
    steps: Annotated[int, typer.Option(help="Length of each run.")] = _DEFAULTS.steps,
    seeds: Annotated[int, typer.Option(help="Runs of each variant.")] = USUAL_SEEDS,
    variant: Annotated[
        list[str] | None,
        typer.Option(help=f"What to leave out, repeatable; default: each of {', '.join(PARTS)}."),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = _DEFAULTS.batch_size,
    learning_rate: Annotated[float, typer.Option(help="At step 0.")] = _DEFAULTS.learning_rate,
    save_every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = _DEFAULTS.save_every,
    data: Annotated[str, typer.Option(help="mnist, or a folder with four IDX files.")] = _DEFAULTS.data,
    name: Annotated[str, typer.Option(help="Name of the study; empty: its recipe.")] = "",
    resume: Annotated[str | None, typer.Option(help="Go on with this study (id or name) instead.")] = None,
    home: Home = None,
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """A recipe with and without each of its parts, with several seeds: what is each part worth?

    However it ends, the same command goes on with it, and shows the tables of one that is finished.
    """
    if resume:
        _refuse_knobs(context, "study")
    knobs = {
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "save_every": save_every,
        "data": data if data == _DEFAULTS.data else str(Path(data).resolve()),
    }
    plan = parse_plan(knobs, seeds, variant or PARTS)
    settings, stop = load_settings(home=home, database_url=database_url), stop_on_signals()
    with open_store(settings) as store:
        with ended_at_once(stop):
            from shadowboard.study_text import print_study
            from worker.studying import study_in_foreground

        logging.getLogger("worker").setLevel(logging.CRITICAL)  # the display tells what there is to tell
        found = store.studies.one(resume) if resume else store.studies.of_plan(plan, name)
        found = found or store.studies.create(plan, name)
        again = f"shadowboard study --resume {found.id}"
        store.studies.resume(found.id)
        try:
            report = study_in_foreground(
                store, settings.store_url, found, settings.run_folder, stop=stop, as_json=as_json
            )
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{error} Go on with: {again}") from error
    if stop.is_set() and report.progress.state != "finished":
        _say(f"Study {found.id} is interrupted. Go on with: {again}")
        raise typer.Exit(130)
    print_study(report, as_json=as_json)


@app.command()
def runs(home: Home = None, database_url: Database = None, as_json: AsJson = False) -> None:
    """The runs, newest first."""
    settings = load_settings(home=home, database_url=database_url)
    from shadowboard import terminal

    with open_store(settings) as store:
        terminal.print_runs(store.runs(), as_json=as_json)


def _whole(text: str) -> int | str:
    return int(text) if text.strip().isdecimal() else text


def _refuse_knobs(context: typer.Context, what: str = "run") -> None:
    """Raise BadParameter where an option was given that what is resumed would not heed."""
    heeded = {"resume", "home", "database_url", "as_json"}
    for option in context.command.params:
        name = option.name or ""
        source = context.get_parameter_source(name)
        if name not in heeded and source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"goes with a new {what} only; a {what} that is resumed keeps its own.",
                param_hint=option.opts[0],
            )


def _log_to_stderr(level: str) -> None:
    from server.logs import log_to_stderr

    log_to_stderr(level)


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def main() -> NoReturn:
    """Run a command and end the process."""
    # At its exit Python would look through all of TensorFlow for garbage, which takes a second.
    atexit.register(gc.freeze)
    code = run()
    if threading.active_count() > 1:  # all is put away; what still loads, nobody need wait for
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run() -> int:
    """Run the command of `sys.argv`: errors in one line on stderr with exit code 1, wrong usage with 2."""
    debug = "--debug" in sys.argv
    try:
        return app(standalone_mode=False) or 0
    except TyperException as error:
        if debug:
            raise
        if error.format_message():  # there is none where help was shown for want of a command
            _say(f"shadowboard: {' '.join(error.format_message().split())}")
        return error.exit_code
    except ShadowboardError as error:
        if debug:
            raise
        _say(f"shadowboard: {printable(str(error))}")
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        if debug:
            raise
        _say(f"shadowboard: {type(error).__name__}: {error} (--debug shows where)")
        return 1


if __name__ == "__main__":
    main()
