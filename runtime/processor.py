"""The drop-in for pipelines that mix one vocal: a numpy array in, a numpy array out; whole, or block by block."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from ..presets.checking.arguments import checked_number, checked_path, checked_switch
from ..presets.checking.claims import with_claims_of
from ..presets.console import replace
from ..presets.edit import check_amount, scaled
from ..presets.errors import AudioError, OutputError, PresetError
from ..presets.inserts.insert import FULL_STRENGTH_DB
from ..presets.preset import Preset
from ..presets.roles import Role
from ..presets.units import gain_factor
from .audio.arrays import Layout, check_layout, checked_rate, from_array, to_layout
from .audio.loudness import integrated_loudness
from .audio.reading import Samples
from .inserts.choosing import denoise_insert
from .inserts.cleaning import StreamCleaner, floors_of
from .inserts.deepfilter.weights import load_graphs
from .model.analysis import heard_in
from .model.bundle import DEFAULT_MODEL, Manifest, open_bundle
from .model.controller import Controller
from .model.excerpts import SILENT_LUFS
from .model.providers import Provider, check_provider
from .model.references import AnyReference, Reference, blended, cut_reference, hear_reference, references_of
from .prediction.confidence import at_amount
from .prediction.predict import predict, predict_safely
from .rendering.render import CEILING_RANGE_DBTP, LOUDNESS_RANGE_LUFS
from .rendering.track_stream import FinishedStream, TrackStream, loudness_gain
from .styles.deciding import StyledModel, predict_in_style
from .styles.session import check_reference

_TRACK = "Vocal"
_VOCAL: Mapping[str, Role] = {_TRACK: "lead vocal"}


@dataclass(frozen=True)
class _Settings:
    """What was decided for a track, and what its blocks have to be like."""

    preset: Preset | None
    gain: float
    layout: Layout
    channels: int
    sample_rate_hz: int
    floors: NDArray[np.float32] | None = None


class _CleanedStream:
    """A stream of blocks that are cleaned before they are mixed."""

    def __init__(self, cleaner: StreamCleaner, finished: FinishedStream):
        self._cleaner, self._finished = cleaner, finished
        self.latency_samples = cleaner.latency_samples + finished.latency_samples

    def process(self, block: Samples) -> Samples:
        return self._finished.process(self._cleaner.process(block))

    def flush(self) -> Samples:
        last = self._finished.process(self._cleaner.flush())
        return np.concatenate((last, self._finished.flush()), axis=1)


@dataclass(frozen=True)
class _Towards:
    """A network, and what is heard of a reference."""

    controller: Controller
    reference: Samples

    @property
    def sample_rate_hz(self) -> int:
        """At which it hears."""
        return self.controller.manifest.sample_rate_hz

    @property
    def window_samples(self) -> int:
        """Length of a passage that it hears."""
        return self.controller.manifest.window_samples


class AudioProcessor:
    """Mixes one track in the style of a reference, or in that of a model that has learned one.

        process = AudioProcessor(reference="song.wav", sample_rate=48000).process
        mixed = process(vocal)

        process = AudioProcessor(model_path="my-model.zip", use_ml_model=True, sample_rate=44100).process

    The track stays in the middle, under the ceiling, and at its own loudness unless another is asked for; with a
    model's own style it is as loud as that makes it. For audio that comes block by block, the settings are predicted
    once:

        processor.prepare(vocal)
        blocks = [processor.process(block) for block in stream]
        rest = processor.flush()

    Blocks and rest together are what `process(vocal)` gives in one go. A processor may mix whole tracks on several
    threads at once; a stream of blocks belongs to one thread. Another process makes a processor of its own.

    Args:
        model: a bundle (a folder or a `.zip`), the name of a model that ships, or a loaded controller.
        reference: a finished song, or a vocal that sounds as this one should: a file, or audio in memory; or several,
            a list of files and of :class:`mixbridge.Reference` with weights, or weights by file. A model with a style
            of its own takes none.
        model_path: another name of `model`, as pipelines have it that called a model of their own.
        use_ml_model: off, audio passes as it is, to compare with.
        sample_rate: of the audio to come, in Hz; may also be given with it.
        reference_sample_rate: of a reference in memory; None for `sample_rate`.
        provider: "auto", "cuda" or "cpu".
        amount: 0 neutral, 1 as predicted, up to 1.5.
        guard_rails: hold settings that would ruin the track, and do less where the model would do worse than none.
        loudness_lufs: of the result, -70..0; None keeps that of the input, or takes that of the model's style.
        ceiling_dbtp: no true peak of the result is over it, -40..0.
        layout: of the audio to come; None tells it from the shape.
        clean_db: remove noise before the track is heard and mixed, by so many dB at most, 0..100 (30 is usual); None
            leaves it. Needs the extra `clean`. What is prepared tells the noise floor of its blocks.

    Attributes:
        preset: the settings that were predicted last; None before.

    Raises:
        MixbridgeError: an argument is of another kind or out of its range.
        AudioError: the reference cannot be used.
        ModelError: the model cannot be loaded.
    """

    def __init__(
        self,
        model: str | Path | Controller = DEFAULT_MODEL,
        *,
        reference: AnyReference | ArrayLike | None = None,
        model_path: str | Path | None = None,
        use_ml_model: bool = True,
        sample_rate: float | None = None,
        reference_sample_rate: float | None = None,
        provider: Provider = "auto",
        amount: float = 1.0,
        guard_rails: bool = True,
        loudness_lufs: float | None = None,
        ceiling_dbtp: float = -1.0,
        layout: Layout | None = None,
        clean_db: float | None = None,
    ) -> None:
        if clean_db is not None:
            clean_db = checked_number(clean_db, "the strength of the cleaning in dB", 0, FULL_STRENGTH_DB, PresetError)
            load_graphs()
        self._clean_db = clean_db
        check_provider(provider)
        check_amount(amount)
        check_layout(layout)
        checked_switch(guard_rails, "guard_rails", PresetError)
        if loudness_lufs is not None:
            loudness_lufs = checked_number(loudness_lufs, "a loudness in LUFS", *LOUDNESS_RANGE_LUFS, OutputError)
        ceiling_dbtp = checked_number(ceiling_dbtp, "a ceiling in dBTP", *CEILING_RANGE_DBTP, OutputError)
        self._sample_rate_hz = None if sample_rate is None else checked_rate(sample_rate)
        self._guard_rails = guard_rails
        self._amount, self._loudness_lufs, self._ceiling = amount, loudness_lufs, gain_factor(ceiling_dbtp)
        self._layout = layout
        checked_switch(use_ml_model, "use_ml_model", PresetError)
        rate = reference_sample_rate if reference_sample_rate is not None else sample_rate
        chosen = model if model_path is None else model_path
        self._hearing = _hearing(chosen, provider, reference, rate) if use_ml_model else None
        self.preset: Preset | None = None
        self._prepared: _Settings | None = None
        self._stream: FinishedStream | _CleanedStream | None = None

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an AudioProcessor holds a loaded model and cannot be sent to another process: make one in each, e.g. in "
            "the initializer of the pool"
        )

    def prepare(self, audio: ArrayLike, sample_rate: float | None = None) -> Preset | None:
        """Predict the settings for a track; :meth:`process` then takes its blocks, and predicts no more.

        Args:
            audio: the track, or a part of it that is like the rest: as for :meth:`process`. Its loudness decides the
                gain of all blocks.
            sample_rate: in Hz; None for that of the processor.

        Returns:
            The settings; None for silence, which then passes as it is.

        Raises:
            AudioError: as for :meth:`process`.
        """
        _, settings, _ = self._decided(audio, sample_rate)
        self._prepared, self._stream = settings, self._started(settings)
        return settings.preset

    @property
    def latency_samples(self) -> int:
        """How many samples :meth:`process` holds back of a stream of blocks; 0 without :meth:`prepare`."""
        return 0 if self._prepared is None else self._started(self._prepared).latency_samples

    def process(self, audio: ArrayLike, sample_rate: float | None = None) -> Samples:
        """Mix a whole track, or after :meth:`prepare` its next block.

        Args:
            audio: floats, full scale 1.0, shape (n,), (1, n), (2, n), (n, 1) or (n, 2): an array or lists. Blocks have
                the layout of the track that was prepared, and any length.
            sample_rate: in Hz; None for that of the processor, or of what was prepared.

        Returns:
            float32 in the same layout. Silence comes back as it is. A whole track has its length. Of a stream, the
            first blocks are shorter by :attr:`latency_samples` in all: what comes out belongs to what came in first,
            and :meth:`flush` gives the rest.

        Raises:
            AudioError: another shape, one that has two meanings (say `layout`), samples that are no finite numbers,
                integers, a rate outside 8..192 kHz, or a block that is unlike what was prepared.
        """
        if self._prepared is not None and self._stream is not None:
            block = _block(audio, sample_rate, self._prepared)
            return to_layout(self._stream.process(block), self._prepared.layout)
        samples, settings, mix = self._decided(audio, sample_rate)
        if settings.preset is None:
            return np.array(audio, dtype=np.float32)
        # The mix is there already: it only has to be finished.
        finishing = FinishedStream(None, settings.gain, self._ceiling, samples.shape[0], settings.sample_rate_hz)
        done = np.concatenate([finishing.process(mix), finishing.flush()], axis=1)
        return to_layout(done, settings.layout)

    def flush(self) -> Samples:
        """Give what a stream of blocks still holds back, and begin a new one with the same settings.

        Raises:
            AudioError: nothing was prepared.
        """
        if self._prepared is None or self._stream is None:
            raise AudioError("there is no stream to end: prepare one first")
        rest = self._stream.flush()
        self._stream = self._started(self._prepared)
        return to_layout(rest, self._prepared.layout)

    def _started(self, settings: _Settings) -> FinishedStream | _CleanedStream:
        channels, rate_hz = settings.channels, settings.sample_rate_hz
        track = TrackStream(settings.preset, channels, rate_hz) if settings.preset is not None else None
        finished = FinishedStream(track, settings.gain, self._ceiling, channels, rate_hz)
        if self._clean_db is None or settings.floors is None:
            return finished
        return _CleanedStream(StreamCleaner(channels, rate_hz, self._clean_db, settings.floors), finished)

    def _decided(self, audio: ArrayLike, sample_rate: float | None) -> tuple[Samples, _Settings, Samples]:
        """A track's samples, the settings for it, and its mix before loudness and ceiling."""
        rate_hz = checked_rate(self._sample_rate_hz if sample_rate is None else sample_rate)
        samples, layout = from_array(audio, self._layout)
        loudness = integrated_loudness(samples, rate_hz)
        if loudness < SILENT_LUFS or self._hearing is None:
            return samples, _Settings(None, 1.0, layout, samples.shape[0], rate_hz), samples
        floors = None if self._clean_db is None else floors_of(samples, rate_hz)
        if self._clean_db is not None:
            cleaner = StreamCleaner(samples.shape[0], rate_hz, self._clean_db, floors)
            samples = np.concatenate((cleaner.process(samples), cleaner.flush()), axis=1)
        preset = self._predicted(self._hearing, samples, rate_hz)
        preset = self.preset = preset if self._clean_db is None else _cleaned(preset, self._clean_db)
        track = TrackStream(preset, samples.shape[0], rate_hz)
        mix = np.concatenate([track.process(samples), track.flush()], axis=1)[: samples.shape[0]]
        target = loudness if self._loudness_lufs is None else self._loudness_lufs
        is_level_told = self._loudness_lufs is None and isinstance(self._hearing, StyledModel)
        gain = 1.0 if is_level_told else loudness_gain(integrated_loudness(mix, rate_hz), target)
        return samples, _Settings(preset, gain, layout, samples.shape[0], rate_hz, floors), mix

    def _predicted(self, hearing: StyledModel | _Towards, samples: Samples, sample_rate_hz: int) -> Preset:
        rate_hz, length = hearing.sample_rate_hz, hearing.window_samples
        heard = samples if sample_rate_hz == rate_hz else soxr.resample(samples.T, sample_rate_hz, rate_hz).T
        passage = heard_in({_TRACK: np.ascontiguousarray(heard, np.float32)}, rate_hz, length)
        if isinstance(hearing, StyledModel):
            preset = predict_in_style(hearing, passage, _VOCAL, self._amount)
        elif self._guard_rails:
            safe = predict_safely(hearing.controller, passage, hearing.reference)
            preset = at_amount(hearing.controller, safe, passage, hearing.reference, self._amount)
        else:
            preset = scaled(predict(hearing.controller, passage, hearing.reference), self._amount)
        (track,) = preset.tracks
        centred = track.model_copy(update={"strip": replace(track.strip, {"pan": 0.0})})
        # What is one channel stays one: a room that is different on both sides would have no place in it.
        reverb = preset.reverb if samples.shape[0] == 2 else replace(preset.reverb, {"width": 0.0})
        return preset.model_copy(update={"tracks": (centred,), "reverb": reverb})


