"""Answers that are written where they are made."""

from fastapi import Response
from pydantic import BaseModel


def written(answer: BaseModel) -> Response:
    """The answer as JSON. In a route's thread: the framework would write a long one in the event loop."""
    return Response(answer.model_dump_json(), media_type="application/json")
