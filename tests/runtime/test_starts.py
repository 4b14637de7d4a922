"""A process that dies is started again, but not for ever."""

from __future__ import annotations

import pytest
from mixbridge.runtime import spawning
from mixbridge.runtime.spawning import Starts


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(spawning, "time", clock)
    return clock


def lives(starts: Starts, clock: Clock, seconds: float, *, was_well: bool = False) -> None:
    starts.begin()
    clock.now_s += seconds
    starts.ended(was_well=was_well)


def test_five_short_lives_are_enough(clock: Clock) -> None:
    starts = Starts()
    for count in range(1, 6):
        assert not starts.are_over
        lives(starts, clock, 1.0)
        assert starts.count == count
    assert starts.are_over


@pytest.mark.parametrize(("seconds", "was_well"), [(61.0, False), (1.0, True)])
def test_a_long_life_and_a_wanted_end_are_no_fault(clock: Clock, seconds: float, was_well: bool) -> None:
    starts = Starts()
    for _ in range(4):
        lives(starts, clock, 1.0)
    lives(starts, clock, seconds, was_well=was_well)
    assert starts.count == 0
