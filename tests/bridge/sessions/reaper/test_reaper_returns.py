"""A mix with gate, groups, reverb and delay in a REAPER project: tracks and sends that come, and what is read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.inserting import insert
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.reaper.mixer import Mixer
from mixbridge.bridge.sessions.reaper.rpp import blocks, load
from mixbridge.bridge.sessions.reaper.writing import written_mix
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.console import (
    Compressor,
    Delay,
    Ducking,
    EqBand,
    Equalizer,
    Gate,
    Reverb,
    Strip,
    get,
    parameters,
)
from mixbridge.presets.edit import desk_form
from mixbridge.presets.errors import SessionError
from mixbridge.presets.preset import GroupBus, Preset, Track
from mixbridge.runtime.rendering.in_memory import render_arrays
from reaper_project import chain, item, plugin, project, track
from session_copies import write_copy

RATE_HZ = 22050
NAMES = ("Vox", "Kick", "Snare", "Keys")
MATCH = {name: name for name in NAMES}
GATE = Gate(threshold_db=-35, range_db=30, ratio=100, attack_ms=2, hold_ms=60, release_ms=150, hysteresis_db=3)
PRESET = Preset(
    tracks=(
        Track(name="Vox", strip=Strip(fader_db=-3, pan=0.2, reverb_send_db=-9, delay_send_db=-14)),
        Track(name="Kick", strip=Strip(fader_db=-2, gate=GATE), bus="Drums"),
        Track(name="Snare", strip=Strip(input_gain_db=4, fader_db=-5, pan=-0.3, reverb_send_db=-12), bus="Drums"),
        Track(name="Keys", strip=Strip(fader_db=-6, pan=0.6)),
    ),
    buses=(
        GroupBus(
            name="Drums",
            strip=Strip(
                eq=Equalizer(low_shelf=EqBand(gain_db=2, freq_hz=90)),
                compressor=Compressor(threshold_db=-14, ratio=2.5),
                fader_db=-1.5,
                pan=0.1,
                reverb_send_db=-20,
            ),
        ),
        GroupBus(name="Nobody"),
    ),
    reverb=Reverb(decay_low_s=1.5, decay_mid_s=1.4, decay_high_s=0.9, pre_delay_ms=60, return_gain_db=-2),
    delay=Delay(time_ms=310, feedback=0.4, low_cut_hz=200, high_cut_hz=6000, return_gain_db=-3, reverb_send_db=-15),
)
LAWS = ("1", "0.70710678118655", "0.5", "1.41421356237309")


@pytest.fixture
def stems() -> dict[str, np.ndarray]:
    chance = np.random.default_rng(5)
    return {
        name: (0.05 * chance.standard_normal((1 + (name == "Keys"), RATE_HZ // 2))).astype(np.float32) for name in NAMES
    }


def song(folder: Path, stems: dict[str, np.ndarray], *, pan_law: str = "1", **lines: str) -> Path:
    """Four tracks with their audio; `lines` are those of a track besides."""
    for name, sound in stems.items():
        sf.write(folder / f"{name}.wav", sound.T, RATE_HZ, subtype="FLOAT")
    length = RATE_HZ // 2 / RATE_HZ
    tracks = [
        track(name, item(f"{name}.wav", length=length), lines=lines.get(name, ""), number=number)
        for number, name in enumerate(NAMES, 1)
    ]
    path = folder / "song.RPP"
    path.write_text(project(tracks, rate=RATE_HZ, pan_law=pan_law))
    return path


def names_of(path: Path) -> list[str]:
    return [block.name for block in Mixer(load(path)).tracks]


def test_groups_and_returns_stand_behind_the_tracks(tmp_path: Path, stems: dict[str, np.ndarray]) -> None:
    path = song(tmp_path, stems)
    copy = write_copy(path, PRESET, tmp_path / "mix.RPP", match=MATCH).path
    assert names_of(copy) == [*NAMES, "Drums (mixbridge)", "Reverb (mixbridge)", "Delay (mixbridge)"]
    document = load(copy)
    mixer = Mixer(document)
    # Those of a mix are no tracks of the song.
    assert [each.name for each in read_session(copy).tracks] == list(NAMES)
    assert [mixer.tracks[order].row("MAINSEND").whole(1) for order in range(7)] == [1, 0, 0, 1, 1, 1, 1]
    sends = {
        (mixer.tracks[send.source].name, mixer.tracks[order].name.removesuffix(" (mixbridge)")): send
        for order in (4, 5, 6)
        for send in mixer.sends_to(order)
    }
    levels = {key: round(20 * float(np.log10(send.row.number(3))), 6) + 0 for key, send in sends.items()}
    assert levels == {
        ("Kick", "Drums"): 0,
        ("Snare", "Drums"): 0,
        ("Vox", "Reverb"): -9,
        ("Snare", "Reverb"): -12,
        ("Drums (mixbridge)", "Reverb"): -20,
        ("Delay (mixbridge)", "Reverb"): -15,
        ("Vox", "Delay"): -14,
    }
    assert all(send.is_plain and send.row.text(10) == "1:U" for send in sends.values())
    plugins = {
        each.name: [document.row(b.first).text(4) for c in blocks(each.block, "FXCHAIN") for b in blocks(c, "VST")]
        for each in mixer.tracks
    }
    both = ["mixbridge EQ", "mixbridge compressor"]
    assert plugins == {
        "Vox": both,
        "Kick": ["mixbridge gate", *both],
        "Snare": both,
        "Keys": both,
        "Drums (mixbridge)": both,
        "Reverb (mixbridge)": ["mixbridge reverb"],
        "Delay (mixbridge)": ["mixbridge delay"],
    }


def test_the_whole_channel_is_read_back(tmp_path: Path, stems: dict[str, np.ndarray]) -> None:
    found = written_mix(write_copy(song(tmp_path, stems), PRESET, tmp_path / "mix.RPP", match=MATCH).path)
    wanted = desk_form(PRESET)
    assert [(each.name, each.bus) for each in found.tracks] == [(each.name, each.bus) for each in wanted.tracks]
    for each in wanted.tracks:
        strip = found.track(each.name).strip
        for path in ("fader_db", "pan", "reverb_send_db", "delay_send_db"):
            assert get(strip, path) == pytest.approx(get(each.strip, path), abs=1e-4), (each.name, path)
        assert (strip.gate == Gate()) == (each.name != "Kick")
    gate = found.track("Kick").strip.gate
    assert gate.model_dump() == pytest.approx(GATE.model_dump(), rel=1e-5)
    [group] = found.buses
    assert (group.name, group.mute) == ("Drums", False)
    for path in ("fader_db", "pan", "reverb_send_db", "delay_send_db", "eq.low_shelf.gain_db", "compressor.ratio"):
        assert get(group.strip, path) == pytest.approx(get(PRESET.buses[0].strip, path), abs=1e-4), path
    for path in ("pre_delay_ms", "decay_mid_s", "decay_high_s", "width", "low_cut_hz", "high_cut_hz"):
        assert get(found.reverb, path) == pytest.approx(get(PRESET.reverb, path), rel=1e-4), path
    assert found.reverb.decay_low_s == pytest.approx(1.425, rel=0.01)  # of ReaVerbate, which has one for both
    assert found.reverb.return_gain_db == pytest.approx(PRESET.reverb.return_gain_db, abs=0.2)
    for path in ("time_ms", "feedback", "low_cut_hz", "high_cut_hz", "return_gain_db", "reverb_send_db"):
        assert get(found.delay, path) == pytest.approx(get(PRESET.delay, path), rel=1e-5, abs=1e-4), path


@pytest.mark.parametrize("pan_law", LAWS)
def test_the_copy_has_the_balance_of_the_mix_through_its_groups(
    tmp_path: Path, stems: dict[str, np.ndarray], pan_law: str
) -> None:
    """With the plug-ins bypassed: what each track gives the master, and each group its tracks' sum."""
    bare = {"eq": Equalizer(), "compressor": Compressor(), "gate": Gate()}
    preset = PRESET.model_copy(
        update={
            "tracks": tuple(
                each.model_copy(update={"strip": each.strip.model_copy(update={**bare, "input_gain_db": 0.0})})
                for each in PRESET.tracks
            ),
            "buses": (GroupBus(name="Drums", strip=PRESET.buses[0].strip.model_copy(update=bare)),),
        }
    )
    copy = write_copy(song(tmp_path, stems, pan_law=pan_law), preset, tmp_path / "mix.RPP", match=MATCH).path
    files = render_stems(read_session(copy), tmp_path / "stems", post_fader=True)
    there = {name: sf.read(file, dtype="float32", always_2d=True)[0].T for name, file in files.items()}
    mix = render_arrays(stems, RATE_HZ, preset)
    wanted = {"Vox": mix.stems["Vox"], "Keys": mix.stems["Keys"], "Drums": mix.buses["Drums bus"]}
    got = {"Vox": there["Vox"], "Keys": there["Keys"], "Drums": there["Kick"] + there["Snare"]}
    for name, sound in wanted.items():
        frames = got[name].shape[1]
        for side in (0, 1):
            levels = [10 * np.log10(np.mean(each[side, :frames].astype(float) ** 2)) for each in (sound, got[name])]
            assert abs(levels[0] - levels[1]) < 0.1, (name, side)


