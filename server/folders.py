"""Looking into the folders of watched runs, and recording what other programs have saved there."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from shadowboard.bundle import open_bundle
from shadowboard.errors import CheckpointDamaged, CheckpointMissing, CheckpointUnsuitable, StoreUnavailable
from shadowboard.folder_sight import FolderSight, as_recorded, sight_of
from shadowboard.found import is_same_time
from shadowboard.given_network import GivenNetwork
from shadowboard.graph_file import activation_beside, graph_file
from shadowboard.keras_file import KerasCheckpoint
from shadowboard.listing import Stamp, stamp_of
from shadowboard.object_graph import OBJECT_GRAPH
from shadowboard.printable import printable
from shadowboard.records import Run
from shadowboard.store import Store
from shadowboard.watched import WatchedAverage, WatchedConfig
from shadowboard.weights import layout_in

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_MOST_SAID = 300  # characters of an error that nobody foresaw
# Where there are very many files, a look takes long: then it is one part of so many of the time.
_SHARE = 10
_LONGEST_PAUSE = 5.0
_MOST_AVERAGES = 16  # each is evaluated at each checkpoint
_ASSUMED = MappingProxyType({"activation": "relu", "activation_from": "assumed"})
_LONGEST_NAME = 64  # of an average, in characters


@dataclass
class _Known:
    """What this server knows of a watched run: the stamps of its checkpoints by step, as recorded."""

    stamps: dict[int, Stamp] = field(default_factory=dict)
    unsuitable: str = ""
    """Why the newest checkpoint holds no network that is known; empty: it holds one, or there is none."""
    activation: str = ""
    """At the last look: where it is another one by now, all is to be evaluated again."""
    graph: Stamp | None = None
    """Of the newest checkpoint's graph at the last look: a Saver writes it after the checkpoint."""
    passed_over: bool = False
    """Whether the last look has passed over the newest checkpoint, as its graph may be on its way."""


class Folders:
    """One thread that looks into every watched folder twice a second. It writes into none."""

    def __init__(
        self,
        store: Store,
        on_new: Callable[[], None],
        networks: Mapping[str, GivenNetwork] = MappingProxyType({}),
    ) -> None:
        """`on_new` is called when there are checkpoints that there were not.

        `networks`: those that were given, by name.
        """
        self._networks = networks
        self._store = store
        self._on_new = on_new
        self._known: dict[str, _Known] = {}
        self._failed: dict[str, str] = {}  # what has been logged, by run
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="folders", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """End, after the look at hand; one that hangs, as at a disk of another machine, is left behind."""
        self._closing.set()
        self._thread.join(timeout=3)

    def _work(self) -> None:
        failing, took = False, 0.0
        while not self._closing.wait(min(max(_LOOK_SECONDS, _SHARE * took), _LONGEST_PAUSE)):
            began = time.monotonic()
            try:
                self._look()
                failing = False
            except StoreUnavailable as error:
                if not failing:
                    log.warning("Watching folders: %s", error)
                failing = True
                self._known = {}
            took = time.monotonic() - began

    def _look(self) -> None:
        runs = {run.id: run for run in self._store.runs(state="watched")}
        self._known = {run_id: known for run_id, known in self._known.items() if run_id in runs}
        for run in runs.values():
            if isinstance(run.config, WatchedConfig) and not self._closing.is_set():
                try:
                    self._look_at(run, run.config)
                except StoreUnavailable:
                    raise
                except Exception as error:  # one folder keeps no other waiting
                    if self._failed.get(run.id) != str(error):
                        log.error("Watching %s failed.", run.config.folder, exc_info=error)
                        said = printable(f"The folder cannot be looked into: {error!r}"[:_MOST_SAID])
                        self._store.add_sight(run.id, run.config, said, [])
                    self._failed[run.id] = str(error)

    def _look_at(self, run: Run, config: WatchedConfig) -> None:
        known = self._known.setdefault(run.id, _Known())
        sight = sight_of(config, self._networks)
        # The graph may tell another activation than is assumed: what is evaluated before goes then, and the
        # program may have deleted the checkpoint. At the next look the graph is there, or there is none.
        passes_over = (
            config.activation_is_assumed and not known.passed_over and _may_get_a_graph(known, sight)
        )
        if passes_over:
            sight = replace(sight, checkpoints=sight.checkpoints[:-1], stamps=sight.stamps[:-1])
            if not sight.checkpoints:
                known.passed_over = True
                return
        found, stamps = [], {}
        for checkpoint, stamp in zip(sight.checkpoints, sight.stamps, strict=True):
            if known.stamps.get(checkpoint.step) != stamp:
                saved = as_recorded(checkpoint, stamp)
                if checkpoint.stamp == stamp:  # else the size may be that of a part; the next look tells
                    found.append(saved)
                    stamps[saved.step] = stamp
        graph = _graph(sight) if config.graph_may_tell else known.graph
        if found or graph != known.graph or (config.hidden is None and not known.unsuitable):
            config, known.unsuitable = _described(config, sight)
        message = printable(known.unsuitable or sight.problem)
        if found or (config, message) != (run.config, run.message):
            anew = {step for step, stamp in stamps.items() if _is_swapped(known.stamps.get(step), stamp)}
            self._store.add_sight(run.id, config, message, found, anew)
        known.stamps.update(stamps)
        known.graph = graph
        known.passed_over = passes_over
        if found or known.activation != config.activation:
            known.activation = config.activation
            self._on_new()


