"""A network given as a function, against TensorFlow's own forward pass, from its file to answers."""

import json
import sys
from contextlib import closing
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from shadowboard import checkpoints, cli
from shadowboard.checkpoints import Checkpoint
from shadowboard.contents import open_contents
from shadowboard.dataset import Dataset, as_float
from shadowboard.errors import CheckpointUnsuitable, ConfigurationInvalid
from shadowboard.given_network import GivenCheckpoint, GivenNetwork, load_network
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.watched import watched_config
from shadowboard.weights import averages_of, restore
from tests.faults.processes import wait_for
from tests.server.conftest import running

SOURCE = """
import tensorflow as tf

def logits(weights, images):
    pictures = tf.reshape(images, [-1, 28, 28, 1])
    found = tf.nn.relu(tf.nn.conv2d(pictures, weights["conv/kernel"], 4, "SAME"))
    return tf.reshape(found, [-1, 98]) @ weights["head/kernel"] * weights["scale"]

def breaks(weights, images):
    raise KeyError("no such variable")

def wrong(weights, images):
    return images[:, :7]

number = 7
"""
SHAPES = {"conv/kernel": (5, 5, 1, 2), "head/kernel": (98, 10), "scale": ()}


def values(seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: np.asarray(random.normal(size=shape), np.float32) for name, shape in SHAPES.items()}


