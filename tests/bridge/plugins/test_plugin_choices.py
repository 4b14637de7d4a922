"""plugins.toml: what it chooses, and what is said of mistakes in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mixbridge.bridge.plugins.using import choices
from mixbridge.bridge.plugins.using.choices import PluginChoices, load_choices
from mixbridge.presets.errors import PluginError


@pytest.fixture(autouse=True)
def plugin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "vst3"
    for name in ("ZamEQ2", "ZamGEQ31", "ZamComp"):
        (folder / f"{name}.vst3").mkdir(parents=True)
    monkeypatch.setattr(choices, "plugin_folders", lambda: (folder,))
    return folder


def _read(tmp_path: Path, text: str) -> PluginChoices:
    path = tmp_path / "plugins.toml"
    path.write_text(text, encoding="utf-8")
    return load_choices(path)


def _names(read: PluginChoices, track: str, stage: choices.StageName) -> list[str]:
    return [item.profile.name for item in read.chosen(track, stage)]


def test_a_track_has_its_own_or_that_of_all(tmp_path: Path) -> None:
    read = _read(
        tmp_path,
        'eq = ["ZamEQ2", "zamgeq31"]\ncompressor = "ZamComp"\ntime_limit_s = 5\n'
        '[tracks."Lead Vox"]\neq = "ZamEQ2"\n[tracks.Bass]\ncompressor = "ours"\n',
    )
    assert _names(read, "Drums", "eq") == ["ZamEQ2", "ZamGEQ31"]
    assert _names(read, "Drums", "compressor") == ["ZamComp"]
    assert _names(read, "Lead Vox", "eq") == ["ZamEQ2"]
    assert _names(read, "Lead Vox", "compressor") == ["ZamComp"]
    assert _names(read, "Bass", "compressor") == []
    assert read.chosen("Bass", "eq")[0].file.limit_s == 5
    assert read.unknown({"Lead Vox": 1}) == ("Bass",)


def test_a_path_and_a_profile_of_the_users_are_taken_from_beside_the_file(tmp_path: Path) -> None:
    source = Path(choices.__file__).parents[1] / "profiles/zameq2.toml"
    (tmp_path / "mine.toml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "Own.vst3").mkdir()
    read = _read(tmp_path, 'eq = "mine.toml"\n[paths]\nZamEQ2 = "Own.vst3"\n')
    assert read.chosen("Any", "eq")[0].file.path == tmp_path / "Own.vst3"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("eq = 5", r"plugins\.toml: .*eq"),
        ('equalizer = "ZamEQ2"', r"plugins\.toml: .*equalizer"),
        ('[tracks.Vox]\nreverb = "ZamVerb"', r"plugins\.toml: .*reverb"),
        ('on_fault = "panic"', r"plugins\.toml: .*on_fault"),
        ("eq = [", r"plugins\.toml is not valid TOML"),
        ('eq = "ProQ9"', r"plugins\.toml: eq: mixbridge has no profile of .ProQ9."),
        ('[tracks."Lead Vox"]\ncompressor = "ZamEQ2"', r"compressor of track 'Lead Vox': the profile of ZamEQ2 has no"),
        ('eq = "ZamEQ2"\n[paths]\nZamEQ2 = "/nowhere/X.vst3"', r"eq: ZamEQ2 is not installed: there is no /nowhere"),
    ],
)
def test_mistakes_name_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        _read(tmp_path, text)


def test_a_limiter_is_no_compressor(tmp_path: Path, plugin_folder: Path) -> None:
    source = Path(choices.__file__).parents[1] / "profiles/zamcomp.toml"
    text = source.read_text(encoding="utf-8").replace('ratio = "ratio"\n', "")
    (tmp_path / "limiter.toml").write_text(text, encoding="utf-8")
    with pytest.raises(
        PluginError, match=r"plugins\.toml: compressor: the profile of ZamComp has no ratio or no attack"
    ):
        _read(tmp_path, 'compressor = "limiter.toml"')


def test_a_plugin_that_is_not_installed_says_where_it_was_looked_for(tmp_path: Path, plugin_folder: Path) -> None:
    (plugin_folder / "ZamEQ2.vst3").rmdir()
    with pytest.raises(PluginError, match=re.escape(f"no ZamEQ2.vst3 in {plugin_folder}")):
        _read(tmp_path, 'eq = "ZamEQ2"')


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"none\.toml cannot be read"):
        load_choices(tmp_path / "none.toml")
