"""Where weights that were asked for come from: a run of the store, or a folder that any program wrote."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard import checkpoints
from shadowboard.activations import ToldWeights
from shadowboard.averaging import Average
from shadowboard.checkpoints import Checkpoint
from shadowboard.dataset import Dataset, Split, load_dataset
from shadowboard.digit_image import DigitImage
from shadowboard.errors import CheckpointDamaged, CheckpointMissing, CheckpointUnsuitable
from shadowboard.evaluation import Evaluation, evaluate, probabilities, require_finite
from shadowboard.export.formats import label
from shadowboard.folder_sight import look
from shadowboard.given_network import GivenCheckpoint, GivenNetwork, GivenWeights, load_network
from shadowboard.graph_file import activation_beside
from shadowboard.listing import pick
from shadowboard.records import Run, rank
from shadowboard.settings import Settings
from shadowboard.watched import WatchedConfig
from shadowboard.weights import averages_of, names_of, restore

log = logging.getLogger(__name__)

_OF_ONE_LAYER = 2  # variables: without a hidden layer there is no activation


@dataclass(frozen=True)
class Source:
    """A folder of checkpoints, and what is needed to use them that is not in them.

    `averages` are those that are known to be kept: none of a folder. `network`: the function that reads its
    weights, package.module:function; empty: a chain of dense layers is recognised. `is_assumed`: nobody has
    said that this is the activation.
    """

    name: str
    folder: Path
    data: str
    activation: str
    averages: tuple[Average, ...] = ()
    run: Run | None = None
    network: str = ""
    is_assumed: bool = False

    @classmethod
    def of_run(cls, run: Run, settings: Settings) -> "Source":
        """The checkpoints of a run in the store."""
        config = run.config
        network, is_assumed = "", False
        if isinstance(config, WatchedConfig):
            network, is_assumed = config.network, config.activation_is_assumed
        name = f"the run {run.name!r} ({run.id})"
        folder = run.folder or settings.run_folder(run.id)
        averages = tuple(average for average in config.averages if isinstance(average, Average))
        return cls(name, folder, config.data, config.activation, averages, run, network, is_assumed)

    @property
    def label(self) -> str:
        """How the names of files begin that are made of it."""
        return label(self.run.name, self.run.id) if self.run else label(self.folder.resolve().name)

    def first_average(self) -> str:
        """The average that is meant where none is named. Raises CheckpointUnsuitable where there is none."""
        there = averages_of(self.latest())
        if not there:
            raise CheckpointUnsuitable(
                f"The checkpoints of {self.name} hold no average; ask for raw weights."
            )
        return there[0]

    def latest(self) -> Checkpoint:
        """The newest good checkpoint; damaged ones passed over are logged. Raises CheckpointMissing."""
        if others := self._of_other_names():
            return self._seen(others[-1])
        checkpoint, _, damaged = checkpoints.read_newest_good(self.folder)
        for error in damaged:
            log.warning("%s", error)
        return self._seen(checkpoint)

    def _of_other_names(self) -> list[Checkpoint]:
        """Where none is called `<name>-<step>.index`: those with a step inside, and those of Keras."""
        return [] if checkpoints.list_checkpoints(self.folder) else look(self.folder).checkpoints

    def _there(self) -> list[Checkpoint]:
        there = checkpoints.list_checkpoints(self.folder) or self._of_other_names()
        return [self._seen(checkpoint) for checkpoint in there]

    def _seen(self, checkpoint: Checkpoint) -> Checkpoint:
        """With the network that is given for it; its function is loaded where it is called."""
        if not self.network:
            return checkpoint
        return GivenCheckpoint(checkpoint.prefix, checkpoint.step, GivenNetwork(self.network))

    @cached_property
    def _given(self) -> GivenNetwork:
        return load_network(self.network)

    def restore(self, checkpoint: Checkpoint, average: str | None) -> Mapping[str, NDArray[Any]]:
        """The raw (None) or averaged weights; logs, once, that the activation that they need is assumed."""
        weights = restore(checkpoint, average)
        is_told = isinstance(weights, GivenWeights | ToldWeights) or len(weights) <= _OF_ONE_LAYER
        if is_told or not self.is_assumed:
            return weights
        if self._graph_tells:
            return ToldWeights(weights, self._graph_tells)
        _ = self._mention
        return weights

    @cached_property
    def _graph_tells(self) -> str | None:
        """The activation by the newest graph beside the checkpoints; empty or None where none tells it."""
        there = self._there()
        for checkpoint in reversed(there):
            with suppress(CheckpointDamaged, CheckpointMissing, CheckpointUnsuitable):  # an older one may do
                return activation_beside(there, names_of(checkpoint, None))
        return None

    @cached_property
    def _mention(self) -> None:
        log.warning(
            "The activation of the hidden layers is assumed to be %s, for nobody has told it; --activation "
            "tells it, here with --folder or of `shadowboard watch` for good.",
            self.activation,
        )

    def _restored(self, checkpoint: Checkpoint, average: str | None) -> Mapping[str, NDArray[Any]]:
        """The weights, to read images with. Raises ConfigurationInvalid where a given network is not here."""
        if isinstance(checkpoint, GivenCheckpoint):
            checkpoint = replace(checkpoint, network=self._given)
        return self.restore(checkpoint, average)

    def checkpoint(self, step: str, average: str | None) -> Checkpoint:
        """The checkpoint of `latest`, `best` (by validation accuracy of these weights), or a number."""
        if step == "latest":
            return self.latest()
        if step == "best":
            return self._best(average)
        if not (step.isascii() and step.isdigit()):
            raise CheckpointMissing(f"The step is {step!r}; expected latest, best or a number.")
        return pick(self._there(), int(step))

    def _best(self, average: str | None) -> Checkpoint:
        validation = self._dataset.split("validation")
        correct: dict[Checkpoint, int] = {}
        for checkpoint in self._there():
            try:
                correct[checkpoint] = self._evaluate(checkpoint, average, validation).correct
            except (CheckpointDamaged, CheckpointMissing):  # it may be deleted since the listing
                continue
        if not correct:
            raise CheckpointMissing(f"There is no readable checkpoint in {self.folder}.")
        return min(correct, key=lambda checkpoint: rank(correct[checkpoint], checkpoint.step))

    def evaluate(self, checkpoint: Checkpoint, average: str | None, split: str) -> Evaluation:
        """Read all images of `validation` or `test` with raw (None) or averaged weights."""
        return self._evaluate(checkpoint, average, self._dataset.split(split))

    @cached_property
    def _dataset(self) -> Dataset:
        return load_dataset(self.data)

    def _evaluate(self, checkpoint: Checkpoint, average: str | None, images: Split) -> Evaluation:
        return evaluate(self._restored(checkpoint, average), images, self.activation)

    def read_digit(self, checkpoint: Checkpoint, image: DigitImage) -> dict[str, list[float]]:
        """`raw`, and each average by name → ten probabilities for one image, float32 [28, 28]."""
        averages = [None, *averages_of(checkpoint)]
        sets = [self._restored(checkpoint, average) for average in averages]
        for weights in sets:
            require_finite(weights)
        (rows,) = probabilities(sets, np.reshape(image, (1, -1)), self.activation).tolist()
        return {average or "raw": row for average, row in zip(averages, rows, strict=True)}
