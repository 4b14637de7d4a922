"""What a DAW session is, whichever DAW wrote it: tracks of clips on a timeline that is counted in frames.

The readers make it, :mod:`..stems.render` plays it. Nothing here opens a file. Beyond the contract's first list of
fields, and why:

- `Clip.split`: Ardour keeps a stereo recording as two mono files; their channels follow those of `source`.
- `Clip.layer` and `Clip.opaque`: in Ardour a clip hides what lies below it, and its fades bring that back; elsewhere
  clips that overlap are added.
- `Clip.envelope`: a gain curve of the clip itself, before its fades.
- `Clip.loop_start`, `Clip.downmix`, `Clip.name`: DAWproject loops a part, REAPER may fold to mono, messages need a
  name.
- `Fade.points`, `Fade.under`: Ardour stores its fades as curves, and another for what is below; a shape that has no
  name here can be given by points, too. `Fade.includes_end` is how Ardour samples a curve.
- Fade shapes are named by what they do; their formulas are in :mod:`.fades`.
- `SessionTrack.pan_law`: what a pan means for the gain of both sides; each DAW and kind of track has its own.
- Automation values are linear gains (1.0 is 0 dB) or pans (-1..1), and *replace* the track's fader: a reader whose DAW
  multiplies the two folds the fader in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FadeShape = Literal[
    "linear",
    "constant_power",
    "fast_start",
    "fast_end",
    "faster_start",
    "faster_end",
    "slow_ends",
    "slower_ends",
    "points",
]
Interpolation = Literal["linear", "hold", "decibel", "curved", "ardour_gain"]
PanLaw = Literal["balance", "constant_power", "constant_power_boosted", "linear", "linear_boosted", "ardour"]
GroupKind = Literal["folder", "group", "bus", "VCA", "master"]

MOST_TRACKS = 1024
MOST_CLIPS = 100_000
LONGEST_S = 24 * 3600
LOUDEST_DB = 120.0
MOST_STRETCH = 64.0
# DAWs compute play rates: a second of 24 hours is off by less than 0.1 ms.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Fade:
    """The beginning or end of a clip.

    Attributes:
        length: in frames at the session's rate; 0 is none.
        shape: how it rises; a fade-out is its mirror image in time. Formulas in :mod:`.fades`.
        points: for shape "points" alone: (frame since the fade's beginning, gain), as time runs, joined by a
            constrained cubic spline ("curved", as Ardour does) or a line where there are but two.
        under: the same for what an opaque clip lies on; without it 1 - gain.
        includes_end: the last frame already has the final value: frame k stands at k / (length - 1), not k / length.
    """

    length: int = 0
    shape: FadeShape = "linear"
    points: tuple[tuple[float, float], ...] = ()
    under: tuple[tuple[float, float], ...] = ()
    includes_end: bool = False


NO_FADE = Fade()


@dataclass(frozen=True)
class Automation:
    """A value that changes: between its points as `interpolation` says, and as at the first and last point outside.

    Attributes:
        points: (seconds since the session's beginning, value), in order. In a clip's envelope: since the clip's.
        interpolation: "hold" keeps a value until the next; "decibel" is a line in dB; "curved" a constrained cubic
            spline; "ardour_gain" a line on Ardour's fader.
    """

    points: tuple[tuple[float, float], ...]
    interpolation: Interpolation = "linear"

    @cached_property
    def arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times and values; made once, since some have hundreds of thousands and are asked for block by block."""
        pairs = np.array(self.points, np.float64).reshape(-1, 2)
        return pairs[:, 0].copy(), pairs[:, 1].copy()


@dataclass(frozen=True)
class Trim:
    """A gain that changes and acts besides the fader, whatever stands in front of that; plug-ins are not rendered.

    Attributes:
        what: a phrase that says so where it is not rendered.
        gains: linear gains over time.
    """

    what: str
    gains: Automation


@dataclass(frozen=True)
class Clip:
    """A piece of a recording on the timeline.

    Attributes:
        source: the audio file.
        position: where it begins, in frames at the session's rate.
        length: in frames at the session's rate; what its file does not have is silence.
        source_offset: which frame of the file comes first, in frames at the *file's* rate. Counted from the end if
            `reverse`.
        gain_db: -inf is silence.
        fade_in: from its beginning on.
        fade_out: up to its end.
        channels: which channels of the file (and of those in `split`) are taken, from 0; None takes all.
        downmix: fold the channels taken to one, their mean.
        reverse: the file is turned round.
        mute: it is not heard.
        loop_start: first frame of the part that repeats, at the file's rate.
        loop_frames: how long that part is, at the file's rate; None does not repeat.
        stretch: how many times longer than recorded. Rendered as a tape would: the pitch changes, too. A reader whose
            DAW would keep the pitch says so in a note.
        polarity: turned upside down.
        envelope: linear gains over time, since the clip's beginning.
        layer: clips of higher layers lie on those of lower ones.
        opaque: hides what it lies on.
        split: more files of which the clip's further channels come.
        name: what the DAW calls it.
        notes: what of it is not rendered, a phrase each.
    """

    source: Path
    position: int
    length: int
    source_offset: float = 0.0
    gain_db: float = 0.0
    fade_in: Fade = NO_FADE
    fade_out: Fade = NO_FADE
    channels: tuple[int, ...] | None = None
    downmix: bool = False
    reverse: bool = False
    mute: bool = False
    loop_start: float = 0.0
    loop_frames: float | None = None
    stretch: float = 1.0
    polarity: bool = False
    envelope: Automation | None = None
    layer: int = 0
    opaque: bool = False
    split: tuple[Path, ...] = ()
    name: str = ""
    notes: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """The frame behind its last."""
        return self.position + self.length

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.name or self.source.name


@dataclass(frozen=True)
class SessionTrack:
    """A track.

    Attributes:
        name: as the DAW shows it.
        order: from 0, as the DAW shows them.
        clips: in any order; of overlapping ones on the same layer, the later lies on the earlier.
        group: name of the folder or bus that it is in.
        colour: "#rrggbb".
        gain_db: its fader.
        pan: -1 left to 1 right.
        mute: whether it is muted (post-fader stems alone heed it).
        polarity_inverted: at the track's input or fader.
        channels: of the track, 1 or 2; stems are mono if all the clips are.
        pan_law: what `pan` means.
        volume: linear gains over time, in place of `gain_db`.
        pan_automation: pans over time, in place of `pan`.
        identity: the DAW's own name for it: an id or GUID.
        solo: whether it is soloed; said, never rendered.
        parent: index of the group in `Session.groups` that its output goes to; None is the master.
        controls: indices of groups that control it beside that, such as VCAs.
        has_output: whether its output goes anywhere; one without is a side-chain key, or heard by sends alone.
        send_db: level of the send that takes it to its parent, where that is one.
        mute_automation: gains over time, 0 where its mute is on, on top of the fader; None where that does not change.
        trims: further gains over time, on top of the fader.
    """

    name: str
    order: int
    clips: tuple[Clip, ...] = ()
    group: str | None = None
    colour: str | None = None
    gain_db: float = 0.0
    pan: float = 0.0
    mute: bool = False
    polarity_inverted: bool = False
    channels: int = 2
    pan_law: PanLaw = "balance"
    volume: Automation | None = None
    pan_automation: Automation | None = None
    identity: str = ""
    solo: bool = False
    parent: int | None = None
    controls: tuple[int, ...] = ()
    has_output: bool = True
    send_db: float = 0.0
    mute_automation: Automation | None = None
    trims: tuple[Trim, ...] = ()


@dataclass(frozen=True)
class SessionGroup:
    """A folder, group, bus or VCA: what the sound of several tracks goes through, or what controls them.

    Attributes:
        name: as the DAW shows it.
        kind: what the DAW calls it.
        parent: index of the group that its output goes to; None is the master. A VCA has none.
        controls: indices of groups that control it, such as VCAs.
        gain_db: its fader.
        pan: -1 left to 1 right.
        pan_law: what `pan` means.
        mute: whether it is muted, and with it all that it acts on.
        solo: whether it is soloed; said, never rendered.
        polarity_inverted: at its input or fader.
        volume: linear gains over time, in place of `gain_db`.
        pan_automation: pans over time, in place of `pan`.
        has_output: whether its output goes anywhere.
        identity: the DAW's own name for it.
        send_db: level of the send that takes it to its parent, where that is one.
        mute_automation: gains over time, 0 where its mute is on, on top of the fader; None where that does not change.
        trims: further gains over time, on top of the fader.
    """

    name: str
    kind: GroupKind = "group"
    parent: int | None = None
    controls: tuple[int, ...] = ()
    gain_db: float = 0.0
    pan: float = 0.0
    pan_law: PanLaw = "balance"
    mute: bool = False
    solo: bool = False
    polarity_inverted: bool = False
    volume: Automation | None = None
    pan_automation: Automation | None = None
    has_output: bool = True
    identity: str = ""
    send_db: float = 0.0
    mute_automation: Automation | None = None
    trims: tuple[Trim, ...] = ()


def gains_on_top(item: SessionTrack | SessionGroup) -> tuple[Automation, ...]:
    """Return what moves a level besides its fader: mute and trims."""
    mute = () if item.mute_automation is None else (item.mute_automation,)
    return (*mute, *(trim.gains for trim in item.trims))


@dataclass(frozen=True)
class TempoPoint:
    """A tempo from a place on.

    Attributes:
        time_s: seconds since the session's beginning.
        bpm: quarters a minute.
        ramp: it runs in a line to the next; else it holds.
    """

    time_s: float
    bpm: float
    ramp: bool = False


@dataclass(frozen=True)
class SessionNote:
    """Something that is not rendered.

    Attributes:
        track: whose; "" for the session's.
        clip: which clip; "" if it is about the track.
        what: a phrase, e.g. "plug-in ReaEQ", "MIDI".
    """

    track: str
    clip: str
    what: str


@dataclass(frozen=True)
class MissingMedia:
    """A file that a session names and that is not there.

    Attributes:
        written: the path as the session has it.
        looked_in: where it was looked for.
        is_outside: it was not looked for, as it lies outside the session's folder.
    """

    written: str
    looked_in: tuple[Path, ...] = ()
    is_outside: bool = False


@dataclass(frozen=True)
class Session:
    """A session.

    Attributes:
        path: its file (or folder).
        format: its name in the registry of formats.
        name: of the song.
        sample_rate_hz: all positions and lengths count in it.
        tracks: in the order of the DAW, audio tracks alone.
        tempo_bpm: at the beginning.
        unsupported: what is not rendered.
        missing: files that are not there; their clips are left out.
        time_reference: frames between midnight and the session's beginning, as BWF files count.
        groups: folders, buses and VCAs; tracks name them by index.
        tempo: where it changes, in order; none if it does not.
        remarks: what one may want to know besides.
        master: its fader, and what moves that; None where the session has none.
    """

    path: Path
    format: str
    name: str
    sample_rate_hz: int
    tracks: tuple[SessionTrack, ...]
    tempo_bpm: float = 120.0
    unsupported: tuple[SessionNote, ...] = ()
    missing: tuple[MissingMedia, ...] = ()
    time_reference: int = 0
    groups: tuple[SessionGroup, ...] = ()
    tempo: tuple[TempoPoint, ...] = ()
    remarks: tuple[SessionNote, ...] = ()
    master: SessionGroup | None = None

    @property
    def frames(self) -> int:
        """Where the last clip ends; 0 without clips."""
        return max((clip.end for track in self.tracks for clip in track.clips), default=0)


def is_one(rate: float) -> bool:
    """Tell whether a play rate or stretch is 1 but for what rounding left of it."""
    return round(abs(rate - 1), 12) <= _ROUNDING  # 1.000000001 itself is a little more in binary
