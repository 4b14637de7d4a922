"""What a control can set: the addresses of the OSC server, each with a place between 0 and 1.

Settings run over their law; mutes, sections, bypass, A and B are 0 or 1; undo is something that happens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from ...presets.errors import DeskError, PresetError
from ...presets.preset import GroupBus, Preset, Track, linked_with
from ..osc.packets import Message
from ..server.addresses import ROOT, Fixed, Place, PresetSetting, find
from ..server.live import LIVE
from ..server.subscribers import Peer
from ..server.surface import Request
from ..server.switches import SectionSwitch
from .laws import Law, place_of, usual_law, value_at

UNDO: Final = f"{ROOT}/undo"
_FOLLOW: Final = f"{LIVE}/follow"
# Switches of the engine; meters and counters are for those who listen.
_SWITCH: Final = re.compile(rf"{LIVE}/(?:bypass|ab|lock/\d+)")
_NUMBERED: Final = re.compile(rf"^({ROOT}/(?:track|bus)/)\d{{1,4}}(?=/)")
# Whoever asks over MIDI has no address to be answered at.
_NOBODY: Final[Peer] = ("", 0)
_STEEPNESS: Final = "dB/oct"


class PlayedMix(Protocol):
    """What is played, and can be changed; see :class:`..server.live.LiveControl`."""

    requests: Mapping[str, Request]

    @property
    def preset(self) -> Preset:
        """Give it as it is now."""

    def change(self, edit: Callable[[Preset], Preset], gesture: str = "") -> None:
        """Put an edited preset in place of it, and tell who listens."""

    def undo(self) -> None:
        """Go a step back."""


class MidiTarget(Protocol):
    """Something that a control sets."""

    @property
    def is_switch(self) -> bool:
        """Whether it is 0 or 1, and nothing between."""

    @property
    def is_even(self) -> bool:
        """Whether it has a middle, as a pan has."""

    def place(self) -> float:
        """Tell where it is, 0..1; outside of that where no control of 0..1 gets it."""

    def go(self, place: float) -> None:
        """Bring it there.

        Raises:
            MixbridgeError: it cannot be there.
        """


class SettingTarget:
    """A setting that runs over a range."""

    is_switch = False

    def __init__(self, mix: PlayedMix, address: str, setting: Place, law: Law) -> None:
        self._mix, self._address, self._setting, self._law = mix, address, setting, law
        self.is_even = law.low == -law.high

    def place(self) -> float:
        """Tell where it is."""
        return place_of(self._law, float(self._setting.read(self._mix.preset)))  # type: ignore[arg-type]  # a setting's

    def go(self, place: float) -> None:
        """Bring it there."""
        value = value_at(self._law, place)
        self._mix.change(lambda preset: self._setting.write(preset, value), self._address)


class SwitchTarget:
    """A setting of two values: a mute, a section, a steepness. A section comes back as it was before it was put off."""

    is_switch, is_even = True, False

    def __init__(self, mix: PlayedMix, address: str, switch: Place, values: tuple[float, float] = (0, 1)) -> None:
        self._mix, self._address, self._switch, self._values = mix, address, switch, values
        self._before: Preset | None = None

    def place(self) -> float:
        """Tell 1 for on."""
        low, high = self._values
        return float(float(self._switch.read(self._mix.preset)) > (low + high) / 2)  # type: ignore[arg-type]  # a number

    def go(self, place: float) -> None:
        """Switch it."""
        switch, is_on = self._switch, place >= 0.5
        before, preset = self._before, self._mix.preset
        if isinstance(switch, SectionSwitch):
            if is_on and before is not None and not switch.read(preset):
                self._mix.change(lambda now: _restored(switch, before, now), self._address)
                return
            self._before = before if is_on or not switch.read(preset) else preset
        self._mix.change(lambda now: switch.write(now, self._values[is_on]), self._address)


class RequestTarget:
    """A switch of the engine: bypass, A and B, a lock."""

    is_switch, is_even = True, False

    def __init__(self, request: Request) -> None:
        self._request = request

    def place(self) -> float:
        """Tell 1 for on."""
        answer: Sequence[Message] = self._request((), _NOBODY)
        return float(bool(answer and answer[0].args and answer[0].args[0]))

    def go(self, place: float) -> None:
        """Switch it."""
        self._request((int(place >= 0.5),), _NOBODY)


class EventTarget:
    """Something that happens at the press of a button."""

    is_switch, is_even = True, False

    def __init__(self, happen: Callable[[], object]) -> None:
        self._happen = happen

    def place(self) -> float:
        """Tell 0: it is over at once."""
        return 0.0

    def go(self, place: float) -> None:
        """Let it happen."""
        if place >= 0.5:
            self._happen()


def target_at(mix: PlayedMix, address: str, law: Law | None = None) -> MidiTarget | None:
    """Find what an address leads to; None where this preset has not as many tracks or groups.

    Args:
        mix: that is played.
        address: of the setting.
        law: of the control; None takes the usual one.

    Raises:
        DeskError: no preset has such an address, or no control can set what is there.
    """
    if address == UNDO:
        return EventTarget(mix.undo)
    if address == _FOLLOW:
        follow = mix.requests[_FOLLOW]
        return EventTarget(lambda: follow((), _NOBODY))
    if _SWITCH.fullmatch(address):
        request = mix.requests.get(address)
        return None if request is None else RequestTarget(request)
    return _setting_at(mix, address, law)


def _setting_at(mix: PlayedMix, address: str, law: Law | None) -> MidiTarget | None:
    _check_known(address)
    try:
        place = find(mix.preset, address)
    except PresetError:
        return None
    if not isinstance(place, PresetSetting):
        return SwitchTarget(mix, address, place)
    row = place.row
    if row.unit == _STEEPNESS:
        return SwitchTarget(mix, address, place, (row.low, row.high))
    name = place.path.rpartition(".")[2]
    return SettingTarget(mix, address, place, law or usual_law(row, name, place.read(mix.preset)))


def shifted(address: str, by: int, most: int) -> str:
    """Name the same setting of a track further on, where the address is of one of the first tracks."""
    match = re.fullmatch(rf"({ROOT}/track/|{LIVE}/lock/)(\d{{1,4}})(/.*)?", address)
    if match is None or int(match[2]) > most:
        return address
    return f"{match[1]}{int(match[2]) + by}{match[3] or ''}"


_SMALL: Final = Preset(tracks=(Track(name="Track"),), buses=(GroupBus(name="Group"),))


def _check_known(address: str) -> None:
    try:
        place = find(_SMALL, _NUMBERED.sub(r"\g<1>1", address))
    except PresetError:
        raise DeskError(f"no preset has the address {address!r}: docs/osc-server.md lists what there is.") from None
    if isinstance(place, Fixed):
        raise DeskError(f"{address} can be asked for, and not be set by a control.")


def _restored(switch: SectionSwitch, before: Preset, now: Preset) -> Preset:
    """Give a section what it had."""
    section = switch.section
    if switch.index is None:
        old = getattr(before.master, section)
        return now.model_copy(update={"master": now.master.model_copy(update={section: old})})
    rows = list(getattr(now, switch.part))
    indexes = linked_with(now, switch.index, section) if switch.part == "tracks" else [switch.index]
    for index in indexes:
        old = getattr(getattr(before, switch.part)[index].strip, section)
        rows[index] = rows[index].model_copy(update={"strip": rows[index].strip.model_copy(update={section: old})})
    return now.model_copy(update={switch.part: tuple(rows)})
