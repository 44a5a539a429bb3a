"""What the database says of how it answers: by indexes, however much it holds."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import event

from shadowboard.configuration import RunConfig
from shadowboard.records import Metric, Score
from shadowboard.store import Store
from shadowboard.variants import parse_plan

READS: dict[str, Callable[[Store, str], Any]] = {
    "runs": lambda store, _: store.runs(),
    "runs in a state": lambda store, _: store.runs(state="training"),
    "newest_runs": lambda store, _: store.newest_runs(1),
    "run": lambda store, run: store.run(run),
    "newest_run": lambda store, _: store.newest_run(),
    "saved_runs": lambda store, _: list(store.saved_runs()),
    "finished_runs": lambda store, _: list(store.finished_runs()),
    "claim": lambda store, _: store.claim("w"),
    "cursor": lambda store, _: store.cursor(),
    "metrics": lambda store, run: store.metrics(run),
    "metrics, thinned": lambda store, run: store.metrics(run, most=3),
    "checkpoints": lambda store, run: store.checkpoints(run),
    "scores": lambda store, run: store.scores(run),
    "paired_readings": lambda store, run: list(store.paired_readings(run, "EMA", "test")),
    "standings": lambda store, _: store.standings(),
    "standings of a run": lambda store, run: store.standings(run),
    "evaluation": lambda store, run: store.evaluation(run, 1, "", "test"),
    "study": lambda store, _: store.studies.one("study"),
    "members": lambda store, _: store.studies.members("study"),
    "members of all": lambda store, _: store.studies.members_of_all(),
    "standings of a study": lambda store, _: store.studies.standings("study"),
    "saved and evaluated": lambda store, _: store.studies.saved_and_evaluated("study"),
    "saved and evaluated of all": lambda store, _: store.studies.saved_and_evaluated(),
    "curve points": lambda store, _: store.studies.curve_points("study", "test"),
    "stop a study": lambda store, _: store.studies.stop("study"),
    "delete_run": lambda store, run: store.delete_run(run),
}
TABLES = {
    *("runs", "checkpoints", "training_metrics", "evaluations", "readings", "judged"),
    *("raw", "averaged", "raw_read", "averaged_read", "studies", "study_runs"),
}


def walked(cursor: Any, dialect: str, text: str, values: Any) -> list[str]:
    """The tables that a statement walks row by row, without an index."""
    if dialect == "sqlite":
        steps = [step.split() for *_, step in cursor.execute(f"EXPLAIN QUERY PLAN {text}", values)]
        return [words[1] for words in steps if words[0] == "SCAN" and "INDEX" not in words]
    cursor.execute("SET LOCAL enable_seqscan = off")  # else it would, for a table of one row
    steps = [step.split() for (step,) in cursor.execute(f"EXPLAIN {text}", values)]
    return [words[words.index("on") + 1] for words in steps if "Seq" in words]


@pytest.mark.parametrize("read", READS)
def test_no_table_is_walked_without_an_index(store: Store, read: str) -> None:
    run = store.create_run(RunConfig(), worker="w")
    store.add_progress(run.id, "w", 1, 1.0, [Metric(1, 0.5)])
    store.add_evaluation(run.id, Score(1, "", "test", 1, 1, 0.5, 0.01), b"", b"")
    store.release(run.id, "w", "finished", "")
    store.studies.create(parse_plan({}, 2), "study")
    engine = store._database._engine
    asked: list[tuple[str, Any]] = []
    event.listen(
        engine, "before_cursor_execute", lambda _c, _cursor, text, values, *_: asked.append((text, values))
    )
    READS[read](store, run.id)
    statements = list(asked)
    assert statements
    with closing(engine.raw_connection()) as connection:
        for text, values in statements:
            found = walked(connection.cursor(), engine.dialect.name, text, values)
            assert not TABLES & set(found), text
