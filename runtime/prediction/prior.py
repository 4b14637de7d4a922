"""Puts what a model says on top of what engineers do: its settings are believed as far as a reference can tell them.

A reference says much of how bright, wide and dense a mix is, and little of where the kick drum stands. So the plain mix
by role decides pans, cuts, sends and which way a setting may go at all; the model's levels, tone and compression move
it from there, softly, and no further than nine in ten engineers go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...presets.console import EQ_BANDS, Compressor, EqBand, Equalizer, Master, Strip
from ...presets.console import replace as with_values
from ...presets.roles import Family
from ...presets.units import gain_factor
from ..console.dynamics import equalized
from ..console.response import compressor_gain_db
from ..model.own_mix import OwnMix
from ..practice.by_role import Render, RoleMix, alike_in_pairs, finished, for_each, made_db, shaped
from ..practice.levels import Levels, followers, usual_levels, with_lead_heard
from ..practice.peaks import Envelope, with_crest_floor
from ..practice.placing import StereoPicture, place, sides_missing_db
from ..practice.shaping import with_reduction
from ..practice.sounds import RoleSound

_WORTH_IT_DB: Final = 0.4
_MOST_REDUCTION_DB: Final = 6.0
_RATIOS: Final = (1.5, 6.0)
# What a compressor may take off the crest: drums keep their attack, voices are held.
_MOST_CREST_DB: Final[dict[Family, float]] = {"vocals": 6.0, "speech": 6.0, "bass": 5.0, "drums": 3.0}
_USUAL_MOST_CREST_DB: Final = 4.0
# Of bands whose role's tracks have no figures: as far as a bold engineer goes.
_LOW_CUT_DB, _LOW_BOOST_DB, _AIR_CUT_DB = -6.0, 4.0, -5.0
_MASTER_EQ_DB: Final = 6.0
_LOW_BAND_HZ: Final = 180.0


@dataclass(frozen=True)
class Trust:
    """How far a model is believed against the plain mix by role, 0..1 each.

    Attributes:
        levels: of its balance.
        eq: of its equalizers.
        compressor: of how much its compressors turn down.
        sides: of which side it puts a track on.
        master: of its settings of the master.
    """

    levels: float = 0.5
    eq: float = 0.7
    compressor: float = 0.5
    sides: float = 1.0
    master: float = 1.0


def believed(
    sounds: Sequence[RoleSound],
    said: Mapping[str, Strip],
    master: Master,
    stage: StereoPicture,
    sample_rate_hz: int,
    level_lufs: float,
    render: Render,
    trust: Trust = Trust(),
    own: OwnMix | None = None,
) -> RoleMix:
    """Make the mix of a model's settings and of the plain mix by role.

    Args:
        sounds: the tracks.
        said: what the model sets, by track.
        master: what it sets there.
        stage: pairs, and what is known of the reference's width and lean.
        sample_rate_hz: of the tracks.
        level_lufs: loudness at which strips meet their tracks.
        render: renders a strip.
        trust: how far the model is believed.
        own: levels and pans of the reference, where it is a mix of these tracks; they are taken as they are.
    """
    usual = usual_levels(sounds)
    levels = _levels(sounds, said, usual, sample_rate_hz, render, trust)
    if own is not None:
        levels = _levels_of(own, sounds, levels)
    sides = {sound.name: trust.sides * said[sound.name].pan for sound in sounds}
    pans = place(sounds, levels, StereoPicture(stage.pairs, stage.lean_db, stage.sides_db, sides))
    if own is not None:
        pans = _pans_of(own, pans, stage.pairs)

    def decided(sound: RoleSound) -> Strip:
        strip = shaped(sound, sample_rate_hz, level_lufs)
        strip = strip.model_copy(update={"eq": limited_eq(said[sound.name].eq, sound, trust.eq)})
        return strip.model_copy(
            update={
                "compressor": _compressor(sound, strip, said[sound.name], sample_rate_hz, trust.compressor),
                "pan": pans[sound.name],
            }
        )

    strips = alike_in_pairs(for_each(sounds, decided), stage.pairs)
    missing_db = sides_missing_db(sounds, levels, pans, stage)
    limited = limited_master(master, trust.master)
    return finished(sounds, strips, levels, missing_db, stage, sample_rate_hz, render, limited)


def _levels(
    sounds: Sequence[RoleSound],
    said: Mapping[str, Strip],
    usual: Levels,
    sample_rate_hz: int,
    render: Render,
    trust: Trust,
) -> Levels:
    """The usual levels, moved towards the model's."""
    if len(sounds) < 2 or trust.levels == 0:
        return dict(usual)
    made = for_each(sounds, lambda sound: made_db(sound, said[sound.name], sample_rate_hz, render))
    meant = {sound.name: sound.loudness_lufs + made[sound.name] + said[sound.name].fader_db for sound in sounds}
    offset_db = float(np.mean([meant[sound.name] - usual[sound.name] for sound in sounds]))
    away = {sound.name: meant[sound.name] - offset_db - usual[sound.name] for sound in sounds}
    behind = followers(sounds)
    levels: Levels = {}
    for sound in sounds:
        led = [away[other.name] for other in sounds if other.role == sound.role and other.name not in behind]
        away_db = float(np.mean(led)) if sound.name in behind else away[sound.name]
        low_db, middle_db, high_db = sound.practice.level_db
        levels[sound.name] = usual[sound.name] + softly(trust.levels * away_db, low_db - middle_db, high_db - middle_db)
    return with_lead_heard(sounds, levels)


