"""Turns of the audio and of the thread that makes units."""

from __future__ import annotations

import threading

from mixbridge.runtime.live.sound.turns import AudioTurn


def test_who_makes_units_waits_for_the_end_of_a_block_and_only_then() -> None:
    turn, order = AudioTurn(), []
    turn.wait()  # nothing plays
    turn.begin()
    waiting = threading.Event()

    def make() -> None:
        waiting.set()
        # More than one wait: each lasts a few milliseconds at most.
        while turn.is_playing:
            turn.wait()
        order.append("made")

    maker = threading.Thread(target=make)
    maker.start()
    waiting.wait()
    order.append("played")
    turn.end()
    maker.join()
    assert order == ["played", "made"]


def test_an_audio_that_stopped_in_the_middle_of_a_block_holds_nobody_up() -> None:
    turn = AudioTurn()
    turn.begin()
    for _ in range(3):
        turn.wait()
    turn.end()
    turn.end()
    turn.begin()
    turn.wait()
    assert turn.is_playing
