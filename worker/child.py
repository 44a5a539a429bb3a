"""The worker as a child process: started, started again when it dies, and stopped with its parent."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger(__name__)

_STOP_SECONDS = 4.0
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0
_HEALTHY_SECONDS = 60.0

_CODE = str(Path(__file__).resolve().parents[1])
# The server answers people, the training only a clock: the worker yields to it, and does so first of all, for
# on Linux a thread keeps the priority that it is made with, and importing NumPy makes some. Our packages are
# those of this process; none comes from the current folder (-P), which is a user's and may have a server.py.
_BEGIN = """\
import os, sys
os.nice(5)
sys.path.insert(0, sys.argv.pop(1))
import server, shadowboard, worker
del sys.path[0]
from shadowboard.cli import main
main()
"""


class WorkerChild:
    """Keeps one `shadowboard work` running while a `with` block lasts.

    The child's standard input is a pipe from here: it ends when this process does, however that dies,
    and the child takes that end as its order to stop.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        """`settings`: SHADOWBOARD_… variables for the child; not options, which every user of a machine sees.

        Its errors go to the standard error of this moment, wherever that is pointed to later.
        """
        self._command = [sys.executable, "-P", "-c", _BEGIN, _CODE, "work", "--until-input-ends"]
        self._environment = {**os.environ, **settings}
        self._errors = os.dup(2)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_running, name="worker-child", daemon=True)

    def __enter__(self) -> "WorkerChild":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join()

    def stop(self) -> None:
        """Begin to stop it; the end of the block waits for that."""
        self._over.set()

    def _keep_running(self) -> None:
        wait = _FIRST_WAIT
        while not self._over.is_set():
            began = time.monotonic()
            ended = self._run()
            if self._over.is_set():
                return
            if time.monotonic() - began > _HEALTHY_SECONDS:
                wait = _FIRST_WAIT
            log.warning("The worker %s; it starts again in %g s.", ended, wait)
            self._over.wait(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _run(self) -> str:
        """One worker from its start to its end, and how that came about."""
        try:
            # In a session of its own, so that Ctrl-C in a terminal reaches it through the pipe alone.
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stderr=self._errors,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:  # no more processes, or no memory: there may be soon
            return f"could not be started: {error.strerror}"
        with process:
            while process.poll() is None and not self._over.wait(0.1):
                pass
            if self._over.is_set():
                _stop(process)
        return f"ended with exit code {process.returncode}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        log.warning("The worker did not stop within %g s and is killed; its run will resume.", _STOP_SECONDS)
        process.kill()
        process.wait()
