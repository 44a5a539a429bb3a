"""What both kinds of weights read in a drawn digit."""

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from server.engine import Engine
from server.parameters import RunInQuery, Step
from server.schemas.predictions import AveragedReadingView, PredictionView, ReadingView
from server.services import Services, TheEngine, TheServices, find_run
from shadowboard.errors import PictureInvalid

if TYPE_CHECKING:
    from shadowboard.digit_image import DigitImage

router = APIRouter(tags=["weights"])

_PICTURE = {"schema": {"type": "string", "format": "binary"}}
_PIXELS = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {
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
    },
}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        **dict.fromkeys(("image/png", "image/jpeg", "image/webp"), _PICTURE),
        "application/json": {"schema": _PIXELS},
    },
}


@router.post("/predict", summary="Read a digit", openapi_extra={"requestBody": _BODY})
async def predict(
    request: Request, services: TheServices, engine: TheEngine, run: RunInQuery = "", step: Step = "latest"
) -> PredictionView:
    """What the raw weights and each average read in a picture, or in 28×28 numbers."""
    body = await request.body()
    is_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    return await run_in_threadpool(_predict, services, engine, body, is_json, run, step)


def _predict(
    services: Services, engine: Engine, body: bytes, is_json: bool, run_name: str, step: str
) -> PredictionView:
    from server.choosing import choose
    from server.predicting import predict, weights_to_read
    from shadowboard.digit_image import from_picture

    image = _pixels(body) if is_json else from_picture(body)
    if not image.any():
        raise PictureInvalid("The image is empty; expected a digit drawn on it.")
    run = find_run(services.store, run_name)
    wanted = weights_to_read(run)
    judged = wanted[1] if len(wanted) > 1 else None
    choice = choose(services.store, engine.restorer, run, step, wanted, judged or "")
    raw, *averaged = predict(engine.restorer, run, choice.checkpoint, image)
    averages = [
        AveragedReadingView(
            average=reading.average or "",
            digit=reading.digit,
            confidence=reading.confidence,
            probabilities=reading.probabilities,
        )
        for reading in averaged
    ]
    return PredictionView(
        run=run.id,
        step=choice.checkpoint.step,
        raw=ReadingView(digit=raw.digit, confidence=raw.confidence, probabilities=raw.probabilities),
        ema=averages[0] if averages else None,
        averages=averages,
        image=image.tolist(),
        note=choice.note,
    )


def _pixels(body: bytes) -> "DigitImage":
    from shadowboard.digit_image import from_array

    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PictureInvalid('The body is no JSON; expected {"image": 28 rows of 28 numbers}.') from error
    if not isinstance(value, dict) or "image" not in value:
        raise PictureInvalid('The body holds no image; expected {"image": 28 rows of 28 numbers}.')
    return from_array(value["image"])
