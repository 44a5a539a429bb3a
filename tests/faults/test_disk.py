"""A disk that takes no more: the operating system's own limit on file size, so the failing write is real."""

import resource
import subprocess
import sys
from pathlib import Path

import tensorflow as tf

from shadowboard.store import Store

ROOT = Path(__file__).parents[2]
LIMIT = 2**20  # enough for the database, not for 3 MB of weights


def test_a_checkpoint_that_does_not_fit_ends_the_run_with_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "shadowboard.cli", "train", "--home", str(tmp_path), "--steps", "10"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)),
    )
    assert done.returncode == 1
    store = Store(f"sqlite:///{tmp_path / 'shadowboard.db'}")
    (run,) = store.runs()
    store.close()
    assert run.state == "failed"
    assert run.message.startswith("The checkpoint of step 0 could not be saved in ")
    assert done.stderr.splitlines()[-1] == f"shadowboard: Run {run.id} failed: {run.message}"
    assert "Traceback" not in done.stderr
    folder = tmp_path / "runs" / run.id
    assert tf.train.latest_checkpoint(str(folder)) is None
    assert list(folder.iterdir()) == []
