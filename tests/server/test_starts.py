"""Runs that are queued to start from another's checkpoint: what is previewed, stored, told, refused."""

import shutil
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from shadowboard import checkpoints
from shadowboard.configuration import parse_config
from shadowboard.records import Run, Score
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.watched import watched_config
from tests.server.conftest import tensors

Make = Callable[..., Run]
Sample = tuple[httpx2.Client, Run, Run]
EMA = "ExponentialMovingAverage"
pytestmark = pytest.mark.usefixtures("no_backlog")


def body(**start: Any) -> dict[str, Any]:
    return {"json": {"config": {"hidden": [8, 4], "start_from": start}}}


def test_what_is_previewed_is_queued_and_told(sample: Sample) -> None:
    client, run, _ = sample
    asked = body(run=run.id, average=EMA, partial=True, map=[" layer1/biases = "])
    before = client.get("/runs").json()["total"]
    preview = client.post("/runs/preview", **asked)
    assert preview.status_code == 200
    assert client.get("/runs").json()["total"] == before
    told = preview.json()
    start = {
        "run": run.id,
        "folder": "",
        "step": 20,
        "average": EMA,
        "map": ["layer1/biases="],
        "partial": True,
    }
    assert told["config"]["start_from"] == start
    assert told["name"] == f"hidden 8 + 4, start from {run.id} step 20 averaged"
    report = told["start"]
    assert (report["run"], report["step"], report["checkpoint"]) == (run.id, 20, "model.ckpt-20")
    assert report["taken"] == [
        {"variable": "layer1/weights", "shape": [784, 8], "name": f"layer1/weights/{EMA}", "factor": 1.0,
         "averaged": True}
    ]  # fmt: skip
    assert [(one["variable"], one["why"], one["found"]) for one in report["fresh"]] == [
        ("layer1/biases", "asked", None),
        ("layer2/weights", "shape", [8, 10]),
        ("layer2/biases", "shape", [10]),
        ("layer3/weights", "missing", None),
        ("layer3/biases", "missing", None),
    ]
    assert [one["name"] for one in report["left_over"]] == [
        "layer1/biases",
        "layer2/biases",
        "layer2/weights",
    ]

    queued = client.post("/runs", **asked)
    assert (queued.status_code, queued.json()["config"]) == (201, told["config"])
    found = client.get(f"/runs/{queued.json()['id']}/start").json()
    assert found == {"run": queued.json()["id"], "start_from": start, "start": report, "problem": None}
    again = client.post(
        "/runs", json={"config": queued.json()["config"]}
    )  # as a program would that copies one
    assert again.json()["config"] == told["config"]


def test_a_run_without_a_start(sample: Sample) -> None:
    client, run, _ = sample
    assert client.get(f"/runs/{run.id}/start").json() == {
        "run": run.id, "start_from": None, "start": None, "problem": None,
    }  # fmt: skip
    preview = client.post("/runs/preview").json()
    assert (preview["name"], preview["start"]) == ("reference recipe", None)
    assert preview["config"] == parse_config({}).model_dump(mode="json")


def test_the_step_is_resolved_to_a_number(
    client: httpx2.Client, make_run: Make, store: Store, settings: Settings
) -> None:
    run = make_run((0, 10, 20, 30))
    for step, correct in ((0, 1), (10, 3), (20, 3), (30, 9)):
        store.add_evaluation(run.id, Score(step, EMA, "validation", 10, correct, 1.0, 0.1), b"", b"")
    folder = settings.run_folder(run.id)
    (folder / "model.ckpt-30.index").write_bytes(b"damaged")
    (folder / "model.ckpt-30.data-00000-of-00001").unlink()

    def resolved(step: Any, average: str = EMA) -> Any:
        answer = client.post(
            "/runs/preview", **body(run=run.name, step=step, average=average, partial=True)
        ).json()
        return answer["config"]["start_from"]["step"] if "config" in answer else answer["detail"]

    assert (resolved("latest"), resolved(10)) == (20, 10)
    (folder / "model.ckpt-30.index").unlink()
    assert resolved("best") == 10  # of equals the earliest, of those that are there
    assert resolved("best", "") == (
        f"start_from is not possible: No checkpoint of the run {run.id} has been evaluated with these "
        "weights yet; ask for the latest, or for a step by its number."
    )


@pytest.mark.parametrize(
    ("start", "detail"),
    [
        ({"run": "nobody"}, "start_from is not possible: There is no run 'nobody'"),
        ({}, "start_from.run is missing."),
        (
            {"run": "{run}", "step": 99},
            "start_from is not possible: There is no checkpoint of step 99; the newest",
        ),
        (
            {"run": "{run}", "step": "first"},
            "start_from.step is 'first'; expected latest, best or the number of a",
        ),
        (
            {"run": "{run}", "step": True},
            "start_from.step is True; expected latest, best or the number of a step.",
        ),
        (
            {"run": "{run}", "speed": 1},
            "There is no knob called start_from.speed; start_from has run, folder, step",
        ),
        (
            {"run": "{run}", "average": "X"},
            "start_from is not possible: The checkpoint model.ckpt-20 holds no average",
        ),
        ({"run": "{run}"}, "start_from is not possible: layer2/weights is [8, 4] in this run and [8, 10] in"),
        (
            {"run": "{run}", "map": ["w"]},
            "start_from.map.0 is 'w'; expected variable=name, variable=name*factor",
        ),
        (
            {"run": "{run}", "map": ["layer9/w="]},
            "start_from.map is about layer9/w, which this run has not got;",
        ),
        ({"run": "{empty}"}, "start_from is not possible: The run {empty} has no checkpoint yet."),
        (
            {"folder": "/etc"},
            "start_from.folder is '/etc'; over HTTP a run can only start from a run of this",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("path", ["/runs", "/runs/preview"])
def test_what_is_not_possible_is_told(sample: Sample, path: str, start: dict[str, Any], detail: str) -> None:
    client, run, empty = sample
    names = {"{run}": run.id, "{empty}": empty.id}
    answer = client.post(path, **body(**{name: names.get(value, value) if isinstance(value, str) else value
                                         for name, value in start.items()}))  # fmt: skip
    assert answer.status_code == 422
    assert detail.replace("{empty}", empty.id) in answer.json()["detail"]


def test_a_source_that_is_gone_is_told(client: httpx2.Client, make_run: Make, settings: Settings) -> None:
    source = make_run((0,))
    config = {"hidden": [8], "start_from": {"run": source.id, "step": 0}}
    run = client.post("/runs", json={"config": config}).json()
    shutil.rmtree(settings.run_folder(source.id))
    told = client.get(f"/runs/{run['id']}/start").json()
    assert told["start"] is None
    assert told["start_from"]["run"] == source.id
    assert told["problem"] == (
        "start_from is not possible: There is no checkpoint of step 0; the newest steps are: none."
    )


def test_a_watched_run_is_a_source_and_starts_from_nothing(
    client: httpx2.Client, store: Store, settings: Settings
) -> None:
    folder = settings.home / "theirs"
    config = parse_config({"hidden": [8]})
    checkpoints.save(folder, 5, tensors(config, 5))
    run = store.watch(watched_config(folder))
    answer = client.post("/runs/preview", json={"config": {"hidden": [8], "start_from": {"run": run.id}}})
    assert [len(answer.json()["start"][part]) for part in ("taken", "fresh", "left_over")] == [4, 0, 0]
    assert client.get(f"/runs/{run.id}/start").status_code == 409
    watching = client.post("/runs/preview", json={"folder": "theirs"})
    assert watching.status_code == 422
    assert "nothing would be queued" in watching.json()["detail"]
