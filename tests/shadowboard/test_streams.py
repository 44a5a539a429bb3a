"""Commands whose standard streams are closed, or can take few characters."""

import json
import os
import subprocess
import sys
from pathlib import Path

Ended = subprocess.CompletedProcess[str]
ROOT = Path(__file__).parents[2]


def shadowboard(redirections: str, *arguments: object, **variables: str) -> Ended:
    command = ["sh", "-c", f'exec "$0" -m shadowboard.cli "$@" {redirections}', sys.executable]
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_command_is_kept_from_its_work(tmp_path: Path, small_data: Path) -> None:
    home = tmp_path / "home"
    knobs = ("--steps", 20, "--batch-size", 20, "--hidden", 16, "--data", small_data)
    assert shadowboard("<&- >&- 2>&-", "train", *knobs, "--home", home).returncode == 0
    told = shadowboard("<&- 2>&-", "runs", "--home", home, "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout)["state"] == "finished"
    assert shadowboard(">&- 2>&-", "runs", "--home", "/dev/null/home").returncode == 1
    told = shadowboard("", "inspect", "--home", home, PYTHONIOENCODING="ascii")
    assert (told.returncode, told.stderr) == (0, "")
    assert "784?16" in told.stdout.replace(" ", "")
