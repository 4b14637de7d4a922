"""Sessions whose settings are known: held-out stems, mixed as people set tracks of their roles.

Settings are drawn from what engineers did in 64 mixes (`...presets.roles`); the console plays them, or processors that
are not ours. How well they are recovered is measured here, too.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ...presets.console import SEND_OFF_DB, Reverb, Strip, get, parameters
from ...presets.preset import Preset, Track
from ...presets.roles import TRAITS, Role
from ...presets.units import power_decibels, power_factor
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples
from ..evaluation.material import HeldOutSession, PassageSpan, read_stems, sounding
from ..recovery.session import recover_session
from ..recovery.space import PARTS, preset_of
from ..twin.proof import runtime_mix
from .recovery_pairs import Kind, drawn_values, foreign_room, foreign_strip

RATE_HZ: Final = 44_100
MOST_TRACKS: Final = 8
LEAST_TRACKS: Final = 4
_MIX_LUFS = -18.0
_FIRST: Final = ("lead vocal", "kick", "snare", "bass")
# Of the quantiles that practice is known by.
_QUARTILES: Final = (0.25, 0.5, 0.75)
_TENTHS: Final = (0.1, 0.5, 0.9)
# What these mixes do not tell by role: how often a bell or a shelf is used, and how thresholds lie to the raw track.
_BELL_SHARE, _SHELF_SHARE = 0.6, 0.4
_THRESHOLD_OVER_LU, _THRESHOLD_SPREAD_DB, _SEND_SPREAD_DB = -2.0, 6.0, 5.0
_BELLS_HZ: Final = {"band0": (120.0, 900.0), "band1": (900.0, 7000.0)}
_SHELF_HZ: Final = (4000.0, 11_000.0)
# Tracks below this in the mix are not heard: their pans and levels tell nothing.
_HEARD_DB: Final = -30.0
_HEARD_SEND_DB: Final = -24.0
# What was not found at all counts as this.
_MOST_DB: Final = 40.0


@dataclass(frozen=True)
class KnownSession:
    """Stems and a mix of them.

    Attributes:
        stems: by track name, shape (1 or 2, samples).
        mix: shape (2, samples).
        preset: that made it; for other processors, what they were set to.
        heard: tracks that are not below -30 dB of the mix.
    """

    stems: Mapping[str, Samples]
    mix: Samples
    preset: Preset
    heard: tuple[str, ...]


@dataclass(frozen=True)
class SessionCase:
    """One session, recovered.

    Attributes:
        number: of the session.
        kind: whose processors made it.
        session: its name.
        tracks: how many.
        ratio: STFT distance to the mix over that of all stems equally loud in the middle.
        level_db: difference of the levels of strips, median of the tracks heard; None for other processors.
        pan: difference of the pans of mono tracks, median; None where there are none.
        send_db: difference of the sends of tracks sent at -24 dB or more, None for other processors.
        cpu_s: time of the processor.
    """

    number: int
    kind: Kind
    session: str
    tracks: int
    ratio: float
    level_db: float | None
    pan: float | None
    send_db: float | None
    cpu_s: float


def measured_session(
    sessions: Sequence[HeldOutSession], number: int, kind: Kind, seconds: float, seed: int
) -> SessionCase:
    """Makes a mix of a session, recovers it and measures what was found.

    Args:
        sessions: to take one of.
        number: of the case.
        kind: whose processors make it.
        seconds: length of the excerpt.
        seed: of the draws.
    """
    rng = np.random.default_rng([seed, number, 1])
    session = sessions[number % len(sessions)]
    known = known_session(session, rng, kind, seconds)
    begin = time.process_time()
    found = recover_session(known.stems, known.mix, RATE_HZ)
    cpu_s = time.process_time() - begin
    levels, pans, sends = session_errors(known, found.preset)
    own = kind == "own"
    return SessionCase(
        number,
        kind,
        session.name,
        len(known.stems),
        found.explained.ratio,
        _median(levels) if own else None,
        _median(pans),
        _median(sends) if own else None,
        cpu_s,
    )


def known_session(session: HeldOutSession, rng: np.random.Generator, kind: Kind, seconds: float) -> KnownSession:
    """Draws settings for an excerpt of a session and mixes it."""
    start_s = float(rng.uniform(0, max(0.0, session.seconds - seconds)))
    span = PassageSpan(start_s, seconds)
    passage = sounding(read_stems(_chosen(session, rng), span, RATE_HZ), span, RATE_HZ)
    loudness = passage.loudness_lufs
    strips = {
        name: drawn_strip(rng, session.roles.get(name, "effect"), loudness[name], audio.shape[0] == 2)
        for name, audio in passage.audio.items()
    }
    whole_db = power_decibels(sum(power_factor(loudness[name] + strips[name]["strip.fader_db"]) for name in strips))
    heard = tuple(name for name in strips if loudness[name] + strips[name]["strip.fader_db"] > whole_db + _HEARD_DB)
    room = {path: value for path, value in drawn_values(rng, -23.0).items() if path.startswith("reverb.")}
    faders = parameters(PARTS["strip"])["fader_db"]
    for values in strips.values():
        values["strip.fader_db"] = faders.clamp(values["strip.fader_db"] + _MIX_LUFS - whole_db)
    tracks = tuple(preset_of(name, values).tracks[0] for name, values in strips.items())
    preset = preset_of("x", room).model_copy(update={"tracks": tracks})
    make = runtime_mix if kind == "own" else _foreign_mix
    return KnownSession(passage.audio, make(passage.audio, preset, RATE_HZ), preset, heard)


def drawn_strip(rng: np.random.Generator, role: Role, loudness_lufs: float, is_stereo: bool) -> dict[str, float]:
    """Draws a strip as engineers set tracks of a role; values by path, the fader against the whole mix."""
    practice, known = TRAITS[role].practice, parameters(PARTS["strip"])
    aside = float(np.interp(rng.uniform(), (0, 0.5, 0.75, 0.9, 1), (0, *practice.pan, practice.pan[-1])))
    values = {
        "fader_db": _drawn(rng, _TENTHS, practice.level_db) - loudness_lufs,
        "pan": 0.0 if is_stereo else aside * float(rng.choice([-1, 1])),
    }
    if rng.uniform() < practice.high_pass_share:
        values["low_cut.freq_hz"] = practice.high_pass_hz * 2 ** float(rng.normal(0, 0.5))
    for band, (low_hz, high_hz) in _BELLS_HZ.items():
        if rng.uniform() < _BELL_SHARE:
            values[f"eq.{band}.gain_db"] = _drawn(rng, _TENTHS, practice.peak_db)
            values[f"eq.{band}.freq_hz"] = _log_uniform(rng, low_hz, high_hz)
            values[f"eq.{band}.q"] = _log_uniform(rng, 0.5, 3)
    if rng.uniform() < _SHELF_SHARE:
        values["eq.high_shelf.gain_db"] = _drawn(rng, _QUARTILES, practice.high_shelf_db)
        values["eq.high_shelf.freq_hz"] = _log_uniform(rng, *_SHELF_HZ)
    if rng.uniform() < practice.compressed_share:
        values["compressor.threshold_db"] = (
            loudness_lufs + _THRESHOLD_OVER_LU + _THRESHOLD_SPREAD_DB * float(rng.standard_normal())
        )
        values["compressor.ratio"] = max(1.0, _drawn(rng, _QUARTILES, practice.ratio))
        values["compressor.attack_ms"] = practice.attack_ms * 2 ** float(rng.normal())
        values["compressor.release_ms"] = practice.release_ms * 2 ** float(rng.normal())
    if rng.uniform() < practice.reverb_share:
        values["reverb_send_db"] = practice.reverb_send_db + _SEND_SPREAD_DB * float(rng.standard_normal())
    fader_db = values.pop("fader_db")
    drawn = {f"strip.{path}": known[path].clamp(value) for path, value in values.items()}
    return drawn | {"strip.fader_db": fader_db}


def _drawn(rng: np.random.Generator, shares: tuple[float, ...], quantiles: tuple[float, ...]) -> float:
    """Draws between quantiles; outside of them as far again as the next."""
    ends = (2 * quantiles[0] - quantiles[1], 2 * quantiles[-1] - quantiles[-2])
    middle = rng.uniform(0.05, 0.95)
    return float(np.interp(middle, (0, *shares, 1), (ends[0], *quantiles, ends[1])))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return math.exp(float(rng.uniform(math.log(low), math.log(high))))


def _chosen(session: HeldOutSession, rng: np.random.Generator) -> dict[str, Path]:
    """Some of the stems: one of each role before a second one, what carries a song first."""
    names = list(session.stems)
    rng.shuffle(names)
    counts: dict[str, int] = {}
    order: list[tuple[int, bool, int, str]] = []
    for name in names:
        role = session.roles.get(name, "effect")
        counts[role] = counts.get(role, 0) + 1
        order.append((counts[role], role not in _FIRST, len(order), name))
    return {name: session.stems[name] for *_, name in sorted(order)[:MOST_TRACKS]}


def _foreign_mix(stems: Mapping[str, Samples], preset: Preset, rate_hz: int) -> Samples:
    """Mixes with other equalizers and compressors, and pedalboard's Reverb on one bus."""
    mix = np.zeros((2, next(iter(stems.values())).shape[1]), np.float32)
    sent = np.zeros_like(mix)
    for track in preset.tracks:
        values = strip_values(track.strip)
        audio = np.concatenate([foreign_strip(side[None], rate_hz, values) for side in stems[track.name]])
        audio = audio * np.float32(10 ** (values["strip.fader_db"] / 20))
        if audio.shape[0] == 1:
            angle = (values["strip.pan"] + 1) * math.pi / 4
            audio = audio * np.array([[math.cos(angle)], [math.sin(angle)]], np.float32)
        mix += audio
        if values["strip.reverb_send_db"] > SEND_OFF_DB:
            sent += audio * np.float32(10 ** (values["strip.reverb_send_db"] / 20))
    if not sent.any():
        return mix
    room = {f"reverb.{path}": get(preset.reverb, path) for path in parameters(Reverb)}
    wet: Samples = mix + foreign_room(sent, rate_hz, room)
    return wet


