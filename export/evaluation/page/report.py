"""Writes `docs/quality.md` and its pictures from the cases of all suites, for a reader who knows none of this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ....presets.version import __version__
from ....runtime.model.bundle import Bundle
from ...whole_files import write_text
from ..cases import CaseResult, Cause
from ..runner import worst_cases
from ..suites import SUITES
from .bars import bars_of
from .pictures import draw_distances, draw_tracks
from .tables import bar_table, cause_table, comparison_table, distance_table, group_table, worst_table

TITLE = "# How good the model is"
_METHOD = """\
## How it is judged

A case is a passage of {heard_s:.1f} s of a session that the model never met, and a reference of up to
{reference_s:.1f} s that does not overlap with it. The model hears the raw tracks and the reference and sets the
console; what it decides is believed as far as a reference can tell, on top of what engineers do by role, and the
master is fitted to the reference, as `mixbridge mix` does (**model**). The mix is rendered by mixbridge itself, and
brought to the loudness of what it should sound like; then the two are compared. So are mixes made otherwise:

- **before the master was fitted**: the same without its match curve and density;
- **network alone**: what the network decides, as it is;
- **plain mix by role**: what engineers do, without the network;
- **random settings**: another draw of the settings that sessions are mixed with here, which is what training drew;
- **mean setting**: every setting at its average over such draws, by role where they are drawn by role;
- **equal loudness, centred** and **spread**: all tracks at the same loudness, untouched, in the middle or evenly from
  left to right.

Where the settings are known, two more lines say what the task allows: **true where the reference tells** has the true
settings for the master and for every track that makes more than -25 dB of the reference, and the mean setting for
tracks that are not heard in it; **the reference itself** is the other passage of the true mix, which has the right
settings and other notes.

The **distance** is the feature distance of Diff-MST (Vanka et al., ISMIR 2024), the sum of five terms, each a weighted
squared difference; 0 is the same sound. Halving a deviation in dB quarters its term.

| term | compares | worth |
|---|---|---|
| bark | spectrum of mid and of side in 24 bands | 0.012 if every band is 3 dB off, 0.048 if 6 dB |
| width | power of side over power of mid | 0.01 if it is 0.3 instead of 0.2 |
| imbalance | power right against left | 0.013 if one side is 1 dB louder, 0.11 if 3 dB |
| crest | peak over average level | 0.009 if it is 3 dB off |
| rms | level of left and right, at equal loudness | next to nothing |

