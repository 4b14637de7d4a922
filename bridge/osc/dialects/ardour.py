"""Ardour's way of speaking OSC: how a setting is asked for, what an answer means, what a push needs in a session.

Ardour 7 numbers its strips in the mixer's order and answers a set with nothing, so every value is asked for. It cannot
insert plug-ins over OSC: `bridge/desks/mixbridge_plugins.lua` is a script that does, which only Ardour itself can run.
Read in Ardour 7.3's sources and tried with it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ....presets.errors import DeskError
from ... import desks
from ...desks.profile import Desk, Setting
from ...desks.scales import WireValue
from ..link import Link
from ..packets import Argument, Message
from .ardour_automation import CONTROLS, Automated, find_automated, require_manual
from .ardour_automation import to_manual as switch_to_manual
from .ardour_hosted import DESCRIPTOR, DESCRIPTOR_LENGTH, HostedPlugins
from .ardour_song import ArdourSongs
from .ardour_strips import MASTER_KIND, PLUGIN_LIST, SENDS, ArdourStrip, read_sends, read_strips
from .ardour_values import as_sent, decibels, send_position, switch_of
from .base import DeskInfo, Missing

SCRIPT: Final = Path(desks.__file__).parent / "mixbridge_plugins.lua"
SCRIPT_TIMEOUT_S: Final = 10.0

_POLL_S: Final = 0.2
_SWITCHES: Final = frozenset({"eq.on", "compressor.on", "gate.on"})
_PLUGIN: Final = re.compile(r"\{plugin\.([a-z0-9_]+)\}")
# How many arguments of an answer say what it is about; in others the address does.
_PLACE_LENGTHS: Final = {DESCRIPTOR: 3, PLUGIN_LIST: 1, SENDS: 1}
# Plug-ins that every strip gets; others only where they do something.
_EVERYWHERE: Final = frozenset({"eq", "compressor"})
# The send to the bus that has a plug-in; its number on the strip is found by where it goes.
_SEND_GAIN: Final = "/strip/send/gain"
# Levels are asked for as fader positions: the answer in dB comes from a table and is up to 0.09 dB off.
_GAIN: Final = "/strip/gain"
_FADER: Final = "/strip/fader/"


class ArdourDialect(ArdourSongs):
    """Sets and asks by strip number and plug-in number, as the session has them now.

    Attributes:
        desk: the profile.
        strips: of the session, by number; empty until :meth:`prepare`.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.strips: Mapping[int, ArdourStrip] = {}
        self._places: dict[Hashable, tuple[int | str, ...]] = {}
        self._hosted = HostedPlugins(desk.plugged)

    def prepare(self, link: Link) -> None:
        """Introduce us to Ardour and learn the session's strips and plug-ins; again whenever those changed.

        Raises:
            DeskError: Ardour does not answer.
        """
        strips = read_strips(link)
        if any(self._returns(strips).values()):
            strips = read_sends(link, strips)
        self.strips = {strip.number: strip for strip in strips}
        self._places.clear()
        self._hosted = HostedPlugins(self.desk.plugged, link)

    @property
    def master(self) -> ArdourStrip | None:
        """The master; None where the session has none."""
        return next((strip for strip in self.strips.values() if strip.kind == MASTER_KIND), None)

    def track_names(self, link: Link, desk: Desk) -> dict[int, str]:
        """List all strips but the master."""
        return {strip.number: strip.name for strip in self.strips.values() if strip.kind != MASTER_KIND}

    def set(self, setting: Setting) -> Message:
        """Make the message that sets it.

        Raises:
            DeskError: the strip is not there, or lacks the plug-in.
        """
        return Message(setting.address, (*self.arguments(setting), self._sent(setting)))

    def query(self, setting: Setting) -> Message:
        """Make the message that asks for it; all parameters of a plug-in share one.

        Raises:
            DeskError: the strip is not there, or lacks the plug-in.
        """
        address, *arguments = self._place(setting)
        return Message(str(address), tuple(arguments[:2]))

    def topic(self, setting: Setting) -> Hashable:
        """Name the question: one tells all parameters of a plug-in."""
        return self.query(setting)

    def answer(self, message: Message, asked: Sequence[Setting]) -> tuple[Setting, WireValue] | None:
        """Find the setting by its parameter's place, or by the address."""
        place = (message.address, *message.args[: _PLACE_LENGTHS.get(message.address, 0)])
        setting = next((setting for setting in asked if self._place(setting) == place), None)
        if setting is None:
            return None
        value: Argument
        if message.address == DESCRIPTOR:
            value = message.args[-1] if len(message.args) >= DESCRIPTOR_LENGTH else None
        elif message.address == PLUGIN_LIST:
            value = switch_of(message.args, self.arguments(setting)[1])
        elif message.address == SENDS:
            value = send_position(message.args, self.arguments(setting)[1])
        else:
            value = message.args[0] if len(message.args) == 1 else None
        if setting.address in {_GAIN, _SEND_GAIN} and isinstance(value, float):
            value = decibels(value)
        wire = as_sent(setting, value)
        return None if wire is None else (setting, self._told(setting, wire))

    def greetings(self) -> Sequence[Message]:
        """List what answers in any session, stopped or rolling."""
        return (Message("/transport_speed"),)

    def introduction(self, message: Message) -> DeskInfo | None:
        """Recognise Ardour, which does not tell its version."""
        return DeskInfo(model="Ardour") if message.address == "/transport_speed" else None

    def lacks(self, setting: Setting) -> str:
        """Name the plug-in that the setting lies in and its strip does not have; empty: it can be set."""
        strip = self._strip_or_none(setting)
        if strip is None:
            bus = _bus_name(setting)
            return f"a bus with {self._title(bus)}" if bus else ""
        names = plugin_names(setting)[bool(_bus_name(setting)) :]
        if names and names[0] in self._hosted:
            return self._hosted.lacks(strip, names[0])
        if setting.address == _SEND_GAIN:
            lacking = (f"a send to a bus with {self._title(name)}" for name in names if not self._send(strip, name))
        else:
            lacking = (title for title in map(self._title, names) if strip.plugin_number(title) is None)
        return next(lacking, "")

    def insert_missing(self, link: Link, row: int, timeout_s: float = SCRIPT_TIMEOUT_S) -> None:
        """Have Ardour run the script of the user's Script Manager that inserts what is missing, and wait for it.

        Args:
            link: to Ardour; its window has to be open, since the scripts belong to it.
            row: of the script in the Script Manager, "Action 3" there being 3. Ardour runs whatever is in that row, and
                does not tell what it is, so it must be the user who says which.
            timeout_s: how long to wait for the plug-ins.

        Raises:
            DeskError: Ardour does not answer.
        """
        link.send(Message("/access_action", (f"LuaAction/script-{row}",)))
        deadline = time.monotonic() + timeout_s
        self.prepare(link)
        while self.missing() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            self.prepare(link)

    def missing(self) -> tuple[Missing, ...]:
        """List the strips with sound that lack plug-ins in which settings of every strip lie."""
        questions = (setting for setting in self.desk.questions("track", 1) if setting.key.endswith(".on"))
        used = {name for setting in questions for name in plugin_names(setting)} & _EVERYWHERE
        titles = [plugin.title for name, plugin in self.desk.plugins.items() if name in used]
        strips = [strip for strip in self.strips.values() if strip.has_sound]
        lists = [(strip, tuple(title for title in titles if strip.plugin_number(title) is None)) for strip in strips]
        return tuple(Missing(strip.number, strip.name, lacking) for strip, lacking in lists if lacking)

    def advice(self, missing: Sequence[Missing]) -> str:
        """Say what lacks what, and what the user can do about it."""
        lines = "; ".join(f"{item.name} ({item.number}): {', '.join(item.titles)}" for item in missing)
        own = {plugin.title for name, plugin in self.desk.plugins.items() if name not in self._hosted}
        titles = {title for item in missing for title in item.titles}
        if not titles & own:
            return (
                f"These strips lack plug-ins of yours that the preset is fitted to: {lines}. OSC cannot insert them: "
                "insert them by hand before the fader, the EQ first."
            )
        return (
            f"These strips lack plug-ins that the preset needs: {lines}. OSC cannot insert them. Insert them by hand "
            f"before the fader, the EQ first, or let Ardour do it: install {SCRIPT} once (Edit > Lua Scripts > Script "
            "Manager > Action Scripts; its first lines say how), then run Edit > Lua Scripts > mixbridge plug-ins."
            f"{' It inserts none of yours.' if titles - own else ''}"
        )

    def require_settable(self, link: Link, settings: Sequence[Setting]) -> None:
        """Refuse what automation would swallow or write down; nothing is changed.

        Raises:
            DeskError: names the controls and what to do.
        """
        require_manual(self.automated(link, settings))

    def before_push(self, link: Link, settings: Sequence[Setting], *, to_manual: bool) -> tuple[str, ...]:
        """Make sure that Ardour will take these settings, before the first of them is sent.

        Args:
            link: to Ardour.
            settings: all that is about to be sent.
            to_manual: whether controls under automation may be switched to manual.

        Returns:
            The controls that were switched to manual.

        Raises:
            DeskError: a strip lacks a plug-in, or a control is under automation and may not be switched. Nothing was
                changed then.
        """
        self._require_plugins(settings)
        automated = self.automated(link, settings)
        if automated and to_manual:
            switch_to_manual(link, automated)
            require_manual(self.automated(link, settings))
        else:
            require_manual(automated)
        return tuple(map(str, automated))

    def before_switching_on(self, link: Link, switches: Sequence[Setting]) -> None:
        """Free plug-ins from a bypass of the mixer's, which their own switch cannot lift; they are heard then."""
        for place in {self.arguments(switch)[:2] for switch in switches if is_switch(switch) and switch.value}:
            link.send(Message("/strip/plugin/activate", place))

    def automated(self, link: Link, settings: Sequence[Setting]) -> tuple[Automated, ...]:
        """List the controls of these settings that are under automation.

        Raises:
            DeskError: Ardour does not answer.
        """
        wanted = {
            (self.strip(setting).number, CONTROLS[setting.address])
            for setting in settings
            if setting.address in CONTROLS
        }
        if not wanted:
            return ()
        automated = find_automated(link, list(self.strips.values()))
        return tuple(item for item in automated if (item.strip.number, item.control) in wanted)

    def arguments(self, setting: Setting) -> tuple[int | str, ...]:
        """List what stands before the value, with the master's number and the plug-in's filled in.

        Raises:
            DeskError: the strip is not there, or lacks the plug-in.
        """
        strip = self.strip(setting)
        if hosted := self._hosted_place(setting):
            return (strip.number, *self._hosted_numbers(strip, *hosted))
        find = self._send_argument if setting.address == _SEND_GAIN else self._argument
        return (strip.number, *(find(strip, item) for item in setting.before[1:]))

    def strip(self, setting: Setting) -> ArdourStrip:
        """Find the strip that a setting belongs to.

        Raises:
            DeskError: the session does not have it.
        """
        number = setting.before[0] if setting.before else None
        named = self.strips.get(number) if isinstance(number, int) else None
        strip = self._strip_or_none(setting)
        if strip is None and (bus := _bus_name(setting)):
            raise DeskError(f"The session in Ardour has no bus with {self._title(bus)}: add one, and sends to it.")
        if strip is None:
            raise DeskError(f"The session in Ardour has no {setting.strip}: it has {len(self.strips)} strips.")
        if named is not None and named is not strip:  # what tells settings apart would take them for those of a track
            raise ValueError(f"settings of the master under number {number}: make them with number 0")
        return strip

    def _require_plugins(self, settings: Sequence[Setting]) -> None:
        lacking: dict[ArdourStrip, dict[str, None]] = {}
        for setting in settings:
            if title := self.lacks(setting):
                lacking.setdefault(self.strip(setting), {})[title] = None
        if lacking:
            missing = [Missing(strip.number, strip.name, tuple(titles)) for strip, titles in lacking.items()]
            raise DeskError(self.advice(missing))

    def _strip_or_none(self, setting: Setting) -> ArdourStrip | None:
        number = setting.before[0] if setting.before else None
        if bus := _bus_name(setting):
            number = self._returns(self.strips.values()).get(bus)
        named = self.strips.get(number) if isinstance(number, int) else None
        return self.master if setting.strip == "master" else named

    def _place(self, setting: Setting) -> tuple[int | str, ...]:
        """Address that answers come from, and what else in them says which setting it is."""
        key = (setting.strip, setting.key, setting.address, setting.before)
        if key not in self._places:
            strip, *plugin = self.arguments(setting)
            if plugin and is_switch(setting):
                self._places[key] = (PLUGIN_LIST, strip)
            elif setting.address == _SEND_GAIN:
                self._places[key] = (SENDS, strip)
            elif plugin:
                self._places[key] = (DESCRIPTOR, strip, *plugin)
            else:
                # Asked for as /strip/fader/3, Ardour answers from there; with 3 as an argument it would not say whose.
                address = _FADER if setting.address == _GAIN else setting.address
                self._places[key] = (f"{address.removesuffix('/')}/{strip}",)
        return self._places[key]

    def _title(self, name: str) -> str:
        return self.desk.plugins[name].title

    def _returns(self, strips: Iterable[ArdourStrip]) -> Mapping[str, int | None]:
        """Find the busses that sends of the profile go to, by the plug-in that tells them: the first that has it."""
        busses = [strip for strip in strips if strip.kind == "B"]
        questions = (setting for setting in self.desk.questions("track", 1) if setting.address == _SEND_GAIN)
        names = [name for setting in questions for name in plugin_names(setting)]
        return {
            name: next((bus.number for bus in busses if bus.plugin_number(self._title(name)) is not None), None)
            for name in names
        }

    def _send(self, strip: ArdourStrip, name: str) -> int | None:
        """Number the send of a strip that goes to the bus with this plug-in; None if it has none."""
        target = self._returns(self.strips.values()).get(name)
        return None if target is None or target not in strip.sends else strip.sends.index(target) + 1

    def _send_argument(self, strip: ArdourStrip, item: int | str) -> int | str:
        """Find the number of a send by the plug-in on the bus that it goes to."""
        match = _PLUGIN.fullmatch(item) if isinstance(item, str) else None
        if match is None:
            return item
        number = self._send(strip, match[1])
        if number is None:
            raise DeskError(
                f"{strip.name} ({strip.number}) has no send to a bus with {self._title(match[1])}: add one in Ardour "
                "behind its fader, to a bus with that plug-in."
            )
        return number

    def _hosted_place(self, setting: Setting) -> tuple[str, str] | None:
        """The user's plug-in that a setting lies in, and its parameter there; None for any other setting."""
        match setting.before:
            case (_, str() as gap, str() as label) if (match := _PLUGIN.fullmatch(gap)) and match[1] in self._hosted:
                return match[1], label
        return None

    def _hosted_numbers(self, strip: ArdourStrip, name: str, label: str) -> tuple[int, int]:
        number, found = self._hosted.number(strip, name), self._hosted.find(strip, name, label)
        if number is None or found is None:
            raise DeskError(f"{strip.name} ({strip.number}) has no {self._hosted.lacks(strip, name)}: insert it there.")
        return number, found.number

    def _sent(self, setting: Setting) -> WireValue:
        """What Ardour takes for a value: of the user's plug-ins it may be in their own unit."""
        hosted = self._hosted_place(setting)
        found = None if hosted is None else self._hosted.find(self.strip(setting), *hosted)
        if hosted is None or found is None or isinstance(setting.value, str):
            return setting.value
        return found.wire(float(setting.value), self._hosted.known(*hosted))

    def _told(self, setting: Setting, wire: WireValue) -> WireValue:
        """The value for what Ardour told."""
        hosted = self._hosted_place(setting)
        found = None if hosted is None else self._hosted.find(self.strip(setting), *hosted)
        if hosted is None or found is None or isinstance(wire, str):
            return wire
        return found.raw(float(wire), self._hosted.known(*hosted))

    def _argument(self, strip: ArdourStrip, item: int | str) -> int | str:
        match = _PLUGIN.fullmatch(item) if isinstance(item, str) else None
        if match is None:
            return item
        title = self.desk.plugins[match[1]].title
        number = strip.plugin_number(title)
        if number is None:
            raise DeskError(self.advice([Missing(strip.number, strip.name, (title,))]))
        return number


def plugin_names(setting: Setting) -> tuple[str, ...]:
    """The profile's names of the plug-ins that a setting lies in: one, or none."""
    matches = (_PLUGIN.fullmatch(item) for item in setting.before if isinstance(item, str))
    return tuple(match[1] for match in matches if match)


def _bus_name(setting: Setting) -> str:
    """The plug-in by which the bus is found that a setting belongs to; empty for one of a strip with a number."""
    first = setting.before[0] if setting.before else None
    match = _PLUGIN.fullmatch(first) if isinstance(first, str) else None
    return "" if match is None else match[1]


def is_switch(setting: Setting) -> bool:
    """Whether it switches a plug-in as a whole.

    Its own enable parameter may be on while the mixer bypasses it. Only the list of plug-ins tells what is heard.
    """
    return setting.key in _SWITCHES
