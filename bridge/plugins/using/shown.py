"""Laws of parameters as the plug-in itself shows them, for profiles that are from documents.

What a document says of a range may be of another version, and some laws no document tells. The plug-in is asked for
what it shows at some places of each parameter: what fits the profile keeps its law, what does not, or has none, gets a
table of what is shown. Only its sound is not heard: the profile is still not measured.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from ....presets.errors import PluginError
from ....runtime.plugins.process import PluginInstance
from ...desks.scales import Choice, Scale, Switch, Table
from ..profile import PluginProfile

_PLACES: Final = tuple(np.linspace(0.0, 1.0, 49).round(6).tolist())
_FEWEST: Final = 5
_ENDS: Final = (0.0, 0.25, 0.5, 1.0)
# So much of a range may what is shown be off, rounded as it is.
_EVEN: Final = 0.003
_NUMBER: Final = re.compile(r"[-+]?\d+(?:[.,]\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
_THOUSANDS: Final = {"ms": ("s", "sec"), "hz": ("khz", "k")}
# How far what is shown may be from the profile's law: a part of the value, or so many dB.
_NEAR_RATIO: Final = 0.03
_NEAR_DB: Final = 0.3


def with_shown_laws(profile: PluginProfile, instance: PluginInstance) -> tuple[PluginProfile, tuple[str, ...]]:
    """Give a profile with the laws that its plug-in shows, and which of its own they replaced, in sentences.

    Args:
        profile: not measured; one that was is given as it is.
        instance: of the plug-in.

    Raises:
        PluginError: the plug-in lacks a parameter, or shows no numbers where the profile leaves the law to it.
    """
    if profile.measured:
        return profile, ()
    settings = {name: key for key, name in profile.settings.items() if _is_asked(key, profile, name)}
    if not settings:
        return profile, ()
    shown = _shown(instance, list(settings))
    parameters, notes = dict(profile.parameters), []
    for name, key in settings.items():
        parameter = profile.parameters[name]
        points = list(_points(shown[name], key))
        table = _table(points)
        if parameter.is_read and table is None:
            examples = ", ".join(repr(text) for text in list(shown[name].values())[:: len(_PLACES) // 3])
            raise _unreadable(profile, parameter.label or name, examples)
        if table is not None and (parameter.is_read or not _fits(parameter.scale, points, key)):
            parameters[name] = parameter.model_copy(update={"scale": table, "is_read": False})
            if not parameter.is_read:
                notes.append(
                    f"{profile.name} shows another range or law of {parameter.label or name} than its profile has: "
                    "what it shows is taken."
                )
    return profile.model_copy(update={"parameters": parameters}), tuple(notes)


def number_shown(text: str, key: str) -> float | None:
    """Read what a plug-in shows, in the unit of the setting; None where it shows no number.

    Args:
        text: such as "4.00:1", "2.50 s" or "12.5 kHz".
        key: of the setting, whose last word tells the unit.
    """
    found = _NUMBER.search(text)
    if found is None:
        return None
    number = float(found[0].replace(",", "."))
    behind = text[found.end() :].strip().lower()
    unit = key.rpartition("_")[2]
    word = re.match("[a-z]+", behind)
    if word is not None and word[0] in _THOUSANDS.get(unit, ()):
        number *= 1000.0
    return number if math.isfinite(number) else None


def _is_asked(key: str, profile: PluginProfile, name: str) -> bool:
    """Tell whether what it shows has the unit of the setting; one Q is not like another."""
    scale = profile.parameters[name].scale
    return not key.endswith(".q") and not isinstance(scale, Choice | Switch)


def _shown(instance: PluginInstance, names: Sequence[str]) -> dict[str, dict[float, str]]:
    texts: dict[str, dict[float, str]] = {name: {} for name in names}
    for place in _PLACES:
        words = instance.state(dict.fromkeys(names, place)).words
        for name in names:
            texts[name][place] = words.get(name, "")
    return texts


def _points(texts: Mapping[float, str], key: str) -> Iterator[tuple[float, float]]:
    """What is shown as numbers, with the place of each; what goes back again is left out, as "-inf" is."""
    for place, text in texts.items():
        number = number_shown(text, key)
        if number is not None:
            yield number, place


def _table(points: Sequence[tuple[float, float]]) -> Table | None:
    """Make a law of points: of those that show the same number the first, and only while they run one way."""
    kept: list[tuple[float, float]] = []
    for value, place in points:
        if kept and value == kept[-1][0]:
            continue
        if len(kept) > 1 and (value > kept[-1][0]) != (kept[1][0] > kept[0][0]):
            return None
        kept.append((value, place))
    return Table(kind="table", points=tuple(kept)) if len(kept) >= _FEWEST else None


def _fits(scale: Scale, points: Sequence[tuple[float, float]], key: str) -> bool:
    is_level = key.endswith("_db")
    for value, place in points:
        known = float(scale.decode(place))
        allowed = _NEAR_DB + 0.02 * abs(known) if is_level else _NEAR_RATIO * abs(known) + 0.01
        if abs(known - value) > allowed:
            return False
    return True


def _unreadable(profile: PluginProfile, label: str, examples: str) -> PluginError:
    return PluginError(
        f"{profile.title}: the law of {label} is read from what the plug-in shows, and it shows no numbers that rise "
        f"or fall ({examples}). `mixbridge plugin measure` makes a profile of your own."
    )


def own_ranges(profile: PluginProfile, instance: PluginInstance) -> dict[str, tuple[float, float]]:
    """Tell the ranges of parameters in the plug-in's own unit, of those that run evenly from end to end.

    Some DAWs set plug-ins in that unit, not by the host's 0 to 1.

    Args:
        profile: of the plug-in.
        instance: of it.
    """
    names = list(dict.fromkeys((*profile.settings.values(), *profile.fixed)))
    texts = [instance.state(dict.fromkeys(names, place)).words for place in _ENDS]
    ranges: dict[str, tuple[float, float]] = {}
    for name in names:
        numbers = [number_shown(words.get(name, ""), "") for words in texts]
        low, *between, high = numbers
        if low is None or high is None or low >= high:
            continue
        even = [low + place * (high - low) for place in _ENDS[1:-1]]
        room = _EVEN * (high - low)
        if all(
            number is not None and abs(number - wanted) <= room for number, wanted in zip(between, even, strict=True)
        ):
            ranges[name] = (low, high)
    return ranges
