"""The README against the project: what it lists is there, and what is there is listed."""

import html
import re
from pathlib import Path

import pytest
import typer

from server.app import create_app
from shadowboard.cli import app
from shadowboard.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def options(command: str) -> set[str]:
    return {text for parameter in COMMANDS[command].params for text in parameter.opts}


def test_every_setting_is_in_the_table_with_its_option_and_default() -> None:
    rows = re.findall(r"^\| `(SHADOWBOARD_\w+)` \| `(--[\w-]+)` \| (.+?) \|", README, re.MULTILINE)
    expected = {
        (f"SHADOWBOARD_{name.upper()}", f"--{name.replace('_', '-')}") for name in Settings.model_fields
    }
    assert {(name, option) for name, option, _ in rows} == expected
    for name, _, default in rows:
        field = Settings.model_fields[name.removeprefix("SHADOWBOARD_").lower()]
        assert str(field.default) in default


def test_every_setting_is_an_option_of_up() -> None:
    assert {f"--{name.replace('_', '-')}" for name in Settings.model_fields} <= options("up")


def test_every_route_is_in_the_table_and_the_other_way_round(tmp_path: Path) -> None:
    section = README.partition("## REST")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`(GET|POST|DELETE|PATCH) (/[^`?]*)[^`]*`", section))
    paths = create_app(Settings(home=tmp_path)).openapi()["paths"]
    assert listed == {(method.upper(), path) for path, methods in paths.items() for method in methods}


@pytest.mark.parametrize("line", re.findall(r"^shadowboard (.+?)(?: +#.*)?$", README, re.MULTILINE))
def test_every_command_shown_is_one(line: str) -> None:
    name, *words = line.split()
    assert {word for word in words if word.startswith("--")} <= options(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_command_is_documented(name: str) -> None:
    documented = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    section = documented.partition(f"\n## `shadowboard {name}`\n")[2].partition("\n## ")[0]
    assert html.escape(COMMANDS[name].help) in section
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, typer.core.TyperArgument):
            assert f"`{parameter.name} " in section
        elif not parameter.hidden:
            spelt = section.replace(" / ", "` `")
            assert {text for text in parameter.opts if f"`{text}" not in spelt} == set()
    assert set(re.findall(r"`(--[\w-]+)", section)) <= options(name) | {"--help"}


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)\)", README + ARCHITECTURE))
def test_every_file_linked_is_there(target: str) -> None:
    assert (ROOT / target).exists()


def test_the_map_names_every_file_of_the_library() -> None:
    for path in (ROOT / "shadowboard").glob("*.py"):
        if path.name not in {"__init__.py", "cli.py"}:
            assert f"`{path.name}`" in ARCHITECTURE, path.name


def test_the_data_sets_terms_are_told() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert "Yann LeCun and Corinna Cortes" in notice
    assert "Attribution-Share Alike 3.0" in notice
