from __future__ import annotations

import base64
import difflib
import struct
from pathlib import Path

import numpy as np
import pytest
from mixbridge.bridge.sessions.reaper.rpp import blocks, load
from mixbridge.bridge.sessions.reaper.states import state_in, states_of
from mixbridge.bridge.sessions.reaper.writing import written_mix
from mixbridge.presets.console import (
    Compressor,
    EqBand,
    Equalizer,
    HighCut,
    LowCut,
    Master,
    Saturation,
    Strip,
    get,
    parameters,
)
from mixbridge.presets.edit import desk_form
from mixbridge.presets.errors import OutputError, SessionError
from mixbridge.presets.preset import Preset, Track
from mixbridge.presets.sections import is_active
from mixbridge.runtime.console.cut import cut_sections
from reaper_project import chain, envelope, item, plugin, project, track
from scipy.signal import sosfreqz
from session_copies import write_copy

STRIP = Strip(
    eq=Equalizer(
        low_shelf=EqBand(gain_db=3.3, freq_hz=110, q=0.8),
        band0=EqBand(gain_db=-4.5, freq_hz=320, q=1.4),
        band1=EqBand(gain_db=2, freq_hz=2500, q=0.5),
        band2=EqBand(gain_db=-1.5, freq_hz=9000, q=4),
        band3=EqBand(gain_db=1, freq_hz=13000, q=0.9),
        high_shelf=EqBand(gain_db=-2.5, freq_hz=8000, q=0.6),
    ),
    compressor=Compressor(
        threshold_db=-24, ratio=3.5, attack_ms=12, release_ms=180, knee_db=9, makeup_db=2.5, lookahead_ms=5
    ),
    fader_db=-7.25,
    pan=-0.4,
)
MASTER = Master(eq=STRIP.eq, compressor=Compressor(threshold_db=-12, ratio=1.8, makeup_db=1), output_gain_db=-2)
PRESET = Preset(tracks=(Track(name="kick", strip=STRIP), Track(name="vox", mute=True)), master=MASTER)
MATCH = {"kick": "Kick", "vox": "Vox"}


def saved(folder: Path, *tracks: str, end: str = "\n", **options: object) -> Path:
    path = folder / "song.RPP"
    tracks = tracks or (track("Kick", item()), track("Vox", item(), number=2))
    path.write_text(project(tracks, **options), newline=end)  # type: ignore[arg-type]
    return path


def written(path: Path, preset: Preset = PRESET, match: dict[str, str] = MATCH, name: str = "mixed.RPP") -> Path:
    return write_copy(path, preset, path.with_name(name), match=match).path


def changes(old: Path, new: Path) -> tuple[list[str], list[str]]:
    """Lines that went, and lines that came."""
    lines = [path.read_bytes().decode().split("\n") for path in (old, new)]
    found = list(difflib.ndiff(*lines))
    return [line[2:] for line in found if line[:2] == "- "], [line[2:] for line in found if line[:2] == "+ "]


def assert_same(found: Strip | Master, wanted: Strip | Master) -> None:
    for path, row in parameters(type(wanted)).items():
        if row.with_gain == "adds" and not is_active(wanted, row.section):
            continue  # the threshold of a stage that does nothing
        assert get(found, path) == pytest.approx(get(wanted, path), rel=1e-5, abs=1e-4), path


def test_the_mix_reads_back_to_the_same_preset(tmp_path: Path) -> None:
    found = written_mix(written(saved(tmp_path)))
    assert [(t.name, t.mute) for t in found.tracks] == [("Kick", False), ("Vox", True)]
    assert_same(found.tracks[0].strip, STRIP)
    assert_same(found.tracks[1].strip, Strip())
    assert_same(found.master, MASTER)


