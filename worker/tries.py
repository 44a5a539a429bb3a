"""How often a run is taken up again whose workers are lost: one that ends them all must not do so for ever.

Counted since its newest checkpoint, and kept where a person sees it: in the message of the run in training.
"""

import re

from shadowboard.records import Run

MOST = 5

_TOLD = re.compile(rf"Its worker was lost after the checkpoint of step (\d+); this is try (\d+) of {MOST}\.")


def message_of_next(run: Run) -> str | None:
    """What to say of a run whose worker was lost and which is tried once more; None: it was often enough."""
    number = _number(run) + 1
    if number > MOST:
        return None
    return f"Its worker was lost after the checkpoint of step {_step(run)}; this is try {number} of {MOST}."


def message_of_last(run: Run) -> str:
    """Why such a run is not tried any more."""
    return (
        f"Its worker was lost {MOST} times after the checkpoint of step {_step(run)}, the last time at step "
        f"{run.step}, so it is not tried again. Where nobody has ended them, it mostly needs more memory "
        "than there is. Resume it to try again."
    )


def _number(run: Run) -> int:
    """Of the try that was lost last: the first where the run has got on since."""
    found = _TOLD.fullmatch(run.message)
    return int(found[2]) if found and int(found[1]) == _step(run) else 1


def _step(run: Run) -> int:
    return run.latest_checkpoint or 0
