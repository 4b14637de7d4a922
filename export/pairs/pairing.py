"""Which files are pairs: matched by name, one track or all tracks of a song against its mix.

`raw/vocal1.wav` goes with `mixed/vocal1.wav`, `vocal1_raw.wav` with `vocal1_mix.wav`, and all of `raw/song1/` with
`mixed/song1.wav`; folders below are gone through likewise. Names that differ by case alone are the same, and those that
differ by how an accent is written: names that went through macOS have it decomposed; and those whose words are joined
by others of space, `_`, `-` and `.`, where no file has the name itself. What has no partner is told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from ...presets.errors import AudioError
from ...runtime.audio.reading import is_audio

RAW_FOLDERS: Final = ("raw", "dry", "tracks", "unmixed")
MIXED_FOLDERS: Final = ("mixed", "mix", "mixes", "wet", "processed")
_SUFFIX: Final = re.compile(
    r"[ _.\-]+(raw|dry|unmixed|unprocessed|in|input|mix|mixed|wet|processed|out|output|target|final)$", re.IGNORECASE
)
_SEPARATORS: Final = re.compile(r"[ _.\-]+")
_ENDINGS: Final = frozenset(
    f".{name}"
    for name in [
        "wav",
        "wave",
        "flac",
        "aif",
        "aiff",
        "aifc",
        "ogg",
        "oga",
        "opus",
        "mp3",
        "w64",
        "rf64",
        "caf",
        "au",
        "m4a",
        "aac",
        "wma",
    ]
)
_MIXED_WORDS: Final = ("mix", "mixed", "wet", "processed", "out", "output", "target", "final")
_LISTED = 5
_DEEPEST = 8


@dataclass(frozen=True)
class TuningPair:
    """Raw tracks and what was made of them.

    Attributes:
        name: theirs, unique; for a file name, too.
        raws: by track name; several are all tracks of a song.
        mixed: the mixed file.
    """

    name: str
    raws: Mapping[str, Path]
    mixed: Path

    @property
    def raw(self) -> Path:
        """The first raw file."""
        return next(iter(self.raws.values()))

    @property
    def is_session(self) -> bool:
        """Whether it is a song of several tracks."""
        return len(self.raws) > 1


@dataclass(frozen=True)
class PairList:
    """What folders of raw and mixed files have.

    Attributes:
        pairs: by name.
        unmatched: for each file or folder without a partner, what it is and a sentence.
    """

    pairs: tuple[TuningPair, ...]
    unmatched: tuple[tuple[Path, str], ...]


def dataset_folders(dataset: Path) -> tuple[Path, Path]:
    """Finds the folders of raw and mixed files in a data set; a flat folder is both.

    Raises:
        AudioError: it is no folder, or has only one of them.
    """
    if not dataset.is_dir():
        raise AudioError(f"{dataset}: is no folder: give one with raw/ and mixed/ in it.")
    below = {_folded(path.name): path for path in dataset.iterdir() if path.is_dir()}
    raw = next((below[name] for name in RAW_FOLDERS if name in below), None)
    mixed = next((below[name] for name in MIXED_FOLDERS if name in below), None)
    if (raw is None) != (mixed is None):
        has, lacks = ("raw/", "mixed/") if mixed is None else ("mixed/", "raw/")
        raise AudioError(f"{dataset}: has {has} and no {lacks}: put files of the same names there.")
    return (raw or dataset, mixed or dataset)


def match_by_name(raw_folders: Sequence[Path], mixed_folders: Sequence[Path]) -> PairList:
    """Matches raw and mixed files.

    Args:
        raw_folders: of raw files.
        mixed_folders: of mixed files; as many, in the same order, or others, which then serve all.

    Raises:
        AudioError: a folder is missing, two files have one name, or nothing matches.
    """
    for folder in (*raw_folders, *mixed_folders):
        if not folder.is_dir():
            raise AudioError(f"{folder}: is no folder: give folders of raw and mixed files.")
    if len(raw_folders) == len(mixed_folders):
        sides = [([raw], [mixed]) for raw, mixed in zip(raw_folders, mixed_folders, strict=True)]
    else:
        sides = [(list(raw_folders), list(mixed_folders))]
    found = [_matched(raws, mixes) for raws, mixes in sides]
    pairs = _named_apart([pair for each in found for pair in each.pairs])
    unmatched = tuple(item for each in found for item in each.unmatched)
    if not pairs:
        told = "; ".join(f"{path}: {sentence}" for path, sentence in unmatched[:_LISTED])
        place, remedy = f"in {', '.join(map(str, mixed_folders))}", "name both alike."
        if list(raw_folders) == list(mixed_folders):
            place, remedy = "there", "put files of the same names into raw/ and mixed/."
        raise AudioError(
            f"{', '.join(map(str, raw_folders))}: no file has a partner of its name {place}: {remedy} {told}".rstrip()
        )
    return PairList(tuple(sorted(pairs, key=lambda pair: pair.name)), unmatched)


def _matched(raw_folders: list[Path], mixed_folders: list[Path]) -> PairList:
    is_flat = raw_folders == mixed_folders
    raws, mixes = _entries(raw_folders, is_flat, "raw"), _entries(mixed_folders, is_flat, "mixed")
    mixes = _renamed(list(raws), mixes)
    pairs: list[TuningPair] = []
    lost: list[tuple[str, Path, str]] = []
    for key, path in raws.items():
        mixed = mixes.get(key)
        if path.is_dir():
            below = _below(path)
            if mixed is None and (parts := {name: mixes[name] for name in mixes if name.startswith(f"{key}/")}):
                inside, rest = _inside(key, below, parts)
                pairs += inside
                lost += rest
                continue
            if mixed is not None and below:
                pairs.append(TuningPair(_named(path.name, mixed), {each.stem: each for each in below}, mixed))
                continue
        elif mixed is not None:
            name = _named(path.stem, mixed)
            pairs.append(TuningPair(name, {name: path}, mixed))
            continue
        lost.append((key, path, "mixed"))
    taken = {pair.mixed for pair in pairs}
    lost += [(key, path, "raw") for key, path in mixes.items() if path not in taken]
    known = {"mixed": list(mixes), "raw": list(raws)}
    return PairList(tuple(pairs), tuple((path, _lonely(key, side, known[side])) for key, path, side in lost))


def _renamed(wanted: Sequence[str], mixes: Mapping[str, Path]) -> dict[str, Path]:
    """Gives mixed files the keys of the raw ones: their own where they are the same, else by words without suffix."""
    free: dict[str, list[str]] = {}
    for key in mixes:
        if key not in wanted:
            free.setdefault(_joined(key), []).append(key)
    waiting: dict[str, list[str]] = {}
    for key in wanted:
        if key not in mixes:
            waiting.setdefault(_joined(key), []).append(key)
    # Where several could be meant, none is taken.
    other = {
        free[words][0]: keys[0] for words, keys in waiting.items() if len(keys) == 1 and len(free.get(words, [])) == 1
    }
    return {other.get(key, key): path for key, path in mixes.items()}


def _inside(
    key: str, below: Sequence[Path], parts: Mapping[str, Path]
) -> tuple[list[TuningPair], list[tuple[str, Path, str]]]:
    """Matches the files of a raw folder with those of the mixed folder of its name: a track each, or one mix of all."""
    folder = below[0].parent.name
    keys = {f"{key}/{_folded(path.stem)}": path for path in below}
    mixes = _renamed(list(keys), parts)
    if len(parts) == 1 and len(below) > 1 and not keys.keys() & mixes.keys():
        return [TuningPair(folder, {path.stem: path for path in below}, next(iter(parts.values())))], []
    pairs = []
    lost: list[tuple[str, Path, str]] = []
    for name, path in keys.items():
        if name in mixes:
            plain = _named(path.stem, mixes[name])
            pairs.append(TuningPair(f"{folder} {plain}", {plain: path}, mixes[name]))
        else:
            lost.append((name, path, "mixed"))
    return pairs, lost


def _entries(folders: Iterable[Path], is_flat: bool, side: str) -> dict[str, Path]:
    """Lists what may have a partner, by key: raw files and folders of tracks; mixed files, with their folders."""
    found: dict[str, Path] = {}
    for folder in folders:
        for key, path in _walked(folder, "", side, 0):
            if is_flat and _is_mixed_name(path.stem) != (side == "mixed"):
                continue
            if key in found:
                raise AudioError(f"{path}: {found[key].name} has the same name: keep one of them.")
            found[key] = path
    return found


def _walked(folder: Path, prefix: str, side: str, depth: int) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_file() and _may_be_audio(path):
            yield prefix + _folded(path.stem), path
        elif path.is_dir() and depth < _DEEPEST:
            key = prefix + _folded(path.name)
            if side == "raw" and _below(path):
                yield key, path
            else:
                yield from _walked(path, f"{key}/", side, depth + 1)


def _below(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".") and _may_be_audio(path)
    )


def _may_be_audio(path: Path) -> bool:
    """Tells audio by its ending, so that what is damaged is told instead of passed over."""
    return path.suffix.casefold() in _ENDINGS or is_audio(path)


def _folded(name: str) -> str:
    """Gives what names are compared by."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _plain(stem: str) -> str:
    return _SUFFIX.sub("", stem) or stem


def _joined(key: str) -> str:
    return _SEPARATORS.sub(" ", _plain(key))


def _named(stem: str, mixed: Path) -> str:
    """Names a pair by its raw file; without suffix where the mixed one is named otherwise."""
    return stem if _folded(stem) == _folded(mixed.stem) else _plain(stem)


def _is_mixed_name(stem: str) -> bool:
    found = _SUFFIX.search(stem)
    return found is not None and found[1].casefold() in _MIXED_WORDS


def _lonely(key: str, side: str, known: Sequence[str]) -> str:
    close = get_close_matches(key, known, n=1, cutoff=0.7)
    hint = f" The nearest name there is {close[0]}: if it is the partner, name both alike." if close else ""
    return f"has no partner of its name among the {side} files; it is left out.{hint}"


def _named_apart(pairs: Sequence[TuningPair]) -> list[TuningPair]:
    """Gives pairs of one name numbers: folders of several productions may have a "vocal" each."""
    counts: dict[str, int] = {}
    named = []
    for pair in pairs:
        key = _folded(pair.name)
        number = counts[key] = counts.get(key, 0) + 1
        named.append(pair if number == 1 else TuningPair(f"{pair.name} ({number})", pair.raws, pair.mixed))
    return named
