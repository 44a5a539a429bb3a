"""The command line: the one place that puts library, worker and server together. Nobody imports it."""

import atexit
import gc
import os
import sys
import threading
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from server.serve_commands import serve_commands
from shadowboard.configuration import RunConfig
from shadowboard.errors import ShadowboardError
from shadowboard.export_command import export_command
from shadowboard.inspect_command import inspect_command
from shadowboard.logs import log_to_stderr
from shadowboard.options import (
    AllowedHosts,
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
    settings_of,
)
from shadowboard.printable import kind_and_words, printable
from shadowboard.recover_command import recover_command
from shadowboard.runs_command import runs_command
from shadowboard.streams import prepare_streams
from shadowboard.weights_commands import weights_commands
from worker.train_commands import train_commands

app = typer.Typer(
    name="shadowboard",
    help="Compare raw with averaged model weights while training runs.",
    no_args_is_help=True,
    add_completion=False,
)
for commands in (
    serve_commands,
    train_commands,
    runs_command,
    weights_commands,
    export_command,
    inspect_command,
    recover_command,
):
    app.add_typer(commands)


@app.callback()
def _main(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False) -> None:
    pass  # main() looks for --debug itself: it must know before a command fails


@app.command()
def up(
    context: typer.Context,
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

    settings = settings_of(context)
    log_to_stderr(settings.log_level)
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
                    if not store.newest_runs(1).total:
                        store.create_run(RunConfig())
                stack.enter_context(child)
            typer.echo(f"Shadowboard is at {url} (Ctrl-C stops it; started again, it goes on)")

        serve_pages(settings, announce, child.stop)


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def main() -> NoReturn:
    """Run a command and end the process."""
    prepare_streams()
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
        _say(f"shadowboard: {printable(kind_and_words(error))} (--debug shows where)")
        return 1


if __name__ == "__main__":
    main()
