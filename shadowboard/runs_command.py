"""The command `runs`: a table of them."""

import typer

from shadowboard.options import AsJson, Database, Home, open_store
from shadowboard.settings import load_settings

runs_command = typer.Typer()


@runs_command.command()
def runs(home: Home = None, database_url: Database = None, as_json: AsJson = False) -> None:
    """The runs, newest first."""
    settings = load_settings(home=home, database_url=database_url)
    from shadowboard import terminal

    with open_store(settings) as store:
        terminal.print_runs(store.runs(), as_json=as_json)
