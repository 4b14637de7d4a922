from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.core.fades import fade_gains, gain_curve
from mixbridge.bridge.sessions.core.model import Clip, Session
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.errors import SessionError
from reaper_project import chain, envelope, item, plugin, project, section, track
from timeline import noise, write_audio

RATE_HZ = 8000


def saved(folder: Path, *tracks: str, **options: object) -> Path:
    path = folder / "song.RPP"
    path.write_text(project(tracks, rate=RATE_HZ, **options), newline="\n")  # type: ignore[arg-type]
    if not (folder / "Media" / "a.wav").exists():
        write_audio(folder / "Media" / "a.wav", noise(2 * RATE_HZ))
    return path


def read(folder: Path, *tracks: str, **options: object) -> Session:
    return read_session(saved(folder, *tracks, **options))


def clip_of(folder: Path, text: str) -> Clip:
    (only,) = read(folder, track("A", text)).tracks
    (clip,) = only.clips
    return clip


def whats(session: Session) -> list[tuple[str, str, str]]:
    notes = [(note.track, note.clip, note.what) for note in session.unsupported]
    return notes + [
        (track.name, clip.name, what) for track in session.tracks for clip in track.clips for what in clip.notes
    ]


def stem_of(folder: Path, *items: str, **options: object) -> np.ndarray:
    session = read(folder, track("A", *items))
    (path,) = render_stems(session, folder / "stems", overwrite=True, **options).values()  # type: ignore[arg-type]
    return sf.read(path, always_2d=True, dtype="float32")[0].T


def test_a_project_is_a_session(tmp_path: Path) -> None:
    session = read(
        tmp_path,
        track("Kick", item(position=0.5), volpan="0.5 -0.25 -1 -1 1"),
        track('The "vox"', item(position=1.0), lines="PEAKCOL 33489200\n", number=2),
    )
    assert (session.format, session.name, session.sample_rate_hz, session.tempo_bpm) == (
        "reaper",
        "song",
        RATE_HZ,
        97.5,
    )
    kick, vox = session.tracks
    assert (kick.name, kick.order, kick.pan, kick.colour) == ("Kick", 0, -0.25, None)
    assert kick.gain_db == pytest.approx(-6.0206, abs=1e-4)
    assert kick.identity == "{00000000-0000-4000-8000-000000000001}"
    assert vox.name == 'The "vox"'
    (clip,) = kick.clips
    assert (clip.source, clip.position, clip.length) == (tmp_path / "Media" / "a.wav", 4000, 8000)
    assert whats(session) == []


@pytest.mark.parametrize(
    ("platform", "colour"), [("win64", "#3020ff"), ("macOS-arm64", "#ff2030"), ("linux-x86_64", "#ff2030")]
)
def test_colours_are_in_the_order_of_the_system(tmp_path: Path, platform: str, colour: str) -> None:
    text = track("A", item()).replace("PEAKCOL 16576", f"PEAKCOL {0x1FF2030}")
    assert read(tmp_path, text, platform=platform).tracks[0].colour == colour


def test_folders_are_groups_and_those_without_items_no_tracks(tmp_path: Path) -> None:
    session = read(
        tmp_path,
        track("Drums", lines="ISBUS 1 1\n"),
        track("Kick", item(), number=2),
        track("Toms", item(), lines="ISBUS 1 1\n", number=3),
        track("Floor", item(), lines="ISBUS 2 -2\n", number=4),
        track("Vox", item(), lines="ISBUS 2 -7\n", number=5),
    )
    assert [(t.name, t.group, t.order) for t in session.tracks] == [
        ("Kick", "Drums", 1),
        ("Toms", "Drums", 2),
        ("Floor", "Toms", 3),
        ("Vox", None, 4),
    ]


def test_track_switches(tmp_path: Path) -> None:
    text = track("A", item()).replace("MUTESOLO 0", "MUTESOLO 1").replace("IPHASE 0", "IPHASE 1")
    (only,) = read(tmp_path, text).tracks
    assert (only.mute, only.polarity_inverted) == (True, True)


