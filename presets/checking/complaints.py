"""What is wrong in a preset file, in words for the person who edited it.

Turns a failed validation into lines that name the place in the file, the value, and what may stand there. The
validator's own wording never reaches a user.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ..console import Parameter
from ..preset import Preset
from ..units import allowed

MOST_LINES = 10
_MOST_CHARACTERS = 60

Place = Sequence[str | int]

# By pydantic's name of the error: what should have stood there. `{...}` is filled from the error's context.
_WANTED = {
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must be a SHA-256: 64 digits of 0-9 and a-f",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:.10g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:.10g}",
    "model_type": "must be an object in {{ }}",
    "model_attributes_type": "must be an object in {{ }}",
    "tuple_type": "must be a list in [ ]",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have {min_length} entries",
}


def complaints(error: ValidationError, data: object) -> tuple[list[str], int]:
    """Word the mistakes in a file.

    Args:
        error: what validating the file as a :class:`..preset.Preset` raised.
        data: the file's content as parsed, for the tracks' names.

    Returns:
        A line for each of the first mistakes, as many as are shown, and how many there are in all.
    """
    mistakes = [item for item in error.errors(include_url=False) if not _is_echo(item)]
    return [_complaint(item, data) for item in mistakes[:MOST_LINES]], len(mistakes)


def listed(lines: Sequence[str], count: int) -> str:
    """List several mistakes under each other, the first ten and a count; one stays on its line."""
    if count == 1:
        return lines[0]
    shown = [f"\n  {line}" for line in lines[:MOST_LINES]]
    more = count - MOST_LINES
    return f"{count} mistakes:" + "".join(shown) + (f"\n  and {more} more." if more > 0 else "")


def place_name(place: Place, data: object) -> str:
    """Name a place in the file: `tracks[2] "Lead Vox" → strip.compressor.ratio`."""
    if len(place) > 1 and place[0] == "tracks" and isinstance(place[1], int):
        name = _track_name(place[1], data)
        head = f"tracks[{place[1]}]" + (f" {json.dumps(name, ensure_ascii=False)}" if name else "")
        return f"{head} → {_dotted(place[2:])}" if len(place) > 2 else head
    return _dotted(place)


def _is_echo(item: ErrorDetails) -> bool:
    """Tell whether a list is called too short only because an entry in it is wrong, which is named already."""
    return item["type"] == "too_short" and len(item["input"]) >= item["ctx"]["min_length"]


def _complaint(item: ErrorDetails, data: object) -> str:
    place = item["loc"]
    where, field, context = place_name(place, data), _field(place), item.get("ctx", {})
    kind = item["type"]
    if kind == "extra_forbidden":
        return f"{where} is unknown; {_known_there(place)}"
    if kind == "json_invalid":  # JSON for Python, but not for the stricter parser: half of a surrogate pair
        return "a text in it holds a broken \\u escape. Write the character itself."
    if kind == "missing":
        return f"{where} is missing; it is needed."
    if kind == "value_error":
        return f"{where}: {context['error']}.".removeprefix(": ")
    row = _row(field)
    if row is not None:
        wanted = f"must be {allowed(row)}"
    else:
        wanted = _WANTED.get(kind, "is not what belongs there").format(**context)
    return f"{where} is {_shown(item['input'])}, but {wanted}."


def _dotted(place: Place) -> str:
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return text.removeprefix(".")


def _track_name(index: int, data: object) -> str | None:
    tracks = data.get("tracks") if isinstance(data, Mapping) else None
    track = tracks[index] if isinstance(tracks, list) and index < len(tracks) else None
    name = track.get("name") if isinstance(track, Mapping) else None
    return _cut(name) if isinstance(name, str) else None


def _known_there(place: Place) -> str:
    model = _model(place[:-1])
    known = list(model.model_fields) if model is not None else []
    near = get_close_matches(str(place[-1]), known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known there: {', '.join(known)}."


def _field(place: Place) -> FieldInfo | None:
    """Find the declaration of the setting at this place."""
    if not place or not isinstance(place[-1], str):
        return None
    model = _model(place[:-1])
    return model.model_fields.get(place[-1]) if model is not None else None


def _model(place: Place) -> type[BaseModel] | None:
    """Find the part of the preset at this place; an index stays with the list's kind of entry."""
    model: type[BaseModel] | None = Preset
    for key in place:
        if isinstance(key, int):
            continue
        field = model.model_fields.get(key) if model is not None else None
        model = _inner_model(field.annotation) if field is not None else None
    return model


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """Find Track in `tuple[Track, ...]`, Window in `Window | None`."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _row(field: FieldInfo | None) -> Parameter | None:
    metadata = field.metadata if field is not None else ()
    return next((item for item in metadata if isinstance(item, Parameter)), None)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"
