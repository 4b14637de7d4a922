"""Measures a whole song against the published way of doing it, and writes benchmarks/published.md.

    python benchmarks/published.py --dasp FOLDER            eight stems of three minutes; needs torch; minutes
    python benchmarks/published.py --dasp FOLDER --quick    short, to see that it runs; to another page

The published way is Diff-MST's (Vanka et al., ISMIR 2024): its architecture in torch eager, as this project builds it
to load its checkpoints, on one passage of 262,144 samples, and its console from dasp-pytorch (Apache-2.0, which FOLDER
holds: `pip install --no-deps --target FOLDER dasp-pytorch==0.0.1`), in windows of that length. No weights of it are
public, so they are random. None of Diff-MST's own code is used.
Figures are processor times of all threads, of fresh processes, imports left out: they hold where other work goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile as sf
from measure import Spread, peak_bytes
from published_page import CROSSFADE, RATE_HZ, WARM_UP, WINDOW, Side, published_page
from session import stem_files, write_session

Result = TypeVar("Result")
Seconds = dict[str, float]

_TRACK_LOOKAHEAD, _MASTER_LOOKAHEAD = 2048, 1024
_TRACK_LUFS = -48.0
_BANDS = ("low_shelf", "band0", "band1", "band2", "band3", "high_shelf")
_DYNAMICS = ("threshold_db", "ratio", "attack_ms", "release_ms", "knee_db")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dasp", type=Path, required=True, metavar="FOLDER", help="that holds dasp_pytorch")
    parser.add_argument("--quick", action="store_true", help="short and coarse")
    parser.add_argument("--rounds", type=int, default=1, help="of all but the published way, which is run once")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        kind, session, output = options.child
        sys.path.insert(0, str(options.dasp))
        print(json.dumps(_CHILDREN[kind](Path(session), Path(output))))
        return
    length_s, rounds = (12.0, 1) if options.quick else (180.0, options.rounds)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mixbridge-published-") as folder:
        work = Path(folder)
        write_session(work, length_s)
        ours = _run("mix", options.dasp, work, rounds)
        bare_ours = _run("mix-alone", options.dasp, work, rounds)
        chain = _run("chain", options.dasp, work, rounds)
        deciding = _run("deciding", options.dasp, work, 1)
        published = _run("published", options.dasp, work, 1)
        flat = _distance(_flat(work), work / "reference.wav")
    page = published_page(length_s, load, ours, bare_ours, chain, deciding, published, flat)
    output = Path(__file__).with_name("published-quick.md" if options.quick else "published.md")
    output.write_text(page, encoding="utf-8")
    print(f"written: {output}", file=sys.stderr)


def _run(kind: str, dasp: Path, work: Path, rounds: int) -> Side:
    command = [sys.executable, __file__, "--dasp", str(dasp), "--child", kind, str(work), str(work / kind)]
    runs = []
    for _ in range(rounds):
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"{time.strftime('%H:%M:%S')} {kind}: {runs[-1]['seconds']:.1f} s", file=sys.stderr)
    mix = work / kind / "mix.wav"
    return Side(
        Spread(tuple(run["seconds"] for run in runs)),
        {part: Spread(tuple(run["parts"][part] for run in runs)).median for part in runs[0]["parts"]},
        max(run["peak_bytes"] for run in runs),
        _distance(sf.read(mix, dtype="float32", always_2d=True)[0].T, work / "reference.wav") if mix.exists() else None,
        len(list((work / kind).rglob("*.wav"))),
    )


def _distance(mix: np.ndarray, reference: Path) -> float:
    """Features of a mix against those of the reference, both whole, and as loud."""
    from mixbridge.runtime.audio.loudness import integrated_loudness
    from mixbridge.runtime.model.features import feature_distance, mix_features

    song = sf.read(reference, dtype="float32", always_2d=True)[0].T
    gain_db = integrated_loudness(song, RATE_HZ) - integrated_loudness(mix, RATE_HZ)
    return feature_distance(mix_features(mix * np.float32(10 ** (gain_db / 20))), mix_features(song)).total


def _flat(work: Path) -> np.ndarray:
    """All tracks equally loud in the middle, and nothing else."""
    from mixbridge.runtime.audio.loudness import integrated_loudness

    mix = np.zeros((2, 1), np.float32)
    for path in stem_files(work).values():
        audio = sf.read(path, dtype="float32", always_2d=True)[0].T
        mix = mix + audio * np.float32(10 ** ((-30 - integrated_loudness(audio, RATE_HZ)) / 20))
    return mix


# --- in processes of their own


def _mix(work: Path, output: Path) -> dict[str, Any]:
    return _mixed(work, output, stems=True)


def _mix_alone(work: Path, output: Path) -> dict[str, Any]:
    return _mixed(work, output, stems=False)


def _mixed(work: Path, output: Path, *, stems: bool) -> dict[str, Any]:
    """What `mixbridge mix` does, without its report."""
    from mixbridge.bridge.jobs import run_mix
    from mixbridge.runtime.rendering.render import RenderOptions

    marks: Seconds = {}

    def note(_share: float, step: str) -> None:
        marks.setdefault(step, time.process_time())

    options = RenderOptions(stems=stems, overwrite=True)
    begin = time.process_time()
    run_mix(stem_files(work), work / "reference.wav", output, report=False, render_options=options, progress=note)
    end = time.process_time()
    times = [begin, marks["rendering the tracks"], marks["finishing the mix"], end]
    names = ("decides", "renders the tracks", "finishes the mix")
    return _told(end - begin, {name: b - a for name, a, b in zip(names, times, times[1:], strict=False)})


def _chain(work: Path, output: Path) -> dict[str, Any]:
    """Bare pedalboard, with the settings that `mix` chose."""
    from mixbridge import load_preset
    from workloads import chain_of

    preset = load_preset(work / "mix" / "preset.json")
    begin = time.process_time()
    chain_of(preset, stem_files(work), output)
    return _told(time.process_time() - begin, {})


class _AtOnce(Executor):
    """Does each thing when it is handed over, so that processor time belongs to one thing at a time."""

    def __init__(self, *_: Any, **__: Any):
        pass

    def submit(self, work: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Do it now."""
        done: Future[Result] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done