def strip_values(strip: Strip) -> dict[str, float]:
    """Lists the values of a strip by path."""
    return {f"strip.{path}": get(strip, path) for path in parameters(Strip)}


def session_errors(known: KnownSession, found: Preset) -> tuple[list[float], list[float], list[float]]:
    """Sizes of the differences of levels, pans and sends, of the tracks heard."""
    levels, pans, sends = [], [], []
    for true, other in zip(known.preset.tracks, found.tracks, strict=True):
        if true.name not in known.heard:
            continue
        audio = known.stems[true.name]
        loudness = [_dry_lufs(audio, track) for track in (true, other)]
        levels.append(min(abs(loudness[0] - loudness[1]), _MOST_DB))
        if audio.shape[0] == 1:
            pans.append(abs(true.strip.pan - other.strip.pan))
        if true.strip.reverb_send_db > _HEARD_SEND_DB:
            sends.append(min(abs(true.strip.reverb_send_db - other.strip.reverb_send_db), _MOST_DB))
    return levels, pans, sends


def _dry_lufs(audio: Samples, track: Track) -> float:
    if track.mute:
        return -math.inf
    off = {"reverb_send_db": SEND_OFF_DB, "delay_send_db": SEND_OFF_DB}
    dry = track.model_copy(update={"strip": track.strip.model_copy(update=off)})
    return integrated_loudness(runtime_mix({track.name: audio}, Preset(tracks=(dry,)), RATE_HZ), RATE_HZ)


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
