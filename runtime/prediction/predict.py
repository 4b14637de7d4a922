"""From what a model decides to a preset: its outputs in 0..1 become dB, Hz and ms, relative to the raw files.

The level that the model wants its tracks at is folded in as input gain, so that thresholds mean what they did in
training. A model of the reference's law is translated: its compressor's time constants and pan law differ from the
runtime's.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ...presets.console import SEND_OFF_DB, Master, Strip, get, parameters, replace
from ...presets.preset import Preset, Provenance, SourceFile, Track, WeightedFile, Window, said_of
from ...presets.roles import Role
from ...presets.units import power_decibels
from ...presets.version import __version__
from ..audio.arrays import is_one_sound
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import Samples
from ..model.analysis import Passage, cut_passage
from ..model.controller import Controller, Outputs
from ..model.layout import Layout, balance_gain_db, denormalize
from ..model.loading import LoadingController
from ..model.references import AnyReference, HeardSong, hear_songs, songs_of
from ..roles.decide import RoleGuess, decide_roles, with_one_lead
from ..roles.pairs import find_pairs, may_be_paired
from .confidence import assured
from .grouping import with_groups
from .hearing import decided, with_own_mix
from .pairing import with_pairs
from .role_mix import with_prior
from .talkers import with_people_who_talk
from .voicing import is_practice, voiced

Decide = Callable[[Controller, Passage, Samples], Preset]
"""Makes a preset of what was heard: the passage of the tracks, and that of the reference."""

# A wide song is never quite the same left and right; one sound in the middle is.
_LEANING_DB, _LEANING_ALONE_DB = 1.5, 0.1
_ONE_SOUND = 0.98  # correlation of left and right
_TINY = 1e-12
# The reference's time constants are ms / ln 9, pedalboard's ms / (2 pi).
_REFERENCE_TIME = 2 * math.pi / math.log(9)
# The reference delays the signal against its gain by 2048 samples on tracks, 1024 on the master, at 44.1 kHz.
_REFERENCE_LOOKAHEAD_MS = {Strip: 1000 * 2048 / 44100, Master: 1000 * 1024 / 44100}


def predict_files(
    controller: Controller | LoadingController,
    stems: Mapping[str, Path],
    reference: AnyReference,
    window_s: float | None = None,
    reference_window_s: float | None = None,
    decide: Decide | None = None,
    files: OpenFiles = ON_DEMAND,
) -> tuple[Preset, Passage]:
    """Hear a session and a reference, and set the console.

    Args:
        controller: the model; one that is still being loaded is waited for after listening.
        stems: files by track name.
        reference: a finished song, or several with weights.
        window_s: where the passage begins on which the mix is tried, and which is heard in any case; None chooses.
        reference_window_s: where a passage of the reference begins that is heard in any case; None chooses.
        decide: makes the preset of a passage and a reference; None takes :func:`predict_safely`.
        files: keeps the stems open for what comes next.

    Returns:
        The preset and the passage it was made from.

    Raises:
        AudioError: a file cannot be used.
    """
    manifest = controller.manifest
    rate_hz, samples = manifest.sample_rate_hz, manifest.window_samples
    songs = songs_of(reference)
    with ThreadPoolExecutor() as pool:
        cutting = pool.submit(cut_passage, stems, rate_hz, samples, window_s, files)
        listened = hear_songs(songs, rate_hz, manifest.reference_length, reference_window_s, files)
        passage = cutting.result()
        if len(songs) == 1:
            passage = with_own_mix(passage, songs[0].path, rate_hz, files)
        # Files are hashed while the model decides; hashlib lets other threads run.
        paths = (*stems.values(), *(song.path for song in songs))
        sources = {path: pool.submit(_source, path, files) for path in paths}
        ready = controller.ready() if isinstance(controller, LoadingController) else controller
        preset = (decide or predict_safely)(ready, passage, listened.audio)
    tracks = tuple(track.model_copy(update={"source": sources[stems[track.name]].result()}) for track in preset.tracks)
    heard = [_weighted(item, sources[item.song.path].result()) for item in listened.songs]
    provenance = preset.provenance.model_copy(update=said_of(heard))
    return preset.model_copy(update={"tracks": tracks, "provenance": provenance}), passage


def _weighted(heard: HeardSong, source: SourceFile) -> WeightedFile:
    window = Window(start_s=heard.start_s, length_s=round(heard.length_s, 3))
    return WeightedFile(file=source.file, sha256=source.sha256, weight=round(heard.song.share, 4), window=window)


def predict_safely(
    controller: Controller, passage: Passage, reference: Samples, roles: Mapping[str, Role] | None = None
) -> Preset:
    """:func:`predict_musically`, with guard rails, and with what it is worth (:mod:`.confidence`)."""
    return assured(controller, predict_musically(controller, passage, reference, roles), passage, reference)


def predict_musically(
    controller: Controller, passage: Passage, reference: Samples, roles: Mapping[str, Role] | None = None
) -> Preset:
    """:func:`predict`, believed as far as a reference can tell, on top of what engineers do (:mod:`.role_mix`)."""
    manifest = controller.manifest
    rate_hz = manifest.sample_rate_hz
    preset = predict(controller, passage, reference, roles)
    if len(passage.heard) < 2 or is_practice(preset, passage, reference, rate_hz):
        return preset
    mixed = with_prior(preset, passage, reference, rate_hz, manifest.track_level_lufs)
    return with_groups(voiced(mixed, passage, reference, rate_hz), passage, reference, rate_hz)


def predict(
    controller: Controller, passage: Passage, reference: Samples, roles: Mapping[str, Role] | None = None
) -> Preset:
    """The preset for a passage and a reference in memory, both at the model's rate, before guard rails.

    Args:
        controller: the model.
        passage: what is heard of the tracks.
        reference: shape (1 or 2, samples).
        roles: of tracks that somebody told; the others are found out.
    """
    manifest = controller.manifest
    heard = list(passage.heard)
    guesses = heard_roles(passage, manifest.sample_rate_hz, roles)
    strips: dict[str, Strip] = {}
    master = Master()
    if heard:
        outputs = decided(controller, passage, reference, heard, [guesses[name].weights for name in heard])
        strips, master = settings(manifest.layout, outputs, manifest.track_level_lufs, passage, heard)
        if len(heard) == 1 and passage.audio[heard[0]].shape[0] == 1 and not _leans(reference):
            # Alone, it has nobody to make room for, and nothing in the reference asks for a turn.
            strips = {heard[0]: replace(strips[heard[0]], {"pan": 0.0})}
    preset = neutral(passage)
    model = {"model": manifest.name, "model_sha256": controller.bundle.manifest_sha256}
    tracks_set = tuple(
        track.model_copy(update={"strip": strips.get(track.name, track.strip)}) for track in preset.tracks
    )
    provenance = preset.provenance.model_copy(update=model)
    preset = preset.model_copy(update={"tracks": tracks_set, "master": master, "provenance": provenance})
    preset = with_roles(preset, guesses, passage, manifest.sample_rate_hz)
    return voiced(preset, passage, reference, manifest.sample_rate_hz)


def heard_roles(passage: Passage, sample_rate_hz: int, told: Mapping[str, Role] | None = None) -> dict[str, RoleGuess]:
    """What each track of a passage is, by its name and its fullest excerpt; a silent one is judged by its name."""
    audio = {name: passage.fullest(name).audio for name in passage.heard}
    guesses = decide_roles(list(passage.loudness_lufs), audio, sample_rate_hz, told or {})
    powers = {name: passage.powers[name] for name in passage.heard if name in passage.powers}
    guesses = with_people_who_talk(guesses, powers, lambda name: is_one_sound(passage.audio[name]))
    return with_one_lead(guesses, passage.side_by_side, sample_rate_hz)


def with_roles(preset: Preset, guesses: Mapping[str, RoleGuess], passage: Passage, sample_rate_hz: int) -> Preset:
    """Write roles into a preset, link the pairs among its tracks and mirror them."""
    roles = {name: guess.role for name, guess in guesses.items()}
    tracks = tuple(track.model_copy(update={"role": roles.get(track.name)}) for track in preset.tracks)
    pairs = find_pairs(list(roles), roles, _compared(passage, roles), sample_rate_hz)
    return with_pairs(preset.model_copy(update={"tracks": tracks}), pairs)


def _compared(passage: Passage, roles: Mapping[str, Role | None]) -> dict[str, Samples]:
    """What pairs are told by: tracks as they play beside each other, where it may take more than their names."""

    def heard(name: str) -> Samples:
        is_compared = may_be_paired(roles.get(name)) and is_one_sound(passage.audio[name])
        return passage.side_by_side(name) if is_compared else passage.audio[name]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(passage.heard, pool.map(heard, passage.heard), strict=True))


def neutral(passage: Passage) -> Preset:
    """The tracks of a passage with nothing set."""
    heard = set(passage.heard)
    tracks = tuple(
        Track(name=name)
        if name in heard
        else Track(name=name, note=f"silent ({passage.level_lufs(name):.0f} LUFS): left at neutral")
        for name in passage.loudness_lufs
    )
    return Preset(
        tracks=tracks,
        provenance=Provenance(
            tool=f"mixbridge {__version__}",
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            window=Window(start_s=passage.start_s, length_s=round(passage.length_s, 3)),
        ),
    )


def _leans(reference: Samples) -> bool:
    """Whether a reference sits to one side: clearly, or a little where it is one sound that was panned."""
    left, right = reference[0].astype(np.float64), reference[-1].astype(np.float64)
    powers = float(left @ left) + _TINY, float(right @ right) + _TINY
    is_one_sound = float(left @ right) > _ONE_SOUND * math.sqrt(powers[0] * powers[1])
    return abs(power_decibels(powers[1] / powers[0])) > (_LEANING_ALONE_DB if is_one_sound else _LEANING_DB)


def settings(
    layout: Layout, outputs: Outputs, track_level_lufs: float, passage: Passage, names: list[str]
) -> tuple[dict[str, Strip], Master]:
    """Outputs in units, absolute.

    Args:
        layout: what the outputs mean.
        outputs: of the tracks `names`, in this order, and of the master.
        track_level_lufs: the level at which the model hears tracks.
        passage: for their level.
        names: tracks that were heard.
    """
    strips = {}
    for name, row in zip(names, outputs.tracks, strict=True):
        values = {**_fixed(layout, Strip), **denormalize(layout.track, row.tolist(), Strip)}
        level_db = track_level_lufs - passage.level_lufs(name)
        gain_db = values.get("input_gain_db", 0.0) + level_db
        values["input_gain_db"] = parameters(Strip)["input_gain_db"].clamp(gain_db)
        strip = replace(Strip(), values)
        if layout.law == "reference":
            strip = _from_reference_law(strip)
        strips[name] = strip
    values = {**_fixed(layout, Master), **denormalize(layout.master, outputs.master.tolist(), Master)}
    if layout.balanced:
        strips = _around_zero(strips)
        values["input_gain_db"] = balance_gain_db([strip.fader_db for strip in strips.values()])
    master = replace(Master(), values)
    if layout.law == "reference":
        master = replace(master, _reference_dynamics(master))
    return strips, master


def _around_zero(strips: Mapping[str, Strip]) -> dict[str, Strip]:
    """The same balance with faders around 0 dB: a common offset means nothing to a balanced model, but reads badly."""
    mean_db = -balance_gain_db([strip.fader_db for strip in strips.values()]) - power_decibels(len(strips))
    return {name: replace(strip, {"fader_db": strip.fader_db - mean_db}) for name, strip in strips.items()}


def _fixed(layout: Layout, section: type[Strip] | type[Master]) -> dict[str, float]:
    table = parameters(section)
    return {path: value for path, value in layout.fixed.items() if path in table}


def _from_reference_law(strip: Strip) -> Strip:
    """The same sound by the runtime's laws; the reference's reverb was never trained, so its send is off.

    Its pan law is (2/pi) (pi/2 - a) cos a and (2/pi) a sin a in power, a = 0..pi/2; the runtime's is constant power.
    The position that gives the same ratio of channels is taken, and the difference in power moved to the fader.
    """
    angle = (strip.pan + 1) * math.pi / 4
    left = max(0.0, (math.pi / 2 - angle) * (2 / math.pi) * math.cos(angle))
    right = max(0.0, angle * (2 / math.pi) * math.sin(angle))
    position = math.atan2(math.sqrt(right), math.sqrt(left)) * 4 / math.pi - 1
    return replace(
        strip,
        {
            **_reference_dynamics(strip),
            "pan": min(1.0, max(-1.0, position)),
            "fader_db": strip.fader_db + power_decibels(left + right),
            "fx_send_db": SEND_OFF_DB,
        },
    )


def _reference_dynamics(section: Strip | Master) -> dict[str, float]:
    """The reference ignores its release: one time constant serves both ways."""
    table = parameters(type(section))
    time_ms = get(section, "compressor.attack_ms") * _REFERENCE_TIME
    return {
        "compressor.attack_ms": table["compressor.attack_ms"].clamp(time_ms),
        "compressor.release_ms": table["compressor.release_ms"].clamp(time_ms),
        "compressor.lookahead_ms": _REFERENCE_LOOKAHEAD_MS[type(section)],
    }


def _source(path: Path, files: OpenFiles) -> SourceFile:
    with files.borrowed(path) as file:
        return SourceFile(file=path.name, sha256=file.sha256())
