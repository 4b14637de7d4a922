"""Measures a push of a whole mixer over good and bad networks, and writes a page and its figures about it.

    python benchmarks/push.py                 benchmarks/push.md and push.json, about three minutes
    python benchmarks/push.py --quick         one round with four channels, to see that it runs; to quick-push.*

The mixer is the simulated X32 of the tests, in a process of its own. It has not a line of the code that it is pushed
with, and what it holds at the end is compared with what the push says. Leave the machine alone meanwhile: every
datagram waits for its turn, so a busy machine is a slower one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from measure import Spread
from page import Goal, goals_table, spread, table

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

LOSSES = (0.0, 0.05, 0.1, 0.2, 0.3)
CHANNELS, ROUNDS = 32, 5
QUICK_CHANNELS, QUICK_ROUNDS = 4, 1
GOAL_S = 5.0
WINDOW_S = 0.1


@dataclass(frozen=True)
class Push:
    """One push, and what the desk says of it.

    Attributes:
        loss: share of datagrams that was lost, and as many came twice, and as many late, in each direction.
        seconds: wall time, reading what stands included.
        settings: that were to stand at the end.
        states: how many ended how.
        wrong: said to stand, but the desk holds something else.
        datagrams: that were sent, questions included.
        repeats: attempts beyond the first.
        least_gap_ms: between two datagrams, by the kernel's clock.
        most_in_100_ms: datagrams in any stretch of 100 ms.
        load: of the machine before.
    """

    loss: float
    seconds: float
    settings: int
    states: dict[str, int]
    wrong: int
    datagrams: int
    repeats: int
    least_gap_ms: float
    most_in_100_ms: int
    load: float


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("-o", "--output", type=Path, help="the page; its figures lie beside it as .json")
    parser.add_argument("--desk", nargs=2, metavar=("LOSS", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.desk:
        _be_the_desk(float(options.desk[0]), int(options.desk[1]))
        return
    channels, rounds = (QUICK_CHANNELS, QUICK_ROUNDS) if options.quick else (CHANNELS, ROUNDS)
    output = options.output or Path(__file__).with_name("quick-push.md" if options.quick else "push.md")
    # Round by round, so that what disturbs the machine disturbs all of them.
    pushes = [_push(loss, channels, seed) for seed in range(1, rounds + 1) for loss in LOSSES]
    output.write_text(_page(pushes, channels, quick=options.quick), encoding="utf-8")
    figures = {"machine": _machine(), "channels": channels, "pushes": [asdict(push) for push in pushes]}
    output.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"written: {output} and {output.with_suffix('.json')}", file=sys.stderr)


def _push(loss: float, channels: int, seed: int) -> Push:
    from desk_settings import random_settings
    from mixbridge.bridge.desks.loading import load_desk
    from mixbridge.bridge.osc.connection import connect
    from mixbridge.bridge.osc.exchange import push
    from mixbridge.bridge.osc.link import Target

    desk = load_desk("x32")
    settings = random_settings(desk, range(1, channels + 1), seed)
    load = os.getloadavg()[0]
    print(f"{time.strftime('%H:%M:%S')} load {load:.2f}: {loss:.0%} lost, seed {seed}", file=sys.stderr)
    with _desk_process(loss, seed) as (port, facts), connect(Target("x32", "127.0.0.1", port), desk) as connection:
        start = time.perf_counter()
        outcome = push(connection, settings)
        seconds = time.perf_counter() - start
    proven = outcome.of("confirmed", "same")
    holds = facts["values"]
    wrong = [one for one in proven if not one.setting.scale.same(one.setting.value, holds[one.setting.address])]
    times = facts["times"]
    return Push(
        loss=loss,
        seconds=seconds,
        settings=len(settings),
        states={state: len(outcome.of(state)) for state in ("confirmed", "same", "unconfirmed", "refused")},
        wrong=len(wrong),
        datagrams=outcome.datagrams,
        repeats=outcome.repeats,
        least_gap_ms=1000 * min(later - earlier for earlier, later in itertools.pairwise(times)),
        most_in_100_ms=max(
            sum(at <= other <= at + WINDOW_S for other in times[i : i + 200]) for i, at in enumerate(times)
        ),
        load=load,
    )


@contextmanager
def _desk_process(loss: float, seed: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The port of a desk; its facts are filled in when the block ends."""
    facts: dict[str, Any] = {}
    command = [sys.executable, __file__, "--desk", str(loss), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise RuntimeError("the desk cannot be heard")
        port = int(process.stdout.readline())
        yield port, facts
        facts |= json.loads(process.communicate()[0])


def _be_the_desk(loss: float, seed: int) -> None:
    from desk_simulator import X32Simulator
    from udp_peer import Weather

    weather = Weather.all(loss)
    with X32Simulator(weather, weather, seed) as simulator:
        print(simulator.port, flush=True)
        sys.stdin.read()
    times = [arrival.time_s for arrival in simulator.arrivals]
    print(json.dumps({"values": simulator.values, "times": times}))


def _page(pushes: Sequence[Push], channels: int, *, quick: bool) -> str:
    rows = [_row([push for push in pushes if push.loss == loss]) for loss in LOSSES]
    clean = Spread(tuple(push.seconds for push in pushes if not push.loss))
    unproven = sum(push.states["unconfirmed"] + push.states["refused"] for push in pushes)
    goals = [
        Goal(f"{channels} channels confirmed at 1 ms pacing, nothing lost", clean.median, GOAL_S, True, "s"),
        Goal("least gap between two datagrams", min(push.least_gap_ms for push in pushes), 1.0, False, "ms"),
        Goal("said to stand, but does not", sum(push.wrong for push in pushes), 0, True, "settings"),
        Goal("not proven, with a desk that takes everything", unproven, 0, True, "settings"),
    ]
    rounds = len(pushes) // len(LOSSES)
    texts = [
        "# A whole mixer over OSC",
        f"Made by `python benchmarks/push.py{' --quick' if quick else ''}`. Figures are medians of {rounds} rounds, "
        "with the lowest and highest in brackets; single ones stand in the `.json` beside this page.",
        *["A quick run: few channels and rounds. **Not for quoting.**"] * quick,
        goals_table(goals),
        f"{_machine()}. Load before: {min(push.load for push in pushes):.1f}..{max(push.load for push in pushes):.1f}.",
        f"{channels} channels of a simulated X32 with everything that its profile has (name, mute, trim, fader, pan, "
        f"four EQ bands, dynamics: {pushes[0].settings} settings at random), 1 ms between two datagrams. Loss: this "
        "share of the datagrams is lost, as many come twice, as many come late, in each direction. A push asks for "
        "each setting, sets those that differ, asks again, and repeats what is not proven.",
        table(("loss", "wall", "datagrams", "repeats", "proven", "at most in 100 ms", "least gap"), rows),
    ]
    return "\n\n".join(texts) + "\n"


def _row(pushes: Sequence[Push]) -> tuple[str, ...]:
    datagrams = Spread(tuple(float(push.datagrams) for push in pushes))
    repeats = Spread(tuple(float(push.repeats) for push in pushes))
    proven = sum(push.states["confirmed"] + push.states["same"] - push.wrong for push in pushes)
    return (
        f"{pushes[0].loss:.0%}",
        spread(Spread(tuple(push.seconds for push in pushes))),
        spread(datagrams, "").replace("  ", " ").strip(),
        f"{repeats.median:.0f}",
        f"{proven / sum(push.settings for push in pushes):.2%}",
        f"{max(push.most_in_100_ms for push in pushes)}",
        f"{min(push.least_gap_ms for push in pushes):.2f} ms",
    )


def _machine() -> str:
    # A push sleeps between datagrams; on a busy machine it is priority that decides how long.
    priority = f", niceness {niceness}" if (niceness := os.nice(0)) else ""
    return (
        f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}, "
        f"{time.strftime('%Y-%m-%d')}{priority}"
    )


if __name__ == "__main__":
    main()
