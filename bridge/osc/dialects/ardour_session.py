"""What has to be in order in an Ardour session before a preset is pushed: plug-ins that are there, controls that obey.

Ardour cannot insert plug-ins over OSC: :func:`missing_plugins` says which strips lack what, and
`bridge/desks/mixbridge_plugins.lua` is a script that inserts them, which only Ardour itself can run.

A control whose automation is in Play takes no value over OSC and says nothing; in Write, Touch and Latch what is
pushed would be written down. Ardour tells the modes of fader, pan, trim and mute in its feedback alone, and those of
plug-in parameters never: a parameter that does not keep its value is found by the read-back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ....presets.errors import DeskError
from ...desks.profile import Setting
from ..link import Link
from ..packets import Message
from .ardour import (
    ATTEMPTS,
    PLAIN_REPLIES,
    STRIP_TYPES,
    WITH_PLUGINS,
    ArdourStrip,
    advice,
    ardour_of,
    ask,
    introduce,
    is_switch,
    plugin_names,
)

SCRIPT_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.2

MANUAL: Final = 0
MODES: Final = {0: "Manual", 1: "Play", 2: "Write", 3: "Touch", 4: "Latch"}

# Strips that tell everything at once: about 30 datagrams each, twice, and Ardour does not wait for a slow reader.
_BANK: Final = 4
# Buttons (1, with names and mutes) and levels (2).
_FEEDBACK: Final = 3
_FIRST: Final = "/strip/name/1"
_SUFFIX: Final = "/automation"
# A level is told as gain, its automation is set as that of the fader.
_CONTROLS: Final = {
    "/strip/gain": "/strip/fader",
    "/strip/fader": "/strip/fader",
    "/strip/pan_stereo_position": "/strip/pan_stereo_position",
    "/strip/trimdB": "/strip/trimdB",
    "/strip/mute": "/strip/mute",
}


@dataclass(frozen=True)
class Automated:
    """A control whose automation is not manual.

    Attributes:
        strip: whose it is.
        control: address of the control.
        mode: of :data:`MODES`.
    """

    strip: ArdourStrip
    control: str
    mode: int

    def __str__(self) -> str:
        name = self.control.rpartition("/")[2].replace("_stereo_position", "").replace("dB", "")
        return f"{self.strip.name} ({self.strip.number}): {name} in {MODES.get(self.mode, self.mode)}"


def make_settable(link: Link, settings: Sequence[Setting], *, allow_manual: bool) -> tuple[Automated, ...]:
    """Makes sure that Ardour will take these settings, before the first of them is sent.

    Plug-ins that are to be on are freed from a bypass of the mixer's, which their own switch cannot lift.

    Args:
        link: to Ardour.
        settings: all that is about to be sent.
        allow_manual: whether controls under automation may be switched to manual.

    Returns:
        What was switched to manual, for :func:`restore`.

    Raises:
        DeskError: a strip lacks a plug-in, or a control is under automation and may not be switched. Nothing was
            changed then.
    """
    missing = missing_plugins(link, settings)
    if missing:
        raise DeskError(advice(missing))
    automated = find_automated(link, settings)
    if automated and allow_manual:
        to_manual(link, automated)
        require_manual(find_automated(link, settings))
    else:
        require_manual(automated)
    dialect = ardour_of(link)
    for place in {dialect.arguments(setting)[:2] for setting in settings if is_switch(setting) and setting.value}:
        link.send(Message("/strip/plugin/activate", place))
    return automated


def missing_plugins(link: Link, settings: Iterable[Setting] | None = None) -> dict[ArdourStrip, tuple[str, ...]]:
    """Which strips lack which of the profile's plug-ins.

    Args:
        link: to Ardour.
        settings: what is about to be set; None looks for all plug-ins on all strips that have sound.

    Returns:
        Titles of what is missing, for those strips alone that lack something.

    Raises:
        DeskError: Ardour does not answer, or has no such strip.
    """
    dialect = ardour_of(link)
    plugins = dialect.desk.plugins
    if settings is None:
        needed = [(strip, name) for strip in dialect.strips.values() if _has_sound(strip) for name in plugins]
    else:
        needed = [(dialect.strip(setting), name) for setting in settings for name in plugin_names(setting)]
    lacking: dict[ArdourStrip, tuple[str, ...]] = {}
    for strip, name in dict.fromkeys(needed):
        title = plugins[name].title
        if strip.plugin_number(title) is None:
            lacking[strip] = (*lacking.get(strip, ()), title)
    return lacking


def present(link: Link, settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """Those of some settings that can be asked for: the others lie in plug-ins that their strips lack.

    Raises:
        DeskError: Ardour does not answer, or has no such strip.
    """
    wanted = tuple(settings)
    dialect = ardour_of(link)
    lacking = missing_plugins(link, wanted)

    def is_there(setting: Setting) -> bool:
        titles = lacking.get(dialect.strip(setting), ())
        return all(dialect.desk.plugins[name].title not in titles for name in plugin_names(setting))

    return tuple(setting for setting in wanted if is_there(setting))


def insert_plugins(link: Link, row: int, timeout_s: float = SCRIPT_TIMEOUT_S) -> dict[ArdourStrip, tuple[str, ...]]:
    """Has Ardour run the script of the user's Script Manager that inserts what is missing.

    Args:
        link: to Ardour; its window has to be open, since the scripts belong to it. It learns the new plug-ins.
        row: of the script in the Script Manager, "Action 3" there being 3. Ardour runs whatever is in that row, and
            does not tell what it is, so it must be the user who says which.
        timeout_s: how long to wait for the plug-ins.

    Returns:
        What is missing still, as :func:`missing_plugins` says.

    Raises:
        DeskError: Ardour does not answer.
    """
    dialect = ardour_of(link)
    link.send(Message("/access_action", (f"LuaAction/script-{row}",)))
    deadline = time.monotonic() + timeout_s
    while True:
        dialect.prepare(link)
        missing = missing_plugins(link)
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(_POLL_S)


def find_automated(link: Link, settings: Iterable[Setting] | None = None) -> tuple[Automated, ...]:
    """The controls that are under automation.

    Args:
        link: to Ardour.
        settings: what is about to be set; None looks at every strip.

    Raises:
        DeskError: Ardour does not answer.
    """
    dialect = ardour_of(link)
    found = _scan(link, list(dialect.strips.values()))
    if settings is None:
        return found
    wanted = {
        (dialect.strip(setting), _CONTROLS[setting.address]) for setting in settings if setting.address in _CONTROLS
    }
    return tuple(item for item in found if (item.strip, item.control) in wanted)


def require_manual(found: Sequence[Automated]) -> None:
    """Refuses a push that automation would swallow or write down.

    Raises:
        DeskError: names the strips and what to do, if there are any.
    """
    if found:
        raise DeskError(
            f"Ardour plays or writes automation here and would not take the preset's values: "
            f"{'; '.join(map(str, found))}. Switch them to Manual, or allow mixbridge to do it."
        )


def to_manual(link: Link, found: Iterable[Automated]) -> None:
    """Switches the controls to manual; :func:`restore` takes that back. Their automation stays as it is."""
    for item in found:
        _set_mode(link, item, MANUAL)


def restore(link: Link, found: Iterable[Automated]) -> None:
    """Switches the controls to the mode that they had."""
    for item in found:
        _set_mode(link, item, item.mode)


def _has_sound(strip: ArdourStrip) -> bool:
    """Whether audio comes in, or may come from an instrument."""
    return strip.kind in WITH_PLUGINS and bool(strip.inputs or strip.plugins)


def _set_mode(link: Link, item: Automated, mode: int) -> None:
    link.send(Message(f"{item.control}{_SUFFIX}", (item.strip.number, mode)))


def _scan(link: Link, strips: Sequence[ArdourStrip]) -> tuple[Automated, ...]:
    for _ in range(ATTEMPTS):
        try:
            modes = _modes(link, strips)
        finally:
            introduce(link)
        if modes is not None:
            return tuple(Automated(strip, control, mode) for (strip, control), mode in modes.items() if mode != MANUAL)
    raise link.silence()


def _modes(link: Link, strips: Sequence[ArdourStrip]) -> dict[tuple[ArdourStrip, str], int] | None:
    """The mode of every control, bank by bank; None if something got lost on the way."""
    by_name = {strip.name: strip for strip in strips}
    modes: dict[tuple[ArdourStrip, str], int] = {}
    step = Message("/set_surface", (_BANK, STRIP_TYPES, PLAIN_REPLIES + _FEEDBACK, 0))
    while {strip.name for strip, _ in modes} != by_name.keys():
        # Ardour answers in order: when it tells the name of the bank's first strip, everything before it has been sent.
        told = _told(ask(link, [step, Message(_FIRST)], lambda message: message.address == _FIRST), by_name)
        if not told.keys() - modes.keys():
            return None
        modes.update(told)
        step = Message("/bank_up", (1,))
    return modes


def _told(messages: Iterable[Message], by_name: Mapping[str, ArdourStrip]) -> dict[tuple[ArdourStrip, str], int]:
    """The modes in a bank's feedback. Numbers count within the bank, whose last one begins early to be full."""
    told: dict[tuple[ArdourStrip, str], int] = {}
    strips: dict[int, ArdourStrip] = {}
    for message in messages:
        match message.address, message.args:
            case "/strip/name", (int() as place, str() as name) if name in by_name:
                strips[place] = by_name[name]
            case str() as address, (int() as place, float() | int() as mode) if address.endswith(_SUFFIX):
                control = _CONTROLS.get(address.removesuffix(_SUFFIX))
                if control is not None and place in strips:
                    told[strips[place], control] = int(mode)
            case _:
                continue
    return told
