"""The formats that weights are exported in: what each is called, and whom it is for. Needs no TensorFlow."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Literal

from shadowboard.averaging import FIRST_NAME

FormatName = Literal["keras", "saved-model", "tflite", "onnx", "frozen-graph", "meta", "meta-json", "npz"]

_LONGEST = 60  # characters of a name in a file's name
_BYTES = "application/octet-stream"


@dataclass(frozen=True)
class Format:
    """One format. `end`: of its files' names; `use`: whom it is for, in a line."""

    name: FormatName
    title: str
    end: str
    use: str
    media_type: str = _BYTES
    package: str = ""
    """What writes it, where that is not among what Shadowboard needs anyway."""
    single_message: bool = False
    """Whether the values are part of one message of protobuf or flatbuffers, of at most 2 GiB."""

    @property
    def available(self) -> bool:
        """Whether it can be written here."""
        return not self.package or find_spec(self.package) is not None


FORMATS: Mapping[FormatName, Format] = MappingProxyType(
    {
        found.name: found
        for found in (
            Format(
                "keras",
                "Keras",
                ".keras",
                "For Keras 3, to predict or train on; answers a dict, logits and probabilities.",
            ),
            Format(
                "saved-model",
                "SavedModel",
                ".zip",
                "For TensorFlow Serving, or TensorFlow 2.",
                "application/zip",
            ),
            Format(
                "tflite",
                "TensorFlow Lite",
                ".tflite",
                "For phones and small devices.",
                single_message=True,
            ),
            Format(
                "onnx",
                "ONNX",
                ".onnx",
                "For ONNX Runtime, in C++, C#, Java, JavaScript.",
                package="onnx",
                single_message=True,
            ),
            Format(
                "frozen-graph",
                "Frozen graph",
                ".pb",
                "One file for compat.v1 programs, run by tensor name.",
                single_message=True,
            ),
            Format("meta", "MetaGraph", ".meta", "The graph alone; the checkpoint is restored into it."),
            Format(
                "meta-json",
                "MetaGraph to read",
                ".meta.json",
                "The same as text: operations, nodes, saver, collections.",
                "application/json",
            ),
            Format("npz", "NumPy", ".npz", "The bare arrays by name, for anything else."),
        )
    }
)


def label(*names: str) -> str:
    """Names as one, in characters that every file system and every header takes."""
    plain = (unicodedata.normalize("NFKD", name) for name in names)
    words = (re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-.")[:_LONGEST] for name in plain)
    return "-".join(filter(None, words)) or "weights"


def weights_label(average: str | None) -> str:
    """`raw`; `ema` for the average of TensorFlow's own name, else the average's."""
    if average is None:
        return "raw"
    return "ema" if average == FIRST_NAME else label(average)


def file_name(source: str, step: int, average: str | None, form: Format) -> str:
    """`mnist-k7m2xd-step-3000-ema.keras`, where `source` is a label."""
    return f"{source}-step-{step}-{weights_label(average)}{form.end}"