@pytest.mark.parametrize(
    ("project_law", "track_law", "law"),
    [
        ("1", "-1", "balance"),
        ("0.70794578", "-1", "constant_power"),
        ("1", "0.708", "constant_power"),
        ("0.5", "-1", "linear"),
        ("0.5", "1.4125375446", "constant_power_boosted"),
    ],
)
def test_pan_laws(tmp_path: Path, project_law: str, track_law: str, law: str) -> None:
    session = read(tmp_path, track("A", item(), volpan=f"1 0 {track_law} -1 1"), pan_law=project_law)
    assert session.tracks[0].pan_law == law


def test_gains_of_item_and_take_multiply_and_a_negative_one_turns_round(tmp_path: Path) -> None:
    clip = clip_of(tmp_path, item(VOLPAN="0.5 0 -0.5 -1", MUTE="1 0"))
    assert clip.gain_db == pytest.approx(20 * math.log10(0.25))
    assert (clip.polarity, clip.mute) == (True, True)
    assert clip_of(tmp_path, item(VOLPAN="0 0 1 -1")).gain_db == -math.inf


# What an item's ends are at its middle, by hand from the formulas of cohler (forum thread 262260).
@pytest.mark.parametrize(
    ("fade", "middle"),
    [
        ("0 0.5 0 0 0 0 0", 0.5),
        ("1 0.5 0 1 0 0 0", 0.75),
        ("2 0.5 0 2 0 1 0", 0.25),
        ("3 0.5 0 3 0 -1 0", 0.9375),
        ("4 0.5 0 4 0 1 0", 0.0625),
        ("5 0.5 0 5 0 0 0", 0.5),
        ("5.1 0.5 0 6 0 0 0", 0.5),
        ("1.1 0.5 0 7 0 0 0", 0.7098),
        ("1 0.5 0 1 0 0.5 0", 0.40625),
        ("1 0.5 0 1 0 -0.5 0", 0.87402),
        ("2 0.5 0 2 0 -0.5 0", 0.625),
        ("5 0.5 0 5 0 1 0", 0.17221),
        ("1.1 0.5 0 7 0 -0.5 0", 0.92244),
        ("5.1 0.5", 0.5),
        ("1.1 0.5", 0.7098),
        ("1 0.01 0.5 1 0 0 0", 0.75),
    ],
)
def test_fade_shapes(tmp_path: Path, fade: str, middle: float) -> None:
    clip = clip_of(tmp_path, item(FADEIN=fade))
    assert clip.fade_in.length == 4000
    gains = fade_gains(clip.fade_in, 0, 4001, rising=True)
    assert gains[0] == pytest.approx(0, abs=1e-9)
    assert gains[2000] == pytest.approx(middle, abs=5e-5)
    assert gains[4000] == pytest.approx(1, abs=1e-9)
    assert np.all(np.diff(gains) >= -1e-9)


def test_a_fade_out_is_a_fade_in_turned_round_with_the_other_curvature(tmp_path: Path) -> None:
    clip = clip_of(tmp_path, item(FADEIN="1 0.5 0 1 0 0.3 0", FADEOUT="1 0.5 0 1 0 -0.3 0"))
    rising = fade_gains(clip.fade_in, 0, 4001, rising=True)
    falling = fade_gains(clip.fade_out, 0, 4001, rising=False)
    np.testing.assert_allclose(falling, rising[::-1], atol=1e-9)
    named = clip_of(tmp_path, item(FADEOUT="3 0.5 0 3 0 1 0")).fade_out
    assert named.shape == "faster_start"
    assert gain_curve("faster_start", 4, rising=False)[0] == 1


