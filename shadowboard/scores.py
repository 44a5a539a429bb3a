"""The queries of evaluations: stored, found again, and summed up as each run's standings."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, select, union

from shadowboard.database import Database, in_order
from shadowboard.records import PairedReadings, Score, Standing, StepScores, StoredEvaluation
from shadowboard.schema import evaluations, readings

_READ_AT_ONCE = 100  # steps: bounds the memory that all readings of a run need

_COLUMNS = [evaluations.c[name] for name in Score.__annotations__]


def insert_evaluation(
    connection: Connection, run_id: str, score: Score, predictions: bytes, confidences: bytes
) -> None:
    """Store an evaluation. Fails with IntegrityError where it is there already, or its run is not."""
    values = {name: getattr(score, name) for name in Score.__annotations__ if name != "id"}
    values |= {"run_id": run_id, "created_at": time.time()}
    in_order(connection)
    inserted = connection.execute(insert(evaluations).values(values)).inserted_primary_key
    assert inserted is not None  # noqa: S101 - it is one row
    connection.execute(
        insert(readings).values(evaluation_id=inserted[0], predictions=predictions, confidences=confidences)
    )


def find_evaluation(
    connection: Connection, run_id: str, step: int, average: str, split: str
) -> StoredEvaluation | None:
    """The evaluation of these weights on this split, or None."""
    query = (
        select(*_COLUMNS, readings.c.predictions, readings.c.confidences)
        .join(readings)
        .where(
            evaluations.c.run_id == run_id,
            evaluations.c.step == step,
            evaluations.c.average == average,
            evaluations.c.split == split,
        )
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    *score, predictions, confidences = row
    return StoredEvaluation(Score(*score), predictions, confidences)


def paired_readings(database: Database, run_id: str, average: str, split: str) -> Iterator[PairedReadings]:
    """What raw weights and the average read at each step that has both, by step; some steps a transaction."""
    page: list[PairedReadings] = []
    while True:
        with database.begin() as connection:
            page = _page(connection, run_id, average, split, page[-1].step if page else -1)
        yield from page
        if len(page) < _READ_AT_ONCE:
            return


def _page(connection: Connection, run_id: str, average: str, split: str, after: int) -> list[PairedReadings]:
    """Of the first steps beyond `after`."""
    raw, averaged = evaluations.alias("raw"), evaluations.alias("averaged")
    raw_read, averaged_read = readings.alias("raw_read"), readings.alias("averaged_read")
    same = [averaged.c[name] == raw.c[name] for name in ("run_id", "step", "split")]
    query = (
        select(raw.c.step, raw_read.c.predictions, averaged_read.c.predictions)
        .join(averaged, and_(averaged.c.average == average, *same))
        .join(raw_read, raw_read.c.evaluation_id == raw.c.id)
        .join(averaged_read, averaged_read.c.evaluation_id == averaged.c.id)
        .where(raw.c.run_id == run_id, raw.c.average == "", raw.c.split == split, raw.c.step > after)
        .order_by(raw.c.step)
        .limit(_READ_AT_ONCE)
    )
    return [PairedReadings(*row) for row in connection.execute(query)]


def standings(connection: Connection, of: ColumnElement[bool] | None = None) -> list[Standing]:
    """The standings of all runs, or of those whose evaluations meet the condition, by run and average."""
    scores: dict[tuple[str, str, int, int, int], dict[tuple[int, str], Score]] = {}
    for run, evaluated, final, best, *values in connection.execute(_standings_query(of)):
        score = Score(*values)
        scores.setdefault((run, score.average, evaluated, final, best), {})[score.step, score.split] = score
    return [_standing(*weights, scores[weights]) for weights in sorted(scores)]


def _standings_query(of: ColumnElement[bool] | None) -> Select[Any]:
    """Run, number of evaluations, final and best step, and a score of the same weights at one of these."""
    last = select(
        evaluations.c.run_id,
        evaluations.c.average,
        func.max(evaluations.c.step).label("final"),
        func.count().label("evaluated"),
    ).group_by(evaluations.c.run_id, evaluations.c.average)
    if of is not None:
        last = last.where(of)
    weights = last.cte("weights")
    judged = evaluations.alias("judged")
    best = (
        select(judged.c.step)
        .where(
            judged.c.run_id == weights.c.run_id,
            judged.c.average == weights.c.average,
            judged.c.split == "validation",
        )
        .order_by(judged.c.correct.desc(), judged.c.step)  # by `rank`
        .limit(1)
        .scalar_subquery()
    )
    chosen = select(weights, func.coalesce(best, weights.c.final).label("best")).cte("chosen")
    # A row for each of the two steps, or one for both: equality alone is what every planner joins well by.
    at = union(*(select(chosen, step.label("step")) for step in (chosen.c.final, chosen.c.best))).subquery()
    same = [evaluations.c[name] == at.c[name] for name in ("run_id", "average", "step")]
    return select(at.c.run_id, at.c.evaluated, at.c.final, at.c.best, *_COLUMNS).join(
        evaluations, and_(*same)
    )


def _standing(
    run_id: str,
    average: str,
    evaluated: int,
    final: int,
    best: int,
    scores: Mapping[tuple[int, str], Score],
) -> Standing:
    at_final, at_best = (
        StepScores(step, scores.get((step, "validation")), scores.get((step, "test")))
        for step in (final, best)
    )
    return Standing(run_id, average, evaluated, at_final, at_best)
