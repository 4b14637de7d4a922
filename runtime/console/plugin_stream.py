"""One channel of audio through a pedalboard plugin, block by block, whatever the blocks' sizes.

Two of pedalboard's habits are kept away from everything else here. It sets a plugin up anew, losing its
state, when a block is larger than all before. And of a stereo block of one or two samples it cannot tell
which side of the array is the channels.
"""

from __future__ import annotations

import numpy as np
from pedalboard import Plugin

from ..audio.reading import Samples

_BUFFER_FRAMES = 8192


class PluginStream:
    """A plugin and its state.

    Args:
        plugin: a plugin of its own, or a board of them, without latency and silent on silence.
        sample_rate_hz: of the audio.
    """

    def __init__(self, plugin: Plugin, sample_rate_hz: int):
        self._plugin = plugin
        self._rate_hz = sample_rate_hz
        # The largest block that will ever be.
        self.process(np.zeros(_BUFFER_FRAMES, np.float32))

    def process(self, samples: Samples) -> Samples:
        """The next samples of the channel, shape (n,) to (n,)."""
        if not len(samples):
            return samples
        return self._plugin.process(samples, self._rate_hz, _BUFFER_FRAMES, reset=False)
