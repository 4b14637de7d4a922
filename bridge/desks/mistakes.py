"""What is wrong with a desk's profile, in sentences for the person who wrote it.

Each says where (table and key, as in the file), what, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from . import layout, ranges, scales, sections

# More than a person reads at once; usually one mistake explains the others.
MAX_MISTAKES: Final = 20
_MOST_WORDED: Final = 200

# By pydantic's names of errors: the whole sentence, or what follows the value that was found.
_WHOLE: Final = {
    "missing": "is missing; add it",
    "value_error": "{error}",
    "union_tag_not_found": "needs a kind, one of linear, log, bandwidth, fader, table, choice, switch, text: "
    'kind = "linear"',
    "union_tag_invalid": "the kind {tag!r} is not known; it has to be one of {expected_tags}",
}
_RULES: Final = {
    "less_than_equal": "has to be at most {le:g}",
    "greater_than_equal": "has to be at least {ge:g}",
    "greater_than": "has to be above {gt:g}",
    "finite_number": "has to be a finite number",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_from_float": "has to be a whole number",
    "float_type": "has to be a number",
    "float_parsing": "has to be a number",
    "string_type": "has to be a text in quotes",
    "bool_type": "has to be true or false",
    "bool_parsing": "has to be true or false",
    "tuple_type": "has to be a list in [ ]",
    "dict_type": "has to be a table",
    "model_type": "has to be a table",
    "model_attributes_type": "has to be a table",
    "literal_error": "has to be {expected}",
    "string_pattern_mismatch": "small letters, digits, - and _ are all it may hold, with a letter or digit first",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "has room for {max_length} characters",
    "too_short": "needs at least {min_length}",
    "too_long": "has room for {max_length}",
}
_TABLES: Final = frozenset(
    {
        "transport",
        "plugins",
        "scales",
        "track",
        "bus",
        "master",
        "reverb",
        "delay",
        "notes",
        "cannot",
        "aliases",
        "checked",
    }
)


def explain(error: ValidationError, data: Any) -> list[str]:
    """One sentence for each mistake.

    Args:
        error: from validating `data` as a desk.
        data: what the file holds.
    """
    items = error.errors(include_url=False)
    outer = {item["loc"][:depth] for item in items for depth in range(len(item["loc"]))}
    # A list counts as too short when what stands in it is wrong.
    causes = [item for item in items if item["type"] != "too_short" or item["loc"] not in outer]
    # Some are the same in words; of a flood, no more are worded than it takes to show the first.
    worded, rest = causes[:_MOST_WORDED], len(causes[_MOST_WORDED:])
    sentences = list(dict.fromkeys(_sentence(item, data) for item in worded))
    shown, more = sentences[:MAX_MISTAKES], len(sentences[MAX_MISTAKES:]) + rest
    return [*shown, f"... and {more} more"] if more else shown


def _sentence(item: Any, data: Any) -> str:
    where, what = _place(item["loc"], data), _what(item)
    return f"{where}: {what}" if where else what


def _place(location: Iterable[int | str], data: Any) -> str:
    """The path in the file, lists counted from 1; what pydantic adds about the kinds that it tried is left out."""
    path = ""
    node = data
    *parents, last = list(location) or [""]
    for part in parents:
        if isinstance(node, dict) and part in node:
            path += f".{part}" if path else str(part)
            node = node[part]
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            path += f"[{part + 1}]"
            node = node[part]
    if isinstance(node, list) and isinstance(last, int):
        return f"{path}[{last + 1}]"
    # The last part is a key, be it there, missing, or misspelt; or the kind of what already has been reached.
    is_key = isinstance(node, dict) and last not in ("name", "table", "[key]", node.get("kind"))
    return f"{path}.{last}".strip(".") if is_key or (isinstance(node, dict) and last in node) else path


def _what(item: Any) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is not known here{_suggestion(str(item['loc'][-1]))}"
    if kind in _WHOLE:
        return _WHOLE[kind].format_map({**context, "error": context.get("error", item["msg"])})
    rule = _RULES[kind].format_map(context) if kind in _RULES else item["msg"][:1].lower() + item["msg"][1:]
    return f"is {_shown(item['input'])}, but {rule}"


def _suggestion(key: str) -> str:
    near = difflib.get_close_matches(key, _known_keys(), n=1)
    return f"; did you mean {near[0]}? If not, leave it out" if near else "; leave it out"


@cache
def _known_keys() -> list[str]:
    models = [item for module in (layout, sections, scales, ranges) for item in vars(module).values()]
    tables = [model for model in models if isinstance(model, type) and issubclass(model, BaseModel)]
    return sorted({name for model in tables for name in model.model_fields} | _TABLES)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
