"""GET /evaluate/images against the confusion that it explains, and against NumPy."""

from collections.abc import Callable
from typing import Any

import httpx2
import numpy as np
import pytest

from shadowboard.dataset import Dataset
from shadowboard.records import Run

Sample = tuple[httpx2.Client, Run, Run]
AVERAGE = "ExponentialMovingAverage"


def get(sample: Sample, **asked: Any) -> Any:
    client, run, _ = sample
    answer = client.get("/evaluate/images", params={"run": run.id, "limit": 1000} | asked)
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("ema", [False, True])
def test_each_cell_of_the_confusion_is_listed(sample: Sample, mnist: Dataset, ema: bool) -> None:
    client, run, _ = sample
    confusion = client.get("/evaluate", params={"run": run.id, "ema": ema}).json()["confusion"]
    labels = mnist.validation.labels
    seen: list[int] = []
    for label in range(10):
        for digit in range(10):
            found = get(sample, ema=ema, label=label, digit=digit)
            assert found["total"] == confusion[label][digit] == len(found["images"])
            indices = [image["index"] for image in found["images"]]
            assert indices == sorted(indices)
            assert {int(labels[i]) for i in indices} <= {label}
            assert {(image["label"], image["digit"]) for image in found["images"]} <= {(label, digit)}
            seen += indices
    assert sorted(seen) == list(range(len(labels)))


def test_rows_columns_and_all(sample: Sample) -> None:
    client, run, _ = sample
    confusion = np.array(client.get("/evaluate", params={"run": run.id}).json()["confusion"])
    assert get(sample, label=4)["total"] == confusion[4].sum()
    assert get(sample, digit=4)["total"] == confusion[:, 4].sum()
    everything = get(sample, label="", digit="", limit=3)
    assert everything["total"] == 5000
    assert [image["index"] for image in everything["images"]] == [0, 1, 2]


def test_readings_are_those_of_numpy_in_tensorflows_arrays(
    client: httpx2.Client, make_run: Callable[..., Run], settings: Any, mnist: Dataset
) -> None:
    import tensorflow as tf

    run = make_run((10,))
    asked = {"run": run.id, "step": "10", "ema": True, "split": "test", "label": 5}
    found = client.get("/evaluate/images", params=asked).json()
    reader = tf.train.load_checkpoint(str(settings.run_folder(run.id) / "model.ckpt-10"))
    w1, b1, w2, b2 = (
        reader.get_tensor(f"{name}/{AVERAGE}").astype(np.float64)
        for name in ("layer1/weights", "layer1/biases", "layer2/weights", "layer2/biases")
    )
    values = np.maximum(mnist.test.images / 255 @ w1 + b1, 0) @ w2 + b2
    odds = np.exp(values) / np.exp(values).sum(1, keepdims=True)
    fives = np.flatnonzero(mnist.test.labels == 5)
    assert (found["run"], found["step"], found["split"]) == (run.id, 10, "test")
    assert (found["weights"], found["average"], found["total"]) == ("ema", AVERAGE, len(fives))
    assert [image["index"] for image in found["images"]] == fives[:200].tolist()
    for image in found["images"]:
        assert image["digit"] == odds[image["index"]].argmax()
        assert image["confidence"] == pytest.approx(odds[image["index"]].max(), rel=1e-5)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("label=10", "label is '10'; expected at most 9."),
        ("digit=-1", "digit is '-1'; expected at least 0."),
        ("digit=x", "digit is 'x'; expected a whole number."),
        ("limit=0", "limit is '0'; expected at least 1."),
        ("average=X", "average is 'X', but raw weights were asked for; add ema=true."),
    ],
)
def test_refusals(sample: Sample, query: str, detail: str) -> None:
    answer = sample[0].get(f"/evaluate/images?run={sample[1].id}&{query}")
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
