"""Measures how near random presets come on real plug-ins: ZamEQ2 and ZamGEQ31 in a row, and ZamComp (zam-plugins 4.1).

    python benchmarks/plugins.py --presets 1000 -o benchmarks/plugins.md

Each EQ is fitted and then measured through the plug-ins with an impulse; each compressor is fitted and measured on the
loudest seconds of a stem of the example. Every fiftieth EQ is heard, too: noise through the plug-ins' states, as a mix
would render it, against mixbridge's own strip, in third octaves.
"""

from __future__ import annotations

import argparse
import math
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mixbridge.bridge.plugins.profile import PluginProfile
from mixbridge.bridge.plugins.using.choices import PluginChoices, PluginsToml
from mixbridge.bridge.plugins.using.equalizers import HIGHEST_HZ, LOWEST_HZ, Measure, fit_equalizer
from mixbridge.bridge.plugins.using.fitting import PluggedStage, fit_tracks, measured_by
from mixbridge.presets.console import EQ_BANDS, Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.preset import Track
from mixbridge.runtime.audio.output import write_text
from mixbridge.runtime.audio.reading import probe, read_passage
from mixbridge.runtime.audio.writing import FORMATS, AudioWriter
from mixbridge.runtime.console.response import eq_response_db
from mixbridge.runtime.plugins.stage import PluginHosts
from mixbridge.runtime.rendering.in_memory import render_strip

RATE_HZ = 44100
STEMS = Path(__file__).parents[1] / "runtime/example/stems"
CHOICES = PluginChoices(Path("plugins.toml"), PluginsToml(eq=("ZamEQ2", "ZamGEQ31"), compressor=("ZamComp",)))
# Those of the model's console.
FREQS_HZ = ((20, 2000), (80, 2000), (2000, 8000), (8000, 12000), (12000, 20000), (6000, 20000))
MOST_GAIN_DB = 12.0
QS = (0.3, 5.0)
HEARD_EVERY = 10
PROGRAMME_S = 4


@dataclass(frozen=True)
class Heard:
    """What was measured of one preset in sound; errors in dB."""

    eq_mean: float
    thirds: float
    reduction: float
    reduction_error: float
    apart: float


@dataclass(frozen=True)
class Response:
    """What was measured of one EQ by an impulse; errors in dB."""

    eq_mean: float
    eq_max: float