def test_input_gain_is_folded_into_threshold_and_fader(tmp_path: Path) -> None:
    preset = Preset(tracks=(Track(name="kick", strip=STRIP.model_copy(update={"input_gain_db": 9.0})),))
    found = written_mix(written(saved(tmp_path), preset, {"kick": "Kick"}))
    assert_same(found.tracks[0].strip, desk_form(preset).tracks[0].strip)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_nothing_else_changes(tmp_path: Path, end: str) -> None:
    fx = chain(plugin("VST: Grün (X)"), plugin("JS: <odd>"))
    old = saved(tmp_path, track("Kick", fx, item()), track("Bass", item(), number=3), track("Vox", item()), end=end)
    gone, come = changes(old, written(old))
    mark = "\r" if end == "\r\n" else ""
    assert gone == [
        f"  MASTER_VOLUME 0.5 0 -1 -1 1{mark}",
        f"    VOLPAN 1 0 -1 -1 1{mark}",
        f"    VOLPAN 1 0 -1 -1 1{mark}",
        f"    MUTESOLO 0 0 0{mark}",
    ]
    assert come[0] == f"  MASTER_VOLUME {10 ** (-2 / 20):.14g} 0 -1 -1 1{mark}"
    # A balance without a pan law: the far side at 1 - 0.19, which is the cosine of 0.4 times 90 degrees.
    assert f"    VOLPAN {10 ** (-7.25 / 20):.14g} -0.190983006 1 -1 1{mark}" in come
    assert come.count(f"    PANLAWFLAGS 2{mark}") == 2
    assert f"    MUTESOLO 1 0 0{mark}" in come
    assert all(line.endswith(mark) for line in come)
    assert sum('"mixbridge EQ"' in line for line in come) == 3
    assert sum('"mixbridge compressor"' in line for line in come) == 3
    # What came without what is ours: the frames of two chains, of the master and of a track that had none.
    document = load(tmp_path / "mixed.RPP")
    assert [document.row(b.first).text(1) for b in _plugins(document, 0)] == [
        "VST: ReaEQ (Cockos)",
        "VST: ReaComp (Cockos)",
        "VST: Grün (X)",
        "JS: <odd>",
    ]
    assert [document.row(b.first).text(1) for b in _plugins(document, 1)] == []
    assert len(come) == 4 + 2 + 2 * (4 + 1) + 6 * 6 + 3 * (5 + 3)


def _plugins(document, place: int):  # type: ignore[no-untyped-def]
    block = list(blocks(document.root, "TRACK"))[place]
    return [b for c in blocks(block, "FXCHAIN") for b in blocks(c)]


def test_a_second_mix_takes_the_place_of_the_first(tmp_path: Path) -> None:
    fx = chain(plugin())
    first = written(saved(tmp_path, track("Kick", fx, item()), track("Vox", item(), number=2)))
    again = written(first, name="again.RPP")
    assert again.read_bytes() == first.read_bytes()
    louder = Preset(tracks=(Track(name="kick", strip=STRIP.model_copy(update={"fader_db": 0.0})),), master=MASTER)
    third = written(first, louder, {"kick": "Kick"}, "third.RPP")
    gone, come = changes(first, third)
    assert len(gone) == len(come) == 1
    assert "VOLPAN 1 -0.190983006 1 -1 1" in come[0]
    off = first.read_text().replace("BYPASS 0 0 0", "BYPASS 1 0 0", 2)
    first.write_text(off)
    switched = written(first, name="fourth.RPP").read_text()
    assert switched.count("BYPASS 0 0 0") == off.count("BYPASS 0 0 0") + 2


def test_one_of_the_two_plugins_is_put_back_beside_the_other(tmp_path: Path) -> None:
    first = written(saved(tmp_path, track("Kick", chain(plugin()), item()), track("Vox", item())))
    document = load(first)
    block = next(b for b in blocks(document.root, "TRACK"))
    (fx,) = blocks(block, "FXCHAIN")
    compressor = next(b for b in blocks(fx) if document.row(b.first).text(4) == "mixbridge compressor")
    lines = document.lines
    first.write_bytes(b"\n".join(lines[: compressor.first - 1] + lines[compressor.last + 4 :]))
    again = load(written(first, name="again.RPP"))
    assert [again.row(b.first).text(4) for b in _plugins(again, 0)] == ["mixbridge EQ", "mixbridge compressor", ""]


