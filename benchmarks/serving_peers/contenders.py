"""The servers that benchmarks/serving.py compares: what starts each, how it is asked, what it answers."""

from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.workload import Floats

PEERS_ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "BENTOML_DO_NOT_TRACK": "True",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OPENBLAS_NUM_THREADS": "1",  # to share out one image's products takes longer than to make them
}

Answer = dict[str, Any]
Readings = Callable[[Answer], tuple[list[float], list[float]]]  # of an answer: raw and averaged


def as_image(image: Floats) -> dict[str, Any]:
    """The body that most take."""
    return {"image": image.tolist()}


def as_inputs(image: Floats) -> dict[str, Any]:
    """MLflow's envelope of the same numbers."""
    return {"inputs": image.tolist()}


def as_tensor(image: Floats) -> dict[str, Any]:
    """The same numbers in the V2 inference protocol."""
    tensor = {"name": "image", "shape": list(image.shape), "datatype": "FP32", "data": image.ravel().tolist()}
    return {"inputs": [tensor]}


class Contender(NamedTuple):
    """A server: what the table calls it, what starts it, how it is asked, where its two readings are."""

    name: str
    module: str
    environment: str  # folder of its virtual environment
    path: str = "/predict"
    body: Callable[[Floats], dict[str, Any]] = as_image
    readings: Readings | None = lambda answer: (answer["raw"], answer["ema"])


OURS, FLOOR = "shadowboard", "echo_json"
SERVING, MLSERVER = ".bench-venv-serving", ".bench-venv-mlserver"
PEERS = "benchmarks.serving_peers"
CONTENDERS = {
    OURS: Contender(
        "Shadowboard",
        "shadowboard.cli",
        ".venv",
        readings=lambda answer: (answer["raw"]["probabilities"], answer["ema"]["probabilities"]),
    ),
    FLOOR: Contender(
        "FastAPI, the JSON read and echoed: the floor", f"{PEERS}.fastapi_echo_json", ".venv", readings=None
    ),
    "echo": Contender("FastAPI, the bytes echoed", f"{PEERS}.fastapi_echo", ".venv", readings=None),
    "litserve": Contender("LitServe", f"{PEERS}.litserve_api", SERVING),
    "bentoml": Contender("BentoML", f"{PEERS}.bentoml_service", SERVING),
    "mlserver": Contender(
        "MLServer, V2 protocol",
        f"{PEERS}.mlserver_model",
        MLSERVER,
        path="/v2/models/reader/infer",
        body=as_tensor,
        readings=lambda answer: (answer["outputs"][0]["data"], answer["outputs"][1]["data"]),
    ),
    "mlserver_handler": Contender("MLServer, custom handler", f"{PEERS}.mlserver_model", MLSERVER),
    "mlflow": Contender(
        "mlflow models serve",
        f"{PEERS}.mlflow_model",
        SERVING,
        path="/invocations",
        body=as_inputs,
        readings=lambda answer: (answer["predictions"]["raw"], answer["predictions"]["ema"]),
    ),
}
