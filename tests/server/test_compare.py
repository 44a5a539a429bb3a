"""GET /compare against NumPy, statsmodels and the other routes, on a run that was really trained."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from shadowboard.configuration import parse_config
from shadowboard.dataset import Dataset, Split, as_float
from shadowboard.records import Run, Score
from shadowboard.settings import Settings
from shadowboard.store import Store

FIRST, SECOND = "ExponentialMovingAverage", "EMA_0.999"

pytestmark = pytest.mark.usefixtures("no_backlog")

Make = Callable[..., Run]


class Trained(NamedTuple):
    client: httpx2.Client
    run: Run
    folder: Path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """A server, and a run of 60 steps with two averages that a worker has trained on MNIST."""
    from tests.server.conftest import running
    from worker.loop import run_once

    settings = Settings(home=tmp_path_factory.mktemp("home"), host="127.0.0.1", port=0)
    averages = [{"decay": 0.9, "num_updates": False}, {"decay": 0.999}]
    knobs = {"steps": 60, "hidden": [16], "save_every": 20, "averages": averages, "learning_rate": 0.5}
    with pytest.MonkeyPatch.context() as patch, closing(Store(settings.store_url)) as store:
        patch.setattr("server.backlog.Backlog.refresh", lambda self: None)
        run = store.create_run(parse_config(knobs), worker="worker")
        folder = settings.run_folder(run.id)
        run_once(store, run, "worker", folder, threading.Event(), "stopped")
        with running(settings) as client:
            yield Trained(client, run, folder)


def independent(folder: Path, step: int, suffix: str, split: Split) -> NDArray[np.float64]:
    """The ten probabilities of each image by NumPy, with the arrays that TensorFlow's own reader finds."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(folder / f"model.ckpt-{step}"))
    w1, b1, w2, b2 = (
        reader.get_tensor(name + suffix).astype(np.float64)
        for name in ("layer1/weights", "layer1/biases", "layer2/weights", "layer2/biases")
    )
    values = np.maximum(as_float(split.images) @ w1 + b1, 0) @ w2 + b2
    powers = np.exp(values - values.max(1, keepdims=True))
    odds: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return odds


def confusion(labels: NDArray[np.uint8], odds: NDArray[np.float64]) -> NDArray[np.int64]:
    found = np.zeros((10, 10), np.int64)
    np.add.at(found, (labels, odds.argmax(1)), 1)
    return found


