"""The training metrics of a run as curves."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from server.datasets import Datasets
from server.schemas.history import TrainingCurve
from shadowboard.averaging import decays
from shadowboard.configuration import RunConfig
from shadowboard.errors import DatasetError
from shadowboard.records import Metric
from shadowboard.schedule import learning_rates
from shadowboard.watched import WatchedConfig


def training_curve(
    config: RunConfig | WatchedConfig, metrics: Sequence[Metric], datasets: Datasets
) -> TrainingCurve:
    """The metrics with the learning rates and decays of their steps, which follow from the configuration.

    Of a training that another program does, nothing is known.
    """
    if isinstance(config, WatchedConfig):
        return TrainingCurve(step=[], loss=[], learning_rate=[], decay={})
    steps = np.array([metric.step for metric in metrics], np.int64)
    rates: list[float | None]
    try:
        # A metric of step n is of the nth update, whose learning rate is that of n − 1 steps done.
        images = len(datasets.get(config.data).train)
        rates = [*_rounded(learning_rates(config, images, steps - 1))]
    except DatasetError:
        rates = [None] * len(metrics)
    return TrainingCurve(
        step=steps.tolist(),
        loss=[metric.loss if math.isfinite(metric.loss) else None for metric in metrics],
        learning_rate=rates,
        decay={a.name: _rounded(decays(a, steps)) for a in config.averages},
    )


def _rounded(values: Iterable[np.float32]) -> list[float]:
    """Each float32 as the shortest decimal that names it: 0.8, not 0.800000011920929."""
    return [float(str(value)) for value in values]
