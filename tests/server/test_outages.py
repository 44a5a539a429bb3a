"""A database that fails while the server runs, and comes back."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing

import httpx2
import psycopg
import pytest

from shadowboard.settings import Settings
from shadowboard.store import Store
from tests.postgresql import fresh

Serving = Callable[[], AbstractContextManager[httpx2.Client]]
Make = Callable[..., object]


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def assert_unavailable(client: httpx2.Client, run_id: str, sentence: str) -> None:
    """Every way to the store says 503 in a sentence; what does not need it goes on."""
    ways = [("GET", "/runs"), ("GET", f"/runs/{run_id}"), ("GET", f"/runs/{run_id}/history")]
    ways += [("GET", "/runs/scores"), ("GET", f"/runs/{run_id}/events"), ("GET", "/readyz")]
    for method, path in [*ways, ("POST", "/runs"), ("POST", f"/runs/{run_id}/stop")]:
        answer = client.request(method, path, json={} if method == "POST" else None)
        assert answer.status_code == 503, (path, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert sentence in answer.json()["detail"], path
    for path in ("/", "/healthz", "/metrics"):
        assert client.get(path).status_code == 200


@pytest.mark.usefixtures("no_backlog")
def test_a_file_that_is_damaged_and_restored(serving: Serving, make_run: Make, settings: Settings) -> None:
    run = make_run()
    path = settings.home / "shadowboard.db"
    with serving() as client:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        good = path.read_bytes()
        with path.open("r+b") as file:
            file.write(b"not a database" * (len(good) // 14))
        until(lambda: client.get("/runs").status_code == 503)
        assert_unavailable(client, run.id, "It is damaged. Stop Shadowboard, and `shadowboard recover`")
        with path.open("r+b") as file:
            file.write(good)
        until(lambda: client.get("/runs").status_code == 200)
        assert client.get(f"/runs/{run.id}").json()["id"] == run.id
        assert client.post("/runs", json={}).status_code == 201


@pytest.mark.usefixtures("no_backlog")
def test_a_server_of_databases_that_goes_and_comes(postgresql: str, settings: Settings) -> None:
    from tests.server.conftest import run_maker, running

    url = fresh(postgresql, owner="visitor")
    settings = settings.model_copy(update={"database_url": url.replace("shadowboard@", "visitor@")})
    administer = psycopg.connect(postgresql.replace("+psycopg", ""), autocommit=True)
    end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'visitor'"
    with administer, closing(Store(settings.store_url)) as store:
        run = run_maker(store, settings)()
        with running(settings) as client:
            administer.execute(end_all)
            assert client.get(f"/runs/{run.id}").status_code == 200  # it was restarted
            administer.execute("ALTER ROLE visitor NOLOGIN")
            administer.execute(end_all)
            assert_unavailable(client, run.id, "cannot be used: connection")
            administer.execute("ALTER ROLE visitor LOGIN")
            assert client.get(f"/runs/{run.id}").json()["id"] == run.id
            assert client.post("/runs", json={}).status_code == 201
