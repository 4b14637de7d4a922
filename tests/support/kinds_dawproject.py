"""Each kind of what is not rendered, in a DAWproject."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dawproject_files import audio, write_project
from kind_examples import FormatKinds, KindExample
from mixbridge.bridge.sessions.core.kinds import Kind
from timeline import RATE_HZ, noise, write_audio

_CLIP = '<Clip time="0" duration="1">{}</Clip>'
_DEVICE = '<Devices><Vst3Plugin deviceName="Echo" deviceRole="audioFX"/></Devices>'
_SEND = '<Sends><Send destination="cRoom"><Volume unit="linear" value="1"/></Send></Sends>'


def _channel(name: str, inside: str = "", *, to: str = "cMaster", more: str = "", levels: str = "1 0.5 false") -> str:
    """A channel; `levels` are its fader, its pan and its mute."""
    volume, pan, mute = levels.split()
    devices, sends = (inside, "") if inside.startswith("<Devices>") else ("", inside)
    return (
        f'<Channel id="c{name}" destination="{to}" {more}>{devices}<Mute id="m{name}" value="{mute}"/>'
        f'<Pan id="p{name}" unit="normalized" value="{pan}"/>{sends}'
        f'<Volume id="v{name}" unit="linear" value="{volume}"/></Channel>'
    )


def _track(name: str, channel: str, inside: str = "", more: str = "") -> str:
    kind = "tracks" if inside else "audio"
    return f'<Track contentType="{kind}" id="t{name}" name="{name}" {more}>{channel}{inside}</Track>'


def _song(
    structure: str = "", clips: str = "", *, lanes: str = "", outside: str = "", master: str = "", channels: int = 1
) -> Callable[[Path], Path]:
    """A project of a track "Vox" with a clip, if there are no others, and a master.

    Args:
        structure: tracks in its place.
        clips: beside its clip.
        lanes: beside its clips.
        outside: beside its lanes, on no track.
        master: devices.
        channels: of its recording.
    """
    tracks = structure or _track("Vox", _channel("Vox"))
    last = _track("Master", f'<Channel id="cMaster" role="master">{master}</Channel>')
    inside = (
        f'<Structure>{tracks}{last}</Structure><Arrangement><Lanes timeUnit="seconds"><Lanes track="tVox">'
        f"<Clips>{_CLIP.format(audio())}{clips}</Clips>{lanes}</Lanes>{outside}</Lanes></Arrangement>"
    )

    def make(folder: Path) -> Path:
        sound = write_audio(folder / "sound" / "a.wav", noise(2 * RATE_HZ, channels))
        return write_project(folder / "song.dawproject", inside, {"audio/a.wav": sound})

    return make


def _vox(what: str, inside: str = "", *, more: str = "", levels: str = "1 0.5 false", track: str = "") -> KindExample:
    structure = _track("Vox", _channel("Vox", inside, more=more, levels=levels), more=track)
    return KindExample(_song(structure), ("Vox", "", what))


def _group(what: str, *, levels: str = "1 0.5 false", lanes: str = "") -> KindExample:
    inner = _track("Vox", _channel("Vox", to="cDrums"))
    structure = _track("Drums", _channel("Drums", levels=levels), inner)
    return KindExample(_song(structure, lanes=lanes), ("Drums", "", what))


def _clip(what: str, content: str) -> KindExample:
    clip = f'<Clip time="4" duration="1" name="take">{content}</Clip>'
    return KindExample(_song(clips=clip), ("Vox", "take", what))


def _points(target: str, tag: str = "RealPoint", value: str = "1") -> str:
    return f'<Points unit="linear"><Target {target}/><{tag} time="0" value="{value}"/></Points>'


def _warps(end: float, algorithm: str = "stretch") -> str:
    inner = audio(more=f'algorithm="{algorithm}"')
    marks = f'<Warp time="0" contentTime="0"/><Warp time="4" contentTime="{end}"/>'
    return f'<Warps timeUnit="seconds" contentTimeUnit="seconds">{inner}{marks}</Warps>'


_MUTED = "1 0.5 true"
# Muted from a quarter of a second to half of one.
MUTE_LANE = (
    '<Points timeUnit="seconds"><Target parameter="mVox"/><BoolPoint time="0" value="false"/>'
    '<BoolPoint time="0.25" value="true"/><BoolPoint time="0.5" value="false"/></Points>'
)
_PAN_POINTS = _points('expression="pan"')
_NO_STRETCH = "warp markers are followed"
_ROOM = _track("Room", _channel("Room", more='role="effect"'))

KINDS = FormatKinds(
    examples={
        Kind.NO_AUDIO: KindExample(
            _song(_track("Vox", _channel("Vox")) + _track("B", _channel("B"))), ("B", "", "no audio, so no stem")
        ),
        Kind.NOT_PLAYED: _vox("muted in the session", levels=_MUTED),
        Kind.LEFT_OUT: KindExample(
            _song(
                _track("Vox", _channel("Vox", levels=_MUTED)) + _track("B", _channel("B")),
                outside=f'<Lanes track="tB"><Clips>{_CLIP.format(audio())}</Clips></Lanes>',
            ),
            ("Vox", "", "muted in the session, so it is left out"),
            muted=False,
        ),
        Kind.SILENT_STEM: _group("muted by the group Drums, so its stem is silent", levels=_MUTED).of(
            "Vox", post_fader=True
        ),
        Kind.RETURN_AUDIO: KindExample(
            _song(
                _track("Vox", _channel("Vox")) + _track("Delay return (mixbridge)", _channel("B")),
                outside=f'<Lanes track="tDelay return (mixbridge)"><Clips>{_CLIP.format(audio())}</Clips></Lanes>',
            ),
            ("Delay return (mixbridge)", "", "a return of an earlier mix, rendered, so no stem unless it is named"),
        ),
        Kind.SOLO: _vox("its solo: all tracks are rendered", more='solo="true"'),
        Kind.GROUP_FADER: _group("the group's fader at -20.0 dB is not in the raw stems", levels="0.1 0.5 false"),
        Kind.GROUP_PAN: _group("the group's pan at 50 % left is not in the raw stems", levels="1 0.25 false"),
        Kind.GROUP_AUTOMATION: _group(
            "the group's volume automation is not in the raw stems", lanes=_points('parameter="vDrums"')
        ),
        Kind.SEND: KindExample(_song(_track("Vox", _channel("Vox", _SEND)) + _ROOM), ("Vox", "", "send to Room")),
        Kind.PLUGIN: _vox("plug-in Echo", _DEVICE),
        Kind.MASTER_PLUGIN: KindExample(_song(master=_DEVICE), ("", "", "plug-in Echo on the master")),
        Kind.TRACK_OFF: _vox("the track is switched off in the DAW", track='loaded="false"'),
        Kind.MUTE_AUTOMATION: KindExample(_song(lanes=MUTE_LANE), ("Vox", "", "mute automation")),
        Kind.AUTOMATION: KindExample(
            _song(lanes=_points('parameter="nowhere"')), ("", "", "automation of a parameter")
        ),
        Kind.AUTOMATION_OF_PLUGIN: KindExample(
            _song(
                _track("Vox", _channel("Vox", _DEVICE.replace("<Vst3Plugin", '<Vst3Plugin id="x"'))),
                lanes=_points('parameter="x"'),
            ),
            ("Vox", "", "automation of plug-in Echo"),
        ),
        Kind.AUTOMATION_OF_SEND: KindExample(
            _song(
                _track("Vox", _channel("Vox", _SEND.replace("<Volume", '<Volume id="x"'))) + _ROOM,
                lanes=_points('parameter="x"'),
            ),
            ("Vox", "", "automation of a send"),
        ),
        Kind.MUTED_CLIPS: KindExample(
            _song(clips=f'<Clip time="4" duration="1" enable="false">{audio()}</Clip>'),
            ("", "", "1 muted clip is left out"),
        ),
        Kind.MIDI: _clip("MIDI", "<Notes/>"),
        Kind.VIDEO: _clip("video", '<Video channels="1" duration="1" sampleRate="1"><File path="x"/></Video>'),
        Kind.UNKNOWN_ELEMENT: _clip("<Surround>, which mixbridge does not know", "<Surround/>"),
        Kind.NO_TRACK: KindExample(
            _song(outside=f"<Clips>{_CLIP.format(audio())}</Clips>"), ("", "", "audio that is on no track")
        ).of(""),
        Kind.LAUNCHER: _clip("clips of the launcher: the arrangement alone is rendered", "<ClipSlot/>"),
        Kind.TIME_STRETCH: _clip(
            "play rate 0.5 with its pitch kept; rendered like a tape, with the pitch changed", _warps(2)
        ),
        Kind.STRETCHED_CLIPS: _clip(
            "time-stretch of several clips at once: they play at their own speed",
            '<Warps contentTimeUnit="seconds"><Clips/><Warp time="0" contentTime="0"/></Warps>',
        ),
        Kind.RAW_WARPS: _clip("warp markers, as the clip is set to play raw", _warps(2, "raw")),
        Kind.BACKWARD_WARPS: _clip("warp markers that no recording can follow: the clip is left out", _warps(-1)),
        Kind.CLIP_AUTOMATION: _clip("pan envelope", f"<Lanes>{audio()}{_PAN_POINTS}</Lanes>"),
        Kind.TOO_WIDE: KindExample(_song(channels=4), ("Vox", "a.wav", "4 channels, of which the first two are taken")),
        Kind.FILE_ENDS: KindExample(
            _song(clips=f'<Clip time="4" duration="2.5" name="take">{audio()}</Clip>'),
            ("Vox", "take", "its file ends 0.50 s before the clip does"),
        ),
    },
    not_there={
        Kind.POLARITY: "channels have none",
        Kind.GROUP_POLARITY: "channels have none",
        Kind.CHANNEL_POLARITY: "channels have none",
        Kind.RECEIVE: "sends are listed at the track that sends",
        Kind.SIDE_CHAIN: "a send has no kind of its own for it",
        Kind.HARDWARE: "outputs of the sound card are not in the file",
        Kind.INSERT: "inserts are devices",
        Kind.WIDTH: "a pan has none",
        Kind.WIDTH_AUTOMATION: "a pan has none",
        Kind.PANNER: "there is one kind of pan",
        Kind.DUAL_PAN: "there is one kind of pan",
        Kind.DUAL_PAN_AUTOMATION: "there is one kind of pan",
        Kind.AUTOMATION_ITEM: "automation is a list of points",
        Kind.ENVELOPE: "faders are behind the devices",
        Kind.TRIM_ENVELOPE: "there is no trim",
        Kind.OFFLINE: "every recording has its file",
        Kind.NESTED_PROJECT: "there is none",
        Kind.UNKNOWN_SOURCE: "content of a kind that is not known is listed as such",
        Kind.COMPOUND: "clips in clips are rendered",
        Kind.OTHER_TAKES: "there are none",
        Kind.ALL_TAKES: "there are none",
        Kind.OTHER_PLAYLIST: "there are none",
        Kind.PITCH_SHIFT: "it is an envelope",
        Kind.STRETCH_MARKERS: _NO_STRETCH,
        Kind.CLIP_PAN: "it is an envelope",
        Kind.CLIP_EFFECTS: "clips have none",
        Kind.CHANNEL_GAIN: "a clip has one gain",
        Kind.FADE_SHAPE: "fades have none",
        Kind.OUTSIDE_SECTION: "clips have no sections",
        Kind.CHANNEL_MODE: "clips take all channels",
        Kind.NO_CHANNEL: "clips take all channels",
        Kind.FROZEN: "it has no word for it",
        Kind.PLAY_RATE: "there is none",
        Kind.PLAY_RATE_AUTOMATION: "there is none",
        Kind.PLAY_OFFSET: "there is none",
        Kind.TIME_STAMPS: "clips have positions",
        Kind.OLDER_VERSIONS: "a file holds one version",
    },
)
