"""Which server makes which evaluation: servers that share a store make none twice.

A claim is a lease without clocks, as a worker's hold on a run is: while it is held its beat rises, and a
server that has seen a beat stand still for LEASE_SECONDS of its own monotonic time takes the claim over by
compare-and-swap. A server that is killed needs nobody to tidy up after it.
"""

import itertools
import math
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import ColumnElement, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from shadowboard.database import Database
from shadowboard.errors import RunMissing, StoreUnavailable
from shadowboard.lease import LEASE_SECONDS
from shadowboard.schema import claims, evaluations

_LONGEST_SECONDS = 60.0
_BEAT_SECONDS = 1.0

Key = tuple[str, int, str, str]
"""Of an evaluation: run id, step, average (empty: raw), split."""


class Claims:
    """The claims of one server, for its one evaluating thread, which takes them within `beating`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._server = secrets.token_hex(8)
        self._beats = itertools.count(1)  # never the same twice, so that no new claim looks like an old one
        self._since = -math.inf  # when the claim was taken that it holds
        self._seen: dict[str, tuple[int, float]] = {}
        with suppress(StoreUnavailable):  # they are in nobody's way
            self._remove_done()

    def take(self, key: Key) -> bool:
        """Claim an evaluation; False while another server holds it. Raises RunMissing."""
        taken = self._insert(key) or self._take_over(key)
        if taken:
            self._since = time.monotonic()
        return taken

    def release(self, key: Key) -> None:
        """Give the claim up."""
        self._since = -math.inf
        with self._database.begin() as connection:
            connection.execute(delete(claims).where(_is(key), claims.c.server == self._server))

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat in a thread of its own while the block lasts, so that a slow evaluation stays claimed."""
        over = threading.Event()
        thread = threading.Thread(target=self._beat_until, args=(over,), name="claims-heart", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _beat_until(self, over: threading.Event) -> None:
        while not over.wait(_BEAT_SECONDS):
            with suppress(StoreUnavailable):  # whoever takes the claim makes the same evaluation
                self.beat()

    def beat(self) -> None:
        """Show that this server is alive, where it holds a claim: once a second or more.

        An evaluation that takes all too long is stuck: another server may try.
        """
        if time.monotonic() - self._since < _LONGEST_SECONDS:
            mine = update(claims).where(claims.c.server == self._server)
            with self._database.begin() as connection:
                connection.execute(mine.values(beat=next(self._beats)))

    def close(self) -> None:
        """Leave no claim behind, and close the database."""
        with self._database.begin() as connection:
            connection.execute(delete(claims).where(claims.c.server == self._server))
        self._database.close()

    def _remove_done(self) -> None:
        """The claims of servers that were killed just after they had stored the evaluation."""
        same = [evaluations.c[name] == claims.c[name] for name in ("run_id", "step", "average", "split")]
        with self._database.begin() as connection:
            connection.execute(delete(claims).where(exists().where(*same)))

    def _holder(self, key: Key) -> tuple[str, int] | None:
        """The server that holds the claim, and its beat."""
        with self._database.begin() as connection:
            row = connection.execute(select(claims.c.server, claims.c.beat).where(_is(key))).first()
        return None if row is None else (row[0], row[1])

    def _insert(self, key: Key) -> bool:
        row = dict(zip(("run_id", "step", "average", "split"), key, strict=True))
        mine = {"server": self._server, "beat": next(self._beats)}
        try:
            with self._database.begin() as connection:
                connection.execute(insert(claims).values(row | mine))
        except StoreUnavailable as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            return False
        return True

    def _take_over(self, key: Key) -> bool:
        if (holder := self._holder(key)) is None:  # given up just now, or of a run that is gone
            if self._insert(key):
                return True
            raise RunMissing(f"The run {key[0]} was deleted before it was evaluated.")
        server, beat = holder
        if server != self._server and not self._stands_still(server, beat):
            return False
        held = _is(key) & (claims.c.server == server) & (claims.c.beat == beat)
        values = {"server": self._server, "beat": next(self._beats)}
        with self._database.begin() as connection:
            return bool(connection.execute(update(claims).where(held).values(values)).rowcount)

    def _stands_still(self, server: str, beat: int) -> bool:
        now = time.monotonic()
        before, since = self._seen.get(server, (None, now))
        if before != beat:
            self._seen[server] = (beat, now)
            return False
        return now - since >= LEASE_SECONDS


def _is(key: Key) -> ColumnElement[bool]:
    run_id, step, average, split = key
    of_run = (claims.c.run_id == run_id) & (claims.c.step == step)
    return of_run & (claims.c.average == average) & (claims.c.split == split)
