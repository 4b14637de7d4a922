"""A fuzzer for files: each reader is handed mutations of a valid file, and may refuse them in its own words only."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mixbridge.presets.errors import MixbridgeError

Read = Callable[[Path], object]

_TOKENS = (
    b"-1",
    b"0",
    b"1e400",
    b"nan",
    b"99999999999999999999",
    b'""',
    b"[]",
    b"{}",
    b"true",
    b"\x1b[2J",
    b"\xff\xfe",
    b"\x00",
)
_REPEATS = (1, 1, 2, 50)
_ROUND = 50


@dataclass(frozen=True)
class Target:
    """A reader and what it reads.

    Attributes:
        name: for people.
        ending: of its files.
        seeds: valid files.
        read: what opens a file and looks at all of it.
    """

    name: str
    ending: str
    seeds: tuple[bytes, ...]
    read: Read


@dataclass
class FileResult:
    """What came of a run; `harm` is empty if all is well."""

    files: int = 0
    refused: int = 0
    harm: list[str] = field(default_factory=list)


def fuzz_files(target: Target, files: int, seed: int, folder: Path) -> FileResult:
    """Hand a reader so many mutated files; what does harm is kept in the folder."""
    chance, result = random.Random(seed), FileResult()
    for number in range(files):
        path = folder / f"{target.name}{target.ending}"
        path.write_bytes(mutated(chance.choice(target.seeds), chance))
        result.files += 1
        try:
            target.read(path)
        except MixbridgeError:
            result.refused += 1
        except Exception as error:
            kept = path.with_name(f"harm-{seed}-{number}{target.ending}")
            path.replace(kept)
            result.harm.append(f"{target.name}: {type(error).__name__}: {error} ({kept})")
    return result


def fuzz_for(target: Target, seconds: float, seed: int, folder: Path) -> FileResult:
    """Hand a reader mutated files for so long, and print what came of it."""
    end_s, total = time.monotonic() + seconds, FileResult()
    while time.monotonic() < end_s:
        result = fuzz_files(target, _ROUND, seed, folder)
        seed += 1
        total.files, total.refused = total.files + result.files, total.refused + result.refused
        total.harm += result.harm
    print(f"{target.name}: {total.files} files, {total.refused} refused; harm: {total.harm or 'none'}", flush=True)
    return total


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A file that is nearly right."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        place = chance.randrange(len(data) + 1)
        end = min(len(data), place + chance.choice((1, 2, 4, 16, 200)))
        match chance.randrange(6):
            case 0:
                data = data[:place]
            case 1:
                data = data[:place] + data[end:]
            case 2:
                data = data[:end] + data[place:end] * chance.choice(_REPEATS) + data[end:]
            case 3:
                data = data[:place] + chance.choice(_TOKENS) + data[end:]
            case 4:
                data = data[:place] + chance.randbytes(end - place) + data[end:]
            case _:
                flipped = bytearray(data)
                if flipped:
                    flipped[min(place, len(flipped) - 1)] ^= 1 << chance.randrange(8)
                data = bytes(flipped)
    return data
