"""NumPy's archive of arrays."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard.export.archive import zipped


def npz(weights: Mapping[str, NDArray[Any]]) -> bytes:
    """For `numpy.load`: the arrays by their names, whatever these are."""
    return zipped({f"{name}.npy": _npy(value) for name, value in weights.items()})


def _npy(value: NDArray[Any]) -> bytes:
    content = BytesIO()
    np.lib.format.write_array(content, value, allow_pickle=False)
    return content.getvalue()
