"""How near the twin is to the runtime: nulls on random settings, stage by stage and as a whole.

A null is the energy of the difference in dB of the energy of what the runtime makes. Settings are drawn over the
console's table; bands of the equalizer in the ranges of the published console's, and thresholds where sound is. The
chain is all stages of a strip, delay, fx bus and master. The reverb is not nulled but measured: its decays and levels
(:func:`room_differences`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import soundfile as sf
import torch
from numpy.typing import NDArray
from pydantic import BaseModel

from ...presets.console import SEND_OFF_DB, Delay, FxBus, Master, Parameter, Reverb, Strip, parameters, replace
from ...presets.parts.match import MatchCurve
from ...presets.preset import Preset, Track
from ...runtime.audio.reading import Samples
from ...runtime.console.buses import Buses, Extent
from ...runtime.console.effects import room as runtime_room
from ...runtime.console.effects.bands import impulse_response
from ...runtime.console.effects.delay import DelayProcessor
from ...runtime.console.effects.room import ROOM_RATE_HZ
from ...runtime.console.match import matched, response_length
from ...runtime.console.streams import ConsoleStream, Input, MasterStream
from ...runtime.console.strip import StripProcessor
from .console import preset_sound
from .echoes import echoed
from .match import match_curved
from .reverb import fx_response, room_response
from .settings import STAGES, tensors, without
from .strip import strip_sound

Drawn = Mapping[str, float]
Curve = NDArray[np.float64]
Passage = tuple[Samples, int]
"""Shape (2, samples), and the rate in Hz."""

LINEAR: Final = ("levels", "cuts", "eq", "match", "delay")
# What is drawn of a strip, by the name of the case.
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "levels": ("input_gain_db", "fader_db", "pan"),
    "cuts": ("low_cut", "high_cut"),
    "eq": ("eq",),
    "gate": ("gate",),
    "compressor": ("compressor",),
    "deesser": ("deesser",),
    "saturation": ("saturation",),
    "strip": ("input_gain_db", *STAGES, "fader_db", "pan"),
}
CASES: Final = (*_PARTS, "match", "delay", "chain")
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "input_gain_db": (-12, 12),
    "fader_db": (-30, 6),
    "output_gain_db": (-12, 12),
    "return_gain_db": (-20, 0),
    "threshold_db": (-50, -10),
    "gain_db": (-12, 12),
    "q": (0.1, 5),
    "fx_send_db": (-30, 0),
    "reverb_send_db": (-30, 0),
    "delay_send_db": (-30, 0),
    "low_shelf.freq_hz": (20, 2000),
    "band0.freq_hz": (80, 2000),
    "band1.freq_hz": (2000, 8000),
    "band2.freq_hz": (8000, 12000),
    "band3.freq_hz": (12000, 18000),
    "high_shelf.freq_hz": (6000, 18000),
    "decay_low_s": (0.3, 4),
    "decay_mid_s": (0.3, 4),
    "decay_high_s": (0.3, 4),
}


def null_db(audio: Samples, wanted: Samples) -> float:
    """Measures the energy of the difference in dB of what was wanted."""
    difference, energy = (float(np.square(part.astype(np.float64)).sum()) for part in (audio - wanted, wanted))
    return 10 * float(np.log10(difference / max(energy, 1e-30) + 1e-30))


def passages(folder: Path, length_s: float) -> list[Passage]:
    """Takes the loudest passage of each audio file in a folder, as stereo (a second side is quieter), and its rate."""
    found = []
    for path in sorted(file for file in folder.iterdir() if file.suffix in {".flac", ".wav"}):
        audio, rate_hz = sf.read(path, dtype="float32", always_2d=True)
        size = round(length_s * rate_hz)
        starts = range(0, max(1, len(audio) - size), rate_hz)
        begin = max(starts, key=lambda at: float(np.square(audio[at : at + size]).sum()))
        part = audio[begin : begin + size].T[:2]
        both = part if len(part) == 2 else np.concatenate([part, 0.6 * part])
        found.append((np.ascontiguousarray(both, np.float32), rate_hz))
    return found


def null_of(case: str, seed: int, material: Sequence[Passage]) -> tuple[float, Drawn]:
    """Nulls a case for one draw; passages take turns, and with them one channel and two."""
    audio, rate_hz = material[seed % len(material)]
    channels = 1 + seed // len(material) % 2
    return next(nulls(case, audio[:channels].copy(), rate_hz, range(seed, seed + 1)))


def nulls(case: str, audio: Samples, sample_rate_hz: int, seeds: range) -> Iterator[tuple[float, Drawn]]:
    """Nulls a case for random settings, one for each seed: the null in dB, and what was drawn.

    Args:
        case: one of `CASES`.
        audio: shape (channels, samples).
        sample_rate_hz: of it.
        seeds: of the draws.
    """
    for seed in seeds:
        rng = np.random.default_rng(seed)
        if case == "chain":
            drawn = drawn_settings(Strip, rng, (*_PARTS["strip"], "fx_send_db", "delay_send_db"))
            preset = _preset(drawn, rng)
            # Linear phase hears what comes behind the end.
            longer = np.pad(audio, ((0, 0), (0, 2 * response_length(sample_rate_hz))))
            twin = preset_sound({"Track": torch.from_numpy(longer)}, preset, sample_rate_hz)[0, :, : audio.shape[1]]
            yield null_db(twin.numpy(), runtime_console(audio, preset, sample_rate_hz)), drawn
        elif case == "delay":
            drawn = drawn_settings(Delay, rng)
            delay = replace(Delay(), drawn)
            stereo = np.broadcast_to(audio, (2, audio.shape[1])).copy()
            echoes = echoed(torch.from_numpy(stereo)[None], tensors([delay]), sample_rate_hz)[0]
            yield null_db(echoes.numpy(), DelayProcessor(delay, sample_rate_hz).process(stereo)), drawn
        elif case == "match":
            drawn = drawn_settings(MatchCurve, rng)
            match = replace(MatchCurve(), drawn)
            stereo = np.broadcast_to(audio, (2, audio.shape[1])) * np.array([[1], [0.4]], np.float32)
            curved = match_curved(torch.from_numpy(stereo)[None], tensors([match]), sample_rate_hz)[0]
            yield null_db(curved.numpy(), matched(stereo, match, sample_rate_hz)), drawn
        else:
            drawn = drawn_settings(Strip, rng, _PARTS[case])
            strip = replace(Strip(), drawn)
            settings = without(tensors([strip]), [stage for stage in STAGES if stage not in _PARTS[case]])
            twin = strip_sound(torch.from_numpy(audio)[None], settings, sample_rate_hz).audio[0]
            yield null_db(twin.numpy(), runtime_strip(audio, strip, sample_rate_hz)), drawn


def drawn_settings(part: type[BaseModel], rng: np.random.Generator, paths: tuple[str, ...] = ()) -> dict[str, float]:
    """Draws settings of a part of the console; of a strip those whose paths begin with one of these."""
    rows = parameters(part).items()
    return {path: _drawn(path, row, rng) for path, row in rows if not paths or path.split(".")[0] in paths}


def runtime_strip(audio: Samples, strip: Strip, sample_rate_hz: int) -> Samples:
    """Runs audio through the runtime's strip, without delay."""
    processor = StripProcessor(strip, audio.shape[0], sample_rate_hz)
    late = processor.latency_samples
    return processor.process(np.pad(audio, ((0, 0), (0, late))))[:, late:]


