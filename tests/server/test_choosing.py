"""Which run and which checkpoint a request means, as GET /evaluate shows it."""

import shutil
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from shadowboard.records import Run, Score
from shadowboard.settings import Settings
from shadowboard.store import Store
from tests.server.test_evaluate import checkpoints_that_go, truncate

pytestmark = pytest.mark.usefixtures("no_backlog")

Make = Callable[..., Run]


def test_defaults_are_the_newest_run_with_a_checkpoint_its_latest_step_raw_on_validation(
    client: httpx2.Client, make_run: Make
) -> None:
    make_run((30,))
    run = make_run((0, 10))
    make_run((), seed=1)
    found = client.get("/evaluate").json()
    assert (found["run"], found["step"], found["weights"], found["split"]) == (
        run.id,
        10,
        "raw",
        "validation",
    )
    assert client.get("/evaluate?run=&step=&average=").json()["run"] == run.id
    assert client.get("/evaluate", params={"run": run.name}).json()["run"] == run.id


@pytest.mark.parametrize("step", ["latest", "best"])
def test_what_vanishes_before_it_is_read_is_passed_over(
    client: httpx2.Client, make_run: Make, monkeypatch: pytest.MonkeyPatch, store: Store, step: str
) -> None:
    run = make_run((0, 10, 20, 30))
    for scored, correct in ((0, 5), (10, 9), (20, 9), (30, 2)):
        score = Score(scored, "", "validation", 10, correct, 1.0, 0.1)
        store.add_evaluation(run.id, score, b"a" * 10, b"abcd" * 10)
    order = {"latest": [30, 20, 10], "best": [10, 20, 0]}[step]
    gone = order[:2]

    def go(checkpoint: Any) -> None:
        if checkpoint.step == gone[0]:
            checkpoint.prefix.with_name(checkpoint.prefix.name + ".index").unlink()
        if checkpoint.step == gone[1]:
            truncate(checkpoint.prefix.parent, checkpoint.step)

    checkpoints_that_go(monkeypatch, go)
    found = client.get(f"/evaluate?step={step}&split=test&ema=false").json()
    assert found["step"] == order[2]
    assert found["note"] == (f"model.ckpt-{gone[1]} is damaged, so model.ckpt-{order[2]} was read.")
    answer = client.get(f"/evaluate?run={run.id}&step={gone[0]}&split=test")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith(f"There is no checkpoint of step {gone[0]}; the newest")


def test_a_number_that_vanishes_before_it_is_read_is_not_found(
    client: httpx2.Client, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run((0, 10))
    checkpoints_that_go(
        monkeypatch, lambda c: c.prefix.with_name(c.prefix.name + ".index").unlink(missing_ok=True)
    )
    answer = client.get("/evaluate?step=10")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "The checkpoint model.ckpt-10 is gone."
    answer = client.get("/evaluate")  # all go, one after the other
    assert answer.status_code == 404
    assert "are gone" in answer.json()["detail"]


def test_latest_passes_over_a_damaged_checkpoint_and_says_so(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    run = make_run((0, 10, 20, 30))
    for step in (20, 30):
        truncate(settings.run_folder(run.id), step)
    found = client.get("/evaluate").json()
    assert found["step"] == 10
    assert found["note"] == "model.ckpt-30, model.ckpt-20 are damaged, so model.ckpt-10 was read."
    answer = client.get("/evaluate?step=30")
    assert answer.status_code == 409
    assert "model.ckpt-30 is damaged" in answer.json()["detail"]


def test_where_all_are_damaged_there_is_no_checkpoint(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    run = make_run((10,))
    truncate(settings.run_folder(run.id), 10)
    answer = client.get("/evaluate")
    assert answer.status_code == 404
    assert (
        answer.json()["detail"] == f"The run {run.id} has no readable checkpoint: model.ckpt-10 is damaged."
    )


def test_best_is_the_best_on_validation_of_the_weights_asked_for(
    client: httpx2.Client, make_run: Make
) -> None:
    make_run((0, 10, 20, 30))
    for ema in ("true", "false"):
        steps = (0, 10, 20, 30)
        correct = {s: client.get(f"/evaluate?ema={ema}&step={s}").json()["correct"] for s in steps}
        best = client.get(f"/evaluate?ema={ema}&step=best&split=test").json()
        assert best["step"] == max(correct, key=lambda step: correct[step])
        assert best["split"] == "test"


def test_a_run_whose_checkpoints_are_gone_is_passed_over_and_says_so(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    old, unreadable, gone = make_run((0, 10)), make_run((0, 10)), make_run((0, 10))
    for run in (unreadable, gone):
        shutil.rmtree(settings.run_folder(run.id))
    settings.run_folder(unreadable.id).touch()
    for path in ("/evaluate", "/compare"):
        assert client.get(path).json()["run"] == old.id
        for step in ("latest", "best"):
            answer = client.get(f"{path}?run={gone.id}&step={step}")
            assert answer.status_code == 404
            assert answer.json()["detail"] == f"The checkpoints of the run {gone.id} are gone."
        assert "cannot be read: Not a directory" in client.get(f"{path}?run={unreadable.id}").text
    shutil.rmtree(settings.run_folder(old.id))
    assert client.get("/evaluate").json()["detail"] == f"The checkpoints of the run {gone.id} are gone."


def test_latest_passes_over_any_number_of_damaged_checkpoints(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    run = make_run(tuple(range(0, 260, 10)))
    for step in range(10, 260, 10):
        truncate(settings.run_folder(run.id), step)
    assert client.get("/evaluate").json()["step"] == 0


def test_of_the_best_it_is_said_that_it_cannot_be_read_any_more(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    run = make_run((0, 10))
    for step in (0, 10):
        client.get(f"/evaluate?step={step}")
    before = client.get("/evaluate?step=best").json()
    assert before["note"] is None
    data = settings.run_folder(run.id) / f"{before['checkpoint']}.data-00000-of-00001"
    index = data.with_name(f"{before['checkpoint']}.index")
    data.write_bytes(b"")
    index.write_bytes(index.read_bytes())  # its weights are in memory, until its index is another one
    found = client.get("/evaluate?step=best").json()
    assert found == before | {
        "note": f"{before['checkpoint']} was evaluated before, and cannot be read any more."
    }


def test_a_file_named_like_a_step_that_is_too_large_is_none(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    run = make_run((10,))
    (settings.run_folder(run.id) / "model.ckpt-99999999999999999999.index").touch()
    assert client.get("/evaluate").json()["step"] == 10
