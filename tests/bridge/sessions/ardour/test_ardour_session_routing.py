"""Busses, VCAs, sends, side-chains, mutes and pans in the file of an Ardour session, read without Ardour."""

import math
from xml.etree import ElementTree

import pytest
from ardour_mixer import PLUGIN, events, mixer, output, pan, trim, write_session
from kind_examples import kind_of
from mixbridge.bridge.sessions.core.routing import acting, silence
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.presets.console import Strip
from mixbridge.presets.errors import SessionError
from mixbridge.presets.preset import Preset, Track
from session_copies import PANS, balance_faults, write_copy


@pytest.fixture
def read(tmp_path):
    """Reads a session's text, beside a recording."""

    def read(content):
        return read_session(write_session(tmp_path, content))

    return read


@pytest.mark.parametrize(
    ("parts", "notes"),
    [
        ({"vox": '<Processor type="intsend" role="Aux" target="22" active="1"/>'}, [("Vox", "send to Room")]),
        ({"vox": '<Processor type="intsend" role="Aux" target="22" active="0"/>'}, []),
        ({"vox": '<Processor type="intsend" role="Listen" target="22" active="1"/>'}, []),
        (
            {
                "vox": '<Processor type="intsend" role="Aux" target="22" active="1"><Controllable name="gaincontrol" '
                'value="0"/></Processor>'
            },
            [],
        ),
        ({"vox": f'<Processor type="send" name="Out 1" active="1">{output("system:playback_3")}</Processor>'},
         [("Vox", "send to Out 1")]),
        ({"vox": f'<Processor type="lv2" name="Duck" active="1">{output("Band/x 1", kind="Input")}</Processor>'},
         [("Vox", "plug-in Duck"), ("Vox", "side-chain key from Band")]),
        ({"vox": '<Processor type="return" name="Return 1" active="1"/>'}, [("Vox", "receive from Return 1")]),
        ({"output": output("Master/audio_in 1", "Band/audio_in 1")}, [("Vox", "send to Band")]),
        ({"output": output("Band/audio_in 1", "Room/audio_in 1")}, [("Vox", "send to Room")]),
        ({"output": output("system:playback_1")}, [("Vox", "hardware output system:playback_1")]),
        ({"output": output("Band/audio_in 1"), "band": PLUGIN}, [("Band", "plug-in Echo")]),
        ({"band": PLUGIN}, []),
        ({"master": PLUGIN}, [("", "plug-in Echo on the master")]),
        ({"vox": events("mute")}, []),
        ({"vox": f'<MuteMaster mute-point="PreFader"/>{events("mute")}'}, [("Vox", "mute automation")]),
        ({"vox": trim("Touch")}, []),
        ({"vox": pan("panner_2in2out", width=0.5)}, [("Vox", "stereo width of 50 %")]),
        ({"vox": pan("panner_2in2out", width=1)}, []),
        ({"vox": pan("panner_vbap", width=1)}, [("Vox", "its panner")]),
    ],
)  # fmt: skip
def test_what_lies_between_strips_is_said(read, parts, notes):
    session = read(mixer(**parts))
    assert [(note.track, note.what) for note in session.unsupported] == notes
    assert all(kind_of(what) for _, what in notes)


def test_a_bus_is_a_group(read):
    fader = '<Processor type="amp" active="1"><Controllable name="gaincontrol" value="0.5"/></Processor>'
    session = read(mixer(output=output("Band/audio_in 1"), band=fader + '<MuteMaster muted="1" mute-point="Main"/>'))
    (track,), (band,) = session.tracks, session.groups
    assert acting(session, track) == (band,)
    assert (band.name, band.kind, band.mute, track.group) == ("Band", "bus", True, "Band")
    assert band.gain_db == pytest.approx(20 * math.log10(0.5))
    assert silence(session, track) == "muted by the bus Band"


