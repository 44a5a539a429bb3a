from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from shadowboard.inspection import inspect
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store

Make = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("no_backlog")


def test_checkpoints_are_listed_with_what_is_left_of_them(
    client: httpx2.Client, make_run: Make, settings: Settings, store: Store
) -> None:
    run = make_run((0, 10, 20))
    (settings.run_folder(run.id) / "model.ckpt-10.index").unlink()
    found = client.get(f"/runs/{run.id}/checkpoints").json()
    assert found["run"] == run.id
    saved = store.checkpoints(run.id)
    assert found["checkpoints"] == [
        {"step": s.step, "bytes": s.bytes, "saved_at": s.saved_at, "file": f"model.ckpt-{s.step}",
         "present": s.step != 10}
        for s in saved
    ]  # fmt: skip
    assert [s.step for s in saved] == [0, 10, 20]
    assert client.get(f"/runs/{make_run().id}/checkpoints").json()["checkpoints"] == []


def test_variables_are_what_is_in_the_file(client: httpx2.Client, make_run: Make, settings: Settings) -> None:
    from shadowboard import checkpoints

    run = make_run((0, 10), averages=[{"decay": 0.9}, {"decay": 0.99}])
    answer = client.get(f"/runs/{run.id}/checkpoints/10/variables")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["run"], found["step"], found["checkpoint"]) == (run.id, 10, "model.ckpt-10")
    expected: list[dict[str, Any]] = [
        {
            "name": v.name,
            "shape": list(v.shape),
            "dtype": v.dtype,
            "kind": v.role.kind,
            "of": v.role.of,
            "average": v.role.average,
            "size": v.size,
            **{name: getattr(v.statistics, name) for name in ("mean", "std", "min", "max", "zeros")},
            "non_finite": v.statistics.non_finite,
            "distance": v.distance,
            "cosine": v.cosine,
        }
        for v in inspect(checkpoints.find(settings.run_folder(run.id), 10))
    ]
    assert found["variables"] == expected
    assert {v["average"] for v in expected} == {None, "ExponentialMovingAverage", "EMA_0.99"}


def test_latest_and_best_are_what_evaluate_takes(client: httpx2.Client, make_run: Make) -> None:
    run = make_run((0, 10, 20))

    def step(which: str) -> int:
        return int(client.get(f"/runs/{run.id}/checkpoints/{which}/variables").json()["step"])

    assert step("latest") == 20
    assert client.get(f"/runs/{run.id}/checkpoints/best/variables").status_code == 404
    for number in (0, 10, 20):
        client.get(f"/evaluate?run={run.id}&ema=true&step={number}").raise_for_status()
    best = client.get(f"/evaluate?run={run.id}&ema=true&step=best").json()["step"]
    assert step("best") == best


def test_a_damaged_checkpoint_is_told_by_its_number_and_passed_over_by_latest(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    run = make_run((0, 10))
    data = settings.run_folder(run.id) / "model.ckpt-10.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-9])
    answer = client.get(f"/runs/{run.id}/checkpoints/10/variables")
    assert answer.status_code == 409
    assert "model.ckpt-10 is damaged" in answer.json()["detail"]
    assert client.get(f"/runs/{run.id}/checkpoints/latest/variables").json()["step"] == 0


@pytest.mark.parametrize(
    ("step", "status", "sentence"),
    [
        ("11", 404, "There is no checkpoint of step 11; the newest steps are: 0."),
        ("newest", 422, "step is 'newest'; expected latest, best or the number of a step."),
        ("..%2F..%2Fetc", 404, "There is nothing at "),
        ("-1", 422, "step is '-1'; expected latest"),
        ("9" * 16, 422, "expected latest, best or the number"),
    ],
)
def test_steps_that_are_not_there(
    client: httpx2.Client, make_run: Make, step: str, status: int, sentence: str
) -> None:
    answer = client.get(f"/runs/{make_run((0,)).id}/checkpoints/{step}/variables")
    assert answer.status_code == status
    assert sentence in answer.json()["detail"]
