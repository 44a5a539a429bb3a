"""The checkpoints of a run, and what is in one."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from server.answers import written
from server.engine import Engine
from server.parameters import RunInPath, StepInPath
from server.problems import answers
from server.schemas.checkpoints import CheckpointFile, CheckpointList, VariableList, VariableView
from server.services import Services, TheEngine, TheServices
from server.threads import Threads
from shadowboard.errors import CheckpointDamaged, CheckpointMissing, CheckpointUnsuitable, RunMissing
from shadowboard.records import Run

if TYPE_CHECKING:
    from shadowboard.checkpoints import Checkpoint

_WAITING = 32  # requests that may wait while one checkpoint is inspected


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

    @router.get(
        "/{run_id}/checkpoints/{step}/variables",
        summary="Inspect a checkpoint",
        response_model=VariableList,
        responses=answers(RunMissing, CheckpointMissing, CheckpointDamaged, CheckpointUnsuitable),
    )
    async def list_variables(
        services: TheServices, engine: TheEngine, run_id: RunInPath, step: StepInPath
    ) -> Response:
        """Every variable in it: its kind, its statistics, how far an average is from its raw variable."""
        run, checkpoint = await engine.threads.run(_choose, services, engine, run_id, step)
        return await inspecting.run(_inspect, run, checkpoint)

    return router


def _list(services: Services, engine: Engine, run_id: str) -> CheckpointList:
    from shadowboard.checkpoints import BASE

    run = services.store.run(run_id)
    there = {checkpoint.step: checkpoint.prefix.name for checkpoint in engine.restorer.checkpoints(run)}
    return CheckpointList(
        run=run.id,
        checkpoints=[
            CheckpointFile(
                step=saved.step,
                bytes=saved.bytes,
                saved_at=saved.saved_at,
                file=there.get(saved.step, f"{BASE}-{saved.step}"),
                present=saved.step in there,
            )
            for saved in services.store.checkpoints(run.id)
        ],
    )


def _choose(services: Services, engine: Engine, run_id: str, step: str) -> "tuple[Run, Checkpoint]":
    from server.choosing import BEST, LATEST, choose
    from server.promoting import promoting_average, weights_to_read

    run = services.store.run(run_id)
    if step not in {BEST, LATEST}:
        return run, engine.restorer.find(run, int(step))
    average = promoting_average(run)
    choice = choose(services.store, engine.restorer, run, step, weights_to_read(run), average)
    return run, choice.checkpoint


def _inspect(run: Run, checkpoint: "Checkpoint") -> Response:
    from shadowboard.inspection import inspect

    return written(
        VariableList(
            run=run.id,
            step=checkpoint.step,
            checkpoint=checkpoint.prefix.name,
            variables=[VariableView.of_variable(variable) for variable in inspect(checkpoint)],
        )
    )
