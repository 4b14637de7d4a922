"""Curves in words, short enough to be read."""

from __future__ import annotations

from mixbridge.presets.console import Master
from mixbridge.presets.parts.match import THIRDS_HZ, MatchCurve, ToneCurve, WidthCurve
from mixbridge.presets.sections import briefly, described


def words(points: int) -> str:
    tone = ToneCurve(**{f"hz_{hz:g}_db".replace(".", "_"): place - 4.5 for place, hz in enumerate(THIRDS_HZ[:points])})
    match = MatchCurve(tone=tone, width=WidthCurve(hz_100_db=-6))
    return f"Master: its {described(Master(match=match), 'match')} is left out."


def test_a_curve_of_many_points_is_said_by_how_far_it_goes() -> None:
    assert briefly(words(12)) == (
        "Master: its match curve (tone 12 points, -4.5 to +6.5; width 100 Hz -6, in dB) is left out."
    )


def test_a_curve_of_few_points_stays_as_it_is() -> None:
    assert briefly(words(8)) == words(8)
    assert briefly("Bass: its saturation is left out.") == "Bass: its saturation is left out."
