"""LitServe with one worker; batching is off, which is its quicker way with a network this small."""

from pathlib import Path
from typing import Any

import litserve

from benchmarks.serving_peers.network import Network, arguments


class Reader(litserve.LitAPI):  # type: ignore[misc]
    """Both readings of one image."""

    def __init__(self, file: Path) -> None:
        super().__init__(api_path="/predict")
        self._file = file

    def setup(self, device: str) -> None:
        """In the worker."""
        self._network = Network(self._file)

    def decode_request(self, request: dict[str, Any]) -> Any:
        """The image."""
        return request["image"]

    def predict(self, x: Any) -> dict[str, list[float]]:
        """Its readings."""
        return self._network.read(x)

    def encode_response(self, output: dict[str, list[float]]) -> dict[str, list[float]]:
        """As they are."""
        return output


if __name__ == "__main__":
    folder, port = arguments()
    server = litserve.LitServer(Reader(folder / "weights.npz"), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=port, num_api_servers=1, log_level="warning", generate_client_file=False
    )
