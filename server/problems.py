"""One error shape (RFC 9457), and the one place that maps domain errors to HTTP."""

import asyncio
import logging
import re
from http import HTTPStatus
from typing import Any

from anyio import BrokenResourceError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shadowboard import errors
from shadowboard.logs import request_id
from shadowboard.printable import in_a_line
from shadowboard.validation import HAS, first_of, quoted, sentence

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_RETRY_SECONDS = "5"
# Of a path or URL. Names of folders may have spaces; what follows a comma or the like is none of them.
_FOLDERS = re.compile(
    r"(?<![\w/.~-])(?:[a-z+]+:///?[^\s/]*)?"
    r"(?:/(?:[^/\s]|(?<![,;:.)])\s)*[^\s/('\"“‘])*/(?=[^\s/])"
)
_METHODS = ("GET", "POST", "PATCH", "DELETE")

_STATUS: dict[type[errors.ShadowboardError], HTTPStatus] = {
    errors.RunMissing: HTTPStatus.NOT_FOUND,
    errors.StudyMissing: HTTPStatus.NOT_FOUND,
    errors.CheckpointMissing: HTTPStatus.NOT_FOUND,
    errors.ImageMissing: HTTPStatus.NOT_FOUND,
    errors.RunBusy: HTTPStatus.CONFLICT,
    errors.CheckpointDamaged: HTTPStatus.CONFLICT,
    errors.DatasetError: HTTPStatus.CONFLICT,
    errors.CheckpointUnsuitable: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ConfigurationInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PictureInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PackageMissing: HTTPStatus.NOT_IMPLEMENTED,
    errors.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_NAME_FILES = (errors.DatasetError, errors.CheckpointError, errors.StoreUnavailable)


class Problem(BaseModel):
    """The body of every error: `detail` is one sentence that a person can act on."""

    type: str = Field("about:blank", description="Always this: the status says it all")
    title: str = Field(description="The status in words", examples=["Not Found"])
    status: int = Field(description="The status in digits", examples=[404])
    detail: str = Field(description="What is the matter, and what was expected")


def answers(*kinds: type[errors.ShadowboardError]) -> dict[int | str, dict[str, Any]]:
    """For the `responses` of a route that may raise these; what any route may answer is added to them."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        answer = found.setdefault(_status(kind).value, {"description": ""})
        answer["description"] = f"{answer['description']} {kind.__doc__}".strip()
    return found


def _status(kind: type[errors.ShadowboardError]) -> HTTPStatus:
    found = (status for known, status in _STATUS.items() if issubclass(kind, known))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **members: Any) -> Response:
    """The answer to a request that cannot be met; `members` stand beside the detail (RFC 9457, 3.2)."""
    # It may quote text that is no valid Unicode, or names with new lines in them.
    detail = in_a_line(detail.encode(errors="replace").decode())
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": _RETRY_SECONDS} | (headers or {})
    return JSONResponse(body.model_dump() | members, status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of `app` leave in this shape."""
    app.exception_handler(errors.ShadowboardError)(_domain_error)
    app.exception_handler(RequestValidationError)(_validation_error)
    app.exception_handler(HTTPException)(_http_error)


async def _domain_error(_request: Request, error: errors.ShadowboardError) -> Response:
    status = _status(type(error))
    detail = str(error)
    if isinstance(error, _NAME_FILES):
        detail = without_folders(detail)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s", error)
    elif detail != str(error):
        log.warning("%s", error)
    return problem(status, detail)


def without_folders(sentence: str) -> str:
    """With the files that it names, but without the folders in which this machine has them.

    The log has them: who reads that may know them.
    """
    return _FOLDERS.sub("", sentence)


async def _http_error(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    detail = error.detail
    if error.status_code == HTTPStatus.BAD_REQUEST:  # only the framework's, of a body
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The body cannot be read; expected JSON in UTF-8, not nested deeply and with no number of "
            "thousands of digits.",
        )
    if detail == HTTPStatus(error.status_code).phrase:  # the framework's own, no sentence
        detail = f"{request.method} {request.url.path}: {detail.lower()}."
        if error.status_code == HTTPStatus.NOT_FOUND:
            detail = f"There is nothing at {request.url.path}."
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_allowed(request))
            detail = f"{request.method} is not possible at {request.url.path}; expected {headers['Allow']}."
    return problem(error.status_code, detail, headers)


def _allowed(request: Request) -> list[str]:
    """The methods that are possible at the path: the framework names those of one route only."""
    scope = dict(request.scope, root_path=request.scope.get("app_root_path", request.scope["root_path"]))
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    found = [m for m in _METHODS if any(r.matches(scope | {"method": m})[0] is Match.FULL for r in routes)]
    return ["GET", "HEAD", *found[1:]] if "GET" in found else found or ["GET", "HEAD"]  # a file's


async def _validation_error(request: Request, error: RequestValidationError) -> Response:
    found: list[dict[str, Any]] = list(error.errors())
    if any(one["loc"] == ("body",) and isinstance(one["input"], bytes) for one in found):
        kind = quoted(request.headers.get("content-type", ""))
        detail = f"The Content-Type of the body is {kind}; expected application/json."
    else:
        detail = first_of([_sentence(one) for one in found])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _sentence(error: dict[str, Any]) -> str:
    where = [str(part) for part in error["loc"]]
    name = ".".join(where[1:]) or f"The {where[0]}"
    if error["type"] == "missing":
        return f"{name} is missing."
    if error["type"] == "extra_forbidden":
        return f"There is no field called {name}."
    if error["type"] == HAS:
        return f"{name} {error['msg']}."
    if error["type"] == "json_invalid":
        return f"The body is no JSON: {error['ctx']['error'].lower()} at character {where[-1]}."
    return sentence(error, name)


def _client_has_gone(error: Exception) -> bool:
    """Whether all that failed is FastAPI's sending into a stream of events that nobody reads any more."""
    return isinstance(error, ExceptionGroup) and error.split(BrokenResourceError)[1] is None


class LastResort:
    """Answers for whatever fails unexpectedly, and for what the server's end cuts off.

    Starlette has a place for the first, but outside all others: its answers lack their headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        except Exception as error:
            if started and _client_has_gone(error):
                return
            log.exception("Unexpected.")
            answer = problem(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                f"Unexpected {type(error).__name__}; the server's log has more, under {request_id.get()}.",
            )
        except asyncio.CancelledError:  # as uvicorn does where a request outlasts the time for an end
            answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, "The server is shutting down; try again later.")
        else:
            return
        if not started:  # else uvicorn breaks the connection off, since the answer is not complete
            await answer(scope, receive, send)
