"""A running `mixbridge live` on the page: what moves on one side moves on the other, and its meters are shown.

The engine's settings go first: at the beginning, and each time that it comes back, the page takes what is playing, so
that nothing jumps that nobody moved. Only changes are sent, and the engine fades to them as it does for controllers.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ....presets.errors import DeskError, MixbridgeError, PresetError
from ....presets.preset import GroupBus, Preset, Track
from ...desks.loading import load_desk
from ...osc.asking import ask
from ...osc.link import Link, Target
from ...osc.packets import Argument, Message
from ...server.addresses import BUS_COUNT, ROOT, TRACK_COUNT, differences, find, strip_values
from ...server.live import LIVE
from ..studio import PageStudio

DEFAULT_PORT: Final = 9500
_METER: Final = f"{LIVE}/meter"
# Of the message of counters.
_COUNTERS: Final = 6
_NAME: Final = "/name"
# Subscriptions last 10 s; meters come ten times a second.
_RENEWED_S: Final = 4.0
_SILENCE_S: Final = 2.0
_AGAIN_S: Final = 1.0
_TURN_S: Final = 0.03


@dataclass(frozen=True)
class EngineMeters:
    """What the engine told last.

    Attributes:
        tracks_db: highest sample of each track.
        mix_db: left and right.
        late_blocks: since it began.
        xruns: likewise.
        latency_samples: of the console.
    """

    tracks_db: Sequence[float] = ()
    mix_db: Sequence[float] = ()
    late_blocks: int = 0
    xruns: int = 0
    latency_samples: int = 0


@dataclass
class _Latest:
    tracks_db: dict[int, float] = field(default_factory=dict)
    mix_db: tuple[float, ...] = ()
    counters: tuple[int, int, int] = (0, 0, 0)


class PageEngine:
    """Follows an engine in a thread of its own, until the studio is closed.

    Args:
        studio: whose preset is the engine's.
        where: "HOST" or "HOST:PORT".

    Attributes:
        where: as it is said to people.
        is_there: whether it answers.

    Raises:
        DeskError: the address has another form.
    """

    def __init__(self, studio: PageStudio, where: str):
        self._studio, self._target = studio, Target.parse(f"generic://{where}")
        self.where = f"{self._target.host}:{self._target.port or DEFAULT_PORT}"
        self.is_there = False
        self._latest = _Latest()
        self._sent = studio.preset

    def start(self) -> None:
        """Begin to follow; the thread ends with the studio."""
        threading.Thread(target=self._run, name="mixbridge engine", daemon=True).start()

    @property
    def meters(self) -> EngineMeters:
        """What it told last."""
        latest = self._latest
        levels = latest.tracks_db.copy()
        tracks_db = [levels.get(number, -120.0) for number in range(1, max(levels, default=0) + 1)]
        return EngineMeters(tracks_db, latest.mix_db, *latest.counters)

    def _run(self) -> None:
        target = Target(self._target.desk, self._target.host, self._target.port or DEFAULT_PORT)
        transport = load_desk("generic").transport
        while not self._studio.is_closed:
            try:
                with Link.open(target, transport) as link:
                    self._take(link)
                    self._follow(link)
            except MixbridgeError:
                pass  # that it is away is shown; there is nothing else to do than to try again
            self._tell(is_there=False)
            time.sleep(_AGAIN_S)

    def _tell(self, *, is_there: bool) -> None:
        if self.is_there != is_there:
            self.is_there = is_there
            self._latest = _Latest()
            self._studio.tell_all()

    def _take(self, link: Link) -> None:
        """Take what the engine plays, without a way back to what stood on the page before."""
        counts = _answers(link, [TRACK_COUNT, BUS_COUNT], [TRACK_COUNT, BUS_COUNT])
        tracks, buses = (int(_number(counts[address])) for address in (TRACK_COUNT, BUS_COUNT))
        groups = {f"{ROOT}/track/{n}": n for n in range(1, tracks + 1)} | {
            f"{ROOT}/bus/{n}": n for n in range(1, buses + 1)
        }
        bare = Preset(
            tracks=tuple(Track(name=f"{n}") for n in range(1, tracks + 1)),
            buses=tuple(GroupBus(name=f"{n}") for n in range(1, buses + 1)),
        )
        asked = [*groups, *(f"{ROOT}/{single}" for single in ("master", "reverb", "delay"))]
        values: dict[str, float | str] = {}
        for group in asked:
            wanted = [message.address for message in strip_values(bare, group) or ()]
            values |= _answers(link, [group], wanted)
        names = [str(values[f"{ROOT}/track/{n}{_NAME}"]) for n in range(1, tracks + 1)]
        known = self._studio.preset
        bus_names = [str(values[f"{ROOT}/bus/{n}{_NAME}"]) for n in range(1, buses + 1)]
        # What OSC does not say (groups of tracks, links, roles) is known where the page began with the same preset.
        is_known = [t.name for t in known.tracks] == names and [b.name for b in known.buses] == bus_names
        preset = (
            known
            if is_known
            else Preset(
                tracks=tuple(Track(name=name) for name in names), buses=tuple(GroupBus(name=name) for name in bus_names)
            )
        )
        for address, value in values.items():
            if not address.endswith(_NAME):
                preset = find(preset, address).write(preset, value)
        self._sent = self._studio.begin_with(preset)
        self._tell(is_there=True)

    def _follow(self, link: Link) -> None:
        """Send what moves on the page, and take what moves in the engine, until it is silent.

        Raises:
            DeskError: it is silent, or the connection failed.
        """
        heard_s, renewed_s = time.monotonic(), 0.0
        while not self._studio.is_closed:
            now_s = time.monotonic()
            if now_s - renewed_s > _RENEWED_S:
                renewed_s = now_s
                for address in (f"{ROOT}/subscribe", f"{LIVE}/meters"):
                    link.send(Message(address, ()))
            message = link.receive(_TURN_S)
            if message is not None:
                heard_s = now_s
            while message is not None:
                self._hear(message)
                message = link.receive(0)
            if now_s - heard_s > _SILENCE_S:
                raise link.silence()
            self._send(link)

    def _send(self, link: Link) -> None:
        preset = self._studio.preset
        if preset is self._sent or [t.name for t in preset.tracks] != [t.name for t in self._sent.tracks]:
            return
        for message in differences(self._sent, preset):
            link.send(message)
        self._sent = preset

    def _hear(self, message: Message) -> None:
        address, values = message.address, message.args
        if address.startswith(f"{_METER}/track/"):
            number = address.removeprefix(f"{_METER}/track/")
            if number.isdecimal() and values:
                self._latest.tracks_db[int(number)] = _number(values[0])
        elif address == f"{_METER}/mix":
            self._latest.mix_db = tuple(map(_number, values))
        elif address == f"{LIVE}/counters":
            numbers = [int(_number(value)) for value in values]
            if len(numbers) == _COUNTERS:
                self._latest.counters = numbers[1], numbers[2], numbers[5]
        elif address in (TRACK_COUNT, BUS_COUNT):
            raise DeskError(f"{self.where} plays other tracks now.")
        elif len(values) == 1 and not address.startswith(LIVE):
            self._move(address, values[0])

    def _move(self, address: str, value: Argument) -> None:
        try:
            place = find(self._sent, address)
            self._sent = place.write(self._sent, value)
            self._studio.change(lambda preset: find(preset, address).write(preset, value), address)
        except PresetError:
            pass  # an address of the server that is no setting


def _number(value: Argument) -> float:
    """Read a number; DeskError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DeskError("what the engine tells cannot be read.")
    return value


def _answers(link: Link, questions: Sequence[str], wanted: Sequence[str]) -> dict[str, float | str]:
    """Ask until each of the addresses was answered."""
    missing = set(wanted)

    def is_complete(messages: Sequence[Message]) -> bool:
        return missing <= {message.address for message in messages if message.args}

    got = ask(link, [Message(question, ()) for question in questions], is_complete)
    return {message.address: message.args[0] for message in got if message.address in missing and message.args}  # type: ignore[misc]
