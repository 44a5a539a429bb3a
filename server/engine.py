"""What needs TensorFlow, loaded in the background so that the pages are up at once."""

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from fastapi import HTTPException

from server.datasets import Datasets
from server.threads import Threads
from shadowboard.configuration import RunConfig
from shadowboard.given_network import GivenNetwork
from shadowboard.settings import Settings
from shadowboard.store import Store

if TYPE_CHECKING:
    from server.evaluating import Evaluator
    from server.folders import Folders
    from server.predicting import Predictor
    from server.restoring import Restorer

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 30.0
# Of a processor that a worker of its own wants too, a quarter is left (335 of 335 + 1024 in Linux' table of
# weights), about what evaluating each checkpoint of a default run takes; beside that of `up`, which yields
# as much, half.
_NICENESS = 5


@dataclass(frozen=True)
class Engine:
    """What needs TensorFlow, ready, and threads for what waits for the disk or for TensorFlow."""

    restorer: "Restorer"
    evaluator: "Evaluator"
    predictor: "Predictor"
    folders: "Folders"
    threads: Threads


class EngineLoader:
    """Loads the engine in a thread of its own, and lets requests wait for it."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        datasets: Datasets,
        observe_restore: Callable[[float], None] | None = None,
        observe_evaluation: Callable[[float], None] | None = None,
        networks: Mapping[str, GivenNetwork] = MappingProxyType({}),
    ) -> None:
        """Each `observe_…` is told the seconds that one took."""
        self._settings = settings
        self._store = store
        self._datasets = datasets
        self._observe_restore = observe_restore
        self._networks = networks
        self._observe_evaluation = observe_evaluation
        self.loaded: Engine | None = None
        """The engine, where it is loaded."""
        self._engine: Future[Engine] = Future()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._load, name="engine-loader", daemon=True)

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    async def engine(self) -> Engine:
        """The engine as soon as it is loaded. Raises HTTPException 503 where that takes too long."""
        if engine := self.loaded:
            return engine
        try:
            # Shielded, for the future is everybody's.
            return await asyncio.wait_for(
                asyncio.shield(asyncio.wrap_future(self._engine)), _PATIENCE_SECONDS
            )
        except TimeoutError:
            raise HTTPException(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "TensorFlow is still loading; try again in a few seconds.",
            ) from None

    def wake(self) -> None:
        """Tell the evaluator, if it is there yet, that there may be new checkpoints."""
        if engine := self.loaded:
            engine.evaluator.wake()

    def close(self) -> None:
        """End the evaluator; a load at hand gets a moment, and ends by itself where that is not enough."""
        self._closing.set()
        self._thread.join(timeout=1)
        if engine := self.loaded:
            engine.folders.close()
            engine.evaluator.close()
        gc.unfreeze()  # another application in this process may need the memory

    @property
    def failure(self) -> str | None:
        """Why it could not be loaded."""
        error = self._engine.exception() if self._engine.done() else None
        return f"TensorFlow could not be loaded: {error}." if error else None

    def _load(self) -> None:
        try:
            for step in (self._load_images, self._load_tensorflow, self._warm_up):
                if self._closing.is_set():
                    return
                step()
            if self._closing.is_set():
                return
            engine = self._assemble()
        except Exception as error:
            log.exception("TensorFlow could not be loaded.")
            self._engine.set_exception(error)
            return
        # TensorFlow's many modules are here to stay: looking through them for garbage takes up to a second.
        gc.collect()
        gc.freeze()
        engine.evaluator.start()
        engine.folders.start()
        self.loaded = engine
        self._engine.set_result(engine)

    def _load_images(self) -> None:
        self._datasets.get("mnist")

    def _load_tensorflow(self) -> None:
        # TensorFlow's threads inherit the priority of the one that they are made in. So training in another
        # process goes first, while the threads of requests stay as they are.
        with ThreadPoolExecutor(1, initializer=_lower_priority) as gentle:
            gentle.submit(import_module, "shadowboard.quiet_tensorflow").result()

    def _warm_up(self) -> None:
        """Use everything once, on the reference recipe's network: a first use takes many times as long."""
        import shadowboard.comparison
        import shadowboard.digit_image  # noqa: F401
        from shadowboard.evaluation import evaluate
        from shadowboard.network import init
        from shadowboard.quiet_tensorflow import tf

        validation = self._datasets.get("mnist").validation
        weights = {name: tf.constant(a) for name, a in init(RunConfig().hidden, seed=0).items()}
        evaluate(weights, validation)

    def _assemble(self) -> Engine:
        from server.evaluating import Evaluator
        from server.folders import Folders
        from server.predicting import Predictor
        from server.restoring import Restorer
        from shadowboard.claims import Claims
        from shadowboard.database import Database

        capacity = self._settings.weights_cache_mib * 2**20
        restorer = Restorer(self._settings.run_folder, capacity, self._observe_restore, self._networks)
        claims = Claims(Database(self._settings.store_url))
        evaluator = Evaluator(self._store, restorer, self._datasets, claims, self._observe_evaluation)
        folders = Folders(self._store, evaluator.wake, self._networks)
        threads = Threads()
        return Engine(restorer, evaluator, Predictor(self._store, restorer, threads), folders, threads)


def _lower_priority() -> None:
    """Of the calling thread alone, which only Linux has."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS)
