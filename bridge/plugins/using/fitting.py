"""Stages of a track on the user's plug-ins: fitted, measured through the plug-ins, and kept as their states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from ....presets.edit import without_input_gain
from ....presets.errors import PluginError
from ....presets.preset import Track
from ....presets.sections import is_active
from ....presets.units import gain_factor
from ....runtime.audio.reading import AudioReader, Samples
from ....runtime.console.moving.courses import Motion
from ....runtime.console.strip import Stages
from ....runtime.plugins.child import PluginState
from ....runtime.plugins.faults import PluginFaultError
from ....runtime.plugins.process import PluginInstance
from ....runtime.plugins.stage import PluginHosts, PluginSetting
from ...fitting.abilities import clamp_words
from ..response import Floats
from .choices import STAGES, PluginChoices, StageName, UserPlugin
from .compressors import CompressorFit, fit_on_programme
from .equalizers import EqFit, Values, fit_equalizer
from .shown import with_shown_laws

PROGRAMME_S: Final = 8.0
_IMPULSE_FRAMES: Final = 32768
_IMPULSE = 0.25
_QUIET_DB = -200.0
_TITLES: Final[Mapping[StageName, str]] = {"eq": "EQ", "compressor": "compressor"}


@dataclass(frozen=True)
class FittedPlugin:
    """A plug-in with its settings.

    Attributes:
        plugin: which.
        values: by canonical key.
        state: what it keeps of them; that is rendered, saved and put into sessions.
    """

    plugin: UserPlugin
    values: Values
    state: PluginState

    @property
    def words(self) -> dict[str, str]:
        """Its settings as it shows them: by label, with units; gains of 0 dB left out."""
        profile, shown = self.plugin.profile, {}
        for key, name in profile.settings.items():
            is_flat = key.endswith("gain_db") and abs(float(self.values.get(key, 0.0))) < 0.005
            if key in self.values and not is_flat:
                parameter = profile.parameters[name]
                shown[parameter.label or name] = f"{self.state.words.get(name, '')} {parameter.unit}".strip()
        return shown


@dataclass(frozen=True)
class PluggedStage:
    """A stage of a track on plug-ins.

    Attributes:
        track: its name.
        stage: "eq" or "compressor".
        plugins: in the order of the sound.
        gain_db: behind them, what no plug-in gives.
        eq: how near an EQ comes.
        compressor: how near a compressor comes.
        notes: what is not as the preset has it, in sentences.
    """

    track: str
    stage: StageName
    plugins: tuple[FittedPlugin, ...]
    gain_db: float
    eq: EqFit | None
    compressor: CompressorFit | None
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """What it is: "EQ of Lead Vox on ZamEQ2 and ZamGEQ31"."""
        names = " and ".join(item.plugin.profile.title for item in self.plugins)
        return f"{_TITLES[self.stage]} of {self.track} on {names}"

    @property
    def loss(self) -> str:
        """What is lost, in dB."""
        if self.eq is not None:
            return f"{self.eq.mean_db:.2f} dB off on average from 50 Hz to 15 kHz, {self.eq.max_db:.1f} dB at most"
        fit = self.compressor
        if fit is None or fit.wanted_db is None or fit.given_db is None:
            error_db = fit.curve_error_db if fit else 0.0
            return f"static curve {error_db:.1f} dB off at most; not measured on the track: give its stem for that"
        return (
            f"turns down {fit.given_db:z.2f} dB on average where mixbridge's own turns down {fit.wanted_db:z.2f} dB, "
            f"{fit.apart_db:.2f} dB apart over time"
        )

    @property
    def settings(self) -> tuple[PluginSetting, ...]:
        """The plug-ins as the renderer takes them."""
        last = len(self.plugins) - 1
        return tuple(
            PluginSetting(item.plugin.file, item.state.preset, gain=gain_factor(self.gain_db) if place == last else 1.0)
            for place, item in enumerate(self.plugins)
        )


def fit_tracks(
    hosts: PluginHosts,
    choices: PluginChoices,
    tracks: Sequence[Track],
    sample_rate_hz: int,
    stems: Mapping[str, Path] | None = None,
    without: frozenset[str] = frozenset(),
) -> Iterator[PluggedStage]:
    """Fit what plug-ins are chosen for and does something.

    Args:
        hosts: of the plug-ins.
        choices: which plug-ins are meant.
        tracks: of the preset.
        sample_rate_hz: of the audio.
        stems: their audio, by track; without it compressors are fitted by their static curve.
        without: names of plug-ins that failed: stages with one of them stay mixbridge's own.

    Raises:
        PluginError: a plug-in cannot be used.
        AudioError: a stem cannot be read.
    """
    seen: set[str] = set()
    for track in tracks:
        if track.link is not None:
            if track.link in seen:
                continue  # the first of linked tracks sets all of them
            seen.add(track.link)
        for stage in STAGES:
            plugins = choices.chosen(track.name, stage)
            failed = any(item.file.words in without for item in plugins)
            if not plugins or failed or not is_active(without_input_gain(track.strip), stage):
                continue
            if Motion(track.strip, track.lanes, sample_rate_hz).moving(stage):
                continue  # see `unplugged`
            try:
                yield _fitted(hosts, plugins, track, stage, sample_rate_hz, (stems or {}).get(track.name))
            except PluginFaultError as fault:
                raise fault.on(track.name) from fault


def unplugged(choices: PluginChoices, tracks: Sequence[Track], sample_rate_hz: int) -> Iterator[str]:
    """Say which stages stay mixbridge's own although a plug-in is chosen: those whose settings move."""
    for track in tracks:
        for stage in STAGES:
            if choices.chosen(track.name, stage) and Motion(track.strip, track.lanes, sample_rate_hz).moving(stage):
                yield f"{track.name}: its {_TITLES[stage]} moves, which plug-ins do not: mixbridge's own stands there."


