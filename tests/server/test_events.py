import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from shadowboard.configuration import RunConfig
from shadowboard.records import Metric, Run, Score
from shadowboard.store import Store

Make = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("no_backlog")


def steps(reader: Any) -> list[int]:
    return [step for points in reader.named("training") for step in points["step"]]


def test_what_happens_is_sent(client: httpx2.Client, make_run: Make, store: Store, read_events: Any) -> None:
    run = make_run((0, 10), state="training")
    with read_events(client, run) as reader:
        reader.wait(lambda events: len(events) == 1)
        name, data, id_ = reader.events[0]
        assert (name, id_) == ("run", "m1-c2-e0")
        assert data == client.get(f"/runs/{run.id}").json()
        store.add_progress(run.id, "worker", 20, 9.0, [Metric(15, 0.5), Metric(20, 0.4)])
        store.add_checkpoint(run.id, "worker", 20, 77)
        store.add_evaluation(run.id, Score(20, "", "test", 4, 1, 2.5, 0.1), b"abcd", b"abcd" * 4)
        reader.wait(lambda events: any(name == "evaluation" for name, *_ in events))
        (points,) = reader.named("training")
        assert (points["step"], points["loss"]) == ([15, 20], [0.5, 0.4])
        assert points["learning_rate"] == pytest.approx([0.8 * 0.99 ** (s / 550) for s in (14, 19)])
        assert points["decay"] == {"ExponentialMovingAverage": pytest.approx([16 / 25, 21 / 30])}
        (checkpoint,) = reader.named("checkpoint")
        assert (checkpoint["step"], checkpoint["bytes"]) == (20, 77)
        assert reader.named("evaluation") == [
            {"step": 20, "weights": "raw", "average": None, "split": "test", "n": 4, "correct": 1,
             "accuracy": 0.25, "loss": 2.5}
        ]  # fmt: skip
        assert reader.named("run")[-1]["step"] == 20
        assert reader.events[-1][2] == "m3-c3-e1"
        store.release(run.id, "worker", "finished", "Done.")
        reader.wait(lambda events: reader.named("run")[-1]["message"] == "Done.")


def test_history_and_events_fit_together_over_breaks_and_restarts(
    make_run: Make, store: Store, serving: Any, read_events: Any
) -> None:
    run, other = make_run((), state="training"), make_run((), state="training")
    written = 0

    def train(count: int) -> None:
        nonlocal written
        for _ in range(count):
            written += 1
            store.add_progress(run.id, "worker", written, 1.0, [Metric(written, 1.0)])
            store.add_progress(other.id, "worker", written, 1.0, [Metric(written, 2.0)])
            store.add_evaluation(run.id, Score(1000 - written, "", "test", 4, 1, 1.0, 0.1), b"a", b"abcd")

    train(3)
    with serving() as client:
        history = client.get(f"/runs/{run.id}/history").json()
        seen = history["training"]["step"]
        evaluated = [evaluation["step"] for evaluation in history["evaluations"]]
        train(2)
        cursor = history["cursor"]
        for _ in range(3):  # each time a connection that breaks somewhere
            with read_events(client, run, after=cursor) as reader:
                train(2)
                reader.wait(lambda events: bool(reader.named("training")))
                read = len(reader.events)
            got = reader.events[: max(1, read - 1)]
            for name, data, id_ in got:
                seen += data["step"] if name == "training" else []
                evaluated += [data["step"]] if name == "evaluation" else []
                cursor = id_
    train(2)
    with serving() as client, read_events(client, run, after="m0-c0-e0", header=cursor) as reader:
        reader.wait(lambda events: len(seen) + len(steps(reader)) >= written)
        reader.wait(lambda events: len(evaluated) + len(reader.named("evaluation")) >= written)
        time.sleep(0.5)
        seen += steps(reader)
        evaluated += [evaluation["step"] for evaluation in reader.named("evaluation")]
    assert seen == list(range(1, written + 1))
    assert sorted(evaluated) == [1000 - step for step in range(written, 0, -1)]