def test_a_fade_of_a_shape_from_the_future_is_a_line_and_said(tmp_path: Path) -> None:
    session = read(tmp_path, track("A", item(FADEIN="1 0.5 0 12 0 0 0")))
    assert session.tracks[0].clips[0].fade_in.shape == "linear"
    assert "a fade of a shape that is not known" in whats(session)[0][2]


def test_offsets_count_in_the_files_own_frames(tmp_path: Path) -> None:
    write_audio(tmp_path / "Media" / "b.wav", noise(44100, seed=1), rate_hz=44100)
    clip = clip_of(tmp_path, item("Media/b.wav", 0.25, 0.5, SOFFS="0.25"))
    assert (clip.position, clip.length, clip.source_offset) == (2000, 4000, 11025)


def test_an_item_that_reaches_out_of_its_file_loops_or_is_silent(tmp_path: Path) -> None:
    write_audio(tmp_path / "Media" / "a.wav", wave := noise(RATE_HZ))
    looped = stem_of(tmp_path, item(length=2.5, SOFFS="0.25", LOOP="1"))
    np.testing.assert_array_equal(looped[0], np.roll(np.tile(wave[0], 4), -2000)[:20000])
    before = stem_of(tmp_path, item(length=1.5, SOFFS="-0.25", LOOP="1"))
    np.testing.assert_array_equal(before[0], np.roll(np.tile(wave[0], 3), 2000)[:12000])
    silent = stem_of(tmp_path, item(length=1.0, SOFFS="-0.25"))
    np.testing.assert_array_equal(silent[0], np.pad(wave[0, :6000], (2000, 0)))
    assert clip_of(tmp_path, item(length=1.0, LOOP="1")).loop_frames is None


def test_sections_and_reversed_sources(tmp_path: Path) -> None:
    write_audio(tmp_path / "Media" / "a.wav", wave := noise(RATE_HZ)[:, :RATE_HZ])
    file = "Media/a.wav"
    part = wave[0, 2000:4000]
    for mode, expected in ((None, part), (0, part), (2, part[::-1])):
        stem = stem_of(tmp_path, item(file, length=0.25, source=section(file, 0.25, 0.25, mode)))
        np.testing.assert_array_equal(stem[0], expected)
        looped = stem_of(
            tmp_path, item(file, length=0.5, source=section(file, 0.25, 0.25, mode), LOOP="1", SOFFS="0.1")
        )
        np.testing.assert_array_equal(looped[0], np.roll(np.tile(expected, 2), -800))
        silent = stem_of(tmp_path, item(file, length=0.5, source=section(file, 0.25, 0.25, mode), SOFFS="-0.05"))
        np.testing.assert_array_equal(silent[0, :4000], np.pad(expected, (400, 1600)))
    turned = stem_of(tmp_path, item(file, length=0.25, source=section(file, 0.25, 0.25, 3), SOFFS="0.1"))
    np.testing.assert_array_equal(turned[0], wave[0, ::-1][800:2800])
    assert stem_of(tmp_path, item(file, length=0.25, source=section(file, 0.25, 0.25, 1))).tolist() == [
        wave[0, :2000].tolist()
    ]


@pytest.mark.parametrize(("mode", "rows"), [(0, [0, 1]), (1, [1, 0]), (3, [0]), (4, [1]), (67, [0, 1])])
def test_channel_modes(tmp_path: Path, mode: int, rows: list[int]) -> None:
    write_audio(tmp_path / "Media" / "a.wav", wave := noise(RATE_HZ, 2))
    np.testing.assert_array_equal(stem_of(tmp_path, item(CHANMODE=str(mode))), wave[rows])


