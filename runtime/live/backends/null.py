"""The null backend: a clock in place of a device. What would be played is only counted and recorded."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from ..priority import AUDIO, take_priority
from .base import DEFAULT_BLOCK_FRAMES, DEFAULT_RATE_HZ, BackendChoice, Calls, DeviceTerms, Surroundings, silence

# Behind by more, the machine slept: the clock begins anew.
_LONGEST_LAG_S: Final = 0.5


class NullBackend:
    """Asks for a block whenever one would be due, or, freewheeling, as soon as the last one is done.

    Args:
        choice: how it is set up.
    """

    def __init__(self, choice: BackendChoice):
        self._terms = null_terms(choice)
        self._is_clocked = not choice.freewheel

    def run(self, calls: Calls, around: Surroundings) -> None:
        """Call for blocks until the end."""
        frames = self._terms.block_frames
        period_s = frames / self._terms.sample_rate_hz
        inputs = None if around.is_fed else silence(calls.rows, frames)
        out = np.zeros((2, frames), np.float32)
        calls.may_wait = True  # nobody hears a late block
        if self._is_clocked:
            take_priority(AUDIO)
            around.be_urgent()
        around.is_there(True)
        due_s = time.perf_counter() + period_s
        while not around.is_ended():
            calls.process(inputs, out)
            if not self._is_clocked:
                continue
            now_s = time.perf_counter()
            if now_s > due_s:
                calls.count_xrun()
                if now_s - due_s > _LONGEST_LAG_S:
                    due_s = now_s
            else:
                time.sleep(due_s - now_s)
            due_s += period_s


def null_terms(choice: BackendChoice) -> DeviceTerms:
    """What was asked for, or what is usual."""
    return DeviceTerms(choice.sample_rate_hz or DEFAULT_RATE_HZ, choice.block_frames or DEFAULT_BLOCK_FRAMES)
