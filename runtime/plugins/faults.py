"""What is wrong with a plug-in of the user's, in words that name it and the remedy."""

from __future__ import annotations

from ...presets.errors import PluginError


class PluginFaultError(PluginError):
    """A plug-in does not work as asked.

    Args:
        message: what is wrong and what to do; it follows the plug-in's name.
        plugin: its name.
        track: where it stood; empty where it stood nowhere yet.
    """

    def __init__(self, message: str, plugin: str, track: str = "") -> None:
        place = f" on track {track!r}" if track else ""
        super().__init__(f"plug-in {plugin}{place}: {message}")
        self.message, self.plugin, self.track = message, plugin, track

    def on(self, track: str) -> PluginFaultError:
        """Give the same fault, of a track."""
        return PluginFaultError(self.message, self.plugin, track)
