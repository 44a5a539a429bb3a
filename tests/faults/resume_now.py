"""`python -m tests.faults.resume_now HOME RUN`: a worker that does not wait for the lease of a dead one."""

import sys
import threading
from pathlib import Path

from shadowboard.store import Store
from worker.loop import run_once, worker_name


def main(home: Path, run_id: str) -> None:
    store, worker = Store(f"sqlite:///{home / 'shadowboard.db'}"), worker_name()
    if not store.take_over(store.run(run_id), worker):
        sys.exit("the run could not be taken")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    run_once(store, store.run(run_id), worker, home / "runs" / run_id, threading.Event(), "queued")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
