"""The format of a desk's profile: what stands in its TOML file, table by table (docs/desks.md explains it).

These models check each entry by itself; :mod:`.expansion` puts them together, :mod:`.profile` is what others use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from ...presets.console import Part
from ...presets.sections import SectionName
from .filters import ShelfLaw
from .keys import all_sections, section_of
from .scales import AnyScale, Finite
from .template import AddressTemplate, Template, checked_address, checked_template
from .wire import Int32

FilterType = Literal["low_shelf", "bell", "high_shelf"]
TimeLaw = Literal["tau", "pedalboard", "ninety"]

FILTER_TYPES: Final[tuple[FilterType, ...]] = ("low_shelf", "bell", "high_shelf")
# The Q at which a shelf neither overshoots nor sags (Butterworth, rounded as on front panels).
SHELF_Q: Final = 0.71
MAX_STRIPS: Final = 1000

Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]


def _is_name(value: Any) -> str:
    return "name" if isinstance(value, str) else "table"


ScaleEntry = Annotated[Annotated[str, Tag("name")] | Annotated[AnyScale, Tag("table")], Discriminator(_is_name)]
SlotEntry = Annotated[
    Annotated[Word, Tag("name")] | Annotated[dict[Word, Int32 | Word], Tag("table")], Discriminator(_is_name)
]


class Opening(Part):
    """A message that makes a desk ready for a push."""

    address: AddressTemplate
    values: tuple[Int32 | Finite | str, ...] = Field((), max_length=10, description="its arguments")


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

    @property
    def is_blind(self) -> bool:
        """Whether it cannot be asked: what is sent there is never confirmed, and nothing of it is known."""
        return self.dialect == "blind"


class Plugin(Part):
    """A plug-in that is the desk's EQ or compressor."""

    title: str = Field(min_length=1, max_length=100, description="its name, as the desk shows it")
    uri: str = Field(min_length=1, max_length=300, description="what the desk calls it in its files")
    stereo_uri: str | None = Field(None, min_length=1, max_length=300, description="the same for stereo strips")


class Control(Part):
    """Where one setting lies and on which scale."""

    address: AddressTemplate = Field(description="below the strip's prefix, or from the root if it starts with /")
    before: tuple[Int32 | Template, ...] = Field(
        (), max_length=10, description='arguments before the value, e.g. ["{n}", 3]'
    )
    scale: ScaleEntry = Field(description="name of an entry in [scales], or a scale itself")


class Constant(Control):
    """A setting that needs one value for the others to mean what they say, e.g. the mode of a dynamics section."""

    value: Finite | str = Field(description="in the scale's unit")


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


class Bands(Part):
    """Equalizer bands that are alike: one entry stands for each of its slots."""

    slots: tuple[SlotEntry, ...] = Field(
        min_length=1,
        max_length=32,
        description="names; or tables with a `name` and whatever else differs between them, for gaps in addresses",
    )
    types: tuple[FilterType, ...] = Field(
        (), max_length=3, description="what the bands are, if it cannot be changed: low_shelf, bell or high_shelf"
    )
    type: Control | None = None
    freq_hz: Control
    gain_db: Control
    q: Control | None = None
    on: Control | None = None
    shelf_q: float = Field(SHELF_Q, gt=0, le=20, allow_inf_nan=False, description="Q of shelves that have no control")
    shelf_law: ShelfLaw = Field("middle", description="which frequency a shelf is named by: of its middle or its poles")

    @model_validator(mode="after")
    def _one_source_of_types(self) -> Bands:
        if self.type is None and len(self.types) != 1:
            raise ValueError('without a `type` control, `types` has to name what the bands are, e.g. types = ["bell"]')
        if self.type is not None and self.types:
            raise ValueError("`types` is for bands that cannot be changed: leave out either it or the `type` control")
        if any(isinstance(slot, dict) and "name" not in slot for slot in self.slots):
            raise ValueError('each table in `slots` needs a name, e.g. { name = "low", number = 1 }')
        return self

    def variables(self) -> list[dict[str, int | str]]:
        """What fills the gaps for each slot; "slot" is its name."""
        tables = [slot if isinstance(slot, dict) else {"name": slot} for slot in self.slots]
        return [{**table, "slot": str(table["name"])} for table in tables]


class EqSection(Part):
    """The equalizer of a strip."""

    on: Control | None = None
    bands: tuple[Bands, ...] = Field(min_length=1, max_length=32)
    fixed: dict[Word, Constant] = Field(
        default_factory=dict, max_length=20, description="settings that are sent along with any of its values"
    )


class CompressorSection(Part):
    """The compressor of a strip."""

    attack_law: TimeLaw = Field(
        "tau",
        description="what its ms mean: tau (a time constant), pedalboard (2 pi of them), ninety (ln 9: 10 to 90 %)",
    )
    release_law: TimeLaw = Field("tau", description="the same for the release")
    on: Control | None = None
    threshold_db: Control
    ratio: Control
    attack_ms: Control
    release_ms: Control
    knee_db: Control | None = Field(None, description="whole width of the soft corner")
    makeup_db: Control | None = None
    fixed: dict[Word, Constant] = Field(
        default_factory=dict, max_length=20, description="settings that are sent along with any of its values"
    )


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


class StripKind(Part):
    """A kind of strip: how many there are, where they lie, what they have."""

    label: str = Field("", max_length=100, description="what the desk's users call it, e.g. ch/{n:02}")
    prefix: str = Field("", max_length=200, description="what the addresses of its settings begin with")
    first: int = Field(1, ge=0, le=100_000, description="number of the first")
    count: int = Field(1, ge=1, le=MAX_STRIPS, description="how many there are")
    controls: Controls = Controls()
    eq: EqSection | None = None
    compressor: CompressorSection | None = None
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
        own = self.model_fields_set
        common = {name: getattr(track, name) for name in ("prefix", "controls", "eq", "compressor") if name not in own}
        return self.model_copy(update=common)


def _settable() -> Iterator[SectionName]:
    """What a profile can say of a strip, by section."""
    names = {*map(section_of, Controls.model_fields), *StripKind.model_fields}
    return (name for name in all_sections() if name in names)


# The sections that a desk can have.
SETTABLE: Final = tuple(_settable())