def _deciding(work: Path, _output: Path) -> dict[str, Any]:
    """Where the time goes that is spent before the first track is rendered for good."""
    import concurrent.futures

    concurrent.futures.ThreadPoolExecutor = _AtOnce  # type: ignore[assignment,misc]
    from mixbridge.runtime import mixing, predicting
    from mixbridge.runtime.mastering import evening
    from mixbridge.runtime.prediction import predict, trial

    parts: Seconds = {}
    under: list[float] = []

    def timed(module: Any, name: str, part: str) -> None:
        inner = getattr(module, name)

        def outer(*args: Any, **kwargs: Any) -> Any:
            begin = time.process_time()
            under.append(0.0)
            try:
                return inner(*args, **kwargs)
            finally:
                took = time.process_time() - begin
                parts[part] = parts.get(part, 0.0) + took - under.pop()
                if under:
                    under[-1] += took

        setattr(module, name, outer)

    timed(predict, "cut_passage", "hears the stems, whole, and chooses passages")
    timed(predict, "hear_songs", "hears the reference likewise")
    timed(predict, "_source", "hashes the files")
    timed(predicting, "reference_profile", "measures the reference for the master")
    timed(evening.BusPassages, "bus", "renders passages all over the song for the master")
    timed(evening, "BusPassages", "renders passages all over the song for the master")
    timed(trial, "render_mix", "trial mixes of the passage: guard rails, confidence")
    timed(trial, "render_arrays", "trial mixes of the passage: guard rails, confidence")
    timed(predict, "assured", "weighs guard rails and confidence")
    timed(predicting, "fit_upright", "fits the master, and keeps the mix upright")
    begin = time.process_time()
    mixing.predict(stem_files(work), work / "reference.wav")
    took = time.process_time() - begin
    parts["the rest: model, roles, practice"] = took - sum(parts.values())
    return _told(took, parts)


def _published(work: Path, output: Path) -> dict[str, Any]:
    """Reads the stems, predicts settings from one passage, mixes in windows, writes the mix."""
    import torch
    from mixbridge.export.reference.model import ReferenceModel

    torch.manual_seed(0)
    torch.set_num_threads(1)
    marks = [time.process_time()]
    model = ReferenceModel().eval()
    marks.append(time.process_time())
    tracks, reference = _heard(work)
    marks.append(time.process_time())
    start = (tracks.shape[1] - WINDOW) // 2
    with torch.inference_mode():
        outputs = model(
            torch.from_numpy(tracks[:, start : start + WINDOW]),
            torch.from_numpy(reference[:, start : start + WINDOW].copy()),
        )
        del model
        marks.append(time.process_time())
        mix = _windowed(torch.from_numpy(tracks), outputs)
    marks.append(time.process_time())
    output.mkdir(parents=True, exist_ok=True)
    sf.write(output / "mix.wav", mix.T, RATE_HZ, "PCM_24")
    marks.append(time.process_time())
    names = ("builds the model", "reads, sets to -48 LUFS", "predicts", "mixes in windows", "writes the mix")
    return _told(marks[-1] - marks[0], {name: b - a for name, a, b in zip(names, marks, marks[1:], strict=False)})


