import io
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from server.schemas.predictions import TrackView
from shadowboard.dataset import Dataset
from shadowboard.records import Run
from shadowboard.settings import Settings

pytestmark = pytest.mark.usefixtures("no_backlog")

Make = Callable[..., Run]
SEVEN = np.zeros((28, 28))
SEVEN[6, 8:20] = SEVEN[range(7, 22), range(20, 5, -1)] = 1
BODY = {"image": SEVEN.tolist()}


def test_each_step_reads_what_predict_reads(client: httpx2.Client, make_run: Make) -> None:
    run = make_run((0, 10, 20), averages=[{"decay": 0.99}, {"decay": 0.999}])
    answer = client.post(f"/runs/{run.id}/readings", json=BODY)
    found = answer.json()
    assert TrackView.model_validate(found).model_dump() == found
    assert (found["run"], found["image"], found["label"]) == (run.id, SEVEN.tolist(), None)
    assert (found["step"], found["skipped"]) == ([0, 10, 20], [])
    assert list(found["averages"]) == ["ExponentialMovingAverage", "EMA_0.999"]
    for i, step in enumerate(found["step"]):
        single = client.post(f"/predict?run={run.id}&step={step}", json=BODY).json()
        for name, reading in {"": single["raw"], **{a["average"]: a for a in single["averages"]}}.items():
            track = found["averages"][name] if name else found["raw"]
            for field in ("digit", "confidence", "probabilities"):
                assert track[field][i] == reading[field]


def test_an_image_of_the_data_set(client: httpx2.Client, make_run: Make, mnist: Dataset) -> None:
    run = make_run((0, 10))
    for split, images in (("validation", mnist.validation), ("test", mnist.test)):
        found = client.get(f"/runs/{run.id}/readings?split={split}&index=7").json()
        assert found["label"] == images.labels[7]
        pixels = np.multiply(found["image"], 255)
        assert pixels.ravel() == pytest.approx(images.images[7].astype(float), abs=1e-4)
        assert client.post(f"/runs/{run.id}/readings", json={"image": found["image"]}).json() == found | {
            "label": None
        }
    for index in (-1, len(mnist.test)):
        answer = client.get(f"/runs/{run.id}/readings?split=test&index={index}")
        assert answer.status_code == 404
        assert answer.json()["detail"] == f"There is no test image {index}; expected 0 to 9999."


def test_a_drawn_picture(client: httpx2.Client, make_run: Make) -> None:
    run = make_run((0,))
    file = io.BytesIO()
    Image.fromarray((SEVEN * 255).astype(np.uint8)).resize((280, 280)).save(file, "png")
    found = client.post(f"/runs/{run.id}/readings", content=file.getvalue()).json()
    single = client.post("/predict", content=file.getvalue()).json()
    assert found["image"] == single["image"]
    assert found["raw"]["probabilities"] == [single["raw"]["probabilities"]]


def test_what_cannot_be_read_is_skipped(client: httpx2.Client, make_run: Make, settings: Settings) -> None:
    run = make_run((0, 10, 20, 30))
    folder = settings.run_folder(run.id)
    damaged = folder / "model.ckpt-10.data-00000-of-00001"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    (folder / "model.ckpt-20.data-00000-of-00001").unlink()
    found = client.post(f"/runs/{run.id}/readings", json=BODY).json()
    assert found["step"] == [0, 30]
    assert len(found["raw"]["digit"]) == 2
    assert [skipped["step"] for skipped in found["skipped"]] == [10, 20]
    for skipped in found["skipped"]:
        assert skipped["reason"].startswith(f"The checkpoint model.ckpt-{skipped['step']} is damaged")


@pytest.mark.parametrize("state", ["queued", "finished"])
def test_a_run_without_checkpoints_or_averages(client: httpx2.Client, make_run: Make, state: Any) -> None:
    run = make_run(state=state, averages=[])
    found = client.post(f"/runs/{run.id}/readings", json=BODY).json()
    assert (found["step"], found["averages"], found["skipped"]) == ([], {}, [])
    assert found["raw"] == {"digit": [], "confidence": [], "probabilities": []}


@pytest.mark.parametrize(
    ("most", "steps"),
    [(1, [90]), (2, [0, 90]), (4, [0, 30, 60, 90]), (10, list(range(0, 100, 10)))],
)
def test_thinned(sample_of_ten: tuple[httpx2.Client, Run], most: int, steps: list[int]) -> None:
    client, run = sample_of_ten
    found = client.post(f"/runs/{run.id}/readings?max_points={most}", json=BODY).json()
    assert found["step"] == steps


@pytest.fixture
def sample_of_ten(client: httpx2.Client, make_run: Make) -> tuple[httpx2.Client, Run]:
    return client, make_run(tuple(range(0, 100, 10)))


@pytest.mark.parametrize(
    ("query", "body", "status", "detail"),
    [
        ("max_points=0", BODY, 422, "max_points is '0'"),
        ("max_points=1001", BODY, 422, "max_points is '1001'"),
        ("", {"image": [[0] * 28] * 28}, 422, "The image is empty"),
        ("", {"image": []}, 422, "The image has the shape 0"),
    ],
)
def test_refused(
    sample: tuple[httpx2.Client, Run, Run], query: str, body: Any, status: int, detail: str
) -> None:
    client, run, _ = sample
    answer = client.post(f"/runs/{run.id}/readings?{query}", json=body)
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)
    assert client.post("/runs/zzz/readings", json=BODY).status_code == 404


def test_it_ends_when_the_client_has_gone(
    client: httpx2.Client, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run((0, 10, 20))
    reached, told, read = threading.Event(), threading.Event(), []

    def wait(checkpoints: Any, run: Run, image: Any, most: int, gone: threading.Event) -> Any:
        from server.tracking import track

        reached.set()
        if gone.wait(10):
            told.set()
        found = track(checkpoints, run, image, most, gone)
        read.append(found.steps)
        return found

    monkeypatch.setattr("server.predicting.track", wait)
    url = client.base_url
    connection = HTTPConnection(url.host, url.port or 80)
    connection.request("GET", f"/runs/{run.id}/readings?index=0")
    assert reached.wait(10)
    connection.close()
    assert told.wait(10)
    monkeypatch.undo()
    assert client.get(f"/runs/{run.id}/readings?index=0").json()["step"] == [0, 10, 20]
    assert read == [[]]
