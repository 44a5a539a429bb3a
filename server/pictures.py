"""Digits in the bodies of requests: what such a body may be, and the 28×28 pixels in it."""

import base64
import io
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import Request
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, FailFast, Field
from pydantic_core import from_json

from server.engine import Engine
from shadowboard.errors import PictureInvalid
from shadowboard.validation import quoted

if TYPE_CHECKING:
    from shadowboard.digit_image import DigitImage

MOST = 256  # pictures in a batch
_QUICK = 64 * 1024  # bytes of JSON, twice what 784 numbers need; parsing takes some 0.1 ms

_FILE = {"type": "string", "format": "binary"}
_PIXELS = {
    "description": "Rows from the top, as MNIST has them: ink is 1",
    "type": "array",
    "minItems": 28,
    "maxItems": 28,
    "items": {
        "type": "array",
        "minItems": 28,
        "maxItems": 28,
        "items": {"type": "number", "minimum": 0, "maximum": 1},
    },
}


_ONE_DRAWN = [[int(4 <= y < 24 and 13 <= x < 15) for x in range(28)] for y in range(28)]


_Pixel = Annotated[float, Field(strict=True, ge=0, le=1)]
_Row = Annotated[list[_Pixel], Field(min_length=28, max_length=28), FailFast()]


class _Clean(BaseModel):
    """A body of 28×28 numbers with nothing wrong about it."""

    image: Annotated[list[_Row], Field(min_length=28, max_length=28), FailFast()]


def _object(name: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": [name], "properties": {name: schema}}
    return {"schema": schema, "example": {name: example}}


ONE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            **{f"image/{kind}": {"schema": _FILE} for kind in ("png", "jpeg", "webp")},
            "application/json": _object("image", _PIXELS, _ONE_DRAWN),
        },
    }
}
MANY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": _object(
                "images",
                {
                    "description": "Each 28×28 numbers, or a PNG, JPEG or WebP file in Base64",
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MOST,
                    "items": {"anyOf": [_PIXELS, {"type": "string", "contentEncoding": "base64"}]},
                },
                [_ONE_DRAWN],
            )
        },
    }
}


async def one_picture(request: Request, engine: Engine) -> "DigitImage":
    """The digit in the body, float32 [28, 28] in [0, 1]. Raises PictureInvalid, Busy."""
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        if body.lstrip().startswith(b"{"):  # no picture does
            raise PictureInvalid(
                f"The Content-Type of the body is {quoted(kind)}; expected application/json."
            )
        return await engine.threads.run(_drawn, body)
    if len(body) <= _QUICK and (image := _clean(body)) is not None:
        return _with_ink(image)
    return await engine.threads.run(_pixels, body)


def many_pictures(body: bytes) -> NDArray[np.float32]:
    """The digits in a body of JSON, float32 [N, 28, 28] in [0, 1].

    Raises PictureInvalid, naming the place of the picture.
    """
    images = _member(body, "images", '{"images": [28 rows of 28 numbers, or a file in Base64, …]}')
    if not isinstance(images, list) or not 1 <= len(images) <= MOST:
        found = f"{len(images)} of them" if isinstance(images, list) else "no list"
        raise PictureInvalid(f"images is {found}; expected a list of 1 to {MOST}.")
    digits = np.empty((len(images), 28, 28), np.float32)
    decoder = _Decoder()
    for i, image in enumerate(images):
        try:
            digits[i] = _drawn(decoder.file(image)) if isinstance(image, str) else _numbers(image)
        except PictureInvalid as error:
            raise PictureInvalid(f"images.{i}: {error}") from None
    return digits


def _clean(body: bytes) -> "DigitImage | None":
    """The image in a body with nothing wrong about it, in half the time; None where something is."""
    try:
        rows = _Clean.model_validate_json(body).image
    except ValueError:
        return None
    return np.fromiter(chain.from_iterable(rows), np.float32, 28 * 28).reshape(28, 28)


def _pixels(body: bytes) -> "DigitImage":
    return _numbers(_member(body, "image", '{"image": 28 rows of 28 numbers}'))


def _member(body: bytes, name: str, expected: str) -> Any:
    try:
        value = from_json(body)
    except ValueError as error:
        raise PictureInvalid(f"The body is no JSON; expected {expected}.") from error
    if not isinstance(value, dict) or name not in value:
        raise PictureInvalid(f"The body holds no {name}; expected {expected}.")
    return value[name]


def _numbers(image: object) -> "DigitImage":
    from shadowboard.digit_image import from_array

    if isinstance(image, dict):
        raise PictureInvalid("The image is an object; expected 28 rows of 28 numbers.")
    return _with_ink(from_array(image))


def _drawn(file: bytes) -> "DigitImage":
    from shadowboard.digit_image import from_picture

    return _with_ink(from_picture(file))


def _with_ink(image: "DigitImage") -> "DigitImage":
    if not image.any():
        raise PictureInvalid("The image is empty; expected a digit drawn on it.")
    return image


class _Decoder:
    """Files out of Base64, as long as they have no more pixels together than one may have alone."""

    def __init__(self) -> None:
        self._pixels = 0

    def file(self, text: str) -> bytes:
        """The file. Raises PictureInvalid."""
        from shadowboard.digit_image import MAX_PIXELS

        try:
            file = base64.b64decode(text, validate=True)
        except ValueError:
            raise PictureInvalid(
                "The text is no Base64; expected that of a PNG, JPEG or WebP file."
            ) from None
        self._pixels += _size(file)
        if self._pixels > MAX_PIXELS:
            raise PictureInvalid(
                f"The files up to here have {self._pixels:,} pixels; expected at most {MAX_PIXELS:,}."
            )
        return file


def _size(file: bytes) -> int:
    """How many pixels the file says it has; 0 where it cannot be recognised."""
    from shadowboard.digit_image import FORMATS

    try:
        with Image.open(io.BytesIO(file), formats=FORMATS) as image:
            return image.width * image.height
    except Exception:  # the decoders raise nearly everything
        return 0
