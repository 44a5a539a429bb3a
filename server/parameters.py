"""The parameters that several routes share, with the sentences for values that cannot be used."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import HTTPException, Path, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import Example
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from server.cursors import PATTERN, decode
from shadowboard.validation import HAS, quoted

_LONGEST = 500
_STEP = "latest|best|[0-9]{1,15}"


def _step(text: str) -> str:
    if text in {"", "latest"}:
        return "latest"
    if text != "best" and not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise ValueError("latest, best or the number of a step")
    return text


def _name(text: str) -> str:
    # PostgreSQL takes no NUL, and no database half a character.
    if len(text) > _LONGEST or "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(f"at most {_LONGEST} characters, without NUL and lone surrogates")
    return text


def _new_name(text: str) -> str:
    if "/" in text:
        raise PydanticCustomError(
            HAS, "has a slash; expected none, as a run can be asked for by its name in an address"
        )
    return text


def _pair(text: str) -> str:
    if "=" not in text:
        raise ValueError("variable=name")
    return text


def _event_id(text: str) -> str:
    if text:
        decode(text)
    return text


def _text(**limits: object) -> WithJsonSchema:
    """What the document says of a text; the validators have the better sentences."""
    return WithJsonSchema({"type": "string", **limits})


_Name = Annotated[str, AfterValidator(_name), _text(maxLength=_LONGEST, pattern=r"^[^\u0000]*$")]
NameInBody = _Name

_RUN = {"by its name": Example(summary="The run that `shadowboard up` begins with", value="reference recipe")}
_LATEST = {"latest": Example(summary="The newest checkpoint", value="latest")}

RunInPath = Annotated[_Name, Path(description="Id or name of a run", openapi_examples=_RUN)]
RunInQuery = Annotated[
    _Name,
    Query(description="Id or name of a run; empty: the newest that has a checkpoint", openapi_examples=_RUN),
]
RunToRead = Annotated[
    _Name,
    Query(
        description="Id or name of a run; empty: the newest finished one, else the newest with a checkpoint",
        openapi_examples=_RUN,
    ),
]
RunId = Annotated[
    _Name,
    Path(
        description="Id of a run; its name is not enough",
        openapi_examples={"an id": Example(summary="As `GET /runs` tells it", value="k7m2xd")},
    ),
]
StudyInPath = Annotated[
    _Name,
    Path(
        description="Id or name of a study",
        openapi_examples={
            "by its name": Example(
                summary="One of the reference recipe", value="Variants of the reference recipe"
            )
        },
    ),
]
StudyId = Annotated[
    _Name,
    Path(
        description="Id of a study; its name is not enough",
        openapi_examples={"an id": Example(summary="As `GET /studies` tells it", value="k7m2xd")},
    ),
]
NewName = Annotated[_Name, AfterValidator(_new_name), _text(maxLength=_LONGEST, pattern=r"^[^\u0000/]*$")]
Step = Annotated[
    str,
    Query(description="latest, best (on validation), or a number", openapi_examples=_LATEST),
    AfterValidator(_step),
    _text(pattern=f"^({_STEP})?$"),
]
StepInPath = Annotated[
    str,
    Path(
        description="latest, best (on validation, of the first average), or a number",
        openapi_examples=_LATEST,
    ),
    AfterValidator(_step),
    _text(pattern=f"^({_STEP})$"),
]
StepOfWeights = Annotated[
    str,
    Path(
        description="latest, best (on validation, of the weights asked for), or a number",
        openapi_examples=_LATEST,
    ),
    AfterValidator(_step),
    _text(pattern=f"^({_STEP})$"),
]
StepToRead = Annotated[
    str,
    Query(
        description="latest, best (on validation), or a number; empty: best where the run is finished and "
        "evaluated, else latest; of no run in particular: the best of the newest finished one",
        openapi_examples=_LATEST,
    ),
    AfterValidator(lambda text: text and _step(text)),
    _text(pattern=f"^({_STEP})?$"),
]
SplitName = Annotated[
    Literal["validation", "test"],
    Query(
        description="Images held back from training, to choose by; or those kept for the end",
        openapi_examples={"test": Example(value="test")},
    ),
]
AverageName = Annotated[
    _Name,
    Query(
        description="Which average, when the run keeps several; empty: the first",
        openapi_examples={
            "the first": Example(summary="As the first average is called", value="ExponentialMovingAverage")
        },
    ),
]
VariableName = Annotated[
    _Name,
    Query(
        description="Name of a variable in the checkpoint",
        openapi_examples={"a layer's weights": Example(value="layer1/weights")},
    ),
]
VariableNames = Annotated[
    list[_Name],
    Query(
        default_factory=list,
        max_length=500,
        description="Names of variables, repeatable; none: all of them",
        openapi_examples={"a layer's weights": Example(value=["layer1/weights"])},
    ),
]
Renames = Annotated[
    list[
        Annotated[_Name, AfterValidator(_pair), _text(maxLength=_LONGEST, pattern=r"^[^\u0000]*=[^\u0000]*$")]
    ],
    Query(
        default_factory=list,
        max_length=100,
        description="`variable=name`: restore this variable from that name in the checkpoint; repeatable",
        openapi_examples={"a bias": Example(value=["layer1/biases=layer1/biases"])},
    ),
]
EventId = Annotated[str, AfterValidator(_event_id), _text(pattern=f"^({PATTERN})?$")]


async def only_known(request: Request) -> None:
    """Refuse query parameters that the route does not take: misspelt, they would mean another question."""
    if not request.query_params:
        return
    known = sorted(_taken(request.scope["route"].dependant))
    if unknown := [name for name in request.query_params if name not in known]:
        raise HTTPException(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"There is no query parameter called {quoted(unknown[0])}; {request.url.path} takes "
            f"{', '.join(known) or 'none'}.",
        )


def _taken(dependant: Dependant) -> set[str]:
    own = {field.alias for field in dependant.query_params}
    return own.union(*map(_taken, dependant.dependencies))
