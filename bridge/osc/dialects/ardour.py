"""Ardour's way of speaking OSC: which strips a session has, how a setting is asked for, what an answer means.

Ardour 7 numbers its strips in the mixer's order and answers a set with nothing, so every value is asked for. What has
to be in order in a session before a push (plug-ins, automation) is the matter of `ardour_session.py`; sending and
pacing is `link.py`, verifying `exchange.py`. Read in Ardour 7.3's sources and tried with it.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ....presets.errors import DeskError
from ... import desks
from ...desks.profile import Desk, Setting
from ...desks.scales import WireValue
from ..link import Link
from ..packets import Argument, Message
from .registry import DeskInfo, PlainDialect, dialect_of

# Tracks and buses (audio and MIDI), VCAs, foldback (1 + 2 + 4 + 8 + 16 + 128), and the master (32), which is then
# a strip with a number like the others: only so can its plug-ins be reached.
STRIP_TYPES: Final = 191
# No feedback; answers to lists come from /reply, which is a valid address, instead of #reply.
PLAIN_REPLIES: Final = 16384
MASTER_KIND: Final = "MA"
# Kinds that can have plug-ins: all but VCAs ("V").
WITH_PLUGINS: Final = frozenset({"AT", "AX", "B", "FB", "MA", "MB", "MT"})

SCRIPT: Final = Path(desks.__file__).parent / "mixbridge_plugins.lua"
ANSWER_TIMEOUT_S: Final = 1.0
ATTEMPTS: Final = 4

_PLUGINS: Final = "/strip/plugin/list"
_DESCRIPTOR: Final = "/strip/plugin/descriptor"
_DESCRIPTOR_LENGTH: Final = 11
_SWITCHES: Final = frozenset({"eq.on", "compressor.on"})
_PLUGIN: Final = re.compile(r"\{plugin\.([a-z0-9_]+)\}")
# How many arguments of an answer say what it is about; in others the address does.
_PLACE_LENGTHS: Final = {_DESCRIPTOR: 3, _PLUGINS: 1}
# Levels are asked for as fader positions: the answer in dB comes from a table and is up to 0.09 dB off.
_GAIN: Final = "/strip/gain"
_FADER: Final = "/strip/fader/"
# Ardour's own value for silence; its fader law ends at 2^-32.
_SILENCE_DB: Final = -193.0


@dataclass(frozen=True)
class ArdourStrip:
    """A track, bus or the master of the session that is open.

    Attributes:
        number: in the mixer's order, from 1; the master is last.
        name: as in the mixer.
        kind: AT audio track, MT MIDI track, B bus, MB MIDI bus, AX aux, FB foldback, V VCA, MA master.
        inputs: audio channels.
        plugins: names, in the order of Ardour's numbers (from 1).
    """

    number: int
    name: str
    kind: str
    inputs: int
    plugins: tuple[str, ...] = ()

    def plugin_number(self, title: str) -> int | None:
        """Number of the first plug-in of this title, "ACE Compressor (stereo)" being an "ACE Compressor"."""
        for number, name in enumerate(self.plugins, 1):
            if name == title or name.startswith(f"{title} ("):
                return number
        return None


class ArdourDialect(PlainDialect):
    """Sets and asks by strip number and plug-in number, as the session has them now.

    Attributes:
        desk: the profile.
        strips: of the session, by number; empty until :meth:`prepare`.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.strips: Mapping[int, ArdourStrip] = {}
        self._places: dict[Hashable, tuple[int | str, ...]] = {}

    def prepare(self, link: Link) -> None:
        """Introduces us to Ardour and learns the session's strips and plug-ins; again whenever those changed.

        Raises:
            DeskError: Ardour does not answer.
        """
        self.strips = {strip.number: strip for strip in read_strips(link)}
        self._places.clear()

    @property
    def master(self) -> ArdourStrip | None:
        """The master; None where the session has none."""
        return next((strip for strip in self.strips.values() if strip.kind == MASTER_KIND), None)

    def track_names(self, link: Link, desk: Desk) -> dict[int, str]:
        """All strips but the master."""
        return {strip.number: strip.name for strip in self.strips.values() if strip.kind != MASTER_KIND}

    def set(self, setting: Setting) -> Message:
        """The message that sets it.

        Raises:
            DeskError: the strip is not there, or lacks the plug-in.
        """
        return Message(setting.address, (*self.arguments(setting), setting.value))

    def query(self, setting: Setting) -> Message:
        """The message that asks for it; all parameters of a plug-in share one.

        Raises:
            DeskError: the strip is not there, or lacks the plug-in.
        """
        address, *arguments = self._place(setting)
        return Message(str(address), tuple(arguments[:2]))

    def topic(self, setting: Setting) -> Hashable:
        """One question tells all parameters of a plug-in."""
        return self.query(setting)

    def answer(self, message: Message, asked: Sequence[Setting]) -> tuple[Setting, WireValue] | None:
        """A parameter's place, or the address, says which."""
        place = (message.address, *message.args[: _PLACE_LENGTHS.get(message.address, 0)])
        setting = next((setting for setting in asked if self._place(setting) == place), None)
        if setting is None:
            return None
        value: Argument
        if message.address == _DESCRIPTOR:
            value = message.args[-1] if len(message.args) >= _DESCRIPTOR_LENGTH else None
        elif message.address == _PLUGINS:
            value = _switch(message.args, self.arguments(setting)[1])
        else:
            value = message.args[0] if len(message.args) == 1 else None
        if setting.address == _GAIN and isinstance(value, float):
            value = decibels(value)
        wire = _as_sent(setting, value)
        return None if wire is None else (setting, wire)

    def greetings(self) -> Sequence[Message]:
        """What answers in any session, stopped or rolling."""
        return (Message("/transport_speed"),)

    def introduction(self, message: Message) -> DeskInfo | None:
        """Ardour does not tell its version."""
        return DeskInfo(model="Ardour") if message.address == "/transport_speed" else None

    def arguments(self, setting: Setting) -> tuple[int | str, ...]:
        """What stands before the value, with the master's number and the plug-in's filled in.

        Raises:
            DeskError: the strip is not there, or lacks the plug-in.
        """
        strip = self.strip(setting)
        return (strip.number, *(self._argument(strip, item) for item in setting.before[1:]))

    def strip(self, setting: Setting) -> ArdourStrip:
        """The strip that a setting belongs to.

        Raises:
            DeskError: the session does not have it.
        """
        number = setting.before[0] if setting.before else None
        named = self.strips.get(number) if isinstance(number, int) else None
        strip = self.master if setting.strip == "master" else named
        if strip is None:
            raise DeskError(f"The session in Ardour has no {setting.strip}: it has {len(self.strips)} strips.")
        if named is not None and named is not strip:  # what tells settings apart would take them for those of a track
            raise ValueError(f"settings of the master under number {number}: make them with number 0")
        return strip

    def _place(self, setting: Setting) -> tuple[int | str, ...]:
        """Address that answers come from, and what else in them says which setting it is."""
        key = (setting.strip, setting.key, setting.address, setting.before)
        if key not in self._places:
            strip, *plugin = self.arguments(setting)
            if plugin and is_switch(setting):
                self._places[key] = (_PLUGINS, strip)
            elif plugin:
                self._places[key] = (_DESCRIPTOR, strip, *plugin)
            else:
                # Asked for as /strip/fader/3, Ardour answers from there; with 3 as an argument it would not say whose.
                address = _FADER if setting.address == _GAIN else setting.address
                self._places[key] = (f"{address.removesuffix('/')}/{strip}",)
        return self._places[key]

    def _argument(self, strip: ArdourStrip, item: int | str) -> int | str:
        match = _PLUGIN.fullmatch(item) if isinstance(item, str) else None
        if match is None:
            return item
        title = self.desk.plugins[match[1]].title
        number = strip.plugin_number(title)
        if number is None:
            raise DeskError(advice({strip: (title,)}))
        return number