def expected(weights: dict[str, np.ndarray], images: Any) -> np.ndarray:
    layer = tf.keras.layers.Conv2D(2, 5, 4, "same", activation="relu", use_bias=False)
    pictures = images.reshape(-1, 28, 28, 1)
    layer.build(pictures.shape)
    layer.set_weights([weights["conv/kernel"]])
    return layer(pictures).numpy().reshape(-1, 98) @ weights["head/kernel"] * weights["scale"]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the current folder, of a name that no other test has."""
    name = f"network_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


@pytest.fixture
def saved(tmp_path: Path) -> Checkpoint:
    """Raw and averaged weights, and what an optimiser keeps."""
    averaged = {f"{name}/ExponentialMovingAverage": value for name, value in values(2).items()}
    slots = {f"{name}/Momentum": value for name, value in values(3).items()}
    more = {"global_step": np.int64(9), "beta1_power": np.float32(0.9)}
    return checkpoints.save(tmp_path / "theirs", 9, {**values(1), **averaged, **slots, **more})


def test_weights_are_handed_over_by_their_own_names(saved: Checkpoint) -> None:
    given = GivenCheckpoint(saved.prefix, saved.step, GivenNetwork("any"))
    assert averages_of(given) == ["ExponentialMovingAverage"]
    for average, seed in ((None, 1), ("ExponentialMovingAverage", 2)):
        found = restore(given, average)
        assert set(found) == set(SHAPES)
        for name, value in values(seed).items():
            np.testing.assert_array_equal(found[name], value)


def test_an_object_based_checkpoint_by_its_own_names(tmp_path: Path) -> None:
    class Net(tf.Module):
        def __init__(self, seed: int) -> None:
            super().__init__()
            self.kernel, _, self.scale = (tf.Variable(value) for value in values(seed).values())

    path = tf.train.Checkpoint(net=Net(1), ema=Net(2)).save(str(tmp_path / "ckpt"))
    given = GivenCheckpoint(Path(path), 1, GivenNetwork("any"))
    for average, seed in ((None, 1), ("ema", 2)):
        found = restore(given, average)
        assert set(found) == {"net/kernel", "net/scale"}
        np.testing.assert_array_equal(found["net/kernel"], values(seed)["conv/kernel"])
    pairs = {role.of: name for name, role in open_contents(given).roles.items() if role.kind == "average"}
    value = "/.ATTRIBUTES/VARIABLE_VALUE"
    assert pairs == {f"net/{name}{value}": f"ema/{name}{value}" for name in ("kernel", "scale")}


def test_the_current_folder_is_the_last_where_modules_are_looked_for(module: str, tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("raise SystemExit(3)")
    load_network(f"{module}:logits")
    spec = PathFinder.find_spec("server")
    assert spec
    assert spec.origin != str(tmp_path / "server.py")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nonsense", "network is 'nonsense'; expected package.module:function."),
        ("no_such_module:f", "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'."),
        ("MODULE:missing", "cannot be imported: AttributeError: module"),
        ("MODULE:missing", "/MODULE.py)."),
        ("MODULE:number", "which is no function but int."),
    ],
)
def test_what_is_no_function_is_refused(name: str, sentence: str, module: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        load_network(name.replace("MODULE", module))
    assert sentence.replace("MODULE", module) in str(refused.value)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("breaks", "breaks failed: KeyError: 'no such variable'."),
        ("wrong", r"wrong gave \[3, 7\] for 3 images; expected logits \[3, 10\]."),
    ],
)
def test_a_function_that_does_not_do_is_told(function: str, sentence: str, module: str) -> None:
    with pytest.raises(CheckpointUnsuitable, match=sentence):
        load_network(f"{module}:{function}").logits({}, np.zeros((3, 784), np.float32))


def test_from_the_folder_to_evaluations_and_predictions(
    saved: Checkpoint, module: str, mnist: Dataset, tmp_path: Path
) -> None:
    network = load_network(f"{module}:logits")
    settings = Settings(home=tmp_path / "home", host="127.0.0.1", port=0)
    images = as_float(mnist.validation.images)
    with closing(Store(settings.store_url)) as store:
        run = store.watch(watched_config(saved.prefix.parent, network=network.name))
        with running(settings) as client:  # a server that has not got it says so
            wait_for(lambda: store.run(run.id).latest_checkpoint == 9)
            detail = client.get(f"/evaluate?run={run.id}").json()["detail"]
            assert f"evaluated by `shadowboard watch … --network {network.name}`" in detail
        with running(settings, network) as client:
            wait_for(lambda: len(store.scores(run.id)) == 4)
            for ema, seed in (("false", 1), ("true", 2)):
                logits = expected(values(seed), images)
                answer = client.get(f"/evaluate?run={run.id}&ema={ema}").raise_for_status().json()
                assert answer["correct"] == np.count_nonzero(logits.argmax(1) == mnist.validation.labels)
                body = {"image": images[3].reshape(28, 28).tolist()}
                read = client.post(f"/predict?run={run.id}", json=body).raise_for_status().json()
                kind = read["raw"] if seed == 1 else read["averages"][0]
                assert kind["digit"] == logits[3].argmax()
                wanted = tf.nn.softmax(logits[3]).numpy()
                np.testing.assert_allclose(kind["probabilities"], wanted, rtol=1e-3, atol=1e-5)


def test_commands_read_a_run_with_its_network(
    saved: Checkpoint,
    module: str,
    mnist: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_id, path = "", str(tmp_path / "picture.png")
    Image.fromarray(255 - mnist.test.images[0].reshape(28, 28)).save(path)

    def command(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["shadowboard", *arguments, "--run", run_id])
        code = cli.run()
        said = capsys.readouterr()
        return code, said.err or said.out

    home = tmp_path / "home"
    monkeypatch.setenv("SHADOWBOARD_HOME", str(home))
    for network in (f"{module}:logits", "not_here:logits"):
        with closing(Store(Settings(home=home).store_url)) as store:
            run_id = store.watch(watched_config(saved.prefix.parent, network=network)).id
        if network == "not_here:logits":
            code, said = command("evaluate")
            assert code == 1
            assert "network is 'not_here:logits', which cannot be imported" in said
            continue
        images = as_float(mnist.validation.images)
        right = [
            int(np.count_nonzero(expected(values(seed), images).argmax(1) == mnist.validation.labels))
            for seed in (1, 2)
        ]
        code, said = command("compare", "--json")
        assert code == 0
        told = json.loads(said)
        assert [told["raw"]["correct"], told["ema"]["correct"]] == right
        assert json.loads(command("evaluate", "--ema", "--json", "--step", "best")[1])["correct"] == right[1]
        assert command("predict", path)[0] == 0
    refused = "Keras holds a network, and this one is the function not_here:logits"
    assert refused in command("export", "--format", "keras")[1]
    assert command("export", "--format", "npz", "--output", str(tmp_path / "all.npz"))[0] == 0
    assert set(np.load(tmp_path / "all.npz")) == set(SHAPES)
