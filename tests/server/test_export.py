"""GET /runs/{id}/checkpoints/{step}/export: what is in the files, and what making them costs others."""

import asyncio
import gc
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import numpy as np
import pytest
import tensorflow as tf

from server.exporting import Exporter
from shadowboard import checkpoints
from shadowboard.configuration import parse_config
from shadowboard.errors import Busy, CheckpointUnsuitable
from shadowboard.export.exporting import Subject
from shadowboard.export.formats import FORMATS, FormatName
from shadowboard.given_network import GivenNetwork
from shadowboard.listing import Checkpoint
from shadowboard.records import Run, Score
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.watched import watched_config
from tests.faults.processes import wait_for
from tests.server.conftest import TINY, in_a_loop, run_maker, running, tensors

EMA = "ExponentialMovingAverage"
Make = Callable[..., Run]
NETWORK = GivenNetwork("mine:logits", lambda weights, images: images @ weights["head/kernel"])

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras' own


class Served(NamedTuple):
    """A server for all of these tests, and the store and the folder below it."""

    client: httpx2.Client
    store: Store
    settings: Settings
    make: Make

    def export(self, run: Run, step: int | str, query: str) -> httpx2.Response:
        return self.client.get(f"/runs/{run.id}/checkpoints/{step}/export?{query}")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), host="127.0.0.1", port=0)
    with pytest.MonkeyPatch.context() as patch, closing(Store(settings.store_url)) as store:
        patch.setattr("server.backlog.Backlog.refresh", lambda self: None)
        with running(settings, NETWORK) as client:
            yield Served(client, store, settings, run_maker(store, settings))


