"""The runs: list, queue, look at, rename, stop, resume, delete."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.openapi.models import Example

from server.answers import written
from server.authentication import owner
from server.parameters import RunId, RunInPath
from server.problems import answers
from server.schemas.runs import NewNameOfRun, NewRun, RunList, RunView
from server.services import Services, TheServices
from shadowboard.configuration import parse_config
from shadowboard.deletion import delete_folder
from shadowboard.errors import Busy, ConfigurationInvalid, RunBusy, RunMissing
from shadowboard.records import Run
from shadowboard.validation import quoted
from shadowboard.watched import WatchedConfig, watched_config

router = APIRouter(prefix="/runs", tags=["runs"])

_PATIENCE_SECONDS = 5.0


async def _turn(services: TheServices) -> AsyncIterator[None]:
    """Wait for one's turn to change something. Raises Busy."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await services.changes.acquire()
    except TimeoutError:
        raise Busy("Too many changes are waiting; try again in a few seconds.") from None
    try:
        yield
    finally:
        services.changes.release()


_CHANGES = [Depends(owner), Depends(_turn, scope="function")]


def _view(services: Services, run: Run) -> RunView:
    return RunView.of(run, stalled=run.id in services.watcher.sight.stalled)


@router.get("", summary="List the runs", response_model=RunList)
def list_runs(
    services: TheServices,
    limit: Annotated[
        int | None,
        Query(
            ge=1,
            le=1_000_000,
            description="Only so many of them; left out: all",
            openapi_examples={"a page": Example(value=20)},
        ),
    ] = None,
) -> Response:
    """Newest first."""
    runs, total = services.store.newest_runs(limit)
    return written(RunList(runs=[_view(services, run) for run in runs], total=total))


@router.post(
    "",
    status_code=201,
    summary="Queue a run",
    response_description="As it was queued",
    responses=answers(ConfigurationInvalid),
    dependencies=_CHANGES,
)
def create_run(services: TheServices, new: NewRun | None = None) -> RunView:
    """A worker takes it as soon as one is free. Every field may be left out, and the body too.

    With a folder nothing is queued: it is watched from now on, by the run that it had before if it had one.
    """
    new = new or NewRun()
    if new.folder:
        return _view(services, services.store.watch(_watched(services, new), new.name.strip()))
    data = new.config.get("data", "mnist")
    if data != "mnist":  # a folder on the server is for those who sit at it
        raise ConfigurationInvalid(
            f"data is {quoted(data)}; over HTTP it can only be mnist. "
            "`shadowboard train --data` takes a folder."
        )
    return _view(services, services.store.create_run(parse_config(new.config), new.name.strip()))


def _watched(services: Services, new: NewRun) -> WatchedConfig:
    """Raises ConfigurationInvalid."""
    folders = services.settings.watchable
    if new.folder not in folders:
        expected = (
            f"expected {' or '.join(folders)}" if folders else "this server was started with no such folder"
        )
        raise ConfigurationInvalid(
            f"folder is {quoted(new.folder)}; {expected}. Its --watch-folders name what may be watched."
        )
    if others := [knob for knob in new.config if knob != "activation"]:
        raise ConfigurationInvalid(
            f"{quoted(others[0])} cannot be chosen for a folder that is watched; only activation can."
        )
    return watched_config(folders[new.folder], activation=new.config.get("activation"))


@router.get("/{run_id}", summary="Look at a run", responses=answers(RunMissing))
def one_run(services: TheServices, run_id: RunInPath) -> RunView:
    """How far it is, and how it was configured."""
    return _view(services, services.store.run(run_id))


@router.patch(
    "/{run_id}",
    summary="Rename a run",
    responses=answers(RunMissing, ConfigurationInvalid),
    dependencies=_CHANGES,
)
def rename_run(services: TheServices, run_id: RunInPath, changes: NewNameOfRun) -> RunView:
    """Give it another name; several runs may have the same. Its id stays."""
    name = changes.name.strip()
    if not name:
        raise ConfigurationInvalid(f"name is {changes.name!r}; expected a name that can be seen.")
    run = services.store.run(run_id)
    services.store.rename_run(run.id, name)
    return _view(services, services.store.run(run.id))


@router.post(
    "/{run_id}/stop",
    status_code=202,
    summary="Stop a run",
    responses=answers(RunMissing, RunBusy),
    dependencies=_CHANGES,
)
def stop_run(services: TheServices, run_id: RunInPath) -> RunView:
    """Ask its worker to save a checkpoint and stop. A folder is no longer watched from then on.

    A run that is still queued stops at once, and so does one whose worker has not been heard of for over 5 s.
    """
    run = services.store.run(run_id)
    sight = services.watcher.sight
    silent = sight.runs.get(run.id) if run.id in sight.stalled else None
    if silent is None or not services.store.stop_silent(silent):
        services.store.request_stop(run.id)
    return _view(services, services.store.run(run.id))


@router.post(
    "/{run_id}/resume",
    status_code=202,
    summary="Resume a run",
    responses=answers(RunMissing, RunBusy),
    dependencies=_CHANGES,
)
def resume_run(services: TheServices, run_id: RunInPath) -> RunView:
    """Queue a run again that was stopped or has failed; it goes on from its last checkpoint.

    A folder that was watched is watched again.
    """
    run = services.store.run(run_id)
    services.store.requeue(run.id)
    return _view(services, services.store.run(run.id))


@router.delete(
    "/{run_id}",
    status_code=204,
    summary="Delete a run",
    response_description="Deleted",
    responses=answers(RunMissing, RunBusy),
    dependencies=_CHANGES,
)
def delete_run(services: TheServices, run_id: RunId) -> None:
    """Its curves, its evaluations and its checkpoints are gone for good. One in training must stop first.

    Of a folder that is watched no file is touched. By its id alone: another run may have the same name.
    """
    services.store.delete_run(run_id)
    delete_folder(services.settings.run_folder(run_id))
