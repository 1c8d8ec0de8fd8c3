"""SIGTERM within a block is an interrupt, and outside it what it was."""

import os
import signal
import threading

import pytest

from localfair.machine.signals import Terminate, terminate_raises


def test_sigterm_raises_within_the_block_alone():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminate), terminate_raises():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
    assert issubclass(Terminate, KeyboardInterrupt)


def test_another_thread_leaves_signals_as_they_are():
    handlers = []

    def work():
        with terminate_raises():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGTERM)]