def test_a_second_mix_takes_the_place_of_the_first(tmp_path: Path, stems: dict[str, np.ndarray]) -> None:
    first = write_copy(song(tmp_path, stems), PRESET, tmp_path / "mix.RPP", match=MATCH).path
    again = write_copy(first, PRESET, tmp_path / "again.RPP", match=MATCH).path
    assert again.read_bytes() == first.read_bytes()
    plain = Preset(tracks=tuple(Track(name=name) for name in NAMES))
    last = write_copy(again, plain, tmp_path / "plain.RPP", match=MATCH).path
    assert names_of(last) == list(NAMES)
    assert "AUXRECV" not in last.read_text()
    assert "mixbridge gate" not in last.read_text()
    assert last.read_text().count("MAINSEND 1 0") == 4
    # What was read back goes in again as what it is.
    mix = written_mix(first)
    third = written_mix(write_copy(first, mix, tmp_path / "third.RPP", match=MATCH).path)
    assert third.reverb.decay_high_s == pytest.approx(mix.reverb.decay_high_s, rel=1e-4)
    assert third.reverb.return_gain_db == pytest.approx(mix.reverb.return_gain_db, abs=0.01)
    for path in parameters(Delay):
        assert get(third.delay, path) == pytest.approx(get(mix.delay, path), rel=1e-5, abs=1e-6), path


