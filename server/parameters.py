"""The parameters that several routes share, with the sentences for values that cannot be used."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import AfterValidator

from server.cursors import decode

_LONGEST = 500


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


def _event_id(text: str) -> str:
    if text:
        decode(text)
    return text


_Name = AfterValidator(_name)

RunInPath = Annotated[str, Path(description="Id or name of a run"), _Name]
RunInQuery = Annotated[
    str, Query(description="Id or name of a run; empty: the newest that has a checkpoint"), _Name
]
NewName = Annotated[str, _Name]
Step = Annotated[str, Query(description="latest, best (on validation), or a number"), AfterValidator(_step)]
StepInPath = Annotated[
    str,
    Path(description="latest, best (on validation, of the first average), or a number"),
    AfterValidator(_step),
]
StepToRead = Annotated[
    str,
    Query(
        description="latest, best (on validation), or a number; empty: best where the run is finished and "
        "evaluated, else latest; of no run in particular: the best of the newest finished one"
    ),
    AfterValidator(lambda text: text and _step(text)),
]
SplitName = Annotated[
    Literal["validation", "test"],
    Query(description="Images held back from training, to choose by; or those kept for the end"),
]
AverageName = Annotated[
    str, Query(description="Which average, when the run keeps several; empty: the first"), _Name
]
EventId = AfterValidator(_event_id)
