"""A real server with a real store and real checkpoints, and the worker's side of it, played by a test."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from server.serving import Server, listen
from shadowboard import checkpoints
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.records import Metric, Run, Score, State
from shadowboard.settings import Settings
from shadowboard.store import Store
from worker.loop import Heart

WORKER = "the test"
STEPS = 600
EVERY = 100


@dataclass
class Site:
    """The server on one port, and the worker's side of its store, played by the test."""

    settings: Settings
    store: Store
    trained: dict[int, dict[str, Any]]
    data: str
    url: str = ""
    _server: Server | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Serve; on the same port as before where there was one."""
        ready = threading.Event()
        self._server = Server(self.settings, listen(self.settings), lambda url: self._announced(url, ready))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        assert ready.wait(30), "The server did not start."

    def _announced(self, url: str, ready: threading.Event) -> None:
        self.url = url
        self.settings = self.settings.model_copy(update={"port": int(url.rpartition(":")[2])})
        ready.set()

    def stop(self) -> None:
        """Stop serving."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(30)
            assert not self._thread.is_alive(), "The server did not stop."

    def begin(self, name: str = "a run", **knobs: Any) -> Run:
        """A run in training, without anything to show yet; it is evaluated on a few images of MNIST."""
        config = parse_config({"steps": STEPS, "save_every": EVERY, "data": self.data, **knobs})
        return self.store.create_run(config, name, WORKER)

    def advance(self, run: Run, *steps: int) -> None:
        """Save the checkpoints of `steps`, and report the training up to each."""
        for step in steps:
            tensors = _kept(self.trained[step], run.config)
            saved = checkpoints.save(self.settings.run_folder(run.id), step, tensors)
            metrics = [Metric(s, 3 / (s + 10)) for s in range(step - EVERY + 10, step + 1, 10) if s > 0]
            self.store.add_progress(run.id, WORKER, step, 500.0, metrics)
            self.store.add_checkpoint(run.id, WORKER, step, saved.bytes)

    def heart(self, run: Run) -> Heart:
        """The worker is heard of while a `with` block lasts, however slow this machine is."""
        return Heart(self.store, run.id, WORKER)

    def end(self, run: Run, state: State, message: str) -> None:
        """The worker lets go of the run."""
        self.store.release(run.id, WORKER, state, message)


def _kept(tensors: dict[str, Any], config: RunConfig) -> dict[str, Any]:
    """Without the averages that this run does not keep."""
    names = {average.name for average in config.averages}
    return {
        key: value for key, value in tensors.items() if "EMA_" not in key or key.rpartition("/")[2] in names
    }


@contextmanager
def serving(home: Path, trained: dict[int, dict[str, Any]], data: Path, port: int = 0) -> Iterator[Site]:
    settings = Settings(home=home, host="127.0.0.1", port=port)
    store = Store(settings.store_url)
    site = Site(settings, store, trained, str(data))
    site.start()
    yield site
    site.stop()
    store.close()


# Runs whose scores are known

FIRST = "ExponentialMovingAverage"
SECOND = "EMA_0.999"


def scored(
    site: Site, name: str, *scores: tuple[int, str, int], state: Any = "finished", **knobs: Any
) -> Run:
    """A run of which (step, average, images of 100 read right) are known; of the test images, two fewer."""
    run = site.store.create_run(parse_config({"steps": 300, **knobs}), name, WORKER)
    for step, average, correct in scores:
        for split, right in (("validation", correct), ("test", correct - 2)):
            score = Score(step, average, split, 100, right, 0.5, 0.1, time.time())
            site.store.add_evaluation(run.id, score, b"", b"")
    site.store.add_progress(run.id, WORKER, 300, 500.0, [])
    if state != "training":
        site.store.release(run.id, WORKER, state, "")
    return run


class Compared(NamedTuple):
    """Three finished runs on a server of their own; "bare" keeps no average, "fast" two."""

    site: Site
    slow: Run
    fast: Run
    bare: Run
