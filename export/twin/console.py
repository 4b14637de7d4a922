"""The whole console on tensors: tracks through their strips, groups, effects and the master, as the runtime sums them.

    sounds = [TwinTrack(audio, settings) for ...]
    mix = console_sound(sounds, TwinBuses(master=tensors([preset.master])), 44100)

The finish (loudness, ceiling) is left out: it belongs to a render, not to a preset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...presets.console import Strip
from ...presets.errors import PresetError
from ...presets.preset import Preset
from .echoes import echoed
from .reverb import fx_reverberated, reverberated
from .settings import TwinSettings, fx_tensors, in_desk_form, send_factor, tensors
from .strip import StripSound, behind_stages, master_sound, stages_sound


@dataclass(frozen=True)
class TwinTrack:
    """A track on its way into the console.

    Attributes:
        audio: shape (batch, channels, samples); all tracks are as long, put silence behind the shorter ones.
        settings: of its strip.
        group: name of the group that it goes to; None goes to the mix.
        link: a word that linked tracks share; their stages are those of the first and act together.
    """

    audio: Tensor
    settings: TwinSettings
    group: str | None = None
    link: str | None = None


@dataclass(frozen=True)
class TwinBuses:
    """What is behind the strips; what is left out is off.

    Attributes:
        groups: settings of the groups' strips by name.
        muted: names of groups that are left out of the mix.
        fx_bus: settings as :func:`.settings.fx_tensors` makes them.
        fx_seeds: which room, of each member of the batch.
        reverb: settings of the room.
        reverb_seeds: likewise.
        delay: settings of the echoes.
        master: settings of the master.
    """

    groups: Mapping[str, TwinSettings] = field(default_factory=dict)
    muted: frozenset[str] = frozenset()
    fx_bus: TwinSettings | None = None
    fx_seeds: Sequence[int] = ()
    reverb: TwinSettings | None = None
    reverb_seeds: Sequence[int] = ()
    delay: TwinSettings | None = None
    master: TwinSettings | None = None

    @classmethod
    def of(cls, preset: Preset) -> TwinBuses:
        """The buses of a preset, as a batch of one."""
        return cls(
            {bus.name: tensors([bus.strip]) for bus in preset.buses},
            frozenset(bus.name for bus in preset.buses if bus.mute),
            fx_tensors([preset.fx_bus]),
            [preset.fx_bus.seed],
            tensors([preset.reverb]),
            [preset.reverb.seed],
            tensors([preset.delay]),
            tensors([preset.master]),
        )


def preset_sound(stems: Mapping[str, Tensor], preset: Preset, sample_rate_hz: int) -> Tensor:
    """Plays a preset on stems, muted tracks left out, without loudness target and ceiling; shape (1, 2, samples).

    Args:
        stems: by track name, shape (channels, samples), equally long; a tail behind their end is cut off.
        preset: with a track for each stem.
        sample_rate_hz: of the stems.
    """
    tracks = [track for track in preset.tracks if not track.mute]
    missing = sorted(track.name for track in tracks if track.name not in stems)
    if missing:
        raise PresetError(
            f"tracks without a stem: {', '.join(map(repr, missing))}. Give each track its stem, or mute it."
        )
    sounds = [TwinTrack(stems[each.name][None], tensors([each.strip]), each.bus, each.link) for each in tracks]
    return console_sound(sounds, TwinBuses.of(preset), sample_rate_hz)


def console_sound(tracks: Sequence[TwinTrack], routing: TwinBuses, sample_rate_hz: int) -> Tensor:
    """Mixes tracks, shape (batch, 2, samples): as long as they are."""
    strips = _strips(tracks, sample_rate_hz)
    mix = torch.zeros_like(strips[0].audio)
    sums: dict[str, Tensor] = {}
    sent: list[Tensor | None] = [None, None, None]
    for track, strip in zip(tracks, strips, strict=True):
        if track.group is None:
            mix = mix + strip.audio
        else:
            sums[track.group] = strip.audio if track.group not in sums else sums[track.group] + strip.audio
        if track.group not in routing.muted:
            sent = _sent(sent, strip)
    for name, audio in sums.items():
        if name in routing.muted:
            continue
        settings = in_desk_form(routing.groups[name], Strip)
        group = behind_stages(stages_sound(audio, routing.groups[name], sample_rate_hz), settings)
        mix = mix + group.audio
        sent = _sent(sent, group)
    mix = mix + _returns(sent, routing, sample_rate_hz)
    return mix if routing.master is None else master_sound(mix, routing.master, sample_rate_hz)


def _strips(tracks: Sequence[TwinTrack], sample_rate_hz: int) -> list[StripSound]:
    """Runs the strips, linked tracks as the channels of one."""
    together: dict[object, list[int]] = {}
    for place, track in enumerate(tracks):
        together.setdefault(place if track.link is None else track.link, []).append(place)
    sounds: dict[int, StripSound] = {}
    for places in together.values():
        audio = torch.cat([tracks[place].audio for place in places], dim=1)
        parts = stages_sound(audio, tracks[places[0]].settings, sample_rate_hz)
        counts = [tracks[place].audio.shape[1] for place in places]
        for place, part in zip(places, torch.split(parts, counts, dim=1), strict=True):
            sounds[place] = behind_stages(part, in_desk_form(tracks[place].settings, Strip))
    return [sounds[place] for place in range(len(tracks))]


def _sent(sums: list[Tensor | None], strip: StripSound) -> list[Tensor | None]:
    """Adds what a strip sends to each effect; an effect that nothing can be sent to stays None."""
    result: list[Tensor | None] = []
    for before, level in zip(sums, strip.sends, strict=True):
        if level.requires_grad or bool((level > 0).any()):
            audio = strip.audio * level.to(strip.audio.dtype)[:, None, None]
            result.append(audio if before is None else before + audio)
        else:
            result.append(before)
    return result


def _returns(sent: Sequence[Tensor | None], routing: TwinBuses, sample_rate_hz: int) -> Tensor:
    """The returns of all effects together; 0 where nothing is sent to any."""
    to_fx, to_reverb, to_delay = sent
    total = torch.zeros(())
    if to_fx is not None and routing.fx_bus is not None:
        total = total + fx_reverberated(to_fx, routing.fx_bus, list(routing.fx_seeds), sample_rate_hz)
    if to_delay is not None and routing.delay is not None:
        echoes = echoed(to_delay, routing.delay, sample_rate_hz)
        total = total + echoes
        level = send_factor(routing.delay["reverb_send_db"])
        if level.requires_grad or bool((level > 0).any()):
            echoes = echoes * level.to(echoes.dtype)[:, None, None]
            to_reverb = echoes if to_reverb is None else to_reverb + echoes
    if to_reverb is not None and routing.reverb is not None:
        total = total + reverberated(to_reverb, routing.reverb, list(routing.reverb_seeds), sample_rate_hz)
    return total
