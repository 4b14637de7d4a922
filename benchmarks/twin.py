"""Measures the differentiable twin: how near it is to the runtime, and what it costs; writes benchmarks/twin.md.

    python benchmarks/twin.py           200 random settings for each stage and the chain, on the example's stems
    python benchmarks/twin.py --draws 20 --stems RECORDINGS -o FILE

Times are of one track of 6 s at 44.1 kHz, forward and backward, with gradients for every setting, on one thread: CPU
time of the process, which other programs change little, and wall time beside it.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from measure import Spread
from mixbridge.export.twin import proof
from mixbridge.export.twin.console import TwinBuses, TwinTrack, console_sound
from mixbridge.export.twin.settings import tensors
from mixbridge.presets.console import EQ_BANDS, Delay, Ducking, Master, Reverb, Strip, replace
from page import Goal, goals_table, spread, table

_EXAMPLE = Path(proof.__file__).parents[2] / "runtime" / "example" / "stems"
_PASSAGES_S = (1, 6)
_DRAWS_A_LONG_ONE = 5
# A room takes as long as ten nulls.
_DRAWS_A_ROOM = 3
_TRACK_S = 6.0
_RATE_HZ = 44100
_ROUNDS = 25
_GOALS_DB = {True: -60.0, False: -40.0}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=200, help="random settings for each case")
    parser.add_argument("--stems", type=Path, help="folder of audio files beside those of the example")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name("twin.md"), help="the page")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    folders = [_EXAMPLE] if options.stems is None else [_EXAMPLE, options.stems]
    material = [[passage for folder in folders for passage in proof.passages(folder, length)] for length in _PASSAGES_S]
    rows, goals = [], []
    for case in proof.CASES:
        row, goal = _nulls_row(case, material, options.draws)
        rows.append(row)
        goals.append(goal)
    rooms = []
    for kind in ("reverb", "fx bus"):
        row, goal = _room_row(kind, math.ceil(options.draws / _DRAWS_A_ROOM))
        rooms.append(row)
        goals.append(goal)
    cpu, wall = _times()
    goals.append(Goal("forward and backward, least CPU time", min(cpu.values), 0.25, at_most=True, unit="s"))
    nulls = table(("stage", "median dB", "95 % dB", "worst dB", "of draw", "over its goal"), rows)
    tails = table(("", "rooms", "octaves", "decay within 5 %", "level within 5 %", "worst decay", "worst level"), rooms)
    text = f"""# The twin and the runtime

Made by `python benchmarks/twin.py` on {time.strftime("%Y-%m-%d")}. {options.draws} random settings
for each row, on passages of {len(material[0])} stems (those beyond the example's 8 are recordings),
mono and stereo in turn: the loudest {_PASSAGES_S[0]} s, for every {_DRAWS_A_LONG_ONE}th draw
{_PASSAGES_S[1]} s. The null is the energy of the difference in dB of what the runtime makes.

{goals_table(goals)}

{nulls}

The rooms, one for {_DRAWS_A_ROOM} draws, against the runtime's impulse responses, in the octaves from 125 Hz to 8 kHz,
both sides, that are within 60 dB of the loudest:

{tails}

One mono track of {_TRACK_S:g} s, every stage on, reverb, delay, ducking and a master with match curve, forward and
backward, one thread, {_ROUNDS} rounds after a first one:
CPU {spread(cpu)}, wall {spread(wall)} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores).
The goal is for the least, since what others do on the processor raises the rest.
"""
    options.output.write_text(text, encoding="utf-8")
    print(f"written: {options.output}", file=sys.stderr)


def _nulls_row(case: str, material: Sequence[Sequence[proof.Passage]], draws: int) -> tuple[tuple[str, ...], Goal]:
    print(f"{time.strftime('%H:%M:%S')} {case}", file=sys.stderr)
    short, long = material
    passages = [short if seed % _DRAWS_A_LONG_ONE else long for seed in range(draws)]
    found = np.array([proof.null_of(case, seed, passages[seed])[0] for seed in range(draws)])
    limit = _GOALS_DB[case in proof.LINEAR]
    over = int((found > limit).sum())
    levels = (f"{level:.0f}" for level in (*np.quantile(found, [0.5, 0.95]), found.max()))
    goal = Goal(f"{case}: nulls over {limit:g} dB", over, 0, at_most=True, unit=f"of {draws}")
    return (case, *levels, str(found.argmax()), str(over)), goal


def _room_row(kind: str, draws: int) -> tuple[tuple[str, ...], Goal]:
    print(f"{time.strftime('%H:%M:%S')} {kind}", file=sys.stderr)
    differences = proof.room_differences if kind == "reverb" else proof.fx_differences
    pairs = [differences(seed) for seed in range(draws)]
    errors = [np.abs(np.concatenate([pair[part].ravel() for pair in pairs]) - 1) for part in (0, 1)]
    times, levels = (error[np.isfinite(error)] for error in errors)
    shares = [f"{np.mean(error <= 0.05):.1%}" for error in (times, levels)]
    over = int((times > 0.05).sum() + (levels > 0.05).sum())
    goal = Goal(f"{kind}: decays and levels over 5 % off", over, 0, at_most=True, unit=f"of {2 * len(times)}")
    return (kind, str(draws), str(len(times)), *shares, f"{times.max():.1%}", f"{levels.max():.1%}"), goal


def _times() -> tuple[Spread, Spread]:
    bands = {f"eq.{band}.gain_db": 3.0 * (-1) ** at for at, band in enumerate(EQ_BANDS)}
    strip = replace(
        Strip(),
        {
            **bands,
            "input_gain_db": 3.0,
            "gate.threshold_db": -40.0,
            "gate.range_db": 20.0,
            "low_cut.freq_hz": 90.0,
            "low_cut.slope_db_per_octave": 24.0,
            "high_cut.freq_hz": 14000.0,
            "compressor.threshold_db": -30.0,
            "compressor.ratio": 3.0,
            "compressor.lookahead_ms": 2.0,
            "deesser.threshold_db": -40.0,
            "deesser.range_db": 6.0,
            "saturation.drive": 3.0,
            "saturation.tone": 0.3,
            "saturation.mix": 0.7,
            "saturation.level_match": 1.0,
            "fader_db": -3.0,
            "pan": 0.2,
            "reverb_send_db": -12.0,
            "delay_send_db": -14.0,
        },
    )
    ducking = Ducking(range_db=6)
    master = replace(Master(), {**bands, "compressor.ratio": 2.0, "compressor.threshold_db": -20.0})
    parts = [strip, Reverb(ducking=ducking), Delay(reverb_send_db=-10, ducking=ducking), master]
    settings = [{path: value.requires_grad_() for path, value in tensors([part]).items()} for part in parts]
    frames = round(_TRACK_S * _RATE_HZ)
    bursts = np.exp(-(np.arange(frames) % 20000) / 5000) * np.random.default_rng(0).standard_normal(frames) * 0.1
    audio = torch.from_numpy(bursts.astype(np.float32))[None, None]
    routing = TwinBuses(reverb=settings[1], reverb_seeds=[1], delay=settings[2], master=settings[3])
    cpu, wall = [], []
    for _ in range(_ROUNDS + 1):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        console_sound([TwinTrack(audio, settings[0])], routing, _RATE_HZ).square().mean().backward()
        cpu.append(time.process_time() - begin_cpu)
        wall.append(time.perf_counter() - begin)
    return Spread(tuple(cpu[1:])), Spread(tuple(wall[1:]))


if __name__ == "__main__":
    main()
