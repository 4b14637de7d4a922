"""A rich console that never prints a control character that stands in a name."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from ....presets.escaping import escaped


class EscapingConsole(Console):
    """Escapes the text of whatever is rendered; what rich itself says to the terminal (colours, cursor) stays."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render, with control characters in texts as escapes."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(escaped(segment.text, keep="\n"), segment.style)