def main() -> None:
    """Draw, fit, measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    random, begin = np.random.default_rng(options.seed), time.process_time()
    responses: list[Response] = []
    heard: list[Heard] = []
    with PluginHosts() as hosts, tempfile.TemporaryDirectory() as folder:
        programmes = _programmes(Path(folder))
        plugins = CHOICES.chosen("", "eq")
        instances = [hosts.process_of(item.file).open(1, RATE_HZ) for item in plugins]
        measure = measured_by(plugins, instances, RATE_HZ)
        for number in range(options.presets):
            eq = _eq(random)
            responses.append(_response(eq, [item.profile for item in plugins], measure))
            if number % HEARD_EVERY == 0:
                heard.append(_heard(hosts, random, eq, programmes, number // HEARD_EVERY))
            if number % 100 == 99:
                write_text(options.output, _page(responses, heard, time.process_time() - begin))
                print(f"{number + 1} of {options.presets}", flush=True)
    write_text(options.output, _page(responses, heard, time.process_time() - begin))


def _response(eq: Equalizer, profiles: Sequence[PluginProfile], measure: Measure) -> Response:
    fit = fit_equalizer(eq, profiles, RATE_HZ)
    freqs_hz = np.geomspace(LOWEST_HZ, HIGHEST_HZ, 400)
    errors_db = np.abs(measure(fit.values, freqs_hz) - eq_response_db(eq, freqs_hz, RATE_HZ))
    return Response(float(errors_db.mean()), float(errors_db.max()))


def _heard(
    hosts: PluginHosts, random: np.random.Generator, eq: Equalizer, programmes: dict[str, Path], number: int
) -> Heard:
    name = list(programmes)[number % len(programmes)]
    audio = read_passage(programmes[name], 0, PROGRAMME_S)
    strip = Strip(eq=eq)
    (shaped,) = fit_tracks(hosts, CHOICES, [Track(name=name, strip=strip)], RATE_HZ)
    peak_db = 20 * math.log10(float(np.abs(audio).max()) + 1e-9)
    track = Track(name=name, strip=Strip(compressor=_compressor(random, peak_db)))
    (fit,) = fit_tracks(hosts, CHOICES, [track], RATE_HZ, {name: programmes[name]})
    assert shaped.eq is not None
    assert fit.compressor is not None
    wanted, given, apart = fit.compressor.wanted_db, fit.compressor.given_db, fit.compressor.apart_db
    assert wanted is not None
    assert given is not None
    assert apart is not None
    return Heard(shaped.eq.mean_db, _thirds_apart_db(hosts, strip, shaped), wanted, abs(given - wanted), apart)


def _eq(random: np.random.Generator) -> Equalizer:
    bands = {}
    for name, (low, high) in zip(EQ_BANDS, FREQS_HZ, strict=True):
        bands[name] = EqBand(
            gain_db=float(random.uniform(-MOST_GAIN_DB, MOST_GAIN_DB)),
            freq_hz=float(math.exp(random.uniform(math.log(low), math.log(high)))),
            q=float(math.exp(random.uniform(*map(math.log, QS)))),
        )
    return Equalizer(**bands)


def _compressor(random: np.random.Generator, peak_db: float) -> Compressor:
    def between(low: float, high: float) -> float:
        return float(math.exp(random.uniform(math.log(low), math.log(high))))

    return Compressor(
        threshold_db=float(peak_db - random.uniform(3, 30)),
        ratio=between(1.2, 10),
        attack_ms=between(1, 250),
        release_ms=between(10, 1000),
        knee_db=float(random.uniform(0, 12)),
    )


def _programmes(folder: Path) -> dict[str, Path]:
    """Cut the loudest seconds out of each stem of the example."""
    paths = {}
    for path in sorted(STEMS.glob("*.flac")):
        info = probe(path)
        rate_hz = info.sample_rate_hz
        audio = read_passage(path, 0, info.frames / rate_hz)
        frames = PROGRAMME_S * rate_hz
        power = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64).sum(axis=0))])
        begin = int(np.argmax(power[frames:] - power[:-frames]))
        cut = audio[:1, begin : begin + frames]
        paths[path.stem] = folder / f"plugins-{path.stem}.wav"
        with AudioWriter(paths[path.stem], rate_hz, 1, frames, FORMATS["wav32f"]) as writer:
            writer.write(cut)
    return paths


def _thirds_apart_db(hosts: PluginHosts, strip: Strip, fit: PluggedStage) -> float:
    noise = np.random.default_rng(7).standard_normal((1, 6 * RATE_HZ)).astype(np.float32) * 0.05
    own = render_strip(noise, RATE_HZ, strip.model_copy(update={"pan": -1.0}))[:1]
    plugged = hosts.stage(fit.settings, 1, RATE_HZ).process(noise)
    return float(np.abs(_thirds_db(plugged) - _thirds_db(own)).mean())


def _thirds_db(audio: Any) -> Any:
    power = np.square(np.abs(np.fft.rfft(audio[0].astype(np.float64))))
    bins_hz = np.fft.rfftfreq(audio.shape[1], 1 / RATE_HZ)
    centres_hz = 1000 * 2 ** (np.arange(-13, 12) / 3)
    edges = np.searchsorted(bins_hz, [centres_hz / 2 ** (1 / 6), centres_hz * 2 ** (1 / 6)])
    return np.array([10 * np.log10(power[low:high].sum()) for low, high in edges.T])


def _page(responses: list[Response], heard: list[Heard], seconds: float) -> str:
    def row(what: str, values: list[float], most: float) -> str:
        numbers = np.array(values)
        quantiles = " | ".join(f"{np.quantile(numbers, share):.2f}" for share in (0.5, 0.95, 1.0))
        return f"| {what} | {len(values)} | {numbers.mean():.2f} | {quantiles} | {(numbers <= most).mean():.1%} |"

    rows = [
        row("EQ by an impulse, mean error, dB (asked: 0.5)", [item.eq_mean for item in responses], 0.5),
        row("the same, largest error, dB", [item.eq_max for item in responses], 3.0),
        row("EQ corrected by the plug-ins, mean error, dB", [item.eq_mean for item in heard], 0.5),
        row("EQ heard, mean error in third octaves, dB", [item.thirds for item in heard], 0.5),
        row("gain reduction, error of the mean, dB (asked: 1)", [item.reduction_error for item in heard], 1.0),
        row("gain reduction, apart over time, RMS of 20 ms, dB", [item.apart for item in heard], 1.0),
    ]
    reductions = [item.reduction for item in heard]
    drawn = f"gains from -{MOST_GAIN_DB:g} to {MOST_GAIN_DB:g} dB, Q from {QS[0]:g} to {QS[1]:g}"
    turned = f"{np.mean(reductions):.1f} dB on average, {max(reductions):.1f} dB at most"
    return f"""# Presets on plug-ins

{len(responses)} random presets on ZamEQ2 with ZamGEQ31 behind it, every tenth on ZamComp, too (zam-plugins 4.1, VST3):
fitted, and measured through the plug-ins themselves, from 50 Hz to 15 kHz.

    python benchmarks/plugins.py --presets {len(responses)} -o benchmarks/plugins.md

| | presets | mean | median | 95 % | worst | within |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

Within: 0.5 dB for mean errors of an EQ, 3 dB for its largest, 1 dB for gain reduction.

- EQs: all six bands at random, {drawn}, frequencies over the ranges of the
  model's console, 20 Hz to 20 kHz. That is the bound: the bells of ZamEQ2 end at 14 kHz and +20 dB, the bands of
  ZamGEQ31 at 12 dB. The largest errors stand in the slopes between bands of ZamGEQ31, which are as steep as walls.
  The first two rows are fitted by the profiles alone; the others went the whole way of a mix, and what was heard is
  noise through the states that are saved.
- Compressors: threshold 3 to 30 dB below the peak, ratio 1.2 to 10, attack 1 to 250 ms, release 10 to 1000 ms, knee 0
  to 12 dB, on {PROGRAMME_S} s of the eight stems of the example, where mixbridge's own turned down
  {turned}.
- {seconds:.0f} s of processor time in all, plug-ins not counted ({platform.machine()}).
"""


if __name__ == "__main__":
    main()
