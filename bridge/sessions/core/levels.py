"""Factors and decibels, where none at all is minus infinity."""

from __future__ import annotations

import math


def decibels(gain: float) -> float:
    """A factor in dB; minus infinity for none."""
    return 20 * math.log10(gain) if gain > 0 else -math.inf


def linear(gain_db: float) -> float:
    """A level in dB as a factor; 0 for minus infinity."""
    return 0.0 if gain_db == -math.inf else float(10 ** (gain_db / 20))
