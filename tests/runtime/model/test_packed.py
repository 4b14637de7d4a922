from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from mixbridge.presets.errors import ModelError
from mixbridge.runtime.model import bundle as bundles
from mixbridge.runtime.model.bundle import open_bundle, own_models
from mixbridge.runtime.model.packed import packed_sizes, read_packed


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("folder", ["", "mine/"])
def test_reads_files_side_by_side(folder: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {f"{folder}manifest.json": b"{}", f"{folder}x.npz": b"12345"})
    assert read_packed(path, "x.npz", 5) == b"12345"
    assert packed_sizes(path) == {"manifest.json": 2, "x.npz": 5}


@pytest.mark.parametrize(
    "names",
    [
        ["manifest.json", "../manifest.json"],
        ["a/manifest.json", "b/style.json"],
        ["a/b/manifest.json"],
        ["/manifest.json", "style.json"],
        ["a\\..\\manifest.json"],
        [f"{number}.json" for number in range(65)],
    ],
)
def test_refuses_other_places(names: list[str], tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", dict.fromkeys(names, b"{}"))
    with pytest.raises(ModelError, match=r"side by side|65 files"):
        read_packed(path, "manifest.json", 100)


def test_refuses_two_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("manifest.json", "[]")
    with pytest.raises(ModelError, match="each once"):
        read_packed(path, "manifest.json", 100)


def test_refuses_bombs(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"manifest.json": bytes(2**24)})
    with pytest.raises(ModelError, match="too large"):
        read_packed(path, "manifest.json", 2**30)
    with pytest.raises(ModelError, match="too large"):
        read_packed(packed(tmp_path / "b.zip", {"manifest.json": b"1234567"}), "manifest.json", 6)


def test_refuses_what_is_no_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ModelError, match="cannot be read as a zip"):
        open_bundle(path)
    damaged = packed(tmp_path / "b.zip", {"manifest.json": bytes(range(256)) * 20})
    data = bytearray(damaged.read_bytes())
    data[60:90] = bytes(30)
    damaged.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="cannot be read as a zip"):
        read_packed(damaged, "manifest.json", 2**20)


def test_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no manifest\.json"):
        open_bundle(packed(tmp_path / "a.zip", {"style.json": b"{}"}))


def test_a_network_in_one_file_is_the_same(tmp_path: Path) -> None:
    shipped = open_bundle()
    path = packed(tmp_path / "default.zip", {file.name: file.read_bytes() for file in shipped.folder.iterdir()})
    one = open_bundle(path)
    assert one.manifest_sha256 == shipped.manifest_sha256
    assert one.read("controller.onnx") == shipped.read("controller.onnx")
    assert one.has_network
    assert one.needs_reference


def test_own_models_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "models_folder", lambda: tmp_path / "models")
    assert own_models() == {}
    (tmp_path / "models").mkdir()
    manifest = (open_bundle().folder / "manifest.json").read_bytes()
    path = packed(tmp_path / "models" / "mine.zip", {"manifest.json": manifest})
    (tmp_path / "models" / "notes.txt").write_text("no model")
    assert own_models() == {"mine": path}
    assert open_bundle("mine").folder == path
    with pytest.raises(ModelError, match="default, mine"):
        open_bundle("yours")
