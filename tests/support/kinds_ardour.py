"""Each kind of what is not rendered, in an Ardour session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ardour_mixer import PLUGIN, REGION, events, mixer, output, pan, trim, write_session
from kind_examples import FormatKinds, KindExample
from mixbridge.bridge.sessions.core.kinds import Kind

_TO_BAND = output("Band/audio_in 1")
_MUTED = '<MuteMaster muted="1"/>'
_SOURCE = '<Source name="take.wav" type="audio" id="10" channel="0"/>'
_OTHER_TRACK = '<Route id="23" name="Other" audio-playlist="31"><PresentationInfo order="4"/></Route></Routes>'
_OTHER_LIST = '<Playlist id="31" name="Other" type="audio" orig-track-id="{}">{}</Playlist></Playlists>'
_SOURCE_N = '<Source name="take.wav" type="audio" id="1{n}" channel="{n}"/>'
_MORE = " ".join(f'source-{n}="1{n}"' for n in range(1, 4))
_PORTS = '<Port type="audio" name="a 1"/><Port type="audio" name="a 2"/>'


def _song(channels: int = 1, **parts: str) -> Callable[[Path], Path]:
    return lambda folder: write_session(folder, mixer(**parts), channels)


def _vox(what: str, inside: str, *, clip: str = "") -> KindExample:
    return KindExample(_song(vox=inside), ("Vox", clip, what))


def _band(what: str, inside: str) -> KindExample:
    return KindExample(_song(output=_TO_BAND, band=inside), ("Band", "", what))


def _region(what: str, old: str, new: str) -> KindExample:
    return KindExample(_song(region=REGION.replace(old, new)), ("Vox", "take", what))


def _with_other(playlist: str = "", owner: str = "23") -> KindExample:
    """With a track more, or a playlist more."""
    example = KindExample(_song(), ("", "", ""))
    if owner == "23":
        example = example.with_text("</Routes>", _OTHER_TRACK)
    return example.with_text("</Playlists>", _OTHER_LIST.format(owner, playlist))


def _said(example: KindExample, track: str, clip: str, what: str) -> KindExample:
    return KindExample(example.make, (track, clip, what))


def _of_two_channels(second: str) -> KindExample:
    """A track of two channels, the second of which has a source of its own."""
    ports = f'<IO direction="Input">{_PORTS}</IO>'
    region = REGION.replace('channels="1"', 'channels="2" source-1="11"')
    return KindExample(_song(vox=ports, region=region), ("", "", "")).with_text(_SOURCE, _SOURCE + second)


KINDS = FormatKinds(
    examples={
        Kind.NO_AUDIO: _said(_with_other(), "Other", "", "no audio, so no stem"),
        Kind.NOT_PLAYED: _vox("muted in the session", _MUTED),
        Kind.LEFT_OUT: KindExample(
            _with_other(REGION).with_text('<PresentationInfo order="1" flags="AudioTrack"/>', _MUTED).make,
            ("Vox", "", "muted in the session, so it is left out"),
            muted=False,
        ),
        Kind.SILENT_STEM: _band("muted by the bus Band, so its stem is silent", _MUTED).of("Vox", post_fader=True),
        Kind.FROZEN: _vox("frozen in the DAW, so its stem has its plug-ins in it", "").with_text(
            '<Playlist id="30"', '<Playlist frozen="1" id="30"'
        ),
        Kind.RETURN_AUDIO: KindExample(
            _with_other(REGION).with_text('name="Other" audio', 'name="FX return (mixbridge)" audio').make,
            ("FX return (mixbridge)", "", "a return of an earlier mix, rendered, so no stem unless it is named"),
        ),
        Kind.SOLO: _vox("its solo: all tracks are rendered", '<Controllable name="solo" value="1" self-solo="1"/>'),
        Kind.POLARITY: _vox(
            "its polarity is inverted in the session, not in the raw stem",
            '<Controllable name="phase" phase-invert="1"/>',
        ),
        Kind.GROUP_FADER: _band(
            "the bus's fader at -20.0 dB is not in the raw stems",
            '<Processor type="amp" active="1"><Controllable name="gaincontrol" value="0.1"/></Processor>',
        ),
        Kind.GROUP_PAN: _band(
            "the bus's pan at 50 % left is not in the raw stems",
            pan("panner_balance", 1).replace('name="pan-azimuth" value="0.5"', 'name="pan-azimuth" value="0.25"'),
        ),
        Kind.GROUP_POLARITY: _band(
            "the bus's polarity is inverted in the session, not in the raw stems",
            '<Controllable name="phase" phase-invert="11"/>',
        ),
        Kind.GROUP_AUTOMATION: _band(
            "the bus's volume automation is not in the raw stems",
            f'<Processor type="amp" active="1">{events("gain")}</Processor>',
        ),
        Kind.SEND: _vox("send to Room", '<Processor type="intsend" role="Aux" target="22" active="1"/>'),
        Kind.RECEIVE: _vox("receive from Return 1", '<Processor type="return" name="Return 1" active="1"/>'),
        Kind.SIDE_CHAIN: _vox(
            "side-chain key from Band",
            f'<Processor type="lv2" name="Duck" active="1">{output("Band/x 1", kind="Input")}</Processor>',
        ),
        Kind.HARDWARE: KindExample(
            _song(output=output("system:playback_3")), ("Vox", "", "hardware output system:playback_3")
        ),
        Kind.INSERT: _vox("insert outboard", '<Processor type="port" name="outboard" active="1"/>'),
        Kind.WIDTH: _vox("stereo width of 50 %", pan("panner_2in2out", 0.5)),
        Kind.PANNER: _vox("its panner", pan("panner_vbap", 1)),
        Kind.CHANNEL_POLARITY: _vox("polarity of single channels", '<Controllable name="phase" phase-invert="01"/>'),
        Kind.PLUGIN: _vox("plug-in Echo", PLUGIN),
        Kind.MASTER_PLUGIN: KindExample(_song(master=PLUGIN), ("", "", "plug-in Echo on the master")),
        Kind.TRACK_OFF: KindExample(_song(), ("Vox", "", "the track is switched off in the DAW")).with_text(
            'name="Vox" audio-playlist', 'name="Vox" active="0" audio-playlist'
        ),
        Kind.MUTE_AUTOMATION: _vox("mute automation", events("mute", also="a141120000 0\n")),
        Kind.WIDTH_AUTOMATION: _vox(
            "width automation", pan("panner_2in2out", 1).replace("</Pannable>", events("pan-width") + "</Pannable>")
        ),
        Kind.AUTOMATION_OF_PLUGIN: _vox(
            "automation of plug-in Echo", PLUGIN.replace("/>", f">{events('parameter-1')}</Processor>")
        ),
        Kind.AUTOMATION_OF_SEND: _vox(
            "automation of a send",
            f'<Processor type="intsend" role="Aux" target="22" active="1">{events("send")}</Processor>',
        ),
        Kind.TRIM_ENVELOPE: _vox("trim envelope", trim("Play")),
        Kind.MUTED_CLIPS: KindExample(
            _song(region=REGION + REGION.replace("<Region", '<Region muted="1"')),
            ("", "", "1 muted clip is left out"),
        ),
        Kind.MIDI: _said(
            _with_other().with_text('name="Other" audio-playlist', 'name="Keys" midi-playlist'), "Keys", "", "MIDI"
        ),
        Kind.COMPOUND: _said(
            _region("", "/>", "/>" + REGION.replace('source-0="10"', 'source-0="12"')).with_text(
                _SOURCE, _SOURCE + '<Source name="compound" type="audio" id="12" playlist="30"/>'
            ),
            *("Vox", "take", "a compound of other regions"),
        ),
        Kind.LAUNCHER: _vox(
            "clips of the launcher: the arrangement alone is rendered",
            '<Processor type="triggerbox" active="1"><Triggers><Trigger region="5"/></Triggers></Processor>',
        ),
        Kind.OTHER_PLAYLIST: _said(
            _with_other(REGION, owner="20"), "Vox", "", "playlist Other, which is not the active one"
        ),
        Kind.CLIP_EFFECTS: _region("effects of the region", "/>", "><RegionFXPlugin/></Region>"),
        Kind.CHANNEL_GAIN: _said(
            _of_two_channels('<Source name="take.wav" type="audio" id="11" channel="0" gain="0.5"/>'),
            *("Vox", "take", "channels of different gain"),
        ),
        Kind.NO_CHANNEL: _said(
            _of_two_channels('<Source name="take.wav" type="audio" id="11" channel="1"/>'),
            *("Vox", "take", "channel 2 of its file, which has 1: silent"),
        ),
        Kind.TOO_WIDE: KindExample(
            _song(
                4,
                vox=f'<IO direction="Input">{_PORTS * 2}</IO>',
                region=REGION.replace('"1" source-0="10"', f'"4" source-0="10" {_MORE}'),
            ),
            ("Vox", "take", "4 channels, of which the first two are taken"),
        ).with_text(_SOURCE, _SOURCE + "".join(_SOURCE_N.format(n=n) for n in range(1, 4))),
        Kind.FILE_ENDS: _region("its file ends 1.00 s before the clip does", "a28224000@", "a564480000@"),
    },
    not_there={
        Kind.DUAL_PAN: "a panner that is not read is listed as such",
        Kind.AUTOMATION_ITEM: "automation is a list of points",
        Kind.DUAL_PAN_AUTOMATION: "a panner that is not read is listed as such",
        Kind.AUTOMATION: "a list is of a strip, a send or a plug-in",
        Kind.ENVELOPE: "trim is the only one before the plug-ins",
        Kind.VIDEO: "its timeline is not in the session's file",
        Kind.OFFLINE: "every source has its file",
        Kind.NESTED_PROJECT: "there is none",
        Kind.UNKNOWN_SOURCE: "a source is audio or MIDI",
        Kind.UNKNOWN_ELEMENT: "elements that are not known change no audio that is read",
        Kind.NO_TRACK: "regions lie in playlists of tracks",
        Kind.OTHER_TAKES: "takes are playlists",
        Kind.ALL_TAKES: "takes are playlists",
        Kind.TIME_STRETCH: "a stretched region is a file",
        Kind.PITCH_SHIFT: "a pitched region is a file",
        Kind.STRETCH_MARKERS: "a stretched region is a file",
        Kind.STRETCHED_CLIPS: "a stretched region is a file",
        Kind.RAW_WARPS: "a stretched region is a file",
        Kind.BACKWARD_WARPS: "a stretched region is a file",
        Kind.CLIP_PAN: "regions have none",
        Kind.CLIP_AUTOMATION: "a region's envelope is its gain, which is rendered",
        Kind.FADE_SHAPE: "fades are curves of points",
        Kind.OUTSIDE_SECTION: "regions have no sections",
        Kind.CHANNEL_MODE: "regions name their channels",
        Kind.PLAY_RATE: "there is none",
        Kind.PLAY_RATE_AUTOMATION: "there is none",
        Kind.PLAY_OFFSET: "there is none",
        Kind.TIME_STAMPS: "regions have positions",
        Kind.OLDER_VERSIONS: "a file holds one version",
    },
)
