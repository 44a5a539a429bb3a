"""Studies over HTTP."""

import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from sqlalchemy import event

from server.routes.studies import list_studies
from shadowboard.configuration import RunConfig
from shadowboard.intervals import wilson_interval
from shadowboard.records import Run, Score
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.studies import Study
from shadowboard.variants import PARTS, parse_plan
from tests.faults.processes import wait_for

pytestmark = pytest.mark.usefixtures("no_backlog")

EMA = "ExponentialMovingAverage"
STEPS = 20


@pytest.fixture
def study(store: Store) -> Study:
    """Two seeds of two variants; each run finished and evaluated at its two checkpoints."""
    study = store.studies.create(parse_plan({"steps": STEPS}, 2, ["without_averaging"]), "small")
    for variant, run in store.studies.members(study.id):
        assert store.take_over(run, "w")
        seed = run.recipe.seed
        for step in (10, STEPS):
            store.add_checkpoint(run.id, "w", step, 1)
            for average in ("", *(a.name for a in run.config.averages)):
                right = 90 + 4 * seed + (step == STEPS) - 2 * (variant != "full") + 3 * seed * (average != "")
                for split in ("validation", "test"):
                    score = Score(step, average, split, 100, right - 5 * (split == "test"), 0.5, 0.1)
                    store.add_evaluation(run.id, score, b"", b"")
        store.add_progress(run.id, "w", STEPS, 7.0, [])
        store.release(run.id, "w", "finished", "")
    return study


def test_a_study_is_queued_at_once(client: httpx2.Client, store: Store) -> None:
    answer = client.post("/studies", json={"name": " mine ", "config": {"steps": 30}, "seeds": 3})
    assert answer.status_code == 201
    view = answer.json()
    assert (view["name"], view["seeds"], view["variants"]) == ("mine", 3, list(PARTS))
    assert view["config"]["steps"] == 30
    assert view["progress"] | {"seconds_left": None} == {
        "state": "queued", "runs": 18, "states": {"queued": 18}, "steps_done": 0, "steps": 540,
        "evaluations": 0, "evaluations_due": 0, "seconds_left": None,
    }  # fmt: skip
    members = store.studies.members(view["id"])
    assert [tuple(member.run.config) for member in members] == [
        tuple(planned.config) for planned in parse_plan({"steps": 30}, 3).runs()
    ]
    assert client.get("/runs").json()["total"] == 18
    assert client.get("/studies").json() == {"studies": [view]}
    own = store.create_run(RunConfig())
    found = client.get("/runs?limit=2").json()
    assert [run["study"] for run in found["runs"]] == [None, {"id": view["id"], "name": "mine"}]
    outside = client.get("/runs?outside_studies=true&limit=2").json()
    assert ([run["id"] for run in outside["runs"]], outside["total"]) == ([own.id], 1)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"seeds": 1}, "seeds is 1; expected at least 2."),
        ({"config": {"steps": 0}}, "steps is 0; expected 1 to 100,000,000."),
        ({"config": {"data": "/etc"}}, "data is '/etc'; over HTTP it can only be mnist. `shadowboard study"),
        ({"config": {"hidden": []}}, "The full recipe itself is without a hidden layer: leave"),
        ({"variants": []}, "variants is []; expected"),
        ({"variants": ["full"]}, "variants.0 is 'full'; expected 'without_averaging', "),
        ({"variant": "x"}, "There is no field called variant."),
    ],
)
def test_what_cannot_be_studied_is_refused(
    sample: tuple[httpx2.Client, Run, Run], body: dict[str, Any], sentence: str
) -> None:
    client, *runs = sample
    answer = client.post("/studies", json=body)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert client.get("/studies").json() == {"studies": []}
    assert client.get("/runs").json()["total"] == len(runs)


