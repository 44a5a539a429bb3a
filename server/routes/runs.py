"""The runs: list, queue, look at, rename, stop, resume, delete."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.openapi.models import Example

from server.answers import written
from server.authentication import owner
from server.parameters import RunId, RunInPath
from server.places import without_places
from server.problems import answers, without_folders
from server.schemas.runs import NewNameOfRun, NewRun, RunList, RunView
from server.schemas.starts import RunPreview, RunStart, StartReport
from server.services import Services, TheServices
from shadowboard.configuration import RunConfig, describe
from shadowboard.deletion import delete_folders, mark_deleted
from shadowboard.errors import Busy, ConfigurationInvalid, RunBusy, RunMissing
from shadowboard.records import Run
from shadowboard.validation import quoted
from shadowboard.watched import WatchedConfig, watched_config

if TYPE_CHECKING:
    from shadowboard.warm_start import WarmStart

router = APIRouter(prefix="/runs", tags=["runs"])

_PATIENCE_SECONDS = 5.0


async def _turn(services: TheServices) -> AsyncIterator[None]:
    """Wait for one's turn to change something, or to look into a checkpoint. Raises Busy."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await services.changes.acquire()
    except TimeoutError:
        raise Busy("Too many requests like this are waiting; try again in a few seconds.") from None
    try:
        yield
    finally:
        services.changes.release()


_IN_TURN = Depends(_turn, scope="function")
CHANGES = [Depends(owner), _IN_TURN]
"""Of a route that changes something."""


def _view(services: Services, run: Run) -> RunView:
    stalled = run.id in services.watcher.sight.stalled
    return RunView.of(run, stalled=stalled, places=services.tells_places)


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
    outside_studies: Annotated[
        bool, Query(description="Only those that are part of no study; `total` counts these alone")
    ] = False,
) -> Response:
    """Newest first."""
    runs, unreadable, total = services.store.newest_runs(limit, outside_studies=outside_studies)
    views = [_view(services, run) for run in runs]
    return written(RunList(runs=views, unreadable=unreadable, total=total))


@router.post(
    "",
    status_code=201,
    summary="Queue a run",
    response_description="As it was queued",
    responses=answers(ConfigurationInvalid),
    dependencies=CHANGES,
)
def create_run(services: TheServices, new: NewRun | None = None) -> RunView:
    """A worker takes it as soon as one is free. Every field may be left out, and the body too.

    With a folder nothing is queued: it is watched from now on, by the run that it had before if it had one.
    """
    new = new or NewRun()
    if new.folder:
        return _view(services, services.store.watch(_watched(services, new), new.name.strip()))
    config, _ = _recipe(services, new)
    return _view(services, services.store.create_run(config, new.name.strip()))


@router.post(
    "/preview",
    summary="Tell what would be queued",
    responses=answers(ConfigurationInvalid),
    dependencies=[_IN_TURN],  # a file of Keras is read whole
)
def preview_run(services: TheServices, new: NewRun | None = None) -> RunPreview:
    """The run that the same request to `POST /runs` would queue; nothing is queued.

    Of one that starts from another run's checkpoint: which variables take which value of it, which are
    initialised afresh, and what of the checkpoint is left over.
    """
    new = new or NewRun()
    if new.folder:
        raise ConfigurationInvalid(
            f"folder is {quoted(new.folder)}; expected none, for nothing would be queued."
        )
    config, start = _recipe(services, new)
    report = StartReport.of(start) if start else None
    return RunPreview(name=new.name.strip() or describe(config), config=config, start=report)


def mnist_only(knobs: Mapping[str, Any], command: str) -> None:
    """Raises ConfigurationInvalid where other data is asked for, which `command` would take."""
    data = knobs.get("data", "mnist")
    if data != "mnist":  # a folder on the server is for those who sit at it
        raise ConfigurationInvalid(
            f"data is {quoted(data)}; over HTTP it can only be mnist. `{command}` takes a folder."
        )


def _recipe(services: Services, new: NewRun) -> "tuple[RunConfig, WarmStart | None]":
    """The configuration to train, and what it starts with. Raises ConfigurationInvalid."""
    mnist_only(new.config, "shadowboard train --data")
    from server.starting import with_start

    return with_start(services, new.config)


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
    try:
        return watched_config(folders[new.folder], activation=new.config.get("activation"))
    except ConfigurationInvalid as error:
        raise ConfigurationInvalid(without_folders(str(error))) from error


@router.get("/{run_id}", summary="Look at a run", responses=answers(RunMissing))
def one_run(services: TheServices, run_id: RunInPath) -> RunView:
    """How far it is, and how it was configured."""
    return _view(services, services.store.run(run_id))


@router.get(
    "/{run_id}/start",
    summary="Tell what a run has started from",
    responses=answers(RunMissing, RunBusy),
    dependencies=[_IN_TURN],
)
def read_start(services: TheServices, run_id: RunInPath) -> RunStart:
    """Which variables took which value of another checkpoint, and which were initialised by the seed."""
    from server.starting import report_of

    run = services.store.run(run_id)
    config, problem, start = run.recipe, None, None
    try:
        start = report_of(services, config)
    except ConfigurationInvalid as error:
        problem = str(error)
    told = config if services.tells_places else without_places(config)
    report = StartReport.of(start) if start else None
    if report and told.start_from:
        report = report.model_copy(update={"folder": told.start_from.folder})
    return RunStart(run=run.id, start_from=told.start_from, start=report, problem=problem)


@router.patch(
    "/{run_id}",
    summary="Rename a run",
    responses=answers(RunMissing, ConfigurationInvalid),
    dependencies=CHANGES,
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
    dependencies=CHANGES,
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
    dependencies=CHANGES,
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
    dependencies=CHANGES,
)
def delete_run(services: TheServices, run_id: RunId) -> None:
    """Its curves, its evaluations and its checkpoints are gone for good. One in training must stop first.

    Of a folder that is watched no file is touched. By its id alone: another run may have the same name.
    """
    runs = services.settings.run_folder("")
    services.store.delete_run(run_id, partial(mark_deleted, runs))
    delete_folders(runs, [run_id])
