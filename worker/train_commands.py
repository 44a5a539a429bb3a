"""The commands of the worker: work, train, study."""

import logging
import threading
from pathlib import Path
from typing import Annotated

import typer

from shadowboard.configuration import RunConfig, parse_average, parse_config
from shadowboard.errors import RunBusy, StoreUnavailable
from shadowboard.logs import log_to_stderr
from shadowboard.options import AsJson, Database, Home, open_store
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

train_commands = typer.Typer()

_DEFAULTS = RunConfig()


@train_commands.command()
def work(
    home: Home = None,
    database_url: Database = None,
    until_input_ends: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """The worker alone: trains queued runs, one after the other, until it is stopped."""
    settings = load_settings(home=home, database_url=database_url)
    asked = "log_level" in settings.model_fields_set
    log_to_stderr(settings.log_level if asked else "info")  # alone it has nothing else to show
    stop = stop_on_signals()
    if until_input_ends:
        threading.Thread(target=set_when_input_ends, args=(stop,), daemon=True).start()
    with open_store(settings) as store:
        with ended_at_once(stop):  # until then there is nothing to save
            from worker.loop import work as take_runs

        take_runs(store, settings.run_folder, stop)


@train_commands.command()
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
        typer.echo(f"{run.message} Go on with: shadowboard train --resume {run.id}", err=True)
        raise typer.Exit(130)
    if run.state != "finished":
        raise RunBusy(f"Run {run.id} {run.state}: {run.message}")


@train_commands.command()
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
        typer.echo(f"Study {found.id} is interrupted. Go on with: {again}", err=True)
        raise typer.Exit(130)
    print_study(report, as_json=as_json)


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
