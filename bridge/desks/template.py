"""Addresses with gaps that are filled later.

`{n}`, `{n:02}`, `{n-1}` stand for the number of a strip, `{slot}` and the like for what differs between bands,
`{reverb:02}` for the bus that feeds an effect, and `{plugin.eq}` for a number that only the desk knows. They are
written as in Python's format strings, but nothing else of those is understood: a profile may come from anybody.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

Variables = Mapping[str, int | str]

_GAP: Final = re.compile(r"\{([^{}]*)\}")
_STRIP_NUMBER: Final = "n"
_PLUGIN: Final = re.compile(r"plugin\.([a-z][a-z0-9_]*)")
_VARIABLE: Final = re.compile(r"([a-z][a-z0-9_]*)(-1)?(?::0([1-9]))?")
# What OSC 1.0 keeps for patterns, and the space and # that it forbids in addresses.
_FORBIDDEN: Final = frozenset(" #*,?[]{}")


def checked_template(text: str) -> str:
    """The text itself.

    Raises:
        ValueError: a gap in it is not understood or not closed.
    """
    for gap in _GAP.findall(text):
        if not any(pattern.fullmatch(gap) for pattern in (_PLUGIN, _VARIABLE)):
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
    return any(_name(gap) == _STRIP_NUMBER for gap in _gaps(templates))


def unknown_gaps(templates: Iterable[int | str], plugins: Iterable[str], variables: Collection[str] = ()) -> list[str]:
    """The gaps that neither the number of a strip, nor one of these plug-ins, nor one of these variables fills."""
    known = {*variables, _STRIP_NUMBER, *(f"plugin.{plugin}" for plugin in plugins)}
    return [gap for gap in _gaps(templates) if (_name(gap) or gap) not in known]


def open_variables(templates: Iterable[int | str]) -> frozenset[str]:
    """What has still to be filled in, but for numbers of strips and plug-ins."""
    return frozenset(name for gap in _gaps(templates) if (name := _name(gap)) not in ("", _STRIP_NUMBER))


def _gaps(templates: Iterable[int | str]) -> list[str]:
    return [gap for text in templates if isinstance(text, str) for gap in _GAP.findall(text)]


def _name(gap: str) -> str:
    """The variable of a gap; empty for a plug-in's number."""
    match = _VARIABLE.fullmatch(gap)
    return "" if match is None else match[1]


def _value(gap: str, variables: Variables) -> int | str | None:
    match = _VARIABLE.fullmatch(gap)
    value = None if match is None else variables.get(match[1])
    if match is None or not isinstance(value, int):
        return value
    counted = value - 1 if match[2] else value
    return str(counted).zfill(int(match[3])) if match[3] else counted
