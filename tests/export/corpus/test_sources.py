import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from mixbridge.export.corpus import packages as module
from mixbridge.export.corpus.licences import ARTISTIC, permissive, read_terms, terms_of
from mixbridge.export.corpus.packages import PACKAGES, Package, drop_links_out, one_of, packages_for, unpack
from mixbridge.export.corpus.sources import SOUNDFONTS, fetch, tune_names
from mixbridge.export.corpus.wad import read_tunes
from mixbridge.presets.errors import AudioError, OutputError

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
MIDI = b"MThd\0\0\0\6\0\1\0\1\1\0"
TOY = Package("toy", "sessions", "MIT", "nobody", "tests")


def wad(lumps: dict[str, bytes], magic: bytes = b"IWAD", directory: bytes | None = None) -> bytes:
    body, rows = b"", b""
    for name, data in lumps.items():
        rows += struct.pack("<ii8s", 12 + len(body), len(data), name.encode())
        body += data
    rows = rows if directory is None else directory
    return struct.pack("<4sii", magic, len(rows) // 16, 12 + len(body)) + body + rows


def make_deb(folder: Path, name: str, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    tree = folder / f"tree-{name}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1:2.0-3\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: test\n"
    )
    for path, data in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(data)
    for path, target in (links or {}).items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).symlink_to(target)
    deb = folder / f"{name}_2.0-3_all.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(tree), str(deb)], check=True, stdout=subprocess.DEVNULL
    )
    return deb


@pytest.fixture
def place(tmp_path):
    (tmp_path / "sources" / "deb").mkdir(parents=True)
    return tmp_path / "sources"


@pytest.fixture
def no_apt(monkeypatch):
    found = shutil.which
    monkeypatch.setattr(module.shutil, "which", lambda name: None if name == "apt-get" else found(name))


@needs_dpkg
class TestUnpack:
    def test_a_deb_that_lies_there_is_used(self, tmp_path, place, no_apt):
        deb = make_deb(tmp_path, "toy", {"usr/share/x.txt": b"x"})
        shutil.copy(deb, place / "deb")
        unpacked = unpack(TOY, place)
        assert one_of(unpacked, "usr/share/*.txt").read_bytes() == b"x"
        assert unpacked.version == "1:2.0-3"
        assert unpacked.sha256 == module.sha256_of(deb)
        shutil.rmtree(place / "deb")
        assert unpack(TOY, place) == unpacked

    def test_half_unpacked_is_unpacked_again(self, tmp_path, place, no_apt):
        shutil.copy(make_deb(tmp_path, "toy", {"usr/a": b"a", "usr/b": b"b"}), place / "deb")
        unpacked = unpack(TOY, place)
        (place / "unpacked" / "toy-package.json").unlink()
        (unpacked.root / "usr" / "a").unlink()
        assert sorted(path.name for path in unpack(TOY, place).root.glob("usr/*")) == ["a", "b"]

    def test_links_that_lead_out_are_dropped(self, tmp_path, place, no_apt):
        links = {"usr/passwd": "/etc/passwd", "usr/up": "../../../../secret", "usr/fine": "a", "usr/out": "/etc"}
        shutil.copy(make_deb(tmp_path, "toy", {"usr/a": b"a"}, links), place / "deb")
        assert sorted(path.name for path in unpack(TOY, place).root.glob("usr/*")) == ["a", "fine"]

    def test_another_package_under_its_name(self, tmp_path, place, no_apt):
        make_deb(tmp_path, "other", {"usr/a": b"a"}).replace(place / "deb" / "toy_1_all.deb")
        with pytest.raises(AudioError, match="'other', not toy"):
            unpack(TOY, place)

    def test_not_a_deb(self, place, no_apt):
        (place / "deb" / "toy_1_all.deb").write_bytes(b"<html>404</html>")
        with pytest.raises(AudioError, match=r"damaged.*delete it"):
            unpack(TOY, place)
        assert not (place / "unpacked" / "toy").exists()


def test_without_apt_the_message_says_what_to_provide(place, no_apt):
    with pytest.raises(AudioError, match=r"https://packages\.debian\.org/toy and put it into .*deb"):
        unpack(TOY, place)


def test_what_apt_says_is_passed_on(place, monkeypatch, tmp_path):
    apt = tmp_path / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text("#!/bin/sh\necho 'E: Unable to locate package toy' >&2\nexit 100\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{apt.parent}:/usr/bin:/bin")
    with pytest.raises(AudioError, match="Unable to locate package toy; download toy_VERSION"):
        unpack(TOY, place)
    assert list((place / "deb").iterdir()) == []


def test_without_dpkg(place, monkeypatch):
    (place / "deb" / "toy_1_all.deb").write_bytes(b"")
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    with pytest.raises(OutputError, match="install dpkg"):
        unpack(TOY, place)


def test_a_changed_package_is_told(tmp_path):
    unpacked = module.Unpacked(TOY, tmp_path / "unpacked" / "toy", "9", "")
    with pytest.raises(AudioError, match=r"toy 9 has no usr/share/\*\.sf2"):
        one_of(unpacked, "usr/share/*.sf2")


def test_links_within_are_kept(tmp_path):
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    drop_links_out(tmp_path)
    assert (tmp_path / "b").read_text() == "a"


