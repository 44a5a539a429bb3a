"""`shadowboard train --start-…` as a person types it."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from shadowboard import checkpoints
from shadowboard.configuration import parse_config
from shadowboard.records import Run
from shadowboard.store import Store
from shadowboard.warm_start import shapes_of
from tests.server.conftest import tensors
from tests.shadowboard.test_cli import Shadowboard, lines, shadowboard, small  # noqa: F401 - fixtures


def a_run(home: Path, *steps: int) -> Run:
    """One that is finished, with an average, and other weights at each of its steps."""
    config = parse_config({"hidden": [16]})
    with closing(Store(f"sqlite:///{home / 'shadowboard.db'}")) as store:
        run = store.create_run(config, "first", worker="worker")
        for step in steps:
            checkpoints.save(home / "runs" / run.id, step, tensors(config, step))
        store.release(run.id, "worker", "finished", "")
        return store.run(run.id)


def test_a_run_that_starts_from_another_and_one_from_a_folder(
    shadowboard: Shadowboard,  # noqa: F811
    small: list[object],  # noqa: F811
    tmp_path: Path,
) -> None:
    first = a_run(tmp_path, 0, 50)
    asked = ["--start-from", "first", "--start-ema", "--start-step", 50, "--start-partial"]
    mapping = ["--start-map", "layer1/biases=layer1/biases*2"]
    told = shadowboard("train", *small, "--hidden", "16,8", *asked, *mapping, "--steps", 1)
    assert told.code == 0
    said = told.err.splitlines()
    average = "ExponentialMovingAverage"
    begin = said.index(
        f"Starts from model.ckpt-50 of the run {first.id}: 2 of 6 variables start with averaged weights "
        f"({average}); 4 are initialised afresh; 2 of the checkpoint are left over."
    )
    assert said[begin + 1 : begin + 4] == [
        f"  layer1/weights [784, 16] ← layer1/weights/{average}",
        f"  layer1/biases [16] ← layer1/biases/{average} × 2",
        "  layer2/weights [16, 8] afresh: it is [16, 10] in the checkpoint",
    ]
    assert begin < next(i for i, line in enumerate(said) if line.startswith("step"))
    newest, _ = lines(shadowboard("runs", "--home", tmp_path, "--json").out)
    assert newest["config"]["start_from"] == {
        "run": first.id, "folder": "", "step": 50, "average": average,
        "map": ["layer1/biases=layer1/biases*2.0"], "partial": True,
    }  # fmt: skip
    folder = tmp_path / "runs" / first.id
    stored = checkpoints.read(checkpoints.find(folder, 50))
    ours = checkpoints.read(checkpoints.find(tmp_path / "runs" / newest["id"], 0))
    assert (ours["layer1/biases"] == 2 * stored[f"layer1/biases/{average}"]).all()

    best = shadowboard(
        "train", *small, "--start-from", folder, "--start-step", "best", "--steps", 1, "--json"
    )
    start = lines(best.out)[0]
    assert (start["event"], start["folder"], start["average"]) == ("start", str(folder), "")
    assert start["step"] in {0, 50}
    assert [one["variable"] for one in start["taken"]] == [
        f"layer{i}/{kind}" for i in (1, 2) for kind in ("weights", "biases")
    ]
    assert (start["fresh"], start["left_over"]) == ([], [])


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--start-ema"], 2, "Invalid value for --start-from: is missing, which the other --start options"),
        (
            ["--start-from", "nobody"],
            1,
            "--start-from is 'nobody'; there is no such run, and no such folder.",
        ),
        (
            ["--start-from", "~nobody-here/x"],
            1,
            "'~nobody-here/x'; there is no such run, and no such folder.",
        ),
        (["--start-from", "n" * 300], 1, "there is no such run, and no such folder."),
        (["--start-from", "first"], 1, "There is no readable checkpoint in"),
        (["--start-from", "first", "--start-step", "9"], 1, "There is no checkpoint of step 9; the newest"),
        (["--start-from", ".", "--start-map", "w"], 1, "start_from.map.0 is 'w'; expected variable=name"),
        (["--start-from", ".", "--hidden", "5"], 1, "layer1/weights is [784, 5] in this run and [784, 4] in"),
        (["--start-from", ".", "--start-average", "X"], 1, "holds no average called X; it holds: none."),
        (["--start-from", ".", "--start-map", "layer9/biases="], 1, "which this run has not got; near it: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_possible_is_one_line_and_queues_nothing(
    shadowboard: Shadowboard,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    first = a_run(tmp_path)
    checkpoints.save(tmp_path, 7, {name: np.zeros(s, np.float32) for name, s in shapes_of([4]).items()})
    result = shadowboard("train", "--home", tmp_path, "--hidden", "4", *options)
    assert (result.code, result.out) == (code, "")
    (told,) = result.err.splitlines()[-1:]
    assert told.startswith("shadowboard: ")
    assert sentence in told
    (run,) = lines(shadowboard("runs", "--home", tmp_path, "--json").out)
    assert run["id"] == first.id
