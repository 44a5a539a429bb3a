"""TensorFlow Lite's flatbuffer, as its converter writes it: a FullyConnected a layer, activations, a Softmax.

Written with TensorFlow's own schema, but not by the converter: that one holds Python's lock as long as it
works, a third of a second and longer for large networks, and a server would answer nobody meanwhile.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from shadowboard.export.graph import IMAGES, LOGITS, PROBABILITIES
from shadowboard.export.saved_model import SIGNATURE
from shadowboard.layout import CLASSES, PIXELS

_VERSION = 3  # of the schema
_ALIGNMENT = 16  # bytes


def tflite(weights: Mapping[str, NDArray[Any]], activation: str) -> bytes:
    """For an interpreter's signature runner: float32 throughout, any number of images at once."""
    from tensorflow.lite.python import schema_py_generated as schema

    layers = len(weights) // 2
    graph = _Graph(schema)
    value = images = graph.computed(IMAGES, PIXELS)
    for i in range(1, layers + 1):
        kernel, biases = weights[f"layer{i}/weights"].T, weights[f"layer{i}/biases"]
        given = [
            value,
            graph.constant(f"layer{i}/weights", kernel),
            graph.constant(f"layer{i}/biases", biases),
        ]
        options = schema.FullyConnectedOptionsT()
        if i < layers and activation == "relu":
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU
        value = graph.computed(LOGITS if i == layers else f"layer{i}", len(biases))
        graph.apply("FULLY_CONNECTED", given, value, "FullyConnectedOptions", options)
        if i < layers and activation in {"tanh", "sigmoid"}:
            given, value = [value], graph.computed(f"layer{i}/activation", len(biases))
            graph.apply("TANH" if activation == "tanh" else "LOGISTIC", given, value)
    probabilities = graph.computed(PROBABILITIES, CLASSES)
    graph.apply("SOFTMAX", [value], probabilities, "SoftmaxOptions", schema.SoftmaxOptionsT(beta=1.0))
    return graph.written({IMAGES: images}, {LOGITS: value, PROBABILITIES: probabilities})


class _Graph:
    """A model while it is put together: tensors, told by their places, and the operators between them."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._tensors: list[Any] = []
        self._buffers: list[Any] = [schema.BufferT()]  # the one of all tensors without values
        self._codes: list[int] = []
        self._operators: list[Any] = []

    def computed(self, name: str, width: int) -> int:
        """A tensor [N, width]."""
        return self._add(name, [1, width], shapeSignature=[-1, width])

    def constant(self, name: str, values: NDArray[Any]) -> int:
        """A tensor with its values."""
        self._buffers.append(_Values(self._schema, values.astype("<f4", copy=False).tobytes()))
        return self._add(name, list(values.shape), buffer=len(self._buffers) - 1)

    def _add(self, name: str, shape: list[int], **more: Any) -> int:
        kind = self._schema.TensorType.FLOAT32
        self._tensors.append(self._schema.TensorT(name=name, shape=shape, type=kind, hasRank=True, **more))
        return len(self._tensors) - 1

    def apply(
        self, name: str, given: Sequence[int], found: int, kind: str = "NONE", options: Any = None
    ) -> None:
        """An operator, and its options by their kind."""
        code = getattr(self._schema.BuiltinOperator, name)
        if code not in self._codes:
            self._codes.append(code)
        self._operators.append(
            self._schema.OperatorT(
                opcodeIndex=self._codes.index(code),
                inputs=list(given),
                outputs=[found],
                builtinOptionsType=getattr(self._schema.BuiltinOptions, kind),
                builtinOptions=options,
            )
        )

    def written(self, given: Mapping[str, int], found: Mapping[str, int]) -> bytes:
        """The model, with one signature."""
        from tensorflow.lite.tools.flatbuffer_utils import convert_object_to_bytearray

        schema = self._schema
        signature = schema.SignatureDefT(
            inputs=[schema.TensorMapT(name, place) for name, place in given.items()],
            outputs=[schema.TensorMapT(name, place) for name, place in found.items()],
            signatureKey=SIGNATURE,
        )
        subgraph = schema.SubGraphT(
            self._tensors, list(given.values()), list(found.values()), self._operators, "main"
        )
        model = schema.ModelT(
            version=_VERSION,
            # The first of the two is what older interpreters read.
            operatorCodes=[
                schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code) for code in self._codes
            ],
            subgraphs=[subgraph],
            description="Shadowboard",
            buffers=self._buffers,
            signatureDefs=[signature],
        )
        content: bytes = convert_object_to_bytearray(model)
        return content


class _Values:
    """A buffer whose bytes are aligned as the schema asks, which its classes for Python do not do."""

    def __init__(self, schema: Any, content: bytes) -> None:
        self._schema = schema
        self._content = content

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the schema's classes call it so
        """Write it; its place."""
        size = len(self._content)
        builder.StartVector(1, size, _ALIGNMENT)
        builder.head -= size
        builder.Bytes[builder.head : builder.head + size] = self._content
        data = builder.EndVector()
        self._schema.BufferStart(builder)
        self._schema.BufferAddData(builder, data)
        place: int = self._schema.BufferEnd(builder)
        return place