def ardour_of(link: Link) -> ArdourDialect:
    """The dialect of a link to Ardour, prepared.

    Raises:
        DeskError: the desk at the other end is no Ardour, or does not answer.
    """
    dialect = dialect_of(link)
    if not isinstance(dialect, ArdourDialect):
        raise DeskError(f"{link.where} is not addressed as Ardour: write ardour://host:port.")
    return dialect


def read_strips(link: Link) -> tuple[ArdourStrip, ...]:
    """The strips of the session with their plug-ins, in the mixer's order.

    Raises:
        DeskError: Ardour does not answer.
    """
    introduce(link)
    return tuple(_with_plugins(link, strip) for strip in _listed(link))


def introduce(link: Link) -> None:
    """Says what we are: a surface that sees all strips at once and asks instead of being told."""
    link.send(Message("/set_surface", (0, STRIP_TYPES, PLAIN_REPLIES, 0)))


def advice(missing: Mapping[ArdourStrip, Sequence[str]]) -> str:
    """What lacks what, and what the user can do about it."""
    lines = "; ".join(f"{strip.name} ({strip.number}): {', '.join(titles)}" for strip, titles in missing.items())
    return (
        f"These strips lack plug-ins that the preset needs: {lines}. OSC cannot insert them. Insert them by hand "
        f"before the fader, the EQ first, or let Ardour do it: install {SCRIPT} once (Edit > Lua Scripts > Script "
        "Manager > Action Scripts; its first lines say how), then run Edit > Lua Scripts > mixbridge plug-ins."
    )


