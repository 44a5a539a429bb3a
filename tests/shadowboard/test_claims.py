import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from shadowboard import claims
from shadowboard.claims import Claims
from shadowboard.configuration import RunConfig
from shadowboard.database import Database
from shadowboard.errors import RunMissing
from shadowboard.records import Score
from shadowboard.store import Store
from tests.faults.processes import wait_for

Maker = Callable[[], Claims]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the time that claims are judged by."""
    now = [1000.0]
    # Not the module's own: event loops in other threads go by it.
    monkeypatch.setattr(claims, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


@pytest.fixture
def server(database_url: str) -> Iterator[Maker]:
    """Makes the claims of another server."""
    made: list[Claims] = []

    def make() -> Claims:
        made.append(Claims(Database(database_url)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def key(store: Store) -> claims.Key:
    return store.create_run(RunConfig()).id, 0, "", "test"


def test_one_has_it_until_it_gives_it_up(server: Maker, key: claims.Key) -> None:
    one, other = server(), server()
    assert one.take(key)
    assert not other.take(key)
    assert other.take((*key[:3], "validation"))
    one.release(key)
    assert other.take(key)
    one.release(key)  # no longer its own
    assert not one.take(key)


def test_of_many_at_once_one_takes_it(server: Maker, key: claims.Key) -> None:
    servers = [server() for _ in range(8)]
    barrier, taken = threading.Barrier(8), []

    def take(one: Claims) -> None:
        barrier.wait()
        taken.append(one.take(key))

    threads = [threading.Thread(target=take, args=[one]) for one in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]


def test_a_beat_keeps_it_and_silence_loses_it(server: Maker, key: claims.Key, clock: Any) -> None:
    one, other, third = server(), server(), server()
    assert one.take(key)
    for _ in range(10):
        assert not other.take(key)
        clock(4.9)
        one.beat()
    assert not other.take(key)
    assert not third.take(key)
    clock(4.9)
    assert not other.take(key)
    clock(0.2)
    assert other.take(key)
    assert not third.take(key)  # it is another's by now
    one.beat()
    one.release(key)
    assert not third.take(key)


def test_it_beats_by_itself_while_the_block_lasts(
    server: Maker, key: claims.Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_BEAT_SECONDS", 0.01)
    one = server()

    def beat() -> int:
        holder = one._holder(key)
        assert holder is not None
        return holder[1]

    before = set(threading.enumerate())  # those of servers that other tests share
    with one.beating():
        assert one.take(key)
        first = beat()
        wait_for(lambda: beat() > first + 1)
        one.release(key)
    assert not any(thread.name == "claims-heart" for thread in set(threading.enumerate()) - before)


def test_a_claim_never_looks_as_old_as_the_one_before(server: Maker, key: claims.Key, clock: Any) -> None:
    one, other = server(), server()
    for _ in range(3):
        assert one.take(key)
        assert not other.take(key)
        one.release(key)
        clock(4)


def test_whoever_is_stuck_loses_it_though_it_beats(server: Maker, key: claims.Key, clock: Any) -> None:
    one, other = server(), server()
    assert one.take(key)
    waited = 0
    while not other.take(key):
        clock(1)
        one.beat()
        waited += 1
    assert waited == 60 + 5 - 1


def test_what_an_end_left_behind_is_its_own_to_take(server: Maker, key: claims.Key) -> None:
    one = server()
    assert one.take(key)
    assert one.take(key)


def test_an_end_frees_all(server: Maker, key: claims.Key) -> None:
    one, other = server(), server()
    keys = [(*key[:3], split) for split in ("validation", "test")]
    assert all(one.take(key) for key in keys)
    one.close()
    assert all(other.take(key) for key in keys)


def test_a_deleted_run_takes_its_claims_along(server: Maker, key: claims.Key, store: Store) -> None:
    one, other = server(), server()
    assert one.take(key)
    store.delete_run(key[0])
    with pytest.raises(RunMissing, match=f"The run {key[0]} was deleted before it was evaluated"):
        other.take(key)


def test_what_a_server_leaves_that_is_killed_when_it_has_stored_it(
    server: Maker, key: claims.Key, store: Store
) -> None:
    run_id, step, average, split = key
    unfinished = (run_id, step, average, "validation")
    killed = server()
    assert killed.take(key)
    assert killed.take(unfinished)
    store.add_evaluation(run_id, Score(step, average, split, 1, 1, 0.5, 0.1), b"\0", b"\0" * 4)
    server()
    with store._database.begin() as connection:
        left = connection.execute(select(claims.claims.c.split)).scalars().all()
    assert left == ["validation"]
