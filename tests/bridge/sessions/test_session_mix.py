"""A DAW session as stems of `mix` and `apply`, and the mix put back into a copy of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.cli.main import main
from mixbridge.bridge.sessions.dawproject.writing import written_mix as dawproject_mix
from mixbridge.bridge.sessions.inserting import copy_of, matches
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.reaper.writing import written_mix
from mixbridge.presets import files
from mixbridge.presets.console import Strip
from mixbridge.presets.errors import SessionError
from mixbridge.presets.preset import Preset, Track
from reaper_project import item, project, track

RATE_HZ = 22050


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """A REAPER project of two tracks, the second of which begins half a second in, and a reference beside it."""
    numbers = np.random.default_rng(0)
    for name in ("bass", "vox"):
        (tmp_path / "Media").mkdir(exist_ok=True)
        sf.write(tmp_path / "Media" / f"{name}.wav", 0.1 * numbers.standard_normal(RATE_HZ), RATE_HZ, subtype="FLOAT")
    sf.write(tmp_path / "reference.wav", 0.1 * numbers.standard_normal((8 * RATE_HZ, 2)), RATE_HZ)
    tracks = [
        track("Bass", item("Media/bass.wav"), number=1),
        track("Lead Vox", item("Media/vox.wav", 0.5), number=2),
    ]
    path = tmp_path / "song.rpp"
    path.write_text(project(tracks, rate=RATE_HZ))
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.json"
    tracks = (Track(name="bass", strip=Strip(fader_db=-6, pan=-0.5)), Track(name="Vox", strip=Strip(fader_db=-3)))
    files.save(Preset(tracks=tracks), path)
    return path


def test_mix_a_session_and_get_it_back(song: Path, run) -> None:
    out, back = song.parent / "out", song.parent / "song-mixed.rpp"
    before = song.read_bytes()
    command = ("mix", song, "--reference", song.parent / "reference.wav", "-o", out, "--session-out", back, "--json")
    code, said, err = run(*command, "--dry")  # without the tail of a reverb, the mix is as long as the session
    assert code == 0, err
    data = json.loads(said)
    assert list(data["stems"]) == ["Bass", "Lead Vox"]
    assert data["session"] == str(back)
    assert data["frames"] == round(1.5 * RATE_HZ)
    assert song.read_bytes() == before
    preset, there = files.load(Path(data["preset"])), written_mix(back)
    for wanted, found in zip(preset.tracks, there.tracks, strict=True):
        assert found.strip.pan == pytest.approx(wanted.strip.pan, abs=1e-3)
    assert [item.name for item in read_session(back).tracks] == ["Bass", "Lead Vox"]
    assert not list(song.parent.glob(".mixbridge*"))


def test_apply_to_a_session(song: Path, mine: Path, run) -> None:
    out = song.parent / "out"
    code, _, err = run("apply", mine, song, "-o", out, "--map", "Vox=Lead Vox", "--loudness", "off")
    assert code == 0, err
    mixed = sf.read(out / "mix.wav")[0]
    bass = sf.read(song.parent / "Media" / "bass.wav")[0]
    # Half to the left, 6 dB down, until the voice comes in.
    left, right = mixed[1000:10000].T
    assert np.mean(left**2) > 4 * np.mean(right**2)
    assert np.corrcoef(left, bass[1000:10000])[0, 1] > 0.99


def test_insert_a_preset(song: Path, mine: Path, run) -> None:
    code, said, err = run("session", "insert", mine, song, "--map", "Vox=Lead Vox", "--dry-run")
    assert (code, "song-mixbridge.rpp" in said, copy_of(song).exists()) == (0, True, False), err
    code, said, err = run("session", "insert", mine, song, "--map", "Vox=Lead Vox")
    assert code == 0, err
    there = written_mix(copy_of(song))
    assert [track.strip.fader_db for track in there.tracks] == pytest.approx([-6, -3], abs=0.01)
    code, _, err = run("session", "insert", mine, song)
    assert code == 2
    assert "exists already" in err


def test_any_session_can_become_a_dawproject(song: Path, mine: Path, run) -> None:
    for source, name in ((song, "song"), (song.parent / "Media", "folder")):
        new = song.parent / f"{name}.dawproject"
        code, _, err = run("session", "insert", mine, source, "-o", new)
        assert code == 0, err
        read = read_session(new)
        assert (read.format, len(read.tracks)) == ("dawproject", 2)
        found = {track.name.lower(): track for track in dawproject_mix(new).tracks}
        assert found["bass"].strip.pan == pytest.approx(-0.5, abs=1e-3)


def test_a_track_without_a_counterpart_is_said(song: Path, mine: Path, run) -> None:
    code, said, err = run("session", "insert", mine, song, "--json")
    assert code == 0
    assert (json.loads(said)["tracks"], json.loads(said)["left_out"]) == ({"bass": "Bass"}, ["Vox"]), err
    with pytest.raises(SessionError, match="'Bass', 'Lead Vox'"):
        matches(read_session(song), Preset(tracks=(Track(name="Drums"),)), {})


def test_what_cannot_be_is_refused_before_anything_is_done(song: Path, run) -> None:
    reference, out = song.parent / "reference.wav", song.parent / "out"
    media = song.parent / "Media"
    files.save(Preset(tracks=(Track(name="bass"),)), song.parent / "media.json")
    for arguments, words in (
        (("mix", song, media, "--reference", reference, "-o", out), "give it alone"),
        (("mix", media, "--reference", reference, "-o", out, "--session-out", "x.rpp"), "from none"),
        (("mix", song.parent / "no.ardour", "--reference", reference, "-o", out), "no.ardour"),
        (("session", "insert", song.parent / "media.json", media, "-o", "x"), "REAPER"),
    ):
        code, _, err = run(*arguments)
        assert code == 2, err
        assert words in err
        assert not out.exists()
    song.write_text(song.read_text().replace("Media/vox.wav", "../../etc/passwd"))
    code, _, err = run("mix", song, "--reference", reference, "-o", out)
    assert code == 2
    assert "--allow-outside" in err


def test_a_likeness_takes_no_track_from_one_of_its_very_name(song: Path) -> None:
    song.write_text(song.read_text().replace("Lead Vox", "bass"))
    preset = Preset(tracks=(Track(name="BASS"), Track(name="Bass")))
    assert matches(read_session(song), preset, {}) == {"BASS": "bass", "Bass": "Bass"}


def muted(song: Path, name: str) -> Path:
    """The song with a muted track."""
    before, _, behind = song.read_text().partition(f'NAME "{name}"')
    song.write_text(f'{before}NAME "{name}"{behind.replace("MUTESOLO 0 0 0", "MUTESOLO 1 0 0", 1)}')
    return song


def mutes(path: Path) -> list[bool]:
    return [track.mute for track in read_session(path).tracks]


def test_a_muted_track_is_left_out_of_the_mix_stays_muted_in_the_copy_and_is_listed(song: Path, run) -> None:
    muted(song, "Bass")
    out, back = song.parent / "out", song.parent / "copy.rpp"
    code, said, err = run(
        "mix", song, "--reference", song.parent / "reference.wav", "-o", out, "--session-out", back, "--json"
    )
    assert code == 0, err
    data = json.loads(said)
    assert (list(data["stems"]), data["left_out"]) == (["Lead Vox"], ["Bass"])
    assert {"track": "Bass", "clip": "", "what": "muted in the session, so it is left out"} in data["remarks"]
    assert "Bass: muted in the session, so it is left as it is." in data["session_notes"]
    assert [track.name for track in files.load(Path(data["preset"])).tracks] == ["Lead Vox"]
    assert mutes(back) == [True, False]
    assert [track.name for track in written_mix(back).tracks] == ["Lead Vox"]


def test_a_muted_track_that_is_asked_for_is_mixed_and_heard_in_the_copy(song: Path, run) -> None:
    muted(song, "Bass")
    out, back = song.parent / "out", song.parent / "copy.rpp"
    reference = song.parent / "reference.wav"
    code, said, err = run("mix", song, "--reference", reference, "-o", out, "--session-out", back, "--muted", "--json")
    assert code == 0, err
    assert list(json.loads(said)["stems"]) == ["Bass", "Lead Vox"]
    assert mutes(back) == [False, False]


def test_apply_leaves_a_muted_track_out_though_the_preset_has_it(song: Path, mine: Path, run) -> None:
    muted(song, "Bass")
    out, back = song.parent / "out", song.parent / "copy.rpp"
    code, said, err = run("apply", mine, song, "-o", out, "--session-out", back, "--map", "Vox=Lead Vox", "--json")
    assert code == 0, err
    assert list(json.loads(said)["stems"]) == ["Vox"]
    assert mutes(back) == [True, False]


def test_insert_leaves_a_muted_track_as_it_is_unless_asked(song: Path, mine: Path, run) -> None:
    muted(song, "Bass")
    code, said, err = run("insert", mine, song, "--map", "Vox=Lead Vox", "--json")
    assert code == 0, err
    assert "Bass: muted in the session, so it is left as it is." in json.loads(said)["notes"]
    assert mutes(copy_of(song)) == [True, False]
    assert [track.name for track in written_mix(copy_of(song)).tracks] == ["Lead Vox"]
    code, _, err = run("insert", mine, song, "--map", "Vox=Lead Vox", "--muted", "--force")
    assert code == 0, err
    assert mutes(copy_of(song)) == [False, False]


def test_a_session_in_which_nothing_plays_is_refused_with_the_way_out(song: Path, mine: Path, run) -> None:
    muted(muted(song, "Bass"), "Lead Vox")
    for command in (("apply", mine, song, "-o", song.parent / "out"), ("insert", mine, song, "--map", "Vox=Lead Vox")):
        code, _, err = run(*command)
        assert code == 2
        assert "muted" in err
        assert "--muted" in err
        assert not (song.parent / "out").exists()


def test_the_copy_of_a_backup_is_a_project(song: Path) -> None:
    assert copy_of(song.with_name("song.rpp-bak")).name == "song-mixbridge.rpp"


@pytest.mark.parametrize("name", ["copy.ardour", "song.rpp", "there.rpp"])
def test_a_copy_that_cannot_be_written_is_refused_before_any_work(song: Path, mine: Path, run, name: str) -> None:
    (song.parent / "there.rpp").write_text("mine")
    out = song.parent / "out"
    code, _, err = run("apply", mine, song, "-o", out, "--map", "Vox=Lead Vox", "--session-out", song.parent / name)
    assert code == 2
    assert name in err
    assert not out.exists()
    assert run("insert", mine, song, "--map", "Vox=Lead Vox", "-o", song.parent / name)[0] == 2
