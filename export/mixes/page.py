"""The page on whole mixes: sins, following, agreement with people, the peer; each with what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from .making import ALTERATIONS
from .measures import MEASURES, TRAITS
from .people import FIGURES, TrackFigures, distances
from .whole_mixes import MixCase

_MOST_SINS: Final = 0.1
_CORRELATIONS: Final[Mapping[str, float]] = {"tilt": 0.8, "width": 0.7, "crest": 0.5, "reverb": 0.5}
_NEARER: Final = 0.65
TITLE: Final = "# Whole mixes, as users get them"


def page(judged: Sequence[MixCase], command: str) -> str:
    """Make the page of cases; sections that they say nothing about are left out."""
    cases = [case for case in judged if not case.alteration]
    sessions, songs = {case.session for case in cases}, {case.song for case in cases}
    head = (
        f"{TITLE}\n\n{len(cases)} mixes of {len(sessions)} held-out sessions like {len(songs)} finished songs, with "
        f"master fitted and finished as `mixbridge mix` does. Made by:\n\n    {command}\n"
    )
    parts = [head, _sins(cases), _following(cases), _altered(judged), _people(cases), _peer(cases)]
    return "\n".join(part for part in parts if part)


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's; NaN where one of them does not vary."""
    from scipy.stats import rankdata

    ranks = rankdata(one), rankdata(other)
    if min(np.ptp(row) for row in ranks) == 0:
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def _sins(cases: Sequence[MixCase]) -> str:
    names = list(dict.fromkeys(name for case in cases for name in case.sins))
    each = np.mean([sum(case.sins.values()) for case in cases])
    rows = []
    for name in names:
        found = [case.sins[name] for case in cases if name in case.sins]
        rows.append([name, str(sum(found)), str(len(found))])
    rows.append(["**a mix**", f"**{each:.2f}**", f"at most {_MOST_SINS:g}: {_verdict(bool(each <= _MOST_SINS))}"])
    who = [f"{case.session} like {case.song}: {', '.join(name for name, was in case.sins.items() if was)}"
           for case in cases if any(case.sins.values())]  # fmt: skip
    listed = "".join(f"\n- {line}" for line in who)
    return f"## Sins\n\n{_table(['sin', 'mixes that have it', 'that could'], rows)}\n{listed}\n"


def _following(cases: Sequence[MixCase]) -> str:
    swapped = [(a, b) for a, b in combinations(cases, 2) if a.session == b.session]
    rows = []
    for trait in TRAITS:
        known = [case for case in cases if np.isfinite(case.reference[trait])]
        over_all = rank_correlation([c.reference[trait] for c in known], [c.mix[trait] for c in known])
        swaps = [(a, b) for a, b in swapped if a in known and b in known]
        moved = [[b.reference[trait] - a.reference[trait] for a, b in swaps],
                 [b.mix[trait] - a.mix[trait] for a, b in swaps]]  # fmt: skip
        goal = _CORRELATIONS[trait]
        between = f"{rank_correlation(*moved):.2f}" if len(swaps) > 2 else "-"
        rows.append([trait, f"{over_all:.2f}", between, f"{goal:g}", _verdict(over_all >= goal)])
    heads = ["", "over all mixes", f"over {len(swapped)} swaps of a session's reference", "asked", ""]
    words = (
        "Rank correlation of a mix with its reference. Tilt: slope of the spectrum from 100 Hz to 10 kHz; width: sides "
        "against the middle; crest: true peak over loudness; reverb: of a mix, how loud its room and echoes are "
        "against all else, since its notes are the session's; of a song, how little its notes fall in a seventh of a "
        "second, as the mix itself hears it."
    )
    return f"## Following\n\n{words}\n\n{_table(heads, rows)}\n"


def _altered(cases: Sequence[MixCase]) -> str:
    """What becomes of a mix as its reference is altered, against the mix like the song as it is."""
    plain = {case.session: case for case in cases if case.alteration == ALTERATIONS[0]}
    rows = []
    for how in ALTERATIONS[1:]:
        pairs = [(plain[case.session], case) for case in cases if case.alteration == how and case.session in plain]
        if pairs:
            moved = [[np.mean([getattr(new, key)[trait] - getattr(old, key)[trait] for old, new in pairs])
                      for key in ("reference", "mix")] for trait in TRAITS]  # fmt: skip
            rows.append([how, *(f"{song:+.2f} -> {mix:+.2f}" for song, mix in moved)])
    if not rows:
        return ""
    words = (
        f"Half a minute of a song, altered, for {len(plain)} sessions: how far song and mix move. Wetter: a room as "
        "loud as the song."
    )
    return f"### One song altered\n\n{words}\n\n{_table(['', *TRAITS], rows)}\n"


def _people(cases: Sequence[MixCase]) -> str:
    judged = [case for case in cases if case.alone]
    if not judged:
        return ""
    ours, alone = (distances(_tracks(judged, key)) for key in ("set", "alone"))
    rows = []
    for name in FIGURES:
        share = ours[name] / alone[name] if alone[name] else float("nan")
        rows.append([name, f"{ours[name]:.2f}", f"{alone[name]:.2f}", f"{share:.2f}"])
    words = (
        "Distance between the distributions of settings by role and those of 64 mixes by people, the mean over roles; "
        "tracks that are stereo have no pan. Balance: how loud all tracks of a role are together against what is "
        "usual, about the mean of the roles of the mix. Ten mixes by ten people of ten songs are 1.8 dB from the 64; "
        "one who always mixed as is usual would be 4.4 dB from them, since they differ as much."
    )
    heads = ["", "`mix`", "model alone", "share"]
    return f"## Agreement with people\n\n{words}\n\n{_table(heads, rows)}\n"


def _peer(cases: Sequence[MixCase]) -> str:
    pairs = [case for case in cases if case.peer]
    if not pairs:
        return ""
    rows = []
    for name, title in MEASURES.items():
        ours, peers = (np.array([getattr(case, key)[name] for case in pairs]) for key in ("ours", "peer"))
        nearer = float(np.mean(ours < peers))
        rows.append([title, f"{np.median(ours):.3g}", f"{np.median(peers):.3g}", f"{100 * nearer:.0f} %",
                     f"{100 * _NEARER:.0f} %: {_verdict(nearer >= _NEARER)}"])  # fmt: skip
    words = (
        f"{len(pairs)} pairs. The peer: a plain mix by rules (level, pan, low cut, compression, reverb by role, "
        "without a reference), its master by matchering 2.0.6. Distances to the whole song at equal loudness. A good "
        "mix has its lows in the middle, whatever the song has there: so two of them are told without the sides of the "
        "lows, too."
    )
    heads = ["", "`mix`, median", "peer, median", "`mix` nearer", "asked"]
    return f"## Against the peer\n\n{words}\n\n{_table(heads, rows)}\n"


def _tracks(cases: Sequence[MixCase], key: str) -> list[TrackFigures]:
    return [track for case in cases for track in getattr(case, key)]


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "**missed**"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
