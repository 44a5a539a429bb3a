"""`mlflow models serve` with one worker, of a Python function model without a signature to enforce."""

import os
import sys
from typing import Any

import mlflow.pyfunc

from benchmarks.serving_peers.network import Network, arguments


class Reader(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Both readings of one image."""

    def load_context(self, context: Any) -> None:
        """When the model is loaded."""
        self._network = Network(context.artifacts["weights"])

    def predict(self, context: Any, model_input: Any, params: Any = None) -> dict[str, list[float]]:
        """The readings of the one image of a request."""
        return self._network.read(model_input)


if __name__ == "__main__":
    from benchmarks.serving_peers import mlflow_model  # pickled by this name, not as __main__

    folder, port = arguments()
    model = folder / "mlflow"
    mlflow.pyfunc.save_model(
        str(model),
        python_model=mlflow_model.Reader(),
        artifacts={"weights": str(folder / "weights.npz")},
        pip_requirements=[],
    )
    options = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model), *options])  # noqa: S606
