"""Measures `mixbridge recover` on pairs and sessions whose settings are known; goes on where it was stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.console import SEND_OFF_DB, Strip, get, parameters
from ...presets.errors import AudioError, ModelError
from ...presets.preset import Preset
from ...runtime.audio.reading import probe, read_passage
from ..evaluation.material import HeldOutSession, find_material
from ..recovery.guess import filtered_by
from ..recovery.track import Recovered, recover_track
from ..whole_files import check_page, write_text
from .recovery_pairs import KINDS, Kind, KnownPair, drawn_values, foreign_pair, loudness_of, own_pair
from .recovery_sessions import LEAST_TRACKS, SessionCase, measured_session

Say = Callable[[str], None]

TITLE: Final = "# How well settings are recovered"
_GOALS: Final = {"own": 0.25, "foreign": 0.45}
_CURVE_GOAL_DB, _REVERB_GOAL_DB, _SECONDS_GOAL = 1.5, 2.0, 60.0
_CURVE_HZ: Final = np.geomspace(60, 14_000, 60)
# A reverb below this is under the noise of what dividing leaves; it is not counted.
_HEARD_REVERB_DB = -24.0


@dataclass(frozen=True)
class RecoveryCase:
    """One pair, recovered.

    Attributes:
        number: of the pair.
        kind: whose processors made it.
        voice: the raw recording.
        ratio: STFT distance to the mixed recording over that of the raw one at its loudness.
        curve_db: mean size of the difference of the curves of cuts and equalizer; None for other processors.
        reverb_db: level of the reverb found over the true one; None where none is heard, or for other processors.
        cpu_s: time of the processor.
        wall_s: time.
    """

    number: int
    kind: Kind
    voice: str
    ratio: float
    curve_db: float | None
    reverb_db: float | None
    cpu_s: float
    wall_s: float


def run(corpus: Path, page: Path, cases: int, sessions: int, seconds: float, seed: int, record: Path, say: Say) -> None:
    """Recovers pairs and sessions, and writes the page.

    Args:
        corpus: with held-out sessions in `test/`.
        page: to write.
        cases: pairs of each kind.
        sessions: how many; every other one is of each kind.
        seconds: length of each pair and session.
        seed: of the draws.
        record: file that keeps what was measured, a line for each.
        say: told each.

    Raises:
        AudioError: the corpus has no voices.
        ModelError: it has no sessions.
    """
    check_page(page, TITLE)
    voices = sorted((corpus / "test").glob("*/vocal.flac")) + sorted((corpus / "test").glob("*/vocal.wav"))
    if not voices:
        raise AudioError(f"{corpus / 'test'}: no session has a vocal.flac: give a corpus of `mixbridge model corpus`.")
    kept = list(_recorded(record))
    done = {(case.number, case.kind): case for case in kept if isinstance(case, RecoveryCase)}
    mixed = {case.number: case for case in kept if isinstance(case, SessionCase)}
    several = _multitrack(corpus) if sessions else ()
    # In turn, so that a run that is stopped has some of each kind.
    for number in range(max(cases, sessions)):
        for kind in KINDS if number < cases else ():
            if (number, kind) not in done:
                case = _measured(voices, number, kind, seconds, seed)
                done[number, kind] = case
                _keep(record, {"seed": seed, "seconds": seconds, **asdict(case)})
                say(f"{number} {kind}: {case.ratio:.3f}, {case.cpu_s:.0f} s")
        if number < sessions and number not in mixed:
            found = measured_session(several, number, KINDS[number % 2], seconds, seed)
            mixed[number] = found
            _keep(record, {"seed": seed, "seconds": seconds, **asdict(found)})
            say(f"session {number} {found.kind}: {found.ratio:.3f}, {found.cpu_s:.0f} s")
    pairs = [done[key] for key in sorted(done) if key[0] < cases]
    write_text(page, page_text(pairs, [mixed[number] for number in range(sessions)], seconds))


def _multitrack(corpus: Path) -> Sequence[HeldOutSession]:
    found = [session for session in find_material(corpus).sessions if len(session.stems) >= LEAST_TRACKS]
    if not found:
        raise ModelError(f"{corpus}: has no session of {LEAST_TRACKS} tracks and more: give --sessions 0.")
    kinds = sorted({session.kind for session in found})
    groups = [[session for session in found if session.kind == kind] for kind in kinds]
    # The first are not to be all of one sort.
    return [session for row in zip_longest(*groups) for session in row if session is not None]


def page_text(pairs: Sequence[RecoveryCase], sessions: Sequence[SessionCase], seconds: float) -> str:
    """Writes the page in Markdown."""
    curves = np.array([case.curve_db for case in pairs if case.curve_db is not None])
    rooms = np.abs([case.reverb_db for case in pairs if case.reverb_db is not None])
    cpu, wall = (np.array(times) for times in zip(*((case.cpu_s, case.wall_s) for case in pairs), strict=True))
    found = [
        _figure("mean difference of the curve of cuts and equalizer, dB", curves, _CURVE_GOAL_DB),
        _figure("difference of the reverb's level, dB", rooms, _REVERB_GOAL_DB),
        _figure("processor time of a pair, s", cpu, _SECONDS_GOAL),
        _figure("time of a pair, on a machine with other work, s", wall, _SECONDS_GOAL),
    ]
    return f"""{TITLE}

