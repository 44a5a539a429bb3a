import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import select

from shadowboard.configuration import RunConfig
from shadowboard.errors import StoreUnavailable
from shadowboard.schema import runs
from shadowboard.store import Store


def test_the_store_outlives_its_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'deep' / 'er' / 's.db'}"
    store = Store(url)
    run = store.create_run(RunConfig())
    store.close()
    assert Store(url).run(run.id) == run


def test_a_new_database_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    code = f"from shadowboard.store import Store; Store({url!r}).runs()"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(6)]
    assert [process.wait() for process in processes] == [0] * 6


def test_every_thread_has_a_connection(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 's.db'}")
    all_read = Barrier(40, timeout=20)

    def read() -> None:
        with store._database.begin() as connection:
            connection.execute(select(runs))
            all_read.wait()

    with ThreadPoolExecutor(40) as threads:
        for done in [threads.submit(read) for _ in range(40)]:
            done.result()
    store.close()


def test_a_database_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(StoreUnavailable, match=r"s\.db cannot be used: file is not a database"):
        Store(f"sqlite:///{tmp_path / 's.db'}")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        Store("no url at all")
    with pytest.raises(StoreUnavailable, match="cannot be created: Not a directory"):
        Store(f"sqlite:///{tmp_path / 's.db' / 'x' / 's.db'}")
