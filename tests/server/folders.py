"""What the tests of watched folders share: another program's saves, and a server that watches them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from shadowboard import checkpoints
from shadowboard.configuration import parse_config
from shadowboard.dataset import SPLITS
from shadowboard.evaluation import evaluate
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.watched import watched_config
from shadowboard.weights import restore
from tests.faults.processes import wait_for
from tests.server.conftest import TINY, running, tensors

CONFIG = parse_config(TINY | {"averages": [{"decay": 0.9}, {"decay": 0.99}]})
NAMES = [average.name for average in CONFIG.averages]

Picture = dict[str, tuple[Any, ...]]


def save(folder: Path, step: int, seed: int | None = None) -> checkpoints.Checkpoint:
    """Other weights for each seed, which is the step where none is given."""
    return checkpoints.save(folder, step, tensors(CONFIG, step if seed is None else seed))


def picture(folder: Path) -> Picture:
    """The bytes, times and rights of all that is in a folder, and of the folder itself."""
    return {
        str(path): (
            status.st_mtime_ns,
            status.st_mode,
            path.read_bytes() if path.is_file() else sorted(path.iterdir()),
        )
        for path in [folder, *folder.rglob("*")]
        for status in [path.stat()]
    }


class Board:
    """A server, and the store that it shares with this test."""

    def __init__(self, client: httpx2.Client, store: Store, settings: Settings) -> None:
        self.client, self.store, self.settings = client, store, settings

    def watch(self, folder: Path) -> Run:
        return self.store.watch(watched_config(folder))

    def get(self, path: str) -> Any:
        return self.client.get(path).raise_for_status().json()

    def files(self, run: Run) -> dict[int, bool]:
        """Step → whether its files are there."""
        return {c["step"]: c["present"] for c in self.get(f"/runs/{run.id}/checkpoints")["checkpoints"]}

    def scored(self, run: Run) -> dict[tuple[int, str, str], int]:
        return {(s.step, s.average, s.split): s.correct for s in self.store.scores(run.id)}

    def wait_for_steps(self, run: Run, *steps: int) -> dict[tuple[int, str, str], int]:
        """Until raw weights and averages of these steps, and of no others, are evaluated on both splits."""
        kinds = {(s, a, split) for s in steps for a in ("", *NAMES) for split in ("validation", "test")}
        wait_for(lambda: set(self.scored(run)) == kinds)
        return self.scored(run)

    def wait_for_message(self, run: Run, words: str) -> Run:
        wait_for(lambda: words in self.store.run(run.id).message)
        return self.store.run(run.id)


@contextmanager
def board_in(home: Path) -> Iterator[Board]:
    """A server of its own, on any port."""
    settings = Settings(home=home, host="127.0.0.1", port=0)
    with closing(Store(settings.store_url)) as store, running(settings) as client:
        yield Board(client, store, settings)


def expected(mnist: Any, checkpoint: checkpoints.Checkpoint) -> dict[tuple[int, str, str], int]:
    return {
        (checkpoint.step, average, name): evaluate(
            restore(checkpoint, average or None), mnist.split(name)
        ).correct
        for average in ("", *NAMES)
        for name in SPLITS
    }