def test_many_points_come_in_batches(
    client: httpx2.Client, make_run: Make, store: Store, read_events: Any
) -> None:
    run = make_run()
    store_metrics = [Metric(step, 1.0) for step in range(1, 1201)]
    training = make_run((), state="training")
    store.add_progress(training.id, "worker", 1200, 1.0, store_metrics)
    with read_events(client, training, after="m0-c0-e0") as reader:
        reader.wait(lambda events: len(steps(reader)) == 1200)
    assert [len(points["step"]) for points in reader.named("training")] == [500, 500, 200]
    assert run.id


def test_steps_that_are_done_again_replace_what_was_told_of_them(
    client: httpx2.Client, make_run: Make, store: Store, read_events: Any
) -> None:
    run = make_run((), state="training")
    with read_events(client, run, after="m0-c0-e0") as reader:
        store.add_progress(run.id, "worker", 30, 1.0, [Metric(step, 1.0) for step in (10, 20, 30)])
        reader.wait(lambda events: len(steps(reader)) == 3)
        store.begin_at(run.id, "worker", 10)
        store.add_progress(run.id, "worker", 20, 1.0, [Metric(20, 0.5)])
        reader.wait(lambda events: len(steps(reader)) == 4)
        assert reader.named("run")[-1]["step"] == 20
    assert steps(reader) == [10, 20, 30, 20]
    assert client.get(f"/runs/{run.id}/history").json()["training"]["step"] == [10, 20]


def test_only_what_changes_is_sent(client: httpx2.Client, make_run: Make, read_events: Any) -> None:
    with read_events(client, make_run((0,))) as reader:
        reader.wait(lambda events: len(events) == 1)
        time.sleep(1)
        assert len(reader.events) == 1


def test_a_deleted_run_is_gone(client: httpx2.Client, make_run: Make, store: Store, read_events: Any) -> None:
    run = make_run((0,))
    with read_events(client, run) as reader:
        reader.wait(lambda events: len(events) == 1)
        store.delete_run(run.id)
        reader.wait(lambda events: events[-1][0] == "gone")
        reader.join()
        assert reader.ended
    assert client.get(f"/runs/{run.id}/events").status_code == 404


def test_a_quiet_stream_is_kept_alive(
    client: httpx2.Client, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.1)
    run = make_run((0,))
    with client.stream("GET", f"/runs/{run.id}/events") as response:
        assert next(line for line in response.iter_lines() if line.startswith(":"))


def test_the_store_is_polled_once_for_all(
    client: httpx2.Client, make_run: Make, store: Store, read_events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run((), state="training")
    asked: list[float] = []
    cursor, metrics = Store.cursor, Store.metrics
    read: list[int] = []

    def counted(self: Store) -> Any:
        # Other servers of this process, if any, look into stores of their own.
        if self._database.url == store._database.url:
            asked.append(time.monotonic())
        return cursor(self)

    def counted_metrics(self: Store, run_id: str, after: int = 0) -> Any:
        read.append(after)
        return metrics(self, run_id, after)

    with ExitStack() as stack:
        readers = [stack.enter_context(read_events(client, run, after="m0-c0-e0")) for _ in range(20)]
        for reader in readers:
            reader.wait(lambda events: len(events) == 1)
        began = time.monotonic()
        monkeypatch.setattr(Store, "cursor", counted)
        monkeypatch.setattr(Store, "metrics", counted_metrics)
        store.add_progress(run.id, "worker", 1, 1.0, [Metric(1, 1.0)])
        for reader in readers:
            reader.wait(lambda events, reader=reader: steps(reader) == [1])
        time.sleep(1)
        # One poller looks four times a second, however long this took; twenty would look eighty times.
        assert len(asked) <= 4 * (time.monotonic() - began) + 3
        assert len(read) < len(readers)


def test_a_stream_of_one_run_tells_of_no_other_unless_asked(
    client: httpx2.Client, make_run: Make, store: Store, read_events: Any
) -> None:
    run = make_run((0,))
    with read_events(client, run) as reader:
        reader.wait(lambda events: len(events) == 1)
        store.create_run(RunConfig())
        time.sleep(0.6)
        assert [name for name, *_ in reader.events] == ["run"]


def test_a_client_that_leaves_in_the_middle_is_no_error(
    make_run: Make, client: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(tuple(range(60)))
    for _ in range(20):
        with client.stream("GET", f"/runs/{run.id}/events?after=m0-c0-e0") as answer:
            next(answer.iter_lines())
    assert client.get("/healthz").status_code == 200
    time.sleep(0.2)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
