import gc
import weakref

import numpy as np

from shadowboard.batches import batches
from shadowboard.dataset import Split


def split(seed: int) -> Split:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (7, 784), np.uint8) * (rng.random((7, 784)) < 0.1)
    return Split(images.astype(np.uint8), rng.integers(0, 10, 7, np.uint8))


def test_however_many_data_sets_are_read_in_turn_each_is_put_in_batches_once() -> None:
    splits = [split(seed) for seed in range(12)]
    made = [batches(one) for one in splits]
    assert all(batches(one) is before for one, before in zip(splits, made, strict=True))


def test_batches_go_with_their_images() -> None:
    images = split(0)
    (batch,) = batches(images)
    gone = weakref.ref(batch)
    del images, batch
    gc.collect()
    assert gone() is None
