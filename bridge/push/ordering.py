"""The order in which settings are sent so that no moment is louder than before or after.

What makes a strip quieter comes first and what makes it louder last, across all sections: mutes and levels that go
down; EQ gains and thresholds that go down, compressors, gates and cuts that go on; what is neither (frequencies, types,
pans), while everything is as quiet as before and after; then thresholds and EQ gains that go up, compressors, gates and
cuts that go off; levels that go up; unmutes. What is switched off now is set before it is switched on, and what goes
off after that: nobody hears it. A compressor that is switched has its makeup at 0 dB in that moment, and glides from or
to there; a send that is switched on rises from nothing, and so does the return of an effect that becomes another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from ..desks.keys import is_level, owner_of
from ..desks.profile import Setting
from .plan import Row

Phase = Literal["unheard", "down", "quieter", "on", "neutral", "louder", "up", "last"]
PHASES: Final[tuple[Phase, ...]] = ("unheard", "down", "quieter", "on", "neutral", "louder", "up", "last")
# Those whose settings are levels, and glide.
GLIDES: Final[frozenset[Phase]] = frozenset({"down", "up"})

_MAKEUP: Final = "compressor.makeup_db"
_COMPRESSOR: Final = "compressor.on"
_SILENT_DB: Final = 0.0
# Below every scale's lowest: a level that is off.
_NOTHING_DB: Final = -200.0
_EQ_GAIN: Final = re.compile(r"eq\..+\.gain_db")
_SEND: Final = re.compile(r"(?P<effect>\w+)_send_db")
_RETURN: Final = re.compile(r"(?P<effect>\w+)\.(right\.)?return_gain_db")
# With +1 what makes it louder when it grows.
_LOUDNESS: Final[Mapping[str, int]] = {
    "gate.threshold_db": -1,
    "gate.range_db": -1,
    "gate.ratio": -1,
    "low_cut.freq_hz": -1,
    "low_cut.slope_db_per_octave": -1,
    "high_cut.freq_hz": 1,
    "high_cut.slope_db_per_octave": -1,
    "deesser.threshold_db": 1,
    "deesser.range_db": -1,
    "delay.feedback": 1,
    "delay.right.feedback": 1,
    "compressor.threshold_db": 1,
    "compressor.ratio": -1,
    "compressor.attack_ms": 1,
    "compressor.release_ms": -1,
    "compressor.knee_db": -1,
    "compressor.hold": -1,
    "compressor.knee": -1,
}


@dataclass(frozen=True)
class Step:
    """One setting in its phase; a makeup may come in two."""

    phase: Phase
    setting: Setting


def touched(rows: Iterable[Row]) -> tuple[Row, ...]:
    """List the rows whose values a run changes, if only on the way: what has to be kept to take it back."""
    rows = tuple(rows)
    strips = _Strips.of(rows)
    return tuple(row for row in rows if row.changes or strips.moves_on_the_way(row))


def in_phases(rows: Iterable[Row]) -> dict[Phase, list[Setting]]:
    """Sort the settings that are to be sent into phases.

    Rows that the desk did not tell are left out, since they could not be put back; so are those that follow a linked
    strip, since the desk itself sets them.
    """
    rows = tuple(rows)
    sent = [row for row in touched(rows) if row.now is not None and not row.follows]
    phases: dict[Phase, list[Setting]] = {phase: [] for phase in PHASES}
    strips = _Strips.of(rows)
    for row in sent:
        for step in strips.steps(row):
            phases[step.phase].append(step.setting)
    return phases


@dataclass(frozen=True)
class _Strips:
    """Which sections of which strips are heard, before and after, and which effects become others."""

    switches: Mapping[tuple[str, str], Row]
    replaced: frozenset[str]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Strips:
        switches = {
            (row.setting.strip, row.setting.key): row for row in rows if row.setting.key.endswith((".on", "_on"))
        }
        return cls(switches, frozenset(row.setting.strip for row in rows if row.replaces))

    def moves_on_the_way(self, row: Row) -> bool:
        """Whether it leaves its place while something else is switched, though it comes back to it.

        So does a makeup, a send that is switched on, and everything of an effect that becomes another one.
        """
        key = row.setting.key
        if key == _MAKEUP:
            switch = self.switches.get((row.setting.strip, _COMPRESSOR))
            return switch is not None and switch.changes
        return self._begins_at_nothing(row) is not None or row.setting.strip in self.replaced

    def steps(self, row: Row) -> Iterator[Step]:
        setting, key = row.setting, row.setting.key
        silence = self._begins_at_nothing(row)
        if key == _MAKEUP:
            yield from self._makeup(row)
        elif silence is not None:
            yield from self._from_nothing(row, silence)
        elif is_level(key):
            yield Step("down" if _grows(row) < 0 else "up", setting)
        elif key == "mute":
            yield Step("unheard" if row.then_value else "last", setting)
        elif key == "eq.on":
            yield Step("neutral", setting)
        elif setting.strip in self.replaced:
            # First what effect it is: its settings are those of the new one.
            yield from () if row.keeps else (Step("quieter" if key.endswith(".type") else "neutral", setting),)
        elif key.endswith((".on", "_on")):
            yield Step("on" if row.then_value else "louder", setting)
        else:
            yield Step(self._phase(row), setting)

    def _begins_at_nothing(self, row: Row) -> Phase | None:
        """The phase in which a level goes to nothing, before it rises again; None for one that just glides."""
        send = _SEND.fullmatch(row.setting.key)
        if send is not None:
            switch = self.switches.get((row.setting.strip, f"send.{send['effect']}_on"))
            return "unheard" if switch is not None and switch.changes and switch.then_value else None
        is_return = _RETURN.fullmatch(row.setting.key) is not None
        return "down" if is_return and row.setting.strip in self.replaced else None

    def _from_nothing(self, row: Row, phase: Phase) -> Iterator[Step]:
        silent = replace(row.setting, value=row.setting.scale.encode(_NOTHING_DB))
        yield Step(phase, silent)
        if row.setting.value != silent.value:
            yield Step("up", row.setting)

    def _phase(self, row: Row) -> Phase:
        """When a setting of a section, or a pan or name, is sent."""
        key = row.setting.key
        was_on, goes_on = self._is_on(row)
        if not was_on:
            return "unheard"
        if not goes_on:
            return "last"
        sign = 1 if _EQ_GAIN.fullmatch(key) else _LOUDNESS.get(key, 0)
        change = _grows(row) * sign
        return "quieter" if change < 0 else "louder" if change > 0 else "neutral"

    def _makeup(self, row: Row) -> Iterator[Step]:
        was_on, goes_on = self._is_on(row)
        silent = replace(row.setting, value=row.setting.scale.encode(_SILENT_DB))
        if was_on and goes_on:
            yield Step("down" if _grows(row) < 0 else "up", row.setting)
        elif goes_on:
            yield Step("unheard", silent)
            if row.setting.value != silent.value:
                yield Step("up", row.setting)
        elif was_on:
            yield Step("down" if _decoded(row.now, row) > _SILENT_DB else "up", silent)
            if row.setting.value != silent.value:
                yield Step("last", row.setting)
        else:
            yield Step("unheard", row.setting)

    def _is_on(self, row: Row) -> tuple[bool, bool]:
        """Whether the row's section is heard, before and after; what has no switch always is."""
        switch = self.switches.get((row.setting.strip, f"{owner_of(row.setting.key)}.on"))
        if switch is None or switch.now is None:
            return True, True
        return bool(switch.now_value), bool(switch.then_value)


def _grows(row: Row) -> int:
    """1 if the value gets larger, -1 if smaller, 0 if that cannot be said."""
    now, then = row.now_value, row.then_value
    if not isinstance(now, float | int) or not isinstance(then, float | int):
        return 0
    return (then > now) - (then < now)


def _decoded(wire: object, row: Row) -> float:
    value = row.setting.scale.decode(wire) if isinstance(wire, int | float | str) else 0.0
    return float(value)