def test_channels_of_wide_files(tmp_path: Path) -> None:
    write_audio(tmp_path / "Media" / "a.wav", wave := noise(RATE_HZ, 6))
    np.testing.assert_array_equal(stem_of(tmp_path, item(CHANMODE="7")), wave[[4]])
    np.testing.assert_array_equal(stem_of(tmp_path, item(CHANMODE="70")), wave[[3, 4]])
    np.testing.assert_array_equal(
        stem_of(tmp_path, item(CHANMODE="12"), item(position=1.0)), np.pad(wave[:2], [(0, 0), (RATE_HZ, 0)])
    )
    np.testing.assert_allclose(stem_of(tmp_path, item(CHANMODE="2")), wave.mean(axis=0, keepdims=True), atol=1e-7)


def test_the_active_take_counts(tmp_path: Path) -> None:
    write_audio(tmp_path / "Media" / "b.wav", noise(RATE_HZ, seed=1))
    second = (
        'TAKE SEL\nNAME "second"\nTAKEVOLPAN 0 -0.5 -1\nSOFFS 0.125\nCHANMODE 0\n'
        '<SOURCE WAVE\n  FILE "Media/b.wav"\n>\n'
    )
    text = item(VOLPAN="0.5 0 0.1 -1").replace(">\n>\n", ">\n" + second + ">\n")
    session = read(tmp_path, track("A", text))
    (clip,) = session.tracks[0].clips
    assert (clip.name, clip.source.name, clip.source_offset, clip.polarity) == ("second", "b.wav", 1000, True)
    assert clip.gain_db == pytest.approx(20 * math.log10(0.25))
    assert whats(session) == [("A", "second", "1 other take")]
    silent = item().replace(">\n>\n", ">\nTAKE NULL SEL\n>\n")
    assert read(tmp_path, track("A", silent)).tracks[0].clips == ()


def test_lanes_that_do_not_play_are_muted(tmp_path: Path) -> None:
    lanes = [item(position=float(lane), YPOS=f"{lane * 0.25} 0.25 2") for lane in range(4)]
    session = read(tmp_path, track("A", *lanes, lines="FREEMODE 2\nLANESOLO 5 0 0 0 0 0 0 0\n"))
    assert [clip.mute for clip in session.tracks[0].clips] == [False, True, False, True]


def test_play_rates(tmp_path: Path) -> None:
    session = read(tmp_path, track("A", item(PLAYRATE="2 1 0 -1 0 0.0025"), item(PLAYRATE="2 0 3 -1 0 0.0025")))
    kept, tape = session.tracks[0].clips
    assert kept.stretch == tape.stretch == 0.5
    assert "pitch kept" in kept.notes[0]
    assert tape.notes == ("pitch shift of 3 semitones",)
    with pytest.raises(SessionError, match="play rate"):
        read(tmp_path, track("A", item(PLAYRATE="0 1 0 -1")))


@pytest.mark.parametrize("line", ["PLAYOFFS 0.25 0", "PLAYOFFS 2000 2"])
def test_a_playback_offset_moves_the_items_of_its_track_alone(tmp_path: Path, line: str) -> None:
    session = read(
        tmp_path, track("A", item(position=0.5), item(position=1.0), lines=f"{line}\n"), track("B", item(), number=2)
    )
    assert [[clip.position for clip in found.clips] for found in session.tracks] == [[6000, 10_000], [0]]
    assert whats(session) == []


def test_a_playback_offset_to_the_left_moves_items_where_all_begin_in_the_session(tmp_path: Path) -> None:
    session = read(tmp_path, track("A", item(position=0.5), lines="PLAYOFFS -0.25 0\n"))
    assert session.tracks[0].clips[0].position == 2000
    assert whats(session) == []


def test_a_playback_offset_that_is_off_moves_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, track("A", item(), lines="PLAYOFFS 0.25 1\n")).tracks[0].clips[0].position == 0


def test_an_envelope_of_the_play_rate_that_stays_at_1_is_not_said(tmp_path: Path) -> None:
    still = envelope("MASTERPLAYSPEEDENV", "0 1 0", "1 1 0")
    off = envelope("MASTERPLAYSPEEDENV", "0 0.5 0", active=0)
    assert whats(read(tmp_path, track("A", item()), master=still + off)) == []


