"""The checkpoints of a run, and what is in one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from server.answers import written
from server.engine import Engine
from server.parameters import AverageName, Renames, RunInPath, StepInPath, VariableName, VariableNames
from server.problems import answers
from server.ranking import first_read, ranked
from server.schemas.checkpoints import (
    CheckpointFile,
    CheckpointList,
    RestoreMapView,
    UnitList,
    VariableCloseup,
    VariableList,
    VariableView,
)
from server.services import Services, TheEngine, TheServices
from server.threads import Threads
from shadowboard.errors import CheckpointDamaged, CheckpointMissing, CheckpointUnsuitable, RunMissing

if TYPE_CHECKING:
    from shadowboard.contents import Contents
    from shadowboard.listing import Checkpoint

_WAITING = 32  # requests that may wait while one checkpoint is inspected
_ANSWERS = answers(RunMissing, CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable)

Statistics = Annotated[
    bool,
    Query(
        description="Read the values, for statistics and distances. Without, no more than the index is read, "
        "however large the checkpoint"
    ),
]
Bins = Annotated[int, Query(ge=1, le=1000, description="How many bins the histogram has")]
First = Annotated[int, Query(ge=0, le=2**31 - 1, description="How many units to pass over")]
Count = Annotated[int, Query(ge=1, le=100, description="How many units to show")]
Order = Annotated[
    Literal["number", "change"],
    Query(description="By their numbers, or first those whose averaged weights are furthest from raw"),
]
Ema = Annotated[
    bool,
    Query(description="Averaged weights where the checkpoint holds them; else raw ones", examples=[True]),
]


def checkpoints_router() -> APIRouter:
    """The routes, with a thread that inspects one checkpoint at a time, however large."""
    router = APIRouter(prefix="/runs", tags=["runs"])
    inspecting = Threads(1, _WAITING)

    @router.get(
        "/{run_id}/checkpoints", summary="List the checkpoints of a run", responses=answers(RunMissing)
    )
    async def list_checkpoints(services: TheServices, engine: TheEngine, run_id: RunInPath) -> CheckpointList:
        """Those that its worker has saved, whether or not their files are still there."""
        return await engine.threads.run(_list, services, engine, run_id)

    async def look(
        services: Services,
        engine: Engine,
        run: str,
        step: str,
        answer: "Callable[[_Place, Contents], Response]",
    ) -> Response:
        place, contents = await engine.threads.run(_open, services, engine, run, step)
        return await inspecting.run(answer, place, contents)

    @router.get(
        "/{run_id}/checkpoints/{step}/variables",
        summary="Inspect a checkpoint",
        response_model=VariableList,
        responses=_ANSWERS,
    )
    async def list_variables(
        services: TheServices,
        engine: TheEngine,
        run_id: RunInPath,
        step: StepInPath,
        name: VariableNames,
        statistics: Statistics = True,
    ) -> Response:
        """Every variable in it: its kind, its statistics, how far an average is from its raw variable."""

        def answer(place: "_Place", contents: "Contents") -> Response:
            from shadowboard.inspection import inspect
            from shadowboard.units import first_layer

            return written(
                VariableList(
                    **place,
                    bytes=contents.bytes,
                    first_layer=first_layer(contents),
                    variables=[
                        VariableView.of_variable(variable)
                        for variable in inspect(contents, name or None, statistics=statistics)
                    ],
                )
            )

        return await look(services, engine, run_id, step, answer)

    @router.get(
        "/{run_id}/checkpoints/{step}/variable",
        summary="Look at one variable of a checkpoint",
        response_model=VariableCloseup,
        responses=_ANSWERS,
    )
    async def read_variable(
        services: TheServices,
        engine: TheEngine,
        run_id: RunInPath,
        step: StepInPath,
        name: VariableName,
        bins: Bins = 60,
    ) -> Response:
        """Its histogram, laid over those of its averages; of a small one all values.

        The name of an average stands for its raw variable.
        """

        def answer(place: "_Place", contents: "Contents") -> Response:
            from shadowboard.inspection import closeup

            return written(VariableCloseup.of_closeup(place, closeup(contents, name, bins)))

        return await look(services, engine, run_id, step, answer)

    @router.get(
        "/{run_id}/checkpoints/{step}/units",
        summary="Look at the units of the first layer as images",
        response_model=UnitList,
        responses=_ANSWERS,
    )
    async def list_units(
        services: TheServices,
        engine: TheEngine,
        run_id: RunInPath,
        step: StepInPath,
        name: VariableName = "",
        average: AverageName = "",
        first: First = 0,
        count: Count = 24,
        order: Order = "number",
    ) -> Response:
        """The weights of each, as many as the pixels that it looks at; `name`, where it is another layer."""

        def answer(place: "_Place", contents: "Contents") -> Response:
            from shadowboard.units import units

            return written(
                UnitList.of_units(place, units(contents, name or None, average or None, first, count, order))
            )

        return await look(services, engine, run_id, step, answer)

    @router.get(
        "/{run_id}/checkpoints/{step}/restore-map",
        summary="Tell what a restore reads",
        response_model=RestoreMapView,
        responses=_ANSWERS,
    )
    async def read_restore_map(
        services: TheServices,
        engine: TheEngine,
        run_id: RunInPath,
        step: StepInPath,
        only: VariableNames,
        rename: Renames,
        ema: Ema = False,
        average: AverageName = "",
    ) -> Response:
        """The name in the checkpoint that each variable is read from: no name is invented.

        `only`: restore these variables alone. The variables are those that the checkpoint holds raw.
        """

        def answer(place: "_Place", contents: "Contents") -> Response:
            return written(_restore_map(place, contents, ema, average, only, rename))

        return await look(services, engine, run_id, step, answer)

    return router


_Place = dict[str, Any]
"""The run, the step and the checkpoint that an answer is about."""


def _list(services: Services, engine: Engine, run_id: str) -> CheckpointList:
    from shadowboard.checkpoints import BASE

    run = services.store.run(run_id)
    there = {checkpoint.step: checkpoint.prefix.name for checkpoint in engine.restorer.checkpoints(run)}
    base = BASE if run.folder is None else next(iter(there.values()), BASE).rpartition("-")[0]
    return CheckpointList(
        run=run.id,
        checkpoints=[
            CheckpointFile(
                step=saved.step,
                bytes=saved.bytes,
                saved_at=saved.saved_at,
                file=there.get(saved.step, f"{base}-{saved.step}"),
                present=saved.step in there,
            )
            for saved in services.store.checkpoints(run.id)
        ],
    )


def _open(services: Services, engine: Engine, run_id: str, step: str) -> "tuple[_Place, Contents]":
    """The checkpoint that is meant, opened: its index alone is read.

    `latest` and `best` pass over those whose files cannot be opened.
    """
    from server.choosing import BEST, LATEST
    from server.promoting import promoting_average
    from shadowboard.contents import open_contents

    run = services.store.run(run_id)

    def opened(checkpoint: "Checkpoint") -> "tuple[_Place, Contents]":
        place = {"run": run.id, "step": checkpoint.step, "checkpoint": checkpoint.prefix.name}
        return place, open_contents(checkpoint)

    if step not in (LATEST, BEST):
        return opened(engine.restorer.find(run, int(step)))
    there = engine.restorer.checkpoints(run)
    best = step == BEST
    candidates = ranked(services.store, run, promoting_average(run), there) if best else there[::-1]
    return first_read(run, candidates, opened)[1]


def _restore_map(
    place: _Place, contents: "Contents", ema: bool, average: str, only: list[str], rename: list[str]
) -> RestoreMapView:
    from shadowboard.inspection import restorable, small, values
    from shadowboard.restore_map import averages_in, variables_to_restore

    if average and not ema:
        raise CheckpointUnsuitable(f"average is {average!r}, but raw weights were asked for; add ema=true.")
    roles = contents.roles
    variables = restorable(roles)
    if ema and not average and not (there := averages_in(roles, variables)):
        raise CheckpointUnsuitable(f"The checkpoint {contents.name} holds no average; ask for raw weights.")
    asked = (average or there[0]) if ema else None
    found = variables_to_restore(
        contents.entries, variables, asked, roles=roles, only=only or None, rename=_renames(rename)
    )
    told = values(contents, small(contents, list(found.names)))
    return RestoreMapView.of_map(place, contents, found, told)


def _renames(texts: list[str]) -> dict[str, str]:
    """Variable → name, of `variable=name`. Raises CheckpointUnsuitable where two are of one variable."""
    found: dict[str, str] = {}
    for variable, _, name in (text.partition("=") for text in texts):
        if found.setdefault(variable, name) != name:
            raise CheckpointUnsuitable(
                f"rename restores {variable} from {found[variable]} and from {name}; expected one name."
            )
    return found
