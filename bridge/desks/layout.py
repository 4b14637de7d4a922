"""The format of a desk's profile: what stands in its TOML file, table by table (docs/desks.md explains it).

These models check each entry by itself; those of a strip's sections stand in :mod:`.sections`. :mod:`.expansion` puts
them together, :mod:`.profile` is what others use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from pydantic import Field, model_validator

from ...presets.console import Part
from ...presets.sections import SectionName
from .keys import all_sections, section_of
from .scales import Finite
from .sections import (
    CompressorSection,
    Control,
    CutSection,
    DeEsserSection,
    EqSection,
    GateSection,
    SaturationSection,
    Sentence,
)
from .template import AddressTemplate, checked_address, checked_template
from .wire import Int32

MAX_STRIPS: Final = 1000
# Effects that strips send to; a preset has one of each.
EFFECTS: Final = ("reverb", "delay")


class Opening(Part):
    """A message that makes a desk ready for a push."""

    address: AddressTemplate
    values: tuple[Int32 | Finite | str, ...] = Field((), max_length=10, description="its arguments")


class SongFeed(Part):
    """How a program that cannot be asked tells where its song is: a message, again and again while it plays."""

    address: AddressTemplate = Field(description="of the message; its first argument is the position")
    port: int = Field(ge=1, le=65535, description="UDP port on mixbridge's machine that it is sent to")
    unit_s: float = Field(1.0, gt=0, le=1000, allow_inf_nan=False, description="how many seconds 1 is")
    playing: AddressTemplate | None = Field(
        None, description="of a message there that says whether it plays (1 or 0); absent: it plays while that moves on"
    )


class Transport(Part):
    """How a desk is reached and how fast it may be spoken to."""

    protocol: Literal["udp", "tcp"] = Field("udp", description="tcp is OSC 1.1 with SLIP framing")
    port: int = Field(ge=1, le=65535, description="where the desk listens")
    reply_port: int | None = Field(None, ge=1, le=65535, description="where it answers, if not to the sender's port")
    gap_ms: float = Field(1.0, ge=0, le=10_000, allow_inf_nan=False, description="least time between two messages")
    burst: int = Field(1, ge=1, le=10_000, description="messages that may follow each other without that gap")
    barrier_every: int | None = Field(
        None, ge=1, le=100_000, description="wait for an answer after as many messages; absent: never"
    )
    max_bytes: int = Field(512, ge=32, le=65_507, description="longest datagram that the desk takes")
    settle_ms: float = Field(
        0.0, ge=0, le=10_000, allow_inf_nan=False, description="time between a set and a read-back that shows it"
    )
    dialect: Literal["ask_empty", "wing", "ardour", "ableton", "blind"] = Field(
        "blind",
        description="how it is asked: ask_empty answers an address without a value; blind cannot be asked at all",
    )
    remedy: Sentence = Field(
        "Is the program running there, with OSC on, on this port?",
        description="what its users should look at if it does not answer",
    )
    first: tuple[Opening, ...] = Field((), max_length=10, description="messages that go before a push, in this order")
    song: SongFeed | None = Field(None, description="how it tells unasked where its song is, for `push --play`")

    @property
    def is_blind(self) -> bool:
        """Whether it cannot be asked: what is sent there is never confirmed, and nothing of it is known."""
        return self.dialect == "blind"


class Plugin(Part):
    """A plug-in that is the desk's EQ or compressor."""

    title: str = Field(min_length=1, max_length=100, description="its name, as the desk shows it")
    uri: str = Field(min_length=1, max_length=300, description="what the desk calls it in its files")
    stereo_uri: str | None = Field(None, min_length=1, max_length=300, description="the same for stereo strips")


class Controls(Part):
    """The single settings of a strip; what is absent cannot be set."""

    name: Control | None = None
    mute: Control | None = Field(None, description="1 is muted")
    trim_db: Control | None = None
    fader_db: Control | None = None
    pan: Control | None = Field(None, description="-1 left .. 1 right")
    fx_send_db: Control | None = None
    reverb_send_db: Control | None = None
    delay_send_db: Control | None = None
    send_reverb_on: Control | None = Field(None, description="switch of the send to the reverb, key send.reverb_on")
    send_delay_on: Control | None = Field(None, description="switch of the send to the delay, key send.delay_on")


