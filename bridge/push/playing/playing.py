"""Push a preset and play its lanes in time with the song of the desk. The entry points for programs are here.

result = play_preset(preset, "ardour://127.0.0.1:3819")
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from ....presets.checking.arguments import checked_kind
from ....presets.errors import DeskError, PresetError
from ....presets.preset import Preset
from ...desks.loading import load_desk
from ...desks.profile import Desk, Setting
from ...desks.scales import WireValue
from ...osc.connection import Connection, connect
from ...osc.exchange import Cancel, Progress, Result, State, read
from ...osc.link import Target
from ...osc.locking import one_push_at_a_time
from ...osc.song import AskedSong, DeskSong, FedSong, SongPosition
from ..pushing import PushOptions, PushResult, change, parsed, require_plugins, snapshot_of
from .following import FollowReport, LaneFollower
from .planning import LanePlan, read_lane_plan

_FIRST_WORD_S: Final = 3.0
_LISTEN_S: Final = 0.01

Watch = Callable[[SongPosition | None], None]


@dataclass(frozen=True)
class PlayResult:
    """What a push that plays did.

    Attributes:
        lanes: what was to be done.
        push: what came of what stands at the beginning.
        report: of the song; None if it did not come to that.
        ends: for each setting that moves, what the desk has at the end.
        written: controls that the desk has written down, and plays from now on.
    """

    lanes: LanePlan
    push: PushResult
    report: FollowReport | None = None
    ends: tuple[Result, ...] = ()
    written: tuple[Setting, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether the lanes were played to their end, and each setting stands there or cannot be asked."""
        if self.report is None or self.report.cancelled or self.report.problem or not self.push.is_done:
            return False
        return all(item.state in {"confirmed", "unverifiable"} for item in self.ends)


def play_preset(
    preset: Preset,
    target: Target | str,
    options: PushOptions | None = None,
    *,
    all_lanes: bool = True,
    confirm: Callable[[LanePlan], bool] | None = None,
    on_progress: Progress | None = None,
    on_ready: Callable[[LanePlan], None] = lambda _plan: None,
    on_position: Watch = lambda _position: None,
    cancel: Cancel | None = None,
) -> PlayResult:
    """Push a preset as its lanes have it where the song is, then play them as the song plays.

    It follows where the song is located, stopped and started, and ends a second behind the last point. Ardour writes
    faders and pans down meanwhile.

    Args:
        preset: the mix, with lanes.
        target: which desk.
        options: how to push.
        all_lanes: play lanes of sections, too, that the scope of the options does not name.
        confirm: shown the plan; False ends it. None asks nobody.
        on_progress: called with the share of the push that is done, 0..1, and what is being done.
        on_ready: called when the song may begin.
        on_position: called ten times a second with where the song is, None while that is not known.
        cancel: asked between datagrams; True ends it, and so does Ctrl-C.

    Raises:
        DeskError: the desk does not tell where its song is, the preset has no lanes, or as for a push. Nothing was
            sent then.
        OutputError: the snapshot cannot be written. Nothing was sent then.
    """
    checked_kind(preset, Preset, "what is pushed", PresetError)
    options = PushOptions() if options is None else checked_kind(options, PushOptions, "options", DeskError)
    target = parsed(target)
    desk = load_desk(target.desk)
    with (
        one_push_at_a_time(target, target.port or desk.transport.port),
        connect(target, desk) as connection,
        opened_song(connection, desk, target) as song,
    ):
        lanes = read_lane_plan(
            preset,
            desk,
            connection,
            options,
            _now(song),
            all_lanes=all_lanes,
            on_progress=on_progress,
        )
        require_plugins(lanes.plan, connection)
        _require_settable(connection, lanes, options)
        if confirm is not None:
            if not confirm(lanes):
                return PlayResult(lanes, PushResult(lanes.plan, None))
            lanes = replace(
                lanes, plan=lanes.plan.with_state(read(connection, [row.setting for row in lanes.plan.rows]))
            )
        pushed = _pushed(connection, lanes, target, preset, options, on_progress, cancel)
        if pushed.outcome is None or pushed.outcome.cancelled or pushed.outcome.problem:
            return PlayResult(lanes, pushed)
        return _followed(connection, song, lanes, pushed, on_ready, on_position, cancel or (lambda: False))


def plan_play(
    preset: Preset,
    target: Target | str,
    options: PushOptions | None = None,
    *,
    all_lanes: bool = True,
    on_progress: Progress | None = None,
) -> LanePlan:
    """What playing would do; nothing is changed.

    Raises:
        DeskError: as in :func:`play_preset`.
    """
    checked_kind(preset, Preset, "what is pushed", PresetError)
    options = PushOptions() if options is None else checked_kind(options, PushOptions, "options", DeskError)
    target = parsed(target)
    desk = load_desk(target.desk)
    with connect(target, desk) as connection, opened_song(connection, desk, target) as song:
        return read_lane_plan(
            preset, desk, connection, options, _now(song), all_lanes=all_lanes, on_progress=on_progress
        )


