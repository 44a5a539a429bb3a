"""The OpenAPI document: FastAPI's, with what follows from how the server is built."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from server.problems import MEDIA_TYPE, Problem

Schema = dict[str, Any]

_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
_HEADERS: dict[str, Schema] = {
    "401": {"WWW-Authenticate": {"description": "How to show the token", "schema": {"const": "Bearer"}}},
    "503": {"Retry-After": {"description": "After how many seconds", "schema": {"type": "integer"}}},
}
_EVERYWHERE = {
    "413": "The body has more than 8 MiB.",
    "421": "The Host header names another server.",
    "422": "A value cannot be used, or the route takes no such query parameter.",
    "500": "Unexpected; the server's log has more.",
    "503": "The database or TensorFlow is not ready, too much is waiting, or the server is ending; "
    "`Retry-After` says when to try again.",
}
_WHERE_SOMETHING_CHANGES = {"403": "A page of another site sent it."}
_WHERE_A_TOKEN_IS_NEEDED = {"401": "The server has a token, and it was not shown."}
_WITH_A_BODY = {"408": "The body was not complete after 30 s."}
_FRAMEWORKS = "Validation Error"  # what FastAPI says of a 422
# Where ids are in what these operations answer, by the parameter that takes them.
_IDS = {
    "run_id": {"create_run": "/id", "rename_run": "/id", "list_runs": "/runs/0/id"},
    "study_id": {"create_study": "/id", "list_studies": "/studies/0/id"},
}


class Described(FastAPI):
    """An application whose OpenAPI document lists each error that an operation can give, and its links."""

    def openapi(self) -> Schema:
        """The document."""
        document = super().openapi()
        schemas = document["components"]["schemas"]
        if Problem.__name__ not in schemas:  # else it is the same one as last time
            for unused in ("HTTPValidationError", "ValidationError"):  # the framework's own shape
                schemas.pop(unused, None)
            schemas[Problem.__name__] = Problem.model_json_schema()
            found = list(_operations(document))
            for method, operation in found:
                operation["responses"] = _answers(method, operation)
            for parameter, places in _IDS.items():
                _link([operation for _, operation in found], parameter, places)
        return document


def _operations(document: Schema) -> Iterator[tuple[str, Schema]]:
    for methods in document["paths"].values():
        yield from methods.items()


def _answers(method: str, operation: Schema) -> Schema:
    """What the operation answers: with success, then each of its errors."""
    given = operation["responses"]
    described = {status: answer["description"] for status, answer in given.items() if status >= "4"}
    own = {status: text for status, text in described.items() if text != _FRAMEWORKS}
    told = dict(_EVERYWHERE)
    if method != "get":
        told |= _WHERE_SOMETHING_CHANGES
    if "security" in operation:
        told |= _WHERE_A_TOKEN_IS_NEEDED
    if "requestBody" in operation:
        told |= _WITH_A_BODY
    errors = {}
    for status in sorted({*told, *own}):
        text = " ".join(filter(None, [told.get(status), own.get(status)]))
        errors[status] = {"description": text, "content": _CONTENT}
        if status in _HEADERS:
            errors[status]["headers"] = _HEADERS[status]
    return {status: answer for status, answer in given.items() if status < "4"} | errors


def _link(operations: list[Schema], parameter: str, places: Mapping[str, str]) -> None:
    """From what answers with an id, at these places, to everything that can be asked of what it is of."""
    takers = [
        operation["operationId"]
        for operation in operations
        if any(p["in"] == "path" and p["name"] == parameter for p in operation.get("parameters", []))
    ]
    for operation in operations:
        if way := places.get(operation["operationId"]):
            success = next(iter(operation["responses"].values()))
            success["links"] = {
                taker: {"operationId": taker, "parameters": {parameter: f"$response.body#{way}"}}
                for taker in takers
            }
