"""The data sets that runs were trained on, loaded once."""

import threading
import time
from collections import OrderedDict

from shadowboard.dataset import Dataset, load_dataset
from shadowboard.errors import DatasetError

_MOST = 3  # of some 55 MB each
_RETRY_SECONDS = 10.0


class Datasets:
    """The data sets used last, by name; any number of threads may ask."""

    def __init__(self) -> None:
        self._memory = threading.Lock()
        self._disk = threading.Lock()  # what is in memory need not wait for what is being read
        self._loaded: OrderedDict[str, Dataset] = OrderedDict()
        self._failed: dict[str, tuple[float, DatasetError]] = {}

    def get(self, data: str) -> Dataset:
        """The data set `mnist` or that of a folder. Raises DatasetError, for a while without a new look."""
        if found := self._recall(data):
            return found
        with self._disk:
            if found := self._recall(data):
                return found
            loaded = self._load(data)
            with self._memory:
                self._loaded[data] = loaded
                if len(self._loaded) > _MOST:
                    self._loaded.popitem(last=False)
            return loaded

    def _recall(self, data: str) -> Dataset | None:
        with self._memory:
            if data not in self._loaded:
                return None
            self._loaded.move_to_end(data)
            return self._loaded[data]

    def _load(self, data: str) -> Dataset:
        now = time.monotonic()
        if data in self._failed and now - self._failed[data][0] < _RETRY_SECONDS:
            raise self._failed[data][1].with_traceback(None)
        try:
            return load_dataset(data)
        except DatasetError as error:
            self._failed[data] = (now, error)
            raise
