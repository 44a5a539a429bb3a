"""MLServer with one model in the server's own process, without parallel workers, metrics or access log.

It answers twice: at /v2/models/reader/infer in the protocol that MLServer is for, and at /predict through a
custom handler, which is a bare FastAPI route that goes past its protocol, its codecs and its batching.
"""

import json
import os
import sys

from mlserver import MLModel
from mlserver.handlers import custom_handler
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from pydantic import BaseModel

from benchmarks.serving_peers.network import Network, arguments


class Picture(BaseModel):
    """The body of a request to the custom handler: 28 rows of 28 numbers."""

    image: list[list[float]]


class Reader(MLModel):  # type: ignore[misc]
    """Both readings of one image."""

    async def load(self) -> bool:
        """When the server starts."""
        self._network = Network(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Its readings, an output each."""
        (image,) = payload.inputs
        outputs = [
            ResponseOutput(name=kind, shape=[len(row)], datatype="FP32", data=row)
            for kind, row in self._network.read(image.data.root).items()
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)

    @custom_handler(rest_path="/predict")  # type: ignore[untyped-decorator]
    async def read(self, picture: Picture) -> dict[str, list[float]]:
        """Its readings."""
        return self._network.read(picture.image)


if __name__ == "__main__":
    from benchmarks.processes import free_port

    folder, port = arguments()
    model = folder / "mlserver"
    model.mkdir()
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "parallel_workers": 0,
        "metrics_endpoint": None,
        "debug": False,
    }
    (model / "settings.json").write_text(json.dumps(settings))
    reader = {
        "name": "reader",
        "implementation": "benchmarks.serving_peers.mlserver_model.Reader",
        "parameters": {"uri": str(folder / "weights.npz")},
    }
    (model / "model-settings.json").write_text(json.dumps(reader))
    os.execv(sys.executable, [sys.executable, "-m", "mlserver.cli.main", "start", str(model)])  # noqa: S606
