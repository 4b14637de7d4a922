import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.export.corpus import recorded, songs
from mixbridge.export.corpus.manifest import write_manifest
from mixbridge.export.corpus.packages import BY_FILE, Package, Unpacked
from mixbridge.export.corpus.recorded import collect_recorded, permissive_projects, role_of
from mixbridge.export.corpus.songs import FinishedSong, SongFolder, collect_songs, densest, find_songs, work_of
from mixbridge.presets.errors import AudioError

RATE_HZ = 44100
COPYRIGHT = """Format: x

Files: *
Copyright: All
License: GPL-2

Files: data/music/free*.ogg
Copyright: Ann <ann@b.c>
License: GPL-3 or CC-BY-3.0

Files: data/music/shared.ogg
Copyright: Bob
License: CC-BY-SA-3.0
"""


def noise(seconds: float, level: float = 0.1, channels: int = 2, rate_hz: int = RATE_HZ) -> np.ndarray:
    rng = np.random.default_rng(int(seconds * 10))
    return (level * rng.standard_normal((channels, round(seconds * rate_hz)))).astype(np.float32)


def write(file: Path, audio: np.ndarray, rate_hz: int = RATE_HZ) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    sf.write(file, audio.T, rate_hz, format="OGG", subtype="VORBIS")


def unpacked(tmp_path: Path, name: str = "game", licence: str = BY_FILE) -> Unpacked:
    root = tmp_path / "unpacked" / name
    document = root / "usr" / "share" / "doc" / name / "copyright"
    document.parent.mkdir(parents=True)
    document.write_text(COPYRIGHT)
    return Unpacked(Package(name, "songs", licence, "Cy", ""), root, "1", "0" * 64)


PLACE = SongFolder("usr/share/game/music", "data/music")


@pytest.fixture
def game(tmp_path, monkeypatch):
    monkeypatch.setattr(songs, "SHORTEST_S", 2.0)
    monkeypatch.setattr(songs, "LONGEST_S", 4.0)
    found = unpacked(tmp_path)
    folder = found.root / "usr/share/game/music"
    write(folder / "free1.ogg", noise(3))
    write(folder / "free2.ogg", noise(6, channels=1, rate_hz=22050), 22050)
    write(folder / "free-short.ogg", noise(1))
    write(folder / "free-silent.ogg", noise(3, level=1e-5))
    write(folder / "shared.ogg", noise(1))
    write(folder / "other.ogg", noise(1))
    monkeypatch.setitem(songs.SONG_FOLDERS, "game", PLACE)
    return found


def test_only_permissive_songs_are_found(game):
    found = find_songs(game, PLACE)
    assert [song.file.stem for song in found] == ["free-short", "free-silent", "free1", "free2"]
    assert {(song.licence, song.makers) for song in found} == {("CC-BY-3.0", "Ann")}


def test_songs_are_cut_and_listed(game, tmp_path):
    folder = tmp_path / "corpus" / "songs"
    calls = []
    assert collect_songs(folder, {"game": game}, lambda done, total: calls.append((done, total))) == 2
    assert calls[-1] == (4, 4)
    files = sorted(folder.glob("*/*.flac"))
    assert [file.name for file in files] == ["game_free1.flac", "game_free2.flac"]
    # Pieces of one work go together.
    assert files[0].parent == files[1].parent
    for file, seconds in zip(files, (3, 4), strict=True):
        info = sf.info(file)
        assert (info.samplerate, info.channels, info.format) == (44100, 2, "FLAC")
        assert info.duration == pytest.approx(seconds, abs=0.1)
    entries = write_manifest(tmp_path / "corpus", [game], "test")
    assert {(entry.song, entry.title.split(", ")[1], entry.licence) for entry in entries} == {
        ("game:free", "Ann", "CC-BY-3.0")
    }
    assert "free1, Ann" in (tmp_path / "corpus" / "CREDITS.md").read_text()