def test_a_study_tells_what_it_has_found(client: httpx2.Client, store: Store, study: Study) -> None:
    found = client.get(f"/studies/{study.id}").json()
    assert found == client.get("/studies/small").json()
    assert found["study"]["progress"]["state"] == "finished"
    assert [(run["variant"], run["seed"], run["test"]) for run in found["runs"]] == [
        ("without_averaging", 0, 0.84), ("full", 0, 0.86), ("without_averaging", 1, 0.88), ("full", 1, 0.93),
    ]  # fmt: skip
    full, bare = found["variants"]
    assert (full["variant"], full["average"], full["difference"], full["better"]) == ("full", EMA, None, None)
    assert full["test"] == {
        "seeds": 2, "mean": pytest.approx(0.895), "deviation": pytest.approx(0.0494975), "lowest": 0.86,
        "highest": 0.93,
    }  # fmt: skip
    assert (bare["variant"], bare["average"], bare["better"]) == ("without_averaging", None, None)
    # Two seeds, −2 and −5 images: t = −3.5 / 1.5, with one degree of freedom p = 1 − 2/π · atan(7/3).
    assert bare["difference"]["mean"] == pytest.approx(-0.035)
    assert bare["difference"]["p_value"] == bare["difference"]["p_holm"] == pytest.approx(0.2578, abs=1e-4)
    assert [of["variant"] for of in found["choices"]] == ["full", "without_averaging"]
    rows = {row["choice"]: row for row in found["choices"][0]["rows"]}
    assert rows["last_raw"]["steps"] == rows["best_averaged"]["steps"] == [STEPS, STEPS]
    assert rows["last_averaged"]["difference"]["mean"] == pytest.approx(0.015)
    (little,) = found["conclusions"]
    low, high = wilson_interval(89, 100)
    p_value = 1 - 2 / math.pi * math.atan(((high - low) / 2 - 0.035) / 0.015)
    assert (little["verdict"], little["p_holm"]) == ("open", pytest.approx(p_value))


def test_the_curves_are_means_over_the_seeds(client: httpx2.Client, study: Study) -> None:
    found = client.get(f"/studies/{study.id}/curves?split=test").json()
    assert [(c["variant"], c["average"], c["seeds"]) for c in found["curves"]] == [
        ("full", None, 2), ("full", EMA, 2), ("without_averaging", None, 2),
    ]  # fmt: skip
    averaged = found["curves"][1]
    assert (averaged["step"], averaged["lowest"], averaged["highest"]) == (
        [10, STEPS],
        [0.85, 0.86],
        [0.92, 0.93],
    )
    assert averaged["mean"] == pytest.approx([0.885, 0.895])


def test_best_or_last_of_one_run(client: httpx2.Client, store: Store, study: Study) -> None:
    (_, bare), (_, full) = store.studies.members(study.id)[:2]
    found = client.get(f"/runs/{full.id}/choices").json()
    assert (found["run"], found["average"]) == (full.id, EMA)
    assert [(c["choice"], c["step"], c["test"]["correct"]) for c in found["choices"]] == [
        ("last_raw", STEPS, 86), ("best_raw", STEPS, 86),
        ("last_averaged", STEPS, 86), ("best_averaged", STEPS, 86),
    ]  # fmt: skip
    found = client.get(f"/runs/{bare.id}/choices").json()
    assert (found["average"], len(found["choices"])) == (None, 2)
    refused = client.get(f"/runs/{full.id}/choices?average=X")
    assert refused.status_code == 422


def test_a_study_stops_resumes_and_is_deleted(
    client: httpx2.Client, store: Store, settings: Settings, make_run: Callable[..., Run]
) -> None:
    other = make_run((0,))
    study = client.post("/studies", json={"seeds": 2, "variants": ["without_averaging"]}).json()["id"]
    run = store.claim("w")
    assert run is not None
    stopped = client.post(f"/studies/{study}/stop")
    assert stopped.status_code == 202
    assert stopped.json()["progress"]["states"] == {"training": 1, "stopped": 3}
    assert store.run(run.id).stop_requested
    refused = client.delete(f"/studies/{study}")
    assert refused.status_code == 409
    assert refused.json()["detail"] == f"The run {run.id} of the study is in training; stop the study first."
    store.release(run.id, "w", "stopped", "")
    assert client.post(f"/studies/{study}/resume").json()["progress"]["states"] == {"queued": 4}
    settings.run_folder(run.id).mkdir(parents=True)
    assert client.delete(f"/studies/{study}").status_code == 204
    assert client.get(f"/studies/{study}").status_code == 404
    assert [left.id for left in store.runs()] == [other.id]
    assert not settings.run_folder(run.id).exists()
    assert settings.run_folder(other.id).exists()
    assert client.delete(f"/studies/{study}").status_code == 404


