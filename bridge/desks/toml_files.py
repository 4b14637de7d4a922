"""Settings that people write as TOML files: profiles of desks and plug-ins, choices of plug-ins.

A mistake in a file is told to the person who wrote it: file, table, key, what is wrong and what to do. Whatever a file
holds, nothing but the caller's kind of error is raised.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ...presets.errors import MixbridgeError
from ...presets.inputs import open_regular
from .mistakes import explain

Content = TypeVar("Content", bound=BaseModel)


@dataclass(frozen=True)
class TomlKind:
    """What a file is.

    Attributes:
        title: what messages call it, e.g. "desk profile".
        error: raised where it is none.
        most_bytes: no such file is longer.
    """

    title: str
    error: type[MixbridgeError]
    most_bytes: int = 256 * 1024


def read_toml(path: Path, model: type[Content], kind: TomlKind) -> Content:
    """Read a file.

    Args:
        path: of the file.
        model: of its content.
        kind: of the file.

    Raises:
        MixbridgeError: `kind.error`: it cannot be read, or has mistakes (all that were found, one a line).
    """
    text = _text(path, kind)
    try:
        data = tomllib.loads(text)
        return model.model_validate(data)
    except tomllib.TOMLDecodeError as error:
        raise kind.error(f"{path} is not valid TOML: {_plain(error)}. Correct that line; nothing was used.") from None
    except RecursionError:
        raise kind.error(f"{path} is nested too deeply to be a {kind.title}") from None
    except ValidationError as error:
        raise kind.error("\n".join(f"{path}: {sentence}" for sentence in explain(error, data))) from None
    except ValueError:
        raise kind.error(f"{path} holds a number of thousands of digits: that is no {kind.title}") from None


def _text(path: Path, kind: TomlKind) -> str:
    try:
        with open_regular(path) as file:
            data = file.read(kind.most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise kind.error(f"the {kind.title} {path} cannot be read: {reason}") from None
    if len(data) > kind.most_bytes:
        raise kind.error(f"{path} has more than {kind.most_bytes // 1024} kB: that is no {kind.title}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise kind.error(f"{path} is not UTF-8 text (byte {error.start + 1}): save it as UTF-8") from None


def _plain(error: tomllib.TOMLDecodeError) -> str:
    """The parser's message, which names line and column."""
    text = str(error).replace("Cannot overwrite a value", "a key stands twice")
    return text[:1].lower() + text[1:]
