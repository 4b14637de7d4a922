"""The console's table for people: the Markdown that stands in `docs/console.md`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from .console import FxBand, FxBus, Master, Strip, parameters

_SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("Track", Strip),
    ("Fx bus", FxBus),
    ("Fx bus, each of twelve bands", FxBand),
    ("Master", Master),
)


def console_markdown() -> str:
    """One table per section: setting, unit, range, scale, neutral value, what it does."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for title, section in _SECTIONS:
        yield f"### {title}"
        yield ""
        yield "| setting | range | scale | neutral | what it does |"
        yield "|---|---|---|---|---|"
        for path, row in parameters(section).items():
            neutral = "" if row.neutral is None else f"{row.neutral:g}"
            unit = f" {row.unit}" if row.unit else ""
            yield f"| `{path}` | {row.low:g} .. {row.high:g}{unit} | {row.scale} | {neutral} | {row.help} |"
        yield ""
