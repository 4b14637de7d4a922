"""Controllers and the live engine: the preset that they change is played, and they hear its meters.

Beside the addresses of the preset there are `/mixbridge/live/...`: bypass, A and B, meters, counters, follow. A flood
of changes costs one change of the engine a turn, the latest.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from ...presets.errors import DeskError, MixbridgeError, PresetError
from ...presets.preset import Preset
from ...presets.units import decibels
from ...runtime.live.comparing import level_between
from ...runtime.live.engine import LiveEngine
from ...runtime.live.following import SongFollower
from ...runtime.live.steering import Steering
from ..osc.packets import Message
from .addresses import ROOT
from .current import CurrentPreset, PresetChange
from .server import OscServer
from .subscribers import DEFAULT_S, Peer, Subscribers
from .surface import Arguments, Request

LIVE: Final = f"{ROOT}/live"
_TURN_S: Final = 0.005
_METERS_S: Final = 0.1
_FLOOR_DB: Final = -120.0

log = logging.getLogger(__name__)


class LiveControl:
    """Plays what the current preset is; a context manager that ends it.

    Args:
        engine: that plays.
        current: what controllers change.
        other: the preset B; None for none.
        steering: where settings go that follow the song.

    Attributes:
        requests: what controllers can ask for, for :class:`.surface.Actions`.
        follower: what hears the song; None where nothing is followed.
    """

    def __init__(
        self,
        engine: LiveEngine,
        current: CurrentPreset,
        other: Preset | None = None,
        steering: Steering | None = None,
    ):
        self._engine, self._current = engine, current
        self._sides = [current.preset, other]
        self._side = 0
        self._side_wanted = 0
        self._level = 1.0
        self._sent = current.preset
        self._listeners = Subscribers()
        self._is_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mixbridge live control", daemon=True)
        self._server: OscServer | None = None
        self._steering = steering or Steering(set())
        self.follower: SongFollower | None = None
        self.requests: Mapping[str, Request] = {
            f"{LIVE}/bypass": self._bypass,
            f"{LIVE}/ab": self._ab,
            f"{LIVE}/meters": self._meters,
            f"{LIVE}/counters": self._counters,
            f"{LIVE}/follow": self._follow,
            **{f"{LIVE}/lock/{n}": partial(self._lock, track.name) for n, track in enumerate(engine.preset.tracks, 1)},
        }

    def __enter__(self) -> LiveControl:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ended.set()
        self._thread.join()

    def join(self, server: OscServer) -> None:
        """Tell a server's subscribers of changes that no controller made, and send meters through it."""
        self._server = server

    def hear(self, predicted: Preset) -> None:
        """Take what the model would set for the latest seconds."""
        self._steering.hear(self._current.preset, predicted)

    def go_on(self, length_s: float) -> None:
        """Move settings after the song for so long."""
        if self._steering.target is not None:
            self.change(lambda preset: self._steering.step(preset, length_s), "follow")

    @property
    def preset(self) -> Preset:
        """The preset that is played, as it is now."""
        return self._current.preset

    def change(self, edit: Callable[[Preset], Preset], gesture: str = "") -> None:
        """Put an edited preset in place of the current one, and tell the subscribers; see :class:`.CurrentPreset`."""
        self._apply(lambda: self._current.change(edit, gesture))

    def undo(self) -> None:
        """Go a step back.

        Raises:
            PresetError: there is none.
        """
        self._apply(self._current.undo)

    def _apply(self, change: Callable[[], PresetChange]) -> None:
        if self._server is None:
            change()
        else:
            self._server.apply(change)

    def _run(self) -> None:
        meters_s = time.monotonic()
        while not self._is_ended.wait(_TURN_S):
            try:
                self._turn()
                if time.monotonic() - meters_s >= _METERS_S:
                    meters_s = time.monotonic()
                    self._send_meters()
            except MixbridgeError as error:
                log.warning("%s", error)
            except Exception:  # the sound goes on, and so do its controls
                log.exception("a change could not be played")

    def _turn(self) -> None:
        if self._side_wanted != self._side:
            self._change_side()
        preset = self._current.preset
        if preset is not self._sent:
            self._sent = preset
            self._engine.set_preset(preset)

    def _change_side(self) -> None:
        """Go to the other preset, at the loudness that this one has now."""
        wanted = self._side_wanted
        old, new = self._current.preset, self._sides[wanted]
        if new is None:
            raise PresetError("there is no preset B: start live with one.")
        self._sides[self._side] = old
        inputs = self._engine.latest_inputs(3.0)
        self._level *= level_between(old, new, inputs, self._engine.source.channels, self._engine.shape.sample_rate_hz)
        # B is compared with A; A is always at its own level.
        if wanted == 0:
            self._level = 1.0
        self._side = wanted
        chosen = new
        self.change(lambda _: chosen)
        self._sent = chosen
        self._engine.set_preset(chosen, gain=self._level)

    def _bypass(self, arguments: Arguments, _sender: Peer) -> Sequence[Message]:
        if not arguments:
            return [Message(f"{LIVE}/bypass", (int(self._engine.is_bypassed),))]
        self._engine.bypass(_switched(arguments))
        return []

    def _ab(self, arguments: Arguments, _sender: Peer) -> Sequence[Message]:
        if not arguments:
            return [Message(f"{LIVE}/ab", (self._side_wanted,))]
        side = int(_switched(arguments))
        if self._sides[side] is None:
            raise DeskError("there is no preset B: start live with one")
        self._side_wanted = side
        return []

    def _follow(self, arguments: Arguments, _sender: Peer) -> Sequence[Message]:
        """Hear now; 1 and 0 begin and end to hear again and again."""
        if self.follower is None:
            raise DeskError("nothing is followed: start live with a reference")
        if arguments:
            self.follower.is_on = _switched(arguments)
        else:
            self.follower.hear_now()
        return []

    def _lock(self, name: str, arguments: Arguments, _sender: Peer) -> Sequence[Message]:
        locked = self._steering.locked
        number = 1 + [track.name for track in self._engine.preset.tracks].index(name)
        if not arguments:
            return [Message(f"{LIVE}/lock/{number}", (int(name in locked),))]
        if _switched(arguments):
            locked.add(name)
        else:
            locked.discard(name)
        return []

    def _meters(self, arguments: Arguments, sender: Peer) -> Sequence[Message]:
        """Begin to send meters for some seconds; 0 ends it."""
        if arguments and not _switched(arguments):
            self._listeners.remove(sender)
        else:
            self._listeners.add(sender, None, DEFAULT_S)
        return []

    def _counters(self, _arguments: Arguments, _sender: Peer) -> Sequence[Message]:
        return [self._counts()]

    def _counts(self) -> Message:
        report = self._engine.report()
        return Message(
            f"{LIVE}/counters",
            (
                report.blocks,
                report.late_blocks,
                report.xruns,
                float(report.callback_p99_ms),
                float(report.callback_worst_ms),
                report.latency_samples,
            ),
        )

    def _send_meters(self) -> None:
        listeners = self._listeners.destinations()
        if not listeners or self._server is None:
            return
        tracks, mix = self._engine.peaks("OSC")
        messages = [
            Message(f"{LIVE}/meter/track/{number}", (_shown_db(peak),)) for number, peak in enumerate(tracks, 1)
        ]
        messages.append(Message(f"{LIVE}/meter/mix", tuple(_shown_db(peak) for peak in mix)))
        messages.append(self._counts())
        for listener in listeners:
            self._server.send(listener, messages)


def _shown_db(peak: float) -> float:
    return max(_FLOOR_DB, decibels(peak))


def _switched(arguments: Arguments) -> bool:
    value = arguments[0]
    if isinstance(value, str | bytes) or value not in (0, 1):
        raise DeskError("1 or 0 is wanted")
    return bool(value)
