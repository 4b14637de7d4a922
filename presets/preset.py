"""The preset: a whole mix as numbers, with where it came from. The one thing passed between the halves of mixbridge.

Settings are absolute: relative to the raw file, in dB, Hz and ms. A preset is immutable; :mod:`.edit` makes new ones
from old ones, :mod:`.files` reads and writes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from .console import Delay, FxBus, Master, Part, Reverb, Strip
from .inserts.insert import MOST_INSERTS, Insert
from .lanes.lane import MOST_POINTS, Lane, check_lanes
from .names import LONGEST_NAME
from .roles import Role

FORMAT: Final = "mixbridge-preset"
VERSION: Final = 2
# What a file with lanes says, so that a mixbridge that knows none refuses it; one without is read by older ones, too.
VERSION_WITH_LANES: Final = 3
# Likewise with inserts.
VERSION_WITH_INSERTS: Final = 4
# What version 1 did not have (gate, cuts, de-esser, sends to reverb and delay, groups) is off in it; 3 brought lanes,
# 4 inserts.
READABLE_VERSIONS: Final = (1, 2, 3, 4)


# The stages of a strip that linked tracks share; fader, pan and sends are each one's own.
LINKED: Final = ("input_gain_db", "gate", "low_cut", "high_cut", "eq", "compressor", "deesser", "saturation")


class SourceFile(Part):
    """A file that went into a prediction."""

    file: str = Field(description="its name, without folders")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Window(Part):
    """The passage that was listened to."""

    start_s: float = Field(ge=0, allow_inf_nan=False)
    length_s: float = Field(gt=0, allow_inf_nan=False)


class WeightedFile(SourceFile):
    """One of several references."""

    weight: float = Field(gt=0, le=1, allow_inf_nan=False, description="share of it; those of all add up to 1")
    window: Window = Field(description="the passage of it that was listened to in any case")


class Finding(Part):
    """A predicted setting that would have done harm, and what was done about it."""

    rule: str = Field(max_length=100, description="name of the guard rail")
    track: str | None = Field(None, max_length=LONGEST_NAME, description="absent for the master and the mix as a whole")
    before: float | None = Field(None, allow_inf_nan=False, description="what was found, in dB where it is a number")
    after: float | None = Field(None, allow_inf_nan=False, description="the same after it was put right")
    message: str = Field(max_length=500, description="for people, one line")


class Confidence(Part):
    """How far a prediction can be trusted, by the mix's own measure and by what the model has learned from.

    Distances are feature distances to the reference at its loudness, of the passage that was listened to.
    """

    level: Literal["high", "fair", "low"]
    reasons: tuple[str, ...] = Field((), max_length=20, description="for people, a sentence each")
    probability: float | None = Field(
        None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="that the mix is nearer to the reference than the plain mix, on passages that were not heard, too",
    )
    distance_prediction: float | None = Field(None, ge=0, allow_inf_nan=False, description="of the settings kept")
    distance_neutral: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="of all tracks equally loud in the centre"
    )
    amount: float = Field(1.0, ge=0, le=1, description="how much of the prediction was kept, against that plain mix")


class MixLevel(Part):
    """How loud a mix was finished where nobody asked for a loudness: what its reference's peaks allowed."""

    loudness_lufs: float = Field(ge=-70, le=0, allow_inf_nan=False)
    peak_to_loudness_db: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="peaks further above it were turned down, by 3 dB at most",
    )
    most_limited_db: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="the limiter turned no peak down by more; loudness gave way first"
    )


class Provenance(Part):
    """Where a preset came from; every entry may be absent in one made by hand."""

    tool: str | None = Field(None, description="program and version")
    created: str | None = Field(None, description="ISO 8601, UTC")
    model: str | None = Field(None, description="name of the model")
    model_sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="of its manifest")
    reference: SourceFile | None = None
    reference_window: Window | None = None
    references: tuple[WeightedFile, ...] | None = Field(
        None, max_length=16, description="all references where there are several; the heaviest is also `reference`"
    )
    window: Window | None = Field(None, description="passage of the tracks")
    sample_rate_hz: int | None = Field(None, gt=0)
    confidence: Confidence | None = Field(None, description="how far the prediction can be trusted")
    findings: tuple[Finding, ...] | None = Field(None, max_length=10000, description="guard rails that held")
    settings_sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="of the settings that confidence and findings speak of; they are left out where others stand here",
    )
    decisions: tuple[str, ...] | None = Field(
        None, max_length=100, description="for people: what was taken from the reference and why, a sentence each"
    )
    level: MixLevel | None = Field(None, description="how loud the mix was finished; the preset is applied like that")
    note: str | None = Field(None, max_length=2000)