@contextmanager
def opened_song(connection: Connection, desk: Desk, target: Target) -> Iterator[DeskSong]:
    """Follow the song of a desk while the block runs.

    Raises:
        DeskError: it does not tell where that is.
    """
    song: DeskSong
    if desk.transport.song is not None:
        song = FedSong(desk.transport.song, target.host)
    elif connection.dialect.open_song(connection.link):
        song = AskedSong(connection.link, connection.dialect)
    else:
        raise DeskError(
            f"{desk.title} does not tell where its song is, so lanes cannot be played in time with it. A session of "
            "your DAW has them (`mixbridge session insert`), and so does what `mixbridge apply` renders; a push "
            "that does not play sets the settings' own values."
        )
    try:
        yield song
    finally:
        song.close()


def _now(song: DeskSong) -> float:
    """Where the song is; its beginning where that is not told at once."""
    until = time.monotonic() + _FIRST_WORD_S
    while time.monotonic() < until:
        song.listen()
        position = song.clock.at(time.monotonic())
        if position is not None:
            return position.time_s
        if isinstance(song, FedSong):
            break
        time.sleep(_LISTEN_S)
    return 0.0


def _require_settable(connection: Connection, lanes: LanePlan, options: PushOptions) -> None:
    """Refuse what automation plays, but for that which is written anew."""
    if options.to_manual:
        return
    anew = {(item.strip, item.key) for item in lanes.written}
    changing = [row.setting for row in lanes.plan.changes if (row.setting.strip, row.setting.key) not in anew]
    connection.dialect.require_settable(connection.link, changing)


def _pushed(
    connection: Connection,
    lanes: LanePlan,
    target: Target,
    preset: Preset,
    options: PushOptions,
    on_progress: Progress | None,
    cancel: Cancel | None,
) -> PushResult:
    plan = lanes.plan
    moving = {(item.setting.strip, item.setting.key) for item in lanes.courses}
    done = change(
        connection,
        plan.rows,
        lambda rows: snapshot_of(plan.desk, target, plan.strips, rows, "push", preset.name),
        replace(options, to_manual=True),
        also=[row for row in plan.rows if (row.setting.strip, row.setting.key) in moving],
        on_progress=on_progress,
        cancel=cancel,
    )
    return PushResult(plan, done.outcome, done.snapshot, done.manual)


def _followed(
    connection: Connection,
    song: DeskSong,
    lanes: LanePlan,
    pushed: PushResult,
    on_ready: Callable[[LanePlan], None],
    on_position: Watch,
    cancel: Cancel,
) -> PlayResult:
    standing = _standing(lanes)
    follower = LaneFollower(
        connection,
        song,
        [replace(item, setting=replace(item.setting, value=standing[id(item)])) for item in lanes.courses],
        begin_writing=lambda: connection.dialect.begin_writing(connection.link, lanes.written),
        on_position=on_position,
    )
    report = follower.report
    try:
        connection.dialect.begin_writing(connection.link, lanes.written)
        on_ready(lanes)
        follower.run(cancel)
        ends = _ends(connection, [replace(item.setting, value=wire) for item, wire in follower.ends()], report)
    finally:
        with suppress(*([DeskError] if report.is_lost else [])):
            connection.dialect.end_writing(connection.link, lanes.written, has_written=report.passes > 0)
    return PlayResult(lanes, pushed, report, ends, lanes.written if report.passes else ())


def _ends(connection: Connection, wanted: list[Setting], report: FollowReport) -> tuple[Result, ...]:
    """Read what stands at the end."""
    if report.is_lost:
        return tuple(Result(item, "unconfirmed") for item in wanted)
    found = read(connection, wanted)
    return tuple(Result(item, _state(connection, item, found[item]), found[item]) for item in wanted)


def _standing(lanes: LanePlan) -> dict[int, WireValue]:
    """What each setting that moves has after the push, by the identity of its course."""
    rows = {(row.setting.strip, row.setting.key): row for row in lanes.plan.rows}
    return {
        id(item): rows[item.setting.strip, item.setting.key].setting.value
        if (item.setting.strip, item.setting.key) in rows
        else item.setting.value
        for item in lanes.courses
    }


def _state(connection: Connection, setting: Setting, found: WireValue | None) -> State:
    if connection.is_blind:
        return "unverifiable"
    if found is None:
        return "unconfirmed"
    return "confirmed" if setting.scale.same(setting.value, found) else "changed"
