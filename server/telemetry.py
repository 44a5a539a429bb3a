"""What the server counts and measures, for Prometheus."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shadowboard.records import Run

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# Labels are bounded by the routes that there are, and never hold what a client has made up.
_METHODS = frozenset({"GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"})
_OTHER = "other"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(frozen=True)
class Moment(Collector):
    """What is looked up at a scrape. `checkpoint_ages`: in s, by run id, of the runs that have one."""

    waiting: int
    runs: list[Run]
    checkpoint_ages: dict[str, float]

    def collect(self) -> Iterator[Metric]:
        """As prometheus-client asks for it."""
        yield GaugeMetricFamily(
            "shadowboard_evaluations_waiting",
            "Evaluations that were asked for and have not begun.",
            value=self.waiting,
        )
        steps = {run.id: float(run.step) for run in self.runs}
        speeds = {run.id: run.steps_per_second for run in self.runs}
        yield _by_run("run_step", "Steps that a run in training has done.", steps)
        yield _by_run("run_steps_per_second", "Speed of a run in training.", speeds)
        yield _by_run(
            "checkpoint_age_seconds",
            "Since the newest checkpoint of a run in training was saved.",
            self.checkpoint_ages,
        )


def _by_run(name: str, what: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(f"shadowboard_{name}", what, labels=["run"])
    for run_id, value in values.items():
        family.add_metric([run_id], value)
    return family


class Telemetry:
    """The metrics of one application, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "shadowboard_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._answer_seconds = self._histogram(
            "answer", "From a request to the first byte of its answer.", ["method", "route"]
        )
        self._answers: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.streams = Gauge("shadowboard_streams", "Streams of events now open.", registry=self._registry)
        self.restore_seconds = self._histogram("restore", "Reading weights out of a checkpoint.")
        self.evaluation_seconds = self._histogram("evaluation", "Evaluating weights on a split.")

    def _histogram(self, name: str, what: str, labels: list[str] | None = None) -> Histogram:
        name = f"shadowboard_{name}_seconds"
        return Histogram(name, what, labels or [], buckets=_SECONDS, registry=self._registry)

    def text(self, moment: Moment) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry) + generate_latest(moment)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        key = method, route, status
        if key not in self._answers:  # to look each up by its labels takes three times as long as to count
            self._answers[key] = (
                self._requests.labels(method, route, str(status)),
                self._answer_seconds.labels(method, route),
            )
        requests, answer_seconds = self._answers[key]
        requests.inc()
        answer_seconds.observe(seconds)


class RequestMetrics:
    """Counts each request at the first byte of its answer: a stream, open for hours, is no slow request."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self.app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        streams = False

        async def send_counted(message: Message) -> None:
            nonlocal streams
            if message["type"] == "http.response.start":
                method = scope["method"] if scope["method"] in _METHODS else _OTHER
                # A mounted folder is no route, but its path has become the root of what is in it.
                route = getattr(scope.get("route"), "path", "") or scope.get("root_path") or _OTHER
                seconds = time.perf_counter() - began
                self._telemetry.answered(method, route, message["status"], seconds)
                if dict(message["headers"]).get(b"content-type", b"").startswith(b"text/event-stream"):
                    streams = True
                    self._telemetry.streams.inc()
            await send(message)

        try:
            await self.app(scope, receive, send_counted)
        finally:
            if streams:
                self._telemetry.streams.dec()
