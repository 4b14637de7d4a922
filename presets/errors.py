"""The errors that users meet, one tree, drawn here.

    MixbridgeError
    ├── PresetError      (ValueError)  a preset, or a path or value in it, is not usable
    ├── AudioError       (ValueError)  an audio file or array cannot be used as asked
    ├── ModelError       (ValueError)  a model bundle or checkpoint is not what it says
    ├── ProviderError    (RuntimeError) the inference device asked for cannot be had
    ├── OutputError      (OSError)     a result cannot be written
    ├── SessionError     (ValueError)  a DAW session cannot be read or written as asked
    └── DeskError        (RuntimeError) a DAW or mixer, or what describes it, cannot be used as asked

Every message names what is wrong (file, path in the file, value) and what to do. The command line prints
the message alone; a traceback is a bug. Control characters of names in it are shown as escapes.
"""

from __future__ import annotations

from .escaping import escaped


class MixbridgeError(Exception):
    """Base of every error that mixbridge raises on purpose."""

    def __str__(self) -> str:
        return escaped(super().__str__(), keep="\n")


class PresetError(MixbridgeError, ValueError):
    """A preset, or a path or value in it, is not usable."""


class AudioError(MixbridgeError, ValueError):
    """An audio file or array cannot be used as asked."""


class ModelError(MixbridgeError, ValueError):
    """A model bundle or checkpoint is not what it says."""


class ProviderError(MixbridgeError, RuntimeError):
    """The inference device asked for cannot be had."""


class OutputError(MixbridgeError, OSError):
    """A result cannot be written."""


class DeskError(MixbridgeError, RuntimeError):
    """A DAW or mixer, or what describes it, cannot be used as asked."""


class SessionError(MixbridgeError, ValueError):
    """A DAW session cannot be read or written as asked."""
