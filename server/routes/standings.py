"""How well the runs have done, and which of their checkpoints did best."""

from itertools import groupby

from fastapi import APIRouter, Response

from server.answers import written
from server.engine import Engine
from server.parameters import AverageName, RunInPath
from server.problems import answers
from server.routes.evaluate import average_of
from server.schemas.choices import ChoiceList, ChoiceView
from server.schemas.history import EvaluationSummary
from server.schemas.standings import Best, BestList, RunScores, ScoreList, Scores
from server.services import Services, TheEngine, TheServices
from shadowboard.errors import CheckpointMissing, CheckpointUnsuitable, RunMissing
from shadowboard.records import Score

router = APIRouter(prefix="/runs", tags=["runs"])


@router.get("/scores", summary="Compare the runs", response_model=ScoreList)
def scores(services: TheServices) -> Response:
    """How each run's weights did at its newest evaluated checkpoint, and at their best."""
    found = []
    for run_id, standings in groupby(services.store.standings(), key=lambda standing: standing.run_id):
        by_average = {standing.average: Scores.of(standing) for standing in standings}
        raw = by_average.pop("", None)
        found.append(RunScores(run=run_id, raw=raw, averages=by_average))
    return written(ScoreList(runs=found))


@router.get(
    "/{run_id}/choices",
    summary="Best or last?",
    responses=answers(RunMissing, CheckpointUnsuitable),
)
def choices(services: TheServices, run_id: RunInPath, average: AverageName = "") -> ChoiceList:
    """The last and the best raw snapshot, the last and the best averaged one: what each reads right.

    Best is the highest validation accuracy; the test images have chosen nothing.
    """
    from shadowboard.choices import choices_of

    run = services.store.run(run_id)
    name = average_of(run, average) if average or run.config.averages else ""
    standings = {standing.average: standing for standing in services.store.standings(run.id)}
    found = [ChoiceView.of(choice) for choice in choices_of(standings, name)]
    return ChoiceList(run=run.id, average=name or None, choices=found)


@router.get(
    "/{run_id}/best",
    summary="Find the best checkpoints of a run",
    responses=answers(RunMissing, CheckpointMissing, CheckpointUnsuitable),
)
async def best(services: TheServices, engine: TheEngine, run_id: RunInPath) -> BestList:
    """Those of its raw weights and of its averages, by validation; damaged and deleted ones are passed over.

    The one to deploy is `promoted`. 404 while nothing is evaluated.
    """
    return await engine.threads.run(_best, services, engine, run_id)


def _best(services: Services, engine: Engine, run_id: str) -> BestList:
    from server.choosing import BEST, choose
    from server.promoting import promoting_average, weights_to_read

    run = services.store.run(run_id)
    scores = {(s.step, s.average, s.split): s for s in services.store.scores(run.id)}

    def of(average: str, needed: list[str | None]) -> Best:
        choice = choose(services.store, engine.restorer, run, BEST, needed, average)
        return _view(scores, choice.checkpoint.step, average, choice.checkpoint.prefix.name)

    def of_one(average: str) -> Best | None:
        try:
            return of(average, [average or None])
        except CheckpointMissing:  # not evaluated, or nothing of it is left
            return None

    averages = [of_one(average.name) for average in run.config.averages]
    return BestList(
        run=run.id,
        promoted=of(promoting_average(run), weights_to_read(run)),
        raw=of_one(""),
        averages=[found for found in averages if found],
    )


def _view(scores: dict[tuple[int, str, str], Score], step: int, average: str, checkpoint: str) -> Best:
    test = scores.get((step, average, "test"))
    return Best(
        step=step,
        weights="ema" if average else "raw",
        average=average or None,
        checkpoint=checkpoint,
        validation=EvaluationSummary.of(scores[step, average, "validation"]),
        test=EvaluationSummary.of(test) if test else None,
    )