def check_side(found: dict[str, Any], odds: NDArray[np.float64], labels: NDArray[np.uint8]) -> None:
    right = odds.argmax(1) == labels
    assert found["correct"] == right.sum()
    assert found["accuracy"] == right.sum() / len(labels)
    assert found["accuracy_interval"] == pytest.approx(
        proportion_confint(right.sum(), len(labels), method="wilson")
    )
    assert found["loss"] == pytest.approx(-np.log(odds[np.arange(len(labels)), labels]).mean(), rel=1e-5)
    assert found["mean_confidence"] == pytest.approx(odds.max(1).mean(), rel=1e-6)
    assert 0 < found["calibration_error"] < 1


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize(("average", "decay"), [("", 0.9), (FIRST, 0.9), (SECOND, 0.999)])
def test_numbers_are_numpys_to_the_image(
    trained: Trained, mnist: Dataset, average: str, decay: float, split: str
) -> None:
    asked = {"run": trained.run.id, "step": 20, "split": split, "average": average}
    found = trained.client.get("/compare", params=asked).json()
    name, images = average or FIRST, getattr(mnist, split)
    labels = images.labels
    raw = independent(trained.folder, 20, "", images)
    averaged = independent(trained.folder, 20, f"/{name}", images)
    raw_right, averaged_right = raw.argmax(1) == labels, averaged.argmax(1) == labels

    assert (found["run"], found["step"], found["split"]) == (trained.run.id, 20, split)
    assert (found["average"], found["decay"]) == (name, decay)
    assert (found["checkpoint"], found["note"], found["n"]) == ("model.ckpt-20", None, len(images))
    check_side(found["raw"], raw, labels)
    check_side(found["ema"], averaged, labels)
    both = int((raw_right & averaged_right).sum())
    only_raw, only_averaged = (
        int((raw_right & ~averaged_right).sum()),
        int((~raw_right & averaged_right).sum()),
    )
    neither = int((~raw_right & ~averaged_right).sum())
    assert found["paired"] == {
        "both_right": both,
        "only_raw": only_raw,
        "only_ema": only_averaged,
        "both_wrong": neither,
    }
    difference = found["difference"]
    assert difference["images"] == found["ema"]["correct"] - found["raw"]["correct"] != 0
    assert difference["accuracy"] == difference["images"] / len(images)
    assert difference["interval"][0] < difference["accuracy"] < difference["interval"][1]
    expected = mcnemar([[both, only_raw], [only_averaged, neither]], exact=True).pvalue
    assert difference["p_value"] == pytest.approx(expected, rel=1e-9)
    ahead = "ema" if difference["images"] > 0 else "raw"
    assert found["better"] == (ahead if expected < 0.05 else None)
    more = f"{abs(difference['images']):,} {'more' if difference['images'] > 0 else 'fewer'}"
    assert more in found["verdict"]
    assert f" of {len(images):,} {split} images " in found["verdict"]

    both_confusions = confusion(labels, raw), confusion(labels, averaged)
    assert found["confusion"] == {"raw": both_confusions[0].tolist(), "ema": both_confusions[1].tolist()}
    for digit, row in enumerate(found["per_digit"]):
        counts = (int((labels == digit).sum()), *(int(c[digit, digit]) for c in both_confusions))
        assert (row["digit"], row["n"], row["raw_correct"], row["ema_correct"]) == (digit, *counts)
        assert row["raw_accuracy"] == counts[1] / counts[0]
        assert row["ema_accuracy"] == counts[2] / counts[0]
        assert row["difference"] == pytest.approx(row["ema_accuracy"] - row["raw_accuracy"])

    differ = np.flatnonzero(raw.argmax(1) != averaged.argmax(1))
    assert [d["index"] for d in found["disagreements"]] == differ.tolist()
    for one in found["disagreements"]:
        i = one["index"]
        assert one["label"] == labels[i]
        for side, odds in (("raw", raw), ("ema", averaged)):
            assert one[side]["digit"] == odds[i].argmax()
            assert one[side]["confidence"] == pytest.approx(odds[i].max(), rel=1e-4)
    kinds = [one["kind"] for one in found["disagreements"]]
    assert (kinds.count("fixed"), kinds.count("broke")) == (only_averaged, only_raw)


def test_both_sides_are_those_of_evaluate(trained: Trained) -> None:
    found = trained.client.get("/compare?step=40&split=test").json()
    for side, ema in (("raw", False), ("ema", True)):
        alone = trained.client.get(f"/evaluate?step=40&split=test&ema={ema}").json()
        assert alone["cached"]
        assert found[side] == {name: alone[name] for name in found[side]}
        assert found["confusion"][side] == alone["confusion"]


def test_the_first_step_has_nothing_to_tell_apart(trained: Trained) -> None:
    found = trained.client.get("/compare?step=0").json()
    assert found["disagreements"] == []
    assert (found["better"], found["difference"]["images"], found["difference"]["p_value"]) == (None, 0, 1)
    assert "read all of 5,000 validation images alike" in found["verdict"]


def test_defaults_and_the_second_answer(trained: Trained) -> None:
    first = trained.client.get("/compare").json()
    assert (first["run"], first["step"], first["split"]) == (trained.run.id, 60, "validation")
    second = trained.client.get("/compare?run=&step=&average=").json()
    assert (first.pop("cached"), second.pop("cached")) == (False, True)
    assert first == second


def test_best_is_that_of_the_average(trained: Trained) -> None:
    steps = (0, 20, 40, 60)
    for average in (FIRST, SECOND):
        answers = {s: trained.client.get(f"/compare?step={s}&average={average}").json() for s in steps}
        best = trained.client.get(f"/compare?step=best&average={average}&split=test").json()
        assert best["step"] == max(steps, key=lambda step: answers[step]["ema"]["correct"])
        assert best["split"] == "test"


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ("step=30", 404, "There is no checkpoint of step 30"),
        ("run=zzz", 404, "There is no run 'zzz'"),
        ("average=X", 422, "holds no average called X; it holds: "),
        ("average=Momentum", 422, "holds no average called Momentum; it holds: "),
        ("split=train", 422, "split is 'train'; expected 'validation' or 'test'."),
        ("step=x", 422, "step is 'x'; expected latest, best or the number of a step."),
    ],
)
def test_refusals(trained: Trained, query: str, status: int, detail: str) -> None:
    answer = trained.client.get(f"/compare?{query}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"]