class Track(Part):
    """One track: its name, its settings, and what the prediction found out about it.

    Attributes:
        name: how it is matched to a stem (the file name without ending) or a DAW track.
        inserts: networks and programs that it goes through before everything else.
        strip: its settings.
        lanes: which of them move while the song plays, and how.
        mute: left out of the mix.
        bus: name of the group bus that it goes to; None goes to the mix.
        link: a word that linked tracks share ("OH"): their dynamics act together, as those of one stereo track.
        role: what it is in the mix, as it was told or found out; None where nobody knows.
        source: the file it was predicted from.
        note: for people, e.g. "silent: left at neutral".
    """

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    inserts: tuple[Insert, ...] = Field(
        (), max_length=MOST_INSERTS, description="networks and programs that it goes through before its strip"
    )
    strip: Strip = Strip()
    lanes: tuple[Lane, ...] = Field((), max_length=128, description="settings that move, in place of their values")
    mute: bool = False
    bus: str | None = Field(None, min_length=1, max_length=200, description="group bus that it goes to")
    link: str | None = Field(None, min_length=1, max_length=200, description="tracks of one link share their dynamics")
    role: Role | None = Field(None, description="what it is in the mix")
    source: SourceFile | None = None
    note: str | None = Field(None, max_length=2000)

    @model_validator(mode="after")
    def _playable_lanes(self) -> Track:
        check_lanes(self.lanes, Strip)
        return self


class GroupBus(Part):
    """A group of tracks, summed and processed together: drums, backing vocals.

    Attributes:
        name: what tracks name it by.
        inserts: networks and programs that the sum of its tracks goes through before its strip.
        strip: its settings.
        lanes: which of them move while the song plays, and how.
        mute: the group is left out of the mix.
        note: for people.
    """

    name: str = Field(min_length=1, max_length=200)
    inserts: tuple[Insert, ...] = Field(
        (), max_length=MOST_INSERTS, description="networks and programs that the sum of its tracks goes through first"
    )
    strip: Strip = Strip()
    lanes: tuple[Lane, ...] = Field((), max_length=128, description="settings that move, in place of their values")
    mute: bool = False
    note: str | None = Field(None, max_length=2000)

    @model_validator(mode="after")
    def _playable_lanes(self) -> GroupBus:
        check_lanes(self.lanes, Strip)
        return self


