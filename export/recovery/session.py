"""A whole session: from its stems and the finished mix to the preset that makes one of the others.

Faders, pans and curves come from spectra, exactly where strips are linear (:mod:`.balance`); then all strips are
searched in samples at once, with compressors and one room that all tracks may send to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ...presets.console import EQ_BANDS, SEND_OFF_DB, parameters
from ...presets.errors import AudioError
from ...presets.preset import Preset, Track
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples
from ..pairs.check import NoPairError, on_time_of, reached_by
from ..pairs.likeness import PairLikeness
from ..twin.console import TwinBuses, TwinTrack, console_sound
from ..twin.proof import runtime_mix
from .answer import answer_of
from .balance import SessionBalance, balance_of, sends_of
from .explain import Explained, explain
from .fit import BAND_WEIGHT, FIXED
from .guess import curve_fitted
from .loss import SpectralLoss
from .passages import best_inside
from .space import PARTS, Space, preset_of, settings_with
from .track import left_inside, too_quiet_db

Progress = Callable[[float, str], None]

_SEARCH_S, _LEAD_S, _STEPS, _RATE, _LAST_RATE = 5.0, 1.2, 60, 0.04, 0.003
_CURVE_STEPS = 60
_PRIOR_WEIGHT = 1e-4
_STAGES: Final = frozenset({"low_cut", "high_cut", "eq", "compressor"})
_LEAST_EXPLAINED, _DOUBTFUL = 0.2, 0.5
_FLAT_DB, _LEAST_RATIO, _LEAST_GAIN_DB = 0.7, 1.12, 0.4
_HEARD_ROOM_DB, _LEAST_SEND_DB, _SENDS_S = -28.0, -45.0, 20.0
_PLACED: Final = ("reverb.pre_delay_ms", "reverb.size")
_MOST_STEMS = 64
_SHORTEST_S = 1.0


@dataclass(frozen=True)
class RecoveredSession:
    """What was recovered of a session.

    Attributes:
        preset: with a track for each stem.
        rendered: the preset on the stems, shape (2, samples).
        mix: on the stems' time, as long as they are; silence where it does not reach.
        inside: samples of the stems that the mix reaches.
        plain: all stems equally loud in the middle, where the mix reaches.
        explained: what is explained and what not; the raw mix it is compared with has all stems equally loud.
        linear: share of the mix that is a linear mix of the stems.
        notes: sentences on how the files lay to each other.
        sample_rate_hz: of all.
    """

    preset: Preset
    rendered: Samples
    mix: Samples
    inside: slice
    plain: Samples
    explained: Explained
    linear: float
    notes: tuple[str, ...]
    sample_rate_hz: int

    @property
    def residual(self) -> Samples:
        """What the mix has beside the rendered one, shape (2, samples); silence where it does not reach."""
        return left_inside(self.mix, self.rendered, self.inside)


@dataclass(frozen=True)
class _Strips:
    """The strips of a session on the way."""

    names: tuple[str, ...]
    spaces: tuple[Space, ...]
    vectors: Tensor
    room: Tensor
    fixed: tuple[Mapping[str, float], ...]
    has_room: bool
    loss: float = math.inf


def recover_session(
    stems: Mapping[str, Samples], mix: Samples, sample_rate_hz: int, *, progress: Progress | None = None
) -> RecoveredSession:
    """Finds the preset that makes a finished mix of stems.

    Args:
        stems: by track name, shape (1 or 2, samples); they begin together.
        mix: shape (1 or 2, samples), of any length.
        sample_rate_hz: of all.
        progress: called with 0..1 and what is being done.

    Raises:
        NoPairError: the mix was not made of these stems; the message has the measure that says so.
        AudioError: there are no stems, or too many.
    """
    say = progress or (lambda share, text: None)
    if not 0 < len(stems) <= _MOST_STEMS:
        raise AudioError(f"{len(stems)} stems: give 1 to {_MOST_STEMS}.")
    say(0.0, "aligning")
    frames = max(stem.shape[1] for stem in stems.values())
    padded = {name: np.pad(stem, ((0, 0), (0, frames - stem.shape[1]))) for name, stem in stems.items()}
    moved, lags = on_time_of(_equally_loud(padded, _loudness(padded, sample_rate_hz)).mean(axis=0), mix, sample_rate_hz)
    inside = reached_by(mix.shape[1], lags, frames, sample_rate_hz)
    both = {name: stem[:, inside] for name, stem in padded.items()}
    _refuse_little((inside.stop - inside.start) / sample_rate_hz, PairLikeness(0.0, lags.peak, lags.agreeing))
    loudness = _loudness(both, sample_rate_hz)
    plain = _equally_loud(padded, loudness)
    aligned = np.ascontiguousarray(np.repeat(moved, 2, axis=0) if moved.shape[0] == 1 else moved)
    say(0.1, "faders, pans and curves from spectra")
    balance = balance_of(list(both.values()), aligned[:, inside], sample_rate_hz)
    _refuse_none(balance, PairLikeness(balance.explained, lags.peak, lags.agreeing))
    strips = _guessed(padded, loudness, balance, lambda share: say(0.1 + 0.25 * share, "curves of the tracks"))
    heard = {name: padded[name] for name in strips.names}
    search = _SessionSearch(heard, aligned, inside, sample_rate_hz)
    starts = strips, _with_room(strips, heard, aligned, inside, sample_rate_hz)
    strips = min((search.measured(each) for each in starts), key=lambda each: each.loss)
    strips = search.run(strips, lambda share: say(0.4 + 0.45 * share, "searching in samples"))
    say(0.88, "rendering")
    preset, rendered = _at_level(_preset(strips, tuple(stems)), heard, aligned, inside, sample_rate_hz)
    return RecoveredSession(
        preset,
        rendered,
        aligned,
        inside,
        plain,
        explain(plain, aligned, rendered, sample_rate_hz, inside),
        balance.explained,
        _notes(lags.offset_s, lags.polarity, balance, tuple(stems), sample_rate_hz),
        sample_rate_hz,
    )


def _loudness(stems: Mapping[str, Samples], rate_hz: int) -> dict[str, float]:
    return {name: integrated_loudness(stem, rate_hz) for name, stem in stems.items()}


def _equally_loud(stems: Mapping[str, Samples], loudness: Mapping[str, float]) -> Samples:
    """All stems at one loudness in the middle: what is there before anybody mixes."""
    total = np.zeros((2, next(iter(stems.values())).shape[1]), np.float32)
    for name, stem in stems.items():
        if math.isfinite(loudness[name]):
            total += stem * np.float32(10 ** ((-25 - loudness[name]) / 20))
    return total


def _refuse_little(seconds: float, likeness: PairLikeness) -> None:
    if seconds < _SHORTEST_S:
        raise NoPairError(
            f"this mix reaches {seconds:.1f} s of these stems, as they were aligned (the peak of the correlation is "
            f"{likeness.peak:.1f} times its mean): give the whole mix of these stems.",
            likeness,
        )


def _refuse_none(balance: SessionBalance, likeness: PairLikeness) -> None:
    if balance.explained < _LEAST_EXPLAINED:
        raise NoPairError(
            f"this mix was not made of these stems: {balance.explained:.0%} of it is a mix of them; the peak of the "
            f"correlation is {likeness.peak:.1f} times its mean. Give all stems of the mix, from the same takes.",
            likeness,
        )


def _guessed(
    stems: Mapping[str, Samples], loudness: Mapping[str, float], balance: SessionBalance, say: Callable[[float], None]
) -> _Strips:
    """Strips as the spectra tell them; stems that are not heard are left out."""
    names, spaces, vectors, fixed = [], [], [], []
    for number, (name, track) in enumerate(zip(stems, balance.tracks, strict=True)):
        say(number / len(stems))
        if track.is_silent or not math.isfinite(loudness[name]):
            continue
        space = Space(loudness[name], is_voice=False)
        values = {f"strip.eq.{band}.gain_db": 0.0 for band in EQ_BANDS}
        slope = FIXED["strip.low_cut.slope_db_per_octave"]
        level_db = track.level_db
        if float(np.average(np.abs(track.curve_db), weights=track.weights)) > _FLAT_DB:
            values = curve_fitted(track.curve_db, track.weights, balance.bands, space, FIXED, number, _CURVE_STEPS)
            level_db += values["strip.fader_db"]
            slope = values["strip.low_cut.slope_db_per_octave"]
        values |= {
            "strip.fader_db": level_db,
            "strip.pan": track.pan,
            "strip.compressor.ratio": 1.3,
            "strip.reverb_send_db": SEND_OFF_DB,
        }
        names.append(name)
        spaces.append(space)
        vectors.append(space.start(values))
        fixed.append({**FIXED, "strip.low_cut.slope_db_per_octave": slope})
    room = torch.zeros_like(vectors[0])
    return _Strips(tuple(names), tuple(spaces), torch.stack(vectors), room, tuple(fixed), has_room=False)


def _with_room(strips: _Strips, stems: Mapping[str, Samples], mix: Samples, inside: slice, rate_hz: int) -> _Strips:
    """Looks for a room behind the sum of all tracks, then for what each sends to it."""
    dry = runtime_mix(stems, _preset(strips, strips.names), rate_hz)
    with torch.no_grad():
        answer = answer_of(dry[:, inside].mean(axis=0), mix[:, inside], rate_hz, is_stereo=True)
    if answer.reverb_db < _HEARD_ROOM_DB:
        return strips
    room = strips.spaces[0].start(answer.values)
    wet = replace(strips, room=room, has_room=True)
    sends = _sends(wet, stems, mix, inside, rate_hz, answer.is_own_room)
    vectors = strips.vectors.clone()
    for row, space, send in zip(vectors, strips.spaces, sends, strict=True):
        path = "strip.reverb_send_db"
        row[space.places[path]] = space.knobs[path].deviation(20 * math.log10(max(send, 1e-4)))
    return replace(wet, vectors=vectors)


def _sends(
    strips: _Strips, stems: Mapping[str, Samples], mix: Samples, inside: slice, rate_hz: int, is_own_room: bool
) -> list[float]:
    """Finds what each track sends to a room, from what each gives alone, dry and wet."""
    begin = inside.start + max(0, (inside.stop - inside.start - round(_SENDS_S * rate_hz)) // 2)
    heard = slice(begin, min(inside.stop, begin + round(_SENDS_S * rate_hz)))
    preset = _preset(strips, strips.names)
    sounds: tuple[list[Samples], list[Samples]] = [], []
    for track in preset.tracks:
        stem = {track.name: np.ascontiguousarray(stems[track.name][:, heard])}
        for send_db, kept in zip((SEND_OFF_DB, 0.0), sounds, strict=True):
            strip = track.strip.model_copy(update={"reverb_send_db": send_db})
            alone = preset.model_copy(update={"tracks": (track.model_copy(update={"strip": strip}),)})
            kept.append(runtime_mix(stem, alone, rate_hz))
    dry, both = sounds
    wet = [with_room - without for with_room, without in zip(both, dry, strict=True)]
    return sends_of(dry, wet, mix[:, heard], rate_hz, is_own_room)


class _SessionSearch:
    """All strips of a session on one passage."""

    def __init__(self, stems: Mapping[str, Samples], mix: Samples, inside: slice, rate_hz: int):
        total = sum(stem.mean(axis=0, keepdims=True) for stem in stems.values())
        place = best_inside(np.asarray(total), mix, inside, rate_hz, _SEARCH_S)
        begin = max(0, place.start - round(_LEAD_S * rate_hz))
        self._rate_hz = rate_hz
        self._audio = [
            torch.from_numpy(np.ascontiguousarray(stem[:, begin : place.stop]))[None] for stem in stems.values()
        ]
        wanted = torch.from_numpy(np.ascontiguousarray(mix[:, begin : place.stop]))
        self._loss = SpectralLoss(wanted, rate_hz, place.start - begin, band_weight=BAND_WEIGHT)

    def sound(self, strips: _Strips, vectors: Tensor, room: Tensor) -> Tensor:
        """Renders the passage, shape (1, 2, samples)."""
        tracks = []
        for audio, space, vector, fixed in zip(self._audio, strips.spaces, vectors, strips.fixed, strict=True):
            strip = settings_with(space.settings(vector, fixed)["strip"], _STAGES)
            strip.pop("delay_send_db", None)
            if not strips.has_room:
                strip.pop("reverb_send_db", None)
            tracks.append(TwinTrack(audio, strip))
        reverb = strips.spaces[0].settings(room, strips.fixed[0])["reverb"] if strips.has_room else None
        return console_sound(tracks, TwinBuses(reverb=reverb, reverb_seeds=[1]), self._rate_hz)

    def measured(self, strips: _Strips) -> _Strips:
        """Measures the loss of strips as they are."""
        with torch.no_grad():
            return replace(strips, loss=float(self._loss(self.sound(strips, strips.vectors, strips.room))))

    def run(self, strips: _Strips, say: Callable[[float], None]) -> _Strips:
        """Searches; gives the best that was met."""
        vectors, room = strips.vectors.clone().requires_grad_(), strips.room.clone().requires_grad_()
        adam = torch.optim.Adam([vectors, room], lr=_RATE, betas=(0.8, 0.98))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, _STEPS, eta_min=_LAST_RATE)
        placed = [strips.spaces[0].places[path] for path in _PLACED]
        best = strips
        for step in range(_STEPS):
            adam.zero_grad()
            loss = self._loss(self.sound(strips, vectors, room))
            unlikely = torch.stack([each.unlikeliness(row) for each, row in zip(strips.spaces, vectors, strict=True)])
            total = loss + _PRIOR_WEIGHT * unlikely.mean()
            total.backward()  # type: ignore[no-untyped-call]
            if float(loss.detach()) < best.loss:
                best = replace(
                    strips, vectors=vectors.detach().clone(), room=room.detach().clone(), loss=float(loss.detach())
                )
            for gradient in (vectors.grad, room.grad):
                if gradient is not None:
                    torch.nan_to_num_(gradient, 0.0, 0.0, 0.0)
            if room.grad is not None:
                room.grad[placed] = 0
            adam.step()
            schedule.step()
            with torch.no_grad():
                for space, row in zip(strips.spaces, vectors, strict=True):
                    space.hold(row)
                strips.spaces[0].hold(room)
            say((step + 1) / _STEPS)
        return best


def _preset(strips: _Strips, names: Sequence[str]) -> Preset:
    """A preset with a track for each stem; those that are not heard are muted."""
    tracks = {}
    for name, space, vector, fixed in zip(strips.names, strips.spaces, strips.vectors, strips.fixed, strict=True):
        values = {path: value for path, value in {**fixed, **space.values(vector)}.items() if path.startswith("strip.")}
        kept = {path: value for path, value in values.items() if _is_on(path, values, strips.has_room)}
        tracks[name] = preset_of(name, kept).tracks[0]
    room = {}
    if strips.has_room:
        values = {**strips.fixed[0], **strips.spaces[0].values(strips.room)}
        room = {path: value for path, value in values.items() if path.startswith("reverb.")}
    all_tracks = tuple(tracks.get(name, Track(name=name, mute=True, note="not heard in the mix")) for name in names)
    return preset_of("x", room).model_copy(update={"tracks": all_tracks})


def _is_on(path: str, values: Mapping[str, float], has_room: bool) -> bool:
    stage = path.split(".")[1]
    if stage == "eq":
        return abs(values[path.rsplit(".", 1)[0] + ".gain_db"]) >= _LEAST_GAIN_DB
    if stage == "compressor":
        return values["strip.compressor.ratio"] >= _LEAST_RATIO
    if stage == "reverb_send_db":
        return has_room and values[path] > _LEAST_SEND_DB
    return stage in _STAGES or stage in ("fader_db", "pan")


def _at_level(
    preset: Preset, stems: Mapping[str, Samples], mix: Samples, inside: slice, rate_hz: int
) -> tuple[Preset, Samples]:
    """Sets all faders by what the mix reaches of the song."""
    rendered = runtime_mix(stems, preset, rate_hz)
    error_db = too_quiet_db(rendered[:, inside], mix[:, inside], rate_hz)
    if not math.isfinite(error_db):
        return preset, rendered
    row = parameters(PARTS["strip"])["fader_db"]
    tracks = []
    for track in preset.tracks:
        fader_db = row.clamp(round(track.strip.fader_db + error_db, 2))
        tracks.append(track.model_copy(update={"strip": track.strip.model_copy(update={"fader_db": fader_db})}))
    return preset.model_copy(update={"tracks": tuple(tracks)}), rendered * np.float32(10 ** (error_db / 20))


def _notes(
    offset_s: float, polarity: int, balance: SessionBalance, names: tuple[str, ...], rate_hz: int
) -> tuple[str, ...]:
    notes = []
    if abs(offset_s) * rate_hz >= 0.5:
        direction = "later" if offset_s > 0 else "earlier"
        notes.append(f"The mix is {abs(offset_s) * 1000:.2f} ms {direction} than the stems; it was moved.")
    if polarity < 0:
        notes.append("Its polarity is inverted; it was turned. The console has no setting for that.")
    silent = [name for name, track in zip(names, balance.tracks, strict=True) if track.is_silent]
    if silent:
        notes.append(f"Not heard in the mix, and muted: {', '.join(silent)}.")
    notes.append(f"{balance.explained:.0%} of the mix is a linear mix of the stems.")
    if balance.explained < _DOUBTFUL:
        notes.append("So other sound is in it, or it was processed very hard.")
    return tuple(notes)
