import json
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from server.pictures import _clean, _pixels, _with_ink
from shadowboard.digit_image import from_array
from shadowboard.errors import PictureInvalid

numbers = (
    st.floats(0, 1)
    | st.integers(0, 1)
    | st.sampled_from([-0.0, 5e-324, 1e-46, 0.1, 1.0000000001, -1e-300, 1e300, 2, -1, 10**400])
)
side = st.sampled_from([28, 28, 28, 27, 29])
values = numbers | st.floats() | st.booleans() | st.none() | st.sampled_from(["0.5", "", [0.5], {"a": 1}])


def at_once(body: bytes) -> bytes | str:
    """The pixels, or the sentence that refuses them."""
    try:
        image = _clean(body)
        return (_pixels(body) if image is None else _with_ink(image)).tobytes()
    except PictureInvalid as error:
        return str(error)


def step_by_step(body: bytes) -> bytes | str:
    """The same, parsed by the standard library and checked one condition after the other."""
    try:
        return _with_ink(from_array(json.loads(body)["image"])).tobytes()
    except PictureInvalid as error:
        return str(error)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(numbers, min_size=1, max_size=50),
    st.lists(st.tuples(st.integers(0, 27), st.integers(0, 27), values), max_size=3),
    side,
    side,
    st.sampled_from([None, 1]),
)
def test_what_is_checked_at_once_is_what_is_checked_step_by_step(
    some: list[Any], changes: list[tuple[int, int, Any]], height: int, length: int, indent: int | None
) -> None:
    rows = np.resize(np.array(some, object), (28, 28)).tolist()
    for row, column, value in changes:
        rows[row][column] = value
    rows = (rows * 2)[:height]
    rows[20] = (rows[20] * 2)[:length]
    body = json.dumps({"picture": 7, "image": rows}, indent=indent).encode()
    assert at_once(body) == step_by_step(body)


def test_of_two_images_the_last_counts() -> None:
    body = json.dumps({"image": [[1]], "images": [[0.5] * 28] * 28}).replace("images", "image").encode()
    assert at_once(body) == step_by_step(body) == np.full((28, 28), 0.5, np.float32).tobytes()