class Preset(Part):
    """A mix: tracks, group buses, effect buses, master, provenance."""

    format: Literal["mixbridge-preset"] = FORMAT
    version: Literal[1, 2, 3, 4] = VERSION
    name: str = Field("", max_length=200)
    description: str = Field("", max_length=2000, description="what it is for, in a line")
    tracks: tuple[Track, ...] = Field((), max_length=1024)
    buses: tuple[GroupBus, ...] = Field((), max_length=128, description="groups of tracks")
    fx_bus: FxBus = FxBus()
    reverb: Reverb = Reverb()
    delay: Delay = Delay()
    master: Master = Master()
    master_lanes: tuple[Lane, ...] = Field((), max_length=128, description="settings of the master that move")
    master_inserts: tuple[Insert, ...] = Field(
        (),
        max_length=MOST_INSERTS,
        description="networks and programs that the whole sum goes through before the master",
    )
    provenance: Provenance = Provenance()

    @model_validator(mode="after")
    def _unique_names(self) -> Preset:
        names = [track.name for track in self.tracks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"track names must differ, but {', '.join(map(repr, twice))} stand more than once")
        return self

    @model_validator(mode="after")
    def _known_buses(self) -> Preset:
        names = [bus.name for bus in self.buses]
        if len(set(names)) < len(names):
            raise ValueError("bus names must differ")
        for track in self.tracks:
            if track.bus is not None and track.bus not in names:
                raise ValueError(f"track {track.name!r} goes to the bus {track.bus!r}, which is not in buses")
        return self

    @model_validator(mode="after")
    def _playable_lanes(self) -> Preset:
        check_lanes(self.master_lanes, Master)
        count = sum(len(lane.points) for _, lane in self.all_lanes())
        if count > MOST_POINTS:
            raise ValueError(f"all lanes together have {count} points, and may have {MOST_POINTS} at most")
        return self

    @model_validator(mode="after")
    def _alike_where_linked(self) -> Preset:
        first: dict[str, Track] = {}
        for track in self.tracks:
            if track.link is None:
                continue
            other = first.setdefault(track.link, track)
            unlike = [name for name in LINKED if getattr(track.strip, name) != getattr(other.strip, name)]
            if linked_lanes(track) != linked_lanes(other):
                unlike.append("lanes of these")
            if unlike:
                raise ValueError(
                    f"tracks {other.name!r} and {track.name!r} are linked ({track.link!r}) and must have the same "
                    f"{', '.join(unlike)}: make them alike, or remove their link"
                )
        return self

    def all_lanes(self) -> Iterator[tuple[str, Lane]]:
        """List every lane behind what it belongs to: `tracks[Vox]`, `buses[Drums]`, `master`."""
        for track in self.tracks:
            yield from ((f"tracks[{track.name}]", lane) for lane in track.lanes)
        for bus in self.buses:
            yield from ((f"buses[{bus.name}]", lane) for lane in bus.lanes)
        yield from (("master", lane) for lane in self.master_lanes)

    def all_inserts(self) -> Iterator[tuple[str, tuple[Insert, ...]]]:
        """List all inserts behind what they stand before: `tracks[Vox]`, `buses[Drums]`, `master`."""
        yield from ((f"tracks[{track.name}]", track.inserts) for track in self.tracks if track.inserts)
        yield from self.bus_inserts()

    def bus_inserts(self) -> Iterator[tuple[str, tuple[Insert, ...]]]:
        """List those of groups and the master alone."""
        yield from ((f"buses[{bus.name}]", bus.inserts) for bus in self.buses if bus.inserts)
        if self.master_inserts:
            yield "master", self.master_inserts

    @property
    def has_inserts(self) -> bool:
        """Whether a track, a group or the mix goes through a network or program first."""
        return any(True for _ in self.all_inserts())

    @property
    def has_lanes(self) -> bool:
        """Whether anything moves."""
        return any(True for _ in self.all_lanes())

    def track(self, name: str) -> Track:
        """Find the track of this name; KeyError, with the names that there are, if there is none."""
        for track in self.tracks:
            if track.name == name:
                return track
        raise KeyError(f"{name}: the preset has the tracks {', '.join(each.name for each in self.tracks)}")

    def bus(self, name: str) -> GroupBus:
        """The group bus of this name; KeyError if there is none."""
        for bus in self.buses:
            if bus.name == name:
                return bus
        raise KeyError(name)


def linked_with(preset: Preset, index: int, section: str) -> list[int]:
    """List a track and those that share a section with it by a link."""
    link = preset.tracks[index].link
    if link is None or section not in LINKED:
        return [index]
    return [number for number, track in enumerate(preset.tracks) if track.link == link]


def linked_lanes(track: Track) -> dict[str, Lane]:
    """The lanes of a track that those it is linked with have, too, by setting."""
    return {lane.parameter: lane for lane in track.lanes if lane.parameter.partition(".")[0] in LINKED}


def said_of(references: Sequence[WeightedFile]) -> dict[str, Any]:
    """What a provenance says of references, at least one, the heaviest first, which stands where one alone would."""
    first = references[0]
    return {
        "reference": SourceFile(file=first.file, sha256=first.sha256),
        "reference_window": first.window,
        "references": tuple(references) if len(references) > 1 else None,
    }


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema of a preset file (draft 2020-12), as exported to `presets/preset.schema.json`."""
    schema: dict[str, Any] = Preset.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "mixbridge preset",
        "required": ["format", "version"],
    }
