from pathlib import Path

import pytest
import tensorflow as tf

from shadowboard import checkpoints
from shadowboard.checkpoints import Checkpoint
from shadowboard.errors import CheckpointMissing
from shadowboard.network import init
from shadowboard.source import Source
from tests.oracles.reference_programs import build_graph


def test_best_passes_over_what_is_damaged_or_deleted_since_the_listing(
    tmp_path: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [checkpoints.save(tmp_path, step, init((8,), seed=step)) for step in range(4)]
    source = Source("mine", tmp_path, str(small_data), "relu")
    correct = [source.evaluate(checkpoint, None, "validation").correct for checkpoint in there]
    best = max(correct)
    assert source.checkpoint("best", None) == there[correct.index(best)]
    listed = [Checkpoint(tmp_path / "model.ckpt-9", 9), *there]
    monkeypatch.setattr(checkpoints, "list_checkpoints", lambda _: listed)
    assert source.checkpoint("best", None) == there[correct.index(best)]
    damaged = there[correct.index(best)].index
    damaged.write_bytes(damaged.read_bytes()[:20])
    rest = [count for place, count in enumerate(correct) if place != correct.index(best)]
    assert correct[source.checkpoint("best", None).step] == max(rest)
    for checkpoint in there:
        checkpoint.index.unlink()
    with pytest.raises(CheckpointMissing, match="There is no readable checkpoint in"):
        source.checkpoint("best", None)


def test_an_activation_that_nobody_has_told_is_said_to_be_assumed(
    tmp_path: Path, small_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for told, hidden in ((True, (8,)), (False, ()), (False, (8,))):
        there = checkpoints.save(tmp_path, 1, init(hidden, seed=1))
        source = Source("mine", tmp_path, str(small_data), "relu", is_assumed=not told)
        for split in ("validation", "test"):
            source.evaluate(there, None, split)
        expected = 0 if told or not hidden else 1  # once for both
        assert caplog.text.count("The activation of the hidden layers is assumed to be relu") == expected
    caplog.clear()
    wanted = Source("mine", tmp_path, str(small_data), "tanh").evaluate(there, None, "test")
    program = build_graph(hidden=(8,), activation="tanh")  # beside the last one
    with program.graph.as_default():
        tf.compat.v1.train.export_meta_graph(f"{there.prefix}.meta")
    found = Source("mine", tmp_path, str(small_data), "relu", is_assumed=True).evaluate(there, None, "test")
    assert (found.loss, caplog.text) == (wanted.loss, "")
