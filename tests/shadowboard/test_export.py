"""Each format, loaded by the framework that would use it with the very lines of docs/export.md."""

import json
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated
from tensorflow.lite.tools import flatbuffer_utils

from shadowboard import checkpoints
from shadowboard.averaging import FIRST_NAME
from shadowboard.checkpoints import Checkpoint
from shadowboard.errors import CheckpointUnsuitable, PackageMissing
from shadowboard.export.exporting import Subject, export
from shadowboard.export.formats import FORMATS, FormatName, file_name, label
from shadowboard.given_network import GivenNetwork, GivenWeights
from shadowboard.graph_file import activation_beside
from shadowboard.keras_file import KerasCheckpoint
from shadowboard.layout import variable_names
from shadowboard.weights import layout_in, restore

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning"),  # Keras' own
    pytest.mark.filterwarnings(r"ignore:\s*Warning. tf.lite.Interpreter is deprecated:UserWarning"),
]

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
LINES = dict(re.findall(r"^## `([\w-]+)`\n.*?^```python\n(.*?)^```", DOCUMENTED, re.DOTALL | re.MULTILINE))
SOURCE, STEP = label("mnist", "k7m2xd"), 3000
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((5, 784), np.float32)

ACTIVATIONS = {
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "none": lambda z: z,
}


class Network(NamedTuple):
    hidden: tuple[int, ...]
    activation: str


NETWORKS = {
    "one layer of relu": Network((12,), "relu"),
    "two of tanh": Network((9, 8), "tanh"),
    "two without activation": Network((7, 6), "none"),
    "no hidden layer": Network((), "relu"),
    "sigmoid": Network((5,), "sigmoid"),
}


def random_weights(hidden: Sequence[int]) -> dict[str, NDArray[np.float32]]:
    shapes = [shape for i, o in pairwise([784, *hidden, 10]) for shape in ((i, o), (o,))]
    values = [RANDOM.normal(0, 0.1, shape).astype(np.float32) for shape in shapes]
    return dict(zip(variable_names(len(hidden) + 1), values, strict=True))


def answers_of(weights: Mapping[str, NDArray[Any]], activation: str) -> dict[str, NDArray[np.float64]]:
    """In float64, by the formula."""
    values = IMAGES.astype(np.float64)
    for i in range(1, len(weights) // 2 + 1):
        values = values @ weights[f"layer{i}/weights"].astype(np.float64) + weights[f"layer{i}/biases"]
        if i < len(weights) // 2:
            values = ACTIVATIONS[activation](values)
    odds = np.exp(values - values.max(axis=1, keepdims=True))
    return {"logits": values, "probabilities": odds / odds.sum(axis=1, keepdims=True)}


def run_documented(name: str, of: str = "ema") -> dict[str, Any]:
    """What the lines of a format find, in the current folder."""
    found: dict[str, Any] = {"images": IMAGES}
    exec(LINES[name].replace("-ema", f"-{of}"), found)  # noqa: S102 - they are the project's own
    return {key: np.asarray(found[key] if key in found else found["found"][key]) for key in answers(name)}


def answers(name: str) -> tuple[str, ...]:
    return ("logits",) if name == "npz" else ("logits", "probabilities")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def saved(folder: Path, hidden: Sequence[int]) -> dict[str | None, dict[str, NDArray[np.float32]]]:
    """A checkpoint with other weights for raw and each average, in the place that the documentation names."""
    sets: dict[str | None, dict[str, Any]] = {
        average: random_weights(hidden) for average in (None, FIRST_NAME, "EMA_0.999")
    }
    tensors = {
        f"{name}/{average}" if average else name: value
        for average, weights in sets.items()
        for name, value in weights.items()
    }
    checkpoints.save(folder / "shadowboard-data" / "runs" / "k7m2xd", STEP, tensors)
    return sets


def write(folder: Path, subject: Subject, name: FormatName) -> None:
    path = folder / subject.file_name(name)
    path.write_bytes(export(subject, name))
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)


def subject_of(folder: Path, average: str | None, activation: str = "relu") -> Subject:
    checkpoint = Checkpoint(folder / "shadowboard-data" / "runs" / "k7m2xd" / f"model.ckpt-{STEP}", STEP)
    return Subject(SOURCE, checkpoint, average, restore(checkpoint, average), activation)


@pytest.mark.parametrize("name", FORMATS)
def test_the_documented_lines_load_raw_and_averaged_weights(name: FormatName, home: Path) -> None:
    sets = saved(home, (12,))
    for average, of in ((None, "raw"), (FIRST_NAME, "ema"), ("EMA_0.999", "EMA_0.999")):
        subject = subject_of(home, average)
        assert subject.file_name(name) == f"mnist-k7m2xd-step-3000-{of}{FORMATS[name].end}"
        write(home, subject, name)
        expected = answers_of(sets[average], "relu")
        for key, found in run_documented(name, of).items():
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected[key], rtol=1e-5, atol=1e-5)


