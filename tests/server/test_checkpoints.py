from collections.abc import Callable
from typing import Any

import httpx2
import numpy as np
import pytest

from shadowboard.bundle import Bundle
from shadowboard.contents import Contents, open_contents
from shadowboard.inspection import closeup, inspect, plain
from shadowboard.listing import Checkpoint
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store

EMA = "ExponentialMovingAverage"
Make = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("no_backlog")


def opened(settings: Settings, run: Run, step: int) -> Contents:
    return open_contents(Checkpoint(settings.run_folder(run.id) / f"model.ckpt-{step}", step))


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
            **vars(v.statistics or object()),
            "bytes": v.bytes,
            "distance": v.distance,
            "cosine": v.cosine,
            "values": None if v.values is None else plain(v.values),
        }
        for v in inspect(opened(settings, run, 10))
    ]
    assert found["bytes"] == sum(v["bytes"] for v in expected)
    assert found["first_layer"] == "layer1/weights"
    assert found["variables"] == expected
    assert {v["average"] for v in expected} == {None, "ExponentialMovingAverage", "EMA_0.99"}


def test_without_statistics_and_by_name(sample: tuple[httpx2.Client, Run, Run]) -> None:
    client, run, _ = sample
    route = f"/runs/{run.id}/checkpoints/0/variables"
    every = {v["name"]: v for v in client.get(route).json()["variables"]}
    bare = client.get(route, params={"statistics": False}).json()["variables"]
    read = ("mean", "std", "min", "max", "zeros", "non_finite", "distance", "cosine", "values")
    assert bare == [variable | dict.fromkeys(read) for variable in every.values()]
    names = ["layer1/biases", f"layer2/weights/{EMA}"]
    some = client.get(route, params={"name": names}).json()["variables"]
    assert some == [every[name] for name in names]
    answer = client.get(route, params={"name": "layer1/bias"})
    assert answer.status_code == 422
    assert "holds no layer1/bias; near it: layer1/biases, " in answer.json()["detail"]


def test_one_variable_close_up(client: httpx2.Client, make_run: Make, settings: Settings) -> None:
    run = make_run((10,))
    route = f"/runs/{run.id}/checkpoints/10/variable"
    found = client.get(route, params={"name": f"layer2/biases/{EMA}", "bins": 5}).json()
    assert (found["run"], found["step"], found["checkpoint"]) == (run.id, 10, "model.ckpt-10")
    expected = closeup(opened(settings, run, 10), "layer2/biases", 5)
    assert found["histogram"] == {"edges": expected.edges, "counts": expected.histograms}
    assert [v["name"] for v in found["variables"]] == ["layer2/biases", f"layer2/biases/{EMA}"]
    assert [len(v["values"]) for v in found["variables"]] == [10, 10]
    assert client.get(route).status_code == 422
    assert client.get(route, params={"name": "no"}).status_code == 422


def test_the_first_layer_as_images(client: httpx2.Client, make_run: Make, settings: Settings) -> None:
    run = make_run((10,))
    route = f"/runs/{run.id}/checkpoints/10/units"
    found = client.get(route, params={"first": 3, "count": 2}).json()
    assert (found["name"], found["side"], found["total"], found["units"]) == ("layer1/weights", 28, 8, [3, 4])
    assert found["average"] == EMA
    for key, name in (("raw", "layer1/weights"), ("averaged", f"layer1/weights/{EMA}")):
        (values,) = opened(settings, run, 10).blocks(name)
        np.testing.assert_allclose(found[key], values.reshape(784, 8)[:, 3:5].T, atol=5.1e-5)
    assert len(client.get(route, params={"order": "change"}).json()["units"]) == 8
    beyond = client.get(route, params={"first": 8}).json()
    assert (beyond["units"], beyond["raw"], beyond["averaged"], beyond["total"]) == ([], [], [], 8)
    assert client.get(route, params={"average": "X"}).status_code == 422
    bare = make_run((10,), averages=[])
    found = client.get(f"/runs/{bare.id}/checkpoints/10/units").json()
    assert (found["average"], found["averaged"], found["change_limit"]) == (None, None, 0)


