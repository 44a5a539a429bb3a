"""A checkpoint's weights as a file to take away."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from server.engine import Engine
from server.exporting import Exporter
from server.parameters import AverageName, RunInPath, StepOfWeights
from server.problems import answers
from server.routes.evaluate import average_of
from server.sending import InPieces
from server.services import Services, TheEngine, TheServices
from shadowboard.errors import (
    CheckpointDamaged,
    CheckpointMissing,
    CheckpointUnsuitable,
    PackageMissing,
    RunMissing,
)
from shadowboard.export.formats import FORMATS, FormatName, label

if TYPE_CHECKING:
    from shadowboard.export.exporting import Subject

_ERRORS = answers(RunMissing, CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable, PackageMissing)
_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_META_GRAPH: dict[str, Any] = {"schema": {"type": "object", "description": "A MetaGraphDef of TensorFlow's"}}
_CONTENT = {
    form.media_type: _META_GRAPH if form.media_type == "application/json" else _FILE
    for form in FORMATS.values()
}
_NAMED = {
    "Content-Disposition": {
        "description": "What to call the file, as in `attachment; filename=…`",
        "schema": {"type": "string"},
    }
}

InFormat = Annotated[
    FormatName,
    Query(
        alias="format",
        description=" ".join(f"`{form.name}` ({form.end}): {form.use}" for form in FORMATS.values()),
        examples=["keras"],
    ),
]
Ema = Annotated[bool, Query(description="The averaged instead of the raw weights", examples=[True])]


async def _until_sent() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


UntilSent = Annotated[AsyncExitStack, Depends(_until_sent, scope="request")]
"""What is entered here is left when the answer is sent, or the client gone."""


def export_router() -> APIRouter:
    """The route, with what makes the files one at a time."""
    router = APIRouter(prefix="/runs", tags=["runs"])
    exporter = Exporter()

    @router.get(
        "/{run_id}/checkpoints/{step}/export",
        summary="Download a checkpoint's weights",
        response_class=Response,
        responses={
            200: {"content": _CONTENT, "description": "The file", "headers": _NAMED},
            **_ERRORS,
        },
    )
    async def export_checkpoint(
        services: TheServices,
        engine: TheEngine,
        until_sent: UntilSent,
        run_id: RunInPath,
        step: StepOfWeights,
        in_format: InFormat,
        ema: Ema = False,
        average: AverageName = "",
    ) -> Response:
        """They, or the network with them, as a file of the framework that is to use them.

        Networks take `images`, float32 [N, 784] in [0, 1], and give `logits` and `probabilities`, [N, 10].
        """
        subject = await engine.threads.run(_subject, services, engine, run_id, step, ema, average)
        content = await until_sent.enter_async_context(exporter.file(subject, in_format))
        headers = {
            "Content-Disposition": f'attachment; filename="{subject.file_name(in_format)}"',
            "Cache-Control": "no-cache",
        }
        return InPieces(content, headers, FORMATS[in_format].media_type)

    return router


def _subject(
    services: Services, engine: Engine, run_id: str, step: str, ema: bool, average: str
) -> "Subject":
    """The weights that are meant, restored. `best` goes by them."""
    import numpy as np

    from server.choosing import choose
    from shadowboard.export.exporting import Subject
    from shadowboard.given_network import converted

    run = services.store.run(run_id)
    if average and not ema:
        raise CheckpointUnsuitable(f"average is {average!r}, but raw weights were asked for; add ema=true.")
    name = average_of(run, average) if ema else None
    choice = choose(services.store, engine.restorer, run, step, [name], name or "")
    (weights,) = choice.weights
    source = label(run.name, run.id)
    return Subject(source, choice.checkpoint, name, converted(weights, np.asarray), run.config.activation)
