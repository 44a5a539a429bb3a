"""The limit: the two large matrix products of one step and nothing else, on NumPy's OpenBLAS."""

import os

import numpy as np

from benchmarks.workload import (
    BATCH,
    EPOCH,
    HIDDEN,
    PIXELS,
    initial_layers,
    read_mnist,
    report,
    time_windows,
)


def main() -> None:
    """x @ W1 for the forward pass, xᵀ @ g for the gradient; all other products together are 2 % of these."""
    train, _ = read_mnist()
    w1 = initial_layers()["w1"]
    gradient = np.random.default_rng(0).standard_normal((BATCH, HIDDEN), np.float32)
    hidden = np.empty((BATCH, HIDDEN), np.float32)
    w1_gradient = np.empty((PIXELS, HIDDEN), np.float32)

    def run(steps: int) -> None:
        for step in range(steps):
            first = step % EPOCH * BATCH
            images = train.images[first : first + BATCH]
            np.matmul(images, w1, out=hidden)
            np.matmul(images.T, gradient, out=w1_gradient)

    kernel = os.environ.get("OPENBLAS_CORETYPE", "OpenBLAS' choice of kernel")
    report(f"the two large matrix products alone, NumPy {np.__version__} ({kernel})", time_windows(run))


if __name__ == "__main__":
    main()
