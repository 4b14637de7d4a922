"""The current preset: changes, amount, undo, threads."""

import threading

import pytest
from mixbridge.bridge.server.current import CurrentPreset
from mixbridge.bridge.server.steps import GESTURE_S, MOST_STEPS
from mixbridge.presets.console import Strip
from mixbridge.presets.errors import PresetError
from mixbridge.presets.preset import Preset, Track


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def of_fader(fader_db):
    return Preset(tracks=(Track(name="Vox", strip=Strip(fader_db=fader_db)),))


def fader_db(current):
    return current.preset.tracks[0].strip.fader_db


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def current(clock):
    return CurrentPreset(of_fader(-6), clock)


def test_changes_and_the_way_back(current):
    for value in (-5, -4):
        change = current.change(lambda _, value=value: of_fader(value))
        assert change.new is current.preset
    assert [fader_db(current), current.undo() and fader_db(current), current.undo() and fader_db(current)] == [
        -4,
        -5,
        -6,
    ]
    with pytest.raises(PresetError, match="nothing to undo"):
        current.undo()
    assert fader_db(current) == -6


def test_a_ride_of_one_fader_is_one_step(current, clock):
    for value in range(20):
        clock.now_s += 0.9 * GESTURE_S
        current.change(lambda _, value=value: of_fader(value), "fader")
    current.change(lambda _: of_fader(30), "pan")
    clock.now_s += 1.1 * GESTURE_S
    current.change(lambda _: of_fader(31), "pan")
    assert [current.undo().new.tracks[0].strip.fader_db for _ in range(3)] == [30, 19, -6]


def test_a_ride_after_an_undo_is_a_step_of_its_own(current):
    current.change(lambda _: of_fader(1), "fader")
    current.undo()
    current.change(lambda _: of_fader(2), "fader")
    current.undo()
    assert fader_db(current) == -6


def test_a_change_that_fails_changes_nothing(current):
    def fails(preset):
        raise PresetError("no")

    with pytest.raises(PresetError):
        current.change(fails)
    with pytest.raises(PresetError):
        current.set_amount(1.6)
    with pytest.raises(PresetError):
        current.undo()
    assert (fader_db(current), current.amount) == (-6, 1.0)


def test_the_amount_is_of_the_whole(current):
    current.set_amount(0)
    assert (fader_db(current), current.amount) == (0, 0)
    current.set_amount(0.5)
    assert fader_db(current) == pytest.approx(-3)
    current.set_amount(1)
    assert fader_db(current) == pytest.approx(-6)
    current.undo()
    assert (fader_db(current), current.amount) == (-6, 1.0)


def test_after_a_change_the_whole_is_what_one_has(current):
    current.set_amount(0.5)
    current.change(lambda _: of_fader(-10))
    assert current.amount == 1
    current.set_amount(0.5)
    assert fader_db(current) == pytest.approx(-5)
    current.undo()
    current.undo()
    assert (fader_db(current), current.amount) == (pytest.approx(-3), 0.5)


def test_a_step_that_was_taken_back_is_taken_again_until_something_else_is_done(current):
    with pytest.raises(PresetError, match="redo"):
        current.redo()
    current.change(lambda _: of_fader(-3))
    current.change(lambda _: of_fader(-2))
    current.undo()
    current.undo()
    assert current.can_redo
    assert not current.can_undo
    current.redo()
    assert fader_db(current) == -3
    current.redo()
    assert (fader_db(current), current.can_redo) == (-2, False)
    current.undo()
    current.change(lambda _: of_fader(-1))
    assert not current.can_redo
    current.undo()
    assert fader_db(current) == -3


def test_the_history_has_an_end(current):
    for value in range(MOST_STEPS + 50):
        current.change(lambda _, value=value: of_fader(value / 10))
    for _ in range(MOST_STEPS):
        current.undo()
    with pytest.raises(PresetError):
        current.undo()
    assert fader_db(current) == pytest.approx(4.9)


def test_no_change_of_eight_threads_is_lost(current):
    def work():
        for _ in range(50):
            current.change(lambda preset: of_fader(preset.tracks[0].strip.fader_db + 0.125))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fader_db(current) == -6 + 8 * 50 * 0.125
