"""The options that several commands share."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from shadowboard.settings import Settings
    from shadowboard.store import Store

Home = Annotated[Path | None, typer.Option(help="Folder of the database and the checkpoints.")]
Database = Annotated[str | None, typer.Option("--database-url", help="SQLAlchemy URL of the database.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]
Token = Annotated[
    str | None,
    typer.Option(help="What changing anything needs. Better as SHADOWBOARD_TOKEN: options show in `ps`."),
]
Insecure = Annotated[
    bool | None, typer.Option("--insecure", help="Let others reach the server though it has no token.")
]
AllowedHosts = Annotated[str | None, typer.Option(help="Names a proxy serves it under, separated by commas.")]
WatchFolders = Annotated[
    str | None,
    typer.Option(help="Folders that POST /runs may have watched, by their last names; separated by commas."),
]
WeightsCache = Annotated[int | None, typer.Option(help="Restored weights to keep in memory, in MiB.")]
LogLevel = Annotated[
    str | None, typer.Option(help="Lines to log: info (each request too), warning or error.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings_of(context: typer.Context) -> "Settings":
    """The settings, of which the command's own options win. Raises SettingsInvalid."""
    from shadowboard.settings import Settings, load_settings

    return load_settings(**{name: context.params.get(name) for name in Settings.model_fields})


def open_store(settings: "Settings") -> "closing[Store]":
    """The store of these settings, closed at the end of a `with` block. Raises StoreUnavailable."""
    from shadowboard.store import Store

    return closing(Store(settings.store_url))
