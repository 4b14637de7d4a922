"""Is this data what it should be? Everything that is wrong with pairs is told before anything is trained on them.

What can be mended (offset, polarity, drift, rates, lengths) is told and mended; what cannot be learned from is left
out and said so. What was found is kept, so that the next check reads only what changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import soundfile as sf

from ....presets.errors import AudioError
from ....presets.inputs import read_text
from ....runtime.audio.loudness import integrated_loudness
from ....runtime.audio.reading import AudioInfo, Samples, probe
from ...pairs.check import TOLD_EXPLAINED, MatchedPair, NoPairError, heard_as_one, match_pair, reached_by
from ...pairs.direction import swapped_folders
from ...pairs.lags import Lags
from ...pairs.likeness import cut_seconds
from ...pairs.pairing import PairList, TuningPair
from ...recovery.files import read_whole
from ...whole_files import write_text
from .findings import CheckedPair, CheckFinding, CheckResult, Grade
from .pool import each
from .prints import SoundPrint, clipped_places

Done = Callable[[str, int, int], None]

_VERSION = 3
_MOST_BYTES = 2**20
_SILENT_LUFS = -60.0
_SHORTEST_S, _LENGTHS_S = 1.0, 0.05
_SAME_DB = -60.0
_SHORT_S = 5.9
_CUT_S = 0.5
_AGREEING, _EDITED_EXPLAINED = 0.8, 0.9
_SWAPPED = "swapped"


def check_pairs(matched: PairList, cache: Path, jobs: int | None, done: Done) -> CheckResult:
    """Checks pairs.

    Args:
        matched: by name, with what has no partner.
        cache: folder that keeps what was found.
        jobs: processes.
        done: called with the name, how many are done, and of how many.
    """
    checked: dict[str, CheckedPair] = {}
    waiting: list[TuningPair] = []
    for pair in matched.pairs:
        known = _known(pair, cache)
        if known is None:
            waiting.append(pair)
        else:
            checked[pair.name] = known
            done(pair.name, len(checked), len(matched.pairs))
    for pair, found in each(partial(_checked_into, cache), waiting, jobs):
        checked[pair.name] = found
        done(pair.name, len(checked), len(matched.pairs))
    ordered = [checked[pair.name] for pair in matched.pairs]
    findings = _swapped_together([finding for each_pair in ordered for finding in each_pair.findings], len(ordered))
    findings += _duplicates(matched.pairs, ordered)
    findings += [
        CheckFinding(path.name, "unmatched", "left out", sentence, (str(path),)) for path, sentence in matched.unmatched
    ]
    left_out = {finding.pair for finding in findings if finding.grade == "left out"}
    usable = [each_pair for each_pair in ordered if each_pair.name not in left_out]
    order = {"left out": 0, "mended": 1, "note": 2}
    findings.sort(key=lambda finding: (order[finding.grade], finding.pair))
    seconds = sum(each_pair.seconds for each_pair in usable)
    return CheckResult(tuple(each_pair.name for each_pair in usable), tuple(findings), len(ordered), seconds)


def without_left_out(matched: PairList, result: CheckResult) -> PairList:
    """Keeps the pairs that can be trained on."""
    usable = set(result.usable)
    return PairList(tuple(pair for pair in matched.pairs if pair.name in usable), matched.unmatched)


def check_pair(pair: TuningPair) -> CheckedPair:
    """Checks one pair by itself."""
    names = tuple(str(path) for path in (*pair.raws.values(), pair.mixed))

    def finding(kind: str, grade: Grade, message: str, files: tuple[str, ...] = names) -> CheckFinding:
        return CheckFinding(pair.name, kind, grade, message, files)

    try:
        infos = {path: probe(path) for path in (*pair.raws.values(), pair.mixed)}
        rate_hz = max(infos[path].sample_rate_hz for path in pair.raws.values())
        raws = [read_whole(path, rate_hz) for path in pair.raws.values()]
        mixed = read_whole(pair.mixed, rate_hz)
    except AudioError as error:
        return CheckedPair(pair.name, (finding("unreadable", "left out", str(error)),), (), (), 0.0)
    found = [*_rates(pair, infos, finding), *_clipping([*raws, mixed], names, finding)]
    prints = tuple(SoundPrint.of(audio, rate_hz) for audio in raws), (SoundPrint.of(mixed, rate_hz),)
    total = _together(raws)
    seconds = total.shape[1] / rate_hz
    broken = _unusable(raws, mixed, rate_hz, names, finding)
    if broken:
        return CheckedPair(pair.name, (*broken, *found), *prints, seconds)
    if seconds < _SHORT_S:
        found.append(finding("short", "note", f"is {seconds:.1f} s long; takes of 10 s and more teach more."))
    try:
        matched = match_pair(total, mixed, rate_hz, pair.name)
    except NoPairError as error:
        found.append(finding("no pair", "left out", _bare(str(error), pair.name)))
    except AudioError as error:
        found.append(finding("unreadable", "left out", _bare(str(error), pair.name)))
    else:
        found += _alignment(matched, mixed, finding)
    return CheckedPair(pair.name, tuple(found), *prints, seconds)


Make = Callable[..., CheckFinding]


def _rates(pair: TuningPair, infos: Mapping[Path, AudioInfo], finding: Make) -> Iterable[CheckFinding]:
    mixed_hz = infos[pair.mixed].sample_rate_hz
    other = sorted({infos[path].sample_rate_hz for path in pair.raws.values()} - {mixed_hz})
    if other:
        yield finding(
            "rate",
            "mended",
            f"the raw file has {', '.join(map(str, other))} Hz, the mixed one {mixed_hz} Hz; it is resampled. If one "
            "plays too fast, its header is wrong: export it again.",
        )


def _clipping(audio: Sequence[Samples], names: Sequence[str], finding: Make) -> Iterable[CheckFinding]:
    for item, name in zip(audio, names, strict=True):
        places = clipped_places(item)
        if places:
            yield finding(
                "clipping",
                "note",
                f"{Path(name).name} is clipped in {places} places: record or export it with less level; what is "
                "clipped teaches distortion.",
                (name,),
            )


def _unusable(
    raws: Sequence[Samples], mixed: Samples, rate_hz: int, names: Sequence[str], finding: Make
) -> list[CheckFinding]:
    found = []
    total = _together(raws)
    for side, audio, files in (("raw", total, names[:-1]), ("mixed", mixed, names[-1:])):
        seconds = audio.shape[1] / rate_hz
        if seconds < _SHORTEST_S:
            found.append(finding("length", "left out", f"the {side} file has {seconds:.2f} s: give a longer one."))
        elif integrated_loudness(audio, rate_hz) < _SILENT_LUFS:
            found.append(finding("silence", "left out", f"the {side} file is silent: give another.", tuple(files)))
    if not found and total.shape[1] == mixed.shape[1] and _is_same(total, mixed):
        found.append(
            finding("unprocessed", "left out", "the mixed file is the raw one: nothing was done to it; give the mix.")
        )
    return found


def _is_same(raw: Samples, mixed: Samples) -> bool:
    """Whether two recordings differ by a gain alone."""
    one, other = raw.mean(axis=0).astype(np.float64), mixed.mean(axis=0).astype(np.float64)
    energy = float(other @ other)
    gain = float(one @ other) / max(float(one @ one), 1e-30)
    side = mixed - mixed.mean(axis=0)
    left = float(np.square(other - gain * one).sum()) + float(np.square(side, dtype=np.float64).sum())
    return left < energy * 10 ** (_SAME_DB / 10)


def _swapped_together(findings: Sequence[CheckFinding], pairs: int) -> list[CheckFinding]:
    """Says of folders that look swapped what else would be said of each of their pairs."""
    swapped = [finding for finding in findings if finding.kind == _SWAPPED]
    if len(swapped) < 2 or len(swapped) <= pairs / 2:
        return list(findings)
    return [
        CheckFinding(
            "all pairs",
            _SWAPPED,
            "note",
            f"{swapped_folders(len(swapped), pairs)} Nothing is left out for it.",
            tuple(file for finding in swapped for file in finding.files),
        ),
        *(finding for finding in findings if finding.kind != _SWAPPED),
    ]


def _alignment(matched: MatchedPair, mixed: Samples, finding: Make) -> Iterable[CheckFinding]:
    rate_hz = matched.sample_rate_hz
    if matched.is_turned:
        yield finding(
            _SWAPPED,
            "note",
            "the raw file is denser than the mixed one, and its sounds ring on longer: they look swapped. If they are, "
            "swap them.",
        )
    if abs(matched.offset_samples) >= 0.5:
        side = "later" if matched.offset_s > 0 else "earlier"
        yield finding(
            "offset",
            "mended",
            f"the mixed file is {abs(matched.offset_s) * 1000:.1f} ms ({abs(matched.offset_samples):.0f} samples) "
            f"{side} than the raw one; it is moved.",
        )
    if matched.drift_ppm:
        yield finding(
            "drift", "mended", f"the clocks drift by {matched.drift_ppm:+.1f} ppm; the mixed file is resampled."
        )
    if matched.is_inverted:
        yield finding("polarity", "mended", "the mixed file is upside down (inverted polarity); it is turned.")
    if matched.is_side_turned:
        yield finding(
            "polarity", "mended", "the sides of the mixed file are upside down to each other; the right one is turned."
        )
    seconds = mixed.shape[1] / rate_hz, matched.raw.shape[1] / rate_hz
    if abs(seconds[0] - seconds[1]) > _LENGTHS_S:
        yield finding(
            "length",
            "mended",
            f"the raw file is {seconds[1]:.2f} s long, the mixed one {seconds[0]:.2f} s; what both have is used.",
        )
    if matched.raw.shape[0] == 2 and matched.is_mixed_mono:
        yield finding("channels", "note", "the raw file is stereo, the mixed one mono.")
    lags = Lags(matched.offset_s, matched.drift_ppm * 1e-6, 1, 0.0, 1.0)
    reached = reached_by(mixed.shape[1], lags, matched.raw.shape[1], rate_hz)
    raw, moved = (heard_as_one(audio)[reached] for audio in (matched.raw, matched.mixed))
    cut_s = cut_seconds(raw, moved, rate_hz)
    if cut_s >= _CUT_S:
        yield finding(
            "silence",
            "note",
            f"the mixed file is silent for {cut_s:.1f} s in which the raw one sounds; these are not learned from where "
            "enough else is there. If it broke off when it was exported, export it again.",
        )
    likeness = matched.likeness
    if cut_s < _CUT_S and likeness.agreeing < _AGREEING and likeness.explained < _EDITED_EXPLAINED:
        yield finding(
            "editing",
            "note",
            f"only {likeness.agreeing:.0%} of its passages lie at one offset: the mixed file was cut or moved against "
            "the raw one; give the raw file as it was edited.",
        )
    if likeness.explained < TOLD_EXPLAINED:
        yield finding(
            "doubtful",
            "note",
            f"only {likeness.explained:.0%} of the mixed file is the raw one, filtered: it was processed very "
            "hard, or other sound is in it; listen to both.",
        )


def _duplicates(pairs: Sequence[TuningPair], checked: Sequence[CheckedPair]) -> list[CheckFinding]:
    """Finds recordings that stand in two pairs: one of them would be in training and held out at once.

    Pairs that are left out for another reason are the wrong ones of the two.
    """
    found: dict[str, CheckFinding] = {}
    both = list(zip(pairs, checked, strict=True))
    both.sort(key=lambda each: any(finding.grade == "left out" for finding in each[1].findings))
    for side in ("raw", "mixed"):
        seen: list[tuple[SoundPrint, str]] = []
        for pair, known in both:
            prints, files = (
                (known.raw_prints, list(pair.raws.values())) if side == "raw" else (known.mixed_prints, [pair.mixed])
            )
            other = next((name for each_print in prints for one, name in seen if one.is_same(each_print)), None)
            if other is None:
                seen += [(each_print, pair.name) for each_print in prints if each_print.levels_db]
            elif pair.name not in found:
                message = f"its {side} file is the same recording as that of {other}; keep the right one of them."
                found[pair.name] = CheckFinding(pair.name, "duplicate", "left out", message, tuple(map(str, files)))
    return list(found.values())


def _together(raws: Sequence[Samples]) -> Samples:
    """Sums raw tracks; one alone stays as it is."""
    if len(raws) == 1:
        return raws[0]
    frames = max(audio.shape[1] for audio in raws)
    total = np.zeros((1, frames), np.float32)
    for audio in raws:
        total[0, : audio.shape[1]] += audio.mean(axis=0)
    return total


def _bare(message: str, name: str) -> str:
    return message.removeprefix(f"{name}: ")


def _checked_into(cache: Path, pair: TuningPair) -> CheckedPair:
    try:
        found = check_pair(pair)
    except (OSError, sf.LibsndfileError) as error:
        broken = CheckFinding(pair.name, "unreadable", "left out", str(error), (str(pair.mixed),))
        return CheckedPair(pair.name, (broken,), (), (), 0.0)
    described = asdict(found)
    write_text(_file(pair, cache), json.dumps(described, ensure_ascii=False))
    return found


def _known(pair: TuningPair, cache: Path) -> CheckedPair | None:
    """What was found about a pair before, if its files are the same."""
    try:
        told = json.loads(read_text(_file(pair, cache), _MOST_BYTES))
        findings = tuple(
            CheckFinding(pair.name, item["kind"], item["grade"], item["message"], tuple(item["files"]))
            for item in told["findings"]
        )
        raw, mixed = (
            tuple(SoundPrint(float(item["seconds"]), tuple(map(float, item["levels_db"]))) for item in told[side])
            for side in ("raw_prints", "mixed_prints")
        )
        return CheckedPair(pair.name, findings, raw, mixed, float(told["seconds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file(pair: TuningPair, cache: Path) -> Path:
    lines = [str(_VERSION), pair.name]
    for path in (*pair.raws.values(), pair.mixed):
        try:
            fact = path.stat()
            lines.append(f"{path.resolve()} {fact.st_size} {fact.st_mtime_ns} {fact.st_ino}")
        except OSError:
            lines.append(f"{path} missing")
    return cache / f"{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:24]}.json"
