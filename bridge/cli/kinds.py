"""Kinds of values typed on the command line: loudness, shares, times, formats. Importing this loads click alone."""

from __future__ import annotations

import math
import re
from typing import Any, Final

import click

# As `runtime.audio.writing.FORMATS`, which would load libsndfile.
AUDIO_FORMATS: Final = ("wav", "wav16", "wav32f", "flac", "flac16", "aiff", "aiff32f")

OF_REFERENCE: Final = "reference"
"""What is typed for the loudness of the reference."""
_LONGEST_RAMP_MS: Final = 60_000


class Loudness(click.ParamType[float | str | None]):
    """A loudness in LUFS, that of the reference, or "off"."""

    name = "LUFS|reference|off"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str | None:
        """Converts what was typed to LUFS; None for "off", and the word itself for "reference"."""
        if isinstance(value, str) and value.strip().lower() == OF_REFERENCE:
            return OF_REFERENCE
        if value is None or (isinstance(value, str) and value.strip().lower() == "off"):
            return None
        try:
            return float(value)
        except ValueError:
            self.fail(f'{value!r} is neither a number of LUFS, such as -14, nor "reference" or "off"', param, ctx)


class Share(click.ParamType[float]):
    """How much of something: 0.7, or 70%.

    Args:
        most: the largest that there is.
    """

    name = "0.7|70%"

    def __init__(self, most: float = 1.0) -> None:
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Converts what was typed to a number, 1 for all."""
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = math.nan
        if not 0 <= share <= self.most:
            self.fail(f"{text!r} is not from 0 to {self.most:g}; write it as 0.7 or 70%", param, ctx)
        return share


class Duration(click.ParamType[float]):
    """A duration: seconds, or with a unit, such as 30s, 2m, 1m30s."""

    name = "30s|2m"
    _WRITTEN = re.compile(r"(?:(?P<minutes>\d+(?:\.\d+)?)m)?(?:(?P<seconds>\d+(?:\.\d+)?)s?)?")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Converts what was typed to seconds."""
        if isinstance(value, float):
            return value
        text = str(value).strip().lower()
        parts = self._WRITTEN.fullmatch(text)
        if not text or not parts:
            self.fail(f"{value!r} is not a duration; write it as 30s, 2m or 1m30s", param, ctx)
        return 60 * float(parts["minutes"] or 0) + float(parts["seconds"] or 0)


class Milliseconds(click.ParamType[float]):
    """A short time: 500ms, 0.5s."""

    name = "500ms|1s"
    _WRITTEN = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>ms|s)")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Converts what was typed to milliseconds."""
        if isinstance(value, float):
            return value
        parts = self._WRITTEN.fullmatch(str(value).strip().lower())
        time_ms = float(parts["number"]) * (1000 if parts["unit"] == "s" else 1) if parts else -1.0
        if not 0 <= time_ms <= _LONGEST_RAMP_MS:
            self.fail(f"{value!r} is not a time of a minute or less; write it as 500ms or 1s", param, ctx)
        return time_ms
