import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from shadowboard.records import Run
from shadowboard.settings import Settings

pytestmark = pytest.mark.usefixtures("no_backlog")

Make = Callable[..., Run]


def picture(kind: str) -> bytes:
    """A drawn seven, black on white."""
    image = Image.new("RGB", (280, 280), "white")
    ImageDraw.Draw(image).line([(80, 60), (200, 60), (120, 220)], fill="black", width=20)
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_picture_is_read_by_raw_and_every_average(client: httpx2.Client, make_run: Make, kind: str) -> None:
    run = make_run((0, 10), averages=[{"decay": 0.99}, {"decay": 0.999}])
    answer = client.post("/predict", content=picture(kind), headers={"Content-Type": f"image/{kind}"})
    found = answer.json()
    assert answer.status_code == 200
    assert (found["run"], found["step"], found["note"]) == (run.id, 10, None)
    assert [a["average"] for a in found["averages"]] == ["ExponentialMovingAverage", "EMA_0.999"]
    assert found["ema"] == found["averages"][0]
    for reading in (found["raw"], *found["averages"]):
        assert sum(reading["probabilities"]) == pytest.approx(1, abs=1e-6)
        assert reading["confidence"] == max(reading["probabilities"])
        assert reading["digit"] == reading["probabilities"].index(reading["confidence"])
    assert np.shape(found["image"]) == (28, 28)
    again = client.post("/predict", json={"image": found["image"]}).json()
    assert again == found


def test_probabilities_are_numpys(client: httpx2.Client, make_run: Make, settings: Settings) -> None:
    import tensorflow as tf

    run = make_run((10,))
    found = client.post("/predict", content=picture("png")).json()
    reader = tf.train.load_checkpoint(str(settings.run_folder(run.id) / "model.ckpt-10"))
    pixels = np.reshape(found["image"], (1, 784))
    for name, suffix in (("raw", ""), ("ema", "/ExponentialMovingAverage")):
        w1, b1, w2, b2 = (
            reader.get_tensor(v + suffix).astype(np.float64)
            for v in ("layer1/weights", "layer1/biases", "layer2/weights", "layer2/biases")
        )
        values = np.exp(np.maximum(pixels @ w1 + b1, 0) @ w2 + b2)[0]
        assert found[name]["probabilities"] == pytest.approx((values / values.sum()).tolist(), rel=1e-4)


def test_a_run_without_averages_has_only_the_raw_reading(client: httpx2.Client, make_run: Make) -> None:
    make_run((0,), averages=[])
    found = client.post("/predict", content=picture("png")).json()
    assert found["ema"] is None
    assert found["averages"] == []


def test_steps(client: httpx2.Client, make_run: Make) -> None:
    run = make_run((0, 10, 20))

    def step(which: str) -> Any:
        return client.post(f"/predict?run={run.id}&step={which}", content=picture("png")).json().get("step")

    assert step("10") == 10
    assert step("latest") == 20
    assert step("best") is None
    client.get("/evaluate?ema=true&step=10")
    assert step("best") == 10


def test_latest_passes_over_a_checkpoint_with_a_damaged_average(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    make_run((0,))
    run = make_run((0, 10))
    folder: Path = settings.run_folder(run.id)
    data = folder / "model.ckpt-10.data-00000-of-00001"
    bytes_ = bytearray(data.read_bytes())
    bytes_[-100] ^= 1  # somewhere in layer2/weights/ExponentialMovingAverage, the last by name
    data.write_bytes(bytes_)
    found = client.post("/predict", content=picture("png")).json()
    assert (found["step"], found["note"]) == (0, "model.ckpt-10 is damaged, so model.ckpt-0 was read.")
    assert client.post("/predict?step=10", content=picture("png")).status_code == 409
