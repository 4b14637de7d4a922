"""Measures what the console's stages cost, on and off; writes benchmarks/stages.md.

    python benchmarks/stages.py             eight stems of 3 minutes, 3 rounds
    python benchmarks/stages.py --quick     short, to see that it runs; to another page

Ratios are taken round by round, both sides one after the other, of wall time and of the CPU time of all threads: the
second hardly changes with what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from measure import Measured, Spread, in_fresh_process
from page import Goal, goals_table, spread, table


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short and coarse")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions, each in fresh processes")
    parser.add_argument(
        "-o", "--output", type=Path, help="the page; stages.md (quick: stages-quick.md) beside this file"
    )
    options = parser.parse_args(arguments)
    output = options.output or Path(__file__).with_name("stages-quick.md" if options.quick else "stages.md")
    session_s, rounds = (10.0, 1) if options.quick else (180.0, options.rounds)
    plain, full = [], []
    with tempfile.TemporaryDirectory(prefix="mixbridge-stages-") as work:
        session, preset = f"{work}/session", f"{work}/mix/preset.json"
        in_fresh_process("make_session", session, session_s)
        in_fresh_process("mix", session, f"{work}/mix", "no report")
        for _ in range(rounds):
            plain.append(in_fresh_process("apply_chain", session, f"{work}/plain", preset, "plain"))
            full.append(in_fresh_process("apply_chain", session, f"{work}/full", preset, "full"))
        idle = in_fresh_process("idle_stages", session, preset, 2 if options.quick else 10)
    wall, cpu = _ratio(full, plain, "all"), _ratio(full, plain, "all cpu")
    more = Spread(tuple(idle.seconds["with idle stages cpu"])).over(Spread(tuple(idle.seconds["bare cpu"])))
    goals = [
        Goal("every stage on against the predicted preset, wall time", wall.median, 2.0, at_most=True),
        Goal("the same, CPU time", cpu.median, 2.0, at_most=True),
        Goal("strips with idle stages against only the stages in use, CPU time", more.median, 1.01, at_most=True),
    ]
    rows = [
        (name, spread(_times(runs, "all")), spread(_times(runs, "all cpu")))
        for name, runs in (("predicted preset", plain), ("every stage on", full))
    ]
    output.write_text(
        f"""# What stages cost

Made by `python benchmarks/stages.py` on {time.strftime("%Y-%m-%d")};
load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.

{goals_table(goals)}

`apply` with its report, eight stems (six mono, two stereo) of {session_s:g} s, rounds: {rounds}:

{table(("", "wall", "CPU"), rows)}

Ratios: wall {spread(wall, "x")}, CPU {spread(cpu, "x")}. Every stage on: gate, both cuts, six filters, compressor with
look-ahead, de-esser, saturation with tone and matched level, sends to a ducked reverb and to a delay that
feeds it, on every track.

Idle stages: the strips of the predicted preset, {len(idle.seconds["bare"])} times in turn with the stages in use alone:
CPU {spread(more, "x")}.
""",
        encoding="utf-8",
    )
    print(f"written: {output}", file=sys.stderr)


def _times(runs: Sequence[Measured], name: str) -> Spread:
    return Spread(tuple(run.seconds[name][0] for run in runs))


def _ratio(runs: Sequence[Measured], others: Sequence[Measured], name: str) -> Spread:
    return _times(runs, name).over(_times(others, name))


if __name__ == "__main__":
    main()
