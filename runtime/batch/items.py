"""What a batch is made of: items, what is asked of each, and what became of it. All of it can be written as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from ...presets.checking.arguments import checked_choice, checked_number, checked_switch, checked_whole, real_number
from ...presets.errors import PresetError

State = Literal["rendered", "kept", "failed"]
OF_REFERENCE = "reference"

_LONGEST_SEARCH_S = 86400.0
# A number as spreadsheets in many languages write it: -14,5.
_COMMA = re.compile(r"^([+-]?\d*),(\d+)$")
_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0", ""})


@dataclass(frozen=True)
class ItemOptions:
    """How an item is mixed; each is a column that a manifest may have.

    Attributes:
        amount: share of the predicted settings that is applied, 0..1.5.
        loudness: of the mix, in LUFS; "reference" for that of the reference, None to leave it as it is.
        ceiling: highest true peak, in dBTP.
        format: of the audio files.
        sample_rate: of the results, in Hz; None for that of most stems.
        stems: write processed stems.
        report: write `report.html`.
        refine: seconds of search after the prediction; 0 for none.
        vocal: how much louder the lead vocal is, in dB.
        dry: without reverb and echoes.
        muted: also mix tracks that are muted in a DAW session.
        clean: tracks, or what they are ("vocals"), that are cleaned of noise before they are heard.
        clean_db: how far noise is turned down at most.
    """

    amount: float = 1.0
    loudness: float | str | None = -14.0
    ceiling: float = -1.0
    format: str = "wav"
    sample_rate: int | None = None
    stems: bool = True
    report: bool = False
    refine: float = 0.0
    vocal: float = 0.0
    dry: bool = False
    muted: bool = False
    clean: tuple[str, ...] = ()
    clean_db: float = 30.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "clean", _names(self.clean))
        checked_number(self.clean_db, "clean_db, in dB,", 0, 100, PresetError)
        checked_number(self.amount, "the amount", 0, 1.5, PresetError)
        if isinstance(self.loudness, str):
            checked_choice(self.loudness, "the loudness", (OF_REFERENCE,), PresetError)
        elif self.loudness is not None:
            checked_number(self.loudness, "the loudness in LUFS", -70, 0, PresetError)
        checked_number(self.ceiling, "the ceiling in dBTP", -40, 0, PresetError)
        checked_number(self.refine, "the time to refine in s", 0, _LONGEST_SEARCH_S, PresetError)
        checked_number(self.vocal, "vocal, in dB,", -24, 24, PresetError)
        if self.sample_rate is not None:
            rate_hz = checked_whole(self.sample_rate, "the sample rate in Hz", 8000, 192_000, PresetError)
            object.__setattr__(self, "sample_rate", rate_hz)
        for name in ("stems", "report", "dry", "muted"):
            checked_switch(getattr(self, name), name, PresetError)


OPTIONS = tuple(item.name for item in fields(ItemOptions))


def _names(value: Any) -> tuple[str, ...]:
    """Names of tracks: a list of them, or a text with semicolons between.

    Raises:
        PresetError: it is neither.
    """
    names = value.split(";") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise PresetError(f'clean is "vocals" or names of tracks, not {value!r}')
    return tuple(name.strip() for name in names if name.strip())


def option_of(name: str, value: Any) -> Any:
    """Read the value of an option as a manifest has it, where all may be text.

    Raises:
        PresetError: it is none.
    """
    if name == "loudness" and value is False:  # YAML's "off"
        return None
    if not isinstance(value, str):
        return value
    text = value.strip()
    if name in ("format", "clean"):
        return text
    if name in ("stems", "report", "dry", "muted"):
        if text.casefold() not in _TRUE | _FALSE:
            raise PresetError(f"{name} is yes or no, not {value!r}")
        return text.casefold() in _TRUE
    if name == "loudness" and text.casefold() in (OF_REFERENCE, "off"):
        return None if text.casefold() == "off" else OF_REFERENCE
    try:
        return float(_COMMA.sub(r"\1.\2", text))
    except ValueError as error:
        raise PresetError(f"{name} is a number, not {value!r}") from error


@dataclass(frozen=True)
class BatchItem:
    """A session to mix.

    Attributes:
        name: of its folder in the output; unlike all others of the batch.
        session: a folder of stems, a DAW session, or an audio file.
        references: songs, each FILE or FILE=WEIGHT; empty where a preset is applied.
        preset: a file or the name of a factory preset; None where settings are predicted.
        model: a bundle's folder, or the name of a model that ships.
        options: how it is mixed.
    """

    name: str
    session: str
    references: tuple[str, ...] = ()
    preset: str | None = None
    model: str = "default"
    options: ItemOptions = ItemOptions()

    def as_json(self) -> dict[str, Any]:
        """Write it for another process."""
        return asdict(self)


def item_of(data: Mapping[str, Any]) -> BatchItem:
    """Read back what :meth:`BatchItem.as_json` wrote."""
    rest = {**data, "references": tuple(data["references"]), "options": ItemOptions(**data["options"])}
    return BatchItem(**rest)


@dataclass(frozen=True)
class BatchPlace:
    """Where and how the items of a batch are done.

    Attributes:
        output: folder in which each item has its own.
        force: render what is done already, too.
        provider: device that runs the model.
        threads: of an item's rendering.
        address: where finished items are brought, and nothing of them stays in `output`; empty where they stay.
    """

    output: str
    force: bool = False
    provider: str = "auto"
    threads: int = 1
    address: str = ""

    @property
    def folder(self) -> Path:
        """The output as a path."""
        return Path(self.output)


@dataclass(frozen=True)
class ItemOutcome:
    """What became of an item that was not set aside.

    Attributes:
        state: rendered now, or kept from an earlier run.
        key: hash of what decides the result.
        figures: loudness, peaks, confidence and so on, for the summary.
    """

    state: State
    key: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """Why an item was set aside.

    Attributes:
        kind: class of the error, or "stopped" where its process was ended.
        message: what is wrong, and what to do.
    """

    kind: str
    message: str


@dataclass(frozen=True)
class ItemEvent:
    """Something that happened to an item.

    Attributes:
        item: which.
        worker: who did it: process, and machine if it is another.
        seconds: since it was begun.
        result: None where it was only begun.
        attempt: how often it was begun, 1 at first.
    """

    item: BatchItem
    worker: str
    seconds: float = 0.0
    result: ItemOutcome | Failure | None = None
    attempt: int = 1


def finite(value: Any) -> Any:
    """Give a number as JSON can have it; None for one that is not finite."""
    number = real_number(value)
    return None if number is None or not math.isfinite(number) else round(number, 4)