def test_tracks_behind_those_of_a_mix_keep_their_sends(tmp_path: Path, stems: dict[str, np.ndarray]) -> None:
    """A user adds a track behind ours that hears one in front of them, one behind them, and the reverb."""
    first = write_copy(song(tmp_path, stems), PRESET, tmp_path / "mix.RPP", match=MATCH).path
    receives = "".join(f"AUXRECV {source} 0 0.5 0 0 0 0 0 0 -1:U 0 -1 ''\n" for source in (0, 8, 5))
    mine = track("Mine", lines=receives, number=20) + track("Last", number=21)
    text = first.read_text()
    end = text.rstrip().rindex(">")
    first.write_text(text[:end] + mine + text[end:])
    plain = Preset(tracks=tuple(Track(name=name) for name in NAMES))
    last = write_copy(first, plain, tmp_path / "plain.RPP", match=MATCH).path
    assert names_of(last) == [*NAMES, "Mine", "Last"]
    lines = [line.split()[1] for line in last.read_text().splitlines() if line.strip().startswith("AUXRECV")]
    assert lines == ["0", "5"]
    # And once more with returns, which stand behind the user's.
    again = write_copy(first, PRESET, tmp_path / "again.RPP", match=MATCH).path
    assert names_of(again)[-4:] == ["Last", "Drums (mixbridge)", "Reverb (mixbridge)", "Delay (mixbridge)"]
    assert written_mix(again).track("Kick").bus == "Drums"


