"""The report: one HTML file that says what was done to a mix, in words, curves and figures, and how to change it.

It is for a client who mixes music. Everything is inside the file: it needs no network and runs no script. Curves come
from the passage that the model heard, or where none did from one in which the tracks play; the levels of the whole mix
from its rendering.
"""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from markupsafe import Markup

from ...presets.console import Master, Strip
from ...presets.editing.changing_inserts import without_track_inserts
from ...presets.editing.passages import beginning_at
from ...presets.inserts.words import insert_words
from ...presets.parts.match import is_flat
from ...presets.preset import GroupBus, Preset, Track
from ...presets.units import gain_factor
from ...presets.version import __version__
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples, read_passage
from ...runtime.console.dynamics import CompressorWork, compressor_work
from ...runtime.mastering.fitting import Mastering
from ...runtime.mixing import MixResult
from ...runtime.model.analysis import Passage, cut_passage
from ...runtime.model.references import AnyReference, Song, blended, songs_of
from ...runtime.rendering.in_memory import Rendered, render_arrays
from . import curves
from .assurance import decisions, guarded, headline, reasons
from .brief import describe_role
from .lane_charts import LaneChart, lane_charts
from .lanes import describe_lanes
from .listening import THIRDS_HZ, SoundFigures, measure, tone
from .pages import page_templates
from .players import players
from .text import describe_effects, describe_inserts, describe_master, describe_strip, references_words, spoken_pan
from .verdict import compare

# Where no model has listened.
_RATE_HZ = 44100
_SAMPLES = 262144
# Lengths of the loudness bars in dB; the shortest is taken that shows the quietest track, with a little left of it.
_BARS_DB = (6, 9, 12, 18, 24, 36)
_SHORTEST_BAR = 0.15
_HEARD_DB = 0.5
_LONGEST_COMMAND = 1500
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class TrackCard:
    """What the report shows of a track.

    Attributes:
        name: of the track.
        sentences: what is done to it.
        note: why it was left alone, if it was.
        role: what it is, and what it is linked with; empty where nobody knows.
        gain_db: of the whole strip.
        pan: -1 left to 1 right.
        pan_words: the same for people.
        before_lufs: loudness of the raw track.
        after_lufs: in the mix.
        below_db: how much quieter it is in the mix than the loudest track.
        share: the same as a share of the bar, 0..1.
        turned_down: what the compressor does, in words; empty if nothing.
        eq: chart of the equalizer.
        dynamics: chart of the compressor; None if it does nothing.
        spectrum: chart of the track before and after.
        lanes: charts of what moves.
    """

    name: str
    sentences: Sequence[str]
    note: str
    role: str
    gain_db: float
    pan: float
    pan_words: str
    before_lufs: float
    after_lufs: float
    below_db: float
    share: float
    turned_down: str = ""
    eq: Markup | None = None
    dynamics: Markup | None = None
    spectrum: Markup | None = None
    lanes: Sequence[LaneChart] = ()


@dataclass(frozen=True)
class GroupCard:
    """What the report shows of a group bus."""

    name: str
    sentences: Sequence[str]
    lanes: Sequence[LaneChart] = ()


@dataclass(frozen=True)
class MasterCard:
    """What the report shows of the master."""

    sentences: Sequence[str]
    turned_down: str
    eq: Markup
    match: Markup | None
    dynamics: Markup | None
    spectra: Sequence[tuple[str, Markup]] = ()
    lanes: Sequence[LaneChart] = ()


@dataclass(frozen=True)
class _Heard:
    """The passage before and after, and the reference's."""

    passage: Passage
    rate_hz: int
    rendered: Rendered
    gain: float
    raw: Samples
    reference: Samples | None


@dataclass(frozen=True)
class PluggedCard:
    """A stage on plug-ins of the user's.

    Attributes:
        title: what it is.
        loss: what is lost, in dB.
        plugins: by name, what each is set to: by label, with units.
    """

    title: str
    loss: str
    plugins: Sequence[tuple[str, Mapping[str, str]]]