def test_every_format_is_documented() -> None:
    assert list(LINES) == list(FORMATS)
    table = re.findall(r"^\| `([\w-]+)` \|", DOCUMENTED, re.MULTILINE)
    assert table == list(FORMATS)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("name", [name for name in FORMATS if name != "npz"])
def test_networks_of_every_kind(name: FormatName, kind: str, home: Path) -> None:
    hidden, activation = NETWORKS[kind]
    sets = saved(home, hidden)
    write(home, subject_of(home, FIRST_NAME, activation), name)
    expected = answers_of(sets[FIRST_NAME], activation)
    for key, found in run_documented(name).items():
        np.testing.assert_allclose(found, expected[key], rtol=1e-5, atol=1e-5)


def operators_of(content: bytes) -> list[Any]:
    """The operators of a TensorFlow Lite model with what they take and give, and its signatures."""
    model = flatbuffer_utils.convert_bytearray_to_object(content)
    (graph,) = model.subgraphs

    def tensor(place: int) -> Any:
        found = graph.tensors[place]
        values = model.buffers[found.buffer].data
        width = list(found.shape if found.shapeSignature is None else found.shapeSignature)
        return width, found.type, None if values is None else values.tobytes()

    operators = [
        (
            vars(model.operatorCodes[operator.opcodeIndex]),
            vars(operator.builtinOptions) if operator.builtinOptions else None,
            [tensor(place) for place in operator.inputs],
            [tensor(place) for place in operator.outputs],
        )
        for operator in graph.operators
    ]
    signatures = [
        (
            one.signatureKey,
            *([(m.name, tensor(m.tensorIndex)) for m in maps] for maps in (one.inputs, one.outputs)),
        )
        for one in model.signatureDefs
    ]
    return [model.version, *operators, *signatures]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_flatbuffer_is_what_the_converter_makes(activation: str, home: Path) -> None:
    saved(home, (12, 8))
    subject = subject_of(home, FIRST_NAME, activation)
    write(home, subject, "saved-model")
    converter = tf.lite.TFLiteConverter.from_saved_model(f"{SOURCE}-ema/{STEP}")
    content = export(subject, "tflite")
    assert operators_of(content) == operators_of(converter.convert())
    model, whole = schema_py_generated.Model.GetRootAs(content, 0), np.frombuffer(content, np.uint8)
    values = [model.Buffers(i).DataAsNumpy() for i in range(1, model.BuffersLength())]
    assert {(one.ctypes.data - whole.ctypes.data) % 16 for one in values} == {0}


def test_a_meta_graph_tells_what_is_in_it(home: Path) -> None:
    saved(home, (12,))
    subject = subject_of(home, FIRST_NAME)
    text = export(subject, "meta-json").decode()
    assert json_format.Parse(text, tf.compat.v1.MetaGraphDef()) == tf.compat.v1.MetaGraphDef.FromString(
        export(subject, "meta")
    )
    told = json.loads(text)
    assert told["meta_info_def"]["tensorflow_version"] == tf.__version__
    used = {op["name"] for op in told["meta_info_def"]["stripped_op_list"]["op"]}
    assert used == {node["op"] for node in told["graph_def"]["node"]}
    assert {"MatMul", "Relu", "Softmax", "RestoreV2", "VarHandleOp"} <= used
    names = {node["name"] for node in told["graph_def"]["node"]}
    assert {"images", "logits", "probabilities", "layer1/weights", "layer2/biases"} <= names
    saver = told["saver_def"]
    assert {saver["restore_op_name"], saver["save_tensor_name"].partition(":")[0]} <= names
    assert saver["version"] == "V2"
    assert {"variables", "trainable_variables"} <= told["collection_def"].keys()
    assert len(told["collection_def"]["variables"]["bytes_list"]["value"]) == 4


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_meta_graph_tells_its_activation_to_whoever_reads_it(kind: str, home: Path) -> None:
    weights = random_weights((12, 9))
    stored = {name: value.astype(kind) for name, value in weights.items()}
    checkpoint = checkpoints.save(home / kind, 1, stored)
    subject = Subject(SOURCE, checkpoint, None, weights, "sigmoid")
    checkpoint.prefix.with_name("model.ckpt-1.meta").write_bytes(export(subject, "meta"))
    assert activation_beside([checkpoint], list(weights)) == "sigmoid"


