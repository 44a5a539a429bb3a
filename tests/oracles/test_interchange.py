"""Checkpoints go both ways between Shadowboard and the reference's programs, equal to the image."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shadowboard.configuration import parse_config
from shadowboard.dataset import Dataset, Split, as_float
from shadowboard.source import Source
from tests.oracles import reference_programs
from worker.training import train

AVERAGES = [{"decay": 0.99}, {"decay": 0.9, "num_updates": False}]
CHOICES = [("validation", None), ("test", None), ("validation", 0), ("test", 0), ("test", 1)]
Correct = Callable[[Path, str, str | None], int]


@pytest.fixture(scope="module")
def ours(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ours")
    list(train(parse_config({"steps": 300, "averages": AVERAGES}), mnist.train, folder, lambda: False))
    return folder


@pytest.fixture(scope="module")
def theirs(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs")
    reference_programs.train(
        folder,
        as_float(mnist.train.images),
        mnist.train.labels.astype(np.int32),
        reference_programs.shuffled_order(len(mnist.train), 300, 100),
        reference_programs.initial_values(),
        steps=300,
        averages=[(a.decay, a.num_updates, a.name) for a in parse_config({"averages": AVERAGES}).averages],
    )
    return folder


@pytest.fixture(params=["ours", "theirs"])
def folder(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder


def images_of(mnist: Dataset, split: str) -> Split:
    return mnist.validation if split == "validation" else mnist.test


@pytest.mark.parametrize(("split", "average"), CHOICES)
def test_both_evaluators_read_both_folders_alike(
    mnist: Dataset, folder: Path, split: str, average: int | None
) -> None:
    name = None if average is None else parse_config({"averages": AVERAGES}).averages[average].name
    images = images_of(mnist, split)
    expected = reference_programs.evaluate_latest(
        folder,
        as_float(images.images),
        images.labels.astype(np.int32),
        ema=name is not None,
        average=name or reference_programs.TF_AVERAGE,
    )
    source = Source("", folder, "mnist", "relu")
    checkpoint = source.checkpoint("latest", name)
    result = source.evaluate(checkpoint, name, split)
    assert (checkpoint.step, result.correct, result.n) == expected
    assert result.accuracy > 0.9


def test_the_averages_differ_from_the_raw_weights(folder: Path) -> None:
    """Or the test above would say nothing."""
    source = Source("", folder, "mnist", "relu")
    checkpoint = source.checkpoint("latest", None)
    names = [None, *(a.name for a in parse_config({"averages": AVERAGES}).averages)]
    assert len({source.evaluate(checkpoint, name, "test").loss for name in names}) == 3
