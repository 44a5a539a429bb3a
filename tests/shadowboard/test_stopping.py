"""What asks a command to stop, by real signals to this process."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from shadowboard.stopping import stop_on_signals

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    before = {number: signal.getsignal(number) for number in _NUMBERS}
    yield stop_on_signals()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", _NUMBERS)
def test_a_signal_sets_the_event_and_the_next_ends_the_process(
    stop: threading.Event, number: signal.Signals
) -> None:
    assert not stop.is_set()
    os.kill(os.getpid(), number)
    assert stop.wait(10)
    assert signal.getsignal(number) == signal.SIG_DFL


def test_a_signal_that_interrupts_a_wait_for_the_event_at_any_moment(stop: threading.Event) -> None:
    with stop._cond:  # as it is held for a moment at the beginning and at the end of each wait
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.wait(10)
