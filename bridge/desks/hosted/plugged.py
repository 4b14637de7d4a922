"""Plug-ins of the user's on a desk's tracks, whose parameters the desk sets over OSC.

A profile of a desk says how any parameter of any plug-in is reached (:class:`PluginAddress`); which plug-ins stand on a
track, and what their parameters mean, is told when a preset is pushed (:class:`Plugged`), and kept in snapshots. Wire
values are the host's 0 to 1. Keys of their settings have the plug-in in them: `eq.@zameq2.low.gain_db`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field, model_validator

from ....presets.console import Part
from ..expansion import DeskParameter
from ..keys import MARK
from ..scales import AnyScale, Finite
from ..template import AddressTemplate, Template, checked_address, filled, filled_argument
from ..wire import Int32

_PLUGIN: Final = "{plugin}"
_PARAMETER: Final = "{parameter}"
# What pedalboard hangs on the name of a parameter: its unit.
_UNITS: Final = ("db", "hz", "khz", "ms", "s", "percent", "oct", "octaves", "st")

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class PluginAddress(Part):
    """How a parameter of a plug-in on a strip is reached: {n} is the strip, {plugin} and {parameter} what they say."""

    address: AddressTemplate
    before: tuple[Int32 | Template, ...] = Field((), max_length=10, description="arguments before the value")

    @model_validator(mode="after")
    def _usable(self) -> PluginAddress:
        checked_address(self.address)
        text = " ".join(map(str, (self.address, *self.before)))
        for gap in (_PLUGIN, _PARAMETER):
            if gap not in text:
                raise ValueError(f"needs {gap} in the address or in `before`")
        return self

    @property
    def is_counted(self) -> bool:
        """Whether plug-ins and parameters go by numbers, which nobody but the user knows; else by their names."""
        return _PLUGIN in self.address


class PluggedParameter(Part):
    """A parameter of a plug-in on a track."""

    key: str = Field(min_length=1, max_length=100, description="canonical, with the plug-in: eq.@zameq2.low.gain_db")
    label: str = Field(min_length=1, max_length=200, description="its name, as the plug-in shows it or as pedalboard")
    number: int | None = Field(None, ge=1, le=100_000, description="its place in the plug-in's list, from 1")
    scale: AnyScale
    own: tuple[Finite, Finite] | None = Field(None, description="its range in the plug-in's own unit, if that is even")
    constant: Finite | None = Field(None, description="the value that it always gets")


class Plugged(Part):
    """A plug-in of the user's on tracks."""

    name: Slug = Field(description="stands for it in keys")
    title: str = Field(min_length=1, max_length=100, description="as the desk shows it")
    nth: int = Field(1, ge=1, le=100, description="which of several on a track")
    place: int | None = Field(None, ge=1, le=1000, description="which of the track's plug-ins it is, from 1")
    parameters: tuple[PluggedParameter, ...] = Field(min_length=1, max_length=2000)

    def settings(self, address: PluginAddress) -> Iterator[DeskParameter]:
        """Give its settings with their addresses, the number of the strip being open."""
        for item in self.parameters:
            plugin: int | str = f"{{plugin.{self.name}}}" if self.place is None else self.place
            parameter: int | str = item.label if item.number is None or not address.is_counted else item.number
            variables = {"plugin": plugin, "parameter": parameter}
            yield DeskParameter(
                key=item.key,
                address=filled(address.address, variables),
                before=tuple(filled_argument(part, variables) for part in address.before),
                scale=item.scale,
                constant=item.constant,
            )


def plugged_key(key: str, name: str) -> str:
    """Put a plug-in into the key of a setting: "eq.low.gain_db" of "zameq2" is "eq.@zameq2.low.gain_db"."""
    stage, _, rest = key.partition(".")
    return f"{stage}.{MARK}{name}.{rest}"


def slug(title: str) -> str:
    """Make a name for keys of a plug-in's title."""
    words = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:40]
    return words if words[:1].isalpha() else f"plugin_{words}"


def is_same_parameter(known: str, shown: str) -> bool:
    """Tell whether a desk's name of a parameter is the one that is known, be it the plug-in's own or pedalboard's."""
    first, second = _plain(known), _plain(shown)
    return first == second or (first.startswith(second) and first[len(second) :] in _UNITS)


def is_same_plugin(title: str, shown: str) -> bool:
    """Tell whether a desk's name of a plug-in is this one: without its maker, or with channels behind, too."""
    known, told = _plain(title), _plain(re.sub(r" \((mono|stereo|\d+.*)\)$", "", shown))
    return bool(told) and (known == told or (len(told) >= 4 and known.endswith(told)))


def _plain(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())
