"""A model of ONNX, made of its own operators: a Gemm a layer, the activations, a Softmax.

The network is no more than that, so the package onnx is enough. The converter tf2onnx (1.17) finds the same,
but installs modules called tests, tools and examples beside itself.
"""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from shadowboard import __version__
from shadowboard.errors import PackageMissing
from shadowboard.export.graph import IMAGES, LOGITS, PROBABILITIES
from shadowboard.layout import CLASSES, PIXELS

_OPSET, _IR = 13, 8  # of 2021: what is older than these is hardly in use
_OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "none": "Identity"}


def onnx_model(weights: Mapping[str, NDArray[Any]], activation: str) -> bytes:
    """For `onnxruntime.InferenceSession`: `images` [N, 784] → `logits`, `probabilities`.

    Raises PackageMissing where the package onnx is not installed.
    """
    try:
        import onnx
        from onnx import helper, numpy_helper
    except ImportError as error:
        raise PackageMissing(
            "ONNX files are written by the package onnx, which is not installed here; "
            "expected it to be, as by pip install onnx."
        ) from error

    layers = len(weights) // 2
    nodes, value = [], IMAGES
    for i in range(1, layers + 1):
        given, value = value, LOGITS if i == layers else f"layer{i}"
        nodes.append(helper.make_node("Gemm", [given, f"layer{i}/weights", f"layer{i}/biases"], [value]))
        if i < layers:
            given, value = value, f"layer{i}/activation"
            nodes.append(helper.make_node(_OPERATORS[activation], [given], [value]))
    nodes.append(helper.make_node("Softmax", [LOGITS], [PROBABILITIES], axis=1))

    def described(name: str, width: int) -> Any:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", width])

    graph = helper.make_graph(
        nodes,
        "shadowboard",
        [described(IMAGES, PIXELS)],
        [described(LOGITS, CLASSES), described(PROBABILITIES, CLASSES)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR,
        producer_name="shadowboard",
        producer_version=__version__,
    )
    content: bytes = model.SerializeToString()
    return content
