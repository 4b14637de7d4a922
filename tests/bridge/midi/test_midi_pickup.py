"""Soft take-over: no jump, whatever happened to the control meanwhile."""

from __future__ import annotations

from mixbridge.bridge.midi.pickup import Pickup


def test_a_control_elsewhere_waits_until_it_crosses_the_setting() -> None:
    pickup = Pickup()
    places = [0.1, 0.2, 0.4, 0.55, 0.7, 0.3]
    assert [pickup.moved(place, 0.5, number / 10) for number, place in enumerate(places[:3])] == [False] * 3
    assert pickup.moved(0.55, 0.5, 0.3)
    assert pickup.moved(0.7, 0.55, 0.4)
    assert pickup.moved(0.3, 0.7, 0.5)  # a quick hand


def test_a_control_at_the_setting_has_it_at_once() -> None:
    assert Pickup().moved(0.51, 0.5, 0.0)


def test_it_is_lost_when_somebody_else_moves_the_setting() -> None:
    pickup = Pickup()
    assert pickup.moved(0.5, 0.5, 0.0)
    assert not pickup.moved(0.51, 0.9, 0.1)
    assert not pickup.moved(0.7, 0.9, 0.2)
    assert pickup.moved(0.89, 0.9, 0.3)


def test_a_control_that_was_turned_unheard_has_it_no_more() -> None:
    """Its knob was moved on another layer of the controller: a first step after a pause is a small one, or false."""
    pickup = Pickup()
    assert pickup.moved(0.2, 0.2, 0.0)
    assert not pickup.moved(0.9, 0.2, 60.0)
    other = Pickup()
    assert not other.moved(0.2, 0.5, 0.0)
    assert not other.moved(0.9, 0.5, 60.0)  # that was no crossing


def test_a_slow_hand_keeps_it() -> None:
    pickup = Pickup()
    place = 0.5
    assert pickup.moved(place, 0.5, 0.0)
    for step in range(1, 6):
        assert pickup.moved(place + 0.05, place, 10.0 * step)
        place += 0.05


def test_where_a_motor_was_sent_it_has_the_setting_but_not_from_under_a_hand() -> None:
    pickup = Pickup()
    pickup.moved(0.8, 0.8, 0.0)
    pickup.carried(0.2)
    assert not pickup.moved(0.79, 0.2, 0.2)  # the hand held it
    pickup.carried(0.2)
    assert pickup.moved(0.22, 0.2, 5.0)


def test_out_of_reach_is_never_taken() -> None:
    pickup = Pickup()
    assert not pickup.moved(0.99, 2.0, 0.0)
    assert not pickup.moved(1.0, 2.0, 0.1)
