"""`shadowboard watch` as a person types it, and folders that may not be read."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shadowboard.errors import ConfigurationInvalid, RunBusy, SettingsInvalid
from shadowboard.folder_sight import look
from shadowboard.store import Store
from shadowboard.watched import watched_config
from tests.faults.processes import pipe, process

NOBODY = 65_534


def started(*arguments: object, cwd: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "shadowboard.cli", "watch", *map(str, arguments)]
    # A server on this machine is not asked through a proxy, least of all one that does not answer.
    proxy = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    environment = {**os.environ, **proxy, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env=environment
    )


def test_one_command_attaches_and_serves_and_a_second_one_finds_the_server(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    home = tmp_path / "home"
    with started("one", "--home", home, "--port", 0, cwd=tmp_path) as first:
        assert first.stdout is not None
        watching, serving, activation = (first.stdout.readline() for _ in range(3))
        try:
            with closing(Store(f"sqlite:///{home / 'shadowboard.db'}")) as store:
                (run,) = store.runs()
                assert watching == f"Watching {tmp_path / 'one'} as run {run.id} (one)\n"
                url = serving.split()[3].partition("/?")[0]
                assert serving.startswith(f"Shadowboard is at {url}/?run={run.id} ")
                assert activation == (
                    "Activation: as the checkpoints tell, or else relu; --activation says it\n"
                )
                port = url.rpartition(":")[2]
                mine = ("two", "--home", home, "--port", port, "--name", "mine", "--activation", "relu")
                with started(*mine, cwd=tmp_path) as second:
                    out, err = second.communicate(timeout=60)
                assert (second.returncode, err) == (0, "")
                newest = store.runs()[0]
                assert (newest.name, newest.folder, newest.state) == ("mine", tmp_path / "two", "watched")
                assert out.splitlines()[1:] == [f"Shadowboard is running already, at {url}/?run={newest.id}"]
                with pytest.raises(RunBusy, match=f"{run.id} is trained by another program"):
                    _ = run.recipe
        finally:
            first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0


def test_a_port_that_is_taken_by_something_else_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        busy.settimeout(60)
        with started(".", "--home", tmp_path / "home", "--port", port, cwd=tmp_path) as process:
            busy.accept()[0].close()  # it is asked whether it is one of ours, and is not
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith(f"shadowboard: Port {port} on 127.0.0.1 is in use")
    assert not (tmp_path / "home").exists()


def test_a_server_that_cannot_be_told_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def logits(weights, images): return images[:, :10]")
    (tmp_path / "one").mkdir()
    home, other = tmp_path / "home", tmp_path / "other"
    with started("one", "--home", home, "--port", 0, cwd=tmp_path) as first:
        assert first.stdout is not None
        url = [first.stdout.readline() for _ in range(3)][1].split()[3].partition("/?")[0]
        port = url.rpartition(":")[2]
        try:
            for options, sentence in (
                (("--home", other), f"at {url} has another home than {other}; give its own with --home"),
                (("--home", home, "--network", "mine:logits"), f"at {url} has not got mine:logits; end it"),
            ):
                with started("one", "--port", port, *options, cwd=tmp_path) as second:
                    out, err = second.communicate(timeout=60)
                assert (second.returncode, out, err.count("\n")) == (1, "", 1)
                assert sentence in err
        finally:
            first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0
    for there, runs in ((home, 1), (other, 0)):
        with closing(Store(f"sqlite:///{there / 'shadowboard.db'}")) as store:
            assert len(store.runs()) == runs


def test_a_port_that_is_taken_changes_nothing_of_a_run_that_watches_already(
    tmp_path: Path, small_data: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    from server import serving
    from shadowboard import cli, neighbour

    def taken(*arguments: object, **named: object) -> None:
        raise SettingsInvalid("Port 1 is in use.")

    before = store.watch(watched_config(tmp_path, data=str(small_data)))
    asked: list[str] = []
    monkeypatch.setattr(serving, "serve", taken)
    monkeypatch.setattr(neighbour, "board_at", lambda settings: "http://127.0.0.1:1")
    monkeypatch.setattr(neighbour, "knows", lambda settings, run_id: asked.append(run_id))
    url = store._database._engine.url.render_as_string(hide_password=False)
    options = ["--data", small_data, "--name", "mine", "--activation", "tanh", "--database-url", url]
    monkeypatch.setattr(sys, "argv", ["shadowboard", "watch", str(tmp_path), *map(str, options)])
    assert cli.run() == 1
    assert "The Shadowboard that is running at http://127.0.0.1:1 has another home" in capfd.readouterr().err
    assert (store.runs(), asked) == ([before], [before.id])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere is not there; expected the folder that checkpoints are saved in."),
        (["a file"], "a file is no folder; expected the folder that checkpoints are saved in."),
        ([".", "--activation", "gelu"], "activation is 'gelu'; expected 'relu', 'tanh'"),
        ([".", "--data", "nowhere"], "nowhere"),
    ],
    ids=["missing", "a-file", "activation", "data"],
)
def test_what_cannot_be_watched_is_told_in_one_line(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    from shadowboard import cli

    (tmp_path / "a file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["shadowboard", "watch", *arguments, "--home", str(tmp_path / "home")])
    assert cli.run() == 1
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert sentence in said
    assert not (tmp_path / "home").exists()


def look_as_nobody(folder: Path, there: Any) -> None:
    """In a process of its own: rights do not hold for root."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        watched_config(folder)
    except ConfigurationInvalid as error:
        there.send([look(folder).problem, str(error)])


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "model.ckpt-1.index").touch()
    for parent in list(folder.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o111)
    folder.chmod(0)
    here, there = pipe()
    try:
        with process(look_as_nobody, folder, there):
            assert here.poll(60)
            assert here.recv() == [
                "The folder closed of checkpoints cannot be read: Permission denied.",
                f"{folder} cannot be read: Permission denied.",
            ]
    finally:
        folder.chmod(0o700)
