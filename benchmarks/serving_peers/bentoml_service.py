"""BentoML with one worker; an async method, which spares each request the way through a thread pool."""

import os
import sys
from typing import Any

import bentoml

from benchmarks.serving_peers.network import Network, arguments


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Reader:
    """Both readings of one image."""

    def __init__(self) -> None:
        self._network = Network(os.environ["SERVING_PEER_WEIGHTS"])

    @bentoml.api(route="/predict")
    async def predict(self, image: Any) -> dict[str, list[float]]:
        """Its readings."""
        return self._network.read(image)


if __name__ == "__main__":
    folder, port = arguments()
    os.environ["SERVING_PEER_WEIGHTS"] = str(folder / "weights.npz")
    os.environ["BENTOML_HOME"] = str(folder / "bentoml")
    service = "benchmarks.serving_peers.bentoml_service:Reader"
    options = ["--host", "127.0.0.1", "--port", str(port), "--api-workers", "1"]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", "serve", service, *options])  # noqa: S606