def test_a_take_is_muted_as_its_envelope_says(tmp_path: Path) -> None:
    text = item().replace(">\n>\n", ">\n" + envelope("MUTEENV", "0 1 1", "0.5 0 1", "0.75 1 1") + ">\n")
    assert whats(read(tmp_path, track("A", text))) == []
    stem, plain = stem_of(tmp_path, text)[0], stem_of(tmp_path, item())[0]
    np.testing.assert_allclose(stem[:4000], plain[:4000], atol=1e-6)
    assert not stem[4040:6000].any()
    np.testing.assert_allclose(stem[6040:], plain[6040:], atol=1e-6)


def test_a_take_that_is_muted_throughout_is_not_heard(tmp_path: Path) -> None:
    text = item().replace(">\n>\n", ">\n" + envelope("MUTEENV", "0 0 1") + ">\n")
    assert clip_of(tmp_path, text).mute


def test_of_two_envelopes_of_a_take_that_act_on_its_gain_the_mute_is_said(tmp_path: Path) -> None:
    both = envelope("VOLENV", "0 0.5 0") + envelope("MUTEENV", "0 1 1", "0.5 0 1")
    assert whats(read(tmp_path, track("A", item().replace(">\n>\n", ">\n" + both + ">\n")))) == [
        ("A", "a.wav", "mute envelope")
    ]


def test_a_project_in_the_project_is_played_as_reaper_rendered_it(tmp_path: Path) -> None:
    sound = noise(RATE_HZ, seed=9)
    write_audio(tmp_path / "sub.wav", sound)
    (tmp_path / "sub.wav").rename(tmp_path / "sub.RPP-PROX")
    stem = stem_of(tmp_path, item(file="sub.RPP", kind="RPP_PROJECT"))
    np.testing.assert_allclose(stem[0, 100:-100], sound.reshape(-1)[100 : RATE_HZ - 100], atol=1e-6)


def test_what_is_not_rendered_is_said_per_clip(tmp_path: Path) -> None:
    take_fx = chain(plugin("VST: Take (X)"), tag="TAKEFX")
    odd = item(SM="0 0 + 1 1.2", VOLPAN="1 0.5 1 -1").replace(">\n>\n", ">\n" + take_fx + ">\n")
    session = read(
        tmp_path,
        track(
            "A",
            chain(plugin("JS: One"), plugin("VST: Off", bypassed=True), plugin("VST: Two (Y)")),
            item(kind="MIDI", NAME='"notes"'),
            item(kind="_OFFLINE_WAVE", NAME='"away"'),
            odd,
            lines="PLAYOFFS -0.01 0\n",
        ),
        master=chain(plugin("VST: Loud (Z)"), tag="MASTERFXLIST"),
    )
    assert whats(session) == [
        ("", "", "plug-in VST: Loud (Z) on the master"),
        ("A", "notes", "MIDI"),
        ("A", "away", "media that is offline"),
        ("A", "", "plug-in JS: One"),
        ("A", "", "plug-in VST: Two (Y)"),
        ("A", "", "playback offset of -0.01 s, which begins before the session does"),
        ("A", "a.wav", "pan of the item"),
        ("A", "a.wav", "stretch markers"),
        ("A", "a.wav", "plug-in VST: Take (X)"),
    ]


def test_envelopes(tmp_path: Path) -> None:
    text = track(
        "A",
        envelope("VOLENV2", "0 1 0", "1 0.5 3", "2 1 0", volume_type=0),
        envelope("PANENV2", "0 1 1", "1 -0.5 1"),
        item(),
        volpan="0.5 0.25 -1 -1 1",
    )
    (only,) = read(tmp_path, text).tracks
    assert only.volume is not None
    assert only.pan_automation is not None
    times, values = zip(*only.volume.points, strict=True)
    # In trim/read the fader works besides: half of it all. Fast start: 1 - (1 - x)^3.
    assert np.interp([0.5, 1.25, 1.5], times, values) == pytest.approx([0.375, 0.3945, 0.46875], abs=2e-3)
    assert only.pan_automation.interpolation == "hold"
    assert only.pan_automation.points == ((0, -0.75), (1, 0.75))
    (read_mode,) = read(tmp_path, text.replace("AUTOMODE 0", "AUTOMODE 1")).tracks
    assert read_mode.volume is not None
    assert read_mode.volume.points[0] == (0, 1)
    (off,) = read(tmp_path, text.replace("ACT 1", "ACT 0")).tracks
    assert off.volume is None


