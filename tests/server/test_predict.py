import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as thoroughness
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from server.schemas.predictions import BatchView, PredictionView
from shadowboard.records import Run, Score
from shadowboard.settings import Settings
from shadowboard.store import Store

pytestmark = pytest.mark.usefixtures("no_backlog")

Make = Callable[..., Run]
Sample = tuple[httpx2.Client, Run, Run]
SEVEN = np.zeros((28, 28))
SEVEN[6, 8:20] = SEVEN[range(7, 22), range(20, 5, -1)] = 1
JSON = {"Content-Type": "application/json"}


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


def test_probabilities_are_those_of_the_checkpoints_arrays(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    import tensorflow as tf

    run = make_run((10,), hidden=[8, 6], activation="tanh", averages=[{"decay": 0.99}, {"decay": 0.999}])
    found = client.post("/predict", content=picture("png")).json()
    reader = tf.train.load_checkpoint(str(settings.run_folder(run.id) / "model.ckpt-10"))
    readings = [("", found["raw"])] + [(f"/{a['average']}", a) for a in found["averages"]]
    assert len(readings) == 3
    for suffix, reading in readings:
        values = tf.reshape(tf.constant(found["image"], tf.float32), (1, 784))
        for i in (1, 2, 3):
            values = values @ reader.get_tensor(f"layer{i}/weights{suffix}")
            values = values + reader.get_tensor(f"layer{i}/biases{suffix}")
            values = tf.tanh(values) if i < 3 else tf.nn.softmax(values)
        assert reading["probabilities"] == pytest.approx(values.numpy()[0].tolist(), rel=2e-6)


def test_a_body_of_numbers_is_read_as_it_is(client: httpx2.Client, make_run: Make) -> None:
    make_run((0,))
    found = client.post("/predict", json={"image": SEVEN.tolist()}).json()
    assert found["image"] == SEVEN.tolist()
    spaced = json.dumps({"image": SEVEN.tolist()}, indent=200)  # too long to be parsed at once
    assert client.post("/predict", content=spaced, headers=JSON).json() == found


def test_answers_are_what_the_document_says(client: httpx2.Client, make_run: Make) -> None:
    make_run((0,))
    one = client.post("/predict", json={"image": SEVEN.tolist()})
    many = client.post("/predict/batch", json={"images": [SEVEN.tolist()]})
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for answer, model in ((one, PredictionView), (many, BatchView)):
        body = answer.json()
        assert answer.headers["content-type"] == "application/json"
        assert model.model_validate(body).model_dump() == body
        assert list(body) == list(schemas[model.__name__]["properties"])


def test_a_run_without_averages_has_only_the_raw_reading(client: httpx2.Client, make_run: Make) -> None:
    make_run((0,), averages=[])
    found = client.post("/predict", content=picture("png")).json()
    assert found["ema"] is None
    assert found["averages"] == []


def evaluated(store: Store, run: Run, correct: dict[int, tuple[int, int]]) -> None:
    """Stores validation results: step → images that the raw and the averaged weights read right."""
    for step, (raw, averaged) in correct.items():
        for average, count in (("", raw), ("ExponentialMovingAverage", averaged)):
            score = Score(step, average, "validation", 10, count, 1.0, 0.1)
            store.add_evaluation(run.id, score, bytes(10), bytes(40))


def test_which_checkpoint_is_read(client: httpx2.Client, make_run: Make, store: Store) -> None:
    old, new = make_run((0, 10, 20)), make_run((0, 10), state="stopped")
    evaluated(store, old, {0: (9, 1), 10: (5, 7), 20: (6, 7)})
    evaluated(store, new, {0: (9, 9), 10: (5, 7)})
    best = (
        "there its averaged weights read the most validation images right, "
        "of the checkpoints that can be read."
    )
    cases = {
        "": (old, 10, f"Step 10 of the newest finished run {old.id}: {best}"),
        f"run={old.id}": (old, 10, f"Step 10 of the run {old.id}: {best}"),
        f"run={new.id}": (new, 10, f"Step 10 of the run {new.id}, its latest checkpoint."),
        "step=latest": (new, 10, f"Step 10 of the newest run {new.id}, its latest checkpoint."),
        "step=best": (new, 0, f"Step 0 of the newest run {new.id}: {best}"),
        f"run={old.id}&step=20": (old, 20, f"Step 20 of the run {old.id}, as asked for."),
        f"run={old.id}&step=latest": (old, 20, f"Step 20 of the run {old.id}, its latest checkpoint."),
    }
    for query, (run, step, chosen) in cases.items():
        for path, body in (
            ("predict", {"image": SEVEN.tolist()}),
            ("predict/batch", {"images": [SEVEN.tolist()]}),
        ):
            found = client.post(f"/{path}?{query}", json=body).json()
            assert (found["run"], found["step"], found["chosen"]) == (run.id, step, chosen)
            assert (found["checkpoint"], found["note"]) == (f"model.ckpt-{step}", None)
    answer = client.post(f"/predict?run={new.id}&step=20", json={"image": SEVEN.tolist()})
    assert answer.status_code == 404


def test_what_is_evaluated_now_counts_at_once(client: httpx2.Client, make_run: Make) -> None:
    run = make_run((0, 10, 20))
    address = f"/predict?run={run.id}&step=best"
    assert client.post(address, content=picture("png")).status_code == 404
    client.get("/evaluate?ema=true&step=10")
    assert client.post(address, content=picture("png")).json()["step"] == 10


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


def test_a_batch_is_its_pictures_one_by_one(client: httpx2.Client, make_run: Make) -> None:
    make_run((0,), averages=[{"decay": 0.99}, {"decay": 0.999}])
    generator = np.random.default_rng(0)
    images: list[Any] = [generator.random((28, 28)).round(3).tolist() for _ in range(254)]
    images += [base64.b64encode(picture(kind)).decode() for kind in ("png", "jpeg")]
    found = client.post("/predict/batch", json={"images": images}).json()
    assert len(found["readings"]) == 256
    for place in (0, 1, 100, 253, 254, 255):
        image = images[place]
        body = {"json": {"image": image}} if place < 254 else {"content": base64.b64decode(image)}
        single = client.post("/predict", **body).json()
        reading = found["readings"][place]
        assert list(reading) == ["raw", "ema", "averages"]
        for one, other in zip(
            (reading["raw"], reading["ema"], *reading["averages"]),
            (single["raw"], single["ema"], *single["averages"]),
            strict=True,
        ):
            assert one["digit"] == other["digit"]
            assert one["probabilities"] == pytest.approx(other["probabilities"], rel=2e-6)


GOOD = SEVEN.tolist()
PNG = base64.b64encode(picture("png")).decode()
EMPTY = np.zeros((28, 28)).tolist()


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"images": [GOOD, EMPTY]}, "images.1: The image is empty; expected a digit drawn on it."),
        (
            {"images": [GOOD, GOOD, [[2] * 28] * 28]},
            "images.2: The image holds 2 in row 0, column 0; expected",
        ),
        (
            {"images": [PNG, PNG[:99]]},
            "images.1: The text is no Base64; expected that of a PNG, JPEG or WebP",
        ),
        ({"images": ["eA=="]}, "images.0: The picture cannot be recognised; expected a PNG"),
        ({"images": [GOOD, None]}, "images.1: The image has the shape a single value"),
        ({"images": [GOOD, ["x" * 1000] * 28]}, "images.1: The image holds something that is not a number"),
        ({"images": []}, "images is 0 of them; expected a list of 1 to 256."),
        ({"images": [0] * 257}, "images is 257 of them; expected"),
        ({"images": {"0": GOOD}}, "images is no list; expected"),
        ({"image": GOOD}, "The body holds no images; expected"),
        ([GOOD], "The body holds no images; expected"),
    ],
)
def test_a_bad_batch_names_the_place(sample: Sample, body: Any, detail: str) -> None:
    client, run, _ = sample
    answer = client.post(f"/predict/batch?run={run.id}", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(detail)


def bomb(side: int) -> bytes:
    """A small file of many black pixels with a white corner."""
    image = Image.new("1", (side, side))
    image.putpixel((0, 0), 1)
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


def test_picture_bombs_are_refused_before_they_are_decoded(sample: Sample) -> None:
    client, run, _ = sample
    answer = client.post(f"/predict?run={run.id}", content=bomb(7_000))
    assert answer.status_code == 422
    assert "expected at most 40,000,000" in answer.json()["detail"]
    # Each alone would do, all of them together would not.
    images = [base64.b64encode(bomb(4_000)).decode()] * 3
    answer = client.post(f"/predict/batch?run={run.id}", json={"images": images})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("images.2: The files up to here have 48,000,000 pixels")


def test_long_text_among_the_numbers_takes_no_memory(sample: Sample) -> None:
    client, run, _ = sample
    image: list[list[Any]] = [[""] * 28 for _ in range(28)]
    image[27][27] = "x" * 7_000_000  # as an array of text: 22 GB
    answer = client.post(f"/predict?run={run.id}", json={"image": image})
    assert answer.status_code == 422
    assert "something that is not a number" in answer.json()["detail"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=12,
)
rows = st.lists(st.lists(st.floats(0, 1, width=16), min_size=28, max_size=28), min_size=28, max_size=28)
bodies = (
    st.binary(max_size=50)
    | json_values.map(lambda value: json.dumps(value).encode())
    | json_values.map(lambda value: json.dumps({"image": value, "images": [value]}).encode())
    | rows.map(lambda value: json.dumps({"image": value, "images": [value]}).encode())
    | rows.map(lambda value: json.dumps({"image": value, "images": [value]}, indent=1).encode()[:-9])
)


@thoroughness(deadline=None, max_examples=150)
@given(body=bodies, path=st.sampled_from(["/predict", "/predict/batch", "/runs/{}/readings"]))
def test_any_body_is_answered_or_refused_with_a_sentence(sample: Sample, body: bytes, path: str) -> None:
    client, run, _ = sample
    answer = client.post(f"{path.format(run.id)}?run={run.id}", content=body, headers=JSON)
    assert answer.status_code in {200, 422}
    if answer.status_code == 422:
        assert answer.json()["detail"].endswith((".", "…"))
