"""The commands of the server: serve, watch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadowboard.errors import SettingsInvalid
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
from shadowboard.printable import printable

if TYPE_CHECKING:
    from shadowboard.records import Run
    from shadowboard.settings import Settings
    from shadowboard.store import Store
    from shadowboard.watched import WatchedConfig

serve_commands = typer.Typer()


@serve_commands.command()
def serve(
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
) -> None:
    """The server alone."""
    from server.serving import serve as serve_pages

    settings = settings_of(context)
    log_to_stderr(settings.log_level)
    serve_pages(settings, lambda url: typer.echo(f"Shadowboard is at {url} (Ctrl-C stops it)"))


@serve_commands.command()
def watch(
    context: typer.Context,
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
    from shadowboard.watched import WatchedConfig, resolved_data, watched_config

    settings = settings_of(context)
    log_to_stderr(settings.log_level)
    config = watched_config(folder, data=resolved_data(data), activation=activation, network=network)
    networks = [load_network(network)] if network else []
    load_dataset(config.data)  # there have to be images

    def tell(run: "Run", where: str) -> None:
        typer.echo(printable(f"Watching {config.folder} as run {run.id} ({run.name})"))
        typer.echo(f"Shadowboard is {where}")
        if isinstance(run.config, WatchedConfig) and run.config.activation_is_assumed:
            typer.echo(
                f"Activation: as the checkpoints tell, or else {run.config.activation}; --activation says it"
            )

    def announce(url: str) -> None:
        with open_store(settings) as store:
            run = store.watch(config, name)
        tell(run, f"at {url}/?run={run.id} (Ctrl-C stops it; started again, it goes on)")

    try:
        serve_pages(settings, announce, networks=networks)
    except SettingsInvalid as error:  # the port may be taken by a server of the same store
        from shadowboard.neighbour import board_at

        there = board_at(settings)
        if there is None:
            raise
        if networks:
            raise SettingsInvalid(
                f"The Shadowboard that is running at {there} has not got {network}; end it, or give --port "
                "for one beside it."
            ) from error
        with open_store(settings) as store:
            if not _is_neighbour(store, settings, config):
                raise SettingsInvalid(
                    f"The Shadowboard that is running at {there} has another home than "
                    f"{settings.home.absolute()}; give its own with --home or SHADOWBOARD_HOME, or --port "
                    "for one beside it."
                ) from error
            run = store.watch(config, name)
        tell(run, f"running already, at {there}/?run={run.id}")


def _is_neighbour(store: "Store", settings: "Settings", config: "WatchedConfig") -> bool:
    """Whether the server at the host and port of the settings is one of this store.

    It is asked for a run. Where there is none yet, for one that watches the folder, which goes again
    where nobody knows it.
    """
    from shadowboard.neighbour import knows

    if there := store.runs():
        return knows(settings, there[0].id)
    run = store.watch(config)
    known = False
    try:
        known = knows(settings, run.id)
    finally:
        if not known:
            store.delete_run(run.id)
    return known
