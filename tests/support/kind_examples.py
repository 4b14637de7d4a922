"""One example for each kind of what is not rendered, in one format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mixbridge.bridge.sessions.core.kinds import Kind


@dataclass(frozen=True)
class KindExample:
    """The smallest session that has something of a kind.

    Attributes:
        make: makes it in a folder, and gives its path.
        note: what must be said: track, clip, words.
        post_fader: for stems with faders.
    """

    make: Callable[[Path], Path]
    note: tuple[str, str, str]
    post_fader: bool = False


@dataclass(frozen=True)
class FormatKinds:
    """All kinds in one format.

    Attributes:
        examples: by kind.
        not_there: kinds that the format does not have, and why.
    """

    examples: Mapping[Kind, KindExample]
    not_there: Mapping[Kind, str]
