"""Each kind of what is not rendered, in a REAPER project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kind_examples import FormatKinds, KindExample
from mixbridge.bridge.sessions.core.kinds import Kind
from reaper_project import chain, envelope, item, plugin, project, section, track
from timeline import RATE_HZ, noise, write_audio

_SEND = "AUXRECV 0 0 1 0 0 0 0 0 {channel} -1:U 0 -1 ''\n"
_FOLDER = "ISBUS 1 1\n"
_LAST = "ISBUS 2 -1\n"


def _song(*tracks: str, head: str = "", channels: int = 2) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_audio(folder / "Media" / "a.wav", noise(RATE_HZ, channels))
        path = folder / "song.RPP"
        path.write_text(project(tracks, rate=RATE_HZ, master=head))
        return path

    return make


def _track(what: str, *inside: str, lines: str = "", volpan: str = "1 0 -1 -1 1") -> KindExample:
    return KindExample(_song(track("A", *inside, item(), lines=lines, volpan=volpan)), ("A", "", what))


def _clip(what: str, text: str, *, clip: str = "a.wav") -> KindExample:
    return KindExample(_song(track("A", text)), ("A", clip, what))


def _folder(what: str, *, lines: str = "", volpan: str = "1 0 -1 -1 1", inside: str = "") -> KindExample:
    folder = track("Drums", inside, lines=_FOLDER + lines, volpan=volpan)
    return KindExample(_song(folder, track("Kick", item(), lines=_LAST, number=2)), ("Drums", "", what))


def _in_take(text: str, **lines: str) -> str:
    """An item with a block in its take."""
    return item(**lines).replace(">\n>\n", ">\n" + text + ">\n")


def _backup(folder: Path) -> Path:
    path = _song(track("A", item()))(folder)
    text = path.read_text()
    path.write_text(text.replace("1763800000", "1763700000", 1) + text)
    return path


_TWO_TAKES = _in_take('TAKE\nNAME "two"\n<SOURCE WAVE\n  FILE "Media/a.wav"\n>\n')
_SENDS = (track("Kick", item()), track("Verb", lines=_SEND.format(channel=0), number=2))

KINDS = FormatKinds(
    examples={
        Kind.NO_AUDIO: KindExample(_song(track("A", item()), track("B", number=2)), ("B", "", "no audio, so no stem")),
        Kind.NOT_PLAYED: _track("muted in the session", lines="").with_text("MUTESOLO 0", "MUTESOLO 1"),
        Kind.LEFT_OUT: KindExample(
            _song(track("A", item()).replace("MUTESOLO 0", "MUTESOLO 1"), track("B", item(), number=2)),
            ("A", "", "muted in the session, so it is left out"),
            muted=False,
        ),
        Kind.SILENT_STEM: _folder("muted by the folder Drums, so its stem is silent")
        .with_text("MUTESOLO 0", "MUTESOLO 1", first=True)
        .of("Kick", post_fader=True),
        Kind.FROZEN: _track("frozen in the DAW, so its stem has its plug-ins in it", "<FREEZE 0 1 2\n  c3R1ZmY=\n>\n"),
        Kind.RETURN_AUDIO: KindExample(
            _song(track("A", item()), track("Reverb return (mixbridge)", item(), number=2)),
            ("Reverb return (mixbridge)", "", "a return of an earlier mix, rendered, so no stem unless it is named"),
        ),
        Kind.SOLO: _track("its solo: all tracks are rendered").with_text("MUTESOLO 0 0", "MUTESOLO 0 2"),
        Kind.POLARITY: _track("its polarity is inverted in the session, not in the raw stem").with_text(
            "IPHASE 0", "IPHASE 1"
        ),
        Kind.GROUP_FADER: _folder("the folder's fader at -20.0 dB is not in the raw stems", volpan="0.1 0 -1 -1 1"),
        Kind.GROUP_PAN: _folder("the folder's pan at 50 % left is not in the raw stems", volpan="1 -0.5 -1 -1 1"),
        Kind.GROUP_POLARITY: _folder(
            "the folder's polarity is inverted in the session, not in the raw stems"
        ).with_text("IPHASE 0", "IPHASE 1", first=True),
        Kind.GROUP_AUTOMATION: _folder(
            "the folder's volume automation is not in the raw stems", inside=envelope("VOLENV2", "0 0.5 0")
        ),
        Kind.SEND: KindExample(_song(*_SENDS), ("Kick", "", "send to Verb")),
        Kind.RECEIVE: KindExample(_song(*_SENDS), ("Verb", "", "receive from Kick")),
        Kind.SIDE_CHAIN: KindExample(
            _song(track("Kick", item()), track("Bass", item(), lines=_SEND.format(channel=2), number=2)),
            ("Bass", "", "side-chain key from Kick"),
        ),
        Kind.HARDWARE: _track("hardware output 3", lines="HWOUT 2 0 1 0 0 0 0 -1:U -1\n"),
        Kind.WIDTH: _track("stereo width of 50 %", lines="PANMODE 5\n", volpan="1 0 -1 -1 0.5"),
        Kind.DUAL_PAN: _track("dual pan", lines="PANMODE 6\n", volpan="1 0 -1 -0.5 0.5"),
        Kind.PLUGIN: _track("plug-in VST: Other (Somebody)", chain(plugin())),
        Kind.MASTER_PLUGIN: KindExample(
            _song(track("A", item()), head=chain(plugin(), tag="MASTERFXLIST")),
            ("", "", "plug-in VST: Other (Somebody) on the master"),
        ),
        Kind.AUTOMATION_ITEM: _track(
            "automation items of its volume envelope",
            envelope("VOLENV2", "0 1 0").replace("  PT", "  POOLEDENVINST 1 0 4 0 1 0 0.5 1 1 0 0 1 0 0 0 0\n  PT"),
        ),
        Kind.AUTOMATION_OF_PLUGIN: _track(
            "automation of plug-in VST: Other (Somebody)",
            chain(plugin().replace("WAK 0 0\n", envelope("PARMENV 0 0 1 0.5", "0 1 0") + "WAK 0 0\n")),
        ),
        Kind.AUTOMATION_OF_SEND: KindExample(
            _song(
                track("Kick", item()),
                track("Verb", lines=_SEND.format(channel=0) + envelope("AUXVOLENV", "0 1 0"), number=2),
            ),
            ("Kick", "", "automation of a send"),
        ),
        Kind.MUTE_AUTOMATION: _track("mute automation", envelope("MUTEENV", "0 1 1", "0.5 0 1")),
        Kind.WIDTH_AUTOMATION: _track("width automation", envelope("WIDTHENV2", "0 1 0")),
        Kind.DUAL_PAN_AUTOMATION: _track("dual pan automation", envelope("DUALPANENV2", "0 1 0")),
        Kind.ENVELOPE: _track("pan envelope before the plug-ins", envelope("PANENV", "0 1 0")),
        Kind.TRIM_ENVELOPE: _track("trim envelope", envelope("VOLENV3", "0 1 0")),
        Kind.MUTED_CLIPS: KindExample(
            _song(track("A", item(), item(MUTE="1 0"))), ("", "", "1 muted clip is left out")
        ),
        Kind.MIDI: KindExample(_song(track("A", item(), item(kind="MIDI", NAME='"riff"'))), ("A", "riff", "MIDI")),
        Kind.VIDEO: KindExample(_song(track("A", item(), item(kind="VIDEO", NAME='"film"'))), ("A", "film", "video")),
        Kind.OFFLINE: KindExample(
            _song(track("A", item(), item(kind="_OFFLINE_WAVE", NAME='"away"'))), ("A", "away", "media that is offline")
        ),
        Kind.NESTED_PROJECT: KindExample(
            _song(track("A", item(), item(kind="RPP_PROJECT", NAME='"sub"'))), ("A", "sub", "a project in the project")
        ),
        Kind.UNKNOWN_SOURCE: KindExample(
            _song(track("A", item(), item(kind="CLICK", NAME='"tick"'))), ("A", "tick", "a source of kind CLICK")
        ),
        Kind.OTHER_TAKES: _clip("1 other take", _TWO_TAKES),
        Kind.ALL_TAKES: _clip("1 other take, played by the DAW, too", _TWO_TAKES.replace("ALLTAKES 0", "ALLTAKES 1")),
        Kind.TIME_STRETCH: _clip(
            "play rate 2 with its pitch kept; rendered like a tape, with the pitch changed", item(PLAYRATE="2 1 0 -1")
        ),
        Kind.PITCH_SHIFT: _clip("pitch shift of 3 semitones", item(PLAYRATE="1 1 3 -1")),
        Kind.STRETCH_MARKERS: _clip("stretch markers", item(SM="0 0 + 1 1.2")),
        Kind.CLIP_PAN: _clip("pan of the item", item(VOLPAN="1 0.5 1 -1")),
        Kind.CLIP_AUTOMATION: _clip("pitch envelope", _in_take(envelope("PITCHENV", "0 3 0"))),
        Kind.FADE_SHAPE: _clip("a fade of a shape that is not known, taken for a line", item(FADEIN="9 0.1 0 9 0 0 0")),
        Kind.OUTSIDE_SECTION: _clip(
            "silence outside its section",
            _in_take(envelope("VOLENV", "0 1 0")).replace(
                '  <SOURCE WAVE\n    FILE "Media/a.wav"\n  >\n', section("Media/a.wav", 0.2, 0.3)
            ),
        ),
        Kind.CHANNEL_MODE: _clip("channel mode 300, which is not known; all channels are taken", item(CHANMODE="300")),
        Kind.NO_CHANNEL: _clip("channel 3 of its file, which has 2: silent", item(CHANMODE="5")),
        Kind.TOO_WIDE: KindExample(
            _song(track("A", item()), channels=4), ("A", "a.wav", "4 channels, of which the first two are taken")
        ),
        Kind.FILE_ENDS: _clip("its file ends 0.50 s before the clip does", item(length=1.5)),
        Kind.PLAY_RATE: KindExample(_song(track("A", item())), ("", "", "the project's play rate of 2")).with_text(
            "PLAYRATE 1 0 0.25", "PLAYRATE 2 0 0.25"
        ),
        Kind.PLAY_RATE_AUTOMATION: KindExample(
            _song(track("A", item()), head=envelope("MASTERPLAYSPEEDENV", "0 1 0", "0.5 0.5 0")),
            ("", "", "automation of the project's play rate"),
        ),
        Kind.PLAY_OFFSET: _track(
            "playback offset of -0.01 s, which begins before the session does", lines="PLAYOFFS -0.01 0\n"
        ),
        Kind.OLDER_VERSIONS: KindExample(
            _backup, ("", "", "1 older version of the project in the file: the newest is read")
        ),
    },
    not_there={
        Kind.INSERT: "inserts are plug-ins (ReaInsert)",
        Kind.PANNER: "every panner is read, or is a dual pan or a width",
        Kind.CHANNEL_POLARITY: "a track's polarity is that of both channels",
        Kind.TRACK_OFF: "tracks cannot be switched off",
        Kind.AUTOMATION: "an envelope is of a track, a send or a plug-in",
        Kind.COMPOUND: "a glued item is a file",
        Kind.LAUNCHER: "there is none",
        Kind.OTHER_PLAYLIST: "takes and lanes are listed as such",
        Kind.CLIP_EFFECTS: "they are plug-ins of the take",
        Kind.UNKNOWN_ELEMENT: "lines that are not known change no audio that is read",
        Kind.NO_TRACK: "items lie in tracks",
        Kind.STRETCHED_CLIPS: "every take has a rate of its own",
        Kind.RAW_WARPS: "stretch markers are listed as such",
        Kind.BACKWARD_WARPS: "stretch markers are listed as such",
        Kind.CHANNEL_GAIN: "a take has one gain",
        Kind.TIME_STAMPS: "items have positions",
    },
)
