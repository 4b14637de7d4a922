"""Levels that glide: what the desk saw on the way, and where they end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable

import pytest
from desk_simulator import SILENCE_DB, X32Simulator
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.desks.profile import Desk, Setting
from mixbridge.bridge.osc.connection import Connection, connect
from mixbridge.bridge.osc.link import Target
from mixbridge.bridge.osc.ramp import ramp
from mixbridge.presets.errors import DeskError
from sent_datagrams import Sent
from udp_peer import Weather

OFF = -90.0
# Two of the desk's steps of a fader there are at most 0.2 dB: what rounding adds to a step.
GRID_DB = 0.25
STEPS = 25


@pytest.fixture(scope="module")
def desk() -> Desk:
    return load_desk("x32")


def connection_to(simulator: X32Simulator, desk: Desk) -> Connection:
    return connect(Target("x32", "127.0.0.1", simulator.port), desk)


def glide(desk: Desk, number: int, key: str, start: float, end: float, simulator: X32Simulator) -> Setting:
    setting = desk.settings("track", number, {key: end})
    (target,) = (one for one in setting if one.key == key)
    simulator.values[target.address] = target.scale.encode(start)
    return target


def range_db(start: float, end: float) -> float:
    return abs(max(start, SILENCE_DB) - max(end, SILENCE_DB))


def stands(simulator: X32Simulator, settings: Iterable[Setting]) -> bool:
    return all(setting.scale.same(setting.value, simulator.values[setting.address]) for setting in settings)


@pytest.mark.parametrize(
    ("start", "end"), [(-30.0, 0.0), (10.0, -20.0), (OFF, 0.0), (0.0, OFF), (OFF, OFF), (-75.0, -5.0), (-3.0, -3.0)]
)
def test_no_step_is_larger_than_its_share_and_the_last_is_the_target(desk: Desk, start: float, end: float) -> None:
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        move = glide(desk, 1, "fader_db", start, end, simulator)
        outcome = ramp(connection, [move])
    levels = [max(entry.level_db, SILENCE_DB) for entry in simulator.level_log]
    step = range_db(start, end) / STEPS + GRID_DB
    assert outcome.complete
    assert stands(simulator, [move])
    if start == end:  # it is read before the first step
        assert [result.state for result in outcome.results] == ["same"]
        assert not levels
        return
    assert [result.state for result in outcome.results] == ["confirmed"]
    assert abs(levels[0] - max(start, SILENCE_DB)) <= step
    # By the kernel's clock, which is not the one that the steps were timed with: 19 of the 20 ms.
    assert simulator.steepest_db(move.address, 0.019) <= step
    assert levels == sorted(levels, reverse=end < start)


def test_every_level_moves_evenly_in_db(desk: Desk) -> None:
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        move = glide(desk, 1, "fader_db", -24.0, 1.0, simulator)
        ramp(connection, [move])
    levels = [entry.level_db for entry in simulator.level_log]
    assert levels[: STEPS - 1] == pytest.approx([-24.0 + step for step in range(1, STEPS)], abs=GRID_DB)


def test_many_levels_share_the_pace_and_take_longer_rather_than_larger_steps(desk: Desk, sent: list[Sent]) -> None:
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        moves = [glide(desk, number, "fader_db", -50.0, number / 4, simulator) for number in range(1, 33)]
        outcome = ramp(connection, moves)
    assert outcome.complete
    assert stands(simulator, moves)
    assert min(later.time_s - earlier.time_s for earlier, later in itertools.pairwise(sent)) >= 0.001
    for move in moves:
        step = range_db(-50.0, 10.0) / STEPS + GRID_DB
        assert simulator.steepest_db(move.address, 0.019) <= step
    # All together: the first arrives no earlier than the last has made most of its way.
    half = simulator.level_log[len(simulator.level_log) // 2]
    reached = {entry.address: entry.level_db for entry in simulator.level_log if entry.time_s <= half.time_s}
    assert len(reached) == 32
    assert max(reached.values()) - min(reached.values()) < 6


def test_trims_and_makeups_glide_too(desk: Desk) -> None:
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        moves = [
            glide(desk, 1, "trim_db", 0.0, 12.0, simulator),
            glide(desk, 1, "compressor.makeup_db", 6.0, 0.0, simulator),
        ]
        outcome = ramp(connection, moves, over_ms=200)
    assert outcome.complete
    for move, total in zip(moves, (12.0, 6.0), strict=True):
        assert 0 < simulator.steepest_db(move.address, 0.019) <= total / 10 + 0.5


def test_a_bad_network_makes_steps_larger_but_ends_at_the_target(desk: Desk) -> None:
    weather = Weather.all(0.2)
    with X32Simulator(weather, weather, 4) as simulator, connection_to(simulator, desk) as connection:
        moves = [glide(desk, number, "fader_db", OFF, 0.0, simulator) for number in range(1, 5)]
        outcome = ramp(connection, moves)
        assert outcome.complete
        assert stands(simulator, moves)


def test_a_lost_step_that_is_finer_than_the_grid_is_made_again(desk: Desk) -> None:
    """Half a dB of makeup is the grid: steps of 0.08 dB are sent every sixth time, and one of those gets lost."""
    weather = Weather(drop=0.3)
    with X32Simulator(weather, None, 1) as simulator, connection_to(simulator, desk) as connection:
        moves = [glide(desk, number, "compressor.makeup_db", 0.0, 2.0, simulator) for number in range(1, 5)]
        until = time.monotonic() + 60
        outcome = ramp(connection, moves, cancel=lambda: time.monotonic() > until)
        assert outcome.complete
        assert outcome.repeats > 0
        assert stands(simulator, moves)


def test_no_time_sets_at_once(desk: Desk) -> None:
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        outcome = ramp(connection, [glide(desk, 1, "fader_db", OFF, 0.0, simulator)], over_ms=0)
    assert outcome.complete
    assert [entry.level_db for entry in simulator.level_log] == pytest.approx([0.0], abs=0.02)


@pytest.mark.parametrize("interrupt", [False, True])
def test_an_end_from_outside_leaves_levels_where_they_are(desk: Desk, interrupt: bool) -> None:
    counter = itertools.count()

    def cancel() -> bool:
        if next(counter) < 20:
            return False
        if interrupt:
            raise KeyboardInterrupt
        return True

    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        moves = [glide(desk, number, "fader_db", -50.0, 0.0, simulator) for number in (1, 2)]
        outcome = ramp(connection, moves, cancel=cancel)
        connection.link.receive(0.05)
    assert outcome.cancelled
    assert [result.state for result in outcome.results] == ["unconfirmed", "unconfirmed"]
    levels = [simulator.unit(move.address) for move in moves]
    assert all(-50.0 < float(level) < -20.0 for level in levels)


def test_what_is_no_level_does_not_glide(desk: Desk) -> None:
    (name,) = desk.settings("track", 1, {"name": "Kick"})
    with X32Simulator() as simulator, connection_to(simulator, desk) as connection:
        with pytest.raises(DeskError, match="track 1: name is no level"):
            ramp(connection, [name])
        assert ramp(connection, []).complete
    assert not simulator.arrivals
