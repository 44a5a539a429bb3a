"""The images of the data set."""

import io
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, HTTPException, Response
from PIL import Image

from server.services import TheServices
from shadowboard.dataset import IMAGE_SIDE, Split

router = APIRouter(tags=["images"])


@router.get(
    "/images/{split}/{index}.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "28×28 pixels, 8 bits of grey"}},
)
def image(services: TheServices, split: Literal["train", "validation", "test"], index: int) -> Response:
    """One image of MNIST."""
    images: Split = getattr(services.datasets.get("mnist"), split)
    if not 0 <= index < len(images):
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"There is no {split} image {index}; expected 0 to {len(images) - 1}."
        )
    file = io.BytesIO()
    Image.fromarray(images.images[index].reshape(IMAGE_SIDE, IMAGE_SIDE)).save(file, "PNG")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(file.getvalue(), media_type="image/png", headers=headers)
