"""Ardour sessions written by hand: a track, two busses and a master, with what lies between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf

REGION = '<Region name="take" type="audio" start="a0" length="a28224000@a0" channels="1" source-0="10"/>'
MIXER = """<Session version="7002" name="song" sample-rate="48000" id-counter="99"><Sources>
<Source name="take.wav" type="audio" id="10" channel="0"/></Sources>{vcas}<Routes>
<Route id="1" name="Master"><PresentationInfo flags="MasterOut"/>{outputs_of_master}{master}</Route>
<Route id="20" name="Vox" audio-playlist="30"><PresentationInfo order="1" flags="AudioTrack"/>{output}{vox}</Route>
<Route id="21" name="Band"><PresentationInfo order="2" flags="AudioBus"/>{band_output}{band}</Route>
<Route id="22" name="Room"><PresentationInfo order="3" flags="AudioBus"/></Route></Routes>
<Playlists><Playlist id="30" name="Vox" type="audio" orig-track-id="20">{region}</Playlist></Playlists></Session>"""
PLUGIN = '<Processor type="lv2" name="Echo" active="1"/>'


def write_session(folder: Path, content: str, channels: int = 1) -> Path:
    """A session's file, beside its recording of a second."""
    audio = folder / "interchange" / "song" / "audiofiles"
    audio.mkdir(parents=True, exist_ok=True)
    sf.write(audio / "take.wav", np.full((48000, channels), 0.25), 48000, subtype="FLOAT")
    path = folder / "song.ardour"
    path.write_text(content)
    return path


def events(name: str, state: str = "Play", also: str = "") -> str:
    """Automation of a control with a point, and others that are given."""
    points = f'<AutomationList automation-id="{name}" state="{state}"><events>a0 1\n{also}</events></AutomationList>'
    return f"<Automation>{points}</Automation>"


def trim(state: str) -> str:
    """A trim with automation."""
    return f'<Processor type="trim" active="1">{events("trim", state)}</Processor>'


def pan(panner: str, width: float) -> str:
    """A stereo strip with a panner."""
    inputs = '<IO direction="Input"><Port type="audio" name="a 1"/><Port type="audio" name="a 2"/></IO>'
    controls = f'<Controllable name="pan-azimuth" value="0.5"/><Controllable name="pan-width" value="{width}"/>'
    shell = f'<PannerShell user-panner="http://ardour.org/plugin/{panner}"/>'
    return f'{inputs}<Pannable>{controls}</Pannable><Processor type="main-outs" active="1">{shell}</Processor>'


def output(*targets: str, kind: str = "Output") -> str:
    """A strip's or processor's port, and what it is connected to."""
    connections = "".join(f'<Connection other="{target}"/>' for target in targets)
    return f'<IO name="x" direction="{kind}"><Port type="audio" name="Vox/audio_out 1">{connections}</Port></IO>'


def mixer(**parts: str) -> str:
    """A session of a track, a bus, another and a master."""
    usual = {"output": output("Master/audio_in 1"), "band_output": output("Master/audio_in 1"), "region": REGION}
    names = ("vcas", "outputs_of_master", "master", "vox", "band")
    return MIXER.format_map(dict.fromkeys(names, "") | usual | parts)
