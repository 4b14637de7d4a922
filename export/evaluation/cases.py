"""What was found in a case, and the file that keeps it, so that an interrupted evaluation goes on.

A file holds one JSON object a line, appended as cases are done; a line that was cut off is done again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class CaseResult:
    """One case.

    Attributes:
        suite: which it belongs to.
        index: its number there; with the seed it says all that was drawn.
        session: name of its folder; of the first, where tracks of several were put together.
        kind: of session.
        tracks: how many played.
        start_s: of the passage judged.
        reference: what the model heard as reference.
        distances: weighted terms by mix ("model" and the ways of doing without) and term.
        between: distance of the reference itself to what was judged against; nothing where they are the same.
        cpu_s: what it cost.
    """

    suite: str
    index: int
    session: str
    kind: str
    tracks: int
    start_s: float
    reference: str
    distances: Mapping[str, Mapping[str, float]]
    between: Mapping[str, float]
    cpu_s: float


@dataclass(frozen=True)
class Cause:
    """Why a case went badly, as far as it can be computed (:mod:`.explain`).

    Attributes:
        index: of the case.
        kind: in two or three words, for counting.
        text: for the page.
    """

    index: int
    kind: str
    text: str


def values_of(cases: Sequence[CaseResult], mix: str, term: str = "total") -> Values:
    """Gives one number a case."""
    return np.array([case.distances[mix][term] for case in cases])


def load(path: Path) -> dict[int, dict[str, Any]]:
    """Loads objects by their `index`; nothing if there is no file. What was cut off at the end is dropped from it."""
    if not path.exists():
        return {}
    items = {}
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for line in lines:
        # A line that something else wrote is as good as none: its case is done again.
        with suppress(ValueError, TypeError, KeyError):
            if line.endswith("\n"):
                item = json.loads(line)
                items[int(item["index"])] = item
    if lines and not lines[-1].endswith("\n"):
        path.write_text("".join(lines[:-1]), encoding="utf-8")
    return items


def append(path: Path, item: CaseResult | Cause) -> None:
    """Add an object at the end of a file, which is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(item)) + "\n")