def _heard(work: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mono tracks at -48 LUFS, each channel of a stereo stem as one, and the reference."""
    from mixbridge.runtime.audio.loudness import integrated_loudness

    channels = []
    for path in stem_files(work).values():
        channels += list(sf.read(path, dtype="float32", always_2d=True)[0].T)
    start = (len(channels[0]) - WINDOW) // 2
    levels = [integrated_loudness(channel[None, start : start + WINDOW], RATE_HZ) for channel in channels]
    gains = [np.float32(10 ** ((_TRACK_LUFS - level) / 20)) for level in levels]
    reference = sf.read(work / "reference.wav", dtype="float32", always_2d=True)[0].T
    return np.stack([channel * gain for channel, gain in zip(channels, gains, strict=True)]), reference


def _windowed(tracks: Any, outputs: Any) -> np.ndarray:
    """The console of dasp-pytorch on window after window, which overlap by a warm-up and a crossfade."""
    from mixbridge.export.reference.console import denormalize_tensor
    from mixbridge.runtime.model.layout import reference_layout

    layout = reference_layout(RATE_HZ)
    strips = denormalize_tensor(layout.track, outputs.track_params)
    master = {name: value[None] for name, value in denormalize_tensor(layout.master, outputs.master_bus_params).items()}
    samples = tracks.shape[1]
    mix = np.zeros((2, samples), np.float32)
    fade = np.linspace(0, 1, CROSSFADE, dtype=np.float32)
    first = 0
    while True:
        window = tracks[:, first : first + WINDOW]
        mixed = _console(window, strips, master).numpy()
        begin = first + WARM_UP if first else 0
        heard = mixed[:, begin - first :]
        if first:
            crossed = slice(begin, begin + CROSSFADE)
            mix[:, crossed] = mix[:, crossed] * (1 - fade) + heard[:, :CROSSFADE] * fade
            heard, begin = heard[:, CROSSFADE:], begin + CROSSFADE
        mix[:, begin : begin + heard.shape[1]] = heard
        if first + WINDOW >= samples:
            return mix
        first = min(first + WINDOW - WARM_UP - CROSSFADE, samples - WINDOW)


def _console(tracks: Any, strips: Mapping[str, Any], master: Mapping[str, Any]) -> Any:
    """Gain, EQ, compressor, pan, sum, and the same without pan on the master; the fx bus was never trained."""
    from dasp_pytorch.functional import gain, stereo_panner

    audio = gain(tracks[:, None], RATE_HZ, strips["input_gain_db"])
    audio = _shaped(audio, strips, _TRACK_LOOKAHEAD)
    bus = stereo_panner(audio[:, 0][None], RATE_HZ, (strips["pan"][None] + 1) / 2).sum(2)
    bus = _shaped(gain(bus, RATE_HZ, master["input_gain_db"]), master, _MASTER_LOOKAHEAD)
    return gain(bus, RATE_HZ, master["output_gain_db"])[0]


def _shaped(audio: Any, settings: Mapping[str, Any], lookahead: int) -> Any:
    from dasp_pytorch.functional import compressor, parametric_eq

    units = (("gain_db", "gain_db"), ("freq_hz", "cutoff_freq"), ("q", "q_factor"))
    eq = {f"{band}_{theirs}": settings[f"eq.{band}.{ours}"] for band in _BANDS for ours, theirs in units}
    dynamics = {name: settings[f"compressor.{name}"] for name in _DYNAMICS}
    makeup_db = settings["compressor.makeup_db"]
    audio = parametric_eq(audio, RATE_HZ, **eq)
    return compressor(audio, RATE_HZ, **dynamics, makeup_gain_db=makeup_db, lookahead_samples=lookahead)


def _told(seconds: float, parts: Mapping[str, float]) -> dict[str, Any]:
    return {"seconds": seconds, "parts": dict(parts), "peak_bytes": peak_bytes()}


_CHILDREN: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "mix": _mix,
    "mix-alone": _mix_alone,
    "chain": _chain,
    "deciding": _deciding,
    "published": _published,
}


if __name__ == "__main__":
    main()
