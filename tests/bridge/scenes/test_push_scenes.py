"""Files for an X32's USB stick: spelled as the desk does, and read as they were written."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from desk_push import preset, strip
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mixbridge.bridge.cli.desks.scene import preset_of, scene_of
from mixbridge.bridge.cli.main import cli
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.scenes.files import MASTER, layout_of, read_scene, write_channel, write_scene
from mixbridge.bridge.scenes.tokens import read_token
from mixbridge.presets.console import EqBand, Equalizer, Gate, LowCut, Master, Strip
from mixbridge.presets.errors import DeskError
from mixbridge.presets.preset import Preset, Track

X32 = load_desk("x32")
# As desks have written them, from scenes that people have published.
BASE = """#4.0# "Friday" "" %000000000 1
/config/chlink OFF OFF OFF OFF
/ch/01/config "Lead Vox" 51 CY 17
/ch/01/delay OFF   0.3
/ch/01/preamp +6.0 OFF ON 24 132
/ch/01/dyn ON COMP RMS LIN -26.0 3.0 2 8.00 71 0.03  538 POST 3 80 ON
/ch/01/eq ON
/ch/01/eq/1 PEQ 164.4 -3.75 1.8
/ch/01/eq/2 PEQ 1k17 -4.00 3.5
/ch/01/eq/3 VEQ 5k97 +1.50 2.0
/ch/01/eq/4 HShv 10k02 +0.00 2.0
/ch/01/mix OFF   -oo OFF -100 OFF   -oo
/ch/01/mix/01 ON   -oo +0 POST 0
/ch/02/config "Kick" 2 RD 18
/ch/02/mix ON -12.5 ON +20 OFF -oo
/main/st/mix ON -17.4 +0
"""
LINE = re.compile(r'(/ch/\d\d|/main/st)(/[a-z0-9/]+)( ("[^"]*"|[A-Za-z0-9.+-]+))+')


# What the desk's own spelling loses, where it has fewer digits than its grid.
SHORT = {"q": 0.08, "fader_db": 0.08, "release_ms": 0.7, "hold": 0.01, "hold_ms": 0.01, "low_cut.freq_hz": 1.0}


def values_on(scale):
    """All that a setting can be."""
    if scale.values is not None:
        return list(scale.values)
    if scale.low is None:
        return ["", "Lead Vox", "it's 'it'", "12345678901"]
    return [scale.decode(scale.encode(value)) for value in whole_range(scale)]


def whole_range(scale):
    steps = [step / scale.steps for step in range(scale.steps + 1)]
    if scale.kind == "log":
        return [scale.low * (scale.high / scale.low) ** step for step in steps]
    return [
        scale.decode(step) if scale.kind == "fader" else scale.low + (scale.high - scale.low) * step for step in steps
    ]


FIELDS = [
    (kind, spec)
    for kind, number in (("track", 1), ("master", MASTER))
    for layout in layout_of(number).values()
    for spec in layout
    if spec.token is not None and X32.scale(kind, spec.key) is not None
]


@pytest.mark.parametrize(("kind", "spec"), FIELDS, ids=[f"{kind}-{spec.key}" for kind, spec in FIELDS])
def test_every_value_of_the_desk_comes_back(kind, spec):
    scale = X32.scale(kind, spec.key)
    lost = SHORT.get(spec.key, SHORT.get(spec.key.rpartition(".")[2], 1e-6))
    for value in values_on(scale):
        piece = spec.token.write(value)
        found = scale.snap(read_token(spec.token, piece))
        assert spec.token.write(found) == piece
        assert found == value if isinstance(value, str) else found == pytest.approx(value, abs=lost)


def some_settings(kind: str) -> st.SearchStrategy[dict[str, float | str]]:
    """Any of the settings, each of any value."""
    parts = {
        key: st.sampled_from(values_on(parameter.scale))
        for key, parameter in X32.parameters(kind).items()
        if parameter.constant is None
    }
    return st.fixed_dictionaries({}, optional=parts)


@settings(max_examples=40, deadline=None, phases=[Phase.generate])
@given(track=some_settings("track"), master=some_settings("master"))
def test_reading_is_the_inverse_of_writing(track, master):
    written = write_scene("song", {5: track, 0: master}, X32)
    found = dict(read_scene(f"{written.text}/ch/09/eq ON\n", X32).values)
    assert found.pop(9) == {"eq.on": 1.0}
    assert write_scene("song", found, X32).text == written.text
    for number, wanted in ((5, track), (0, master)):
        kept = found.get(number, {}).keys() & wanted.keys()
        assert kept == wanted.keys() - set(written.left_out.get(number, ()))


@settings(max_examples=20, deadline=None, phases=[Phase.generate])
@given(track=some_settings("track"))
def test_a_channel_file_says_the_same(track):
    channel = write_channel("Vox", track, X32)
    scene = write_scene("", {1: track}, X32).text.splitlines()[1:]
    lines = [f"/ch/01{line}" for line in channel.text.splitlines()[1:]]
    assert [line.removesuffix(" 1 YE") for line in lines] == [line for line in scene if "/preamp" not in line]
    # Name, icon and colour, as desks write them.
    assert all(line.endswith('" 1 YE') for line in lines if line.startswith("/ch/01/config"))
    assert ("trim_db" in channel.left_out.get(1, ())) == ("trim_db" in track)


def test_gate_and_low_cut():
    strip = Strip(
        gate=Gate(threshold_db=-42, range_db=30, ratio=100, attack_ms=13, hold_ms=50, release_ms=600, hysteresis_db=0),
        low_cut=LowCut(freq_hz=80, slope_db_per_octave=24),
    )
    mix = Preset(tracks=(Track(name="Lead Vox", strip=strip),))
    lines = dict(line.split(" ", 1) for line in scene_of(mix, base=BASE).text.splitlines())
    # As desks write them: threshold, range, attack, hold, release; what is behind stays.
    assert re.fullmatch(r"ON GATE -42\.0 30\.0 2 5\d\.\d \d\d", lines["/ch/01/gate"])
    assert re.fullmatch(r"\+0\.0 OFF ON 24 (79|80|81)", lines["/ch/01/preamp"])
    # Whether the polarity is turned is not known without a base, and stands before the low cut.
    made = scene_of(mix)
    assert "/ch/01/preamp +0.0\n" in made.text
    assert "low_cut.on" in " ".join(made.left_out)
    pulled = preset_of(scene_of(mix, base=BASE).text).preset.track("Lead Vox").strip
    assert (pulled.gate.threshold_db, pulled.gate.range_db, pulled.gate.ratio) == (-42, 30, 100)
    assert (pulled.low_cut.freq_hz, pulled.low_cut.slope_db_per_octave) == (pytest.approx(80, rel=0.02), 24)
    channel = scene_of(mix, as_channel=True)
    assert "\n/gate ON GATE -42.0 30.0" in channel.text
    assert channel.text.split("%")[1][:16] == "0011101000011000"
    assert any("low_cut.freq_hz" in line and "no part of a channel file" in line for line in channel.left_out)


def test_spellings():
    text = scene_of(preset(["Kick"])).text
    lines = dict(line.split(" ", 1) for line in text.splitlines()[1:])
    assert lines["/ch/01/config"] == '"Kick"'
    assert lines["/ch/01/preamp"] == "+0.0"
    assert lines["/ch/01/dyn"] == "ON COMP PEAK LOG -24.0 3.0 0 4.00 3 0.02 32 POST 0 100 OFF"
    assert lines["/ch/01/eq"] == "ON"
    assert lines["/ch/01/mix"] == "ON -6.0 ON -50"
    assert all(LINE.fullmatch(line) for line in text.splitlines()[1:])
    assert len(text.splitlines()[0]) == 127


@pytest.mark.parametrize(
    ("key", "value", "piece"),
    [
        ("compressor.ratio", 4, "4.0"),
        ("compressor.ratio", 10, "10"),
        ("compressor.makeup_db", 14, "14.0"),
        ("compressor.release_ms", 4000, "4000"),
        ("eq.1.freq_hz", 990.9, "990.9"),
        ("eq.1.freq_hz", 1019.5, "1k02"),
        ("eq.1.freq_hz", 20000, "20k00"),
        ("eq.1.gain_db", 15, "+15.0"),
        ("eq.1.gain_db", -3.25, "-3.25"),
        ("eq.1.q", 10, "10"),
        ("eq.1.q", 0.3, "0.3"),
        ("fader_db", -90, "-oo"),
        ("fader_db", 10, "+10.0"),
        ("fader_db", 0, "0.0"),
        ("pan", -1, "-100"),
        ("trim_db", -18, "-18.0"),
    ],
)
def test_each_number_as_the_desk_writes_it(key, value, piece):
    complete = {name: X32.scale("track", name).low for name in X32.parameters("track") if name != "name"}
    for name in list(complete):
        if X32.parameters("track")[name].constant is not None or complete[name] is None:
            del complete[name]
    complete.update({f"eq.{band}.type": "bell" for band in range(1, 5)})
    text = write_scene("", {1: {**complete, key: value}}, X32).text
    assert piece in text.split()


def test_a_base_keeps_what_is_not_the_presets():
    mix = Preset(name="song", tracks=(Track(name="Lead Vox", strip=strip(0)),))
    made = scene_of(mix, base=BASE)
    old, new = BASE.splitlines(), made.text.splitlines()
    assert made.plan.strips[0].placed.how == "same name"
    assert [line.split()[0] for line in new] == [line.split()[0] for line in old]
    by_path = {line.split()[0]: line for line in new}
    assert by_path["/ch/01/config"] == '/ch/01/config "Lead Vox" 51 CY 17'
    assert by_path["/ch/01/preamp"] == "/ch/01/preamp +0.0 OFF ON 24 132"
    assert by_path["/ch/01/dyn"].split()[4] == "LIN"
    assert by_path["/ch/01/dyn"].split()[-3:] == ["3", "80", "OFF"]
    assert by_path["/ch/01/mix"] == "/ch/01/mix ON -6.0 OFF -50 OFF -oo"
    others = [line for line in old if not line.startswith("/ch/01/") or "/delay" in line or "/mix/01" in line]
    assert all(line in new for line in others)


def test_what_cannot_be_written_is_said():
    from mixbridge.bridge.push.scope import Scope

    mix = Preset(tracks=(Track(name="Lead Vox", strip=strip(0)),))
    only_pan = Scope(frozenset({"pan"}))
    made = scene_of(mix, scope=only_pan)
    assert "/mix" not in made.text
    assert "Lead Vox: pan left out" in made.left_out[0]
    assert "/ch/01/mix OFF -oo OFF -50 OFF -oo" in scene_of(mix, scope=only_pan, base=BASE).text
    loud = Preset(tracks=mix.tracks, master=Master(eq=Equalizer(band1=EqBand(gain_db=2)), output_gain_db=1))
    made = scene_of(loud)
    assert "/main/st/eq/1 " in made.text
    assert "/main/st/mix" not in made.text
    assert "master: fader_db, pan left out" in made.left_out[0]


def test_a_desks_own_scene_becomes_a_preset():
    pulled = preset_of(BASE)
    assert [track.name for track in pulled.preset.tracks] == ["Lead Vox", "Kick"]
    vox, kick = pulled.preset.tracks
    assert vox.mute
    assert vox.strip.compressor.threshold_db == -26
    assert vox.strip.input_gain_db == 6
    assert kick.strip.fader_db == pytest.approx(-12.5, abs=0.06)
    assert kick.strip.pan == pytest.approx(0.2)
    assert any("vintage bell" in sentence for sentence in pulled.lost["Lead Vox"])


def test_one_bad_value_ends_its_line_as_on_the_desk():
    scene = read_scene(BASE.replace(" 3.0 2 8.00", " 3 2 8.00").replace("COMP RMS", "LOUD RMS"), X32)
    assert "compressor.on" in scene.values[1]
    assert "compressor.threshold_db" not in scene.values[1]
    assert scene.unread == ("/ch/01/dyn: 'LOUD' is no value that an X32 writes here.",)
    assert "the file" in preset_of(BASE.replace("COMP", "LOUD")).lost


class TestRefused:
    def test_other_desks(self):
        with pytest.raises(DeskError, match="loads no scene files"):
            scene_of(preset(), desk="wing")

    def test_a_channel_file_of_many(self):
        with pytest.raises(DeskError, match=r"holds one track, not 4: choose one"):
            scene_of(preset(), as_channel=True)

    def test_a_channel_file_with_a_base(self):
        with pytest.raises(DeskError, match="leave the base out"):
            scene_of(preset(["Kick"]), as_channel=True, base=BASE.replace("Lead Vox", "Kick 2"))

    @pytest.mark.parametrize("text", ["", "hello", '#4.0# "x"\n/headamp/000 +3.0 ON\n', "\x00\xff", "/ch/99/eq ON\n"])
    def test_no_scene(self, text):
        with pytest.raises(DeskError, match="no scene or channel file"):
            read_scene(text, X32)

    @pytest.mark.parametrize("text", ["", "\n", "  \n\n", "/bus/01/mix ON 0.0\n"])
    def test_a_base_that_is_none_is_named(self, tmp_path, text):
        base = tmp_path / "friday.scn"
        base.write_text(text)
        command = ["desk", "scene", "bass", "-o", str(tmp_path / "song.scn"), "--base", str(base)]
        result = CliRunner().invoke(cli, command)
        assert isinstance(result.exception, DeskError)
        assert "friday.scn" in str(result.exception)
        assert not (tmp_path / "song.scn").exists()

    def test_nothing_has_a_name(self):
        with pytest.raises(DeskError, match="choose those to be read"):
            preset_of("/ch/01/eq ON\n")
        with pytest.raises(DeskError, match="nothing about channel 7"):
            preset_of(BASE, numbers=[7])

    @settings(max_examples=100, deadline=None)
    @given(
        text=st.text(max_size=200) | st.text('/ch01eqmixdyn "ON-+.k ', max_size=80).map(lambda rest: "/ch/01" + rest)
    )
    def test_whatever_stands_in_a_file(self, text):
        try:
            read_scene(text, X32)
        except DeskError:
            return


def test_channels_that_the_base_has_linked_get_the_same():
    base = BASE.replace("/config/chlink OFF", "/config/chlink ON").replace('"Kick" 2 RD 18', '"Lead Vox" 2 RD 18')
    lines = scene_of(preset(["Lead Vox"]), base=base).text.splitlines()
    values = {line.partition(" ")[0]: line.partition(" ")[2] for line in lines}
    assert values["/ch/02/eq/1"] == values["/ch/01/eq/1"] != "PEQ 164.4 -3.75 1.8"
    assert values["/ch/02/mix"].split()[:2] == values["/ch/01/mix"].split()[:2]
    assert values["/ch/01/mix"].split()[3] == "-100"  # pans stay
    assert values["/ch/02/mix"].split()[3] == "+20"
    apart = base.replace("/config/chlink", "/config/linkcfg ON OFF ON ON\n/config/chlink")
    lines = scene_of(preset(["Lead Vox"]), base=apart).text.splitlines()
    assert any(line.startswith("/ch/02/eq/1") for line in lines)  # not shared, and set on both
    differing = base.replace('"Lead Vox" 2 RD', '"Kick" 2 RD')
    with pytest.raises(DeskError, match="are linked"):
        scene_of(preset(["Lead Vox", "Kick"]), base=differing)