def test_a_take_envelope_is_the_clips(tmp_path: Path) -> None:
    text = item(PLAYRATE="2 0 0 -1").replace(">\n>\n", ">\n" + envelope("VOLENV", "0 1 0", "1 0 0") + ">\n")
    clip = clip_of(tmp_path, text)
    assert clip.envelope is not None
    assert clip.envelope.points == ((0, 1), (0.5, 0))


def test_missing_media_are_listed_together(tmp_path: Path) -> None:
    session = read(tmp_path, track("A", item("x.wav"), item("Media/y.wav"), item("x.wav"), item()))
    assert [missing.written for missing in session.missing] == ["x.wav", "Media/y.wav"]
    assert set(session.missing[0].looked_in) == {tmp_path, tmp_path / "Media"}
    assert len(session.tracks[0].clips) == 1


def test_recordings_are_found_in_the_projects_folder_for_them(tmp_path: Path) -> None:
    assert clip_of(tmp_path, item("a.wav")).source == tmp_path / "Media" / "a.wav"


@pytest.mark.parametrize(
    "file", ["../secret.wav", "/etc/passwd", "\\\\host\\share\\a.wav", "C:\\a.wav", "Media/../../secret.wav"]
)
def test_paths_out_of_the_folder_are_refused(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "song"
    folder.mkdir()
    write_audio(tmp_path / "secret.wav", noise(100))
    with pytest.raises(SessionError, match="allow audio from outside"):
        read(folder, track("A", item(file)))


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "song"
    write_audio(tmp_path / "secret.wav", noise(100))
    (folder / "Media").mkdir(parents=True)
    (folder / "Media" / "a.wav").symlink_to(tmp_path / "secret.wav")
    with pytest.raises(SessionError, match="allow audio from outside"):
        read(folder, track("A", item()))


def test_ten_thousand_items(tmp_path: Path) -> None:
    text = track("A", *(item(position=n * 0.01, length=0.05, FADEIN="1 0.01 0 1 0 0.3 0") for n in range(10_000)))
    (only,) = read(tmp_path, text).tracks
    assert [clip.position for clip in only.clips] == [n * 80 for n in range(10_000)]


def test_old_projects_in_windows_letters(tmp_path: Path) -> None:
    path = saved(tmp_path, track("Gr\xfcn", item()))
    path.write_bytes(path.read_text().encode("cp1252").replace(b"\n", b"\r\n"))
    assert read_session(path).tracks[0].name == "Gr\xfcn"


def test_reading_says_which_track_a_broken_file_is_on(tmp_path: Path) -> None:
    (tmp_path / "Media").mkdir()
    (tmp_path / "Media" / "a.wav").write_bytes(b"RIFF nonsense")
    with pytest.raises(SessionError, match=r"'Kick'.*'a.wav'"):
        read(tmp_path, track("Kick", item()))


@pytest.mark.parametrize("rate", ["1.000000001", "0.999999999", "1.00000000000018"])
def test_a_play_rate_that_is_one_but_for_rounding_is_one(tmp_path: Path, rate: str) -> None:
    text = item("Media/a.wav", 0, 1).replace("PLAYRATE 1 ", f"PLAYRATE {rate} ")
    assert f"PLAYRATE {rate}" in text
    assert whats(read(tmp_path, track("A", text))) == []