def test_a_run_that_keeps_no_average(client: httpx2.Client, make_run: Make) -> None:
    run = make_run((0,), averages=[])
    answer = client.get("/compare")
    assert answer.status_code == 422
    assert answer.json()["detail"] == f"The run {run.id} keeps no average; ask for its raw weights."


def test_a_run_on_other_data(client: httpx2.Client, make_run: Make, small_data: Path) -> None:
    make_run((0,), data=str(small_data), batch_size=10)
    found = client.get("/compare?split=test").json()
    assert found["n"] == sum(row["n"] for row in found["per_digit"]) == 200
    assert " of 200 test images " in found["verdict"]


def test_a_run_whose_data_are_gone(client: httpx2.Client, make_run: Make, tmp_path: Path) -> None:
    make_run((0,), data=str(tmp_path / "gone"))
    answer = client.get("/compare")
    assert answer.status_code == 409
    assert "does not exist" in answer.json()["detail"]


def test_latest_passes_over_damage_with_both_sides(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    run = make_run((0, 10, 20))
    stored = client.get("/evaluate?step=20").json()  # the raw side of the one that gets damaged
    data = settings.run_folder(run.id) / "model.ckpt-20.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100])
    found = client.get("/compare").json()
    assert (found["step"], found["checkpoint"]) == (10, "model.ckpt-10")
    assert found["note"] == "model.ckpt-20 is damaged, so model.ckpt-10 was read."
    assert found["raw"]["loss"] != stored["loss"]
    for side, ema in (("raw", False), ("ema", True)):
        alone = client.get(f"/evaluate?step=10&ema={ema}").json()
        assert found[side] == {name: alone[name] for name in found[side]}
    assert client.get("/compare?step=20").status_code == 409


def test_both_sides_are_of_one_checkpoint_though_a_newer_one_comes(
    client: httpx2.Client,
    make_run: Make,
    store: Store,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from server import evaluating
    from shadowboard import checkpoints
    from tests.server.conftest import tensors

    run = make_run((10,), state="training")
    evaluate, made = evaluating.evaluate, []

    def save_first(*arguments: Any) -> Any:
        if not made:
            checkpoints.save(settings.run_folder(run.id), 20, tensors(run.config, 20))
            store.add_checkpoint(run.id, "worker", 20, 1)
        made.append(evaluate(*arguments))
        return made[-1]

    monkeypatch.setattr(evaluating, "evaluate", save_first)
    found = client.get("/compare").json()
    assert len(made) == 2
    assert found["step"] == 10
    assert {(score.step, score.average) for score in store.scores(run.id)} == {(10, ""), (10, FIRST)}
    assert client.get("/compare").json()["step"] == 20


def test_a_side_that_is_stored_is_not_made_again(client: httpx2.Client, make_run: Make, store: Store) -> None:
    run = make_run((10,))
    everything_read_as_3 = np.full(5000, 3, np.uint8).tobytes()
    half_sure = np.full(5000, 0.5, "<f4").tobytes()
    store.add_evaluation(
        run.id, Score(10, "", "validation", 5000, 1, None, 0.1), everything_read_as_3, half_sure
    )
    found = client.get("/compare").json()
    assert np.array(found["confusion"]["raw"]).sum(0).tolist() == [0, 0, 0, 5000, 0, 0, 0, 0, 0, 0]
    assert found["raw"]["loss"] is None
    assert found["raw"]["mean_confidence"] == 0.5
    assert found["cached"] is False
    assert {d["raw"]["digit"] for d in found["disagreements"]} == {3}


def test_an_answer_is_as_described(client: httpx2.Client, make_run: Make) -> None:
    from server.schemas.comparisons import ComparisonView

    make_run((10,))
    answer = client.get("/compare")
    assert answer.headers["content-type"] == "application/json"
    assert ComparisonView.model_validate_json(answer.content, strict=True)
    schema = client.get("/openapi.json").json()["paths"]["/compare"]["get"]["responses"]["200"]
    assert schema["content"]["application/json"]["schema"]["$ref"].endswith("/ComparisonView")
