"""The map of a controller, a TOML file: which control sets which address.

    format = "mixbridge-midi"
    version = 1

    [[controls]]
    message = "pitchbend"                        # or "cc", "cc14" (a pair: number and number + 32), "note"
    channel = 1
    address = "/mixbridge/track/1/fader_db"      # as over OSC
    motor = true

    [[controls]]
    message = "cc"
    channel = 1
    number = 16
    relative = "signed"                          # an endless encoder
    address = "/mixbridge/track/1/pan"

Of several entries for one control the last one counts, so that what is learnt can be written behind what is there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, model_validator

from ...presets.console import Part
from ...presets.errors import DeskError
from ...presets.files import write_text
from ..desks.mistakes import explain
from ..desks.ranges import Fader, Linear, Log
from ..desks.toml_files import TomlKind, read_toml
from .laws import Law
from .messages import FINE, MidiKind, MidiSource

_KIND: Final = TomlKind("MIDI map", DeskError)
_SHIPPED: Final = Path(__file__).parent
MACKIE: Final = "mackie"

Relative = Literal["signed", "offset"]


class MidiEntry(Part):
    """A control, and what it sets."""

    message: MidiKind = Field(description="what the control sends")
    channel: int = Field(ge=1, le=16, description="MIDI channel, 1 to 16")
    number: int | None = Field(None, ge=0, le=127, description="of the controller or note; of a pair the coarse one")
    address: str = Field(min_length=2, max_length=200, pattern="^/", description="OSC address of the setting")
    scale: Annotated[Linear | Log | Fader, Field(discriminator="kind")] | None = Field(
        None, description="law in place of the usual one; the points of a fader run from 0 to 1"
    )
    relative: Relative | None = Field(
        None, description="an endless encoder: signed (1 up, 65 or 127 down) or offset (65 up, 63 down)"
    )
    button: Literal["toggle", "hold"] = Field(
        "toggle", description="of a switch: each press changes it, or it is on while held"
    )
    takeover: Literal["pickup", "jump"] = Field(
        "pickup", description="whether the control has to come to where the setting is before it moves it"
    )
    motor: bool = Field(False, description="feedback moves the control itself: a motor fader, an encoder with a memory")
    feedback: Literal["same", "mackie-ring", "none"] = Field(
        "same", description="what it is told: its own message, the ring of lights of a Mackie encoder, nothing"
    )

    @model_validator(mode="after")
    def _fits(self) -> MidiEntry:
        if (self.number is None) != (self.message == "pitchbend"):
            raise ValueError("`number` is of a cc, cc14 or note, and pitchbend has none")
        if self.message == "cc14" and not (self.number or 0) < FINE:
            raise ValueError("a pair of 14 bits begins at a number from 0 to 31; its other half is 32 more")
        if self.relative is not None and self.message != "cc":
            raise ValueError('`relative` is of a "cc"')
        if self.feedback == "mackie-ring" and not (self.message == "cc" and (self.number or 0) < 128 - FINE):
            raise ValueError('a Mackie ring is of a "cc" below 96')
        if isinstance(self.scale, Fader) and (self.scale.points[0][1], self.scale.points[-1][1]) != (0, 1):
            raise ValueError("the points of the `scale` have to run from 0 to 1, e.g. [[-90, 0], [0, 0.75], [10, 1]]")
        return self

    @property
    def source(self) -> MidiSource:
        """The control."""
        return MidiSource(self.message, self.channel, self.number or 0)

    @property
    def law(self) -> Law | None:
        """The law between places 0 and 1, if another than the usual one is wanted."""
        if self.scale is None or isinstance(self.scale, Fader):
            return self.scale
        return self.scale.model_copy(update={"wire": (0.0, 1.0)})


class MidiMap(Part):
    """The content of a map."""

    format: Literal["mixbridge-midi"]
    version: Literal[1]
    title: str = Field("", max_length=200)
    bank: int | None = Field(None, ge=1, le=128, description="tracks that a press of a bank button goes on by")
    controls: tuple[MidiEntry, ...] = Field((), max_length=2000)

    @model_validator(mode="after")
    def _is_apart(self) -> MidiMap:
        pairs = {(entry.channel, entry.number) for entry in self.controls if entry.message == "cc14"}
        for entry in self.controls:
            if entry.message == "cc" and (
                (entry.channel, entry.number) in pairs or (entry.channel, (entry.number or 0) - FINE) in pairs
            ):
                raise ValueError(f"{entry.source} is also half of a pair of 14 bits: remove one of the two entries")
        return self

    @property
    def by_source(self) -> dict[MidiSource, MidiEntry]:
        """The entry of each control."""
        return {entry.source: entry for entry in self.controls}


EMPTY: Final = MidiMap(format="mixbridge-midi", version=1)


def load_map(name: str) -> MidiMap:
    """Load a map that comes along ("mackie"), or a file.

    Raises:
        DeskError: there is none, or it has mistakes.
    """
    return read_toml(_SHIPPED / f"{MACKIE}.toml" if name == MACKIE else Path(name), MidiMap, _KIND)


def add_to_map(path: Path, entries: Iterable[MidiEntry]) -> MidiMap:
    """Write entries behind those of a map, which is made if it is not there; what stood there stays as it is.

    Raises:
        DeskError: what is there is no map, or cannot be added to.
        OutputError: it cannot be written.
    """
    before = path.read_text(encoding="utf-8") if path.exists() and load_map(str(path)) else _BEGINNING
    text = before + ("" if before.endswith("\n") else "\n") + "".join(_written(entry) for entry in entries)
    try:
        data: dict[str, Any] = tomllib.loads(text)
        added = MidiMap.model_validate(data)
    except tomllib.TOMLDecodeError:
        raise DeskError(f"{path} cannot be added to: write its controls as [[controls]] tables.") from None
    except ValidationError as error:
        raise DeskError("\n".join(f"{path}: {sentence}" for sentence in explain(error, data))) from None
    write_text(path, text, overwrite=True)
    return added


_BEGINNING: Final = 'format = "mixbridge-midi"\nversion = 1\n'


def _written(entry: MidiEntry) -> str:
    lines = []
    for key, value in entry.model_dump(exclude_defaults=True, exclude={"scale"}).items():
        # Words and addresses that exist: nothing in them has to be escaped.
        lines.append(f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {str(value).lower()}")
    return "\n[[controls]]\n" + "\n".join(lines) + "\n"
