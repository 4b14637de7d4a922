"""Bytes of MIDI, and the halves of 14-bit controllers."""

from __future__ import annotations

import random

import pytest
from mixbridge.bridge.midi.messages import MidiReader, MidiSource, Moved, decode_midi, encode_midi

PAIR = MidiSource("cc14", 1, 7)


@pytest.mark.parametrize(
    ("data", "moved"),
    [
        (b"\xb0\x07\x64", Moved(MidiSource("cc", 1, 7), 100)),
        (b"\xbf\x77\x00", Moved(MidiSource("cc", 16, 119), 0)),
        (b"\xe0\x00\x40", Moved(MidiSource("pitchbend", 1), 8192)),
        (b"\xe8\x7f\x7f", Moved(MidiSource("pitchbend", 9), 16383)),
        (b"\x90\x10\x7f", Moved(MidiSource("note", 1, 16), 127)),
        (b"\x90\x10\x00", Moved(MidiSource("note", 1, 16), 0)),
        (b"\x80\x10\x40", Moved(MidiSource("note", 1, 16), 0)),
    ],
)
def test_controls_are_read(data: bytes, moved: Moved) -> None:
    assert decode_midi(data) == moved


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xb0",
        b"\xb0\x07",
        b"\xb0\x07\xc8",
        b"\xb0\x7b\x00",
        b"\xf8",
        b"\xf0\x01\xf7",
        b"\xd0\x10",
        b"\xa0\x01\x02",
        b"\x01\x02\x03",
    ],
)
def test_all_else_is_passed_over(data: bytes) -> None:
    assert decode_midi(data) is None


def test_what_is_written_is_read_again() -> None:
    for source in (MidiSource("cc", 3, 9), MidiSource("pitchbend", 12), MidiSource("note", 16, 60)):
        for value in {1, source.steps // 2, source.steps}:
            (data,) = encode_midi(source, value)
            assert decode_midi(data) == Moved(source, value)
    assert encode_midi(MidiSource("cc14", 2, 7), 129) == [b"\xb1\x07\x01", b"\xb1\x27\x01"]


class TestPairs:
    def test_both_halves_are_one_value(self) -> None:
        reader = MidiReader([PAIR])
        assert reader.take(b"\xb0\x07\x40", 0.0) == []
        assert reader.is_waiting
        assert reader.take(b"\xb0\x27\x05", 0.001) == [Moved(PAIR, 64 * 128 + 5)]
        assert not reader.is_waiting

    def test_a_coarse_half_alone_is_taken_after_a_moment(self) -> None:
        reader = MidiReader([PAIR])
        reader.take(b"\xb0\x07\x40", 0.0)
        assert reader.due(0.004) == []
        assert reader.due(0.006) == [Moved(PAIR, 64 * 128)]
        assert reader.due(1.0) == []

    def test_a_fine_half_alone_moves_a_little(self) -> None:
        reader = MidiReader([PAIR])
        assert reader.take(b"\xb0\x27\x05", 0.0) == []
        reader.take(b"\xb0\x07\x40", 0.1)
        reader.take(b"\xb0\x27\x05", 0.1)
        assert reader.take(b"\xb0\x27\x06", 0.2) == [Moved(PAIR, 64 * 128 + 6)]

    def test_other_channels_and_numbers_are_their_own(self) -> None:
        reader = MidiReader([PAIR])
        assert reader.take(b"\xb1\x07\x40", 0.0) == [Moved(MidiSource("cc", 2, 7), 64)]
        assert reader.take(b"\xb0\x28\x40", 0.0) == [Moved(MidiSource("cc", 1, 40), 64)]


def test_nothing_that_comes_in_disturbs() -> None:
    drawn = random.Random(1)
    reader = MidiReader([PAIR])
    for _ in range(5000):
        data = drawn.randbytes(drawn.randrange(0, 5))
        for moved in reader.take(data, 0.0):
            assert 0 <= moved.value <= moved.source.steps
            assert 1 <= moved.source.channel <= 16