def make_report(
    result: MixResult,
    stems: Mapping[str, Path],
    reference: AnyReference = (),
    plugged: Sequence[PluggedCard] = (),
) -> str:
    """Make the report on a mix, as HTML.

    Args:
        result: what was made, with the paths where it will be.
        stems: the files it was made from, by track name.
        reference: the song or songs that were listened to, if any.
        plugged: stages on plug-ins of the user's.

    Raises:
        AudioError: a stem or the reference cannot be read any more.
    """
    heard = _listen(result, stems, songs_of(reference) if reference else ())
    audio = {"raw": heard.raw, "mix": heard.rendered.mix * np.float32(heard.gain)}
    if heard.reference is not None:
        audio["reference"] = heard.reference
    sounds = {name: measure(samples, heard.rate_hz) for name, samples in audio.items()}
    length_s = result.render.frames / result.render.sample_rate_hz
    tracks = [
        replace(card, lanes=lane_charts(track.lanes, Strip, length_s))
        for card, track in zip(
            _track_cards(heard, result.preset, sounds.get("reference")), result.preset.tracks, strict=True
        )
    ]
    master = _master_card(heard, result.preset, result.mastering)
    environment = page_templates("mixbridge.bridge.report")
    environment.filters.update(db=_db, signed=_signed, percent=_percent, sentence=_sentence, clock=_clock)
    return environment.get_template("report.html.j2").render(
        preset=result.preset,
        render=result.render,
        passage=heard.passage,
        style=references_words(result.preset.provenance),
        model_heard=result.passage is not None,
        sounds=sounds,
        reference=sounds.get("reference"),
        # Without the tail of the effects: raw and mix begin and end together.
        players=players({**audio, "mix": audio["mix"][:, : heard.raw.shape[1]]}, sounds, heard.rate_hz),
        verdict=compare(sounds["raw"], sounds["mix"], sounds.get("reference")),
        spectrum=curves.spectra({name: sound.thirds_db for name, sound in sounds.items()}, "The whole mix", (700, 250)),
        tracks=tracks,
        bar_db=_bar_db([track.below_db for track in tracks]),
        groups=[
            GroupCard(bus.name, _words(bus), lane_charts(bus.lanes, Strip, length_s)) for bus in result.preset.buses
        ],
        effects=describe_effects(result.preset),
        plugged=plugged,
        master=replace(master, lanes=lane_charts(result.preset.master_lanes, Master, length_s)),
        headline=headline(result.preset),
        reasons=reasons(result.preset),
        decisions=decisions(result.preset),
        guarded=guarded(result.preset),
        commands=_commands(result, stems),
        version=__version__,
        made=f"{datetime.now(UTC).astimezone():%Y-%m-%d %H:%M}",
    )


def _words(owner: Track | GroupBus) -> list[str]:
    return [*describe_inserts(owner), *describe_strip(owner), *describe_lanes(owner.lanes, Strip)]


def _listen(result: MixResult, stems: Mapping[str, Path], songs: Sequence[Song]) -> _Heard:
    muted = {track.name for track in result.preset.tracks if track.mute}
    audible = {name: result.heard.get(name, path) for name, path in stems.items() if name not in muted}
    passage = result.passage or cut_passage(audible, _RATE_HZ, _SAMPLES)
    audio = {name: samples for name, samples in passage.audio.items() if name not in muted}
    samples = next(iter(audio.values())).shape[1]
    rate_hz = round(samples / passage.length_s)
    raw = dict(audio)
    for name in result.heard:
        if name in raw:
            raw[name] = read_passage(stems[name], passage.start_s, passage.length_s, rate_hz)[:, :samples]
    return _Heard(
        passage,
        rate_hz,
        render_arrays(
            audio,
            rate_hz,
            beginning_at(without_track_inserts(result.preset), passage.start_s),
            inserts=result.bus_inserts,
        ),
        gain_factor(result.render.loudness_gain_db),
        np.sum([np.broadcast_to(item, (2, samples)) for item in raw.values()], axis=0, dtype=np.float32),
        _read_references(songs, result.preset, rate_hz),
    )