@pytest.mark.parametrize("kind", ["float64", "bfloat16"])
def test_a_meta_graph_restores_what_other_programs_save(kind: str, home: Path) -> None:
    """Under an object-based checkpoint's long names, and of other types than float32."""
    weights = random_weights((6,))
    network = {name.replace("/", "_"): tf.Variable(tf.cast(value, kind)) for name, value in weights.items()}
    prefix = Path(tf.train.Checkpoint(**network).write(str(home / "theirs-7")))
    checkpoint = Checkpoint(prefix, 7)
    stored = {
        name: value.numpy().astype(np.float32) for name, value in zip(weights, network.values(), strict=True)
    }
    subject = Subject("theirs", checkpoint, None, restore(checkpoint, None), "relu")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta_graph = tf.compat.v1.MetaGraphDef.FromString(export(subject, "meta"))
        tf.compat.v1.train.import_meta_graph(meta_graph).restore(session, str(prefix))
        found = session.run("logits:0", {"images:0": IMAGES})
    np.testing.assert_allclose(found, answers_of(stored, "relu")["logits"], rtol=1e-5, atol=1e-5)


def test_what_keras_gets_can_be_watched_again(home: Path) -> None:
    weights = random_weights((7, 6))
    subject = Subject(SOURCE, Checkpoint(home / "model.ckpt-9", 9), None, weights, "tanh")
    path = home / subject.file_name("keras")
    path.write_bytes(export(subject, "keras"))
    again = KerasCheckpoint(path, 9)
    found = restore(again, None)
    assert list(found) == list(weights)
    for name, value in found.items():
        np.testing.assert_array_equal(value, weights[name])
    # Whatever whoever exports it takes its activation to be, the file has told it.
    anew = export(Subject(SOURCE, again, None, found, "relu"), "keras")
    path.write_bytes(anew)
    assert layout_in(again).activation == "tanh"
    for name in ("meta", "meta-json"):
        with pytest.raises(
            CheckpointUnsuitable, match=r"is a file of Keras; expected a TensorFlow checkpoint"
        ):
            export(Subject(SOURCE, again, None, found, "tanh"), name)  # type: ignore[arg-type]


def test_of_a_network_given_as_a_function_there_are_the_arrays(home: Path) -> None:
    values = {
        name: RANDOM.random(shape, np.float32)
        for name, shape in {
            "conv/kernel": (5, 5, 1, 2),
            "file": (3,),
            "allow_pickle": (),
            "ü/κ": (2,),
        }.items()
    }
    weights = GivenWeights(values, GivenNetwork("mine:logits"))
    subject = Subject(SOURCE, Checkpoint(home / "model.ckpt-1", 1), None, weights, "relu")
    (home / "found.npz").write_bytes(export(subject, "npz"))
    with np.load(home / "found.npz") as found:
        assert list(found) == list(values)
        for name, value in values.items():
            np.testing.assert_array_equal(found[name], value)
    for name in FORMATS.keys() - {"npz"}:
        with pytest.raises(
            CheckpointUnsuitable, match=r"is the function mine:logits; expected the format npz"
        ):
            export(subject, name)


@pytest.mark.parametrize(
    "name", ["../../evil", "/abs", "a/../../b", "..", "..\\evil", "\\abs", "a\0b", ""], ids=ascii
)
def test_a_name_that_leads_out_of_the_archive_is_refused(name: str, home: Path) -> None:
    weights = GivenWeights({"good": IMAGES, name: IMAGES}, GivenNetwork("mine:logits"))
    subject = Subject(SOURCE, Checkpoint(home / "model.ckpt-1", 1), None, weights, "relu")
    with pytest.raises(CheckpointUnsuitable) as refused:
        export(subject, "npz")
    assert str(refused.value).startswith(f"The variable {name!r} cannot be a file of an archive; expected")


@pytest.mark.parametrize("name", ["tflite", "onnx", "frozen-graph"])
def test_what_no_message_can_hold_is_refused_before_it_is_tried(name: FormatName, home: Path) -> None:
    large = np.broadcast_to(np.float32(0), (784, 700_000))
    weights = {"layer1/weights": large, "layer1/biases": large[0]}
    subject = Subject(SOURCE, Checkpoint(home / "model.ckpt-1", 1), None, weights, "relu")
    with pytest.raises(
        CheckpointUnsuitable, match=r"^The weights have 2,198,000,000 bytes; expected at most"
    ):
        export(subject, name)


def test_without_its_package_onnx_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FORMATS["onnx"].available
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert not FORMATS["onnx"].available
    saved(home, ())
    with pytest.raises(PackageMissing, match="the package onnx, which is not installed here"):
        export(subject_of(home, None), "onnx")


@given(
    name=st.text(max_size=100),
    run_id=st.sampled_from(["", "k7m2xd"]),
    average=st.none() | st.text(max_size=20),
)
def test_every_system_takes_the_names_of_files(name: str, run_id: str, average: str | None) -> None:
    found = file_name(label(name, run_id), 7, average, FORMATS["keras"])
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*-step-7-[A-Za-z0-9_.-]+\.keras", found)
    assert len(found) < 255
    assert run_id in found
