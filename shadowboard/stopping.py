"""What asks a command to stop: signals, and the end of its input."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def stop_on_signals() -> threading.Event:
    """An event that the first SIGINT or SIGTERM sets; a second one ends the process at once."""
    stop, (heard, told) = threading.Event(), os.pipe()

    def handle(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        # Not stop.set(): it takes a lock, which may be held by the very code that the signal interrupts.
        os.write(told, b"\0")

    def listen() -> None:
        os.read(heard, 1)
        stop.set()

    threading.Thread(target=listen, name="signals", daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return stop


@contextmanager
def ended_at_once(stop: threading.Event) -> Iterator[None]:
    """While the block lasts, `stop` ends the process: TensorFlow takes seconds to load."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            if stop.is_set():
                os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def set_when_input_ends(stop: threading.Event) -> None:
    """Read standard input to its end, then set `stop`."""
    # Not through sys.stdin: a thread that holds its lock at the interpreter's end is a fatal error.
    while os.read(0, 4096):
        pass
    stop.set()
