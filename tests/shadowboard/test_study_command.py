"""`shadowboard study` as a person types it; that it trains and goes on is tested where it is done."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shadowboard.records import Score
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.variants import parse_plan
from tests.shadowboard.test_cli import Result, shadowboard

__all__ = ["shadowboard"]

KNOBS = {"steps": 20, "save_every": 20}
OPTIONS = ["--steps", 20, "--save-every", 20, "--seeds", 2, "--variant", "without_averaging"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a study that is finished."""
    with closing(Store(Settings(home=tmp_path).store_url)) as store:
        study = store.studies.create(parse_plan(KNOBS, 2, ["without_averaging"]), "mine")
        for variant, run in store.studies.members(study.id):
            assert store.take_over(run, "w")
            store.add_checkpoint(run.id, "w", 20, 1)
            for average in ("", *(a.name for a in run.config.averages)):
                for split, n in (("validation", 5_000), ("test", 10_000)):
                    right = n * 98 // 100 + run.recipe.seed * (20 if variant == "full" else 10)
                    store.add_evaluation(run.id, Score(20, average, split, n, right, 0.5, 0.1), b"", b"")
            store.add_progress(run.id, "w", 20, 7.0, [])
            store.release(run.id, "w", "finished", "")
    return tmp_path


def test_the_same_command_shows_what_was_found(shadowboard: Callable[..., Result], home: Path) -> None:
    told = shadowboard("study", *OPTIONS, "--home", home)
    assert told.code == 0
    assert "mine: 4 of 4 runs have ended." in told.err
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in told.out.splitlines() if "│" in line]
    assert rows[1][:4] == ["without averaging", "2", "0.9810 ± 0.0014", "0.9805 ± 0.0007"]
    assert rows[1][4:] == ["−0.05 (−0.69 to +0.59)", "0.5"]
    assert [row[0] for row in rows[2:]] == [
        "last raw", "best raw by validation", "last averaged", "best averaged by validation",
    ]  # fmt: skip
    assert "What a tutorial concludes, judged at the 5 % level for all together (Holm):" in told.out
    little = "Averaging changes little: cannot be told (p = 0.14). What leaving out costs: averaging +0.05 pp"
    assert little in told.out


def test_json_has_all_of_it(shadowboard: Callable[..., Result], home: Path) -> None:
    told = shadowboard("study", "--resume", "mine", "--json", "--home", home)
    found = json.loads(told.out)
    assert (found["event"], found["name"], found["state"]) == ("study", "mine", "finished")
    assert found["plan"]["seeds"] == 2
    full, bare = found["variants"]
    assert full["test"]["mean"] == pytest.approx(0.981)
    assert bare["difference"]["mean"] == pytest.approx(-0.0005)
    assert [row["choice"] for row in found["choices"]["without_averaging"]] == ["last_raw", "best_raw"]
    assert [conclusion["verdict"] for conclusion in found["conclusions"]] == ["open"]


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--seeds", 1], 1, "seeds is 1; expected 2 to 20."),
        (["--variant", "all"], 1, "There is no variant called 'all'; the variants are without_averaging,"),
        (["--resume", "nope"], 1, "There is no study 'nope'"),
        (["--resume", "mine", "--steps", 30], 2, "goes with a new study only; a study that is resumed keeps"),
    ],
)
def test_what_cannot_be_done_is_said(
    shadowboard: Callable[..., Result], home: Path, options: list[object], code: int, sentence: str
) -> None:
    told = shadowboard("study", *options, "--home", home)
    assert told.code == code
    assert sentence in told.err
