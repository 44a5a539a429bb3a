"""The reference's programs and the product side by side: each follows what the other trains."""

import shutil
from contextlib import closing
from pathlib import Path

import numpy as np

from shadowboard.configuration import parse_config
from shadowboard.dataset import Dataset, Split, as_float
from shadowboard.evaluation import evaluate
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.watched import watched_config
from shadowboard.weights import restore
from tests.faults.processes import wait_for
from tests.oracles import reference_programs
from tests.server.conftest import running
from worker.training import Saved, train

STEPS, EVERY, KEPT = 2_000, 1_000, 2
HIDDEN = (64,)
AVERAGE = reference_programs.TF_AVERAGE


def reference_count(
    folder: Path, images: Split, *, ema: bool, activation: str = "relu"
) -> tuple[int, int, int]:
    pixels, labels = as_float(images.images), images.labels.astype(np.int32)
    found = reference_programs.evaluate_latest(
        folder, pixels, labels, ema=ema, hidden=HIDDEN, activation=activation
    )
    assert found is not None
    return found


def copied(folder: Path, step: int, to: Path) -> Path:
    """One checkpoint alone, as the newest of a folder of its own."""
    to.mkdir(parents=True)
    for file in folder.glob(f"*-{step}.*"):
        shutil.copy(file, to)
    (to / "checkpoint").write_text(f'model_checkpoint_path: "{reference_programs.BASENAME}-{step}"\n')
    return to


def test_a_run_of_the_reference_is_followed_live(mnist: Dataset, tmp_path: Path) -> None:
    """Its program waits at each checkpoint until that is evaluated, and deletes all but its last two.

    Its activation function is not the one that is assumed: the graph beside the checkpoints tells it.
    """
    settings = Settings(home=tmp_path / "home", host="127.0.0.1", port=0)
    theirs, kept = tmp_path / "theirs", tmp_path / "kept"
    theirs.mkdir()
    splits = {"validation": mnist.validation, "test": mnist.test}
    with closing(Store(settings.store_url)) as store, running(settings) as client:
        run = store.watch(watched_config(theirs))

        def scores() -> dict[tuple[int, str, str], int]:
            return {(s.step, s.average, s.split): s.correct for s in store.scores(run.id)}

        def on_step(step: int, _: float) -> None:
            saved = step - 1
            if saved % EVERY:
                return
            wanted = {(saved, kind, split) for kind in ("", AVERAGE) for split in splits}
            wait_for(lambda: wanted <= set(scores()))
            copied(theirs, saved, kept / str(saved))
            for old in theirs.glob(f"*-{saved - (KEPT - 1) * EVERY}.*"):
                old.unlink()

        reference_programs.train(
            theirs,
            as_float(mnist.train.images),
            mnist.train.labels.astype(np.int32),
            reference_programs.shuffled_order(len(mnist.train), STEPS, 100),
            reference_programs.initial_values(HIDDEN),
            hidden=HIDDEN,
            activation="tanh",
            steps=STEPS,
            save_every=EVERY,
            on_step=on_step,
        )
        wait_for(lambda: len(scores()) == 4 * (STEPS // EVERY + 1))
        copied(theirs, STEPS, kept / str(STEPS))
        for (step, average, split), correct in scores().items():
            if step == STEPS or bool(average) == (split == "test"):  # for each takes a second
                expected = reference_count(
                    kept / str(step), splits[split], ema=bool(average), activation="tanh"
                )
                assert (step, correct, len(splits[split])) == expected
        told = client.get(f"/runs/{run.id}/checkpoints").json()["checkpoints"]
        assert [c["step"] for c in told] == [*range(0, STEPS + 1, EVERY)]
        assert [c["step"] for c in told if c["present"]] == [STEPS - EVERY, STEPS]
        assert {c["file"] for c in told} == {f"{reference_programs.BASENAME}-{c['step']}" for c in told}
        assert scores()[STEPS, AVERAGE, "test"] > 9_500
        config = client.get(f"/runs/{run.id}").json()["config"]
        assert (config["activation"], config["activation_from"]) == ("tanh", "graph")


def test_the_reference_follows_a_run_of_ours(mnist: Dataset, tmp_path: Path) -> None:
    seen = []
    config = parse_config({"steps": 200, "save_every": 100, "hidden": HIDDEN})
    for event in train(config, mnist.train, tmp_path, lambda: False):
        if isinstance(event, Saved):
            for average in (None, AVERAGE):
                images = mnist.validation
                ours = evaluate(restore(event.checkpoint, average), images)
                theirs = reference_count(tmp_path, images, ema=average is not None)
                assert (event.checkpoint.step, ours.correct, ours.n) == theirs
            seen.append(event.checkpoint.step)
    assert seen == [0, 100, 200]
