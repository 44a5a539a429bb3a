"""A run's training metrics, thinned out by the database."""

from typing import Any

from sqlalchemy import Select, func, select

from shadowboard.schema import training_metrics


def thinned(run_id: str, after: int, most: int) -> Select[Any]:
    """Id, step and loss of at most `most` (≥ 1) metrics with ids beyond `after`, evenly by index, by step.

    Counted from the last, so that it is always kept. Of n metrics the one at place p is kept where p(most−1)
    has just passed a multiple of n−1: these are `most`, the first and the last among them.
    """
    place = (func.row_number().over(order_by=training_metrics.c.step.desc()) - 1).label("place")
    counted = (
        select(training_metrics.c.id, place, func.count().over().label("n"))
        .where(training_metrics.c.run_id == run_id, training_metrics.c.id > after)
        .subquery()
    )
    # A single metric makes the divisor 0; the last is kept whatever comes of that.
    passed = (counted.c.place * (most - 1)) % func.nullif(counted.c.n - 1, 0) < most - 1
    return (
        select(training_metrics.c.step, training_metrics.c.loss, training_metrics.c.id)
        .join(counted, counted.c.id == training_metrics.c.id)
        .where((counted.c.place == 0) | passed)
        .order_by(training_metrics.c.step)
    )