def test_songs_that_are_there_are_kept(game, tmp_path, monkeypatch):
    folder = tmp_path / "songs"
    collect_songs(folder, {"game": game}, lambda *_: None)
    first = json.loads((folder / "index.json").read_text())
    monkeypatch.setattr(songs, "_cut", lambda source, target: 0.0)
    assert collect_songs(folder, {"game": game}, lambda *_: None) == 2
    assert json.loads((folder / "index.json").read_text()) == first


def test_splits_go_by_work():
    names = [f"{letter}song" for letter in "abcdefghijklmnopqrstuvwxyz"] * 20
    found = [FinishedSong("p", Path(name), "MIT", "", f"p:{name}{index}") for index, name in enumerate(names)]
    share = sum(song.split == "test" for song in found) / len(found)
    assert 0.25 < share < 0.35
    assert (
        FinishedSong("a", Path("x1.ogg"), "MIT", "", "a:x").split
        == FinishedSong("a", Path("x2.ogg"), "MIT", "", "a:x").split
    )


@pytest.mark.parametrize(
    ("name", "work"),
    [
        ("empire1", "p:empire"),
        ("ambient2_5", "p:ambient"),
        ("van_mission3", "p:van"),
        ("van_theme", "p:van"),
        ("David05", "p:david"),
        ("99", "p:99"),
    ],
)
def test_works(name, work):
    assert work_of("p", name) == work


def test_densest_prefers_a_full_passage_to_a_loud_stroke():
    audio = np.full((2, 20 * 100), 1e-3, np.float32)
    audio[:, 300:400] = 1.0
    audio[:, 1200:1500] = 0.2
    assert densest(audio, 100, 3) == 1200
    assert densest(audio[:, :250], 100, 3) == 0


