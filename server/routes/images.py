"""The images of the data set."""

import io
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from PIL import Image

from server.problems import answers
from server.services import TheServices
from shadowboard.dataset import IMAGE_SIDE
from shadowboard.errors import DatasetError, ImageMissing

router = APIRouter(tags=["images"])

_PNG = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "/images/{split}/{index}.png",
    summary="Get an image of the data set",
    response_class=Response,
    responses={
        200: {"content": {"image/png": _PNG}, "description": "28×28 pixels, 8 bits of grey"},
        **answers(ImageMissing, DatasetError),
    },
)
def image(
    services: TheServices,
    split: Annotated[
        Literal["train", "validation", "test"],
        Path(
            description="Of the split that is learned from, chosen by or kept for the end", examples=["test"]
        ),
    ],
    index: Annotated[int, Path(description="Its place in the split, from 0", examples=[0])],
) -> Response:
    """An image of MNIST, as it came: light ink on black."""
    images = services.datasets.get("mnist").split(split)
    if not 0 <= index < len(images):
        raise ImageMissing(f"There is no {split} image {index}; expected 0 to {len(images) - 1}.")
    file = io.BytesIO()
    Image.fromarray(images.images[index].reshape(IMAGE_SIDE, IMAGE_SIDE)).save(file, "PNG")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(file.getvalue(), media_type="image/png", headers=headers)
