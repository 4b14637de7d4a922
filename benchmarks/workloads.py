"""What is measured: each function runs in a process of its own, started by :mod:`measure`.

    python workloads.py mix SESSION OUTPUT

Arguments come as text. Libraries are imported before the clock starts, on both sides of a comparison alike.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measure import Watch, report, usable_cores
from numpy.typing import NDArray
from session import stem_files, write_linked_stems, write_session

Samples = NDArray[np.float32]
Facts = dict[str, Any]

WINDOW_SAMPLES = 262144
REFERENCE_SAMPLES = 2 * WINDOW_SAMPLES
LONG_RATE_HZ = 96_000
LONG_STEMS = 24


def make_session(watch: Watch, folder: str, seconds: str) -> Facts:
    """Writes the session."""
    write_session(Path(folder), float(seconds))
    return {}


def mix(watch: Watch, folder: str, output: str, report_too: str) -> Facts:
    """The whole `mix` of the command line (or of the library, without the report), and where its time goes."""
    from mixbridge.bridge.jobs import run_mix

    shutil.rmtree(output, ignore_errors=True)
    steps: dict[str, float] = {}

    def note(_share: float, step: str) -> None:
        steps.setdefault(step, time.perf_counter())

    with watch.time("all"):
        begin = time.perf_counter()
        done = run_mix(
            stem_files(Path(folder)),
            Path(folder) / "reference.wav",
            Path(output),
            report=report_too == "report",
            progress=note,
        )
        end = time.perf_counter()
    marks = [begin, steps["rendering the tracks"], steps["finishing the mix"], steps["done"], end]
    parts = ("listen and predict", "render the tracks", "finish the mix", "report and deliver")
    for part, start, stop in zip(parts, marks, marks[1:], strict=False):
        watch.add(part, stop - start)
    files = sorted(Path(output).rglob("*.wav"))
    return {
        "files": len(files),
        "bytes": sum(file.stat().st_size for file in files),
        "limited_db": done.mix.render.limited_db,
        "preset": str(done.mix.preset_path),
    }


def chain(watch: Watch, folder: str, output: str, preset_path: str) -> Facts:
    """The peer: what a script with pedalboard and soundfile would do, with the settings of a preset."""
    from mixbridge import load_preset

    preset, paths = load_preset(Path(preset_path)), stem_files(Path(folder))
    with watch.time("all"):
        chain_of(preset, paths, Path(output))
    files = sorted(Path(output).rglob("*.wav"))
    return {"files": len(files), "bytes": sum(file.stat().st_size for file in files)}


def chain_of(preset: Any, paths: Mapping[str, Path], output: Path) -> None:
    """Puts stems through pedalboard's plug-ins with the settings of a preset, a file at a time, and adds them up."""
    import soundfile as sf

    shutil.rmtree(output, ignore_errors=True)
    (output / "stems").mkdir(parents=True)
    mixed = np.zeros((2, 1), np.float32)
    for track in preset.tracks:
        audio, rate_hz = sf.read(paths[track.name], dtype="float32", always_2d=True)
        board, pan = _board(track.strip, audio.shape[1])
        processed = board(audio.T, rate_hz) * pan
        mixed = mixed + processed
        sf.write(output / "stems" / f"{track.name}.wav", processed.T, rate_hz, "PCM_24")
    sf.write(output / "mix.wav", mixed.T, rate_hz, "PCM_24")


def _board(strip: Any, channels: int) -> tuple[Any, Samples]:
    from mixbridge.runtime.console.strip import pan_gains
    from pedalboard import Chain, Compressor, Gain, HighShelfFilter, LowShelfFilter, PeakFilter

    def band(kind: Any, name: str) -> Any:
        settings = getattr(strip.eq, name)
        return kind(settings.freq_hz, settings.gain_db, settings.q)

    compressor = strip.compressor
    board = Chain(
        [
            Gain(strip.input_gain_db),
            band(LowShelfFilter, "low_shelf"),
            *(band(PeakFilter, name) for name in ("band0", "band1", "band2", "band3")),
            band(HighShelfFilter, "high_shelf"),
            Compressor(compressor.threshold_db, compressor.ratio, compressor.attack_ms, compressor.release_ms),
            Gain(compressor.makeup_db + strip.fader_db),
        ]
    )
    left, right = pan_gains(strip.pan, channels)
    return board, np.array([[left], [right]], np.float32)