class TestArchive:
    place = SongFolder("usr/share/game", "data", archive="music.pk3")

    def packed(self, tmp_path, members):
        found = unpacked(tmp_path)
        (found.root / "usr/share/game").mkdir(parents=True)
        with zipfile.ZipFile(found.root / "usr/share/game/music.pk3", "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return found

    def test_songs_of_an_archive(self, tmp_path):
        members = {"music/free1.ogg": b"x", "music/shared.ogg": b"x", "music/list.txt": b"x", "maps/free.ogg": b"x"}
        found = find_songs(self.packed(tmp_path, members), self.place)
        assert [song.file.name for song in found] == ["free1.ogg"]

    @pytest.mark.parametrize(
        "name", ["../free.ogg", "music/../../free.ogg", "/music/free.ogg", "..\\free.ogg", "C:/free.ogg"]
    )
    def test_members_that_lead_out_are_refused(self, tmp_path, name):
        with pytest.raises(AudioError, match="leads out"):
            find_songs(self.packed(tmp_path, {"music/free.ogg": b"x", name: b"x"}), self.place)
        assert not list(tmp_path.rglob("free*.ogg"))

    def test_members_that_are_too_large_are_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(songs, "_MOST_PACKED_BYTES", 10)
        with pytest.raises(AudioError, match="too large"):
            find_songs(self.packed(tmp_path, {"music/free.ogg": bytes(11)}), self.place)


class TestRecorded:
    @pytest.fixture
    def guitar(self, tmp_path):
        root = tmp_path / "unpacked" / "fretsonfire-songs-sectoid"
        song = root / "usr/share/games/fretsonfire/data/songs/sectoid/Metal madness"
        write(song / "guitar.ogg", noise(3))
        write(song / "song.ogg", noise(4, channels=1))
        package = Package("fretsonfire-songs-sectoid", "recorded", "MIT", "", "")
        return {package.name: Unpacked(package, root, "1", "")}

    @pytest.fixture
    def lmms(self, tmp_path, monkeypatch):
        """A stand-in for LMMS that writes two tracks that sound, one that is silent, and one that is broken."""
        projects = tmp_path / "projects"
        for name in ("demos/Ann-One.mmpz", "demos/Bob-Two.mmpz", "shorties/Cy.mmp"):
            (projects / name).parent.mkdir(parents=True, exist_ok=True)
            (projects / name).write_bytes(bytes(len(name)))
        document = tmp_path / "copyright"
        document.write_text(
            "Files: *\nLicense: GPL-2+\n\nFiles: data/projects/demos/Ann-*\n data/projects/shorties/C*\n"
            "License: Artistic-2\n\nFiles: data/projects/demos/Bob-*\nLicense: CC-BY-SA-4\n"
        )
        monkeypatch.setattr(recorded, "_LMMS_COPYRIGHT", document)
        monkeypatch.setattr(recorded.shutil, "which", lambda name: f"/usr/bin/{name}")

        def render(project, folder, program):
            if project.stem == "Cy":
                return "lmms ended with 1"
            for name, level in (("1_Kick 808", 0.1), ("2_Slap Bass", 0.1), ("3_quiet", 0.0)):
                sf.write(folder / f"{name}.wav", noise(2, level).T, RATE_HZ)
            (folder / "4_automation.wav").write_bytes(b"")
            return None

        monkeypatch.setattr(recorded, "_render", render)
        return projects

    def test_sessions(self, guitar, lmms, tmp_path):
        folder = tmp_path / "corpus" / "recorded"
        notes = collect_recorded(folder, guitar, lambda *_: None, lmms)
        assert notes == ["recorded sessions: 2", "LMMS project Cy: left out, lmms ended with 1"]
        metas = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("*/meta.json")}
        guitars, project = metas["fretsonfire_Metal_madness"], metas["lmms_Ann-One"]
        assert [(stem["role"], stem["channels"]) for stem in guitars["stems"]] == [("guitar", 2), ("other", 1)]
        assert [(stem["role"], stem["file"]) for stem in project["stems"]] == [
            ("kick", "1_Kick_808.flac"),
            ("bass", "2_Slap_Bass.flac"),
        ]
        assert {meta["split"] for meta in metas.values()} == {"test"}
        assert {stem["licence"] for stem in project["stems"]} == {"Artistic-2.0"}
        assert len(write_manifest(tmp_path / "corpus", [], "test")) == 4

    def test_sessions_that_are_there_are_kept(self, guitar, lmms, tmp_path, monkeypatch):
        collect_recorded(tmp_path / "recorded", guitar, lambda *_: None, lmms)
        monkeypatch.setattr(recorded, "write_recorded", None)
        assert collect_recorded(tmp_path / "recorded", guitar, lambda *_: None, lmms)[0] == "recorded sessions: 2"

    def test_without_lmms(self, guitar, tmp_path, monkeypatch):
        monkeypatch.setattr(recorded.shutil, "which", lambda name: None)
        notes = collect_recorded(tmp_path / "recorded", guitar, lambda *_: None)
        assert notes[0] == "recorded sessions: 1"
        assert "apt-get install lmms" in notes[1]

    def test_projects_that_may_be_used(self, lmms):
        found = permissive_projects(lmms, recorded._LMMS_COPYRIGHT)
        assert [(project.name, licence) for project, licence in found] == [
            ("Cy.mmp", "Artistic-2.0"),
            ("Ann-One.mmpz", "Artistic-2.0"),
        ]

    @pytest.mark.parametrize(
        ("name", "role"),
        [
            ("2_bassdrum03.ogg", "kick"),
            ("1_Default preset", "other"),
            ("hihat_closed", "hats"),
            ("Warm Pad", "pad"),
            ("SlapBass", "bass"),
            ("Beat/Bassline 0", "percussion"),
        ],
    )
    def test_roles(self, name, role):
        assert role_of(name) == role


def test_a_song_of_six_channels_does_not_become_two_of_them(tmp_path: Path) -> None:
    file = tmp_path / "surround.wav"
    sf.write(file, noise(1, channels=6).T, RATE_HZ)
    with pytest.raises(AudioError, match=r"surround\.wav: has 6 channels"):
        songs.read_stereo(file)
