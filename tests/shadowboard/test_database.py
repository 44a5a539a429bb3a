import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import select, text

from shadowboard.configuration import RunConfig
from shadowboard.database import Database
from shadowboard.errors import StoreUnavailable
from shadowboard.records import Cursor, Score
from shadowboard.schema import runs
from shadowboard.scores import insert_evaluation
from shadowboard.store import Store
from tests.postgresql import fresh
from tests.shadowboard.processes import together


def test_the_store_outlives_its_process(database_url: str) -> None:
    with closing(Store(database_url)) as store:
        run = store.create_run(RunConfig())
    with closing(Store(database_url)) as store:
        assert store.run(run.id) == run


def test_a_file_may_be_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path / 'deep' / 'er' / 's.db'}").close()
    assert (tmp_path / "deep" / "er" / "s.db").is_file()


def test_a_new_database_may_be_opened_by_many_at_once(database_url: str, tmp_path: Path) -> None:
    outs, errors = together(tmp_path / "told", "print(Store(arguments[0]).runs())", *[[database_url]] * 5)
    assert (outs, errors) == (["[]\n"] * 5, [""] * 5)


def test_every_thread_has_a_connection(store: Store) -> None:
    all_read = Barrier(40, timeout=20)

    def read() -> None:
        with store._database.begin() as connection:
            connection.execute(select(runs))
            all_read.wait()

    with ThreadPoolExecutor(40) as threads:
        for done in [threads.submit(read) for _ in range(40)]:
            done.result()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("no url at all", "cannot be read; expected a file, sqlite:///path"),
        ("postgresql+psycopg://me:p@ss:word@host/runs", "cannot be read; .* PostgreSQL, .* %3A %40"),
        ("postgresql+psycopg://me@host:high/runs", "cannot be read; "),
        ("mysql://me:p@ssword@host/runs", "cannot be read; "),
        ("mysql://host/runs?password=word@", r"URL is 'mysql://host/runs\?password=(\*|%2A){3}'; expected"),
        ("sqlite://host/x.db", "cannot be used: Invalid SQLite URL: sqlite://host/x.db.$"),
        ("sqlite:///x.db?timeout=long", "cannot be used: could not convert string to float: 'long'"),
        (f"sqlite:///{'a' * 300}.db", r"unable to open .* a+\.db: File name too long\.$"),
        ("mysql://localhost/runs", "URL is 'mysql://localhost/runs'; expected a file, sqlite:///path"),
        ("sqlite://", "URL is 'sqlite://'; expected a file"),
        ("postgresql+pg8000://localhost/runs", 'PostgreSQL needs a driver: pip install "psycopg'),
        (
            "postgresql+psycopg://me:secret@/none?host=/nowhere",
            r"me:\*\*\*@/none\S* cannot be used: connection",
        ),
    ],
    ids=[
        "no URL",
        "password",
        "port",
        "host of a password",
        "password as an option",
        "host",
        "option",
        "long name",
        "MySQL",
        "memory",
        "driver",
        "server",
    ],
)
def test_a_url_that_leads_nowhere_is_told(url: str, sentence: str) -> None:
    with pytest.raises(StoreUnavailable, match=sentence) as caught:
        Store(url)
    assert "word@" not in str(caught.value)


def test_whoever_finds_it_locked_waits_and_is_told(store: Store, database_url: str) -> None:
    run = store.create_run(RunConfig())
    lock = "BEGIN IMMEDIATE" if database_url.startswith("sqlite") else "LOCK TABLE runs IN EXCLUSIVE MODE"
    with closing(Store(database_url, lock_seconds=0.05)) as other:
        with store._database.begin() as connection:
            connection.execute(text(lock))
            assert other.run(run.id) == run  # who only reads waits for nobody
            with pytest.raises(StoreUnavailable, match=r"locked|lock timeout"):
                other.rename_run(run.id, "later")
        other.rename_run(run.id, "later")
    assert store.run(run.id).name == "later"


def test_who_is_silent_in_a_transaction_holds_nobody_up(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shadowboard.database._SILENT_SECONDS", 0.2)
    url = fresh(postgresql)
    with closing(Store(url)) as store, closing(Store(url)) as other:
        run = store.create_run(RunConfig())
        with (  # noqa: PT012 - it is the commit that fails
            pytest.raises(StoreUnavailable, match="idle-in-transaction"),
            store._database.begin() as connection,
        ):
            connection.execute(text("UPDATE runs SET name = 'never'"))
            other.rename_run(run.id, "other's")  # waits until the server has ended the silent one
            connection.execute(select(runs))
        assert store.run(run.id).name == "other's"


def test_what_is_committed_later_has_the_greater_id(postgresql: str) -> None:
    """Else a reader who goes by the ids would miss what comes after a greater one."""
    url = fresh(postgresql)
    score = Score(1, "", "test", 2, 1, 0.5, 0.01)
    with closing(Store(url)) as store, closing(Database(url)) as slow, ThreadPoolExecutor(1) as thread:
        first, second = (store.create_run(RunConfig()) for _ in range(2))
        with slow.begin() as connection:
            insert_evaluation(connection, first.id, score, b"", b"")
            adding = thread.submit(store.add_evaluation, second.id, score, b"", b"")
            while not (adding.done() or somebody_waits(slow)):
                pass
            seen = store.cursor()
            assert seen == Cursor()
        adding.result()
        assert [len(store.scores(run.id, seen.evaluation)) for run in (first, second)] == [1, 1]


def somebody_waits(database: Database) -> bool:
    with database.begin() as connection:
        return bool(connection.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted")).first())


WORKER = """
store, name = Store(arguments[0]), arguments[1]
while run := store.claim(name):
    print(run.id)
    store.begin_at(run.id, name, 0)
    for step in range(1, 13):
        store.add_progress(run.id, name, step, 1.0, [Metric(step, 0.5)])
        store.add_checkpoint(run.id, name, step, 1)
        store.add_evaluation(run.id, Score(step, "", "test", 2, 1, 0.5, 0.01), b"", b"")
    store.release(run.id, name, "finished", "")
"""
TABLES = {"metrics": "metric", "checkpoints": "checkpoint", "scores": "evaluation"}


def follow(store: Store, over: threading.Event) -> list[tuple[str, int]]:
    """Read all that is new, look by look, each from where the last one ended; the last when it is over."""
    seen, before, last = [], Cursor(), False
    while not last:
        last, end = over.is_set(), store.cursor()
        for run, (table, ids) in itertools.product(store.runs(), TABLES.items()):
            rows = getattr(store, table)(run.id, getattr(before, ids))
            seen += [(table, row.id) for row in rows if row.id <= getattr(end, ids)]
        before = end
    return sorted(seen)


def test_three_workers_and_two_servers_share_a_store(database_url: str, tmp_path: Path) -> None:
    over = threading.Event()
    with (
        closing(Store(database_url)) as store,
        closing(Store(database_url)) as other,
        ThreadPoolExecutor(2) as threads,
    ):
        ids = sorted(store.create_run(RunConfig()).id for _ in range(9))
        seen = [threads.submit(follow, server, over) for server in (store, other)]
        try:
            claimed, errors = together(tmp_path / "told", WORKER, *([database_url, name] for name in "abc"))
        finally:
            over.set()
        assert errors == [""] * 3
        assert sorted(itertools.chain(*map(str.split, claimed))) == ids
        every = [(table, id_) for table in sorted(TABLES) for id_ in range(1, 9 * 12 + 1)]
        assert [one.result() for one in seen] == [every, every]
        assert {run.state for run in store.runs()} == {"finished"}
