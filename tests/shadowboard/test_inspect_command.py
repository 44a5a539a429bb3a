"""The command `inspect`, on good folders and on those that are empty, foreign, half-written or closed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shadowboard import cli
from shadowboard.checkpoints import save

EMA = "ExponentialMovingAverage"
Inspect = Callable[..., tuple[int, str, str]]


@pytest.fixture
def inspect(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inspect:
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["shadowboard", "inspect", *map(str, arguments)])
        code = cli.run()
        return code, *capsys.readouterr()

    return run


def tensors(step: int) -> dict[str, object]:
    raw = np.full((2, 3), step, np.float32)
    return {
        "w": raw,
        f"w/{EMA}": raw / 2,
        "w/Momentum": raw,
        "b": np.zeros(400),
        "global_step": np.int64(step),
    }


def test_what_is_printed(inspect: Inspect, tmp_path: Path) -> None:
    save(tmp_path, 10, tensors(10))
    code, out, _ = inspect("--folder", tmp_path)
    assert code == 0
    assert (
        out
        == f"""\
model.ckpt-10: 5 variables, 3.3 kB; 2 raw, 1 average, 1 slot, 1 counter.

variable                    kind     shape   type     mean  std  min  max   zeros  distance    cosine
b                           raw      400     float64     0    0    0    0  100.0%
global_step                 counter  scalar  int64      10    0   10   10    0.0%
w                           raw      2×3     float32    10    0   10   10    0.0%
w/{EMA}  average  2×3     float32     5    0    5    5    0.0%       0.5  1.000000
w/Momentum                  slot     2×3     float32    10    0   10   10    0.0%

In the checkpoint
  global_step = 10
  w = [[10., 10., 10.], [10., 10., 10.]]
  w/{EMA} = [[5., 5., 5.], [5., 5., 5.]]
  w/Momentum = [[10., 10., 10.], [10., 10., 10.]]

Restored raw: 3 variables raw.
  b
  global_step = 10
  w = [[10., 10., 10.], [10., 10., 10.]]

Restored from {EMA}: 1 variable from {EMA}; b, global_step raw, for the checkpoint holds no average of them.
  b
  global_step = 10
  w ← w/{EMA} = [[5., 5., 5.], [5., 5., 5.]]