def arrays(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    with np.load(BytesIO(answer.content)) as found:
        return dict(found)


def name_of(answer: httpx2.Response) -> str:
    (name,) = re.findall(r'^attachment; filename="([\w.-]+)"$', answer.headers["content-disposition"])
    return str(name)


def test_every_format_comes_as_a_file(served: Served) -> None:
    run = served.make((10,))
    begins = {"frozen-graph": b"\n", "meta": b"\n", "meta-json": b"{\n", "onnx": b"\x08", "tflite": b"TFL3"}
    for name, form in FORMATS.items():
        answer = served.export(run, 10, f"format={name}&ema=true")
        assert answer.status_code == 200, answer.text
        assert name_of(answer).endswith(f"-{run.id}-step-10-ema{form.end}")
        assert answer.headers["content-type"] == form.media_type
        assert begins.get(name, b"PK\x03\x04") in answer.content[:8]
    head = served.client.head(f"/runs/{run.id}/checkpoints/10/export?format=npz")
    assert (head.status_code, head.content, int(head.headers["content-length"]) > 0) == (200, b"", True)


def test_which_weights_are_meant(served: Served) -> None:
    run = served.make((0, 10, 20), averages=[{"decay": 0.9}, {"decay": 0.99}])
    for average, correct in (("", {0: 3, 10: 9, 20: 5}), ("EMA_0.99", {0: 7, 10: 1, 20: 2})):
        for step, number in correct.items():
            score = Score(step, average, "validation", 10, number, 1.0, 0.1)
            served.store.add_evaluation(run.id, score, b"", b"")
    for step, query, found, suffix in (
        ("latest", "", 20, ""),
        ("0", "&ema=true", 0, f"/{EMA}"),
        ("10", "&ema=true&average=EMA_0.99", 10, "/EMA_0.99"),
        ("best", "", 10, ""),
        ("best", "&ema=true&average=EMA_0.99", 0, "/EMA_0.99"),
    ):
        answer = served.export(run, step, f"format=npz{query}")
        weights = arrays(answer)
        assert f"-step-{found}-" in name_of(answer)
        kept = tensors(run.recipe, found)
        assert list(weights) == ["layer1/weights", "layer1/biases", "layer2/weights", "layer2/biases"]
        for name, value in weights.items():
            np.testing.assert_array_equal(value, kept[name + suffix])


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("{run}/checkpoints/10/export", 422, "format is missing."),
        ("{run}/checkpoints/10/export?format=pickle", 422, "format is 'pickle'; expected 'keras', "),
        ("{run}/checkpoints/10/export?format=npz&average=x", 422, "average is 'x', but raw weights were"),
        ("{run}/checkpoints/10/export?format=npz&ema=true&average=x", 422, "holds no average called x; it"),
        ("{run}/checkpoints/7/export?format=npz", 404, "There is no checkpoint of step 7"),
        ("{run}/checkpoints/first/export?format=npz", 422, "step is 'first'; expected latest, best"),
        ("{empty}/checkpoints/latest/export?format=npz", 404, "has no checkpoint yet."),
        ("nobody/checkpoints/latest/export?format=npz", 404, "There is no run 'nobody'"),
    ],
)
def test_what_there_is_not_is_told(served: Served, path: str, status: int, detail: str) -> None:
    names = {"run": served.make((0, 10)).id, "empty": served.make().id}
    answer = served.client.get(f"/runs/{path.format(**names)}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert detail in answer.json()["detail"]


def test_the_latest_is_the_newest_good_one(served: Served) -> None:
    run = served.make((0, 10))
    (data,) = served.settings.run_folder(run.id).glob("*-10.data*")
    data.write_bytes(b"x" * data.stat().st_size)
    assert "-step-0-raw" in name_of(served.export(run, "latest", "format=npz"))
    assert served.export(run, 10, "format=npz").status_code == 409


def test_a_watched_run_of_any_network_that_is_recognised(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "their runs, ü"
    checkpoints.save(folder, 10, tensors(parse_config(TINY), 10))
    run = served.store.watch(watched_config(folder, activation="tanh"))
    answer = served.export(run, "latest", "format=frozen-graph")
    assert name_of(answer) == f"their-runs-u-{run.id}-step-10-raw.pb"
    graph = tf.compat.v1.GraphDef.FromString(answer.content)
    assert [node.op for node in graph.node if node.op in {"Relu", "Tanh"}] == ["Tanh"]


def test_a_run_whose_network_is_a_function(served: Served, tmp_path: Path) -> None:
    kernel = np.random.default_rng(0).random((784, 10), np.float32)
    checkpoints.save(tmp_path, 3, {"head/kernel": kernel})
    run = served.store.watch(watched_config(tmp_path, network=NETWORK.name))
    np.testing.assert_array_equal(arrays(served.export(run, 3, "format=npz"))["head/kernel"], kernel)
    refused = served.export(run, 3, "format=keras")
    assert refused.status_code == 422
    assert refused.json()["detail"] == (
        "Keras holds a network, and this one is the function mine:logits; "
        "expected the format npz, which holds its weights alone."
    )


def subject(step: int) -> Subject:
    return Subject("run", Checkpoint(Path(f"model.ckpt-{step}"), step), None, {}, "relu")


async def read(exporter: Exporter, step: int, name: FormatName) -> bytes:
    async with exporter.file(subject(step), name) as content:
        return content


def test_what_several_ask_for_at_once_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, str]] = []
    go_on = threading.Event()

    def make(of: Subject, name: str) -> bytes:
        made.append((of.checkpoint.step, name))
        assert go_on.wait(20)
        return f"{of.checkpoint.step} {name}".encode()

    monkeypatch.setattr("server.exporting._export", make)

    async def ask() -> list[bytes]:
        exporter = Exporter()
        asked = [asyncio.create_task(read(exporter, 1, "npz")) for _ in range(100)]
        asked += [asyncio.create_task(read(exporter, 1, "keras")) for _ in range(100)]
        asked.append(asyncio.create_task(read(exporter, 2, "npz")))
        await asyncio.sleep(0)
        asked[0].cancel()  # the others get theirs
        go_on.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        return [*found[1:], await read(exporter, 1, "npz")]

    found = in_a_loop(ask())
    assert found == [b"1 npz"] * 99 + [b"1 keras"] * 100 + [b"2 npz", b"1 npz"]
    assert made == [(1, "npz"), (1, "keras"), (2, "npz"), (1, "npz")]


