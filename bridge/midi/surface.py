"""A controller at the mix: its messages become changes, and what changes is told to it. No ports and no threads here.

Messages are taken as they come (:meth:`MidiSurface.hear`), and done in turns (:meth:`MidiSurface.turn`): of what came
since the last turn, each setting gets its latest value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ...presets.errors import DeskError, MixbridgeError
from .learning import MidiLearner, step_of
from .mapping import EMPTY, MidiEntry, MidiMap
from .messages import FINE, MidiReader, MidiSource, Moved, encode_midi
from .pickup import Pickup
from .targets import MidiTarget, PlayedMix, shifted, target_at

BANK: Final = "/mixbridge/live/midi/bank"
_NEXT, _PREVIOUS = f"{BANK}/next", f"{BANK}/previous"
# Steps of an endless encoder from one end to the other.
_TURN: Final = 128
# A control is told nothing while a hand moves it.
_QUIET_S: Final = 0.1
_PRESSED: Final = 64
# A ring of lights: how they are lit, and how many there are.
_EVEN, _FROM_LOW, _LIGHTS = 0x10, 0x20, 11


@dataclass
class _Binding:
    """A control at work."""

    entry: MidiEntry
    target: MidiTarget
    pickup: Pickup = field(default_factory=Pickup)
    pending: float | None = None
    moved_s: float = -1e9
    sent: int | None = None
    is_pressed: bool = False

    @property
    def place(self) -> float:
        """Where the setting is, or will be after this turn."""
        return self.target.place() if self.pending is None else self.pending


class MidiSurface:
    """A controller.

    Args:
        mix: what it works on.
        mapping: of its controls.
        say: takes a sentence for the user.
        learnt: called with each entry that was learnt.

    Attributes:
        is_told: whether the controller hears what it is told, so that motors go where they are sent.

    Raises:
        DeskError: the map has an address that no preset has.
    """

    def __init__(
        self,
        mix: PlayedMix,
        mapping: MidiMap = EMPTY,
        say: Callable[[str], None] = lambda _: None,
        learnt: Callable[[MidiEntry], None] = lambda _: None,
    ) -> None:
        self._mix, self._say, self._learnt = mix, say, learnt
        self.is_told = False
        self._bank, self._offset = mapping.bank, 0
        self._entries = mapping.by_source
        self._learner = MidiLearner()
        self._told: set[str] = set()
        self._bindings: dict[MidiSource, _Binding] = {}
        self._reader = MidiReader()
        missing = self._bind()
        if missing:
            self._say(f"this preset has nothing at {_listed(missing)}: these controls do nothing.")

    @property
    def is_waiting(self) -> bool:
        """Whether half of a message is there, so that the next turn should come soon."""
        return self._reader.is_waiting

    def learn(self, addresses: Sequence[str]) -> None:
        """Give each address the control that is moved next.

        Raises:
            DeskError: no preset has it, or not this one.
        """
        targets = [target_at(self._mix, address) for address in addresses]
        for address, target in zip(addresses, targets, strict=True):
            if target is None:
                raise _nothing_at(address)
        is_idle = self._learner.wanted is None
        for address, target in zip(addresses, targets, strict=True):
            self._learner.want(address, is_switch=target is not None and target.is_switch)
        if is_idle:
            self._ask()

    def stop_learning(self) -> None:
        """Give the addresses that still wait none."""
        self._learner.stop()

    def hear(self, data: Sequence[int], now_s: float) -> None:
        """Take a message; what is no control's, or of one that has no entry, is passed over."""
        if self._learner.wanted is not None:
            self._learner.take(data, now_s)
            return
        for moved in self._reader.take(data, now_s):
            self._move(moved, now_s)

    def turn(self, now_s: float) -> list[bytes]:
        """Do what was heard; gives what the controller is to be told."""
        entry = self._learner.due(now_s)
        if entry is not None:
            self._learn(entry)
        for moved in self._reader.due(now_s):
            self._move(moved, now_s)
        for binding in list(self._bindings.values()):
            if binding.pending is not None:
                place, binding.pending = binding.pending, None
                self._go(binding, place)
        if not self.is_told:
            return []
        return [message for binding in self._bindings.values() for message in _told(binding, now_s)]

    def forget(self) -> None:
        """Know nothing of where controls stand: their cable was out, or is in now; they are told all anew."""
        for binding in self._bindings.values():
            binding.pickup.forget()
            binding.sent, binding.is_pressed = None, False

    def _bind(self) -> list[str]:
        """Find what each entry leads to; gives the addresses that this preset has not."""
        missing = []
        self._bindings = {}
        for source, entry in self._entries.items():
            if entry.address in (_NEXT, _PREVIOUS):
                target: MidiTarget | None = _BankTarget(self, 1 if entry.address == _NEXT else -1)
            else:
                address = shifted(entry.address, self._offset, self._bank or 0)
                target = target_at(self._mix, address, entry.law)
            if target is None:
                missing.append(entry.address)
            else:
                self._bindings[source] = _Binding(entry, target)
        self._reader = MidiReader(self._entries)
        return [] if self._bank else missing

    def shift(self, by: int) -> None:
        """Go to the next tracks, or back."""
        count = len(self._mix.preset.tracks)
        offset = self._offset + by * (self._bank or 0)
        if self._bank and 0 <= offset < count:
            self._offset = offset
            self._bind()
            self._say(f"the controller has tracks {offset + 1} to {min(count, offset + self._bank)}.")

    def _move(self, moved: Moved, now_s: float) -> None:
        binding = self._bindings.get(moved.source)
        if binding is None:
            return
        binding.moved_s = now_s
        entry, target = binding.entry, binding.target
        # What the control shows by itself; a motor goes back, and a light out, unless told.
        shows = entry.relative is None and not entry.motor and not target.is_switch and entry.feedback == "same"
        binding.sent = moved.value if shows else None
        if entry.relative is not None:
            _turn(binding, step_of(moved.value, entry.relative))
        elif target.is_switch:
            _press(binding, moved)
        else:
            place = moved.value / moved.source.steps
            if binding.pickup.moved(place, binding.place, now_s) or entry.takeover == "jump":
                binding.pending = place

    def _go(self, binding: _Binding, place: float) -> None:
        try:
            binding.target.go(place)
        except MixbridgeError as error:
            if binding.entry.address not in self._told:
                self._told.add(binding.entry.address)
                self._say(f"{binding.entry.source} cannot set {binding.entry.address}: {error}")

    def _learn(self, entry: MidiEntry) -> None:
        self._entries[entry.source] = entry
        self._bind()
        self._say(f"{entry.source}{' (endless)' if entry.relative else ''} sets {entry.address} now.")
        self._learnt(entry)
        self._ask()

    def _ask(self) -> None:
        wanted = self._learner.wanted
        if wanted is not None:
            self._say(f"move the control for {wanted} (an endless one to the right).")


