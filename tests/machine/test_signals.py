"""SIGTERM within a block is an interrupt, and outside it what it was."""

import os
import signal
import threading

import pytest

from localfair.machine.signals import Terminate, held, let_through, terminate_raises


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


@pytest.mark.parametrize(
    ("sent", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminate)]
)
def test_a_signal_that_is_held_off_raises_at_the_end_of_the_block(sent, error):
    done = []
    with pytest.raises(error), terminate_raises(), held():
        os.kill(os.getpid(), sent)
        with held():
            done.append("inside")
        done.append("after")
    assert done == ["inside", "after"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_may_take_long_lets_a_signal_through():
    done = []
    with pytest.raises(Terminate), terminate_raises(), held(), let_through():
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("never")
    assert done == []


def test_one_that_came_while_it_was_held_off_does_not_wait_for_what_takes_long():
    done = []
    with pytest.raises(Terminate), terminate_raises(), held():
        os.kill(os.getpid(), signal.SIGTERM)
        with let_through():
            done.append("never")
    assert done == []


def test_nothing_is_held_off_afterwards():
    with pytest.raises(Terminate), terminate_raises(), held():
        os.kill(os.getpid(), signal.SIGTERM)
    with terminate_raises(), held(), let_through():
        pass
    with pytest.raises(Terminate), terminate_raises():
        os.kill(os.getpid(), signal.SIGTERM)


def test_an_interrupt_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with terminate_raises():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
