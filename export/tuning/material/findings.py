"""What a check found about pairs, as lines, as a sentence, and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from .prints import SoundPrint

Grade = Literal["left out", "mended", "note"]


@dataclass(frozen=True)
class CheckFinding:
    """Something about a pair that a person should know.

    Attributes:
        pair: its name, or that of a file.
        kind: what it is: "unmatched", "rate", "length", "offset", "drift", "polarity", "clipping", "silence",
            "duplicate", "no pair", "unprocessed", "unreadable", "short", "doubtful", "channels", "editing", "swapped".
        grade: whether the pair is left out, was mended, or can be used as it is.
        message: a sentence.
        files: that it is about.
    """

    pair: str
    kind: str
    grade: Grade
    message: str
    files: tuple[str, ...]

    @property
    def line(self) -> str:
        """Gives it as a line."""
        return f"{self.pair}: {self.grade}: {self.kind}: {self.message}"


@dataclass(frozen=True)
class CheckedPair:
    """What was found about a pair by itself.

    Attributes:
        name: of the pair.
        findings: about it.
        raw_prints: what the raw files are known by again.
        mixed_prints: likewise, of the mixed one.
        seconds: length of the raw one.
    """

    name: str
    findings: tuple[CheckFinding, ...]
    raw_prints: tuple[SoundPrint, ...]
    mixed_prints: tuple[SoundPrint, ...]
    seconds: float


@dataclass(frozen=True)
class CheckResult:
    """What was found about all pairs.

    Attributes:
        usable: names of pairs that can be trained on.
        findings: about all, those that leave pairs out first.
        pairs: how many there are.
        seconds: of raw sound that can be used.
    """

    usable: tuple[str, ...]
    findings: tuple[CheckFinding, ...]
    pairs: int
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left out."""
        return all(finding.grade != "left out" for finding in self.findings)


def result_as_json(result: CheckResult) -> dict[str, Any]:
    """Describes a result for programs."""
    return {
        "pairs": result.pairs,
        "usable": list(result.usable),
        "minutes": round(result.seconds / 60, 2),
        "clean": result.is_clean,
        "findings": [{**asdict(finding), "files": list(finding.files)} for finding in result.findings],
    }


def summary(result: CheckResult) -> str:
    """Says in a line what can be trained on."""
    rest = result.pairs - len(result.usable)
    told = f"{len(result.usable)} of {result.pairs} pairs can be trained on, {result.seconds / 60:.1f} minutes"
    return f"{told}; {rest} left out." if rest else f"{told}."