def test_a_run_of_a_study_whose_worker_is_gone_stops_at_once(
    client: httpx2.Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shadowboard.lease.LEASE_SECONDS", 0.0)
    study = store.studies.create(parse_plan({}, 2, ["without_averaging"]))
    run = store.claim("gone")
    assert run is not None
    wait_for(lambda: client.get(f"/runs/{run.id}").json()["stalled"])
    assert client.post(f"/studies/{study.id}/stop").json()["progress"]["states"] == {"stopped": 4}


def test_a_study_that_cannot_be_read_hides_no_other(
    client: httpx2.Client, store: Store, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = (store.studies.create(parse_plan({}, 2), name) for name in ("good", "bad"))
    with closing(sqlite3.connect(settings.home / "shadowboard.db")) as database, database:
        database.execute("UPDATE studies SET plan = ? WHERE id = ?", ['{"private": 1}', bad.id])
    sentence = f"The study {bad.id} has a plan that this version cannot read."
    assert [study["id"] for study in client.get("/studies").json()["studies"]] == [good.id]
    assert sentence in caplog.messages
    for name in (good.id, "good"):
        assert client.get(f"/studies/{name}").status_code == 200
    for name in (bad.id, "bad"):
        refused = client.get(f"/studies/{name}")
        assert (refused.status_code, refused.json()["detail"]) == (503, sentence)
    assert client.delete(f"/studies/{bad.id}").status_code == 204
    assert client.get("/studies/bad").status_code == 404


def test_a_run_that_cannot_be_read_hides_no_other(
    client: httpx2.Client, store: Store, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "shadowboard.run_rows")
    study = store.studies.create(parse_plan({}, 2, ["without_averaging"]))
    bad, *good = (run.id for _, run in store.studies.members(study.id))
    with closing(sqlite3.connect(settings.home / "shadowboard.db")) as database, database:
        database.execute("UPDATE runs SET config = ? WHERE id = ?", ['{"private": 1}', bad])
    for _ in range(3):
        found = client.get("/runs").json()
        assert ([run["id"] for run in found["runs"]], found["unreadable"]) == (good[::-1], [bad])
        assert found["total"] == 4
    sentence = f"The run {bad} has a configuration that this version cannot read."
    assert caplog.messages.count(sentence) == 1
    refused = client.get(f"/runs/{bad}")
    assert (refused.status_code, refused.json()["detail"]) == (503, sentence)
    assert [run["run"] for run in client.get(f"/studies/{study.id}").json()["runs"]] == good
    assert client.get("/studies").json()["studies"][0]["progress"]["states"] == {"queued": 3}
    claimed = store.claim("w")
    assert (claimed and claimed.id) == good[0]  # the first in the queue that can be trained
    assert store.newest_run().id == good[-1]
    assert client.delete(f"/runs/{bad}").status_code == 204
    assert client.get("/runs").json()["unreadable"] == []


def test_the_list_costs_as_many_questions_however_many_studies(
    client: httpx2.Client, store: Store, study: Study
) -> None:
    services: Any = SimpleNamespace(store=store, tells_places=True)
    asked: list[str] = []
    event.listen(store._database._engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    numbers = []
    for _ in range(2):
        asked.clear()
        list_studies(services)
        numbers.append(len(asked))
        for _ in range(3):
            store.studies.create(parse_plan({}, 2))
    assert numbers[0] == numbers[1] > 0
    views = client.get("/studies").json()["studies"]
    assert len(views) == 7
    assert views[-1] == client.get(f"/studies/{study.id}").json()["study"]


def test_a_folder_that_cannot_be_deleted_keeps_no_other(
    client: httpx2.Client, store: Store, settings: Settings
) -> None:
    study = store.studies.create(parse_plan({}, 2, ["without_averaging"]))
    folders = [settings.run_folder(run.id) for _, run in store.studies.members(study.id)]
    for folder in folders:
        folder.mkdir(parents=True)
        blocked = folder.with_name(f".deleted-{folder.name}")
        if folder != folders[-1]:
            blocked.touch()  # a file, over which no folder can be moved
    answer = client.delete(f"/studies/{study.id}")
    assert (answer.status_code, answer.json()["detail"].count("but not its files")) == (500, 1)
    assert [folder.exists() for folder in folders] == [True, True, True, False]