"""
    )


def test_steps_matches_and_statistics(inspect: Inspect, tmp_path: Path) -> None:
    for step in (5, 20, 10):
        save(tmp_path, step, tensors(step))
    assert inspect("--folder", tmp_path)[1].startswith("model.ckpt-20: ")
    assert inspect("--folder", tmp_path, "--step", 5)[1].startswith("model.ckpt-5: ")
    assert inspect("--folder", tmp_path / "model.ckpt-10.index")[1].startswith("model.ckpt-10: ")
    _, out, _ = inspect("--folder", tmp_path / "model.ckpt-10", "--match", "w*", "--no-statistics")
    assert out.splitlines()[0] == (
        "model.ckpt-10: 3 of 5 variables, 3.3 kB; 1 raw, 1 average, 1 slot. Their values are not read; "
        "--statistics does, and --match chooses some."
    )
    assert "mean" not in out
    assert "global_step" not in out


def test_a_match_that_separates_an_average_from_its_variable(inspect: Inspect, tmp_path: Path) -> None:
    save(tmp_path, 1, {"a": np.ones(2), "b": np.zeros(2), f"b/{EMA}": np.zeros(2)})
    code, out, _ = inspect("--folder", tmp_path, "--match", "a")  # which is in Average
    assert (code, out.count("Restored")) == (0, 1)
    assert out.endswith("Restored raw: 1 variable raw.\n  a = [1., 1.]\n")
    _, out, _ = inspect("--folder", tmp_path, "--match", "[b]")
    assert out.endswith(f"Restored from {EMA}: 1 variable from {EMA}.\n  b ← b/{EMA} = [0., 0.]\n")
    assert out.count("b/") == 1  # alone in what is restored


def test_a_checkpoint_without_a_step(inspect: Inspect, tmp_path: Path) -> None:
    saved = save(tmp_path, 3, tensors(3))
    for path in tmp_path.glob("model.ckpt-3.*"):
        path.rename(tmp_path / path.name.replace("model.ckpt-3", "model"))
    assert not saved.prefix.exists()
    assert inspect("--folder", tmp_path)[1].startswith("model: 5 variables")


def test_the_newest_that_can_be_opened(
    inspect: Inspect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for step in (1, 2):
        save(tmp_path, step, tensors(step))
    data = tmp_path / "model.ckpt-2.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1])
    before = sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir())
    assert inspect("--folder", tmp_path)[1].startswith("model.ckpt-1: ")
    assert "model.ckpt-2 is damaged or cannot be read" in caplog.text
    code, out, err = inspect("--folder", tmp_path, "--step", 2)
    assert (code, out) == (1, "")
    assert "model.ckpt-2.data-00000-of-00001 has 3,279 bytes; its index tells of 3,280" in err
    assert sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir()) == before


def foreign(folder: Path) -> None:
    for name in ("model.safetensors", "notes.txt", "weights.pt", "zoo"):
        (folder / name).write_text("x")


def half_written(folder: Path) -> None:
    (folder / "model.ckpt-7.data-00000-of-00001").write_bytes(b"x" * 100)
    (folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-7"\n')


def empty_index(folder: Path) -> None:
    (folder / "model.ckpt-7.index").touch()


def damaged_keras(folder: Path) -> None:
    (folder / "m-7.keras").write_bytes(b"x" * 100)
    os.utime(folder / "m-7.keras", (1, 1))  # older than what may still be in the writing


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (damaged_keras, "The checkpoint m-7.keras is damaged or cannot be read: File is not a zip file."),
        (lambda folder: folder.rmdir(), "There is no folder {folder}."),
        (lambda folder: None, "no TensorFlow checkpoint in {folder}, which is empty; expected <name>.index"),
        (foreign, "in {folder}, which holds model.safetensors, notes.txt, weights.pt …; expected <name>."),
        (half_written, "which holds checkpoint, model.ckpt-7.data-00000-of-00001; expected <name>.index"),
        (empty_index, "The checkpoint model.ckpt-7 is damaged or cannot be read: its index is empty."),
    ],
    ids=["keras", "missing", "empty", "foreign", "half-written", "empty index"],
)  # fmt: skip
def test_a_sentence_for_each_folder(
    inspect: Inspect, tmp_path: Path, make: Callable[[Path], None], sentence: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder)
    code, out, err = inspect("--folder", folder)
    assert (code, out) == (1, "")
    assert sentence.format(folder=folder) in err
    assert err.count("\n") == 1


def test_a_folder_that_may_not_be_read(
    inspect: Inspect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:  # whoever runs the tests may be allowed to read everything
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    code, _, err = inspect("--folder", tmp_path)
    assert (code, err.rstrip().endswith("of checkpoints cannot be read: Permission denied.")) == (1, True)


def test_names_that_are_not_there(inspect: Inspect, tmp_path: Path) -> None:
    save(tmp_path, 1, {"layer1/weights": np.ones(2)})
    code, _, err = inspect("--folder", tmp_path, "--match", "layer1/weigths")
    assert (code, "called like 'layer1/weigths'; near it: layer1/weights." in err) == (1, True)
    assert inspect("--folder", tmp_path, "--step", 9)[0] == 1
    assert inspect("--folder", tmp_path, "--step", "best")[0] == 2
    assert inspect("--folder", tmp_path, "--run", "x")[0] == 2


def test_no_tensorflow_is_loaded(tmp_path: Path) -> None:
    save(tmp_path, 1, tensors(1))
    code = "import sys, shadowboard.cli as c; c.run(); sys.exit('tensorflow' in sys.modules)"
    command = [sys.executable, "-c", code, "inspect", "--folder", str(tmp_path)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
