"""The learning rate as a function of the step."""

import numpy as np
from numpy.typing import NDArray

from shadowboard.configuration import RunConfig


def learning_rates(config: RunConfig, images: int, steps: NDArray[np.int64]) -> NDArray[np.float32]:
    """learning_rate · learning_rate_decay^(step / steps per epoch), continuous, for steps counted from 0."""
    epochs = steps * (config.batch_size / images)
    return (config.learning_rate * config.learning_rate_decay**epochs).astype(np.float32)