@pytest.mark.parametrize(
    ("strip", "muted"),
    [
        ('<MuteMaster muted="1" mute-point="PostFader,Listen,Main"/>', True),
        ('<MuteMaster muted="1" mute-point="PreFader,PostFader"/>', False),
        ('<MuteMaster muted="1"/>', True),
        ('<MuteMaster muted="0" mute-point="Main"/>', False),
    ],
)
def test_a_mute_may_act_on_sends_alone(read, strip, muted):
    assert read(mixer(vox=strip)).tracks[0].mute is muted


def test_the_solo_of_another_strip_is_none_of_its_own(read):
    own = '<Controllable name="solo" value="1" self-solo="{}" soloed-by-upstream="1"/>'
    assert read(mixer(vox=own.format(1))).tracks[0].solo
    assert not read(mixer(vox=own.format(0))).tracks[0].solo


def test_busses_that_feed_each_other_end(read):
    session = read(mixer(output=output("Band/audio_in 1"), band_output=output("Band/audio_in 1", "Vox/audio_in 1")))
    assert [group.name for group in session.groups] == ["Band"]
    assert silence(session, session.tracks[0]) is None


def test_vcas_of_vcas(read):
    vca = (
        '<VCA name="{0}" number="{0}"><Controllable name="gaincontrol" id="{1}" value="{2}">{3}</Controllable>'
        '<Controllable name="mute" value="{4}"/><Slavable>{5}</Slavable></VCA>'
    )
    first = vca.format(
        1, 101, 0.25, '<masters><master id="102" val-master="0.5"/></masters>', 0, '<Master number="2"/>'
    )
    second = vca.format(2, 102, 0.25, "", 1, '<Master number="1"/>')
    strip = (
        '<Processor type="amp" active="1"><Controllable name="gaincontrol" value="1"><masters><master id="101" '
        'val-master="1"/></masters></Controllable></Processor><Slavable><Master number="1"/></Slavable>'
    )
    session = read(mixer(vcas=f"<VCAManager>{first}{second}</VCAManager>", vox=strip))
    gains = {group.name: group.gain_db for group in acting(session, session.tracks[0])}
    assert gains == {"1": pytest.approx(20 * math.log10(0.25)), "2": pytest.approx(20 * math.log10(0.5))}
    assert silence(session, session.tracks[0]) == "muted by the VCA 2"


def test_a_track_without_connections_goes_nowhere(read):
    assert silence(read(mixer(output=output())), read(mixer(output=output())).tracks[0]) is not None
    assert silence(read(mixer(output="")), read(mixer(output="")).tracks[0]) is None  # nothing is said of its output


STRIP = """<IO direction="Input">{ports}</IO>{output}<Controllable name="mute" value="0"/><MuteMaster muted="0"/>
<Pannable><Controllable name="pan-azimuth" value="0.2"/><Automation><AutomationList automation-id="pan-azimuth"
state="Play"><events>a0 1\n</events></AutomationList></Automation></Pannable>
<Processor type="trim" active="1"><Controllable name="trimcontrol" value="2"/>{trim}</Processor>
<Processor type="amp" active="1"><Controllable name="gaincontrol" value="0.5"/></Processor>
<Processor type="main-outs" active="1"><PannerShell bypassed="{bypassed}" user-panner="{panner}"/></Processor>"""
WIDTH = "http://ardour.org/plugin/panner_2in2out"


@pytest.mark.parametrize("pan", PANS)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("bypassed", "panner"), [(0, ""), (1, ""), (0, WIDTH)])
def test_a_copy_has_the_balance_of_the_mix(read, tmp_path, pan, channels, bypassed, panner):
    ports = '<Port type="audio" name="a 1"/><Port type="audio" name="a 2"/>' if channels == 2 else ""
    ports = ports or '<Port type="audio" name="a 1"/>'
    parts = {"ports": ports, "bypassed": bypassed, "panner": panner if channels == 2 else ""}
    vox = STRIP.format(output="", trim=events("trim"), **parts)
    band = STRIP.format(output="", trim=events("trim"), **parts | {"ports": '<Port type="audio" name="b 1"/>' * 2})
    read(mixer(vox=vox, band=band, output=output("Band/audio_in 1")))
    assert balance_faults(tmp_path / "song.ardour", tmp_path / "made", pan) == []