class Coupling(Part):
    """Neighbouring strips that a desk can link: what is set on one is then set on both."""

    pair: AddressTemplate = Field(
        description="tells 1 where strips {a} and {b}, an odd number and the next, are linked, from the root"
    )
    shared: dict[SectionName, AddressTemplate] = Field(
        max_length=20, description="by section: tells 1 where linked strips share it; what is not named they never do"
    )


class Groups(Part):
    """Groups with a mute, and maybe a level, of their own, such as DCAs: they are only looked at."""

    title: str = Field(min_length=1, max_length=100, description='what the desk\'s users call one, e.g. "DCA {g}"')
    count: int = Field(ge=1, le=30, description="how many there are")
    member: AddressTemplate = Field(description="of a strip: a whole number, a bit for each group it is in")
    mute: Control = Field(description="of group {g}: 1 is muted")
    level_db: Control | None = Field(None, description="of group {g}")


class Tell(Part):
    """Something that has one value where a sentence is true."""

    address: AddressTemplate
    value: Int32 | str = Field(description="that it has then")


class StripKind(Part):
    """A kind of strip: how many there are, where they lie, what they have."""

    label: str = Field("", max_length=100, description="what the desk's users call it, e.g. ch/{n:02}")
    prefix: str = Field("", max_length=200, description="what the addresses of its settings begin with")
    first: int = Field(1, ge=0, le=100_000, description="number of the first")
    count: int = Field(1, ge=1, le=MAX_STRIPS, description="how many there are")
    controls: Controls = Controls()
    gate: GateSection | None = None
    low_cut: CutSection | None = None
    high_cut: CutSection | None = None
    eq: EqSection | None = None
    compressor: CompressorSection | None = None
    deesser: DeEsserSection | None = None
    saturation: SaturationSection | None = None
    linked: Coupling | None = Field(None, description="how to find out which strips are linked")
    groups: tuple[Groups, ...] = Field((), max_length=10, description="that strips may be in")
    listed: bool = Field(False, description="whether the desk says which strips there are; `count` is the most then")

    @model_validator(mode="after")
    def _usable_templates(self) -> StripKind:
        checked_template(self.label)
        if self.prefix:
            checked_address(self.prefix)
        if self.prefix and not self.prefix.startswith("/"):
            raise ValueError(f'the prefix has to start with a slash: "/{self.prefix}"')
        return self

    @property
    def numbers(self) -> range:
        """The numbers of its strips."""
        return range(self.first, self.first + self.count)


# What the master may have in common with a track; it has no gate and no sends in a preset.
_OF_MASTER: Final = ("prefix", "controls", "eq", "compressor")


class MasterStrip(StripKind):
    """The strip of the stereo sum."""

    count: Literal[1] = 1
    like: Literal["track"] | None = Field(
        None, description='"track": controls, eq and compressor are as on a track where they are not given here'
    )

    def resolved(self, track: StripKind) -> MasterStrip:
        """This strip with what it has in common with a track."""
        if self.like is None:
            return self
        return self.model_copy(update=_common(self, track, _OF_MASTER))


class BusStrip(StripKind):
    """The strips of groups: buses that tracks can be sent to and that go to the stereo sum."""

    like: Literal["track", "master"] | None = Field(
        None, description='"track" or "master": its sections are as there where they are not given here'
    )
    members: tuple[Tell, ...] = Field(
        (),
        max_length=5,
        description="all true where track {n} goes to bus {bus} and nowhere else; {odd} is {bus} or, of an even one, "
        "the number before",
    )

    def resolved(self, track: StripKind, master: StripKind | None) -> BusStrip:
        """This strip with what it has in common with a track or the master."""
        other = master if self.like == "master" else track if self.like == "track" else None
        return (
            self if other is None else self.model_copy(update=_common(self, other, ("prefix", "controls", *SECTIONS)))
        )


# Sections of a strip that are tables, in the order of the signal.
SECTIONS: Final = ("gate", "low_cut", "high_cut", "eq", "compressor", "deesser", "saturation")


def _common(strip: StripKind, other: StripKind, names: Iterable[str]) -> dict[str, object]:
    """What a strip takes from another."""
    return {name: getattr(other, name) for name in names if name not in strip.model_fields_set}


def _settable() -> Iterator[SectionName]:
    """What a profile can say of a strip and of effects, by section."""
    singles = (name for name in Controls.model_fields if not name.startswith("send_"))
    names = {*map(section_of, singles), *StripKind.model_fields, *EFFECTS}
    return (name for name in all_sections() if name in names)


# The sections that a desk can have.
SETTABLE: Final = tuple(_settable())
