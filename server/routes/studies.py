"""The studies: queue one, follow it, look at what it has found, stop, resume, delete it."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from server.answers import written
from server.parameters import SplitName, StudyId, StudyInPath
from server.problems import answers
from server.routes.runs import CHANGES, mnist_only
from server.schemas.studies import CurveList, CurveView, NewStudy, StudyList, StudyReportView, StudyView
from server.services import Services, TheServices
from shadowboard.deletion import delete_folders, mark_deleted
from shadowboard.errors import ConfigurationInvalid, RunBusy, StudyMissing
from shadowboard.studies import Study
from shadowboard.variants import parse_plan

router = APIRouter(prefix="/studies", tags=["studies"])


def _view(services: Services, study: Study) -> StudyView:
    from shadowboard.study_progress import progress

    studies = services.store.studies
    members, counts = studies.members(study.id), studies.saved_and_evaluated(study.id)
    return StudyView.of(study, progress(study.plan, members, counts), places=services.tells_places)


@router.get("", summary="List the studies", response_model=StudyList)
def list_studies(services: TheServices) -> Response:
    """Newest first."""
    from shadowboard.study_progress import progress

    studies, places = services.store.studies, services.tells_places
    found, members, counts = studies.all(), studies.members_of_all(), studies.saved_and_evaluated()
    views = [
        StudyView.of(study, progress(study.plan, members.get(study.id, []), counts), places=places)
        for study in found
    ]
    return written(StudyList(studies=views))


@router.post(
    "",
    status_code=201,
    summary="Queue a study",
    response_description="As it was queued",
    responses=answers(ConfigurationInvalid),
    dependencies=CHANGES,
)
def create_study(services: TheServices, new: NewStudy | None = None) -> StudyView:
    """Queue the full recipe, and the same without each of its parts, each with several seeds, all at once.

    Workers train them as any runs. Every field may be left out, and the body too.
    """
    new = new or NewStudy()
    mnist_only(new.config, "shadowboard study --data")
    plan = parse_plan(new.config, new.seeds, new.variants)
    return _view(services, services.store.studies.create(plan, new.name.strip()))


@router.get(
    "/{study_id}", summary="Look at a study", response_model=StudyReportView, responses=answers(StudyMissing)
)
def one_study(services: TheServices, study_id: StudyInPath) -> Response:
    """How far it is; each variant over its seeds and against the full recipe; best or last; the conclusions.

    Runs of one seed start from the same weights and see the same images in the same order, so differences
    are taken seed by seed. All are judged on the same test images.
    """
    from shadowboard.study import report_of

    studies = services.store.studies
    report = report_of(studies, studies.one(study_id))
    return written(StudyReportView.of(report, places=services.tells_places))


@router.get(
    "/{study_id}/curves",
    summary="Get the curves of a study",
    response_model=CurveList,
    responses=answers(StudyMissing),
)
def study_curves(
    services: TheServices,
    study_id: StudyInPath,
    split: SplitName = "validation",
    max_points: Annotated[
        int, Query(ge=2, le=10_000, description="Of each curve, at most; its two ends are among them")
    ] = 400,
) -> Response:
    """Each variant's accuracy by step: over its finished runs, or over those begun while none is finished."""
    from shadowboard.study_curves import curves

    studies = services.store.studies
    study = studies.one(study_id)
    found = curves(study.plan, studies.members(study.id), studies.curve_points(study.id, split), max_points)
    return written(CurveList(study=study.id, split=split, curves=[CurveView.of(curve) for curve in found]))


@router.post(
    "/{study_id}/stop",
    status_code=202,
    summary="Stop a study",
    responses=answers(StudyMissing),
    dependencies=CHANGES,
)
def stop_study(services: TheServices, study_id: StudyInPath) -> StudyView:
    """Take its runs off the queue; those in training save a checkpoint and stop. What has ended stays."""
    studies = services.store.studies
    study = studies.one(study_id)
    studies.stop(study.id)
    sight = services.watcher.sight
    for _, run in studies.members(study.id):
        if run.id in sight.stalled and (silent := sight.runs.get(run.id)):
            services.store.stop_silent(silent)
    return _view(services, study)


@router.post(
    "/{study_id}/resume",
    status_code=202,
    summary="Resume a study",
    responses=answers(StudyMissing),
    dependencies=CHANGES,
)
def resume_study(services: TheServices, study_id: StudyInPath) -> StudyView:
    """Queue its runs again that were stopped or have failed; they go on from their last checkpoints."""
    study = services.store.studies.one(study_id)
    services.store.studies.resume(study.id)
    return _view(services, study)


@router.delete(
    "/{study_id}",
    status_code=204,
    summary="Delete a study",
    response_description="Deleted",
    responses=answers(StudyMissing, RunBusy),
    dependencies=CHANGES,
)
def delete_study(services: TheServices, study_id: StudyId) -> None:
    """The study and all its runs, with curves, evaluations and checkpoints, are gone for good.

    By its id alone. While one of its runs is in training, nothing is deleted.
    """
    runs = services.settings.run_folder("")
    delete_folders(runs, services.store.studies.delete(study_id, partial(mark_deleted, runs)))
