import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from shadowboard import checkpoints, network
from shadowboard.dataset import Dataset, Split, as_float
from shadowboard.records import Run, Score
from shadowboard.settings import Settings
from shadowboard.store import Store

AVERAGE = "ExponentialMovingAverage"
pytestmark = pytest.mark.usefixtures("no_backlog")

Make = Callable[..., Run]


def truncate(folder: Path, step: int) -> None:
    """Cut the checkpoint's data in half."""
    data = folder / f"model.ckpt-{step}.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])


def independent(folder: Path, step: int, suffix: str, split: Split) -> tuple[Any, float]:
    """What NumPy reads with the arrays that TensorFlow's own reader finds: predictions and mean loss."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(folder / f"model.ckpt-{step}"))
    w1, b1, w2, b2 = (
        reader.get_tensor(name + suffix).astype(np.float64)
        for name in ("layer1/weights", "layer1/biases", "layer2/weights", "layer2/biases")
    )
    values = np.maximum(as_float(split.images) @ w1 + b1, 0) @ w2 + b2
    logs = values - np.log(np.exp(values).sum(1, keepdims=True))
    return values.argmax(1), float(-logs[np.arange(len(split)), split.labels].mean())


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("average", ["", AVERAGE, "EMA_0.999"])
def test_accuracy_is_numpys_to_the_image(
    client: httpx2.Client, make_run: Make, settings: Settings, mnist: Dataset, average: str, split: str
) -> None:
    run = make_run((0, 10), averages=[{"decay": 0.99}, {"decay": 0.999}])
    asked = {"run": run.id, "step": 10, "ema": bool(average), "average": average, "split": split}
    found = client.get("/evaluate", params=asked).json()
    images = mnist.split(split)
    suffix = f"/{average}" if average else ""
    predicted, loss = independent(settings.run_folder(run.id), 10, suffix, images)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (images.labels, predicted), 1)
    assert found["confusion"] == confusion.tolist()
    assert found["correct"] == confusion.trace()
    assert found["n"] == len(images)
    assert found["accuracy"] == confusion.trace() / len(images)
    low, high = found["accuracy_interval"]
    assert low < found["accuracy"] < high
    assert found["loss"] == pytest.approx(loss, rel=1e-5)
    assert [d["digit"] for d in found["per_digit"]] == list(range(10))
    assert [d["n"] for d in found["per_digit"]] == confusion.sum(1).tolist()
    assert [d["correct"] for d in found["per_digit"]] == confusion.diagonal().tolist()
    assert [d["accuracy"] for d in found["per_digit"]] == (confusion.diagonal() / confusion.sum(1)).tolist()
    assert found["weights"] == ("ema" if average else "raw")
    assert found["average"] == (average or None)
    assert found["decay"] == {"": None, AVERAGE: 0.99, "EMA_0.999": 0.999}[average]
    assert found["run"] == run.id
    assert found["step"] == 10
    assert found["split"] == split
    assert found["checkpoint"] == "model.ckpt-10"
    assert found["note"] is None


def test_the_second_answer_comes_out_of_the_store(client: httpx2.Client, make_run: Make) -> None:
    make_run((0, 10))
    first = client.get("/evaluate?ema=true").json()
    second = client.get("/evaluate?ema=true").json()
    assert (first.pop("cached"), second.pop("cached")) == (False, True)
    assert first == second


def checkpoints_that_go(monkeypatch: pytest.MonkeyPatch, go: Callable[[Any], None]) -> None:
    """Lets `go(checkpoint)` happen to a checkpoint that has been chosen, before it is read."""
    from server import restoring

    restore = restoring.restore

    def late(checkpoint: Any, average: str | None) -> Any:
        go(checkpoint)
        return restore(checkpoint, average)

    monkeypatch.setattr(restoring, "restore", late)


def test_a_run_that_is_deleted_while_it_is_evaluated_is_not_found(
    client: httpx2.Client, make_run: Make, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    run = make_run((0,))
    checkpoints_that_go(monkeypatch, lambda _: store.delete_run(run.id))
    answer = client.get("/evaluate")
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"The run {run.id} was deleted while it was evaluated."


def test_an_error_is_handed_to_all_who_wait_and_the_thread_lives_on(
    client: httpx2.Client, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run((0,))

    def fail(*arguments: Any) -> Any:
        raise MemoryError("no more")

    with monkeypatch.context() as patch:
        patch.setattr("server.evaluating.evaluate", fail)
        answer = client.get("/evaluate")
        assert answer.status_code == 500
        assert answer.json()["detail"].startswith("Unexpected MemoryError; the server's log has more")
    assert client.get("/evaluate").status_code == 200


def test_what_is_stored_outlives_its_checkpoint(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    run = make_run((10,))
    before = client.get("/evaluate?step=10").json()
    truncate(settings.run_folder(run.id), 10)
    assert client.get("/evaluate").json() == before | {"cached": True}
    shutil.rmtree(settings.run_folder(run.id))
    assert client.get("/evaluate?step=10").json() == before | {"cached": True}
    assert client.get("/evaluate").status_code == 404
    assert client.get("/evaluate?step=10&split=test").status_code == 404


def test_a_run_that_keeps_no_average_says_so(client: httpx2.Client, make_run: Make) -> None:
    run = make_run((0,), averages=[])
    assert client.get("/evaluate").status_code == 200
    answer = client.get("/evaluate?ema=true")
    assert answer.status_code == 422
    assert answer.json()["detail"] == f"The run {run.id} keeps no average; ask for its raw weights."


def test_a_run_is_evaluated_on_its_own_data(client: httpx2.Client, make_run: Make, small_data: Path) -> None:
    make_run((0,), data=str(small_data), batch_size=10)
    assert client.get("/evaluate").json()["n"] == 100
    assert client.get("/evaluate?split=test").json()["n"] == 200


def test_a_run_whose_data_are_gone_says_so(client: httpx2.Client, make_run: Make, tmp_path: Path) -> None:
    run = make_run((0,), data=str(tmp_path / "gone"))
    answer = client.get("/evaluate")
    assert answer.status_code == 409
    assert "gone does not exist" in answer.json()["detail"]
    assert client.get(f"/runs/{run.id}/history").status_code == 200


def test_results_of_other_images_are_not_shown(
    client: httpx2.Client, make_run: Make, store: Store, small_data: Path
) -> None:
    run = make_run((0,), data=str(small_data), batch_size=10)
    store.add_evaluation(run.id, Score(0, "", "validation", 3, 1, 1.0, 0.1), b"abc", b"abcd" * 3)
    found = client.get("/evaluate").json()
    assert (found["n"], found["cached"]) == (100, False)


@pytest.mark.parametrize("path", ["/evaluate?ema=true", "/evaluate/images?ema=true", "/compare?"])
def test_what_a_checkpoint_holds_besides_its_averages_is_no_average(
    client: httpx2.Client, make_run: Make, settings: Settings, store: Store, path: str
) -> None:
    run = make_run((0,), optimizer="momentum")
    values = checkpoints.read(checkpoints.find(settings.run_folder(run.id), 0))
    raw = {name: value for name, value in values.items() if name in network.init([8], seed=0)}
    more = {f"{name}/{other}": value for name, value in raw.items() for other in ("Momentum", "EMA_0.5")}
    checkpoints.save(settings.run_folder(run.id), 0, values | more)
    for other in ("Momentum", "EMA_0.5"):
        answer = client.get(f"{path}&run={run.id}&average={other}")
        assert answer.status_code == 422
        assert answer.json()["detail"] == (
            f"The run {run.id} holds no average called {other}; it holds: {AVERAGE}."
        )
    assert store.scores(run.id) == []


def test_errors_do_not_tell_where_the_files_are(
    client: httpx2.Client, make_run: Make, settings: Settings
) -> None:
    run = make_run((10,))
    truncate(settings.run_folder(run.id), 10)
    answer = client.get("/evaluate?step=10")
    assert answer.status_code == 409
    assert str(settings.home) not in answer.text