def _fitted(
    hosts: PluginHosts,
    plugins: Sequence[UserPlugin],
    track: Track,
    stage: StageName,
    sample_rate_hz: int,
    stem: Path | None,
) -> PluggedStage:
    notes = [note for item in plugins for note in _plugin_notes(item)]
    if not all(item.is_here for item in plugins):
        fit = _by_profiles(plugins, track, stage, sample_rate_hz)
        return replace(fit, notes=tuple(f"{track.name}: {note}" for note in [*notes, *fit.notes]))
    strip = without_input_gain(track.strip)
    channels = 1 if stem is None else AudioReader(stem, sample_rate_hz).info.channels
    instances = [hosts.process_of(item.file).open(channels, sample_rate_hz) for item in plugins]
    told = [with_shown_laws(item.profile, instance) for item, instance in zip(plugins, instances, strict=True)]
    plugins = [replace(item, profile=profile) for item, (profile, _) in zip(plugins, told, strict=True)]
    notes += [note for _, its in told for note in its]
    eq: EqFit | None = None
    compressor: CompressorFit | None = None
    if stage == "eq":
        measure = measured_by(plugins, instances, sample_rate_hz)
        eq = fit_equalizer(strip.eq, [item.profile for item in plugins], sample_rate_hz, measure)
        values, gain_db = eq.values, 0.0
    else:
        programme = None if stem is None else _programme(track, stem, sample_rate_hz)
        respond = _respond(plugins[0], instances[0])
        compressor = fit_on_programme(strip.compressor, plugins[0].profile, sample_rate_hz, programme, respond)
        values, gain_db = (compressor.values,), compressor.gain_db
        notes += _compressor_notes(track, compressor)
        if channels > instances[0].channels:
            notes.append("the plug-in is mono: left and right are turned down each by itself.")
    fitted = tuple(
        FittedPlugin(item, chosen, instance.state(item.profile.raw_values(chosen)))
        for item, chosen, instance in zip(plugins, values, instances, strict=False)
    )
    for instance in instances:
        instance.close()
    return PluggedStage(track.name, stage, fitted, gain_db, eq, compressor, tuple(f"{track.name}: {n}" for n in notes))


