"""The same digit, read by every checkpoint of a run."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response

from server import pictures
from server.answers import written
from server.engine import Engine
from server.parameters import RunInPath, SplitName
from server.problems import answers
from server.schemas.predictions import TrackView
from server.services import Services, TheEngine, TheServices
from shadowboard.dataset import IMAGE_SIDE, as_float
from shadowboard.errors import DatasetError, ImageMissing, PictureInvalid, RunMissing

if TYPE_CHECKING:
    from shadowboard.digit_image import DigitImage
    from shadowboard.records import Run

router = APIRouter(prefix="/runs/{run_id}/readings", tags=["weights"])

MostPoints = Annotated[
    int,
    Query(ge=1, le=1000, description="Checkpoints to read, at most, evenly; the last is always among them"),
]


@router.post(
    "",
    summary="Read a digit through training",
    response_model=TrackView,
    responses=answers(RunMissing, PictureInvalid),
    openapi_extra=pictures.ONE,
)
async def read_picture(
    request: Request,
    services: TheServices,
    engine: TheEngine,
    run_id: RunInPath,
    max_points: MostPoints = 200,
) -> Response:
    """What the raw weights and each average of every checkpoint read in a picture, or in 28×28 numbers."""
    image = await pictures.one_picture(request, engine)
    run = await engine.threads.run(services.store.run, run_id)
    return await _answer(request, engine, run, image, None, max_points)


@router.get(
    "",
    summary="Follow an image through training",
    response_model=TrackView,
    responses=answers(RunMissing, ImageMissing, DatasetError),
)
async def read_image(
    request: Request,
    services: TheServices,
    engine: TheEngine,
    run_id: RunInPath,
    index: Annotated[int, Query(description="Place of the image in the split, from 0", examples=[0])],
    split: SplitName = "validation",
    max_points: MostPoints = 200,
) -> Response:
    """What the raw weights and each average of every checkpoint read in an image of the run's data set."""
    run, image, label = await engine.threads.run(_image, services, run_id, split, index)
    return await _answer(request, engine, run, image, label, max_points)


def _image(services: Services, run_id: str, split: str, index: int) -> "tuple[Run, DigitImage, int]":
    from server.results import split_of

    run = services.store.run(run_id)
    images = split_of(services.datasets, run, split)
    if not 0 <= index < len(images):
        raise ImageMissing(f"There is no {split} image {index}; expected 0 to {len(images) - 1}.")
    image = as_float(images.images[index]).reshape(IMAGE_SIDE, IMAGE_SIDE)
    return run, image, int(images.labels[index])


async def _answer(
    request: Request, engine: Engine, run: "Run", image: "DigitImage", label: int | None, most: int
) -> Response:
    track = await engine.predictor.track(request, run, image, most)
    return await engine.threads.run(lambda: written(TrackView.of(run, track, image, label)))
