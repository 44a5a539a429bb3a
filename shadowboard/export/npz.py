"""NumPy's archive of arrays."""

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowboard.errors import CheckpointUnsuitable
from shadowboard.export.archive import zipped


def npz(weights: Mapping[str, NDArray[Any]]) -> bytes:
    """For `numpy.load`: the arrays by their names. Raises CheckpointUnsuitable where one leads elsewhere."""
    return zipped({f"{_path(name)}.npy": _npy(value) for name, value in weights.items()})


def _path(name: str) -> str:
    """The name, which says where whoever unpacks the archive would write."""
    parts = re.split(r"[/\\]", name)
    if not parts[0] or ".." in parts or "\0" in name:
        raise CheckpointUnsuitable(
            f"The variable {name!r} cannot be a file of an archive; "
            "expected a name that does not start with a slash and has neither .. nor NUL in it."
        )
    return name


def _npy(value: NDArray[Any]) -> bytes:
    content = BytesIO()
    np.lib.format.write_array(content, value, allow_pickle=False)
    return content.getvalue()