def runtime_console(audio: Samples, preset: Preset, sample_rate_hz: int) -> Samples:
    """Plays a preset of one track on audio by the runtime, master included; as long as the audio."""
    return runtime_mix({preset.tracks[0].name: audio}, preset, sample_rate_hz)


def runtime_mix(stems: Mapping[str, Samples], preset: Preset, sample_rate_hz: int) -> Samples:
    """Plays a preset on stems by the runtime, muted tracks left out, master included; all are equally long."""
    frames = next(iter(stems.values())).shape[1]
    stream = ConsoleStream(_inputs(stems, preset), Buses.of(preset), sample_rate_hz, 8192)
    mix: list[Samples] = []
    with ThreadPoolExecutor(1) as pool:
        for block in MasterStream(preset.master, sample_rate_hz).run(sums.mix for sums in stream.run(pool)):
            mix.append(block)
            # A minute of echoes may follow.
            if sum(part.shape[1] for part in mix) >= frames:
                break
    return np.concatenate(mix, axis=1)[:, :frames]


def tail_samples(preset: Preset, sample_rate_hz: int) -> int:
    """Counts the samples for which room and echoes of a preset sound on behind its tracks."""
    stems = {track.name: np.zeros((1, 0), np.float32) for track in preset.tracks}
    return Extent.of(_inputs(stems, preset), Buses.of(preset), sample_rate_hz).frames


