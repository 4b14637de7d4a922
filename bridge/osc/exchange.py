"""Reading a desk's settings and setting them with proof: every value is read back, and what is not proven is said.

Nothing is assumed about the network but that some datagrams arrive. How retries are timed is `pipeline.py`'s, how
fast anything may be sent is the link's, and how fast a level may move is `ramp.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from ...presets.errors import DeskError
from ..desks.profile import Desk, Setting
from ..desks.scales import WireValue
from .asking import ask
from .connection import Connection
from .dialects.base import DeskInfo
from .link import Link
from .pipeline import Errand, Lost, Pipeline

State = Literal["confirmed", "same", "changed", "refused", "unconfirmed", "unverifiable", "unsent"]
Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]

# After Ctrl-C, for the answers that are under way: they tell what was done.
_LAST_WORDS_S: Final = 0.15


@dataclass(frozen=True)
class Result:
    """What became of one setting.

    Attributes:
        setting: as asked for.
        state: `confirmed` (sent, and read back within half a grid step), `same` (it stood there already; nothing was
            sent), `changed` (somebody else, or a restart of the desk, gave it another value meanwhile, which was left),
            `refused` (the desk keeps another value), `unconfirmed` (sent, but not proven: no answer, or the
            push ended first), `unverifiable` (sent to a desk that cannot be asked) or `unsent` (the push ended before
            its turn).
        found: the value last read from the desk; None: none was.
    """

    setting: Setting
    state: State
    found: WireValue | None = None


@dataclass(frozen=True)
class Outcome:
    """What a push did.

    Attributes:
        results: for each setting, in the order given.
        cancelled: it was ended from outside, between two datagrams: every value on the desk is a whole one.
        problem: why the connection broke in the middle, for the user; empty: it did not.
        datagrams: that were sent, questions too.
        repeats: attempts beyond the first, for a loss or a value that was not taken.
    """

    results: tuple[Result, ...]
    cancelled: bool = False
    problem: str = ""
    datagrams: int = 0
    repeats: int = 0

    @property
    def complete(self) -> bool:
        """Whether the desk is proven to stand as asked for."""
        is_whole = not self.cancelled and not self.problem
        return is_whole and all(result.state in {"confirmed", "same"} for result in self.results)

    def of(self, *states: State) -> tuple[Result, ...]:
        """The results with these states."""
        return tuple(result for result in self.results if result.state in states)


def read(
    connection: Connection,
    settings: Iterable[Setting],
    *,
    on_progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> dict[Setting, WireValue | None]:
    """Read what a desk holds where settings lie; their own values do not matter.

    Args:
        connection: made by `connection.connect`.
        settings: what to ask for.
        on_progress: called with the share done, 0..1, and what is being done.
        cancel: asked between datagrams; True ends it, and what was not read is None.

    Returns:
        The wire value for each setting; None where the desk never answered, or cannot be asked.

    Raises:
        DeskError: the desk does not answer at all, or stopped, or the connection failed.
    """
    return _read(connection, tuple(dict.fromkeys(settings)), on_progress, cancel)[0]


def push(
    connection: Connection,
    settings: Iterable[Setting],
    *,
    known: Mapping[Setting, WireValue | None] | None = None,
    on_progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Set a desk and prove it.

    First everything is read, so that what stands already is left alone; then the rest is set, read back, compared
    within half a grid step and repeated where that fails. Ctrl-C ends it between two datagrams, and the outcome says
    what was done; so it does if the desk goes away in the middle.

    Args:
        connection: made by `connection.connect`.
        settings: what to set, no two different values for the same address.
        known: what was read just now, to save the reading; what it lacks is set whatever the desk holds.
        on_progress: called with the share done, 0..1, and what is being done.
        cancel: asked between datagrams; True ends it.

    Raises:
        DeskError: the desk does not answer, so nothing was sent; or the settings contradict each other.
    """
    link = connection.link
    wanted = _without_contradictions(settings)
    before = link.sent
    if connection.is_blind:
        return _push_blind(connection, wanted, on_progress, cancel)
    try:
        ended, present = True, known
        if present is None:
            present, ended = _read(connection, wanted, _part(on_progress, 0, 1 / 3), cancel)
        if not ended:
            return _nothing_sent(wanted, link.sent - before)
        same = {
            setting: Result(setting, "same", value)
            for setting in wanted
            if (value := present.get(setting)) is not None and setting.scale.same(setting.value, value)
        }
        show = _told(_part(on_progress, 1 / 3 if known is None else 0, 1), "setting")
        missing = tuple(setting for setting in wanted if setting not in same)
        pipeline = Pipeline(connection, missing, write=True, on_progress=show, cancel=cancel)
    except KeyboardInterrupt:
        return _nothing_sent(wanted, link.sent - before)
    cancelled, problem = _run(pipeline, link)
    done = {errand.setting: _result(errand) for errand in pipeline.errands}
    return Outcome(
        results=tuple(same.get(setting) or done[setting] for setting in wanted),
        cancelled=cancelled,
        problem=problem,
        datagrams=link.sent - before,
        repeats=pipeline.repeats,
    )


