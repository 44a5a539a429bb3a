"""Which images a cell of an evaluation's confusion matrix counts."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from fastapi.openapi.models import Example
from pydantic import BeforeValidator, Field, WithJsonSchema

from server.routes.evaluate import ERRORS, TheEvaluation
from server.schemas.evaluations import EvaluatedImage, EvaluatedImages

router = APIRouter(tags=["weights"])

_FOUR, _NINE = ({"often taken for each other": Example(value=digit)} for digit in (4, 9))

Digit = Annotated[
    Annotated[int, Field(ge=0, le=9)] | None,
    BeforeValidator(lambda value: None if value == "" else value),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"const": ""}]}),
]


@router.get("/evaluate/images", summary="List evaluated images", responses=ERRORS)
def evaluated_images(
    asked: TheEvaluation,
    label: Annotated[
        Digit, Query(description="The digit that they are; empty: any", openapi_examples=_FOUR)
    ] = None,
    digit: Annotated[
        Digit, Query(description="The digit that they were read as; empty: any", openapi_examples=_NINE)
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many to list")] = 200,
) -> EvaluatedImages:
    """Which images its raw or averaged weights read as which digit: those of one cell of its confusion."""
    made = asked.result.evaluation
    chosen = np.ones(made.n, bool)
    if label is not None:
        chosen &= made.labels == label
    if digit is not None:
        chosen &= made.predictions == digit
    first = np.flatnonzero(chosen)[:limit]
    columns = (first, made.labels[first], made.predictions[first], made.confidences[first])
    return EvaluatedImages(
        run=asked.run.id,
        step=asked.choice.checkpoint.step,
        weights=asked.weights,
        average=asked.average or None,
        split=asked.split,
        total=int(np.count_nonzero(chosen)),
        images=[
            EvaluatedImage(index=index, label=is_digit, digit=read_as, confidence=confidence)
            for index, is_digit, read_as, confidence in zip(*(c.tolist() for c in columns), strict=True)
        ],
    )