def test_returns_in_a_users_folder_come_out_of_it(tmp_path: Path, stems: dict[str, np.ndarray]) -> None:
    first = write_copy(song(tmp_path, stems, Keys="ISBUS 1 1\n"), PRESET, tmp_path / "mix.RPP", match=MATCH).path
    text = first.read_text()
    assert "ISBUS 0 0" in text
    # The folder that the song leaves open was ended; now its last is one of ours.
    head, tail = text.rsplit("ISBUS 0 0", 1)
    first.write_text(head.replace("ISBUS 0 0\n", "ISBUS 1 1\n", 1) + "ISBUS 2 -1" + tail)
    last = write_copy(first, PRESET, tmp_path / "again.RPP", match=MATCH).path
    mixer = Mixer(load(last))
    assert all(each.folder is None for each in mixer.tracks if each.is_own)


def test_a_track_that_goes_to_a_bus_of_the_users_goes_to_the_group_instead(
    tmp_path: Path, stems: dict[str, np.ndarray]
) -> None:
    folder = {"Keys": "ISBUS 2 -1\n", "Snare": "ISBUS 1 1\n"}
    path = song(tmp_path, stems, **folder)
    preset = PRESET.model_copy(
        update={"tracks": (*PRESET.tracks[:3], PRESET.tracks[3].model_copy(update={"bus": "Drums"}))}
    )
    notes = write_copy(path, preset, tmp_path / "mix.RPP", match=MATCH).notes
    assert "Keys: goes to Drums (mixbridge), no more to Snare." in notes
    bus = track("Bus", lines="AUXRECV 1 0 1 0 0 0 0 0 0 -1:U 0 -1 ''\n", number=9)
    text = path.read_text().replace("ISBUS 2 -1", "ISBUS 0 0").replace("ISBUS 1 1", "ISBUS 0 0")
    end = text.rstrip().rindex(">")
    kick = text.index('NAME "Kick"')
    text = text[:kick] + text[kick:end].replace("MAINSEND 1 0", "MAINSEND 0 0", 1) + bus + text[end:]
    path.write_text(text)
    copy = write_copy(path, PRESET, tmp_path / "other.RPP", match=MATCH)
    assert "Kick: goes to Drums (mixbridge), no more to Bus." in copy.notes
    session = read_session(copy.path)
    assert session.groups[session.tracks[1].parent or 0].name == "Drums (mixbridge)"
    assert "AUXRECV 1 0 1 0 1 0 0" in copy.path.read_text()


def test_what_is_not_the_same_is_said(tmp_path: Path, stems: dict[str, np.ndarray]) -> None:
    kick = Strip(gate=Gate(range_db=40, ratio=3, hold_ms=1500, release_ms=5000), reverb_send_db=-10)
    preset = Preset(
        tracks=(Track(name="Kick", strip=kick),),
        reverb=Reverb(ducking=Ducking(range_db=5)),
        delay=Delay(ping_pong=1),
    )
    notes = "\n".join(write_copy(song(tmp_path, stems), preset, tmp_path / "m.RPP", match={"Kick": "Kick"}).notes)
    assert "Kick: its gate's ratio of 3:1 becomes a hard gate: " in notes
    assert "Kick: its hold of 1500 ms becomes 1000 ms, ReaGate's limit." in notes
    assert "ducking of 5 dB above -40 dB) becomes ReaVerbate: 1.54 s in the lows, 1.5 s at 1 kHz, 0.8 s" in notes
    assert "after 25.3 ms, each side by itself." in notes
    assert "ReaDelay" not in notes  # nothing is sent there