def ask(link: Link, questions: Sequence[Message], is_last: Callable[[Message], bool]) -> list[Message]:
    """Everything that arrives after some questions up to the last answer, that included.

    Raises:
        DeskError: that answer never came, although the questions were repeated.
    """
    for attempt in range(1, ATTEMPTS + 1):
        while link.receive(0) is not None:
            pass  # answers that came too late for an earlier attempt
        for question in questions:
            link.send(question)
        found: list[Message] = []
        deadline = time.monotonic() + attempt * ANSWER_TIMEOUT_S  # a machine under load takes its time
        while (left_s := deadline - time.monotonic()) > 0 and (message := link.receive(left_s)) is not None:
            found.append(message)
            if is_last(message):
                return found
    raise link.silence()


def _listed(link: Link) -> list[ArdourStrip]:
    """The strips without their plug-ins; asked for until two lists agree, since a row may get lost."""
    rows: list[ArdourStrip] = []
    for _ in range(ATTEMPTS):
        messages = ask(link, [Message("/strip/list")], lambda message: "end_route_list" in message.args[:1])
        before, rows = rows, [strip for strip in map(_row, messages) if strip is not None]
        if rows and rows == before:
            return rows
    raise link.silence()


def _row(message: Message) -> ArdourStrip | None:
    """One line of `/strip/list`: kind, name, inputs, outputs, mute, solo, number, and for tracks the record arm."""
    if message.address not in {"/reply", "#reply"}:
        return None
    match message.args:
        case (str() as kind, str() as name, int() as inputs, int(), int(), int(), int() as number, *_):
            return ArdourStrip(number, name, kind, inputs)
        case _:
            return None


def _with_plugins(link: Link, strip: ArdourStrip) -> ArdourStrip:
    if strip.kind not in WITH_PLUGINS:
        return strip
    question = Message(_PLUGINS, (strip.number,))
    messages = ask(link, [question], lambda message: (message.address, *message.args[:1]) == (_PLUGINS, strip.number))
    plugins = tuple(str(name) for name in messages[-1].args[2::3])
    return ArdourStrip(strip.number, strip.name, strip.kind, strip.inputs, plugins)


def plugin_names(setting: Setting) -> tuple[str, ...]:
    """The profile's names of the plug-ins that a setting lies in: one, or none."""
    matches = (_PLUGIN.fullmatch(item) for item in setting.before if isinstance(item, str))
    return tuple(match[1] for match in matches if match)


def is_switch(setting: Setting) -> bool:
    """Whether it switches a plug-in as a whole.

    Its own enable parameter may be on while the mixer bypasses it. Only the list of plug-ins tells what is heard.
    """
    return setting.key in _SWITCHES


def _switch(args: tuple[Argument, ...], plugin: int | str) -> Argument:
    # strip, then number, name and whether it is heard, for each plug-in
    return dict(zip(args[1::3], args[3::3], strict=False)).get(plugin)


def _as_sent(setting: Setting, value: Argument) -> WireValue | None:
    """The value in the type that the setting has; None where it cannot be."""
    if setting.type == "s":
        return value if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if setting.type == "f" else round(value)


def decibels(position: float) -> float:
    """The level at a fader's position 0..1, exact to 1e-4 dB for a 32-bit position.

    Ardour's law: position = ((192 + 6 log2 gain) / 198) ^ 8.
    """
    if position <= 0:
        return _SILENCE_DB
    return (198 * math.pow(position, 0.125) - 192) / 6 * 20 * math.log10(2)
