"""`shadowboard export` as a person types it."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from shadowboard import checkpoints, cli
from shadowboard.configuration import parse_config
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store
from tests.server.conftest import tensors

EMA = "ExponentialMovingAverage"
CONFIG = parse_config(
    {"steps": 20, "save_every": 10, "hidden": [8], "averages": [{"decay": 0.9}, {"decay": 0.5}]}
)


class Result(NamedTuple):
    code: int
    out: str
    err: str


Shadowboard = Callable[..., Result]


@pytest.fixture
def shadowboard(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Shadowboard:
    """The command, in a folder of its own."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["shadowboard", "export", *map(str, arguments)])
        code = cli.run()
        return Result(code, *capfd.readouterr())

    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    settings = Settings(home=tmp_path)
    store = Store(settings.store_url)
    run = store.create_run(CONFIG, "my run", worker="worker")
    for step in (10, 20):
        saved = checkpoints.save(settings.run_folder(run.id), step, tensors(CONFIG, step))
        store.add_checkpoint(run.id, "worker", step, saved.bytes)
    store.close()
    return run


def test_a_file_of_the_name_that_tells_what_it_is(shadowboard: Shadowboard, run: Run, tmp_path: Path) -> None:
    for options, name, suffix in (
        ([], f"my-run-{run.id}-step-20-raw.npz", ""),
        (["--ema", "--step", 10], f"my-run-{run.id}-step-10-ema.npz", f"/{EMA}"),
        (["--average", "EMA_0.5"], f"my-run-{run.id}-step-20-EMA_0.5.npz", "/EMA_0.5"),
    ):
        done = shadowboard("--format", "npz", "--home", tmp_path, *options)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"{name} has the ")
        with np.load(name) as found:
            kept = tensors(CONFIG, 10 if 10 in options else 20)
            for variable, value in found.items():
                np.testing.assert_array_equal(value, kept[variable + suffix])
    assert len(list(Path().iterdir())) == 3


def test_what_it_says_and_where_it_writes(shadowboard: Shadowboard, run: Run, tmp_path: Path) -> None:
    options = ("--format", "frozen-graph", "--ema", "--run", "my run", "--home", tmp_path)
    said = shadowboard(*options, "--output", "served.pb").out
    size = Path("served.pb").stat().st_size
    assert said == f"served.pb has the averaged weights (decay 0.9) of step 20 ({size:,} bytes).\n"
    told = json.loads(shadowboard(*options, "--output", tmp_path, "--json").out)
    path = tmp_path / f"my-run-{run.id}-step-20-ema.pb"
    assert told == {"step": 20, "weights": "ema", "average": EMA, "file": str(path), "bytes": size}
    assert path.read_bytes() == Path("served.pb").read_bytes()


def test_a_folder_that_is_not_there_is_made_where_a_slash_says_that_it_is_one(
    shadowboard: Shadowboard, run: Run, tmp_path: Path
) -> None:
    options = ("--home", tmp_path, "--output", f"{tmp_path}/not/there/")
    for form in ("npz", "onnx"):
        assert shadowboard("--format", form, *options).code == 0
    assert len(list((tmp_path / "not" / "there").iterdir())) == 2
    (tmp_path / "file").touch()
    refused = shadowboard("--format", "npz", "--home", tmp_path, "--output", f"{tmp_path}/file/")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "file could not be made: File exists." in refused.err


def test_only_the_file_itself_is_written(shadowboard: Shadowboard, run: Run, tmp_path: Path) -> None:
    options = ("--format", "npz", "--home", tmp_path, "--output")
    mine, plain, link, loop = Path("a.npz.part"), Path("plain"), Path("a.npz"), Path("loop")
    mine.write_text("mine")
    plain.touch()
    link.symlink_to("b.npz")
    loop.symlink_to("loop")
    for _ in range(2):  # where there is no file yet, and over one
        assert shadowboard(*options, link).code == 0
    content = Path("b.npz").read_bytes()
    assert (link.readlink(), mine.read_text()) == (Path("b.npz"), "mine")
    assert Path("b.npz").stat().st_mode == plain.stat().st_mode
    assert shadowboard(*options, loop).err.startswith("shadowboard: loop could not be written: Too many")
    os.mkfifo("pipe")
    with os.fdopen(os.open("pipe", os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        assert shadowboard(*options, "pipe").code == 0
        assert reader.read() == content
    assert Path("pipe").is_fifo()
    assert {path.name for path in Path().iterdir()} == {
        "a.npz.part",
        "plain",
        "a.npz",
        "b.npz",
        "loop",
        "pipe",
    }


def test_any_folder_of_checkpoints(shadowboard: Shadowboard, run: Run, tmp_path: Path) -> None:
    folder = Settings(home=tmp_path).run_folder(run.id)
    done = shadowboard("--folder", folder, "--format", "npz", "--ema", "--activation", "tanh")
    assert done.out.startswith(f"{run.id}-step-20-ema.npz has the averaged weights ({EMA}) of step 20 (")


def test_what_cannot_be_done_is_told_in_a_line_and_leaves_nothing(
    shadowboard: Shadowboard, run: Run, tmp_path: Path
) -> None:
    home = ("--home", tmp_path)
    assert shadowboard("--format", "npz", *home, "--step", 7).err.startswith(
        "shadowboard: There is no checkpoint of step 7"
    )
    missing = shadowboard("--format", "npz", *home, "--output", "nowhere/it.npz")
    assert missing.err == "shadowboard: nowhere/it.npz could not be written: No such file or directory.\n"
    missing = shadowboard(*home)
    assert (missing.code, missing.err.count("\n")) == (2, 1)
    assert missing.err.startswith("shadowboard: Missing option '--format'. Choose from: keras, saved-model, ")
    unknown = shadowboard("--format", "pickle", *home)
    assert unknown.code == 2
    assert "'pickle'" in unknown.err
    assert "saved-model" in unknown.err
    none = shadowboard("--format", "npz", *home, "--average", "EMA_7")
    assert (none.code, none.err.partition(";")[0]) == (
        1,
        "shadowboard: The checkpoint holds no average called EMA_7",
    )
    assert list(Path().iterdir()) == []
