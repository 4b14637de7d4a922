"""The sections of a strip in a desk's profile: EQ, compressor, cuts, gate and so on; and effects that strips send to.

A section is a table of controls, of which a desk may lack some; :mod:`.layout` says of which sections a strip is made.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from ...presets.console import Part
from .filters import ShelfLaw
from .scales import AnyScale, Finite
from .template import AddressTemplate, Template
from .wire import Int32

FilterType = Literal["low_shelf", "bell", "high_shelf"]
TimeLaw = Literal["tau", "pedalboard", "ninety", "half_open", "half_closed"]

FILTER_TYPES: Final[tuple[FilterType, ...]] = ("low_shelf", "bell", "high_shelf")
# The Q at which a shelf neither overshoots nor sags (Butterworth, rounded as on front panels).
SHELF_Q: Final = 0.71

Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]


def _is_name(value: Any) -> str:
    return "name" if isinstance(value, str) else "table"


ScaleEntry = Annotated[Annotated[str, Tag("name")] | Annotated[AnyScale, Tag("table")], Discriminator(_is_name)]
SlotEntry = Annotated[
    Annotated[Word, Tag("name")] | Annotated[dict[Word, Int32 | Word], Tag("table")], Discriminator(_is_name)
]


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


Fixed = Annotated[
    dict[Word, Constant],
    Field(max_length=20, description="settings that are sent along with any of its values"),
]


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
    fixed: Fixed = Field(default_factory=dict)


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
    release_ms: Control | None = None
    knee_db: Control | None = Field(None, description="whole width of the soft corner")
    makeup_db: Control | None = None
    fixed: Fixed = Field(default_factory=dict)


class CutSection(Part):
    """A low cut or high cut."""

    freq_hz: Control
    slope_db_per_octave: Control | None = None
    slope: float = Field(
        12.0, gt=0, le=96, allow_inf_nan=False, description="of a cut without a control for it, in dB per octave"
    )
    on: Control | None = None
    fixed: Fixed = Field(default_factory=dict)


class GateSection(Part):
    """The gate or downward expander of a strip."""

    attack_law: TimeLaw = Field(
        "tau",
        description="what its ms mean, as in a compressor; half_open, half_closed: time constants of its gain in dB",
    )
    release_law: TimeLaw = Field("tau", description="the same for the release")
    threshold_db: Control
    range_db: Control | None = Field(None, description="the most it turns down; without, there is no limit")
    ratio: Control | None = Field(None, description="dB out for one dB in, below the threshold; 100 for a gate")
    fixed_ratio: float = Field(
        100.0, ge=1, le=1000, allow_inf_nan=False, description="of a gate without such a control"
    )
    attack_ms: Control | None = None
    hold_ms: Control | None = None
    release_ms: Control | None = None
    hysteresis_db: Control | None = None
    on: Control | None = None
    fixed: Fixed = Field(default_factory=dict)


class DeEsserSection(Part):
    """The de-esser of a strip."""

    freq_hz: Control | None = None
    threshold_db: Control
    range_db: Control
    on: Control | None = None
    fixed: Fixed = Field(default_factory=dict)


class SaturationSection(Part):
    """The saturation of a strip."""

    drive: Control
    tone: Control | None = None
    mix: Control | None = None
    level_match: Control | None = None
    on: Control | None = None
    fixed: Fixed = Field(default_factory=dict)


class EffectModel(Part):
    """An effect that can be in a slot: `name` is the value of its `type`; the first of several is the usual one."""

    name: Word = "built-in"
    like: Word | None = Field(None, description="name of another model, which it is like but for what is given here")
    pre_delay_ms: Control | None = None
    decay_mid_s: Control | None = None
    decay_low_s: Control | None = None
    decay_high_s: Control | None = None
    bass_ratio: Control | None = Field(None, description="decay of the lows as a part of that of the middle")
    treble_ratio: Control | None = Field(None, description="the same for the highs")
    damping_hz: Control | None = None
    size: Control | None = None
    width: Control | None = None
    time_ms: Control | None = None
    feedback: Control | None = None
    feedback_right: Control | None = Field(None, description="of the right side, where it has one of its own")
    ping_pong: Control | None = None
    low_cut_hz: Control | None = None
    high_cut_hz: Control | None = None
    ducking_threshold_db: Control | None = None
    ducking_range_db: Control | None = None
    fixed: Fixed = Field(default_factory=dict)


class EffectFeed(Part):
    """How to find out which bus feeds an effect slot, where that is not given in `slots`."""

    bus: Control | None = Field(None, description="tells the bus that feeds slot {n}; 0 is none")
    insert: Control | None = Field(None, description="tells the slot that is inserted in bus {bus}; 0 is none")
    buses: int = Field(1, ge=1, le=100, description="how many buses there are, for `insert`")

    @model_validator(mode="after")
    def _one_way(self) -> EffectFeed:
        if (self.bus is None) == (self.insert is None):
            raise ValueError("give either `bus` or `insert`, what tells the bus of a slot or the slot of a bus")
        return self


class EffectRest(Part):
    """All settings that an effect in a slot may have: they go when it is replaced, and are kept to take that back."""

    address: AddressTemplate = Field(description="of setting {par}, below the prefix of the slot")
    count: int = Field(ge=1, le=200, description="how many there are")


class EffectKind(Part):
    """A kind of effect that strips send to, and the slots that can hold one."""

    label: str = Field("", max_length=100, description="what the desk's users call a slot, e.g. fx {n}")
    prefix: str = Field("", max_length=200, description="what the addresses of a model's settings begin with")
    count: int = Field(1, ge=1, le=100, description="how many slots there are")
    slots: tuple[dict[Word, Int32 | Word], ...] = Field(
        (), max_length=100, description="what differs between the slots, for gaps in addresses; `bus` is what feeds one"
    )
    type: Control | None = Field(None, description="of slot {n}: which effect is in it; absent where it is built in")
    free: tuple[str, ...] = Field((), max_length=20, description="values of `type` of an empty slot")
    feed: EffectFeed | None = None
    bus_level_db: Control | None = Field(None, description="of the bus {bus} that feeds it; it is only looked at")
    models: tuple[EffectModel, ...] = Field(min_length=1, max_length=20)
    like: Literal["reverb"] | None = Field(
        None, description='of a delay: "reverb" where its slots are those of the reverb'
    )
    returns: tuple[Control, ...] = Field((), max_length=2, description="level of its return; of left and right, if two")
    rest: EffectRest | None = Field(None, description="all settings of a slot, whatever effect is in it")
    reverb_sends: tuple[Control, ...] = Field(
        (), max_length=2, description="of a delay: sends of its return to {reverb}"
    )

    @model_validator(mode="after")
    def _as_many_slots(self) -> EffectKind:
        if self.slots and len(self.slots) != self.count:
            raise ValueError(f"{len(self.slots)} tables in `slots`, but a count of {self.count}: they go in pairs")
        if len(self.models) > 1 and self.type is None:
            raise ValueError("several models need a `type`, which tells them apart")
        names = {model.name for model in self.models if model.like is None}
        if any(model.like not in {None, *names} for model in self.models):
            raise ValueError(f"a model is `like` one that is not there, or is like another; there are {sorted(names)}")
        return self

    def resolved(self, reverb: EffectKind | None) -> EffectKind:
        """This kind of effect with what its slots have in common with those of the reverb."""
        if self.like is None or reverb is None:
            return self
        own = {"models", "reverb_sends", "like"}
        usual = {name: field.get_default() for name, field in type(self).model_fields.items() if name not in own}
        common = {name: getattr(reverb, name) for name, value in usual.items() if getattr(self, name) == value}
        return self.model_copy(update=common)

    def variables(self, slot: int) -> dict[str, int | str]:
        """What fills the gaps of a slot's addresses, besides its bus."""
        return dict(self.slots[slot - 1]) if self.slots else {}

    def model(self, name: str) -> EffectModel | None:
        """The model of this name; None for an effect that is none of them."""
        found = next((model for model in self.models if model.name == name), None)
        if found is None or found.like is None:
            return found
        other = next(model for model in self.models if model.name == found.like)
        return other.model_copy(update={key: getattr(found, key) for key in found.model_fields_set})