def test_states_are_laid_out_as_reaper_writes_them(tmp_path: Path) -> None:
    document = load(written(saved(tmp_path), match={"kick": "Kick"}))
    eq, compressor = _plugins(document, 0)
    assert document.lines[eq.first].strip() == (
        b'<VST "VST: ReaEQ (Cockos)" reaeq.vst.so 0 "mixbridge EQ" 1919247729<56535472656571726561657100000000> ""'
    )
    # The first line but for the state's length is that of a ReaEQ of REAPER 7, as public projects have it.
    head = base64.b64decode(document.lines[eq.first + 1])
    seen = base64.b64decode("cWVlcu5e7f4CAAAAAQAAAAAAAAACAAAAAAAAAAIAAAABAAAAAAAAAAIAAAAAAAAAzQAAAAEAAAAAABAA")
    assert (head[:-12], head[-8:]) == (seen[:-12], seen[-8:])
    head = base64.b64decode(document.lines[compressor.first + 1])
    assert head == base64.b64decode(
        "bWNlcu9e7f4EAAAAAQAAAAAAAAACAAAAAAAAAAQAAAAAAAAACAAAAAAAAAACAAAAAQAAAAAAAAACAAAAAAAAAFwAAAAAAAAAAAAQAA=="
    )
    state = state_in(document.lines[eq.first + 1 : eq.last])
    assert state is not None
    assert struct.unpack_from("<ii", state) == (33, 6)
    kind, on, freq_hz, gain, octaves, _ = struct.unpack_from("<iidddB", state, 8 + 33)
    assert (kind, on) == (8, 1)
    assert (freq_hz, gain) == (pytest.approx(320), pytest.approx(10 ** (-4.5 / 20)))
    assert octaves == pytest.approx(1.00976, abs=1e-5)  # of a Q of 1.4
    assert struct.unpack_from("<iid", state, 8 + 6 * 33) == (1, 1, 1.0)
    state = state_in(document.lines[compressor.first + 1 : compressor.last])
    assert state is not None
    numbers = struct.unpack_from("<21f", state, 8)
    assert numbers[:5] == pytest.approx(
        (10 ** (-24 / 20), 2.5 / 99, 12 / 6.283185 / 500, 180 / 6.283185 / 5000, 5 / 250), rel=1e-5
    )
    assert (numbers[11], numbers[13], numbers[14]) == pytest.approx((10 ** (2.5 / 20), 0, 9 / 24), rel=1e-5)


def test_states_that_reaper_wrote_are_read() -> None:
    lines = (
        b"cWVlcu5e7f4CAAAAAQAAAAAAAAACAAAAAAAAAAIAAAABAAAAAAAAAAIAAAAAAAAABAAAAAEAAAAAABAA",
        b"  IQAAAAUA",
        b"AAAQAAAA\r",
    )
    assert state_in(lines) == b"!\0\0\0"
    assert state_in((b"@@@",)) is None
    assert state_in(()) is None
    assert state_in((lines[0],)) is None


@pytest.mark.parametrize(("platform", "file"), [("win64", "reaeq.dll"), ("macOS-arm64", "reaeq.vst.dylib")])
def test_plugins_have_the_files_of_the_system(tmp_path: Path, platform: str, file: str) -> None:
    assert f" {file} 0 " in written(saved(tmp_path, platform=platform)).read_text()


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    hard = STRIP.model_copy(
        update={
            "saturation": Saturation(drive=2),
            "fx_send_db": -12.0,
            "eq": Equalizer(
                low_shelf=EqBand(gain_db=3.3, freq_hz=110, q=0.8),
                band0=EqBand(gain_db=12, freq_hz=500, q=0.1),
                band1=EqBand(gain_db=-12, freq_hz=2500, q=0.1),
                band2=EqBand(gain_db=12, freq_hz=6000, q=0.1),
                band3=EqBand(gain_db=-12, freq_hz=3000, q=0.1),
                high_shelf=EqBand(gain_db=-22.5, freq_hz=8000, q=0.1),
            ),
            "compressor": Compressor(threshold_db=-30, ratio=2, makeup_db=20),
        }
    )
    path = saved(
        tmp_path,
        track("Kick", envelope("VOLENV2", "0 1 0"), chain(plugin()), item()).replace("FX 1", "FX 0"),
        master=chain(plugin(), plugin(), tag="MASTERFXLIST"),
    )
    preset = Preset(tracks=(Track(name="kick", strip=hard), Track(name="gone")))
    result = write_copy(path, preset, tmp_path / "sub" / "out.RPP", match={"kick": "Kick"})
    text = "\n".join(result.notes)
    for words in (
        "Kick: its own plug-ins stay on, behind mixbridge's: VST: Other (Somebody). Bypass",
        "Kick: its EQ is up to",
        "Kick: its plug-ins are switched off",
        "Kick: the automation of its volume is switched off",
        "Kick: its saturation",
        "Kick: its send to the fx bus of -12 dB",
        "Master: its own plug-ins stay on, behind mixbridge's: VST: Other (Somebody), VST: Other (Somebody).",
        "not in the session: 'gone'",
        f"move it to {tmp_path}",
    ):
        assert words in text
    # More makeup than ReaComp has is on the fader.
    assert states_of(hard, 48000).fader_db == pytest.approx(-7.25 + 20 - 6.0206, abs=1e-3)


def test_tracks_of_one_name_are_told_apart_as_their_stems_are(tmp_path: Path) -> None:
    path = saved(tmp_path, track("Vox", item()), track("Vox", item(), number=2))
    found = written_mix(written(path, match={"kick": "Vox (2)"}))
    assert [t.name for t in found.tracks] == ["Vox (2)"]


