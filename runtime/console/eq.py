"""The equalizer: pedalboard's shelves and bells, the filters of R. Bristow-Johnson's Audio EQ Cookbook.

They compute in single precision, which shows in low bands at high sample rates. Measured against the exact
filters, for 12 dB at Q 0.71: at 44.1 kHz 0.14 dB off at 20 Hz and 0.01 dB from 80 Hz; at 96 kHz 0.5 and 0.13
dB; at 192 kHz 2 and 0.4 dB.
"""

from __future__ import annotations

from collections.abc import Collection

from pedalboard import HighShelfFilter, LowShelfFilter, PeakFilter, Plugin

from ...presets.console import EQ_BANDS, EqBand, Equalizer

# A smaller gain is not heard; leaving the filter out makes a flat equalizer exact.
INAUDIBLE_DB = 0.01
# The filters warp and then fail towards half the sample rate.
HIGHEST_FREQ = 0.49


def eq_plugins(eq: Equalizer, sample_rate_hz: int) -> list[Plugin]:
    """The filters of an equalizer that do something, in their order; see :func:`eq_bands`."""
    return list(eq_bands(eq, sample_rate_hz).values())


def eq_bands(eq: Equalizer, sample_rate_hz: int, moving: Collection[str] = ()) -> dict[str, Plugin]:
    """The filters of an equalizer that do something, or will, by band, in their order.

    Args:
        eq: its settings.
        sample_rate_hz: of the audio; frequencies above 0.49 of it are moved there.
        moving: bands that will be retuned, and are there in any case.
    """
    plugins: dict[str, Plugin] = {}
    for name in EQ_BANDS:
        band = getattr(eq, name)
        if abs(band.gain_db) >= INAUDIBLE_DB or name in moving:
            freq_hz = min(band.freq_hz, HIGHEST_FREQ * sample_rate_hz)
            plugins[name] = _KINDS.get(name, PeakFilter)(freq_hz, band.gain_db, band.q)
    return plugins


def tune_plugin(plugin: Plugin, band: EqBand, sample_rate_hz: int) -> None:
    """Give a filter that :func:`eq_bands` made other settings; its state stays."""
    wanted = {
        "cutoff_frequency_hz": min(band.freq_hz, HIGHEST_FREQ * sample_rate_hz),
        "gain_db": band.gain_db,
        "q": band.q,
    }
    for name, value in wanted.items():
        if getattr(plugin, name) != value:
            setattr(plugin, name, value)


_KINDS: dict[str, type[LowShelfFilter | HighShelfFilter | PeakFilter]] = {
    "low_shelf": LowShelfFilter,
    "high_shelf": HighShelfFilter,
}