def _read_references(songs: Sequence[Song], preset: Preset, rate_hz: int) -> Samples | None:
    """The passages of references that were heard in any case, each as long as its share of them."""
    provenance = preset.provenance
    if not songs or provenance.reference_window is None:
        return None
    windows = [item.window for item in provenance.references or ()] or [provenance.reference_window]

    def read(place: int, samples: int) -> Samples:
        window = windows[place]
        return read_passage(songs[place].path, window.start_s, min(window.length_s, samples / rate_hz), rate_hz)

    if len(songs) == 1 or len(windows) != len(songs):
        return read_passage(songs[0].path, windows[0].start_s, windows[0].length_s, rate_hz)
    shares = [(place, song.share) for place, song in enumerate(songs)]
    return blended(shares, read, rate_hz, max(1, round(windows[0].length_s * rate_hz)))


def _track_cards(heard: _Heard, preset: Preset, reference: SoundFigures | None) -> list[TrackCard]:
    """Make a card for each track, silent and muted ones too."""
    stems = heard.rendered.stems
    # The master and the loudness target move all tracks alike: the same step brings them to where they are in the mix.
    step_db = integrated_loudness(heard.rendered.mix * np.float32(heard.gain), heard.rate_hz) - integrated_loudness(
        heard.rendered.bus, heard.rate_hz
    )
    after = {name: integrated_loudness(stem, heard.rate_hz) + step_db for name, stem in stems.items()}
    loudest = max((value for value in after.values() if math.isfinite(value)), default=0.0)
    bar_db = _bar_db([loudest - value for value in after.values()])

    def card_of(track: Track) -> TrackCard:
        return _track_card(heard, track, after.get(track.name, -math.inf), loudest, reference)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # measuring is done outside of Python's lock
        cards = list(pool.map(card_of, preset.tracks))
    return [replace(card, share=min(1.0, max(0.0, 1 - card.below_db / bar_db))) for card in cards]


def _track_card(
    heard: _Heard, track: Track, after_lufs: float, loudest_lufs: float, reference: SoundFigures | None
) -> TrackCard:
    strip = track.strip
    audio = heard.passage.audio.get(track.name)
    before_lufs = heard.passage.loudness_lufs.get(track.name, -math.inf)
    is_heard = audio is not None and not track.mute and track.name not in heard.passage.silent
    card = TrackCard(
        name=track.name,
        sentences=_words(track),
        role=describe_role(track),
        note=track.note or ("" if is_heard or track.mute else "Silent in the passage that was measured."),
        gain_db=strip.input_gain_db + strip.fader_db,
        pan=strip.pan,
        pan_words=spoken_pan(strip.pan),
        before_lufs=before_lufs,
        after_lufs=after_lufs,
        below_db=loudest_lufs - after_lufs,
        share=0.0,
    )
    if audio is None or not is_heard:
        return card
    compressor, rendered = strip.compressor, heard.rendered.stems[track.name]
    work = compressor_work(audio, heard.rate_hz, strip.input_gain_db, strip.eq, compressor)
    spectra = {
        "raw": tone(audio, heard.rate_hz, before_lufs),
        "mix": tone(rendered, heard.rate_hz, integrated_loudness(rendered, heard.rate_hz)),
    }
    if reference is not None:
        spectra["reference"] = reference.thirds_db
    return replace(
        card,
        turned_down=_turned_down(work) if compressor.ratio > 1 else "",
        eq=curves.equalizer(strip.eq, heard.rate_hz),
        dynamics=curves.dynamics(compressor, work, strip.input_gain_db) if compressor.ratio > 1 else None,
        spectrum=curves.spectra(spectra, f"{track.name}, raw and in the mix"),
    )