def test_restore_maps(client: httpx2.Client, make_run: Make) -> None:
    run = make_run((10,), averages=[{"decay": 0.9}, {"decay": 0.99}])
    route = f"/runs/{run.id}/checkpoints/10/restore-map"
    raw, averaged = client.get(route).json(), client.get(route, params={"ema": True}).json()
    variables = ["global_step", *(f"layer{i}/{kind}" for i in (1, 2) for kind in ("biases", "weights"))]
    assert {one["variable"]: one["name"] for one in raw["restored"]} == {name: name for name in variables}
    assert (raw["average"], raw["raw_fallbacks"], len(raw["unused"])) == (None, [], 8)
    assert {one["name"]: (one["variable"], one["source"]) for one in averaged["restored"]} == {
        "global_step": ("global_step", "raw"),
        **{f"{name}/{EMA}": (name, "average") for name in variables[1:]},
    }
    assert (averaged["average"], averaged["raw_fallbacks"]) == (EMA, ["global_step"])
    assert averaged["sentence"] == (
        f"4 variables from {EMA}; global_step raw, for the checkpoint holds no average of it."
    )
    assert averaged["restored"][0]["values"] == 10
    some = client.get(
        route,
        params={"ema": True, "average": "EMA_0.99", "only": ["layer1/biases", "layer2/biases"],
                "rename": "layer1/biases=layer1/biases"},
    ).json()  # fmt: skip
    assert {one["variable"]: (one["name"], one["source"]) for one in some["restored"]} == {
        "layer1/biases": ("layer1/biases", "renamed"),
        "layer2/biases": ("layer2/biases/EMA_0.99", "average"),
    }
    assert some["uninitialised"] == ["global_step", "layer1/weights", "layer2/weights"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"ema": True, "average": "X"}, "no average called X; it holds: ExponentialMovingAverage"),
        ({"only": "layer1/bias"}, "There is no variable called layer1/bias (near it: layer1/biases"),
        ({"rename": "layer1/biases=b"}, "The checkpoint holds no b"),
        ({"rename": "layer1/biases"}, "expected variable=name"),
        (
            {"rename": "layer1/biases=layer2/weights"},
            "layer1/biases is float32 [8] and layer2/weights is float32 [8, 10]; a variable is restored from",
        ),
        (
            {"rename": ["layer1/biases=global_step", "layer1/biases=layer1/biases"]},
            "rename restores layer1/biases from global_step and from layer1/biases; expected one name.",
        ),
        ({"average": "nonsense"}, "average is 'nonsense', but raw weights were asked for; add ema=true."),
    ],
    ids=["average", "only", "no such name", "no name", "other shape", "twice", "average of raw"],
)
def test_maps_that_cannot_be(
    sample: tuple[httpx2.Client, Run, Run], query: dict[str, Any], sentence: str
) -> None:
    client, run, _ = sample
    answer = client.get(f"/runs/{run.id}/checkpoints/0/restore-map", params=query)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]


def test_a_checkpoint_that_another_program_wrote(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    from shadowboard.checkpoints import save

    run = make_run()
    tensors = {"weight": np.ones((2, 1), np.float32), f"weight/{EMA}": np.zeros((2, 1), np.float32)}
    save(settings.run_folder(run.id), 5, tensors | {"weight/Momentum": np.ones((2, 1), np.float32)})
    found = client.get(f"/runs/{run.id}/checkpoints/latest/variables").json()
    assert {v["name"]: (v["kind"], v["values"]) for v in found["variables"]} == {
        "weight": ("raw", [[1], [1]]),
        f"weight/{EMA}": ("average", [[0], [0]]),
        "weight/Momentum": ("slot", [[1], [1]]),
    }
    assert found["first_layer"] is None
    assert client.get(f"/runs/{run.id}/checkpoints/latest/units").status_code == 422


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


def test_latest_and_best_are_chosen_without_reading_values(
    client: httpx2.Client, make_run: Make, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run((0, 10))
    for number in (0, 10):
        client.get(f"/evaluate?run={run.id}&ema=true&step={number}").raise_for_status()
    newest = make_run((10, 20), hidden=[9])
    data = settings.run_folder(newest.id) / "model.ckpt-20.data-00000-of-00001"
    data.write_bytes(bytes(data.stat().st_size))  # of which the index knows nothing

    def refuse(*_: Any) -> None:
        raise AssertionError("values were read")

    monkeypatch.setattr("server.restoring.restore", refuse)
    monkeypatch.setattr(Bundle, "blocks", refuse)
    for which, of in (("latest", run), ("best", run), ("latest", newest)):
        route = f"/runs/{of.id}/checkpoints/{which}/variables"
        assert client.get(route, params={"statistics": False}).status_code == 200


def test_no_file_is_left(client: httpx2.Client, make_run: Make, settings: Settings) -> None:
    run = make_run((10,))
    index = settings.run_folder(run.id) / "model.ckpt-10.index"
    index.write_bytes(b"")
    answer = client.get(f"/runs/{run.id}/checkpoints/latest/variables")
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        f"The run {run.id} has no readable checkpoint: model.ckpt-10 is damaged.",
    )
    index.unlink()
    answer = client.get(f"/runs/{run.id}/checkpoints/latest/variables")
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        f"The checkpoints of the run {run.id} are gone.",
    )


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
