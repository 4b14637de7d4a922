"""Decibels to factors and back, and how a setting's value is written. For rounder words see `bridge/report/text.py`.

A *factor* multiplies samples (20 log10); a *power* is a mean square (10 log10). Nothing at all is minus infinity in dB.
Arrays are converted where they are measured, with the floor that the measurement needs.
"""

from __future__ import annotations

import math

from .console import Parameter, Unit


def gain_factor(gain_db: float) -> float:
    """Convert a gain in dB to the factor that it multiplies samples by; 0 for minus infinity."""
    return float(10 ** (gain_db / 20))


def decibels(factor: float) -> float:
    """Convert a factor to dB; minus infinity for 0 and below."""
    return 20 * math.log10(factor) if factor > 0 else -math.inf


def power_factor(level_db: float) -> float:
    """Convert a level in dB to a power; 0 for minus infinity."""
    return float(10 ** (level_db / 10))


def power_decibels(power: float) -> float:
    """Convert a power to dB; minus infinity for 0 and below."""
    return 10 * math.log10(power) if power > 0 else -math.inf


def quantity(value: float, unit: Unit) -> str:
    """Write a value with its unit, as a person does.

    >>> quantity(3.0, ":1"), quantity(-24.5, "dB"), quantity(0.71, "")
    ('3:1', '-24.5 dB', '0.71')
    """
    number = str(value) if isinstance(value, int) else f"{value + 0.0:.6g}"
    if unit == ":1":
        return f"{number}:1"
    return f"{number} {unit}".rstrip()


def allowed(row: Parameter) -> str:
    """Write the range of a setting, with its unit once: "-24 to 24 dB", "1:1 to 20:1"."""
    low = quantity(row.low, row.unit if row.unit == ":1" else "")
    return f"{low} to {quantity(row.high, row.unit)}"