def hello(connection: Connection) -> DeskInfo | None:
    """Ask the desk what it is; None: it cannot be asked.

    Raises:
        DeskError: it does not answer, or the connection failed.
    """
    dialect = connection.dialect
    greetings = dialect.greetings()
    if not greetings:
        return None
    answers = ask(
        connection.link,
        greetings,
        lambda got: dialect.introduction(got[-1]) is not None,
        wait_s=dialect.reply_ms / 1000,
    )
    return dialect.introduction(answers[-1])


def track_names(connection: Connection, desk: Desk) -> dict[int, str]:
    """Ask for the names of a desk's tracks, by its own numbers, without those that have none; empty if it cannot.

    Raises:
        DeskError: it does not answer, or the connection failed.
    """
    names = connection.dialect.track_names(connection.link, desk)
    if names is not None:
        return names
    if desk.scale("track", "name") is None:
        return {}
    asked = {desk.settings("track", number, {"name": ""})[0]: number for number in desk.track.numbers}
    return {asked[setting]: str(name) for setting, name in read(connection, asked).items() if name}


def _read(
    connection: Connection, settings: tuple[Setting, ...], on_progress: Progress | None, cancel: Cancel | None
) -> tuple[dict[Setting, WireValue | None], bool]:
    """What was found, and whether it came to its end; False: it was cancelled."""
    if connection.is_blind:
        return dict.fromkeys(settings), True
    asked = {_place(setting): setting for setting in settings}
    show = _told(on_progress, "reading")
    pipeline = Pipeline(connection, tuple(asked.values()), write=False, on_progress=show, cancel=cancel)
    try:
        ended = pipeline.run()
    except Lost as error:
        raise connection.link.silence() from error
    wires = {_place(errand.setting): errand.found for errand in pipeline.errands}
    return {setting: wires[_place(setting)] for setting in settings}, ended


def _run(pipeline: Pipeline, link: Link) -> tuple[bool, str]:
    """Whether it was cancelled, and what broke."""
    try:
        ended = pipeline.run()
    except KeyboardInterrupt:
        ended = False
    except Lost:
        return False, str(link.silence())
    except DeskError as error:
        return False, str(error)
    if not ended:
        with suppress(KeyboardInterrupt, DeskError):
            pipeline.listen_on(_LAST_WORDS_S)
    return not ended, ""


def _push_blind(
    connection: Connection, settings: tuple[Setting, ...], on_progress: Progress | None, cancel: Cancel | None
) -> Outcome:
    """Each value once, as fast as the pacing allows."""
    link, dialect = connection.link, connection.dialect
    before, sent, cancelled, problem = link.sent, 0, False, ""
    show = _told(on_progress, "setting")
    try:
        for setting in settings:
            if cancel is not None and cancel():
                cancelled = True
                break
            sent += 1
            link.send(dialect.set(setting))
            show(sent / len(settings))
    except KeyboardInterrupt:
        cancelled = True
    except DeskError as error:
        if sent <= 1:
            raise
        problem = str(error)
    results = [Result(setting, "unverifiable" if index < sent else "unsent") for index, setting in enumerate(settings)]
    return Outcome(tuple(results), cancelled, problem, link.sent - before)


def _result(errand: Errand) -> Result:
    state: State
    if errand.done:
        state = "confirmed"
    elif errand.given_up and errand.found is not None:
        state = "refused"
    else:
        state = "unconfirmed" if errand.attempts else "unsent"
    return Result(errand.setting, state, errand.found)


def _nothing_sent(settings: tuple[Setting, ...], datagrams: int) -> Outcome:
    return Outcome(tuple(Result(setting, "unsent") for setting in settings), cancelled=True, datagrams=datagrams)


def _without_contradictions(settings: Iterable[Setting]) -> tuple[Setting, ...]:
    kept: dict[tuple[str, tuple[int | str, ...]], Setting] = {}
    for setting in settings:
        other = kept.setdefault(_place(setting), setting)
        if not setting.scale.same(setting.value, other.value):
            raise DeskError(
                f"{setting.strip}: {other.key} and {setting.key} want two values of {setting.address} "
                f"({other.value} and {setting.value}). Assign one track to it."
            )
    return tuple(kept.values())


def _place(setting: Setting) -> tuple[str, tuple[int | str, ...]]:
    return setting.address, setting.before


def _told(on_progress: Progress | None, text: str) -> Callable[[float], None]:
    return (lambda share: on_progress(share, text)) if on_progress is not None else (lambda _share: None)


def _part(on_progress: Progress | None, start: float, end: float) -> Progress | None:
    """For a step that is only a part of the whole."""
    if on_progress is None:
        return None
    return lambda share, text: on_progress(start + share * (end - start), text)