def test_too_many_different_ones_are_turned_away_and_a_failure_is_everybodys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = threading.Event()

    def fail(of: Subject, name: str) -> bytes:
        assert go_on.wait(20)
        raise CheckpointUnsuitable(f"{of.checkpoint.step}.")

    monkeypatch.setattr("server.exporting._export", fail)

    async def ask() -> list[Any]:
        exporter = Exporter()
        asked = [asyncio.create_task(read(exporter, step // 2, "npz")) for step in range(60)]
        for _ in range(5):
            await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    kinds = [type(error) for error in in_a_loop(ask())]
    assert kinds == [CheckpointUnsuitable] * 32 + [Busy] * 28


def test_what_nobody_waits_for_is_not_begun_and_what_is_begun_counts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[int] = []
    go_on = threading.Event()

    def make(of: Subject, name: str) -> bytes:
        begun.append(of.checkpoint.step)
        assert go_on.wait(20)
        if of.checkpoint.step == 0:
            raise CheckpointUnsuitable("0.")
        return b"made"

    monkeypatch.setattr("server.exporting._export", make)

    async def ask() -> list[Any]:
        exporter = Exporter()
        for _ in range(3):
            leaving = [asyncio.create_task(read(exporter, step, "npz")) for step in range(16)]
            while not begun:
                await asyncio.sleep(0.001)
            for task in leaving:
                task.cancel()
            await asyncio.gather(*leaving, return_exceptions=True)
        staying = [asyncio.create_task(read(exporter, step, "npz")) for step in range(16, 32)]
        for _ in range(5):
            await asyncio.sleep(0)
        go_on.set()
        found = await asyncio.gather(*staying, return_exceptions=True)
        return [*found, await read(exporter, 32, "npz")]

    *found, refused, again = in_a_loop(ask())
    assert (found, again) == ([b"made"] * 15, b"made")
    assert str(refused) == "16 files are being made and sent already; try again in a few seconds."
    assert begun == [0, *range(16, 31), 32]
    gc.collect()
    assert caplog.messages == []  # of the failure that nobody was there to hear


@contextmanager
def unread(served: Served, run: Run, name: str) -> Iterator[socket.socket]:
    """A client that asks for a file and does not read it; what is on its way to it is little."""
    url = served.client.base_url
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((url.host, url.port))
        client.sendall(f"GET /runs/{run.id}/checkpoints/10/export?format={name} HTTP/1.1\r\n".encode())
        client.sendall(b"Host: localhost\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        yield client


def sockets() -> int:
    """How many this process has open, which is the server's too."""
    found = 0
    for file in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found += str(file.readlink()).startswith("socket:")
    return found


def test_clients_that_do_not_read_are_few_and_are_left(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[str] = []

    def make(of: Subject, name: str) -> bytes:
        made.append(name)
        return bytes(2**24)  # more than what the system keeps for two ends of a connection

    monkeypatch.setattr("server.exporting._export", make)
    monkeypatch.setattr("server.exporting._MOST", 2)
    caplog.set_level("WARNING")
    run = served.make((10,))
    served.client.get("/healthz")
    before = sockets()
    with ExitStack() as stack:
        for name in ("npz", "npz", "npz", "keras"):
            stack.enter_context(unread(served, run, name))
        assert made == ["npz", "keras"]
        refused = served.export(run, 10, "format=onnx")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert refused.json()["detail"] == (
            "2 files are being made and sent already; try again in a few seconds."
        )
        assert served.export(run, 10, "format=keras").content == bytes(2**24)  # it is there
    wait_for(lambda: served.export(run, 10, "format=onnx").status_code == 200)  # for they have gone
    monkeypatch.setattr("server.slow_readers.READ_SECONDS", 0.1)
    with unread(served, run, "npz"), unread(served, run, "keras"):
        wait_for(lambda: served.export(run, 10, "format=onnx").status_code == 200)
        wait_for(lambda: sockets() <= before + 2)  # ours: the server's ends are closed
    told = "A client has not taken its answer for 0.1 s; the connection is closed."
    assert caplog.messages == [told] * 2


def test_others_are_answered_while_a_file_is_made(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def make(of: Subject, name: str) -> bytes:
        begun.set()
        assert go_on.wait(20)
        return b"made"

    monkeypatch.setattr("server.exporting._export", make)
    run = served.make((10,))
    found: list[httpx2.Response] = []
    asking = threading.Thread(target=lambda: found.append(served.export(run, 10, "format=keras")))
    asking.start()
    assert begun.wait(30)
    try:
        assert served.client.get("/healthz").status_code == 200
        assert served.client.get(f"/evaluate?run={run.id}").status_code == 200
        assert not found
    finally:
        go_on.set()
        asking.join()
    assert found[0].content == b"made"