def _master_card(heard: _Heard, preset: Preset, mastering: Mastering | None) -> MasterCard:
    master, rendered = preset.master, heard.rendered
    work = compressor_work(
        rendered.bus, heard.rate_hz, master.input_gain_db, master.eq, master.compressor, master.match
    )
    is_active = master.compressor.ratio > 1
    return MasterCard(
        [
            *map(insert_words, preset.master_inserts),
            *describe_master(master),
            *describe_lanes(preset.master_lanes, Master),
        ],
        _turned_down(work) if is_active else "",
        curves.equalizer(master.eq, heard.rate_hz),
        None if is_flat(master.match) else curves.match_curve(master.match, heard.rate_hz),
        curves.dynamics(master.compressor, work, master.input_gain_db) if is_active else None,
        () if mastering is None else tuple(_fitted_spectra(mastering)),
    )


def _fitted_spectra(mastering: Mastering) -> Iterator[tuple[str, Markup]]:
    """Draw what the master was fitted to: middle and sides before, after, and in the reference."""
    styles = {"raw": "before", "mix": "after", "reference": "reference"}
    spectra_db = mastering.spectra_db()
    for place, title in enumerate(("Middle", "Sides")):
        lines = {style: np.array(spectra_db[name][place])[-len(THIRDS_HZ) :] for style, name in styles.items()}
        yield title, curves.spectra(lines, f"{title} before and after the master was fitted")


def _turned_down(work: CompressorWork) -> str:
    if work.most_db < _HEARD_DB:
        return f"The compressor hardly works here: gain reduction below {_HEARD_DB:g} dB."
    if work.mean_db < _HEARD_DB / 2:
        return f"The compressor works on the loudest moments only: gain reduction up to {work.most_db:.1f} dB."
    return f"The compressor's gain reduction: {work.mean_db:.1f} dB on average, {work.most_db:.1f} dB at most."


def _commands(result: MixResult, stems: Mapping[str, Path]) -> dict[str, str]:
    """Say what to type to change or undo something."""
    preset_path = result.preset_path
    folder = preset_path.parent
    named = " ".join(shlex.quote(f"{name}={path}") for name, path in stems.items())
    files = named if len(named) < _LONGEST_COMMAND else "STEMS..."
    softer, new = shlex.quote(str(folder / "softer.json")), shlex.quote(f"{folder}-2")
    preset = shlex.quote(str(preset_path))
    return {
        "show": f"mixbridge preset show {preset}",
        "edit": f"mixbridge apply {preset} {files} -o {new}",
        "softer": f"mixbridge preset scale {preset} 0.5 -o {softer}",
        "apply_softer": f"mixbridge apply {softer} {files} -o {new}",
    }


def _bar_db(below_db: Sequence[float]) -> int:
    """Choose how many dB a bar is long, so that the tracks differ as far as can be."""
    quietest_db = max((value for value in below_db if value < _BARS_DB[-1]), default=0.0)
    return next((length for length in _BARS_DB if quietest_db <= length * (1 - _SHORTEST_BAR)), _BARS_DB[-1])


def _db(value: float, unit: str = "dB") -> str:
    return f"{_signless(value)} {unit}".rstrip() if math.isfinite(value) else "silent"


def _signed(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f} dB".replace("-", _MINUS)


def _signless(value: float) -> str:
    """Write a number with a real minus sign."""
    return f"{round(value, 1) + 0.0:.1f}".replace("-", _MINUS)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _sentence(words: str) -> str:
    typeset = re.sub(r"(?<![\w.])-(?=\d)", _MINUS, words)
    return f"{typeset[:1].upper()}{typeset[1:]}{'' if typeset.endswith('.') else '.'}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{seconds % 60:04.1f}"
