"""A run: the phases of a push one after the other, each proven, and everything read once more at the end.

Before a phase its settings are read again: what somebody else has changed since the plan was made is left as it is, and
told. What is said to stand at the end is what the desk told then, not what it told in passing: a desk that restarted or
that somebody else worked on is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ...presets.errors import DeskError
from ..desks.effects import REST
from ..desks.keys import is_level
from ..desks.profile import Setting
from ..desks.scales import WireValue
from ..osc.connection import Connection
from ..osc.exchange import Cancel, Outcome, Progress, Result, State, push, read
from ..osc.ramp import ramp
from .ordering import GLIDES, PHASES, Phase, in_phases
from .plan import Row

Place = tuple[str, tuple[int | str, ...]]
_PROOF: Final = 0.85


def run(
    connection: Connection,
    rows: Sequence[Row],
    ramp_ms: float,
    *,
    on_progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Set a desk, phase by phase, and prove it.

    Args:
        connection: made by `connection.connect`.
        rows: all settings, with what the desk has now.
        ramp_ms: how long levels take; 0 sets them at once. On a desk that cannot be asked they jump whatever it says.
        on_progress: called with the share done, 0..1, and what is being done.
        cancel: asked between datagrams; True ends it, and so does Ctrl-C.

    Returns:
        The outcome for each row, in their order. What the desk did not tell before is not sent: there would be no way
        back.
    """
    if connection.is_blind:
        return push(connection, [row.setting for row in rows], on_progress=on_progress, cancel=cancel)
    current = _Run(connection, rows, ramp_ms, cancel)
    phases = in_phases(rows)
    work = max(sum(map(len, phases.values())), 1)
    before = 0
    for phase in PHASES:
        settings = phases[phase]
        if settings and not current.is_over:
            current.do(
                phase, settings, _part(on_progress, _PROOF * before / work, _PROOF * (before + len(settings)) / work)
            )
        before += len(settings)
    if not current.is_over:
        current.send_stragglers()
    if not current.is_over:
        current.prove(_part(on_progress, _PROOF, 1.0))
    return current.outcome()


