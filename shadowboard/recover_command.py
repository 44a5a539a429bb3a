"""The command `recover`: what can be read of a damaged database."""

import typer

from shadowboard.errors import SettingsInvalid
from shadowboard.options import Database, Home
from shadowboard.settings import load_settings

recover_command = typer.Typer()


@recover_command.command()
def recover(home: Home = None, database_url: Database = None) -> None:
    """Save what can be read of a damaged SQLite database in a new one. Stop everything else before."""
    from pathlib import Path

    from shadowboard.database import parse_url
    from shadowboard.diagnosis import shown
    from shadowboard.recovery import recover

    url = parse_url(load_settings(home=home, database_url=database_url).store_url)
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        raise SettingsInvalid(f"{shown(url)} is no SQLite file; PostgreSQL has its own tools.")
    rows, unreadable, kept = recover(Path(url.database or "").absolute())
    found = ", ".join(f"{count:,} {table.replace('_', ' ')}" for table, count in rows.items())
    hurt = f" Of {unreadable:,} of the runs this version cannot read the configuration." if unreadable else ""
    typer.echo(f"Saved: {found}.{hurt} The damaged file is kept as {kept}.")