def _inputs(stems: Mapping[str, Samples], preset: Preset) -> list[Input]:
    return [
        Input(
            track.name,
            track.strip,
            stems[track.name].shape[0],
            stems[track.name].shape[1],
            [stems[track.name]],
            lambda _block: None,
            track.bus,
            track.link,
            track.lanes,
        )
        for track in preset.tracks
        if not track.mute
    ]


def room_differences(seed: int) -> tuple[Curve, Curve]:
    """Compares the reverb of random settings with the runtime's, at 48 kHz.

    Returns:
        Decay times, twin over runtime, and levels likewise as factors, in the octaves from 125 Hz to 8 kHz and on both
        sides; not a number where the return is cut off.
    """
    reverb = replace(Reverb(), {**drawn_settings(Reverb, np.random.default_rng(seed)), "pre_delay_ms": 0.0})
    wanted = runtime_room.room_response(reverb, ROOM_RATE_HZ).astype(np.float64)
    there = room_response({path: value[0] for path, value in tensors([reverb]).items()}, reverb.seed).numpy()
    return _compared(there, wanted)


def fx_differences(seed: int) -> tuple[Curve, Curve]:
    """Compares the fx bus likewise."""
    rng = np.random.default_rng(seed)
    gains, decays = rng.uniform(-12, 0, 12), rng.uniform(0.3, 3, 12)
    bands = [{"gain_db": float(gain), "decay_s": float(decay)} for gain, decay in zip(gains, decays, strict=True)]
    wanted = impulse_response(FxBus.model_validate({"bands": bands}), ROOM_RATE_HZ).astype(np.float64)
    return _compared(fx_response(torch.from_numpy(gains), torch.from_numpy(decays), FxBus().seed).numpy(), wanted)


def _compared(there: Curve, wanted: Curve) -> tuple[Curve, Curve]:
    times, levels = zip(*(_measured(answer) for answer in (there, wanted)), strict=True)
    audible = levels[1] > 1e-3 * np.nanmax(levels[1])
    return np.where(audible, times[0] / times[1], np.nan), np.where(audible, levels[0] / levels[1], np.nan)


def _measured(answer: Curve) -> tuple[Curve, Curve]:
    """Decay in s (from 5 to 35 dB) and level, shapes (octaves, 2)."""
    from scipy.signal import butter, sosfiltfilt

    times, levels = [], []
    for centre_hz in 125 * 2.0 ** np.arange(7):
        band = butter(3, [centre_hz / 2**0.5, centre_hz * 2**0.5], "bandpass", output="sos", fs=ROOM_RATE_HZ)
        energy = np.square(sosfiltfilt(band, answer, axis=1, padlen=0))
        left = np.cumsum(energy[:, ::-1], axis=1)[:, ::-1]
        times.append([_decay_s(side) for side in left])
        levels.append(np.sqrt(left[:, 0]))
    return np.array(times), np.array(levels)


def _decay_s(left: Curve) -> float:
    level_db = 10 * np.log10(left / left[0] + 1e-30)
    begin, end = (int(np.argmax(level_db < -edge)) for edge in (5, 35))
    slope = np.polyfit(np.arange(begin, end) / ROOM_RATE_HZ, level_db[begin:end], 1)[0]
    return -60 / float(slope)


def _preset(strip: Drawn, rng: np.random.Generator) -> Preset:
    return Preset(
        tracks=(Track(name="Track", strip=replace(Strip(), strip)),),
        delay=replace(Delay(), {**drawn_settings(Delay, rng), "reverb_send_db": SEND_OFF_DB}),
        master=replace(Master(), drawn_settings(Master, rng)),
    )


def _drawn(path: str, row: Parameter, rng: np.random.Generator) -> float:
    if path.endswith("slope_db_per_octave"):
        return float(rng.choice([12, 24]))
    own = next((span for ending, span in _RANGES.items() if f".{path}".endswith(f".{ending}")), (row.low, row.high))
    if row.scale == "log":
        return float(np.exp(rng.uniform(*np.log(own))))
    return float(rng.uniform(*own))
