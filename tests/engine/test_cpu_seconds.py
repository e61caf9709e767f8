"""CPU seconds of what a run builds: of the node's own thread and of the threads it started."""

from __future__ import annotations

import time

import pytest

from udfs.helper_time import CountedPool, helper_seconds
from warehouse.registry import cpu_seconds_here

CLOCK = 0.02
"""Seconds by which the clocks of two threads may be off."""


def busy(seconds: float) -> float:
    """Keeps this thread at work for so many of its own CPU seconds."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return seconds


def test_time_of_a_pool_counts_for_the_thread_that_left_it() -> None:
    before, own = helper_seconds(), time.thread_time()
    with CountedPool(2) as pool:
        assert list(pool.map(busy, [0.1, 0.2])) == [0.1, 0.2]
    assert helper_seconds() - before == pytest.approx(0.3, abs=CLOCK)
    assert time.thread_time() - own < 0.1


def test_a_thread_asleep_spends_nothing() -> None:
    before = cpu_seconds_here()
    time.sleep(0.2)
    assert cpu_seconds_here() - before < CLOCK


def test_time_of_another_thread_does_not_count() -> None:
    before = helper_seconds()

    def other() -> float:
        with CountedPool(1) as inner:
            inner.submit(busy, 0.1).result()
        return helper_seconds()

    with CountedPool(1) as pool:
        inside = pool.submit(other).result()
    assert inside == pytest.approx(0.1, abs=CLOCK)
    # What the other thread's own pool spent is that thread's, not this one's.
    assert helper_seconds() - before < 0.1
