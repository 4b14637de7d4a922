"""Plug-ins of the user's that a mix puts into sessions, in the place of its own EQ and compressor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

PLUGGED_MARK: Final = "mixbridge: "
"""Begins the name of each in a session, by which the next mix finds and replaces it."""


@dataclass(frozen=True)
class SessionPlugin:
    """A VST3 plug-in with its settings.

    Attributes:
        stage: whose place it takes.
        name: of the plug-in.
        vendor: who made it.
        file: name of its file.
        class_id: 32 hexadecimal digits.
        component: what its processor keeps.
        controller: what its editor keeps.
        channels: that it takes.
        vstpreset: all that as the content of a .vstpreset file.
    """

    stage: Literal["eq", "compressor"]
    name: str
    vendor: str
    file: str
    class_id: str
    component: bytes
    controller: bytes
    channels: Literal[1, 2]
    vstpreset: bytes

    @property
    def title(self) -> str:
        """Its name in a session."""
        return PLUGGED_MARK + self.name


PluggedTracks = Mapping[str, tuple[SessionPlugin, ...]]
"""By the session's track, plug-ins in the order of the sound."""
