"""Checkpoints cut off anywhere, and with any byte changed: named, passed over, never evaluated."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from shadowboard import checkpoints
from shadowboard.checkpoints import Checkpoint
from shadowboard.configuration import parse_config
from shadowboard.errors import CheckpointDamaged
from tests.faults.processes import server, wait_for
from tests.faults.test_servers import ask
from tests.faults.workers import store_of
from tests.server.conftest import TINY, tensors

Tell = Callable[[str, int, str], None]

ENDS = (".index", ".data-00000-of-00001")


def file_of(checkpoint: Checkpoint, end: str) -> Path:
    return checkpoint.prefix.with_name(checkpoint.prefix.name + end)


def damaged(content: bytes, every: int) -> Iterator[bytes]:
    """Cut off, from some byte on zeros as after a crash of the machine, and bits flipped."""
    for at in range(0, len(content), every):
        yield content[:at]
        if any(content[at:]):
            yield content[:at] + bytes(len(content) - at)
        for mask in (1, 16, 128, 255):
            yield content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]


@pytest.mark.parametrize("end", ENDS)
def test_every_damage_is_noticed(tmp_path: Path, end: str, thorough: bool, tell: Tell) -> None:
    weights = np.arange(6, dtype=np.float32).reshape(3, 2)
    held = {"layer1/weights": weights, "layer1/weights/EMA": weights / 3, "global_step": np.int64(2)}
    checkpoints.save(tmp_path, 1, held)
    newest = checkpoints.save(tmp_path, 2, held)
    file, noticed, tried = file_of(newest, end), 0, 0
    for content in damaged(file.read_bytes(), 1 if thorough else 7):
        file.write_bytes(content)
        tried += 1
        try:
            read = checkpoints.read(newest)
        except CheckpointDamaged:
            noticed += 1
            checkpoint, _, (passed,) = checkpoints.read_newest_good(tmp_path)
            assert checkpoint.step == 1
            assert str(passed).startswith("The checkpoint model.ckpt-2 is damaged or cannot be read: ")
        else:  # some bytes of an index say nothing
            assert end == ".index"
            assert read.keys() == held.keys()
            assert all(np.array_equal(read[name], held[name]) for name in held)
    assert noticed > 0.7 * tried
    tell(
        f"damage to a checkpoint's {end.partition('-')[0]} file",
        tried,
        f"{noticed:,} detected, {tried - noticed:,} harmless: every tensor the same",
    )


def test_what_is_damaged_is_never_evaluated(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    config = parse_config(TINY)
    run_id = store.create_run(config, worker="worker").id
    cases: dict[int, Callable[[bytes], bytes]] = {
        20: lambda content: content[: len(content) // 2],
        30: lambda content: bytes(len(content)),
        40: lambda content: content[:9] + bytes([content[9] ^ 1]) + content[10:],
        50: lambda content: b"",
    }
    for step in (10, *cases):
        saved = checkpoints.save(tmp_path / "runs" / run_id, step, tensors(config, step))
        store.add_checkpoint(run_id, "worker", step, saved.bytes)
        if step in cases:
            file = file_of(saved, ENDS[step % 20 // 10])
            file.write_bytes(cases[step](file.read_bytes()))
    store.release(run_id, "worker", "finished", "")
    log = tmp_path / "log"
    with server(tmp_path, log) as (_, url):
        wait_for(lambda: len(store.scores(run_id)) == 4)
        wait_for(
            lambda: all(f"The checkpoint model.ckpt-{step} is damaged" in log.read_text() for step in cases)
        )
        for path in (f"evaluate?run={run_id}", f"compare?run={run_id}", f"evaluate?run={run_id}&ema=true"):
            status, answer = ask(f"{url}/{path}")
            assert (status, answer["step"]) == (200, 10)
            assert all(f"model.ckpt-{step}" in answer["note"] for step in cases)
        for step in cases:
            status, answer = ask(f"{url}/evaluate?run={run_id}&step={step}")
            assert "is damaged" in answer["detail"], status
    assert {score.step for score in store.scores(run_id)} == {10}
    assert tf.train.latest_checkpoint(str(tmp_path / "runs" / run_id)).endswith("-50"), (
        "as TensorFlow sees it"
    )
    store.close()