def apply_chain(watch: Watch, folder: str, output: str, preset_path: str, kind: str) -> Facts:
    """`apply` with its report: a preset as it is, or with every stage on and sends to reverb and delay."""
    from mixbridge import load_preset
    from mixbridge.bridge.jobs import run_apply

    shutil.rmtree(output, ignore_errors=True)
    preset = load_preset(Path(preset_path))
    chosen = preset if kind == "plain" else _all_on(preset)
    with watch.time("all"):
        done = run_apply(chosen, stem_files(Path(folder)), Path(output), report=True)
    return {"limited_db": done.mix.render.limited_db}


def _all_on(preset: Any) -> Any:
    from mixbridge.presets.console import Delay, Ducking, Reverb, replace

    stages = {
        "gate.threshold_db": -50.0,
        "gate.range_db": 12.0,
        "low_cut.freq_hz": 60.0,
        "high_cut.freq_hz": 18000.0,
        "deesser.threshold_db": -40.0,
        "deesser.range_db": 6.0,
        "saturation.drive": 1.5,
        "saturation.tone": 0.3,
        "saturation.mix": 0.5,
        "saturation.level_match": 1.0,
        "compressor.ratio": 2.5,
        "compressor.threshold_db": -30.0,
        "compressor.lookahead_ms": 2.0,
        "reverb_send_db": -20.0,
        "delay_send_db": -26.0,
    }
    tracks = tuple(track.model_copy(update={"strip": replace(track.strip, stages)}) for track in preset.tracks)
    buses = {"reverb": Reverb(ducking=Ducking(range_db=6)), "delay": Delay(reverb_send_db=-12)}
    return preset.model_copy(update={"tracks": tracks, **buses})


def idle_stages(watch: Watch, folder: str, preset_path: str, repeats: str) -> Facts:
    """Strips of a preset, and the same with nothing but the stages that it uses, in turn."""
    import soundfile as sf
    from mixbridge import load_preset
    from mixbridge.presets.edit import without_input_gain
    from mixbridge.runtime.console.compressor import CompressorProcessor
    from mixbridge.runtime.console.cut import CutProcessor
    from mixbridge.runtime.console.deesser import DeEsserProcessor
    from mixbridge.runtime.console.gate import GateProcessor
    from mixbridge.runtime.console.saturation import SaturationProcessor
    from mixbridge.runtime.console.strip import Stages, Tone

    tracks, files = load_preset(Path(preset_path)).tracks, stem_files(Path(folder))
    stems = [
        sf.read(files[track.name], frames=2_000_000, dtype="float32", always_2d=True)[0].T.copy() for track in tracks
    ]

    def through(strip: Any, audio: Samples, *, bare: bool) -> None:
        if bare:
            desk = without_input_gain(strip)
            # The twins of Stages, in its order, without those that are off.
            made = (
                GateProcessor(desk.gate, 44_100),
                CutProcessor(desk.low_cut, desk.high_cut, len(audio), 44_100),
                Tone(desk.eq, len(audio), 44_100),
                CompressorProcessor(desk.compressor, len(audio), 44_100),
                DeEsserProcessor(desk.deesser, len(audio), 44_100),
                SaturationProcessor(desk.saturation, len(audio), 44_100),
            )
            stages = [stage for stage in made if getattr(stage, "is_active", True)]
        else:
            stages = [Stages(strip, len(audio), 44_100)]
        for begin in range(0, audio.shape[1], 65_536):
            block = audio[:, begin : begin + 65_536]
            for stage in stages:
                block = stage.process(block)

    for repeat in range(int(repeats) + 1):
        # In turn, and either first, so that what disturbs the machine disturbs both.
        for bare in (repeat % 2 == 0, repeat % 2 == 1):
            with watch.time(("bare" if bare else "with idle stages") if repeat else "first"):
                for track, audio in zip(tracks, stems, strict=True):
                    through(track.strip, audio, bare=bare)
    return {}


def export_compact(watch: Watch, folder: str) -> Facts:
    """A bundle of the compact architecture with random weights, and the same weights for torch."""
    import torch
    from mixbridge.export.onnx_bundle import Description, export_bundle

    torch.manual_seed(0)
    model = _compact()
    torch.save(model.state_dict(), Path(folder) / "weights.pt")
    description = Description("random", "random weights, to be timed", "none")
    manifest = export_bundle(model, description, Path(folder) / "bundle")
    return {"parameters": manifest.parameters}


def compact_onnx(watch: Watch, folder: str, tracks: str, repeats: str) -> Facts:
    """The compact controller as the runtime runs it; each time other audio, so that nothing is cached."""
    from mixbridge.runtime.model.controller import Controller

    controller = Controller(Path(folder) / "bundle", "cpu", usable_cores())
    for repeat in range(int(repeats) + 1):
        heard, reference = _noise(int(tracks), repeat)
        name = "first" if repeat == 0 else "all"
        with watch.time(name):
            controller.predict(heard, reference)
        with watch.time("cached"):
            controller.predict(heard, reference)
    return {"threads": usable_cores()}


