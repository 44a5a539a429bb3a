"""Which folders may be watched by whoever asks over HTTP."""

from contextlib import closing
from pathlib import Path

from shadowboard.settings import Settings
from shadowboard.store import Store
from tests.faults.processes import wait_for
from tests.server.conftest import running
from tests.server.folders import NAMES, save


def test_over_http_only_folders_that_the_server_was_started_with(tmp_path: Path) -> None:
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    for folder in (allowed, other):
        folder.mkdir()
    save(allowed, 1)
    home = tmp_path / "home"
    settings = Settings(home=home, host="127.0.0.1", port=0, watch_folders=f"{allowed}, {tmp_path / 'gone'}")
    with closing(Store(settings.store_url)) as store, running(settings) as client:
        for folder in (str(other), "other", str(allowed), "../allowed", "allowed/.", "."):
            answer = client.post("/runs", json={"folder": folder})
            assert answer.status_code == 422
            assert "; expected allowed or gone. Its --watch-folders" in answer.json()["detail"]
        for body, sentence in (
            ({"folder": "gone"}, "is not there; expected the folder that checkpoints are saved in"),
            ({"folder": "allowed", "config": {"seed": 1}}, "'seed' cannot be chosen for a folder"),
            (
                {"folder": "allowed", "config": {"activation": "gelu"}},
                "activation is 'gelu'; expected 'relu'",
            ),
        ):
            answer = client.post("/runs", json=body)
            assert (answer.status_code, sentence in answer.json()["detail"]) == (422, True), answer.text
        assert store.runs() == []
        body = {"folder": "allowed", "name": "mine", "config": {"activation": "tanh"}}
        run = client.post("/runs", json=body).raise_for_status().json()
        assert (run["state"], run["name"], run["config"]["activation"]) == ("watched", "mine", "tanh")
        wait_for(lambda: len(store.scores(run["id"])) == 2 * (1 + len(NAMES)))
        assert client.post("/runs", json=body).json()["id"] == run["id"]
