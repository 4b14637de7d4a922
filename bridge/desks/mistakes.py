"""What is wrong with a desk's profile, in sentences for the person who wrote it.

Each says where (table and key, as in the file), what, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from . import layout, ranges, scales
from .layout import MAX_STRIPS

# More than a person reads at once; usually one mistake explains the others.
MAX_MISTAKES = 20
_DESK_KEYS = ("format", "version", "name", "title", "aliases", "checked", "notes", "cannot", "transport", "plugins")


def explain(error: ValidationError, data: Any) -> list[str]:
    """One sentence for each mistake, the first ones first.

    Args:
        error: from validating `data` as a desk.
        data: what the file holds.
    """
    found = [_sentence(item, data) for item in error.errors(include_url=False, include_context=True)]
    unique = list(dict.fromkeys(found))
    if len(unique) > MAX_MISTAKES:
        return [*unique[:MAX_MISTAKES], f"... and {len(unique) - MAX_MISTAKES} more"]
    return unique


def _sentence(item: Any, data: Any) -> str:
    where = _place(item["loc"], data)
    what = _what(item)
    return f"{where}: {what}" if where else what


def _place(location: Iterable[int | str], data: Any) -> str:
    """The path in the file: what pydantic adds about the kinds of things it tried is left out."""
    path = ""
    node = data
    parts = list(location)
    for index, part in enumerate(parts):
        if isinstance(node, dict) and (part in node or index == len(parts) - 1):
            path += f".{part}" if path else str(part)
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            path += f"[{part + 1}]"
            node = node[part]
    return path


def _what(item: Any) -> str:
    kind, context, value = item["type"], item.get("ctx", {}), item["input"]
    match kind:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return f"is not known here{_suggestion(str(item['loc'][-1]))}"
        case "union_tag_not_found":
            return f'needs a kind, one of {context.get("expected_tags", _kinds())}, e.g. kind = "linear"'
        case "union_tag_invalid":
            return f"the kind {context.get('tag')!r} is not known; it is one of {context.get('expected_tags')}"
        case "value_error":
            return str(context.get("error", item["msg"]))
        case "literal_error":
            return f"is {_shown(value)}, but has to be {context.get('expected')}"
        case "string_pattern_mismatch":
            return f"is {_shown(value)}; use small letters, digits, - and _, beginning with a letter or digit"
        case _:
            return f"is {_shown(value)}, but {_rule(kind, context, item['msg'])}"


def _rule(kind: str, context: Any, message: str) -> str:
    match kind:
        case "less_than_equal" if context.get("le") == MAX_STRIPS:
            return f"a kind of strip has at most {MAX_STRIPS}"
        case "less_than_equal":
            return f"has to be at most {context['le']:g}"
        case "greater_than_equal":
            return f"has to be at least {context['ge']:g}"
        case "greater_than":
            return f"has to be above {context['gt']:g}"
        case "finite_number":
            return "has to be a finite number"
        case "int_type" | "int_parsing" | "int_from_float":
            return "has to be a whole number"
        case "float_type" | "float_parsing":
            return "has to be a number"
        case "string_type":
            return "has to be a text in quotes"
        case "bool_type" | "bool_parsing":
            return "has to be true or false"
        case "tuple_type" | "list_type":
            return "has to be a list in [ ]"
        case "dict_type" | "model_type" | "model_attributes_type" | "dataclass_type":
            return "has to be a table"
        case "too_short" | "string_too_short":
            return "is too short: nothing stands in it" if context.get("min_length") == 1 else _plain(message)
        case "too_long" | "string_too_long":
            return f"is too long: at most {context['max_length']} fit"
        case _:
            return _plain(message)


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]


def _suggestion(key: str) -> str:
    near = difflib.get_close_matches(key, _known_keys(), n=1)
    return f"; did you mean {near[0]}? Else leave it out" if near else "; leave it out (docs/desks.md lists what is)"


def _known_keys() -> list[str]:
    models = [item for module in (layout, scales, ranges) for item in vars(module).values()]
    sections = [model for model in models if isinstance(model, type) and issubclass(model, BaseModel)]
    return sorted(
        {name for model in sections for name in model.model_fields} | {*_DESK_KEYS, "scales", "track", "master"}
    )


def _kinds() -> str:
    return "linear, log, bandwidth, fader, choice, switch, text"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