def test_no_package_is_copyleft():
    for package in PACKAGES:
        assert not any(word in package.licence for word in ("GPL", "SA", "NC")), package.name
    assert {package.name for package in packages_for(["recorded"])} == {"fretsonfire-songs-sectoid"}


@needs_dpkg
def test_fetch(tmp_path, place, no_apt):
    contents = {name: {path: b"font"} for name, path in SOUNDFONTS.values()}
    contents["freedoom"] = {
        "usr/share/games/doom/freedoom1.wad": wad({"D_E1M1": MIDI, "D_INTRO": MIDI + b"2"}),
        "usr/share/games/doom/freedoom2.wad": wad({"D_E1M1": MIDI, "LEVEL": b"0"}),
    }
    contents["sonic-pi-samples"] = {"usr/share/sonic-pi/samples/bd_808.flac": b"drum"}
    contents["festvox-ru"] = {"usr/share/festival/voices/russian/msu/wav/ru_1.wav": b"word"}
    for name, files in contents.items():
        shutil.move(make_deb(tmp_path, name, files), place / "deb")
    sources = fetch(place)
    assert tune_names(sources.tunes) == ["freedoom1_e1m1", "freedoom1_intro", "freedoom2_e1m1"]
    assert {key: path.read_bytes() for key, path in sources.soundfonts.items()} == dict.fromkeys(SOUNDFONTS, b"font")
    assert (sources.one_shots / "bd_808.flac").is_file()
    assert (sources.russian_voice / "ru_1.wav").is_file()


class TestWad:
    def read(self, tmp_path, data):
        (tmp_path / "x.wad").write_bytes(data)
        return read_tunes(tmp_path / "x.wad")

    def test_music_only_and_no_tune_twice(self, tmp_path):
        lumps = {"D_ONE": MIDI, "D_TWO": MIDI, "D_SOUND": b"OggS", "PLAYPAL": MIDI + b"1", "D_3": MIDI + b"3"}
        assert self.read(tmp_path, wad(lumps)) == {"one": MIDI, "3": MIDI + b"3"}

    def test_names_cannot_lead_out(self, tmp_path):
        assert list(self.read(tmp_path, wad({"D_../../": MIDI}))) == ["______"]

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"IWAD",
            b"RIFF" + bytes(60),
            wad({"D_A": MIDI})[:-1],
            struct.pack("<4sii", b"IWAD", 2**31 - 1, 12),
            struct.pack("<4sii", b"PWAD", -1, 12),
            struct.pack("<4sii", b"PWAD", 1, -5) + bytes(16),
            wad({}, directory=struct.pack("<ii8s", 12, 2**31 - 1, b"D_A")),
            wad({}, directory=struct.pack("<ii8s", -1, 4, b"D_A")),
            wad({}, directory=struct.pack("<ii8s", 12, -4, b"D_A")),
            wad({}, directory=struct.pack("<ii8s", 20, 20, b"D_A")),
        ],
    )
    def test_what_points_outside_is_refused(self, tmp_path, data):
        with pytest.raises(AudioError, match=r"x\.wad"):
            self.read(tmp_path, data)


class TestLicences:
    @pytest.mark.parametrize(
        ("stated", "licence"),
        [
            ("CC-BY-3.0", "CC-BY-3.0"),
            ("GPL-3 or CC-BY-3.0", "CC-BY-3.0"),
            ("public-domain", "public-domain"),
            ("Expat", "MIT"),
            ("CC0 and MIT", "CC0-1.0 AND MIT"),
            ("CC-BY-SA-3.0", None),
            ("CC-BY-NC-3.0", None),
            ("CC-BY-3.0 and GPL-2+", None),
            ("GPL-2+", None),
            ("Artistic-2", None),
            ("", None),
        ],
    )
    def test_permissive(self, stated, licence):
        assert permissive(stated) == licence

    def test_artistic_where_it_will_do(self):
        assert permissive("Artistic-2", also=ARTISTIC) == "Artistic-2.0"

    def test_the_last_paragraph_that_matches_rules(self, tmp_path):
        file = tmp_path / "copyright"
        file.write_text(
            "Format: x\n\nFiles: *\nCopyright: All\nLicense: GPL-2\n\n"
            "Files: ./music/a*.ogg\n  music/b?.ogg\n"
            "Copyright: 2001 Ann\n 2002 Bob <b@c.d>\nLicense: CC-BY-4.0\n text\n\n"
            "Files: music/ab.ogg\nCopyright: Cy\nLicense: CC-BY-SA-3.0\n\nLicense: GPL-2\n long text\n"
        )
        terms = read_terms(file)
        assert {
            path: found.stated
            for path in ("x", "music/a.ogg", "music/a/deep.ogg", "music/ab.ogg", "music/b1.ogg", "music/b12.ogg")
            if (found := terms_of(path, terms))
        } == {
            "x": "GPL-2",
            "music/a.ogg": "CC-BY-4.0",
            "music/a/deep.ogg": "CC-BY-4.0",
            "music/ab.ogg": "CC-BY-SA-3.0",
            "music/b1.ogg": "CC-BY-4.0",
            "music/b12.ogg": "GPL-2",
        }
        assert terms_of("music/a.ogg", terms).makers == ("2001 Ann", "2002 Bob <b@c.d>")

    def test_files_without_terms(self, tmp_path):
        file = tmp_path / "copyright"
        file.write_text("This package was debianized by hand.\n")
        with pytest.raises(AudioError, match="states no licence by file"):
            read_terms(file)