@dataclass
class _Run:
    """What came of the phases so far; of a setting that is sent twice, the last."""

    connection: Connection
    rows: Sequence[Row]
    ramp_ms: float
    cancel: Cancel | None
    results: dict[Setting, Result] = field(default_factory=dict)
    last_read: dict[Setting, WireValue | None] = field(default_factory=dict)
    cancelled: bool = False
    problem: str = ""
    datagrams: int = 0
    repeats: int = 0

    def __post_init__(self) -> None:
        self._started_at = self.connection.link.sent
        self.cancel = self._remembered(self.cancel)
        # What a place may have without anybody else's doing: what it had, what it shall have, what we sent.
        self._known: dict[Place, list[WireValue]] = {}
        # An effect that is replaced by another begins with settings that nobody knows.
        self._replaced = frozenset(row.setting.strip for row in self.rows if row.replaces)
        for row in self.rows:
            values = [] if row.now is None else [row.now]
            self._known.setdefault(_place(row.setting), []).extend([*values, row.setting.value])

    @property
    def is_over(self) -> bool:
        """Whether it was ended, from outside or by the network."""
        return self.cancelled or bool(self.problem)

    def do(self, phase: Phase, settings: Sequence[Setting], on_progress: Progress | None) -> None:
        """Send a phase, but for what somebody else has changed."""
        settings = [setting for setting in settings if not self._is_blocked(setting)]
        try:
            ours = self._still_ours(settings)
            if self.cancelled:
                return
        except KeyboardInterrupt:
            self.cancelled = True
            return
        except DeskError as error:
            self.problem = str(error)
            return
        try:
            self._add(self._send(phase, ours, on_progress))
        except KeyboardInterrupt:
            self._break_off(ours)
        except DeskError as error:
            self._break_off(ours, str(error))

    def send_stragglers(self) -> None:
        """Set what the desk was to set itself on linked strips, and did not."""
        followers = [row for row in self.rows if row.follows and row.changes and row.now is not None]
        if not followers:
            return
        try:
            answers = read(self.connection, [row.setting for row in followers], cancel=self.cancel)
        except KeyboardInterrupt:
            self.cancelled = True
            return
        except DeskError as error:
            self.problem = str(error)
            return
        rows = [replace(row, follows=False, now=answers[row.setting]) for row in followers]
        for row in rows:
            if row.now is not None:
                self._known[_place(row.setting)].append(row.now)
        for phase, settings in in_phases(rows).items():
            if settings and not self.is_over:
                self.do(phase, settings, None)

    def prove(self, on_progress: Progress | None) -> None:
        """Read everything once more: what stands now is what counts."""
        try:
            self.last_read = read(
                self.connection, [row.setting for row in self.rows], on_progress=on_progress, cancel=self.cancel
            )
        except KeyboardInterrupt:
            self.cancelled = True
        except DeskError as error:
            self.problem = str(error)

    def outcome(self) -> Outcome:
        """What came of all rows."""
        return Outcome(
            results=tuple(self._final(row) for row in self.rows if not self._is_gone(row)),
            cancelled=self.cancelled,
            problem=self.problem,
            datagrams=self.connection.link.sent - self._started_at,
            repeats=self.repeats,
        )

    def _remembered(self, cancel: Cancel | None) -> Cancel:
        """The question whether to end, whose answer is kept: a reading that it ended is not whole."""

        def asked() -> bool:
            self.cancelled = self.cancelled or (cancel is not None and cancel())
            return self.cancelled

        return asked

    def _send(self, phase: Phase, settings: Sequence[Setting], on_progress: Progress | None) -> Outcome:
        for setting in settings:
            self._known[_place(setting)].append(setting.value)
        if phase in GLIDES:
            return ramp(self.connection, settings, self.ramp_ms, on_progress=on_progress, cancel=self.cancel)
        if phase == "on":
            self.connection.dialect.before_switching_on(self.connection.link, settings)
        return push(self.connection, settings, known={}, on_progress=on_progress, cancel=self.cancel)

    def _still_ours(self, settings: Sequence[Setting]) -> list[Setting]:
        """Those that have what they had, or what we gave them; the others are told of and left."""
        answers = read(self.connection, settings, cancel=self.cancel)
        if self.cancelled:
            return []
        ours = []
        for setting in settings:
            value = answers[setting]
            if value is None:
                self.results[setting] = Result(setting, "unsent")
            elif self._is_new(setting) or any(
                setting.scale.same(value, known) for known in self._known[_place(setting)]
            ):
                ours.append(setting)
            else:
                self.results[setting] = Result(setting, "changed", value)
        return ours

    def _is_new(self, setting: Setting) -> bool:
        return setting.strip in self._replaced and not is_level(setting.key)

    def _is_gone(self, row: Row) -> bool:
        """Whether it belonged to an effect that is replaced, and has no meaning in the new one."""
        return row.keeps and row.setting.strip in self._replaced and REST in row.setting.key

    def _is_blocked(self, setting: Setting) -> bool:
        """Whether it waits for a makeup that could not be silenced, or was let go before."""
        place = _place(setting)
        earlier = [result for key, result in self.results.items() if _place(key) == place]
        if any(result.state in {"changed", "unsent"} for result in earlier):
            return True
        if setting.key not in {"compressor.on", "compressor.makeup_db"}:
            return False
        makeups = [
            result
            for key, result in self.results.items()
            if key.strip == setting.strip and key.key == "compressor.makeup_db"
        ]
        return any(result.state not in {"confirmed", "same"} for result in makeups)

    def _add(self, outcome: Outcome) -> None:
        self.results.update((result.setting, result) for result in outcome.results)
        self.cancelled |= outcome.cancelled
        self.problem = self.problem or outcome.problem
        self.repeats += outcome.repeats

    def _break_off(self, settings: Iterable[Setting], problem: str = "") -> None:
        """End by force: some of this phase may have been sent."""
        self.results.update((setting, Result(setting, "unconfirmed")) for setting in settings)
        self.cancelled |= not problem
        self.problem = self.problem or problem

    def _final(self, row: Row) -> Result:
        """What became of a row, by what was read last."""
        result = self._in_passing(row)
        if not self.last_read:
            return replace(result, state="unconfirmed") if self.problem and result.state == "confirmed" else result
        found = self.last_read[row.setting]
        if found is None:
            return replace(result, state="unconfirmed") if result.state in {"confirmed", "same"} else result
        return replace(result, state=_proven(row, result.state, found), found=found)

    def _in_passing(self, row: Row) -> Result:
        """What became of a row when its turn was."""
        result = self.results.get(row.setting)
        if result is not None:
            return result
        place = _place(row.setting)
        was_moved = any(_place(key) == place for key in self.results)
        return Result(row.setting, "unsent" if row.changes or was_moved else "same", row.now)


def _proven(row: Row, state: State, found: WireValue) -> State:
    """A state, now that the value was read again at the end."""
    if row.setting.scale.same(row.setting.value, found):
        is_ours = row.changes and (row.follows or state not in {"same", "unsent", "changed"})
        return "confirmed" if is_ours else "same"
    if state in {"confirmed", "same"} and not row.follows:
        return "changed"
    return "refused" if state == "unconfirmed" or row.follows else state


def _place(setting: Setting) -> Place:
    return setting.address, setting.before


def _part(on_progress: Progress | None, start: float, end: float) -> Callable[[float, str], None] | None:
    if on_progress is None:
        return None
    return lambda share, text: on_progress(start + share * (end - start), text)