def test_the_echoes_of_a_preset_are_said(tmp_path: Path, stems: dict[str, np.ndarray]) -> None:
    preset = Preset(tracks=(Track(name="Vox", strip=Strip(delay_send_db=-6)),), delay=Delay(ping_pong=1))
    notes = "\n".join(write_copy(song(tmp_path, stems), preset, tmp_path / "m.RPP", match={"Vox": "Vox"}).notes)
    assert "ping-pong 1) becomes ReaDelay: echoes stay on their side" in notes
    assert "was not measured" in notes


def test_inserted_sessions_have_them_and_say_nothing_of_them(tmp_path: Path, stems: dict[str, np.ndarray]) -> None:
    path = song(tmp_path, stems)
    first = insert(read_session(path), PRESET, tmp_path / "mix.RPP")
    again = insert(read_session(first.path), PRESET, tmp_path / "again.RPP")
    assert first.rendered == again.rendered == ()
    assert names_of(again.path) == names_of(first.path)
    assert not any("acts besides" in note for note in again.notes)


def test_a_groups_name_may_be_anything(tmp_path: Path, stems: dict[str, np.ndarray]) -> None:
    """Quotes of all kinds, other letters, and the name of a track or of a return."""
    for number, name in enumerate(("Chœur \"a\" 'b'", "Reverb", "鼓")):
        preset = Preset(
            tracks=(Track(name="Vox", strip=Strip(reverb_send_db=-9), bus=name),), buses=(GroupBus(name=name),)
        )
        path = song(tmp_path, stems)
        found = written_mix(write_copy(path, preset, tmp_path / f"{number}.RPP", match={"Vox": "Vox"}).path)
        assert [group.name for group in found.buses] == [name]
        assert found.track("Vox").bus == name
        assert found.track("Vox").strip.reverb_send_db == pytest.approx(-9)


def test_groups_that_a_user_doubled_are_read_apart(tmp_path: Path, stems: dict[str, np.ndarray]) -> None:
    path = write_copy(song(tmp_path, stems), PRESET, tmp_path / "mix.RPP", match=MATCH).path
    text = path.read_text()
    end = text.rstrip().rindex(">")
    doubled = text[:end] + track("Drums (mixbridge)", number=30) + text[end:]
    path.write_text(doubled)
    found = written_mix(path)
    assert [group.name for group in found.buses] == ["Drums", "Drums (2)"]
    assert found.track("Kick").bus == "Drums"
    crowd = "".join(track(f"{number} (mixbridge)", number=number) for number in range(40, 170))
    path.write_text(text[:end] + crowd + text[end:])
    with pytest.raises(SessionError, match="131 groups of mixbridge's; 128 are the most"):
        written_mix(path)


def test_a_gate_goes_in_front_of_the_chain_and_out_again(tmp_path: Path, stems: dict[str, np.ndarray]) -> None:
    text = song(tmp_path, stems).read_text()
    path = tmp_path / "own.RPP"
    path.write_text(project([track("Kick", chain(plugin()), item("Kick.wav"))], rate=RATE_HZ))
    assert text
    plain = Preset(tracks=(Track(name="Kick"),))
    gated = Preset(tracks=(Track(name="Kick", strip=Strip(gate=GATE)),))
    files = [path]
    for number, preset in enumerate((plain, gated, plain)):
        name = tmp_path / f"{number}.RPP"
        files.append(write_copy(files[-1], preset, name, match={"Kick": "Kick"}).path)
    chains = []
    for file in files[1:]:
        document = load(file)
        block = next(blocks(document.root, "TRACK"))
        inside = next(blocks(block, "FXCHAIN"))
        chains.append([document.row(b.first).text(4) for b in blocks(inside, "VST")])
        assert document.lines[inside.first : inside.last].count(b"      BYPASS 0 0 0") == len(chains[-1])
    assert chains == [
        ["mixbridge EQ", "mixbridge compressor", ""],
        ["mixbridge gate", "mixbridge EQ", "mixbridge compressor", ""],
        ["mixbridge EQ", "mixbridge compressor", ""],
    ]
    assert files[3].read_bytes() == files[1].read_bytes()
