"""The worker as a child process; tests/faults/test_up.py has how it dies and yields."""

from contextlib import closing
from pathlib import Path

import pytest

from shadowboard.configuration import parse_config
from tests.faults.processes import wait_for
from tests.faults.workers import store_of
from worker.child import WorkerChild


def test_it_needs_nothing_of_where_it_is_started(
    tmp_path: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    ours = ("server", "worker", "shadowboard")
    for folder, names in (("a project", (*ours, "typer", "numpy")), ("another version", ours)):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / f"{name}.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path / "a project")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "another version"))
    monkeypatch.setenv("PATH", "")
    knobs = {"steps": 20, "batch_size": 20, "hidden": [16], "data": str(small_data)}
    with closing(store_of(home)) as store:
        run = store.create_run(parse_config(knobs))
        with WorkerChild({"SHADOWBOARD_HOME": str(home)}):
            wait_for(lambda: store.run(run.id).state == "finished")
