"""What no engineer would leave in a mix, measured on how it sounds: for rails, studies and searches.

The list is that of the founder's ear: who carries the song stands in the middle and is heard, pairs are mirrored,
nothing leans, the lows are in the middle, the limiter need not work hard.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ...presets.roles import Role
from ..audio.loudness import integrated_loudness
from ..audio.peaks import true_peak_db
from ..audio.reading import Samples

CENTRED: Final[tuple[Role, ...]] = ("lead vocal", "kick", "snare", "bass")
"""Roles of which a single track stands in the middle."""
LOW_HZ: Final = 120.0

OFF_CENTRE: Final = 0.1
LEAN_LU: Final = 1.0
BELOW_REST_LU: Final = -12.0
LOW_SIDES_DB: Final = -12.0
LIMITED_DB: Final = 3.0
_LOUDNESS_LUFS, _CEILING_DBTP = -14.0, -1.0
# A track this far below the loudest is not what a mix is judged by.
_COUNTED_DB: Final = 25.0
_TINY: Final = 1e-15


def sins(
    mix: Samples,
    stems: Mapping[str, Samples],
    roles: Mapping[str, Role | None],
    pairs: Sequence[tuple[str, str]],
    sample_rate_hz: int,
) -> dict[str, bool]:
    """Judge a mix.

    Args:
        mix: as it sounds, shape (2, n), at any level.
        stems: the tracks behind fader and pan, shape (2, n) each.
        roles: of them, as far as they are known.
        pairs: names of tracks that should mirror each other.
        sample_rate_hz: of all.

    Returns:
        For each sin that this session can commit whether it was; one of several kicks is enough.
    """
    loudness = {name: integrated_loudness(stem, sample_rate_hz) for name, stem in stems.items()}
    loudest = max(loudness.values(), default=-math.inf)
    heard = {name for name, lufs in loudness.items() if lufs > loudest - _COUNTED_DB}
    paired = {name for pair in pairs for name in pair}
    found: dict[str, bool] = {}
    for role in CENTRED:
        alone = [name for name in heard if roles.get(name) == role and name not in paired]
        if alone:
            found[f"{role} off the middle"] = any(abs(place_of(stems[name])) > OFF_CENTRE for name in alone)
    both = [pair for pair in pairs if pair[0] in heard and pair[1] in heard]
    if both:
        found["pair not mirrored"] = any(not is_mirrored(stems[left], stems[right]) for left, right in both)
    found["leaning"] = abs(lean_lu(mix, sample_rate_hz)) > LEAN_LU
    gap_lu = lead_gap_lu(stems, roles, sample_rate_hz)
    if gap_lu is not None:
        found["lead vocal buried"] = gap_lu < BELOW_REST_LU
    found["lows in the sides"] = low_sides_db(mix, sample_rate_hz) > LOW_SIDES_DB
    found["limiter at work"] = limiter_db(mix, sample_rate_hz) > LIMITED_DB
    return found


def place_of(stem: Samples) -> float:
    """Where a stem stands by its power: -1 left, 0 middle, 1 right."""
    left, right = (math.sqrt(float(np.square(row, dtype=np.float64).sum())) for row in stem)
    return math.atan2(right, left) * 4 / math.pi - 1 if left + right > 0 else 0.0


def is_mirrored(left: Samples, right: Samples) -> bool:
    """Whether two stems stand on opposite sides, about as far out."""
    places = place_of(left), place_of(right)
    return places[0] * places[1] < 0 and abs(places[0] + places[1]) <= OFF_CENTRE


def lean_lu(mix: Samples, sample_rate_hz: int) -> float:
    """How much louder the right of a mix is than the left; 0 where one of them is silent and the other, too."""
    left, right = (integrated_loudness(mix[side : side + 1], sample_rate_hz) for side in (0, 1))
    if not math.isfinite(left) and not math.isfinite(right):
        return 0.0
    return max(min(right - left, 60.0), -60.0)


def lead_gap_lu(stems: Mapping[str, Samples], roles: Mapping[str, Role | None], sample_rate_hz: int) -> float | None:
    """How much louder the lead vocals are than all else; None where there is none, or nothing else."""
    leads = [stem for name, stem in stems.items() if roles.get(name) == "lead vocal"]
    rest = [stem for name, stem in stems.items() if roles.get(name) != "lead vocal"]
    if not leads or not rest:
        return None
    voice, band = (integrated_loudness(sum_of(part), sample_rate_hz) for part in (leads, rest))
    return voice - band if math.isfinite(voice) and math.isfinite(band) else None


def sum_of(stems: Sequence[Samples]) -> Samples:
    """Stems of one length added up; at least one."""
    total = stems[0].copy()
    for stem in stems[1:]:
        total += stem
    return total


def low_sides_db(mix: Samples, sample_rate_hz: int) -> float:
    """Power of the sides against the middle below 120 Hz."""
    middle, sides = low_powers(mix, sample_rate_hz)
    return float(10 * np.log10((sides + _TINY) / (middle + _TINY)))


def low_powers(mix: Samples, sample_rate_hz: int) -> tuple[float, float]:
    """Power below 120 Hz of what both channels have in common, and of what they have not."""
    from scipy import fft  # late, as in audio/loudness.py

    size = fft.next_fast_len(mix.shape[1], real=True)
    spectra = fft.rfft(np.stack([mix[0] + mix[1], mix[0] - mix[1]]), size, axis=1)
    lows = fft.rfftfreq(size, 1 / sample_rate_hz) < LOW_HZ
    middle, sides = np.square(np.abs(spectra[:, lows])).sum(axis=1).tolist()
    return middle, sides


def limiter_db(mix: Samples, sample_rate_hz: int) -> float:
    """How far a limiter has to turn down the highest peak at -14 LUFS and -1 dBTP; 0 or less where it need not."""
    lufs = integrated_loudness(mix, sample_rate_hz)
    return true_peak_db(mix) + _LOUDNESS_LUFS - lufs - _CEILING_DBTP if math.isfinite(lufs) else 0.0