def _levels_of(own: OwnMix, sounds: Sequence[RoleSound], levels: Levels) -> Levels:
    """The levels of somebody's mix of these tracks; what is not heard in it keeps its level against the others."""
    read = {
        sound.name: sound.loudness_lufs + own.gains_db[sound.name] for sound in sounds if sound.name in own.gains_db
    }
    if not read:
        return levels
    offset_db = float(np.mean([level - levels[name] for name, level in read.items()]))
    return {name: read.get(name, level + offset_db) for name, level in levels.items()}


def _pans_of(own: OwnMix, pans: Mapping[str, float], pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    """The pans of somebody's mix of these tracks; pairs that mirror each other there do so exactly."""
    found = {name: own.pans.get(name, pan) for name, pan in pans.items()}
    for left, right in pairs:
        if left in own.pans and right in own.pans and own.pans[left] * own.pans[right] < 0:
            out = (abs(own.pans[left]) + abs(own.pans[right])) / 2
            found[left] = math.copysign(out, own.pans[left])
            found[right] = -found[left]
    return found


def limited_eq(eq: Equalizer, sound: RoleSound, trust: float) -> Equalizer:
    """An equalizer whose gains stay within what engineers set for the role, and boost no lows where there are none."""
    bands = {}
    for name in EQ_BANDS:
        band: EqBand = getattr(eq, name)
        low_db, high_db = _gain_range(name, band, sound)
        bands[name] = band.model_copy(update={"gain_db": round(softly(trust * band.gain_db, low_db, high_db), 2)})
    return Equalizer(**bands)


def _gain_range(name: str, band: EqBand, sound: RoleSound) -> tuple[float, float]:
    practice = sound.practice
    is_low = name == "low_shelf" or band.freq_hz < _LOW_BAND_HZ
    if name == "low_shelf":
        return _LOW_CUT_DB, _LOW_BOOST_DB if sound.trait.has_lows else 0.0
    if name in {"high_shelf", "band3"}:
        return min(_AIR_CUT_DB, practice.high_shelf_db[0]), max(practice.high_shelf_db[2], 3.0)
    return practice.peak_db[0], practice.peak_db[2] if sound.trait.has_lows or not is_low else 0.0


def _compressor(sound: RoleSound, strip: Strip, said: Strip, sample_rate_hz: int, trust: float) -> Compressor:
    """The role's compressor, turned towards how much the model turns down, behind the equalizer that was decided.

    The threshold is set on the stem's own envelope, so that reduction and crest are those that the rendering has.
    """
    usual = strip.compressor
    if trust == 0:
        return usual
    practice = sound.practice
    shape = usual.model_copy(
        update={
            "attack_ms": max(practice.attack_ms, 1.0),
            "release_ms": max(practice.release_ms, 60.0),
            "knee_db": 6.0,
        }
    )
    audio = equalized(sound.audio, sample_rate_hz, strip.eq) * np.float32(gain_factor(strip.input_gain_db))
    envelope = Envelope.of(audio, sample_rate_hz, shape)
    levels_db = envelope.mean_db[envelope.playing]
    usual_db = float(-compressor_gain_db(usual, levels_db).mean())
    said_levels_db = levels_db - strip.input_gain_db + said.input_gain_db
    said_db = float(-compressor_gain_db(said.compressor, said_levels_db).mean())
    wanted_db = min((1 - trust) * usual_db + trust * said_db, _MOST_REDUCTION_DB)
    ratio = math.exp((1 - trust) * math.log(practice.ratio[1]) + trust * math.log(max(said.compressor.ratio, 1.0)))
    shape = shape.model_copy(update={"ratio": min(max(ratio, _RATIOS[0]), _RATIOS[1])})
    set_so = with_reduction(shape, levels_db, wanted_db)
    return with_crest_floor(set_so, envelope, _MOST_CREST_DB.get(sound.trait.family, _USUAL_MOST_CREST_DB))


def limited_master(master: Master, trust: float) -> Master:
    """The model's master with tone in limits."""
    bands = {
        f"eq.{name}.gain_db": round(softly(trust * getattr(master.eq, name).gain_db, -_MASTER_EQ_DB, _MASTER_EQ_DB), 2)
        for name in EQ_BANDS
    }
    ratio = 1 + trust * (min(master.compressor.ratio, 4.0) - 1)
    return with_values(master, {**bands, "compressor.ratio": ratio})


def softly(value: float, low: float, high: float) -> float:
    """A value that is kept while small and never passes the limits, low < 0 < high; a limit of 0 is 0."""
    limit = high if value > 0 else -low
    if limit <= 0:
        return 0.0
    return limit * math.tanh(value / limit)
