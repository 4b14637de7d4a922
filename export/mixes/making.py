"""Mixes as users get them, of held-out sessions like finished songs: what the studies of whole mixes measure.

Each session is an excerpt of some 20 s. A session without a lead vocal is mixed a second time with a held-out voice. A
mix goes the way of `mixbridge mix`, in memory: it is decided, its master is fitted, it is finished.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ...presets.console import Reverb, Strip
from ...presets.errors import ModelError
from ...presets.preset import Preset, Track
from ...presets.roles import Role
from ...presets.units import gain_factor
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.peaks import true_peak_db
from ...runtime.audio.reading import Samples, as_stereo, probe, read_passage
from ...runtime.audio.stems import collect_stems
from ...runtime.console.effects.buses import DELAY, FX_BUS, REVERB
from ...runtime.console.limiter import limit
from ...runtime.mastering.density import MasterTrial
from ...runtime.mastering.evening import fit_upright_by
from ...runtime.mastering.fitting import Mastering, fit_to_bus, rendering_for, with_master
from ...runtime.mastering.profile import Profile, profile_of
from ...runtime.model.analysis import Passage, heard_in
from ...runtime.model.controller import Controller
from ...runtime.model.references import hear_reference
from ...runtime.practice.by_role import mix_by_role
from ...runtime.practice.placing import StereoPicture
from ...runtime.practice.sins import lean_lu, sum_of
from ...runtime.practice.tail import tail_of
from ...runtime.prediction.casting import Cast, sounds_of
from ...runtime.prediction.predict import predict_safely
from ...runtime.prediction.role_mix import with_mix
from ...runtime.rendering.finishing import Levels
from ...runtime.rendering.in_memory import Rendered, render_arrays, render_mix, render_strip
from ...runtime.rendering.render import RenderOptions
from ..evaluation.material import Material
from .measures import RATE_HZ, WholeSound

LEAST_TRACKS: Final = 4
ALTERED: Final = ", "
"""Between the name of a song and what was done to it."""
ALTERATIONS: Final = ("as it is", "brighter", "darker", "wider", "mono", "squashed", "wetter")
"""What is done to a song: 1 dB per octave, sides 6 dB louder or none, peaks pressed flat, a room as loud as itself."""
_ALTERED_S: Final = 30.0
_ROOM: Final = Preset(tracks=(Track(name="Song", strip=Strip(reverb_send_db=0.0)),), reverb=Reverb())
# What returns softer than this against the direct sound is none.
_DRY_DB: Final = -60.0
# How far over the knee of a soft clipper the highest peak is.
_SQUASHED: Final = 6.0
# These go first where a session has more tracks than are mixed.
_FIRST: Final[tuple[Role, ...]] = ("lead vocal", "kick", "snare", "bass")
_AUDIBLE_POWER: Final = 1e-9
_STEP: Final = 5


@dataclass(frozen=True)
class StudySession:
    """An excerpt of a session.

    Attributes:
        name: of it.
        audio: by track name, shape (1 or 2, n), at :data:`RATE_HZ`.
        roles: of the tracks, as far as anybody knows.
        passage: what the model hears.
    """

    name: str
    audio: Mapping[str, Samples]
    roles: Mapping[str, Role]
    passage: Passage


@dataclass(frozen=True)
class StudySong:
    """A finished song that mixes are made like.

    Attributes:
        name: of it.
        style: what the model hears.
        profile: what masters are fitted to.
        sound: what mixes are compared with.
        fall_db: how far its notes fall in a seventh of a second: the less, the wetter; NaN where none could be heard.
    """

    name: str
    style: Samples
    profile: Profile
    sound: WholeSound
    fall_db: float

    @classmethod
    def of(cls, path: Path, controller: Controller) -> StudySong:
        """Read and measure a song."""
        manifest = controller.manifest
        style = hear_reference(path, manifest.sample_rate_hz, manifest.reference_length)[0]
        audio = read_passage(path, 0.0, probe(path).duration_s, RATE_HZ)
        fall_db = tail_of(style, manifest.sample_rate_hz).fall_db
        return cls(path.stem, style, profile_of([audio], RATE_HZ), WholeSound.of(as_stereo(audio)), fall_db)

    @classmethod
    def in_memory(cls, name: str, audio: Samples, frames: int) -> StudySong:
        """Measure a song, shape (2, n), of which the model hears so much from its middle."""
        begin = max(0, (audio.shape[1] - frames) // 2)
        style = audio[:, begin : begin + frames]
        fall_db = tail_of(audio, RATE_HZ).fall_db
        return cls(name, style, profile_of([audio], RATE_HZ), WholeSound.of(audio), fall_db)

    @property
    def traits(self) -> dict[str, float]:
        """What a mix can follow, by the names of :data:`.measures.TRAITS`; reverb is minus the fall of its notes."""
        return {**self.sound.traits, "reverb": -self.fall_db}


@dataclass(frozen=True)
class MadeMix:
    """A mix.

    Attributes:
        preset: the settings.
        audio: as it is written, shape (2, n).
        stems: behind fader and pan, shape (2, n) each.
        limited_db: how far the limiter turned down at most.
        wet_lu: how loud room and echoes are against all else, in the bus.
        roles: what each track is: as the corpus says, else as it was found out.
        pairs: tracks that should mirror each other.
    """

    preset: Preset
    audio: Samples
    stems: Mapping[str, Samples]
    limited_db: float
    wet_lu: float
    roles: Mapping[str, Role | None]
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SessionPlace:
    """Where a session lies, before it is read."""

    name: str
    stems: Mapping[str, Path]
    roles: Mapping[str, Role]


def places_of(material: Material, folders: Sequence[Path], tracks: int) -> list[SessionPlace]:
    """List the sessions of a study: folders of stems from elsewhere, those of a corpus, and bands with other voices.

    Args:
        material: the corpus.
        folders: of stems from elsewhere.
        tracks: of a session at most.

    Raises:
        AudioError: a folder has no stems.
        ModelError: the corpus has no session of four tracks and more.
    """
    multitrack = [session for session in material.sessions if len(session.stems) >= LEAST_TRACKS]
    voices = [session for session in material.sessions if session.kind == "voice"]
    if not multitrack:
        raise ModelError(f"whole mixes are judged on sessions of {LEAST_TRACKS} tracks and more: the corpus has none")
    found = [SessionPlace(folder.name, collect_stems([str(folder)]).stems, {}) for folder in folders]
    found += [
        SessionPlace(session.name, _chosen(session.stems, session.roles, tracks), session.roles)
        for session in multitrack
    ]
    bands = [session for session in multitrack if "lead vocal" not in session.roles.values()]
    for band, voice in zip(bands, voices, strict=False):
        sung = {f"lead_{name}": path for name, path in voice.stems.items()}
        roles: dict[str, Role] = {**band.roles, **dict.fromkeys(sung, "lead vocal")}
        found.append(SessionPlace(f"{band.name}+{voice.name}", _chosen({**band.stems, **sung}, roles, tracks), roles))
    return found


def read_session(place: SessionPlace, controller: Controller, seconds: float) -> StudySession:
    """Read an excerpt from two fifths of a session on; tracks that are silent there are left out.

    Raises:
        AudioError: a file cannot be used.
    """
    whole_s = max(probe(path).duration_s for path in place.stems.values())
    start_s = max(0.0, min(0.4 * whole_s, whole_s - seconds))
    frames = round(seconds * RATE_HZ)
    audio = {}
    for name, path in place.stems.items():
        track = read_passage(path, start_s, seconds, RATE_HZ)[:, :frames]
        if float(np.square(track).mean()) > _AUDIBLE_POWER:
            audio[name] = np.pad(track, ((0, 0), (0, frames - track.shape[1])))
    roles = {name: role for name, role in place.roles.items() if name in audio}
    return StudySession(place.name, audio, roles, heard_in(audio, RATE_HZ, controller.manifest.window_samples))


def songs_for(index: int, songs: Sequence[Path], references: int) -> Iterator[Path]:
    """Choose the songs of a session: every session gets others, spread over all."""
    for number in range(min(references, len(songs))):
        yield songs[(index * references + number * _STEP) % len(songs)]


def altered(path: Path, controller: Controller) -> list[StudySong]:
    """Half a minute of a song as it is, and as somebody else would have mastered it: see :data:`ALTERATIONS`.

    Raises:
        AudioError: the file cannot be used.
    """
    audio = as_stereo(read_passage(path, max(0.0, probe(path).duration_s / 2 - _ALTERED_S / 2), _ALTERED_S, RATE_HZ))
    middle, sides = (audio[0] + audio[1]) / 2, (audio[0] - audio[1]) / 2
    drive = _SQUASHED / float(np.abs(audio).max())
    sounds = {
        "as it is": audio,
        "brighter": _tilted(audio, 1.0),
        "darker": _tilted(audio, -1.0),
        "wider": np.stack([middle + 2 * sides, middle - 2 * sides]),
        "mono": np.stack([middle, middle]),
        "squashed": np.tanh(drive * audio) / drive,
        "wetter": render_mix({"Song": audio}, RATE_HZ, _ROOM)[:, : audio.shape[1]],
    }
    frames = controller.manifest.reference_length
    return [
        StudySong.in_memory(f"{path.stem}{ALTERED}{how}", sounds[how].astype(np.float32), frames) for how in ALTERATIONS
    ]


def _tilted(audio: Samples, db_per_octave: float) -> Samples:
    """Tilt a sound around 1 kHz, by no more than five octaves."""
    freqs_hz = np.fft.rfftfreq(audio.shape[1], 1 / RATE_HZ)
    octaves = np.clip(np.log2(np.maximum(freqs_hz, 1.0) / 1000), -5, 5)
    tilted = np.fft.irfft(np.fft.rfft(audio, axis=1) * 10 ** (db_per_octave * octaves / 20), audio.shape[1], axis=1)
    return np.asarray(tilted, np.float32)


def made(session: StudySession, song: StudySong, controller: Controller, told: bool = True) -> MadeMix:
    """Mix a session like a song, as a user would.

    Args:
        session: what is mixed.
        song: a finished song.
        controller: the model.
        told: whether the mix is told the roles; else it finds them out.
    """
    preset = predict_safely(controller, session.passage, song.style, session.roles if told else None)
    song_lu = lean_lu(song.style, controller.manifest.sample_rate_hz)
    preset, fit = fit_upright_by(
        preset,
        lambda tried: render_arrays(session.audio, RATE_HZ, tried).bus,
        lambda: song_lu,
        lambda tried, bus: fit_to_bus(bus, tried.master, song.profile),
    )
    if fit is not None:
        preset = with_master(preset, fit.master)
    rendered = render_arrays(session.audio, RATE_HZ, preset)
    audio, limited_db = finished(MasterTrial(rendered.bus, RATE_HZ).mastered(preset.master), fit)
    roles = {track.name: session.roles.get(track.name, track.role) for track in preset.tracks}
    return MadeMix(preset, audio, rendered.stems, limited_db, wet_lu(rendered), roles, Cast.of(preset).pairs)


def wet_lu(rendered: Rendered) -> float:
    """How loud what effects return is against all else that comes into the master, down to -60."""
    returns = [bus for name, bus in rendered.buses.items() if name in (FX_BUS, REVERB, DELAY)]
    if not returns:
        return _DRY_DB
    wet = sum_of(returns)
    wet_lufs, dry_lufs = (integrated_loudness(part, RATE_HZ) for part in (wet, rendered.bus - wet))
    return max(wet_lufs - dry_lufs, _DRY_DB) if math.isfinite(dry_lufs) else _DRY_DB


def finished(mix: Samples, fit: Mastering | None) -> tuple[Samples, float]:
    """Bring a mix to its loudness and under its ceiling, as files are: the audio, and what the limiter did at most."""
    how = rendering_for(fit, RenderOptions())
    loudness_lufs = integrated_loudness(mix, RATE_HZ)
    gain_db = how.loudness_lufs - loudness_lufs if how.loudness_lufs is not None and math.isfinite(loudness_lufs) else 0
    peak_db = true_peak_db(mix)
    levels = Levels(loudness_lufs, peak_db)
    gain_db = min(gain_db, how.levels.highest_gain_db(levels, how.ceiling_dbtp))
    ceiling_dbtp = how.levels.limit_dbtp(levels, gain_db)
    over_db = peak_db + gain_db - ceiling_dbtp
    loud = mix * np.float32(gain_factor(gain_db))
    return (limit(loud, gain_factor(ceiling_dbtp), RATE_HZ), over_db) if over_db > 0 else (loud, 0.0)


def plain(session: StudySession, preset: Preset) -> Samples:
    """Mix a session by rules alone: level, pan, low cut, compression, a little reverb by role; no reference is heard.

    Args:
        session: what is mixed.
        preset: names roles and pairs.
    """
    cast = Cast.of(preset)
    sounds = sounds_of(session.passage, cast, RATE_HZ)
    by_role = mix_by_role(sounds, StereoPicture(cast.pairs), RATE_HZ, -48.0, render_strip)
    return render_mix(session.audio, RATE_HZ, with_mix(preset, by_role))


def _chosen(stems: Mapping[str, Path], roles: Mapping[str, Role], tracks: int) -> dict[str, Path]:
    """Choose tracks of a large session: one of each role that carries it, then the others in their order."""
    by_role = {roles.get(name): name for name in reversed(list(stems))}
    first = [by_role[role] for role in _FIRST if role in by_role]
    return {name: stems[name] for name in [*first, *(name for name in stems if name not in first)][:tracks]}
