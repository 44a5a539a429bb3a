"""The store's tests run on SQLite and on PostgreSQL."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from shadowboard.store import Store
from tests.postgresql import fresh


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """Makes the URL of a new database."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        return lambda: fresh(server)
    folder, numbers = tmp_path_factory.mktemp("databases"), itertools.count()
    return lambda: f"sqlite:///{folder / str(next(numbers))}.db"


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """A new database."""
    return new_database()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = Store(database_url)
    yield store
    store.close()
