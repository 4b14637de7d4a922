"""The errors that users meet, one tree, drawn here.

    MixbridgeError
    ├── PresetError      (ValueError)  a preset, or a path or value in it, is not usable
    ├── AudioError       (ValueError)  an audio file or array cannot be used as asked
    ├── ModelError       (ValueError)  a model bundle or checkpoint is not what it says
    ├── InsertError      (RuntimeError) an insert, a network or program in front of a strip, cannot be run
    ├── ProviderError    (RuntimeError) the inference device asked for cannot be had
    ├── OutputError      (OSError)     a result cannot be written
    ├── SessionError     (ValueError)  a DAW session cannot be read or written as asked
    ├── DeviceError      (RuntimeError) a sound server or device cannot be used as asked
    ├── DeskError        (RuntimeError) a DAW or mixer, or what describes it, cannot be used as asked
    └── PluginError      (RuntimeError) a plug-in, or what describes it, cannot be used as asked

Every message names what is wrong (file, path in the file, value) and what to do, in words that fit a program and the
command line alike; which option does it is a :class:`Hint`. The command line prints the message and the options; a
traceback is a bug. Control characters of names in it are shown as escapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .escaping import escaped

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Hint:
    """An option that would help, as data: a message does not know whether a program or a command line called.

    Attributes:
        option: name of the argument in Python, e.g. "overwrite"; the command line words it as `--force`.
        example: a value for it; empty for what is switched on.
    """

    option: str
    example: str = ""


class MixbridgeError(Exception):
    """Base of every error that mixbridge raises on purpose.

    Args:
        arguments: the message.
        hints: options that would help.
    """

    def __init__(self, *arguments: object, hints: tuple[Hint, ...] = ()) -> None:
        super().__init__(*arguments)
        self.hints = hints

    def __str__(self) -> str:
        return escaped(super().__str__(), keep="\n")


class PresetError(MixbridgeError, ValueError):
    """A preset, or a path or value in it, is not usable."""


class AudioError(MixbridgeError, ValueError):
    """An audio file or array cannot be used as asked."""


class ModelError(MixbridgeError, ValueError):
    """A model bundle or checkpoint is not what it says."""


class InsertError(MixbridgeError, RuntimeError):
    """An insert, a network or program in front of a strip, cannot be run."""


class ProviderError(MixbridgeError, RuntimeError):
    """The inference device asked for cannot be had."""


class OutputError(MixbridgeError, OSError):
    """A result cannot be written.

    Args:
        message: what is wrong and what to do; it follows the path, if one is given.
        path: the file or folder.
    """

    def __init__(self, message: str, path: Path | None = None, *, hints: tuple[Hint, ...] = ()) -> None:
        super().__init__(message if path is None else f"{path} {message}", hints=hints)
        self.message, self.path = message, path

    def at(self, path: Path) -> OutputError:
        """Gives the same error of another path: where the file will be, for who knows only where it is made."""
        return OutputError(self.message, path, hints=self.hints)


class DeviceError(MixbridgeError, RuntimeError):
    """A sound server or device cannot be used as asked."""


class DeskError(MixbridgeError, RuntimeError):
    """A DAW or mixer, or what describes it, cannot be used as asked."""


class PluginError(MixbridgeError, RuntimeError):
    """A plug-in, or what describes it, cannot be used as asked."""


class SessionError(MixbridgeError, ValueError):
    """A DAW session cannot be read or written as asked."""
