"""Addresses with gaps that are filled later.

`{n}`, `{n:02}`, `{n-1}` stand for the number of a strip, `{slot}` and the like for what differs between bands, and
`{plugin.eq}` for a number that only the desk knows. They are written as in Python's format strings, but nothing else
of those is understood: a profile may come from anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

Variables = Mapping[str, int | str]

_GAP: Final = re.compile(r"\{([^{}]*)\}")
_NUMBER: Final = re.compile(r"n(-1)?(?::0([1-9]))?")
_PLUGIN: Final = re.compile(r"plugin\.([a-z][a-z0-9_]*)")
_VARIABLE: Final = re.compile(r"[a-z][a-z0-9_]*")
# What OSC 1.0 keeps for patterns, and the space and # that it forbids in addresses.
_FORBIDDEN: Final = frozenset(" #*,?[]{}")


def checked_template(text: str) -> str:
    """The text itself.

    Raises:
        ValueError: a gap in it is not understood or not closed.
    """
    for gap in _GAP.findall(text):
        if not any(pattern.fullmatch(gap) for pattern in (_NUMBER, _PLUGIN, _VARIABLE)):
            raise ValueError(
                f"{{{gap}}} in {text!r} is not understood; what can stand there is {{n}}, {{n:02}} or {{n-1}} for the "
                "strip's number, {slot} for the band, or {plugin.eq} for a plug-in's number"
            )
    rest = _GAP.sub("", text)
    if "{" in rest or "}" in rest:
        raise ValueError(f"a brace in {text!r} is not closed; write {{n}}")
    return text


def checked_address(text: str) -> str:
    """The text itself.

    Raises:
        ValueError: it cannot become an OSC address.
    """
    plain = _GAP.sub("x", checked_template(text)).removeprefix("/")
    if not re.fullmatch(r"[\x21-\x7e]+", plain) or "//" in plain or plain.endswith("/") or _FORBIDDEN & set(plain):
        raise ValueError(
            f"{text!r} is no OSC address: its parts stand between single slashes, and are ASCII without spaces and "
            "# * , ? [ ]"
        )
    return text


Template = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(checked_template)]
AddressTemplate = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(checked_address)]


def filled(template: str, variables: Variables) -> str:
    """The template with those gaps filled that the variables know; others stay."""

    def value(match: re.Match[str]) -> str:
        filling = _value(match[1], variables)
        return match[0] if filling is None else str(filling)

    return _GAP.sub(value, template)


def filled_argument(template: int | str, variables: Variables) -> int | str:
    """An argument with its gaps filled; a gap that stands alone stays the number that it is."""
    if not isinstance(template, str):
        return template
    whole = _GAP.fullmatch(template)
    filling = _value(whole[1], variables) if whole else None
    return filled(template, variables) if filling is None else filling


def has_number(templates: Iterable[int | str]) -> bool:
    """Whether the number of the strip stands somewhere in these."""
    return any(_NUMBER.fullmatch(gap) for gap in _gaps(templates))


def unknown_gaps(templates: Iterable[int | str], plugins: Iterable[str]) -> list[str]:
    """The gaps that neither a number of a strip nor one of these plug-ins fills."""
    known = set(plugins)
    unknown = []
    for gap in _gaps(templates):
        plugin = _PLUGIN.fullmatch(gap)
        if not _NUMBER.fullmatch(gap) and not (plugin and plugin[1] in known):
            unknown.append(gap)
    return unknown


def _gaps(templates: Iterable[int | str]) -> list[str]:
    return [gap for text in templates if isinstance(text, str) for gap in _GAP.findall(text)]


def _value(gap: str, variables: Variables) -> int | str | None:
    number = _NUMBER.fullmatch(gap)
    if number is None:
        return variables.get(gap)
    n = variables.get("n")
    if not isinstance(n, int):
        return None
    counted = n - 1 if number[1] else n
    return str(counted).zfill(int(number[2])) if number[2] else counted