def test_what_a_copy_changes_besides_is_said(read, tmp_path):
    ports = '<Port type="audio" name="a 1"/><Port type="audio" name="a 2"/>'
    vox = STRIP.format(output="", trim=events("trim"), ports=ports, bypassed=0, panner=WIDTH)
    vox += '<Controllable name="phase" phase-invert="11"/>'
    solo = '<Controllable name="solo" value="1" self-solo="1"/>'
    path = read(mixer(vox=vox + solo)).path
    preset = Preset(tracks=(Track(name="Vox", strip=Strip(pan=0.5)),))
    notes = " ".join(write_copy(path, preset, tmp_path / "mix.ardour", match={"Vox": "Vox"}).notes)
    assert "Vox: its panner becomes a balance, as the mix has it." in notes
    assert "Vox: its polarity stays inverted, other than in the mix." in notes
    assert "Vox: the automation of its azimuth is switched to Manual, its points are kept." in notes
    assert "Solo stays on for Vox" in notes


def test_a_strip_without_a_panner_cannot_be_panned(read, tmp_path):
    path = read(
        mixer(vox='<Processor type="amp" active="1"><Controllable name="gaincontrol" value="1"/></Processor>')
    ).path
    preset = Preset(tracks=(Track(name="Vox", strip=Strip(pan=0.5)),))
    notes = write_copy(path, preset, tmp_path / "mix.ardour", match={"Vox": "Vox"}).notes
    assert "Vox: its pan is left out: the strip has no panner." in notes


def test_a_way_through_very_many_busses_is_refused(read):
    busses = "".join(f'<Route id="{n + 100}" name="b{n}">{output(f"b{n + 1}/audio_in 1")}</Route>' for n in range(5000))
    with pytest.raises(SessionError, match="goes through more than 64 busses or VCAs"):
        read(mixer(output=output("b0/audio_in 1")).replace("</Routes>", f"{busses}</Routes>"))


def test_very_many_vcas_over_each_other_end(read):
    vcas = "".join(
        f'<VCA name="{n}" number="{n}"><Controllable name="gaincontrol" value="1"/><Slavable><Master number="{n + 1}"/>'
        f'<Master number="{n + 2}"/></Slavable></VCA>'
        for n in range(1, 40)
    )
    session = read(mixer(vcas=f"<VCAManager>{vcas}</VCAManager>", vox='<Slavable><Master number="1"/></Slavable>'))
    assert len(session.groups) == 39
    assert len(acting(session, session.tracks[0])) == 256


def test_the_master_comes_to_the_centre_and_is_heard(read, tmp_path):
    master = pan("panner_balance", 1).replace('value="0.5"', 'value="0.25"') + '<MuteMaster muted="1"/>'
    path = read(mixer(master=master)).path
    written = write_copy(path, Preset(tracks=(Track(name="Vox"),)), tmp_path / "mix.ardour", match={"Vox": "Vox"})
    assert "Master: its pan at 50 % left is set to the centre." in written.notes
    assert "Master: it was muted; it is not in the copy." in written.notes
    root = ElementTree.parse(written.path).getroot()
    route = root.find("Routes/Route[@name='Master']")
    assert route.find("MuteMaster").get("muted") == "0"
    assert route.find("Pannable/Controllable[@name='pan-azimuth']").get("value") == "0.5"


def test_a_track_that_goes_nowhere_goes_to_the_master_in_a_copy(read, tmp_path):
    entries = '<IO direction="Input"><Port type="audio" name="Master/audio_in 1"/></IO>'
    session = read(mixer(output=output(), master=entries))
    assert not session.tracks[0].has_output
    preset = Preset(tracks=(Track(name="Vox"),))
    written = write_copy(session.path, preset, tmp_path / "mix.ardour", match={"Vox": "Vox"})
    assert "Vox: its output to the master was off; it is on in the copy." in written.notes
    assert read_session(written.path).tracks[0].has_output
    root = ElementTree.parse(written.path).getroot()
    assert root.find("Routes/Route[@name='Master']/IO/Port/Connection").get("other") == "Vox/audio_out 1"
