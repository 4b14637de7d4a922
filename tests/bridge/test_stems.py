"""What stands on the command line becomes stems with names; and stems find their tracks."""

import pytest
from mixbridge.bridge.matching import Match, match_stems, parse_map
from mixbridge.bridge.sessions.registry import SESSION_ENDINGS
from mixbridge.presets import files
from mixbridge.presets.console import Strip
from mixbridge.presets.errors import AudioError, Hint, PresetError
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.stem_folders import DAW_ENDINGS
from mixbridge.runtime.audio.stems import collect_stems

from .conftest import sound, write


@pytest.fixture
def folder(tmp_path):
    for name in ("b.wav", "A.wav", "c.flac", ".hidden.wav", "deeper/d.wav"):
        write(tmp_path / "stems" / name, sound(0.1), subtype="PCM_16")
    (tmp_path / "stems" / "notes.txt").write_text("text")
    (tmp_path / "stems" / "folder.wav").mkdir()
    return tmp_path / "stems"


def collect(*arguments, reference=None):
    return collect_stems([str(argument) for argument in arguments], reference).stems


def left_out(*arguments):
    return [str(item) for item in collect_stems([str(argument) for argument in arguments]).left_out]


class TestCollecting:
    def test_a_folder_gives_its_audio_files_sorted(self, folder):
        stems = collect(folder)
        assert stems == {
            "A": folder / "A.wav",
            "b": folder / "b.wav",
            "c": folder / "c.flac",
            "d": folder / "deeper" / "d.wav",
        }
        assert list(stems) == ["A", "b", "c", "d"]
        assert left_out(folder) == [f"{folder / 'notes.txt'}: not audio"]

    def test_what_is_damaged_in_a_folder_is_left_out_where_that_is_asked_for_and_something_is_left(self, folder):
        broken = folder / "broken.wav"
        broken.write_bytes(b"RIFF")
        with pytest.raises(AudioError, match=r"broken\.wav"):
            collect(folder)
        files = collect_stems([str(folder)], damaged="left out")
        assert list(files.stems) == ["A", "b", "c", "d"]
        assert f"{broken}: not audio that can be read, or damaged" in map(str, files.left_out)
        with pytest.raises(AudioError, match=r"broken\.wav"):
            collect_stems([str(broken), str(folder / "A.wav")], damaged="left out")
        for name in ("A.wav", "b.wav", "c.flac", "deeper/d.wav"):
            (folder / name).unlink()
        with pytest.raises(AudioError, match=r"broken\.wav"):
            collect_stems([str(folder)], damaged="left out")

    def test_files_of_one_name_are_told_apart_by_their_folders(self, tmp_path):
        for name in ("Drums/Kick.wav", "Drums/Rooms/Kick.wav", "Bass/DI.wav", "Kick.wav"):
            write(tmp_path / name, sound(0.1))
        stems = collect(tmp_path)
        assert list(stems) == ["Kick", "DI", "Drums/Kick", "Drums/Rooms/Kick"]
        assert stems["Drums/Rooms/Kick"] == tmp_path / "Drums" / "Rooms" / "Kick.wav"

    def test_results_of_mixbridge_are_no_stems(self, folder):
        for result in (folder, folder / "deeper" / "my-mix"):
            write(result / "mix.wav", sound(0.1))
            write(result / "stems" / "A.wav", sound(0.1))
            (result / "preset.json").write_text(files.dumps(Preset(name="x")))
            (result / "report.html").write_text("x")
        assert list(collect(folder)) == ["A", "b", "c", "d"]
        assert left_out(folder) == [
            f"{folder / 'stems'}: stems that mixbridge made",
            f"{folder / 'mix.wav'}: a mix that mixbridge made",
            f"{folder / 'deeper' / 'my-mix' / 'stems'}: stems that mixbridge made",
            f"{folder / 'deeper' / 'my-mix' / 'mix.wav'}: a mix that mixbridge made",
            f"{folder / 'notes.txt'}: not audio",
        ]
        # A recording may have the name, too.
        (folder / "preset.json").write_text("{}")
        assert {"mix", "stems/A"} <= set(collect(folder))

    def test_what_is_left_out_is_said_with_the_reason(self, folder, tmp_path):
        for number in range(4):
            (folder / f"n{number}.pdf").write_text("x")
        (folder / "song.RPP").write_text("x")
        (folder / "__MACOSX").mkdir()
        write(folder / "__MACOSX" / "A.wav", sound(0.1))
        (folder / "deeper" / "up").symlink_to(folder, target_is_directory=True)
        assert left_out(folder) == [
            f"{folder / 'song.RPP'}: a DAW session; to mix it, name it instead of the folder",
            f"{folder / 'deeper' / 'up'}: a link to a folder",
            f"{folder / 'n0.pdf'}, {folder / 'n1.pdf'}, {folder / 'n2.pdf'} and 2 more: not audio",
        ]
        assert set(DAW_ENDINGS) < SESSION_ENDINGS

    def test_a_folder_of_too_many_is_not_searched_to_its_end(self, folder, monkeypatch):
        monkeypatch.setattr("mixbridge.runtime.audio.stem_folders._MOST_FILES", 2)
        (folder / "deeper" / "broken.wav").write_text("x")
        assert list(collect(folder)) == ["A", "b", "c"]

    def test_files_keep_their_order(self, folder):
        assert list(collect(folder / "c.flac", folder / "A.wav")) == ["c", "A"]

    def test_a_hidden_file_that_is_asked_for(self, folder):
        assert list(collect(folder / ".hidden.wav")) == [".hidden"]

    def test_names_given(self, folder):
        assert collect(f"Lead Vox={folder / 'b.wav'}") == {"Lead Vox": folder / "b.wav"}

    def test_equals_signs_in_names_of_files_and_tracks(self, folder):
        odd = write(folder / "x=y.wav", sound(0.1))
        assert collect(odd) == {"x=y": odd}
        assert collect(f"a=b={odd}") == {"a=b": odd}

    def test_a_name_that_comes_twice_gets_a_number(self, folder):
        stems = collect(
            folder / "b.wav", folder / "deeper" / "d.wav", f"b={folder / 'A.wav'}", f"b={folder / 'c.flac'}"
        )
        assert list(stems) == ["b", "d", "b (2)", "b (3)"]

    def test_a_long_name_fits_a_preset(self, folder):
        path = write(folder / f"{'x' * 240}.wav", sound(0.1))
        (name,) = collect(path)
        assert Track(name=name).name == "x" * 190

    def test_a_name_that_is_too_long(self, folder):
        with pytest.raises(AudioError, match="longer than 200 letters"):
            collect(f"{'x' * 201}={folder / 'A.wav'}")

    def test_the_reference_is_no_stem(self, folder):
        with pytest.raises(AudioError, match=r"A\.wav is both a stem and the reference"):
            collect(folder, reference=str(folder / "deeper" / ".." / "A.wav"))

    def test_a_file_given_twice(self, folder):
        with pytest.raises(AudioError, match=r"b\.wav is given twice"):
            collect(folder, f"Bass={folder / 'b.wav'}")

    def test_a_folder_without_audio(self, folder, tmp_path):
        (tmp_path / "none").mkdir()
        with pytest.raises(AudioError, match=r"none holds no audio files\. .*folders inside it, too"):
            collect(folder, tmp_path / "none")

    def test_a_named_folder(self, folder):
        with pytest.raises(AudioError, match="is a folder; a name can be given to a file only"):
            collect(f"Drums={folder}")

    def test_a_file_in_a_folder_that_only_looks_like_audio(self, folder):
        (folder / "broken.mp3").write_text("no audio")
        with pytest.raises(AudioError, match=r"broken\.mp3 is not audio"):
            collect(folder)

    def test_too_many(self, folder):
        with pytest.raises(AudioError, match="1025 stems are more than the 1024"):
            collect(*[folder / "A.wav"] * 1025)

    @pytest.mark.parametrize("name", ["missing.wav", "Vox=missing.wav", "x" * 3000])
    def test_missing(self, name):
        with pytest.raises(AudioError, match=r"missing\.wav|xxx"):
            collect(name)