def _may_get_a_graph(known: _Known, sight: FolderSight) -> bool:
    """Whether the newest checkpoint is new, and of a Saver that may not have written its graph yet."""
    if not sight.checkpoints:
        return False
    newest, stamp = sight.checkpoints[-1], sight.stamps[-1]
    if known.stamps.get(newest.step) == stamp or isinstance(newest, KerasCheckpoint):
        return False
    graph = _graph(sight)
    if graph and graph.modified_ns >= stamp.modified_ns:
        return False
    try:
        return OBJECT_GRAPH not in open_bundle(newest.prefix).entries  # of objects: there is none to come
    except (CheckpointMissing, CheckpointDamaged):  # deleted or written anew just now
        return True


def _graph(sight: FolderSight) -> Stamp | None:
    return stamp_of(graph_file(sight.checkpoints[-1])) if sight.checkpoints else None


def _is_swapped(before: Stamp | None, now: Stamp) -> bool:
    """Whether it is another file of the same time and size, which the store cannot tell apart."""
    return before is not None and before.size == now.size and is_same_time(before.written_at, now.written_at)


def _described(config: WatchedConfig, sight: FolderSight) -> tuple[WatchedConfig, str]:
    """The configuration with what the newest checkpoint tells of the network; or why it tells nothing."""
    for checkpoint in reversed(sight.checkpoints):
        try:
            layout = layout_in(checkpoint)
        except (CheckpointMissing, CheckpointDamaged):  # an older one tells the same
            continue
        except CheckpointUnsuitable as error:
            return config, str(error)
        known = [average.name for average in config.averages]
        new = [name for name in layout.averages if name not in known and _can_be_kept(name)]
        averages = tuple(WatchedAverage(name=name) for name in [*known, *new][:_MOST_AVERAGES])
        known_by_now: dict[str, Any] = {"hidden": layout.hidden, "averages": averages}
        if layout.activation is not None:
            known_by_now |= {"activation": layout.activation, "activation_from": "checkpoint"}
        elif layout.hidden and config.graph_may_tell:
            known_by_now |= _by_graph(activation_beside(sight.checkpoints, layout.variables))
        return config.model_copy(update=known_by_now), ""
    return config, ""


def _by_graph(told: str | None) -> dict[str, Any]:
    """What follows of `activation_beside`: without a graph, as while it is written, all is as before."""
    if told is None:
        return {}
    return {"activation": told, "activation_from": "graph"} if told else dict(_ASSUMED)


def _can_be_kept(name: str) -> bool:
    """Whether an average of this name can be stored and shown: other programs may call it anything."""
    return len(name) <= _LONGEST_NAME and name.isprintable()
