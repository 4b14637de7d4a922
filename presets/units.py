"""How a setting's value is written with its unit, exactly. For rounder words see `bridge/report/text.py`."""

from __future__ import annotations

from .console import Parameter, Unit


def quantity(value: float, unit: Unit) -> str:
    """A value as a person writes it.

    >>> quantity(3.0, ":1"), quantity(-24.5, "dB"), quantity(0.71, "")
    ('3:1', '-24.5 dB', '0.71')
    """
    number = str(value) if isinstance(value, int) else f"{value + 0.0:.6g}"
    if unit == ":1":
        return f"{number}:1"
    return f"{number} {unit}".rstrip()


def allowed(row: Parameter) -> str:
    """The range of a setting, with its unit once: "-24 to 24 dB", "1:1 to 20:1"."""
    low = quantity(row.low, row.unit if row.unit == ":1" else "")
    return f"{low} to {quantity(row.high, row.unit)}"
