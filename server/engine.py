"""What needs TensorFlow, loaded in the background so that the pages are up at once."""

import asyncio
import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import HTTPException

from server.datasets import Datasets
from shadowboard.settings import Settings
from shadowboard.store import Store

if TYPE_CHECKING:
    from server.evaluating import Evaluator
    from server.restoring import Restorer

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Engine:
    """The restorer and the evaluator, ready."""

    restorer: "Restorer"
    evaluator: "Evaluator"


class EngineLoader:
    """Loads the engine in a thread of its own, and lets requests wait for it."""

    def __init__(self, settings: Settings, store: Store, datasets: Datasets) -> None:
        self._settings = settings
        self._store = store
        self._datasets = datasets
        self._engine: Future[Engine] = Future()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._load, name="engine-loader", daemon=True)

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    async def engine(self) -> Engine:
        """The engine as soon as it is loaded. Raises HTTPException 503 where that takes too long."""
        try:
            # Shielded, for the future is everybody's.
            return await asyncio.wait_for(
                asyncio.shield(asyncio.wrap_future(self._engine)), _PATIENCE_SECONDS
            )
        except TimeoutError:
            raise HTTPException(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "TensorFlow is still loading; try again in a few seconds.",
                {"Retry-After": "5"},
            ) from None

    def wake(self) -> None:
        """Tell the evaluator, if it is there yet, that there may be new checkpoints."""
        if self._is_loaded():
            self._engine.result().evaluator.wake()

    def close(self) -> None:
        """End the evaluator; wait for a load at hand, since no thread may be cut off inside TensorFlow."""
        self._closing.set()
        self._thread.join(timeout=4)
        if self._is_loaded():
            self._engine.result().evaluator.close()

    def _is_loaded(self) -> bool:
        return self._engine.done() and self._engine.exception() is None

    def _load(self) -> None:
        try:
            for step in (self._load_images, self._load_tensorflow, self._warm_up):
                if self._closing.is_set():
                    return
                step()
            engine = self._assemble()
        except Exception as error:
            log.exception("TensorFlow could not be loaded.")
            self._engine.set_exception(error)
            return
        engine.evaluator.start()
        self._engine.set_result(engine)

    def _load_images(self) -> None:
        self._datasets.get("mnist")

    def _load_tensorflow(self) -> None:
        import shadowboard.quiet_tensorflow  # noqa: F401

    def _warm_up(self) -> None:
        """Use everything once: an operation's first use takes many times as long as the next."""
        import shadowboard.digit_image  # noqa: F401
        from shadowboard.evaluation import evaluate, wilson_interval
        from shadowboard.network import init

        few = self._datasets.get("mnist").validation
        evaluate(init([], seed=0), few.images[:10], few.labels[:10])
        wilson_interval(1, 2)

    def _assemble(self) -> Engine:
        from server.evaluating import Evaluator
        from server.restoring import Restorer

        restorer = Restorer(self._settings.run_folder)
        return Engine(restorer, Evaluator(self._store, restorer, self._datasets))