def preset_of(*names, muted=()):
    return Preset(tracks=tuple(Track(name=name, strip=Strip(fader_db=-3), mute=name in muted) for name in names))


def stems_of(*names):
    return {name: f"/{name}.wav" for name in names}


class TestMatching:
    def test_by_name_then_alike(self):
        session = match_stems(preset_of("Lead Vox", "bass", "Kick"), stems_of("Kick", "lead_vox", "Bass"))
        assert session.matches == (
            Match("Lead Vox", "lead_vox", "alike"),
            Match("bass", "Bass", "alike"),
            Match("Kick", "Kick", "same name"),
        )
        assert session.stems["Lead Vox"] == "/lead_vox.wav"

    def test_the_very_name_comes_before_a_likeness(self):
        session = match_stems(preset_of("Vox", "vox"), stems_of("vox", "Vox"))
        assert [match.how for match in session.matches] == ["same name", "same name"]
        assert session.stems["vox"] == "/vox.wav"

    def test_two_that_are_alike_are_not_guessed(self):
        with pytest.raises(PresetError, match="Stems without a track: 'VOX', 'vox_'"):
            match_stems(preset_of("Vox", "Bass"), stems_of("VOX", "vox_", "Bass"))

    def test_one_track_is_for_all(self):
        session = match_stems(preset_of("Vocal"), stems_of("a", "b"))
        assert [(track.name, track.strip.fader_db) for track in session.preset.tracks] == [("a", -3), ("b", -3)]
        assert session.stems == stems_of("a", "b")

    def test_as_told(self):
        preset, stems = preset_of("Vox", "Bass"), stems_of("take 3", "Bass")
        session = match_stems(preset, stems, parse_map(["Vox=take 3"], preset, stems))
        assert session.matches[0] == Match("Vox", "take 3", "as told")

    def test_what_is_left_over_is_named_with_a_remedy(self):
        with pytest.raises(PresetError) as error:
            match_stems(preset_of("Vox", "Bass"), stems_of("Bass", "Git"))
        assert "Tracks without a stem: 'Vox'" in str(error.value)
        assert "Stems without a track: 'Git'" in str(error.value)
        assert error.value.hints == (Hint("assignments", '"Vox=Git"'),)

    def test_a_muted_track_needs_no_stem(self):
        assert list(match_stems(preset_of("Vox", "Bass", muted=["Vox"]), stems_of("Bass")).stems) == ["Bass"]

    def test_a_preset_without_tracks(self):
        with pytest.raises(PresetError, match="has no tracks"):
            match_stems(Preset(), stems_of("a"))


class TestMap:
    def test_equals_signs_inside(self):
        assert parse_map(["a=b=c"], preset_of("a=b"), ["c"]) == {"a=b": "c"}
        assert parse_map(["a=b=c"], preset_of("a"), ["b=c"]) == {"a": "b=c"}

    @pytest.mark.parametrize(
        ("entries", "words"),
        [
            (["Vox"], "not of the form"),
            (["=x"], "not of the form"),
            (["Vok=x"], "no track 'Vok'. It has: 'Bass', 'Vox'"),
            (["Vox=z"], "no stem 'z'. There are: 'x', 'y'"),
            (["Vox=x", "Vox=y"], "another assignment already"),
            (["Vox=x", "Bass=x"], "another assignment already"),
        ],
    )
    def test_mistakes(self, entries, words):
        with pytest.raises(PresetError, match=words):
            parse_map(entries, preset_of("Vox", "Bass"), ["x", "y"])
