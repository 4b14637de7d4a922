"""A profile as the TOML file that it is read from."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .profile import PluginProfile

_WIDTH: Final = 120
_BARE: Final = re.compile(r"^[A-Za-z0-9_-]+$")
# More digits than this are noise of 32-bit floats.
_DIGITS: Final = 6


def profile_text(profile: PluginProfile, comments: tuple[str, ...] = ()) -> str:
    """Write a profile as TOML; what is as usual is left out.

    Args:
        profile: what is written.
        comments: lines on top.
    """
    data = profile.model_dump(mode="json", exclude_defaults=True)
    head = {
        "format": profile.format,
        "format_version": profile.format_version,
        "measured": profile.measured,
        "sample_rate_hz": profile.sample_rate_hz,
        "latency_samples": profile.latency_samples,
        "channels": list(profile.channels),
    }
    order = ("format", "format_version", "name", "file", "vendor", "version", "class_id", *head, "traps", "fixed")
    merged = {**data, **head}
    sorted_ = {key: merged[key] for key in order if key in merged}
    lines = [f"# {comment}" for comment in comments]
    lines += _table({**sorted_, **{key: value for key, value in merged.items() if key not in sorted_}}, "")
    return "\n".join(lines).strip() + "\n"


def _table(data: Mapping[str, Any], path: str) -> Iterator[str]:
    """Writes a table: its values first, then the tables in it."""
    values = {key: value for key, value in data.items() if value is not None and not _is_table(key, value)}
    for key, value in values.items():
        yield from _entry(_key(key), value)
    for key, value in data.items():
        if value is None or key in values:
            continue
        name = f"{path}.{_key(key)}" if path else _key(key)
        if isinstance(value, Mapping):
            if any(not isinstance(item, Mapping) for item in value.values()):
                yield f"\n[{name}]"
            yield from _table(value, name)
        else:
            for item in value:
                yield f"\n[[{name}]]"
                yield from _table(item, name)


def _is_table(key: str, value: Any) -> bool:
    if isinstance(value, Mapping):
        return key != "scale"
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _entry(key: str, value: Any) -> Iterator[str]:
    line = f"{key} = {_value(value)}"
    if len(line) <= _WIDTH or not isinstance(value, list):
        yield line
        return
    yield f"{key} = ["
    row = ""
    for item in map(_value, value):
        if row and len(row) + len(item) + 2 > _WIDTH:
            yield row.rstrip()
            row = ""
        row += f"{'' if row else '  '}{item}, "
    yield row.rstrip()
    yield "]"


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _number(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            items = (f"{_key(key)} = {_value(item)}" for key, item in value.items() if item is not None)
            return f"{{ {', '.join(items)} }}"


def _number(value: float) -> str:
    if value == 0:
        return "0"
    rounded = round(value, max(0, _DIGITS - 1 - math.floor(math.log10(abs(value)))))
    return str(int(rounded)) if rounded == int(rounded) else repr(rounded)


def _key(key: str) -> str:
    return key if _BARE.match(key) else json.dumps(key, ensure_ascii=False)