class _BankTarget:
    """A button that brings other tracks under the same controls."""

    is_switch, is_even = True, False

    def __init__(self, surface: MidiSurface, by: int) -> None:
        self._surface, self._by = surface, by

    def place(self) -> float:
        return 0.0

    def go(self, place: float) -> None:
        if place >= 0.5:
            self._surface.shift(self._by)


def _turn(binding: _Binding, steps: int) -> None:
    place = binding.place
    if binding.target.is_switch:
        binding.pending = float(steps > 0)
    elif 0 <= place <= 1:
        binding.pending = min(max(place + steps / _TURN, 0.0), 1.0)


def _press(binding: _Binding, moved: Moved) -> None:
    is_pressed = moved.value > 0 if moved.source.kind == "note" else 2 * moved.value > moved.source.steps
    is_new, binding.is_pressed = is_pressed != binding.is_pressed, is_pressed
    if not is_new:
        return
    if binding.entry.button == "hold":
        binding.pending = float(is_pressed)
    elif is_pressed:
        binding.pending = 1.0 - binding.place


def _told(binding: _Binding, now_s: float) -> list[bytes]:
    """What a control is told, if it does not know it."""
    entry = binding.entry
    if entry.feedback == "none" or now_s - binding.moved_s < _QUIET_S:
        return []
    place = min(max(binding.target.place(), 0.0), 1.0)
    value = round(place * entry.source.steps)
    if entry.feedback == "mackie-ring":
        value = (_EVEN if binding.target.is_even else _FROM_LOW) + 1 + round(place * (_LIGHTS - 1))
    if value == binding.sent:
        return []
    binding.sent = value
    if entry.motor:
        binding.pickup.carried(place)
    if entry.feedback == "mackie-ring":
        return encode_midi(MidiSource("cc", entry.channel, (entry.number or 0) + FINE), value)
    return encode_midi(entry.source, value)


def _listed(addresses: Sequence[str]) -> str:
    shown = ", ".join(addresses[:4])
    return shown if len(addresses) <= 4 else f"{shown} and {len(addresses) - 4} more"


def _nothing_at(address: str) -> DeskError:
    return DeskError(f"this preset has nothing at {address}: it has fewer tracks or groups.")
