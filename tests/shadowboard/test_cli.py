"""The commands as a person types them; in this process where no signal or terminal is needed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image
from sqlalchemy import update

from shadowboard import cli
from shadowboard.configuration import RunConfig
from shadowboard.dataset import Dataset
from shadowboard.schema import runs
from shadowboard.store import Store


class Result(NamedTuple):
    code: int
    out: str
    err: str


Shadowboard = Callable[..., Result]


@pytest.fixture
def shadowboard(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Shadowboard]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["shadowboard", *map(str, arguments)])
        code = cli.run()
        return Result(code, *capfd.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def small(small_data: Path, tmp_path: Path) -> list[object]:
    """Options that make a run of a second."""
    knobs = ["--steps", 100, "--batch-size", 20, "--hidden", 16, "--save-every", 50]
    return [*knobs, "--data", small_data, "--home", tmp_path]


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_in_the_foreground_and_what_one_does_with_it(
    shadowboard: Shadowboard, small: list[object], small_data: Path, tmp_path: Path, mnist: Dataset
) -> None:
    trained = shadowboard(
        "train", *small, "--name", "first", "--ema-decay", 0.9, "--ema-decay", "0.5:constant"
    )
    assert trained.code == 0
    assert [line.split()[:2] for line in trained.err.splitlines() if line.startswith("step")] == [
        ["step", "0"],
        ["step", "50"],
        ["step", "100"],
    ]
    assert "averaged 0.5 constant" in trained.out

    (run,) = lines(shadowboard("runs", "--home", tmp_path, "--json").out)
    assert (run["name"], run["state"], run["latest_checkpoint"]) == ("first", "finished", 100)
    assert "first" in shadowboard("runs", "--home", tmp_path).out

    results = {
        options: lines(shadowboard("evaluate", "--home", tmp_path, "--json", *options).out)[0]
        for options in ((), ("--ema",), ("--average", "EMA_0.5_constant", "--split", "test"), ("--step", "0"))
    }
    assert [r["average"] for r in results.values()] == [
        None,
        "ExponentialMovingAverage",
        "EMA_0.5_constant",
        None,
    ]
    assert [r["n"] for r in results.values()] == [100, 100, 200, 100]
    assert [r["step"] for r in results.values()] == [100, 100, 100, 0]
    best = lines(shadowboard("evaluate", "--home", tmp_path, "--json", "--step", "best")[1])[0]
    assert best["correct"] >= max(results[()]["correct"], results["--step", "0"]["correct"])
    sentence = shadowboard("evaluate", "--home", tmp_path, "--run", "first", "--ema").out
    assert sentence.startswith("At step 100 the averaged weights (decay 0.9) read ")

    picture = BytesIO()
    Image.fromarray(mnist.test.images[0].reshape(28, 28)).save(picture, "PNG")
    (tmp_path / "seven.png").write_bytes(picture.getvalue())
    (reading,) = lines(shadowboard("predict", tmp_path / "seven.png", "--home", tmp_path, "--json").out)
    assert reading.keys() == {"step", "raw", "ExponentialMovingAverage", "EMA_0.5_constant"}
    assert sum(reading["raw"]["probabilities"]) == pytest.approx(1)
    told = shadowboard("predict", tmp_path / "seven.png", "--home", tmp_path).out
    assert told.startswith(f"Step 100 of the run 'first' ({run['id']}):\nThe raw weights read a")
    digit = reading["EMA_0.5_constant"]["digit"]
    assert re.search(rf"The averaged weights \(decay 0.5 constant\) read an? {digit} \(", told)
    folder = shadowboard(
        "evaluate", "--ema", "--folder", tmp_path / "runs" / run["id"], "--data", small_data
    ).out
    assert "the averaged weights (ExponentialMovingAverage) read" in folder


def test_a_long_name_is_whole_where_no_terminal_shows_it(shadowboard: Shadowboard, tmp_path: Path) -> None:
    name = " ".join(["full recipe"] * 40)
    with closing(Store(f"sqlite:///{tmp_path / 'shadowboard.db'}")) as store:
        store.create_run(RunConfig(), name)
    assert name in shadowboard("runs", "--home", tmp_path).out
    assert shadowboard("runs", "--home", tmp_path / "other").out == "There is no run yet.\n"
    assert shadowboard("runs", "--home", tmp_path / "other", "--json").out == ""


def test_up_queues_nothing_beside_a_run_that_it_cannot_read(
    shadowboard: Shadowboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Store(f"sqlite:///{tmp_path / 'shadowboard.db'}")) as store:
        run = store.create_run(RunConfig())
        with store._database.begin() as connection:
            connection.execute(update(runs).values(config="none"))
    monkeypatch.setattr("shadowboard.cli.log_to_stderr", lambda level: None)
    monkeypatch.setattr("server.serving.serve", lambda settings, announce, leave: announce("http://here"))
    monkeypatch.setattr("worker.child.WorkerChild.__enter__", lambda child: child)
    assert "Shadowboard is at http://here" in shadowboard("up", "--home", tmp_path).out
    with closing(Store(f"sqlite:///{tmp_path / 'shadowboard.db'}")) as store:
        assert store.newest_runs(None) == ([], [run.id], 1)


def test_a_hostile_name_does_no_harm(shadowboard: Shadowboard, small: list[object], tmp_path: Path) -> None:
    shadowboard("train", *small, "--name", "[/]\x1b[31mred")
    assert "[/]\ufffd[31mred" in shadowboard("runs", "--home", tmp_path).out


def test_a_damaged_newest_checkpoint_is_passed_over(
    shadowboard: Shadowboard, small: list[object], tmp_path: Path
) -> None:
    shadowboard("train", *small)
    (data,) = tmp_path.glob("runs/*/model.ckpt-100.data-*")
    data.write_bytes(data.read_bytes()[:-50])
    assert shadowboard("evaluate", "--home", tmp_path).out.startswith("At step 50 the raw weights read ")


def test_weights_that_overflow_are_told(
    shadowboard: Shadowboard, small: list[object], tmp_path: Path, mnist: Dataset
) -> None:
    knobs = ["--steps", 2, "--save-every", 1, "--learning-rate", 1e6, "--hidden", "50,50"]
    shadowboard("train", *small, *knobs, "--activation", "none", "--regularization", 0)
    (answer,) = lines(shadowboard("evaluate", "--home", tmp_path, "--json").out)
    assert answer["loss"] is None
    Image.fromarray(mnist.test.images[0].reshape(28, 28)).save(tmp_path / "seven.png")
    told = shadowboard("predict", tmp_path / "seven.png", "--home", tmp_path)
    assert told.code == 1
    assert "The weights are too large to read with" in told.err


def test_a_run_whose_data_are_not_there_has_failed(shadowboard: Shadowboard, tmp_path: Path) -> None:
    assert shadowboard("train", "--data", tmp_path / "none", "--home", tmp_path).code == 1
    (run,) = lines(shadowboard("runs", "--home", tmp_path, "--json").out)
    assert run["state"] == "failed"


def test_json_lines_tell_the_whole_run(shadowboard: Shadowboard, small: list[object]) -> None:
    *checkpoints, end = lines(shadowboard("train", *small, "--json").out)
    assert [c["step"] for c in checkpoints] == [0, 50, 100]
    assert end["state"] == "finished"
    assert end["accuracy"] == checkpoints[-1]["accuracy"]
    assert end["accuracy"]["test"].keys() == {"raw", "ExponentialMovingAverage"}


def test_the_same_seed_gives_the_same_run(shadowboard: Shadowboard, small: list[object]) -> None:
    first, second, other = (
        lines(shadowboard("train", *small, "--json", "--seed", seed).out)[-1]["accuracy"]
        for seed in (1, 1, 2)
    )
    assert first == second != other


def test_a_diverging_run_says_so(shadowboard: Shadowboard, small: list[object]) -> None:
    result = shadowboard("train", *small, "--learning-rate", 100_000)
    assert result.code == 1
    assert (
        "diverged: The loss or a weight is no longer a finite number at step" in result.err.splitlines()[-1]
    )


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["train", "--bogus"], 2, "No such option: --bogus"),
        (["train", "--steps", "many"], 2, "Invalid value for '--steps': Input should be a valid integer"),
        (["fly"], 2, "No such command 'fly'"),
        (["evaluate", "--split", "training"], 2, "'training' is neither validation nor test"),
        (["train", "--steps", "0"], 1, "steps is 0; expected 1 to 100,000,000."),
        (["train", "--hidden", "many"], 1, "hidden.0 is 'many'; expected a whole number"),
        (["train", "--ema-decay", "1"], 1, "decay is 1.0; expected 0 to below 1."),
        (["train", "--data", "/no/such/folder"], 1, "/no/such/folder does not exist"),
        (["train", "--resume", "nobody"], 1, "There is no run 'nobody'"),
        (["train", "--resume", "nobody", "--steps", "9"], 2, "Invalid value for --steps: goes with"),
        (["train", "--resume", "nobody", "--no-num-updates"], 2, "Invalid value for --num-updates: goes"),
        (["train", "--ema-decay", "0.9", "--resume", "nobody"], 2, "Invalid value for --ema-decay: goes"),
        (["evaluate"], 1, "There is no run yet"),
        (["evaluate", "--folder", "."], 1, "There is no readable checkpoint in ."),
        (["evaluate", "--folder", ".", "--step", "newest"], 1, "'newest'; expected latest, best or a number"),
        (["predict", "/no/such/picture.png"], 1, "/no/such/picture.png cannot be read: No such file"),
        (["runs", "--home", "/dev/null/home"], 1, "/dev/null/home cannot be created: Not a directory"),
        (["watch", "~nobody-here/x"], 1, "~nobody-here/x begins with the home of a user who is not known."),
        (["serve", "--host", "a..b", "--token", "x" * 16], 1, "'a..b' is no address of this machine"),
        (["inspect", "--folder", "n" * 250], 1, f"{'n' * 250} cannot be read: File name too long."),
        (["predict", "/dev/zero"], 1, "/dev/zero is too large; expected at most 160,000,000 bytes."),
        (["recover", "--database-url", "sqlite://"], 1, "sqlite:// is no SQLite file"),
        (["recover", "--database-url", "nonsense"], 1, "The database URL cannot be read"),
        (
            ["recover", "--database-url", "sqlite:////dev/null/x.db"],
            1,
            "Nothing can be saved of /dev/null/x.db",
        ),
        (["recover", "--database-url", f"sqlite:///{'n' * 300}"], 1, "File name too long: "),
        (["runs", "--database-url", "nonsense"], 1, "The database URL cannot be read"),
        (
            ["serve", "--port", "99999"],
            1,
            "SHADOWBOARD_PORT is 99999; expected at most 65,535.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_goes_wrong_is_one_line(
    shadowboard: Shadowboard,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = shadowboard(*arguments)
    assert result.code == code
    assert result.out == ""
    last = result.err.splitlines()[-1]
    assert last.startswith("shadowboard: ")
    assert sentence in last
    assert "Traceback" not in result.err


def test_debug_shows_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["shadowboard", "--debug", "evaluate", "--home", str(tmp_path)])
    with pytest.raises(Exception, match="There is no run yet"):
        cli.run()


def started(*arguments: object, cwd: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "shadowboard.cli", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env=environment
    )


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(
    shadowboard: Shadowboard, small_data: Path, tmp_path: Path
) -> None:
    long = [
        "--steps",
        500_000,
        "--batch-size",
        20,
        "--hidden",
        16,
        "--save-every",
        1_000,
        "--data",
        small_data,
    ]
    with started("train", *long, "--home", tmp_path, cwd=tmp_path) as process:
        assert process.stderr is not None
        while "step   1,000" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait() == 130
    (run,) = lines(shadowboard("runs", "--home", tmp_path, "--json").out)
    assert run["state"] == "stopped"
    assert run["latest_checkpoint"] == run["step"] >= 1_000
    message = f"Stopped at step {run['step']}. Go on with: shadowboard train --resume {run['id']}"
    assert said.splitlines()[-1] == message


def test_a_second_up_on_a_busy_port_changes_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with started("up", "--port", port, "--home", tmp_path / "home", cwd=tmp_path) as process:
            out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    assert [line for line in err.splitlines() if f"{port}" in line][-1].startswith("shadowboard: ")
    assert not list(tmp_path.glob("home/runs/*"))