def _cleaned(preset: Preset, strength_db: float) -> Preset:
    """A preset that says what its track went through."""
    (track,) = preset.tracks
    named = track.model_copy(update={"inserts": (denoise_insert(strength_db),)})
    return with_claims_of(preset.model_copy(update={"tracks": (named,)}), preset)


def _hearing(
    model: str | Path | Controller,
    provider: Provider,
    reference: AnyReference | ArrayLike | None,
    reference_rate: float | None,
) -> StyledModel | _Towards:
    """What decides: a model's own style, or a network and what is heard of the reference."""
    if reference is None:
        styled = StyledModel.of(model, provider)
        name = model.manifest.name if isinstance(model, Controller) else str(model)
        check_reference(styled, has_song=False, name=name, refines=False, matches=False)
        assert styled is not None  # or it would have been refused
        styled.ready()
        return styled
    manifest = model.manifest if isinstance(model, Controller) else open_bundle(model).manifest
    # Graphs are loaded outside of Python, which has time for the reference meanwhile.
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(_loaded, model, provider)
        heard = _reference(reference, reference_rate, manifest)
        return _Towards(loading.result(), heard)


def _loaded(model: str | Path | Controller, provider: Provider) -> Controller:
    return model if isinstance(model, Controller) else Controller(model, provider)