Means are of all cases; few bad ones weigh heavily in them, so medians stand beside. Intervals are 95 % bootstrap
intervals; sessions are drawn, not cases, because cases of one session resemble each other."""

_LIKENESS = ((0.03, "alike, below 0.03"), (0.1, "0.03 to 0.1"), (np.inf, "unlike, above 0.1"))
_ABOUT = {
    "known": "A session is mixed under settings drawn as engineers set them by role; the model hears the mix of "
    "another passage of the same song as reference, and its mix is compared with the true one.",
    "recorded": "The same with recordings instead of rendered instruments.",
    "songs": "The reference is a finished song by somebody else. Nobody knows the right settings; the mix is compared "
    "with the song's passage itself, from which other notes and instruments keep it apart whatever the settings.",
    "voices": "A single raw voice; the reference is another passage of the same voice under three to five EQ bands of "
    "3..9 dB and compression of 3 to 8 to one, and its mix is compared with the passage heard under those. All mixes "
    "are in the middle, as `AudioProcessor` leaves one voice.",
    "tracks": "As the last suite, with sessions put together of a given number of tracks, from several songs where "
    "one has too few.",
    "odd": "As the first suite, under settings that no role and no habit holds back: pans anywhere, faders by chance. "
    "No engineer mixes so; models of earlier versions were trained on it.",
}


@dataclass(frozen=True)
class EvaluationResults:
    """All that the page tells.

    Attributes:
        bundle: the model that was judged.
        command: how to repeat it.
        cases: by suite.
        causes: by suite and case number, for suites whose worst cases were looked into.
        left_out: suites that could not be judged, and why.
    """

    bundle: Bundle
    command: str
    cases: Mapping[str, Sequence[CaseResult]]
    causes: Mapping[str, Mapping[int, Cause]]
    left_out: Mapping[str, str]


def write_report(results: EvaluationResults, path: Path) -> list[Path]:
    """Write the page, and its pictures beside it.

    Args:
        results: at least one suite.
        path: of the Markdown file.

    Returns:
        All files written.
    """
    pictures = pictures_of(path)[: 2 if "tracks" in results.cases else 1]
    draw_distances(results.cases, pictures[0])
    if "tracks" in results.cases:
        draw_tracks(results.cases["tracks"], pictures[1])
    write_text(path, "\n".join(_page(results, pictures)).rstrip() + "\n")
    return [path, *pictures]


def pictures_of(page: Path) -> list[Path]:
    """Names the pictures that a page may have: of all suites, and of the numbers of tracks."""
    return [page.with_suffix(".png"), page.with_name(f"{page.stem}-tracks.png")]


def _page(results: EvaluationResults, pictures: Sequence[Path]) -> list[str]:
    manifest = results.bundle.manifest
    rate_hz = manifest.sample_rate_hz
    method = _METHOD.format(heard_s=manifest.window_samples / rate_hz, reference_s=manifest.reference_length / rate_hz)
    date = datetime.now(UTC).date().isoformat()
    lines = [
        TITLE,
        "",
        f"Model `{manifest.name}` (manifest {results.bundle.manifest_sha256[:12]}), "
        f"{sum(map(len, results.cases.values()))} cases, mixbridge {__version__}, {date}. Made by:",
        "",
        f"    {results.command}",
        "",
        "## In short",
        "",
        *_summary(results),
        *bar_table(results.cases),
        *(f"Not judged: {suite} ({why})." for suite, why in results.left_out.items()),
        f"![Distance of every case by suite and mix]({pictures[0].name})",
        "",
        "A dot is a case, the line the median, the ring the mean.",
        "",
        method,
        "",
    ]
    for suite, cases in results.cases.items():
        lines += _section(suite, cases, results.causes.get(suite, {}))
        if suite == "tracks":
            lines += [f"![Mean distance over the number of tracks]({pictures[1].name})", ""]
    return lines


def _summary(results: EvaluationResults) -> list[str]:
    bars = [bar for suite, cases in results.cases.items() for bar in bars_of(suite, cases)]
    met = sum(bar.is_met for bar in bars)
    return [f"{met} of {len(bars)} demands are met. What the numbers mean is said below.", ""]


def _section(suite: str, cases: Sequence[CaseResult], causes: Mapping[int, Cause]) -> list[str]:
    sessions = len({case.session for case in cases})
    cost_s = np.mean([case.cpu_s for case in cases])
    lines = [
        f"## {SUITES[suite].title}",
        "",
        f"{_ABOUT[suite]} {len(cases)} cases from {sessions} sessions; {cost_s:.1f} s of one core each.",
        "",
        "Mean distance:",
        "",
        *distance_table(cases),
        *comparison_table(cases),
    ]
    kinds = _grouped(cases, [case.kind for case in cases])
    if len(kinds) > 1:
        lines += ["By kind of session (mean total):", "", *group_table("sessions", kinds)]
    if suite == "tracks":
        by_count = sorted(cases, key=lambda case: case.tracks)
        lines += ["By number of tracks (mean total):", ""]
        lines += group_table("tracks", _grouped(by_count, [str(case.tracks) for case in by_count]))
    if suite == "known":
        lines += ["By how far the reference's passage itself is from the true mix (mean total):", ""]
        lines += group_table("between passages", _by_likeness(cases))
    if causes:
        lines += _worst(cases, causes)
    return lines


def _by_likeness(cases: Sequence[CaseResult]) -> dict[str, list[CaseResult]]:
    """Groups cases by how alike the passages are: other notes on other tracks tell less about the settings."""
    ordered = sorted(cases, key=lambda case: case.between["total"])
    names = [next(name for limit, name in _LIKENESS if case.between["total"] < limit) for case in ordered]
    return _grouped(ordered, names)


def _worst(cases: Sequence[CaseResult], causes: Mapping[int, Cause]) -> list[str]:
    return [
        "### The worst 5 %" if cases[0].suite == "known" else f"### The worst 5 %, {cases[0].suite}",
        "",
        "Why they are bad was computed: the true settings were put in place of the model's for one track, or one group "
        "of settings (all pans, all faders, ...), at a time, and *found* says how far the total falls for the best of "
        "each. Tracks that make less than -25 dB of a passage's mix count as hardly heard in it: of those the "
        "reference tells nothing. *Between passages* is the distance of the reference itself to the true mix.",
        "",
        *cause_table(causes),
        *worst_table(worst_cases(cases), causes),
    ]


def _grouped(cases: Sequence[CaseResult], names: Sequence[str]) -> dict[str, list[CaseResult]]:
    groups: dict[str, list[CaseResult]] = {}
    for name, case in zip(names, cases, strict=True):
        groups.setdefault(name, []).append(case)
    return groups
