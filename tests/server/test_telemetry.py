"""The metrics as Prometheus' own parser reads them, off a real server."""

import time
from collections.abc import Callable
from typing import Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families as parse

from server.telemetry import Moment, Telemetry
from shadowboard.records import Run
from shadowboard.store import Store

Make = Callable[..., Run]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(client: httpx2.Client) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((f"shadowboard_{name}", frozenset(labels.items())), 0.0)


def labels(samples: Samples, name: str) -> set[str]:
    return {text for _, pairs in samples for key, text in pairs if key == name}


def test_requests_are_counted_by_what_they_asked_for(make_run: Make, client: httpx2.Client) -> None:
    run = make_run()
    for _ in range(3):
        client.get(f"/runs/{run.id}")
    client.get("/runs/zzz")
    client.get("/runs/RUN/history?max_points=0")
    client.post("/runs/zzz/stop")
    client.head("/healthz")
    client.put("/runs")
    client.get("/static/base.css")
    client.get("/runs", headers={"Host": "evil.example"})
    samples = scrape(client)

    def requests(method: str, route: str, status: int) -> float:
        return value(samples, "requests_total", method=method, route=route, status=str(status))

    assert requests("GET", "/runs/{run_id}", 200) == 3
    assert requests("GET", "/runs/{run_id}", 404) == 1
    assert requests("GET", "/runs/{run_id}/history", 422) == 1
    assert requests("POST", "/runs/{run_id}/stop", 404) == 1
    assert requests("GET", "/healthz", 200) == 1
    assert requests("PUT", "/runs", 405) == 1
    assert requests("GET", "/static/{path:path}", 200) == 1
    assert requests("GET", "other", 421) == 1
    assert value(samples, "answer_seconds_count", method="GET", route="/runs/{run_id}") == 4
    assert 0 < value(samples, "answer_seconds_sum", method="GET", route="/runs/{run_id}") < 10


def test_labels_are_bounded(client: httpx2.Client) -> None:
    for i in range(50):
        client.get(f"/nowhere-{i}")
        client.get(f"/runs/run-{i}")
        client.get(f"/static/file-{i}.js")
        client.request(f"METHOD{i}", "/runs")
    samples = scrape(client)
    assert labels(samples, "route") == {"other", "/runs/{run_id}", "/static/{path:path}", "/runs"}
    assert labels(samples, "method") == {"GET", "other"}
    assert value(samples, "requests_total", method="GET", route="other", status="404") == 50
    assert value(samples, "requests_total", method="other", route="/runs", status="405") == 50


def test_a_stream_counts_once_and_while_it_is_open(
    make_run: Make, client: httpx2.Client, read_events: Any
) -> None:
    run = make_run((0,), state="training")
    with read_events(client, run) as reader, read_events(client, run) as other:
        reader.wait(bool)
        other.wait(bool)
        time.sleep(0.3)
        during = scrape(client)
    assert value(during, "streams") == 2
    route = "/runs/{run_id}/events"
    assert value(during, "requests_total", method="GET", route=route, status="200") == 2
    assert value(during, "answer_seconds_count", method="GET", route=route) == 2
    for _ in range(500):
        if value(scrape(client), "streams") == 0:
            break
        time.sleep(0.02)
    else:
        raise AssertionError("the streams have ended, but are still counted")


def test_runs_in_training_are_shown(make_run: Make, store: Store, client: httpx2.Client) -> None:
    make_run((0, 20))
    run = make_run((0, 30), state="training")
    for _ in range(500):
        samples = scrape(client)
        if value(samples, "run_step", run=run.id) == 30:
            break
        time.sleep(0.02)
    assert labels(samples, "run") == {run.id}
    assert value(samples, "run_step", run=run.id) == 30
    assert value(samples, "run_steps_per_second", run=run.id) == 7
    age = value(samples, "checkpoint_age_seconds", run=run.id)
    assert age <= time.time() - store.checkpoints(run.id)[-1].saved_at + 1
    assert ("shadowboard_checkpoint_age_seconds", frozenset({("run", run.id)})) in samples


def test_evaluations_and_restores_are_timed(make_run: Make, client: httpx2.Client, no_backlog: None) -> None:
    run = make_run((10,))
    for _ in range(2):  # the second comes out of the store
        assert client.get("/evaluate", params={"run": run.id}).status_code == 200
    samples = scrape(client)
    assert value(samples, "evaluation_seconds_count") == 1
    assert value(samples, "restore_seconds_count") == 1
    assert value(samples, "evaluations_waiting") == 0


def test_applications_share_nothing() -> None:
    one, other = Telemetry(), Telemetry()
    one.restore_seconds.observe(1)
    nothing = Moment(0, [], {})
    assert b"shadowboard_restore_seconds_count 1.0" in one.text(nothing)
    assert b"shadowboard_restore_seconds_count 0.0" in other.text(nothing)