def _reference(reference: AnyReference | ArrayLike, sample_rate: float | None, manifest: Manifest) -> Samples:
    """What is heard of one reference, or of several with weights."""
    rate_hz, length = manifest.sample_rate_hz, manifest.reference_length

    def hear(item: Reference, samples: int) -> Samples:
        if isinstance(item.source, str | os.PathLike):
            return hear_reference(checked_path(item.source, "the reference", AudioError), rate_hz, samples)[0]
        if sample_rate is None:
            raise AudioError("the sample rate of the reference is not known: give reference_sample_rate")
        return cut_reference(from_array(item.source)[0], checked_rate(sample_rate), rate_hz, samples)

    several = references_of(reference)
    if len(several) == 1:
        return hear(several[0], length)
    total = sum(item.weight for item in several)
    return blended([(item, item.weight / total) for item in several], hear, rate_hz, length)


def _block(audio: ArrayLike, sample_rate: float | None, prepared: _Settings) -> Samples:
    if sample_rate is not None and checked_rate(sample_rate) != prepared.sample_rate_hz:
        raise AudioError(f"a block at {sample_rate} Hz does not fit what was prepared at {prepared.sample_rate_hz} Hz")
    samples, layout = from_array(audio, prepared.layout)
    if layout != prepared.layout or samples.shape[0] != prepared.channels:
        raise AudioError(
            f"a block of shape {np.shape(audio)} does not fit what was prepared: "
            f"{prepared.channels} channels, {prepared.layout}"
        )
    return samples
