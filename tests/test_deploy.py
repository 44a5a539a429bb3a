"""The examples of installations against the project: what they name is there, what they need is named."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from deploy import licences
from deploy.dockerfile import Stage, read_dockerfile, words
from shadowboard import __version__
from shadowboard.cli import app
from shadowboard.settings import Settings
from tests.server.conftest import running

ROOT = Path(__file__).parents[1]
SETTINGS = {f"SHADOWBOARD_{name.upper()}" for name in Settings.model_fields}
COMMANDS = typer.main.get_command(app)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
UNIT = ROOT / "deploy" / "systemd" / "shadowboard@.service"
BUILD, IMAGE = read_dockerfile(ROOT / "Dockerfile")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}


def parse(arguments: list[str]) -> None:
    """Raises where our command line does not take these arguments."""
    name, *rest = arguments
    command = COMMANDS.commands[name]  # type: ignore[attr-defined]
    command.make_context(name, rest).close()


def lines(text: str, instruction: str, stage: Stage = BUILD) -> list[str]:
    return [line for name, line in stage.steps if name == instruction and text in line]


# The image


def test_the_image_starts_with_commands_and_settings_of_ours() -> None:
    assert words(IMAGE.last("ENTRYPOINT")) == list(PROJECT["project"]["scripts"])
    parse(words(IMAGE.last("CMD")))
    given = {name: value for name, value in IMAGE.environment.items() if name.startswith("SHADOWBOARD_")}
    assert set(given) <= SETTINGS
    assert str(Settings(**{name.partition("_")[2].lower(): value for name, value in given.items()}).home) == (
        IMAGE.last("VOLUME")
    )


def test_nobody_in_the_image_is_root() -> None:
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", IMAGE.last("USER"))
    before = [name for name, _ in IMAGE.steps].index("USER")
    assert not {"RUN", "COPY"} & {name for name, _ in IMAGE.steps[before:]}


def test_the_base_is_one_version_of_a_python_that_we_support() -> None:
    assert BUILD.base == IMAGE.base
    version = re.fullmatch(r"python:(\d+\.\d+\.\d+)-slim-\w+(@sha256:\w{64})?", IMAGE.base)
    assert version
    assert version[1] in SpecifierSet(PROJECT["project"]["requires-python"])


def test_the_wheel_finds_all_that_it_is_made_of() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"]} | {
        *(PROJECT["project"]["license-files"]),
        *("pyproject.toml", "requirements.txt", PROJECT["project"]["readme"]),
    }
    copied = {name for line in lines("", "COPY") for name in line.split()[:-1]}
    assert copied == needed
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in patterns if line.startswith("!")} == needed
    assert all((ROOT / name).exists() for name in needed)


def test_packages_come_by_their_hashes_and_those_of_the_building_go() -> None:
    (install,) = lines("-r requirements.txt", "RUN")
    assert {"--require-hashes", "--only-binary :all:"} <= set(re.findall(r"--[\w-]+(?: :all:)?", install))
    (uninstall,) = lines(" uninstall ", "RUN")
    gone = set(uninstall.partition(" uninstall --yes ")[2].split())
    assert gone == licences.required("build") - licences.required(*licences.SHIPPED_EXTRAS)


def test_every_requirement_is_pinned_with_hashes_and_names_no_address() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        for requirement in text.replace("\\\n", "").splitlines():
            assert re.fullmatch(r"[\w.-]+==[^\s;]+( ;.+?)?(\s+--hash=sha256:[0-9a-f]{64})+", requirement)


def test_the_health_check_tells_a_server_from_none(tmp_path: Path) -> None:
    python, *rest = IMAGE.health_check
    assert python == "python"

    def code(port: int) -> int:
        environment = {**os.environ, "SHADOWBOARD_PORT": str(port)}
        return subprocess.run(
            [sys.executable, *rest], env=environment, check=False, stderr=subprocess.DEVNULL
        ).returncode

    with running(Settings(home=tmp_path, port=0)) as client:
        port = client.base_url.port
        assert port
        assert code(port) == 0
    assert code(port) == 1


def test_a_step_that_the_replay_does_not_know_is_told(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM a\nADD b c\n", encoding="utf-8")
    with pytest.raises(ValueError, match="Dockerfile has ADD; expected one of ARG, "):
        read_dockerfile(path)


# Compose


@pytest.mark.parametrize("name", OURS)
def test_services_of_ours_have_our_commands_and_settings(name: str) -> None:
    service = OURS[name]
    parse(service["command"])
    assert set(service["environment"]) <= SETTINGS
    assert service["image"] == f"shadowboard:{__version__}"
    assert service["volumes"] == [f"data:{IMAGE.last('VOLUME')}"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_all_variables_of_compose_are_settings_or_explained() -> None:
    asked = re.findall(r"\$\{(\w+)(.*?)\}", (ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert {name for name, _ in asked} <= SETTINGS | {"POSTGRES_PASSWORD"}
    guide = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert all(name in guide for name, _ in asked)
    (token,) = [otherwise for name, otherwise in asked if name == "SHADOWBOARD_TOKEN"]
    assert token.startswith(":?"), "A server that others reach must not start without a token."


def test_compose_lets_nobody_in_from_outside_and_keeps_what_it_must() -> None:
    port = IMAGE.last("EXPOSE")
    assert IMAGE.environment["SHADOWBOARD_PORT"] == port
    assert [service.get("ports") for service in OURS.values()] == [[f"127.0.0.1:{port}:{port}"], None]
    mounted = {place.partition(":")[0] for s in COMPOSE["services"].values() for place in s["volumes"]}
    assert mounted == set(COMPOSE["volumes"])
    for service in OURS.values():
        assert set(service["depends_on"]) <= set(COMPOSE["services"])


# systemd


def directives() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("instance", ["serve", "work", "up"])
def test_every_instance_of_the_unit_is_a_command(instance: str) -> None:
    (command,) = directives()["ExecStart"]
    program, *arguments = command.replace("%i", instance).split()
    assert Path(program).name in PROJECT["project"]["scripts"]
    parse(arguments)
    assert f"shadowboard@{instance}" in UNIT.read_text(encoding="utf-8")


def test_the_unit_writes_where_it_may() -> None:
    found = directives()
    environment = dict(pair.split("=") for line in found["Environment"] for pair in shlex.split(line))
    assert {name for name in environment if name.startswith("SHADOWBOARD_")} <= SETTINGS
    assert found["ProtectSystem"] == ["strict"]
    assert set(environment.values()) == {f"/var/lib/{found['StateDirectory'][0]}"}
    users = (UNIT.parent / "shadowboard.sysusers").read_text(encoding="utf-8")
    assert re.search(rf"^u {found['User'][0]} ", users, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="Units are checked by systemd-analyze.")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name.replace("@", "@serve")
    text = UNIT.read_text(encoding="utf-8").replace("/opt/shadowboard/bin/shadowboard", "/bin/true")
    unit.write_text(text, encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], check=False, capture_output=True, text=True
    )
    assert (verified.returncode, verified.stderr) == (0, "")


# Licences and documents


def test_the_list_of_licences_is_what_is_shipped() -> None:
    assert licences.PAGE.read_text(encoding="utf-8") == licences.render(), "Run: make licences"
    build = {canonicalize_name(name) for name in licences.required("build")}
    shipped = licences.required(*licences.SHIPPED_EXTRAS)
    elsewhere = {"colorama", "tzdata"}  # for Windows
    assert set(licences.pinned()) - elsewhere == shipped | build


GUIDES = ["docs/install.md", "SECURITY.md"]


@pytest.mark.parametrize("guide", GUIDES)
def test_what_a_guide_names_is_there(guide: str) -> None:
    text = (ROOT / guide).read_text(encoding="utf-8")
    assert set(re.findall(r"SHADOWBOARD_[A-Z_]+", text)) <= SETTINGS
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / guide).parent.joinpath(target).exists(), target
    for command in re.findall(r"^(?:.* )?/opt/shadowboard/bin/shadowboard (.+)$", text, re.MULTILINE):
        parse(shlex.split(command))
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)`", text)) <= targets
