"""Whether validation may choose a run's checkpoint."""

from fastapi import APIRouter, Response

from server.answers import written
from server.parameters import RunInPath
from server.problems import answers
from server.schemas.agreements import AgreementView, WeightsAgreementView
from server.services import TheServices
from shadowboard.errors import RunMissing

router = APIRouter(prefix="/runs", tags=["runs"])


@router.get(
    "/{run_id}/agreement",
    summary="Compare validation with test accuracy over a run",
    response_model=AgreementView,
    responses=answers(RunMissing),
)
def agreement(services: TheServices, run_id: RunInPath) -> Response:
    """Whether both accuracies are correlated as is claimed, and what choosing by validation costs.

    Of the evaluations so far, for the raw weights and each average. Over all checkpoints the early rise alone
    brings the correlation near 1, so that of the second half is told apart.
    """
    from shadowboard.agreement import CLAIMED, agree, agreement_verdict, paired

    run = services.store.run(run_id)
    scores = services.store.scores(run.id)
    half = (run.steps or run.step) // 2

    def of(average: str, weights: str) -> WeightsAgreementView | None:
        pairs = paired(scores, average)
        if pairs is None:
            return None
        found = agree(pairs, half)
        return WeightsAgreementView.of(pairs, found, agreement_verdict(found, weights))

    several = len(run.config.averages) > 1
    averages = {
        average.name: of(average.name, f"averaged weights{f' with {average.in_words}' if several else ''}")
        for average in run.config.averages
    }
    return written(
        AgreementView(
            run=run.id,
            claimed=CLAIMED,
            late_after=half,
            raw=of("", "raw weights"),
            averages={name: found for name, found in averages.items() if found},
        )
    )
