"""The parameters that several routes share, with the sentences for values that cannot be used."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import AfterValidator

_RUN_NAME = {"max_length": 500, "pattern": r"^[^\x00]*$"}


def _step(text: str) -> str:
    if text in {"", "latest"}:
        return "latest"
    if text != "best" and not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise ValueError("expected latest, best or the number of a step")
    return text


RunInPath = Annotated[str, Path(description="Id or name of a run", **_RUN_NAME)]
RunInQuery = Annotated[
    str, Query(description="Id or name of a run; empty: the newest that has a checkpoint", **_RUN_NAME)
]
Step = Annotated[str, Query(description="latest, best (on validation), or a number"), AfterValidator(_step)]
SplitName = Literal["validation", "test"]
AverageName = Annotated[
    str, Query(description="Which average, when the run keeps several; empty: the first", max_length=64)
]