def compact_torch(watch: Watch, folder: str, tracks: str, repeats: str) -> Facts:
    """The same weights in torch, eager, on the same audio."""
    import torch

    torch.set_num_threads(usable_cores())
    model = _compact()
    model.load_state_dict(torch.load(Path(folder) / "weights.pt", weights_only=True))
    for repeat in range(int(repeats) + 1):
        heard, reference = _noise(int(tracks), repeat)
        name = "first" if repeat == 0 else "all"
        tracks_in, reference_in = torch.from_numpy(np.stack(heard)), torch.from_numpy(reference[None])
        with torch.inference_mode():
            with watch.time(name):
                model(tracks_in, reference_in)
            with watch.time(f"{name}: band powers"):
                model.transform(tracks_in)
                model.transform(reference_in)
    return {"threads": torch.get_num_threads()}


def _compact() -> Any:
    from mixbridge.export.compact.checkpoint import build_model
    from mixbridge.export.compact.model import CompactConfig

    return build_model(CompactConfig()).eval()


def reference_torch(watch: Watch, tracks: str) -> Facts:
    """The reference architecture, random weights, mono tracks as it takes them."""
    import torch
    from mixbridge.export.reference.model import ReferenceModel

    torch.set_num_threads(usable_cores())
    model = ReferenceModel().eval()
    heard, reference = _noise(int(tracks), 0)
    mono, short = np.concatenate(heard), np.ascontiguousarray(reference[:, :WINDOW_SAMPLES])
    with torch.inference_mode(), watch.time("all"):
        model(torch.from_numpy(mono), torch.from_numpy(short))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"threads": torch.get_num_threads(), "parameters": parameters}


def _noise(tracks: int, seed: int) -> tuple[list[Samples], Samples]:
    numbers = np.random.default_rng(seed)
    audio = 0.05 * numbers.standard_normal((tracks, 1, WINDOW_SAMPLES), np.float32)
    return list(audio), 0.05 * numbers.standard_normal((2, REFERENCE_SAMPLES), np.float32)


def make_long(watch: Watch, folder: str, seconds: str) -> Facts:
    """Writes the files of the long session."""
    write_linked_stems(Path(folder), _long_names(), float(seconds), LONG_RATE_HZ)
    return {}


def long_render(watch: Watch, folder: str, output: str) -> Facts:
    """24 stems at 96 kHz with everything on, without writing the processed stems."""
    from mixbridge.runtime.mixing import apply
    from mixbridge.runtime.rendering.render import RenderOptions

    shutil.rmtree(output, ignore_errors=True)
    stems = {name: Path(folder) / f"{name}.wav" for name in _long_names()}
    with watch.time("all"):
        result = apply(_full_preset(), stems, output, options=RenderOptions(stems=False))
    return {"seconds": result.render.frames / result.render.sample_rate_hz, "limited_db": result.render.limited_db}


def _long_names() -> list[str]:
    return [f"Track {number:02}" for number in range(1, LONG_STEMS + 1)]


def _full_preset() -> Any:
    from mixbridge.presets.console import EQ_BANDS, Master, Strip, replace
    from mixbridge.presets.preset import Preset, Track

    eq = {f"eq.{name}.gain_db": 3.0 if index % 2 else -3.0 for index, name in enumerate(EQ_BANDS)}
    dynamics = {"compressor.threshold_db": -24.0, "compressor.ratio": 3.0, "compressor.lookahead_ms": 5.0}
    strip = replace(Strip(), {**eq, **dynamics, "input_gain_db": 2.0, "saturation.drive": 1.0, "fx_send_db": -12.0})
    tracks = tuple(
        Track(name=name, strip=replace(strip, {"pan": 2 * index / (LONG_STEMS - 1) - 1, "fader_db": -15.0}))
        for index, name in enumerate(_long_names())
    )
    return Preset(tracks=tracks, master=replace(Master(), {**eq, **dynamics}))


_WORKLOADS: tuple[Callable[..., Facts], ...] = (
    make_session,
    mix,
    chain,
    apply_chain,
    idle_stages,
    export_compact,
    compact_onnx,
    compact_torch,
    reference_torch,
    make_long,
    long_render,
)

if __name__ == "__main__":
    chosen = next(workload for workload in _WORKLOADS if workload.__name__ == sys.argv[1])
    report(lambda watch: partial(chosen, watch)(*sys.argv[2:]))
