"""How much is done: a little each time, everything with `--kills` (as `make soak`); and a summary of that."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.fuzzing import feed

_SMALL = 10


@pytest.fixture
def thorough(request: pytest.FixtureRequest) -> bool:
    """Whether to try everything there is to try."""
    return bool(request.config.getoption("--kills") > _SMALL)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str, int, str], None]:
    """Puts a row into the summary: what was done, how often, and what was found."""
    return lambda what, times, found: record_property("fault", f"| {what} | {times:,} | {found} |")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The rows of all tests, as a table in Markdown."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    rows = [text for report in reports for name, text in report.user_properties if name == "fault"]
    if rows and terminalreporter.config.getoption("--kills") > _SMALL:
        terminalreporter.section("faults")
        for line in ["| what was done | times | what was seen |", "| --- | ---: | --- |", *rows]:
            terminalreporter.write_line(line)


@pytest.fixture
def fuzz(pytestconfig: pytest.Config, tell: Callable[[str, int, str], None]) -> Callable[..., None]:
    """Feeds the parser of what `name` says; any error but the documented ones fails the test."""

    def run(name: str, *what: Any) -> None:
        fed, refused = feed(pytestconfig.getoption("--cases"), *what)
        tell(f"made-up inputs to the parser of {name}", fed, f"{refused:,} refused in a sentence")

    return run


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """`tmp_path` / "runs" is a disk of its own for a test; called, it is mounted anew with these options."""
    folder = tmp_path / "runs"
    folder.mkdir()

    def mount(options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=True)

    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder)], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"mounting a disk takes root's rights: {error}")
    try:
        yield lambda options: mount(f"remount,{options}")
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
