"""One example for each kind of what is not rendered, in one format."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mixbridge.bridge.sessions.core.kinds import Kind


def kind_of(phrase: str) -> Kind | None:
    """The kind that a phrase is of: that with the longest words that fit; None if it is of none."""
    fitting = (kind for kind in Kind if re.fullmatch(re.escape(kind.value).replace(r"\{\}", ".*"), phrase))
    return max(fitting, key=lambda kind: len(kind.value), default=None)


@dataclass(frozen=True)
class KindExample:
    """The smallest session that has something of a kind.

    Attributes:
        make: makes it in a folder, and gives its path.
        note: what must be said: track, clip, words.
        post_fader: for stems with faders.
        muted: with the tracks that the DAW does not play.
    """

    make: Callable[[Path], Path]
    note: tuple[str, str, str]
    post_fader: bool = False
    muted: bool = True

    def with_text(self, old: str, new: str, *, first: bool = False) -> KindExample:
        """The same with other text in its file, everywhere or in its first place."""

        def make(folder: Path) -> Path:
            path = self.make(folder)
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new, 1 if first else -1))
            return path

        return replace(self, make=make)

    def of(self, track: str, *, post_fader: bool = False) -> KindExample:
        """The same, said of another track."""
        return replace(self, note=(track, *self.note[1:]), post_fader=post_fader)


@dataclass(frozen=True)
class FormatKinds:
    """All kinds in one format.

    Attributes:
        examples: by kind.
        not_there: kinds that the format does not have, and why.
    """

    examples: Mapping[Kind, KindExample]
    not_there: Mapping[Kind, str]