Made by `mixbridge model recovery CORPUS`. Pairs of {seconds:g} s are made of held-out raw voices: each is processed
with the settings of one of 385 real vocal chains, by the console itself (**own**) or by processors of other design
(**foreign**: a cut of fourth order, shelves of first order, parallel bells, pedalboard's Compressor and Reverb). What
is recovered is rendered, and its STFT distance to the mixed file (left, right, middle, side; windows of 512, 2048 and
8192) is divided by that of the raw file at the mixed one's loudness.

{_ratios(pairs)}

| what (own processors; times of all) | goal | median, 90 %, worst | reach it |
|---|---|---|---|
{chr(10).join(found)}

The curve is compared from 60 Hz to 14 kHz without its mean, which is the fader's. The reverb counts where it was sent
at {_HEARD_REVERB_DB:g} dB or more; one that was not found counts as {SEND_OFF_DB:g} dB.
{_sessions_text(sessions, seconds) if sessions else ""}"""


def _sessions_text(sessions: Sequence[SessionCase], seconds: float) -> str:
    levels, pans, sends = (
        np.array([value for case in sessions if (value := getattr(case, name)) is not None])
        for name in ("level_db", "pan", "send_db")
    )
    figures = [
        _figure("levels of strips, dB (own)", levels, None),
        _figure("pans of mono tracks, 0..1 to a side", pans, None),
        _figure(f"sends of {_HEARD_REVERB_DB:g} dB or more, dB (own)", sends, None),
        _figure("processor time, s", np.array([case.cpu_s for case in sessions]), None),
    ]
    tracks = [case.tracks for case in sessions]
    return f"""
## Sessions

Excerpts of {seconds:g} s of held-out sessions of {min(tracks)} to {max(tracks)} tracks, mixed as engineers set tracks
of their roles (quantiles of 1,621 tracks of 64 mixes): faders, pans, cuts, bells, shelves, compressors, sends to one
room. The raw mix that is compared with has all stems equally loud in the middle.

{_ratios(sessions)}

| difference from what was set, median of the tracks of a session | median, 90 %, worst of the sessions |
|---|---|
{chr(10).join(figures)}
"""


def _ratios(cases: Sequence[RecoveryCase] | Sequence[SessionCase]) -> str:
    rows = ["| processors | number | goal | mean | median | 10 to 90 % | worst | reach the goal |"]
    rows.append("|---|---|---|---|---|---|---|---|")
    for kind, goal in _GOALS.items():
        ratios = np.array([case.ratio for case in cases if case.kind == kind])
        if ratios.size:
            low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9])
            rows.append(
                f"| {kind} | {ratios.size} | {goal:g} | {ratios.mean():.3f} | {middle:.3f} | {low:.3f} to {high:.3f} | "
                f"{ratios.max():.3f} | {np.mean(ratios <= goal):.0%} |"
            )
    return "\n".join(rows)


def _figure(what: str, values: NDArray[np.float64], goal: float | None) -> str:
    spread = f"{np.median(values):.2g}, {np.quantile(values, 0.9):.2g}, {values.max():.2g}" if values.size else "-"
    if goal is None:
        return f"| {what} | {spread} |"
    share = f"{np.mean(values <= goal):.0%}" if values.size else "-"
    return f"| {what} | {goal:g} | {spread} | {share} |"


def _measured(voices: Sequence[Path], number: int, kind: Kind, seconds: float, seed: int) -> RecoveryCase:
    pair, voice = _pair(voices, number, kind, seconds, seed)
    begin, begin_cpu = time.perf_counter(), time.process_time()
    recovered = recover_track(pair.raw, pair.mixed, pair.sample_rate_hz, name="Vox")
    wall_s, cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
    curve_db, reverb_db = _errors(pair, recovered)
    ratio = recovered.explained.ratio
    return RecoveryCase(number, kind, voice.parent.name, ratio, curve_db, reverb_db, cpu_s, wall_s)


def _pair(voices: Sequence[Path], number: int, kind: Kind, seconds: float, seed: int) -> tuple[KnownPair, Path]:
    rng = np.random.default_rng([seed, number])
    voice = voices[int(rng.integers(len(voices)))]
    info = probe(voice)
    rate_hz, length_s = info.sample_rate_hz, info.duration_s
    start_s = float(rng.uniform(0, max(0.0, length_s - seconds)))
    raw = read_passage(voice, start_s, min(seconds, length_s), rate_hz)[:1]
    values = drawn_values(rng, loudness_of(raw, rate_hz))
    make = own_pair if kind == "own" else foreign_pair
    return make(raw, rate_hz, values), voice


def _errors(pair: KnownPair, recovered: Recovered) -> tuple[float | None, float | None]:
    if pair.preset is None:
        return None, None
    rate_hz = pair.sample_rate_hz
    curves = [_curve_db(preset, rate_hz) for preset in (pair.preset, recovered.preset)]
    true_db, found_db = (preset.tracks[0].strip.reverb_send_db for preset in (pair.preset, recovered.preset))
    reverb_db = found_db - true_db if true_db >= _HEARD_REVERB_DB else None
    return float(np.abs(curves[0] - curves[1]).mean()), reverb_db


def _curve_db(preset: Preset, rate_hz: int) -> NDArray[np.float64]:
    strip = preset.tracks[0].strip
    values = {f"strip.{path}": get(strip, path) for path in parameters(Strip)}
    click = np.zeros(16384, np.float32)
    click[0] = 1
    spectrum = np.abs(np.fft.rfft(filtered_by(click, values, {}, rate_hz)))
    curve = 20 * np.log10(np.interp(_CURVE_HZ, np.fft.rfftfreq(16384, 1 / rate_hz), spectrum) + 1e-3)
    centred: NDArray[np.float64] = curve - curve.mean()
    return centred


def _keep(record: Path, line: Mapping[str, object]) -> None:
    record.parent.mkdir(parents=True, exist_ok=True)
    torn = record.is_file() and not record.read_bytes().endswith(b"\n")
    with record.open("a", encoding="utf-8") as lines:
        # Of a run that was killed while it wrote.
        lines.write(("\n" if torn else "") + json.dumps(line) + "\n")


def _recorded(record: Path) -> Iterator[RecoveryCase | SessionCase]:
    if not record.is_file():
        return
    for line in record.read_text(encoding="utf-8").splitlines():
        try:
            data = json.loads(line)
        except ValueError:
            continue  # the last line of a run that was killed
        data.pop("seed", None)
        data.pop("seconds", None)
        yield SessionCase(**data) if "session" in data else RecoveryCase(**data)
