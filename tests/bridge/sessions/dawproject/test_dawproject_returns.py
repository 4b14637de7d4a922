"""Sends, effect channels, groups and rendered returns of a mix in a DAWproject, old and new, and back."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest
import soundfile as sf
from dawproject_files import audio, faults, project_xml, write_project
from mixbridge.bridge.sessions.core.model import Session
from mixbridge.bridge.sessions.core.returned import is_return_audio
from mixbridge.bridge.sessions.dawproject.devices import cut_hz_of, cuts_element, limiter_element
from mixbridge.bridge.sessions.dawproject.mixing.elements import (
    MixBuses,
    delay_of,
    effect_devices,
    filled,
    new_channel,
    reverb_of,
    send_element,
)
from mixbridge.bridge.sessions.dawproject.writing import write, written_mix
from mixbridge.bridge.sessions.inserting import insert
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.bridge.sessions.stems.returns import ReturnSource
from mixbridge.bridge.sessions.writing import Written
from mixbridge.presets.console import (
    Compressor,
    Delay,
    EqBand,
    Equalizer,
    FxBus,
    LowCut,
    Master,
    Reverb,
    Strip,
    parameters,
    replace,
)
from mixbridge.presets.edit import without_input_gain
from mixbridge.presets.preset import GroupBus, Preset, Track
from mixbridge.runtime.console.effects.buses import BUSES
from mixbridge.runtime.rendering.in_memory import render_arrays

RATE_HZ: Final = 16000
NAMES: Final = ("Vox", "Kick", "Snare", "Keys")
COMPRESSOR: Final = Compressor(threshold_db=-24, ratio=2.5, attack_ms=15, release_ms=120, knee_db=0)
PRESET: Final = Preset(
    tracks=(
        Track(name="Vox", strip=Strip(input_gain_db=3, fader_db=-4, pan=0.1, reverb_send_db=-11, delay_send_db=-17)),
        Track(name="Kick", strip=Strip(fader_db=-2, low_cut=LowCut(freq_hz=35)), bus="Drums"),
        Track(name="Snare", strip=Strip(fader_db=-7, pan=-0.2, reverb_send_db=-14), bus="Drums"),
        Track(name="Keys", strip=Strip(fader_db=-9, pan=0.5, fx_send_db=-13)),
    ),
    buses=(
        GroupBus(
            name="Drums",
            strip=Strip(
                eq=Equalizer(high_shelf=EqBand(gain_db=2, freq_hz=6000)),
                compressor=COMPRESSOR,
                fader_db=-1.5,
                pan=0.1,
                reverb_send_db=-22,
            ),
        ),
    ),
    fx_bus=FxBus(return_gain_db=-3),
    reverb=Reverb(decay_mid_s=0.7, low_cut_hz=210, high_cut_hz=6500, return_gain_db=-2),
    delay=Delay(time_ms=150, reverb_send_db=-12, return_gain_db=-1),
    master=Master(compressor=COMPRESSOR, output_gain_db=1),
)
RETURNS: Final = ("FX return (mixbridge)", "Reverb return (mixbridge)", "Delay return (mixbridge)")
EFFECTS: Final = ("FX (mixbridge)", "Reverb (mixbridge)", "Delay (mixbridge)")


def sounds() -> dict[str, np.ndarray]:
    chance = np.random.default_rng(7)
    beats = 0.2 * np.exp(-(np.arange(RATE_HZ) % 4000) / 1500)
    return {
        name: (beats * chance.standard_normal((1 + (name == "Keys"), RATE_HZ))).astype(np.float32) for name in NAMES
    }


@pytest.fixture
def stems() -> dict[str, np.ndarray]:
    return sounds()


@pytest.fixture
def folder(tmp_path: Path, stems: Mapping[str, np.ndarray]) -> Path:
    place = tmp_path / "stems"
    place.mkdir()
    for name, sound in stems.items():
        sf.write(place / f"{name}.wav", sound.T, RATE_HZ, subtype="FLOAT")
    return place


def channel(name: str, to: str = "cMaster", more: str = "", level: float = 1.0) -> str:
    return (
        f'<Channel id="c{name}" destination="{to}" role="regular"><Mute value="false"/>'
        f'<Pan unit="normalized" value="0.5"/>{more}<Volume id="v{name}" unit="linear" value="{level}"/></Channel>'
    )


@pytest.fixture
def project(folder: Path, tmp_path: Path) -> Path:
    """The drums lie in a group of the user's at -6 dB; Keys has a send of the user's; Vox has no channel."""
    room = '<Sends><Send destination="cRoom" type="post"><Volume unit="linear" value="0.5"/></Send></Sends>'
    drums = "".join(
        f'<Track contentType="audio" id="t{n}" name="{n}">{channel(n, "cKit")}</Track>' for n in ("Kick", "Snare")
    )
    structure = (
        '<Track contentType="audio" id="tVox" name="Vox"/>'
        f'<Track contentType="tracks" id="tKit" name="Kit">{channel("Kit", level=0.5)}{drums}</Track>'
        f'<Track contentType="audio" id="tKeys" name="Keys">{channel("Keys", more=room)}</Track>'
        '<Track contentType="audio" id="tRoom" name="Room"><Channel id="cRoom" destination="cMaster" role="effect"/>'
        '</Track><Track contentType="audio" id="tMaster" name="Master"><Channel id="cMaster" role="master"/></Track>'
    )
    lanes = "".join(
        f'<Lanes track="t{n}"><Clips><Clip time="0" duration="2">{audio(f"audio/{n}.wav", RATE_HZ)}</Clip></Clips>'
        "</Lanes>"
        for n in NAMES
    )
    # In beats: two of them are a second at 120 bpm.
    inside = (
        '<Transport><Tempo unit="bpm" value="120"/></Transport>'
        f'<Structure>{structure}</Structure><Arrangement><Lanes timeUnit="beats">{lanes}</Lanes></Arrangement>'
    )
    return write_project(tmp_path / "song.dawproject", inside, {f"audio/{n}.wav": folder / f"{n}.wav" for n in NAMES})


@pytest.fixture(params=["copy", "new"])
def written(request: pytest.FixtureRequest, project: Path, folder: Path) -> Written:
    source = project if request.param == "copy" else folder
    return insert(read_session(source), PRESET, project.with_name("mix.dawproject"))


def root_of(path: Path) -> Element:
    return ElementTree.fromstring(project_xml(path))


def track_named(path: Path, name: str) -> Element:
    [track] = [element for element in root_of(path).iter("Track") if element.get("name") == name]
    return track


def channel_named(path: Path, name: str) -> Element:
    found = track_named(path, name).find("Channel")
    assert found is not None
    return found


def names_of(path: Path) -> list[str]:
    return [element.get("name", "") for element in root_of(path).iter("Track")]


def flat(preset: Preset) -> dict[str, object]:
    values: dict[str, object] = {}
    owners: tuple[Track | GroupBus, ...] = (*preset.tracks, *preset.buses)
    for owner in owners:
        for path in parameters(Strip):
            if not path.startswith(("deesser", "saturation", "gate", "compressor.knee")):
                part: object = owner.strip
                for step in path.split("."):
                    part = getattr(part, step)
                values[f"{owner.name}.{path}"] = part
        values[f"{owner.name}.bus"] = getattr(owner, "bus", None)
    return values


def plain(strip: Strip) -> Strip:
    """A strip in the desk form, as a session has it."""
    return without_input_gain(strip)


def levels_db(sound: np.ndarray) -> list[float]:
    return [10 * float(np.log10(np.mean(np.square(side, dtype=float)) + 1e-20)) for side in sound]


def null_db(found: np.ndarray, wanted: np.ndarray) -> float:
    frames = max(found.shape[1], wanted.shape[1])
    a, b = (np.pad(sound.astype(float), ((0, 0), (0, frames - sound.shape[1]))) for sound in (found, wanted))
    return 10 * float(np.log10(np.mean((a - b) ** 2) / np.mean(b**2) + 1e-30))


def test_the_file_is_as_the_format_wants_it(written: Written) -> None:
    assert faults(written.path) == []
    names = names_of(written.path)
    assert all(names.count(name) == 1 for name in (*RETURNS, *EFFECTS, "Drums (mixbridge)"))
    assert written.rendered == RETURNS


def test_sends_groups_and_returns_are_read_back(written: Written) -> None:
    found = written_mix(written.path)
    by_name = {track.name: track for track in found.tracks}
    assert set(by_name) == set(NAMES)
    wanted = PRESET.model_copy(
        update={
            "tracks": tuple(t.model_copy(update={"strip": plain(t.strip)}) for t in PRESET.tracks),
        }
    )
    ordered = found.model_copy(update={"tracks": tuple(by_name[name] for name in NAMES)})
    values, expected = flat(ordered), flat(wanted)
    assert values.keys() == expected.keys()
    for path, value in expected.items():
        assert values[path] == (pytest.approx(value, rel=1e-6, abs=1e-6) if isinstance(value, float) else value), path
    assert found.reverb.low_cut_hz == pytest.approx(210)
    assert found.reverb.high_cut_hz == pytest.approx(6500)
    levels = (found.fx_bus.return_gain_db, found.reverb.return_gain_db, found.delay.return_gain_db)
    assert levels == pytest.approx((-3, -2, -1))
    assert found.delay.reverb_send_db == pytest.approx(-12)


def test_a_copy_has_the_balance_of_the_mix_through_groups_and_sends(
    written: Written, stems: Mapping[str, np.ndarray]
) -> None:
    found = written_mix(written.path)
    ours, theirs = render_arrays(stems, RATE_HZ, PRESET), render_arrays(stems, RATE_HZ, with_effects(found))
    assert tuple(ours.buses) == tuple(theirs.buses)
    for name, sound in (*ours.stems.items(), *ours.buses.items()):
        there = theirs.stems[name] if name in theirs.stems else theirs.buses[name]
        assert levels_db(there) == pytest.approx(levels_db(sound), abs=0.1), name


def with_effects(found: Preset) -> Preset:
    """What was read, with what the format cannot say of the effects."""
    keep = {"return_gain_db": found.reverb.return_gain_db, "low_cut_hz": found.reverb.low_cut_hz}
    keep["high_cut_hz"] = found.reverb.high_cut_hz
    delay = {"return_gain_db": found.delay.return_gain_db, "reverb_send_db": found.delay.reverb_send_db}
    return found.model_copy(
        update={
            "reverb": replace(PRESET.reverb, keep),
            "delay": replace(PRESET.delay, delay),
        }
    )


def test_tracks_and_rendered_returns_are_the_mix(
    written: Written, stems: Mapping[str, np.ndarray], tmp_path: Path
) -> None:
    session = read_session(written.path)
    names = [track.name for track in session.tracks if is_return_audio(track)]
    files = render_stems(session, tmp_path / "played", post_fader=True)
    played = {name: sf.read(files[name], dtype="float32", always_2d=True)[0].T for name in names}
    assert tuple(played) == RETURNS
    mix = render_arrays(stems, RATE_HZ, PRESET)
    for name, effect in zip(RETURNS, BUSES, strict=True):
        assert null_db(played[name], mix.buses[effect]) < -110
    dry = mix.stems["Vox"] + mix.stems["Keys"] + mix.buses["Drums bus"]
    wet = np.sum(list(played.values()), axis=0)
    assert null_db(np.pad(dry, ((0, 0), (0, wet.shape[1] - dry.shape[1]))) + wet, mix.bus) < -110


def test_never_both_are_audible(written: Written) -> None:
    for name in EFFECTS:
        mute = channel_named(written.path, name).find("Mute")
        assert mute is not None
        assert mute.get("value") == "true"
    for name in RETURNS:
        mute = channel_named(written.path, name).find("Mute")
        assert mute is not None
        assert mute.get("value") == "false"
    notes = " ".join(written.notes)
    assert "Reverb (mixbridge): the format has no such effect, so this channel takes the sends and is muted" in notes
    assert "unmute the channel, and mute Reverb return (mixbridge)." in notes


def test_sends_are_behind_the_fader_and_go_to_effect_channels(written: Written) -> None:
    ids = {channel_named(written.path, name).get("id"): name for name in EFFECTS}
    vox = channel_named(written.path, "Vox")
    sends = {ids.get(send.get("destination")): send for send in vox.iterfind("Sends/Send") if send.get("name")}
    assert set(sends) == {"Reverb (mixbridge)", "Delay (mixbridge)"}
    assert all(send.get("type") == "post" for send in sends.values())
    assert all(channel_named(written.path, name).get("role") == "effect" for name in EFFECTS)
    volume = sends["Reverb (mixbridge)"].find("Volume")
    assert volume is not None
    assert float(volume.get("value", "")) == pytest.approx(10 ** (-11 / 20))
    delay = channel_named(written.path, "Delay (mixbridge)")
    assert [ids[send.get("destination")] for send in delay.iterfind("Sends/Send")] == ["Reverb (mixbridge)"]


def test_groups_are_submixes_that_their_tracks_go_to(written: Written) -> None:
    drums = channel_named(written.path, "Drums (mixbridge)")
    master = channel_named(written.path, "Master")
    assert (drums.get("role"), drums.get("destination")) == ("submix", master.get("id"))
    for name in ("Kick", "Snare"):
        assert channel_named(written.path, name).get("destination") == drums.get("id")
    assert [device.tag for device in drums.find("Devices") or ()] == ["Equalizer", "Compressor"]


def test_the_master_has_a_limiter_at_the_ceiling(written: Written) -> None:
    devices = channel_named(written.path, "Master").find("Devices")
    assert devices is not None
    assert [device.tag for device in devices] == ["Equalizer", "Compressor", "Limiter"]
    threshold = devices[2].find("Threshold")
    assert threshold is not None
    assert (threshold.get("value"), threshold.get("unit")) == ("-1.0", "decibel")
    assert [child.tag for child in limiter_element(-2.5)] == ["Enabled", "InputGain", "OutputGain", "Threshold"]


def test_what_of_the_users_stays(project: Path) -> None:
    written = insert(read_session(project), PRESET, project.with_name("mix.dawproject"))
    sends = [send.get("destination") for send in channel_named(written.path, "Keys").iterfind("Sends/Send")]
    assert sends[0] == "cRoom"
    assert len(sends) == 2
    assert "Kick: goes to Drums (mixbridge), no more to Kit." in written.notes
    # No track of the mix goes through it any more, so it stays for others.
    assert not any(note.startswith("Kit: ") for note in written.notes)
    volume = channel_named(written.path, "Kit").find("Volume")
    assert volume is not None
    assert volume.get("value") == "0.5"
    assert any(note.startswith("Keys: send to Room stays") for note in written.notes)


def test_a_second_mix_takes_the_place_of_the_first(written: Written, tmp_path: Path) -> None:
    session = read_session(written.path)
    again = insert(session, PRESET, tmp_path / "again.dawproject")
    assert faults(again.path) == []
    assert sorted(names_of(again.path)) == sorted(names_of(written.path))
    assert written_mix(again.path) == written_mix(written.path)
    with zipfile.ZipFile(again.path) as file:
        assert len([name for name in file.namelist() if "return" in name]) == len(RETURNS)
    assert not any("stays, and acts besides" in note and "mixbridge" in note for note in again.notes)


def test_a_mix_without_buses_takes_them_out(written: Written, tmp_path: Path) -> None:
    dry = Preset(tracks=tuple(Track(name=name, strip=Strip(fader_db=-5)) for name in NAMES))
    without = insert(read_session(written.path), dry, tmp_path / "dry.dawproject")
    assert faults(without.path) == []
    assert not {*RETURNS, *EFFECTS} & set(names_of(without.path))
    with zipfile.ZipFile(without.path) as file:
        assert not [name for name in file.namelist() if "return" in name]
    found = written_mix(without.path)
    assert all(track.bus is None and track.strip.reverb_send_db == -80 for track in found.tracks)
    assert [group.strip.compressor.ratio for group in found.buses] in (
        [],
        [1.0],
    )  # one that tracks lie in stays, at rest
    parents = {track.name: track.parent for track in read_session(without.path).tracks}
    assert parents["Vox"] is None


def test_an_effect_of_the_users_stays_and_the_rendered_return_is_muted(written: Written, tmp_path: Path) -> None:
    room = '<Vst3Plugin deviceName="Room" deviceRole="audioFX" name="Room"><Enabled value="true"/></Vst3Plugin>'
    text = project_xml(written.path).decode()
    track = re.search(r'<Track [^>]*name="Reverb \(mixbridge\)"', text)
    assert track is not None
    begin = text.index("<Devices>", track.end()) + len("<Devices>")
    text = text[:begin] + room + text[begin:].replace('<Mute value="true"', '<Mute value="false"', 1)
    changed = write_project(tmp_path / "live.dawproject", text.encode(), unpacked(written.path))
    live = insert(read_session(changed), PRESET, tmp_path / "again.dawproject")
    assert faults(live.path) == []
    mutes = {name: channel_named(live.path, name).find("Mute") for name in ("Reverb (mixbridge)", *RETURNS)}
    values = {name: None if mute is None else mute.get("value") for name, mute in mutes.items()}
    assert values == {
        "Reverb (mixbridge)": "false",
        "FX return (mixbridge)": "false",
        "Reverb return (mixbridge)": "true",
        "Delay return (mixbridge)": "false",
    }
    assert "Reverb (mixbridge): its own effect stays on; what was rendered is muted." in live.notes


def unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist() if name.endswith(".wav")}


def test_without_sound_the_sends_are_there_and_nothing_is_doubled(project: Path) -> None:
    barred = ReturnSource(barred="its sound may not be heard")
    written = insert(read_session(project), PRESET, project.with_name("mix.dawproject"), sound=barred)
    assert faults(written.path) == []
    assert written.rendered == ()
    assert not set(RETURNS) & set(names_of(written.path))
    assert set(EFFECTS) <= set(names_of(written.path))
    assert written_mix(written.path).tracks[0].strip.reverb_send_db == pytest.approx(-11)
    assert any(note.startswith("The reverb return is not in the copy: its sound") for note in written.notes)


GRID: Final = np.linspace(0, 1, 41)


@pytest.mark.parametrize("row", ["fx_send_db", "reverb_send_db", "delay_send_db"])
def test_every_send_comes_back_on_its_grid(project: Path, row: str) -> None:
    session = read_session(project)
    low, high = -79.0, 6.02
    levels = [float(low + (high - low) * share) for share in GRID[::4]]
    for count, level_db in enumerate(levels):
        preset = Preset(tracks=(Track(name="Keys", strip=Strip(**{row: level_db})),))
        path = silently(session, preset, project.with_name(f"{count}.dawproject"))
        assert getattr(written_mix(path).tracks[0].strip, row) == pytest.approx(level_db, abs=1e-6)
    loud = Preset(tracks=(Track(name="Keys", strip=Strip(**{row: 12.0})),))
    assert getattr(
        written_mix(silently(session, loud, project.with_name("loud.dawproject"))).tracks[0].strip, row
    ) == pytest.approx(6.02, abs=0.01)


def silently(session: Session, preset: Preset, output: Path) -> Path:
    """A copy without the sound of returns, which a grid of levels does not need."""
    match = {track.name: track.name for track in preset.tracks}
    return write(session, preset, output, match=match).path


def test_the_cuts_of_the_return_come_back_on_their_grid() -> None:
    table = parameters(Reverb)
    for share in GRID:
        low, high = (row.low * (row.high / row.low) ** share for row in (table["low_cut_hz"], table["high_cut_hz"]))
        found = dict(cut_hz_of(cuts_element(low, high)))
        assert (found["low_cut_hz"], found["high_cut_hz"]) == pytest.approx((low, high), rel=1e-9)


def test_a_group_of_the_mix_that_tracks_lie_in_is_set_anew(folder: Path, tmp_path: Path) -> None:
    first = insert(read_session(folder), PRESET, tmp_path / "first.dawproject")
    louder = PRESET.model_copy(update={"buses": (GroupBus(name="Drums", strip=Strip(fader_db=3), mute=True),)})
    second = insert(read_session(first.path), louder, tmp_path / "second.dawproject")
    assert faults(second.path) == []
    [group] = written_mix(second.path).buses
    assert (group.name, group.strip.fader_db, group.mute) == ("Drums", pytest.approx(3), True)
    assert group.strip.compressor.ratio == 1
    assert not any("Drums (mixbridge): the group is set" in note for note in second.notes)


def test_levels_of_returns_come_back_on_their_grid() -> None:
    for share in GRID:
        level_db = float(-79.5 + 85.5 * share)
        preset = Preset(reverb=Reverb(return_gain_db=level_db), delay=Delay(reverb_send_db=level_db))
        buses = MixBuses.of(preset, [Track(name="Vox", strip=Strip(delay_send_db=0))])
        assert buses.effects == ("reverb return", "delay return")
        reverb, delay = new_channel("effect", "r", None), new_channel("effect", "d", None)
        filled(reverb, effect_devices("reverb return", preset), level_db, 0.0, mute=True, sends=())
        sends = [send_element(name, "r", db) for name, db in buses.sends_of_return_db("delay return").items()]
        filled(delay, (), level_db, 0.0, mute=True, sends=sends)
        effects = {"r": "reverb return", "d": "delay return"}
        assert reverb_of(reverb).return_gain_db == pytest.approx(level_db, abs=1e-6)
        found = delay_of(delay, effects)
        assert (found.return_gain_db, found.reverb_send_db) == pytest.approx((level_db, level_db), abs=1e-6)


def test_a_group_may_be_called_as_an_effect(project: Path) -> None:
    track = Track(name="Keys", strip=Strip(reverb_send_db=-10), bus="Reverb")
    both = Preset(tracks=(track,), buses=(GroupBus(name="Reverb", strip=Strip(fader_db=-3)),))
    path = silently(read_session(project), both, project.with_name("both.dawproject"))
    assert faults(path) == []
    found = written_mix(path)
    assert (found.tracks[0].bus, found.buses[0].strip.fader_db) == ("Reverb", pytest.approx(-3))
    assert found.tracks[0].strip.reverb_send_db == pytest.approx(-10)
    alone = Preset(tracks=(track.model_copy(update={"bus": None}),))
    without = silently(read_session(path), alone, project.with_name("alone.dawproject"))
    assert faults(without) == []
    assert written_mix(without).buses == ()
    assert written_mix(without).tracks[0].strip.reverb_send_db == pytest.approx(-10)


def test_sends_whose_names_a_daw_has_dropped_are_taken_for_ours(written: Written, tmp_path: Path) -> None:
    text = re.sub(r'(<Send [^>]*?) name="[^"]*"', r"\1", project_xml(written.path).decode())
    bare = write_project(tmp_path / "bare.dawproject", text.encode(), unpacked(written.path))
    again = insert(read_session(bare), PRESET, tmp_path / "again.dawproject")
    assert faults(again.path) == []
    assert len(channel_named(again.path, "Vox").findall("Sends/Send")) == 2
    assert written_mix(again.path) == written_mix(written.path)
