"""How long a person waits: `shadowboard --help`, and the answers of an idle server, as a Markdown table.

    python -m benchmarks.latency

The server is the real one in a process of its own, on a checkpoint of the reference's network; the first
`/evaluate` of each checkpoint restores it and reads 5,000 images, the second is answered from the store.
"""

import contextlib
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

from shadowboard import checkpoints
from shadowboard.configuration import RunConfig
from shadowboard.dataset import Dataset, load_dataset
from shadowboard.store import Store
from worker.trainer import Trainer

REPEATS = 30
HELP_REPEATS = 7


@contextlib.contextmanager
def serving(home: Path) -> Iterator[HTTPConnection]:
    """A connection to `shadowboard serve` on `home`, ready."""
    command = [sys.executable, "-m", "shadowboard.cli", "serve", "--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = urlsplit(process.stdout.readline().split()[3])
            yield HTTPConnection(address.hostname or "", address.port)
        finally:
            process.terminate()


def milliseconds(action: Callable[[], object]) -> float:
    """The wall time of one call."""
    began = time.perf_counter()
    action()
    return 1_000 * (time.perf_counter() - began)


def ask(connection: HTTPConnection, path: str, body: bytes | None = None) -> dict[str, object]:
    """The JSON at `path`; with a body, a PNG is posted."""
    connection.request("POST" if body else "GET", path, body, {"Content-Type": "image/png"} if body else {})
    answer = connection.getresponse()
    content: dict[str, object] = json.loads(answer.read())
    if answer.status != 200:
        raise RuntimeError(f"{path}: {content}")
    return content


def help_times() -> list[float]:
    """Whole processes of `shadowboard --help`."""
    command = [sys.executable, "-m", "shadowboard.cli", "--help"]
    return [
        milliseconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
        for _ in range(HELP_REPEATS)
    ]


def answer_times(home: Path, data: Dataset) -> dict[str, list[float]]:
    """What an idle server takes for each kind of request."""
    store = Store(f"sqlite:///{home / 'shadowboard.db'}")
    run = store.create_run(RunConfig(), worker="benchmark")
    trainer = Trainer(run.config, data.train)
    state, _ = trainer.advance(trainer.initial(), 200)
    folder = home / "runs" / run.id
    checkpoints.save(folder, 0, state.tensors())
    store.add_checkpoint(run.id, "benchmark", 0, 0)
    store.release(run.id, "benchmark", "finished", "")
    picture = io.BytesIO()
    Image.fromarray(data.test.images[0].reshape(28, 28)).resize((280, 280)).save(picture, "PNG")
    first, again, predict, health = [], [], [], []
    with serving(home) as connection:
        ask(connection, "/evaluate?ema=true")
        time.sleep(3)  # the evaluator's backlog of the one recorded checkpoint
        for step in range(1, REPEATS + 1):
            # Not recorded in the store, so that the evaluator in the background leaves it to the request.
            checkpoints.save(folder, step, state.tensors())
            path = f"/evaluate?ema=true&step={step}"
            first.append(milliseconds(lambda path=path: ask(connection, path)))  # type: ignore[misc]
            again.append(milliseconds(lambda path=path: ask(connection, path)))  # type: ignore[misc]
            predict.append(milliseconds(lambda: ask(connection, "/predict?step=0", picture.getvalue())))
            health.append(milliseconds(lambda: ask(connection, "/healthz")))
    return {
        "`/evaluate`, not evaluated before": first,
        "`/evaluate`, evaluated before": again,
        "`/predict`, a PNG of 280×280": predict,
        "`/healthz`": health,
    }


def main() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as home:
        times = {"`shadowboard --help`": help_times(), **answer_times(Path(home), load_dataset())}
    print("| what | median ms | slowest ms |\n| --- | ---: | ---: |")
    for what, values in times.items():
        print(f"| {what} | {statistics.median(values):.1f} | {max(values):.1f} |")


if __name__ == "__main__":
    main()
