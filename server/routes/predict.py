"""What both kinds of weights read in drawn digits."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from server import pictures
from server.answers import written
from server.parameters import RunToRead, StepToRead
from server.problems import answers
from server.schemas.predictions import BatchView, PictureReadings, PredictionView, of_promotion
from server.services import TheEngine, the_engine
from shadowboard.errors import (
    CheckpointDamaged,
    CheckpointMissing,
    CheckpointUnsuitable,
    PictureInvalid,
    RunMissing,
)


class _Direct(APIRoute):
    """Calls the endpoint at once where there are no query parameters.

    FastAPI takes a seventh of the time of a prediction to find that there is nothing to find.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI asks for it."""
        handle = super().get_route_handler()

        async def handle_directly(request: Request) -> Response:
            if request.scope["query_string"]:
                return await handle(request)
            response: Response = await self.endpoint(request, await the_engine(request))
            return response

        return handle_directly


router = APIRouter(tags=["weights"], route_class=_Direct)

_ERRORS = answers(RunMissing, CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable, PictureInvalid)


@router.post(
    "/predict",
    summary="Read a digit",
    response_model=PredictionView,
    responses=_ERRORS,
    openapi_extra=pictures.ONE,
)
async def predict(
    request: Request, engine: TheEngine, run: RunToRead = "", step: StepToRead = ""
) -> Response:
    """What the raw weights and each average read in a picture, or in 28×28 numbers.

    `chosen` says which checkpoint was read; what has changed less than half a second ago may not count yet.
    """
    image = await pictures.one_picture(request, engine)
    promotion = await engine.predictor.promotion(run, step)
    (readings,) = await engine.predictor.read(promotion, image[None])
    return written(PredictionView.of(readings, image=image.tolist(), **of_promotion(promotion)))


@router.post(
    "/predict/batch",
    summary="Read several digits",
    response_model=BatchView,
    responses=_ERRORS,
    openapi_extra=pictures.MANY,
)
async def predict_batch(
    request: Request, engine: TheEngine, run: RunToRead = "", step: StepToRead = ""
) -> Response:
    """What `/predict` would read in each of up to 256 pictures, by one and the same checkpoint.

    A picture that cannot be read is a 422 that names its place: `images.3: …`.
    """
    images = await engine.threads.run(pictures.many_pictures, await request.body())
    promotion = await engine.predictor.promotion(run, step)
    readings = await engine.predictor.read(promotion, images)
    views = [PictureReadings.of(one) for one in readings]
    return written(BatchView(readings=views, **of_promotion(promotion)))