def test_tracks_without_lines_get_them(tmp_path: Path) -> None:
    text = "\n".join(line for line in track("Kick", item()).splitlines() if "VOLPAN 1 0 -1" not in line) + "\n"
    found = written_mix(written(saved(tmp_path, text), match={"kick": "Kick"}))
    assert_same(found.tracks[0].strip, STRIP)


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ({"kick": "Nobody"}, "has no track 'Nobody'"),
        ({"x": "Kick"}, "no track 'x'"),
        ({"kick": "Kick", "vox": "Kick"}, "two"),
    ],
)
def test_wrong_names(tmp_path: Path, match: dict[str, str], words: str) -> None:
    with pytest.raises(SessionError, match=words):
        written(saved(tmp_path), match=match)
    assert not (tmp_path / "mixed.RPP").exists()


def test_the_original_is_never_touched(tmp_path: Path) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()
    (tmp_path / "link.RPP").symlink_to(path)
    for name in ("song.RPP", "link.RPP"):
        with pytest.raises(OutputError, match="never changed"):
            write_copy(path, PRESET, tmp_path / name, match=MATCH, overwrite=True)
    written(path)
    with pytest.raises(OutputError):
        written(path)
    assert path.read_bytes() == before


def test_plugins_that_were_rebuilt_are_no_preset(tmp_path: Path) -> None:
    path = written(saved(tmp_path))
    document = load(path)
    eq, _ = _plugins(document, 0)
    document.lines[eq.first + 2] = base64.b64encode(b"\0" * 96)
    path.write_bytes(b"\n".join(document.lines))
    with pytest.raises(SessionError, match="were changed"):
        written_mix(path)


@pytest.mark.parametrize(
    ("low_cut", "high_cut", "bands"),
    [
        (LowCut(freq_hz=80), HighCut(), [(4, 80)]),
        (LowCut(freq_hz=120, slope_db_per_octave=24), HighCut(freq_hz=9000), [(4, 120), (4, 120), (3, 9000)]),
        (LowCut(), HighCut(freq_hz=7000, slope_db_per_octave=24), [(3, 7000), (3, 7000)]),
    ],
)
def test_cuts_are_bands_of_reaeq_behind_the_six(
    tmp_path: Path, low_cut: LowCut, high_cut: HighCut, bands: list[tuple[int, float]]
) -> None:
    strip = STRIP.model_copy(update={"low_cut": low_cut, "high_cut": high_cut})
    path = saved(tmp_path)
    copy = write_copy(path, preset_of(strip), path.with_name("mixed.RPP"), match=MATCH)
    assert not any("cut" in note for note in copy.notes)
    document = load(copy.path)
    lines = next(block for block in blocks(document.root, "TRACK"))
    chain_block = next(blocks(lines, "FXCHAIN"))
    eq = next(blocks(chain_block, "VST"))
    state = state_in(document.lines[eq.first + 1 : eq.last])
    assert state is not None
    assert struct.unpack_from("<ii", state) == (33, 6 + len(bands))
    rows = [struct.unpack_from("<iidddB", state, 8 + 33 * at) for at in range(6, 6 + len(bands))]
    assert [(kind, pytest.approx(freq_hz)) for kind, on, freq_hz, *_ in rows if on] == bands
    assert all(gain == 1 for _, _, _, gain, _, _ in rows)
    # In series they are the console's Butterworth filter.
    freqs_hz = np.geomspace(20, 10000, 200)
    made = sum(_cut_db(kind, freq_hz, octaves, freqs_hz) for kind, _, freq_hz, _, octaves, _ in rows)
    wanted = sosfreqz(cut_sections(low_cut, high_cut, 192000), freqs_hz, fs=192000)[1]
    assert np.abs(made - 20 * np.log10(np.abs(wanted))).max() < 0.2
    found = written_mix(copy.path).tracks[0].strip
    assert found.low_cut.model_dump() == pytest.approx(low_cut.model_dump())
    assert found.high_cut.model_dump() == pytest.approx(high_cut.model_dump())


def preset_of(strip: Strip) -> Preset:
    return PRESET.model_copy(update={"tracks": (Track(name="kick", strip=strip), *PRESET.tracks[1:])})


def _cut_db(kind: int, freq_hz: float, octaves: float, freqs_hz: np.ndarray) -> np.ndarray:
    """The cookbook's high pass (4) or low pass (3) of a bandwidth in octaves, in the analogue world."""
    q = 1 / (2 * np.sinh(np.log(2) / 2 * octaves))
    ratio = freqs_hz / freq_hz
    numerator = ratio**2 if kind == 4 else np.ones_like(ratio)
    return np.asarray(20 * np.log10(numerator / np.sqrt((1 - ratio**2) ** 2 + (ratio / q) ** 2)))