def _by_profiles(plugins: Sequence[UserPlugin], track: Track, stage: StageName, sample_rate_hz: int) -> PluggedStage:
    """Fit plug-ins that are on another machine, by what their profiles know."""
    strip = without_input_gain(track.strip)
    for item in plugins:
        unread = [p.label or name for name, p in item.profile.parameters.items() if p.is_read]
        if unread:
            raise PluginError(
                f"{item.profile.title} is not on this machine: the laws of {', '.join(unread)} can only be read from "
                "the plug-in itself. Install it here, too, or measure a profile where it is."
            )
    away = " and ".join(item.profile.name for item in plugins if not item.is_here)
    notes = [f"{away} cannot be loaded on this machine: fitted by the profile alone, its sound was not measured."]
    eq: EqFit | None = None
    compressor: CompressorFit | None = None
    if stage == "eq":
        eq = fit_equalizer(strip.eq, [item.profile for item in plugins], sample_rate_hz)
        values, gain_db = eq.values, 0.0
    else:
        compressor = fit_on_programme(strip.compressor, plugins[0].profile, sample_rate_hz)
        values, gain_db = (compressor.values,), compressor.gain_db
        notes += _compressor_notes(track, compressor)
    fitted = tuple(
        FittedPlugin(item, chosen, PluginState(b"", item.profile.raw_values(chosen), {}))
        for item, chosen in zip(plugins, values, strict=False)
    )
    return PluggedStage(track.name, stage, fitted, gain_db, eq, compressor, tuple(notes))


def _compressor_notes(track: Track, fit: CompressorFit) -> Iterator[str]:
    for clamp in fit.clamped:
        yield f"{clamp_words(clamp)}."
    if track.strip.compressor.lookahead_ms:
        yield f"its look-ahead of {track.strip.compressor.lookahead_ms:g} ms is left out."


def _plugin_notes(plugin: UserPlugin) -> Iterator[str]:
    if not plugin.profile.measured:
        yield (
            f"the profile of {plugin.profile.name} is from documents and was not measured: `mixbridge plugin measure` "
            "makes one of your own."
        )


def measured_by(
    plugins: Sequence[UserPlugin], instances: Sequence[PluginInstance], sample_rate_hz: int
) -> Callable[[Sequence[Values], Floats], Floats]:
    """Make what asks plug-ins in a row what they do to an impulse, in dB at frequencies in Hz."""
    frames = _IMPULSE_FRAMES * max(1, round(sample_rate_hz / 48000))
    bins_hz = np.fft.rfftfreq(frames, 1 / sample_rate_hz)

    def measure(values: Sequence[Values], freqs_hz: Floats) -> Floats:
        total = np.zeros(len(freqs_hz))
        for plugin, instance, chosen in zip(plugins, instances, values, strict=False):
            impulse = np.zeros((instance.channels, frames), np.float32)
            impulse[:, 0] = _IMPULSE
            heard = instance.respond(plugin.profile.raw_values(chosen), impulse)[0]
            gain = np.abs(np.fft.rfft(heard.astype(np.float64) / _IMPULSE))
            total += np.interp(freqs_hz, bins_hz, 20 * np.log10(np.maximum(gain, 10 ** (_QUIET_DB / 20))))
        return total

    return measure


def _respond(plugin: UserPlugin, instance: PluginInstance) -> Callable[[Mapping[str, float | str], Samples], Samples]:
    def respond(values: Mapping[str, float | str], audio: Samples) -> Samples:
        raw = plugin.profile.raw_values(values)
        if len(audio) == instance.channels:
            return instance.respond(raw, audio)
        if len(audio) == 1:
            mean: Samples = instance.respond(raw, np.repeat(audio, 2, axis=0)).mean(axis=0, keepdims=True)
            return mean
        return np.concatenate([instance.respond(raw, row[None]) for row in audio])

    return respond


def _programme(track: Track, stem: Path, sample_rate_hz: int) -> Samples:
    """Read the loudest passage of a track as it reaches the compressor, shape (channels, n)."""
    reader = AudioReader(stem, sample_rate_hz)
    stages = Stages(track.strip, reader.info.channels, sample_rate_hz)
    blocks = [stages.toned(block) for block in reader]
    audio = np.concatenate(blocks, axis=1)
    frames = round(PROGRAMME_S * sample_rate_hz)
    if audio.shape[1] <= frames:
        return np.ascontiguousarray(audio)
    power = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64).sum(axis=0))])
    begin = int(np.argmax(power[frames:] - power[:-frames]))
    return np.ascontiguousarray(audio[:, begin : begin + frames])
