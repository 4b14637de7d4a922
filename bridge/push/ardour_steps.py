"""What a push has to see to in an Ardour session: plug-ins that have to be there, controls under automation.

On every other desk these do nothing, so that :mod:`.pushing` need not know which it talks to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from ..desks.profile import Desk, Setting
from ..osc.dialects import ardour, ardour_session
from ..osc.dialects.ardour import ArdourStrip
from ..osc.link import Link
from .mapping import Placed
from .plan import Plan, Row, StripPlan
from .scope import MASTER

_DIALECT: Final = "ardour"


def without_missing(link: Link, plan: Plan, script: int | None) -> Plan:
    """The plan without what no plug-in can take; the strips say which they lack.

    Args:
        link: to the desk.
        plan: made from the names of the strips.
        script: row of Ardour's Script Manager to be run if something is missing; None runs nothing.

    Raises:
        DeskError: Ardour does not answer.
    """
    if plan.desk.transport.dialect != _DIALECT:
        return plan
    missing = _missing(link, plan)
    if missing and script is not None:
        ardour_session.insert_plugins(link, script)
        missing = _missing(link, plan)
    return replace(
        plan, strips=tuple(_without(strip, missing.get(strip.placed, ()), plan.desk) for strip in plan.strips)
    )


def questions(link: Link, desk: Desk, kind: str, number: int) -> tuple[list[Setting], tuple[str, ...]]:
    """All that a strip can be asked for, and the titles of plug-ins that it lacks."""
    asked = desk.questions(kind, number)
    if desk.transport.dialect != _DIALECT:
        return asked, ()
    lacking = _lacking(link, desk, kind, number)
    return [setting for setting in asked if not _lives_in(setting, lacking, desk)], lacking


def require_settable(link: Link, settings: Sequence[Setting], *, to_manual: bool) -> None:
    """Refuses what automation would swallow or write down; nothing is changed.

    Raises:
        DeskError: names the controls and what to do.
    """
    if settings and not to_manual and _is_ardour(link):
        ardour_session.require_manual(ardour_session.find_automated(link, settings))


def make_settable(link: Link, settings: Sequence[Setting], *, to_manual: bool) -> tuple[str, ...]:
    """Makes sure that Ardour takes these settings; gives the controls that were switched to manual.

    Raises:
        DeskError: it would not, and nothing was changed.
    """
    if not settings or not _is_ardour(link):
        return ()
    # Switches wait for their turn: a plug-in that is freed from its bypass is heard.
    plain = [setting for setting in settings if not ardour.is_switch(setting)]
    return tuple(map(str, ardour_session.make_settable(link, plain, allow_manual=to_manual)))


def unlock(link: Link, switches: Sequence[Setting]) -> None:
    """Frees plug-ins that are about to be switched on from a bypass of the mixer's.

    Raises:
        DeskError: Ardour does not answer.
    """
    if switches and _is_ardour(link):
        ardour_session.make_settable(link, switches, allow_manual=False)


def advice(missing: Mapping[Placed, Sequence[str]]) -> str:
    """What lacks what, and what to do about it."""
    strips = {ArdourStrip(item.number, item.name or item.track, "", 0): titles for item, titles in missing.items()}
    return f"{ardour.advice(strips)} --insert-plugins does so with the row in which it stands there."


def _is_ardour(link: Link) -> bool:
    return link.transport.dialect == _DIALECT


def _missing(link: Link, plan: Plan) -> dict[Placed, tuple[str, ...]]:
    found = {}
    for strip in plan.strips:
        lacking = _lacking(link, plan.desk, strip.placed.kind, strip.placed.number)
        lacking = tuple(
            title for title in lacking if any(_lives_in(row.setting, (title,), plan.desk) for row in strip.rows)
        )
        if lacking:
            found[strip.placed] = lacking
    return found


def _lacking(link: Link, desk: Desk, kind: str, number: int) -> tuple[str, ...]:
    dialect = ardour.ardour_of(link)
    strip = dialect.master if kind == MASTER else dialect.strips.get(number)
    if strip is None:
        return ()
    return tuple(plugin.title for plugin in desk.plugins.values() if strip.plugin_number(plugin.title) is None)


def _without(strip: StripPlan, missing: tuple[str, ...], desk: Desk) -> StripPlan:
    rows: tuple[Row, ...] = tuple(row for row in strip.rows if not _lives_in(row.setting, missing, desk))
    return replace(strip, rows=rows, missing=missing)


def _lives_in(setting: Setting, titles: Sequence[str], desk: Desk) -> bool:
    names = {name for name, plugin in desk.plugins.items() if plugin.title in titles}
    return any(item == f"{{plugin.{name}}}" for name in names for item in setting.before)
