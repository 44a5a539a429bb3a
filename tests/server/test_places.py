"""What is told over HTTP of this machine's folders: in sentences nothing, else all only without a token."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from server.problems import without_folders
from shadowboard.configuration import parse_config
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.watched import watched_config
from tests.faults.processes import wait_for
from tests.server.conftest import TINY, Reader, running

PRIVATE = "Folder of Somebody"
TOKEN = "a-token-of-this-test"  # noqa: S105 - and of no server that lasts


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("could not be saved in /home/x/runs/abc: No space.", "could not be saved in abc: No space."),
        (
            "/home/my user/data/train holds 3 images and /home/my user/data/labels 4 labels; expected one.",
            "train holds 3 images and labels 4 labels; expected one.",
        ),
        ("/home/my user does not exist; expected `mnist`.", "my user does not exist; expected `mnist`."),
        ("sqlite:////home/my user/a b.db cannot be used: locked.", "a b.db cannot be used: locked."),
        (
            "postgresql+psycopg://u:***@host/db cannot be used: no “/var/run/my pg/socket” there.",
            "db cannot be used: no “socket” there.",
        ),
        (
            "'/x/y z/w' (/a b/c), layer1/weights and 28×28/3 stay.",
            "'w' (c), layer1/weights and 28×28/3 stay.",
        ),
    ],
)
def test_sentences_without_folders(sentence: str, told: str) -> None:
    assert without_folders(sentence) == told


@pytest.fixture(params=["", TOKEN], ids=["without a token", "with a token"])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, small_data: Path
) -> Iterator[tuple[httpx2.Client, Store, Path, bool]]:
    home = tmp_path / PRIVATE
    home.mkdir()
    settings = Settings(home=home, host="127.0.0.1", port=0, token=SecretStr(request.param))
    with closing(Store(settings.store_url)) as store, running(settings) as client:
        yield client, store, home, bool(request.param)


def test_every_answer_about_runs_in_folders(served: tuple[httpx2.Client, Store, Path, bool]) -> None:
    client, store, home, has_token = served
    theirs, images = home / "theirs", home / "images"
    theirs.mkdir()
    watched = store.watch(watched_config(theirs, data=str(images)))
    knobs = {"data": str(images), "start_from": {"folder": str(theirs), "step": 1}}
    failed = store.create_run(parse_config(TINY | knobs), worker="worker")
    store.release(failed.id, "worker", "failed", f"{images} does not exist; expected a folder.")
    wait_for(lambda: "which is empty" in store.run(watched.id).message)

    views = {run["id"]: run for run in client.get("/runs").json()["runs"]}
    assert views[watched.id]["message"].startswith("There is no TensorFlow checkpoint in theirs, which is")
    assert views[failed.id]["message"] == "images does not exist; expected a folder."
    told = [views[watched.id]["config"][name] for name in ("folder", "data")]
    config = views[failed.id]["config"]
    told += [config["data"], config["start_from"]["folder"]]
    whole = [theirs, images, images, theirs]
    assert told == [f"…/{path.name}" if has_token else str(path) for path in whole]

    for run in (watched, failed):
        answers = [client.get(f"/runs/{run.id}").text, client.get(f"/evaluate?run={run.id}").text]
        answers += [client.get("/readyz").text, client.get(f"/runs/{run.id}/checkpoints").text]
        answers.append(client.get(f"/runs/{run.id}/start").text)
        with Reader(client, run) as reader:
            reader.wait(bool)
            answers.append(json.dumps(reader.events))
        assert views[run.id]["name"] in answers[0]
        if has_token:
            assert not [answer for answer in answers if PRIVATE in answer or str(home.parent) in answer]
