"""The order in which settings are sent so that no level jumps that nobody moved, and the proof of each of them.

Steps: EQ gains that go down; what is not heard as a level; EQ gains that go up, so that a band on its way to another
frequency or type is never louder than before or after; what switches sections on; levels, which glide; what switches
off, and unmutes; what is not heard any more. Each is proven before the next begins. A compressor that is switched on or
off has its makeup at 0 dB in that moment, and glides from or to there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ...presets.errors import DeskError
from ..desks.profile import Setting
from ..osc.connection import Connection
from ..osc.exchange import Cancel, Outcome, Progress, Result, push
from ..osc.ramp import Glide, ramp
from .plan import Row
from .scope import LEVELS

_MAKEUP: Final = "compressor.makeup_db"
_COMPRESSOR: Final = "compressor.on"
_SILENT_DB: Final = 0.0
_EQ_GAIN: Final = re.compile(r"eq\..+\.gain_db")


def touched(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows whose values a run changes, if only on the way: what has to be kept to take it back."""
    rows = tuple(rows)
    switched = {row.setting.strip for row in rows if row.setting.key == _COMPRESSOR and row.changes}
    return tuple(row for row in rows if row.changes or (row.setting.key == _MAKEUP and row.setting.strip in switched))


def run(
    connection: Connection,
    rows: Sequence[Row],
    ramp_ms: float,
    *,
    on_progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Set a desk, step by step, and prove it.

    Args:
        connection: made by `connection.connect`.
        rows: all settings, with what the desk has now.
        ramp_ms: how long levels take; 0 sets them at once. On a desk that cannot be asked they jump whatever it says.
        on_progress: called with the share done, 0..1, and what is being done.
        cancel: asked between datagrams; True ends it, and so does Ctrl-C.

    Returns:
        The outcome for each row, in their order. A level whose present value the desk did not tell is not sent.
    """
    if connection.is_blind:
        return push(connection, [row.setting for row in rows], on_progress=on_progress, cancel=cancel)
    steps = _Steps.of(rows)
    done = _Done()
    work = max(steps.size, 1)
    levels = tuple(glide.setting for glide in steps.glides)
    stages: tuple[tuple[tuple[Setting, ...], Callable[[Progress | None], Outcome]], ...] = (
        (steps.lowered, lambda show: _push(connection, steps.lowered, show, cancel)),
        (steps.first, lambda show: _push(connection, steps.first, show, cancel)),
        (steps.raised, lambda show: _push(connection, steps.raised, show, cancel)),
        (steps.on, lambda show: _switch_on(connection, steps.unblocked(done), show, cancel)),
        (levels, lambda show: ramp(connection, steps.glides_left(done), ramp_ms, on_progress=show, cancel=cancel)),
        (steps.off, lambda show: _push(connection, steps.off, show, cancel)),
        (steps.hidden, lambda show: _push(connection, steps.hidden, show, cancel)),
    )
    before = 0
    for settings, stage in stages:
        if not settings or done.ended:
            continue
        try:
            done.add(stage(_part(on_progress, before / work, (before + len(settings)) / work)))
        except KeyboardInterrupt:
            done.break_off(settings)
        except DeskError as error:
            done.break_off(settings, str(error))
        before += len(settings)
    return Outcome(
        results=tuple(done.result(row) for row in rows),
        cancelled=done.cancelled,
        problem=done.problem,
        datagrams=done.datagrams,
        repeats=done.repeats,
    )


@dataclass(frozen=True)
class _Steps:
    """Settings by step.

    Attributes:
        lowered: EQ gains that go down.
        first: what is not heard as a level.
        raised: EQ gains that go up.
        silenced: the makeups among them that are put to 0 dB so that their compressor can be switched on.
        on: switches that go on.
        glides: levels.
        off: compressors that go off when levels have settled, and unmutes.
        hidden: makeups of compressors that have gone off.
    """

    lowered: tuple[Setting, ...]
    first: tuple[Setting, ...]
    raised: tuple[Setting, ...]
    silenced: tuple[Setting, ...]
    on: tuple[Setting, ...]
    glides: tuple[Glide, ...]
    off: tuple[Setting, ...]
    hidden: tuple[Setting, ...]

    @property
    def size(self) -> int:
        steps = (self.lowered, self.first, self.raised, self.on, self.glides, self.off, self.hidden)
        return sum(map(len, steps))

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Steps:
        lowered: list[Setting] = []
        first: list[Setting] = []
        raised: list[Setting] = []
        silenced: list[Setting] = []
        on: list[Setting] = []
        glides: list[Glide] = []
        off: list[Setting] = []
        hidden: list[Setting] = []
        switches = {row.setting.strip: row for row in rows if row.setting.key == _COMPRESSOR}
        for row in touched(rows):
            setting, key = row.setting, row.setting.key
            if key == _MAKEUP:
                _makeup(row, switches.get(setting.strip), silenced, glides, hidden)
            elif key in LEVELS:
                glides += _glide(row)
            elif key in {_COMPRESSOR, "eq.on"}:
                (on if row.then_value else off if key == _COMPRESSOR else first).append(setting)
            elif _EQ_GAIN.fullmatch(key):
                (lowered if _goes_down(row) else raised).append(setting)
            elif key == "mute" and not row.then_value:
                off.append(setting)
            else:
                first.append(setting)
        return cls(
            tuple(lowered),
            (*silenced, *first),
            tuple(raised),
            tuple(silenced),
            tuple(on),
            tuple(glides),
            tuple(off),
            tuple(hidden),
        )

    def unblocked(self, done: _Done) -> list[Setting]:
        """Switches whose makeup is out of the way."""
        return [setting for setting in self.on if setting.strip not in self._blocked(done)]

    def glides_left(self, done: _Done) -> list[Glide]:
        """Levels, but for the makeups of compressors that were not switched on."""
        blocked = self._blocked(done)
        return [glide for glide in self.glides if not (glide.setting.key == _MAKEUP and glide.setting.strip in blocked)]

    def _blocked(self, done: _Done) -> set[str]:
        return {setting.strip for setting in self.silenced if not done.stands(setting)}


@dataclass
class _Done:
    """What came of the steps so far; of a setting that is sent twice, the last."""

    results: dict[Setting, Result] = field(default_factory=dict)
    cancelled: bool = False
    problem: str = ""
    datagrams: int = 0
    repeats: int = 0

    @property
    def ended(self) -> bool:
        return self.cancelled or bool(self.problem)

    def add(self, outcome: Outcome) -> None:
        self.results.update((result.setting, result) for result in outcome.results)
        self.cancelled |= outcome.cancelled
        self.problem = self.problem or outcome.problem
        self.datagrams += outcome.datagrams
        self.repeats += outcome.repeats

    def break_off(self, settings: Iterable[Setting], problem: str = "") -> None:
        """A step that ended by force: some of it may have been sent."""
        self.results.update((setting, Result(setting, "unconfirmed")) for setting in settings)
        self.cancelled |= not problem
        self.problem = self.problem or problem

    def stands(self, setting: Setting) -> bool:
        result = self.results.get(setting)
        return result is not None and result.state in {"confirmed", "same"}

    def result(self, row: Row) -> Result:
        """What came of a row."""
        found = self.results.get(row.setting)
        if found is not None:
            return found
        return Result(row.setting, "unsent" if row.changes or self._was_moved(row) else "same", row.now)

    def _was_moved(self, row: Row) -> bool:
        """Whether it stood as wanted before a step on the way moved it."""
        place = (row.setting.address, row.setting.before)
        return any((setting.address, setting.before) == place for setting in self.results)


def _makeup(row: Row, switch: Row | None, silenced: list[Setting], glides: list[Glide], hidden: list[Setting]) -> None:
    """A makeup is heard while its compressor is on."""
    was_on = switch is None or bool(switch.now_value)
    goes_on = switch is None or bool(switch.then_value)
    silent = replace(row.setting, value=row.setting.scale.encode(_SILENT_DB))
    if was_on and goes_on:
        glides += _glide(row)
    elif goes_on:
        silenced.append(silent)
        glides += _glide(replace(row, now=silent.value))
    elif was_on:
        glides += _glide(replace(row, setting=silent))
        if row.setting.value != silent.value:
            hidden.append(row.setting)
    else:
        hidden.append(row.setting)


def _goes_down(row: Row) -> bool:
    now, then = row.now_value, row.then_value
    return isinstance(now, float) and isinstance(then, float) and then < now


def _glide(row: Row) -> list[Glide]:
    """Nothing where it is not known from where, or where there is no way to go."""
    return [] if row.now is None or not row.changes else [Glide(row.setting, row.now)]


def _push(
    connection: Connection, settings: Sequence[Setting], on_progress: Progress | None, cancel: Cancel | None
) -> Outcome:
    """Without reading first: it was read for the plan."""
    return push(connection, settings, known={}, on_progress=on_progress, cancel=cancel)


def _switch_on(
    connection: Connection,
    settings: Sequence[Setting],
    on_progress: Progress | None,
    cancel: Cancel | None,
) -> Outcome:
    connection.dialect.before_switching_on(connection.link, settings)
    return _push(connection, settings, on_progress, cancel)


def _part(on_progress: Progress | None, start: float, end: float) -> Progress | None:
    if on_progress is None:
        return None
    return lambda share, text: on_progress(start + share * (end - start), text)
