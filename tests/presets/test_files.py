"""Preset files: what is written comes back, writing is all or nothing, mistakes are named with place."""

import copy
import json
import math
import os
import re
from pathlib import Path
from unittest import mock

import mixbridge.presets
import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from mixbridge.presets import files
from mixbridge.presets.checking import complaints
from mixbridge.presets.console import FxBand, FxBus, Master, Strip, get, parameters
from mixbridge.presets.errors import OutputError, PresetError
from mixbridge.presets.parts.match import MatchCurve, ToneCurve
from mixbridge.presets.preset import Finding, Preset, Provenance, SourceFile, Track, json_schema
from mixbridge.presets.sections import active_sections

PRESET = Preset(
    name="Vers 1",
    tracks=(Track(name="Bass"), Track(name="Lead Vox", source=SourceFile(file="vox.wav", sha256="0" * 64))),
    master=Master(match=MatchCurve(tone=ToneCurve(hz_1000_db=1))),  # a flat one is left out of files
    provenance=Provenance(model="m", sample_rate_hz=44100),
)
DATA = json.loads(files.dumps(PRESET))

# Where in a file each setting of the table stands, and how an error has to call that place.
PLACES = [
    *(
        (("tracks", 1, "strip", *path.split(".")), f'tracks[1] "Lead Vox" → strip.{path}', Strip, path)
        for path in parameters(Strip)
    ),
    *((("master", *path.split(".")), f"master.{path}", Master, path) for path in parameters(Master)),
    *((("fx_bus", "bands", 11, path), f"fx_bus.bands[11].{path}", FxBand, path) for path in parameters(FxBand)),
    *((("fx_bus", path), f"fx_bus.{path}", FxBus, path) for path in parameters(FxBus)),
]


def changed(place, value):
    data = copy.deepcopy(DATA)
    node = data
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    return json.dumps(data)


def error_of(text):
    with pytest.raises(PresetError) as caught:
        files.loads(text, name="mix.json")
    message = str(caught.value)
    assert message.startswith("mix.json")
    assert not re.search(r"pydantic|Input should|https?:|\[type=", message)
    return message


class TestRoundTrip:
    def test_file(self, tmp_path):
        path = tmp_path / "Ünï – mix.json"
        files.save(PRESET, path)
        assert files.load(path) == PRESET
        assert [item.name for item in tmp_path.iterdir()] == [path.name]

    @settings(max_examples=50, deadline=None)
    @given(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
        st.floats(-96, 96),
        st.floats(20, 22000),
    )
    def test_any_name_and_value_within_six_digits(self, name, gain_db, freq_hz):
        strip = Strip.model_validate({"input_gain_db": gain_db, "eq": {"band2": {"freq_hz": freq_hz}}})
        text = files.dumps(Preset(tracks=(Track(name=name, strip=strip),)))
        back = files.loads(text)
        assert back.tracks[0].name == name
        assert back.tracks[0].strip.input_gain_db == pytest.approx(gain_db, rel=1e-5)
        assert back.tracks[0].strip.eq.band2.freq_hz == pytest.approx(freq_hz, rel=1e-5)
        assert files.dumps(back) == text

    def test_text_is_made_to_be_read_and_compared(self):
        strip = Strip(pan=-0.0, fader_db=1 / 3)
        text = files.dumps(Preset(name="Straße", tracks=(Track(name="Gtr", strip=strip),)))
        assert '"name": "Straße"' in text
        assert '"pan": 0.0' in text
        assert '"fader_db": 0.333333,' in text
        assert "null" not in text
        assert text.endswith("}\n")
        assert list(json.loads(text)) == [
            "format", "version", "name", "description", "tracks", "buses", "fx_bus", "reverb", "delay", "master",
            "provenance",
        ]  # fmt: skip

    def test_defaults_may_be_left_out(self):
        assert files.loads('{"format": "mixbridge-preset", "version": 1}') == Preset()

    def test_mark_of_windows_editors(self, tmp_path):
        path = tmp_path / "mix.json"
        path.write_text(files.dumps(PRESET), encoding="utf-8-sig")
        assert files.load(path) == PRESET


@pytest.mark.parametrize(("place", "name", "section", "path"), PLACES, ids=[name for _, name, _, _ in PLACES])
class TestLimits:
    def test_both_limits_load(self, place, name, section, path):
        row = parameters(section)[path]
        for value in (row.low, row.high):
            node = files.loads(changed(place, value))
            for key in place[: len(place) - len(path.split("."))]:
                node = node[key] if isinstance(key, int) else getattr(node, key)
            assert get(node, path) == value

    def test_just_outside_is_refused_with_place_and_range(self, place, name, section, path):
        row = parameters(section)[path]
        for value in (
            math.nextafter(row.low, -math.inf),
            math.nextafter(row.high, math.inf),
            "3",
            None,
            True,
        ):
            message = error_of(changed(place, value))
            assert message.startswith(f"mix.json: {name} is {json.dumps(value)}, but must be ")
            assert f"{row.low:g}" in message
            assert message.endswith(f"{row.high:g}{row.unit if row.unit == ':1' else (' ' + row.unit).rstrip()}.")


class TestMistakes:
    @pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
    def test_no_such_numbers(self, literal):
        text = files.dumps(PRESET).replace('"ratio": 1.0', f'"ratio": {literal}', 1)
        assert 'tracks[0] "Bass" → strip.compressor.ratio is ' in error_of(text)

    def test_number_of_thousands_of_digits(self):
        assert "too long" in error_of(files.dumps(PRESET).replace('"ratio": 1.0', f'"ratio": {"9" * 5000}'))

    def test_duplicate_keys(self):
        text = files.dumps(PRESET).replace('"ratio": 1.0', '"ratio": 1.0, "ratio": 2.0', 1)
        assert error_of(text) == 'mix.json: tracks[0] "Bass" → strip.compressor.ratio stands twice; keep one.'

    def test_unknown_key_with_a_suggestion(self):
        message = error_of(changed(("tracks", 1, "strip", "compressor", "ratoi"), 2))
        assert 'tracks[1] "Lead Vox" → strip.compressor.ratoi is unknown; did you mean "ratio"?' in message
        assert "known there: format, version" in error_of(changed(("zzz",), 2))
        assert "known there: file, sha256" in error_of(changed(("tracks", 1, "source", "zzz"), 2))

    @pytest.mark.parametrize(
        ("place", "value", "expected"),
        [
            (("tracks",), {}, "tracks is an object, but must be a list in [ ]."),
            (("tracks", 0), 3, "tracks[0] is 3, but must be an object in { }."),
            (("tracks", 0, "name"), "", 'tracks[0] → name is "", but must not be empty.'),
            (("tracks", 0, "name"), None, "tracks[0] → name is null, but must be text."),
            (("tracks", 0), {}, "tracks[0] → name is missing; it is needed."),
            (("tracks", 0, "mute"), "yes", 'tracks[0] "Bass" → mute is "yes", but must be true or false.'),
            (
                ("tracks", 0, "name"),
                "Lead Vox",
                "track names must differ, but 'Lead Vox' stand more than once.",
            ),
            (("fx_bus", "bands"), [], "fx_bus.bands is a list of 0, but must have 12 entries."),
            (("fx_bus", "seed"), 2**32, "fx_bus.seed is 4294967296, but must be at most 4294967295."),
            (("fx_bus", "seed"), 1.5, "fx_bus.seed is 1.5, but must be a whole number."),
            (("provenance", "sample_rate_hz"), 0, "provenance.sample_rate_hz is 0, but must be more than 0."),
            (("tracks", 1, "source", "sha256"), "ff", '→ source.sha256 is "ff", but must be a SHA-256'),
        ],
    )
    def test_wording(self, place, value, expected):
        assert expected in error_of(changed(place, value))

    def test_several_are_listed_together(self):
        data = copy.deepcopy(DATA)
        data["tracks"][0]["strip"]["pan"] = 2
        data["fx_bus"]["bands"][3]["decay_s"] = 99
        assert error_of(json.dumps(data)) == (
            "mix.json: 2 mistakes:\n"
            '  tracks[0] "Bass" → strip.pan is 2, but must be -1 to 1.\n'
            "  fx_bus.bands[3].decay_s is 99, but must be 0.05 to 10 s."
        )

    def test_ten_at_most_and_a_count(self):
        data = copy.deepcopy(DATA)
        for band in data["fx_bus"]["bands"]:
            band["decay_s"] = 99
        message = error_of(json.dumps(data))
        assert message.count("decay_s") == 10
        assert message.endswith("\n  and 2 more.")

    def test_a_broken_escape(self):
        assert "broken \\u escape" in error_of(files.dumps(PRESET).replace("Lead Vox", "\\ud800"))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", "line 1, column 1"),
            ('{\n  "format": }', "is not JSON: Expecting value in line 2, column 13."),
            ("[1]", 'does not say "format": "mixbridge-preset"'),
            ("{}", 'does not say "format": "mixbridge-preset"'),
            ('{"format": "other"}', 'does not say "format": "mixbridge-preset"'),
            ('{"format": "mixbridge-preset"}', "says no version; this mixbridge reads versions 1 to 4"),
            (
                '{"format": "mixbridge-preset", "version": 5}',
                "is of version 5; this mixbridge reads versions 1 to 4",
            ),
            ('{"format": "mixbridge-preset", "version": true}', "is of version True"),
            ("[" * 100_000, "nested too deeply"),
            (
                '{"format": "mixbridge-preset", "version": 1, "x": ' + "[" * 300 + "]" * 300 + "}",
                "nested too deeply",
            ),
        ],
    )
    def test_not_a_preset(self, text, expected):
        assert expected in error_of(text)

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def test_junk_anywhere_is_a_preset_error_or_fine(self, data):
        place, node = (), DATA
        while isinstance(node, dict | list) and (not place or data.draw(st.booleans())):
            key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
            place, node = (*place, key), node[key]
            if not node and isinstance(node, dict | list):
                break
        scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
        junk = data.draw(scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=3), scalars))
        text = changed(place, junk)
        try:
            files.loads(text)
        except PresetError:
            error_of(text)


class TestUnreadable:
    @pytest.mark.parametrize(
        ("content", "expected"),
        [(b"\xff\xfe{", "not UTF-8"), (b" " * (files.MAX_BYTES + 1), "larger than 16 MiB")],
        ids=["utf16", "large"],
    )
    def test_content(self, tmp_path, content, expected):
        path = tmp_path / "mix.json"
        path.write_bytes(content)
        with pytest.raises(PresetError, match=expected) as caught:
            files.load(path)
        assert str(path) in str(caught.value)

    @pytest.mark.parametrize("kind", ["WAV", "FLAC", "AIFF", "OGG", "MP3", "RF64"])
    def test_audio_in_its_place(self, tmp_path, kind):
        path = tmp_path / "vox"
        sf.write(path, np.zeros(48000), 48000, format=kind)
        with pytest.raises(PresetError, match=r"vox is audio.*preset first, then the stems"):
            files.load(path)

    def test_missing_folder_and_impossible_name(self, tmp_path):
        with pytest.raises(PresetError, match="no such file"):
            files.load(tmp_path / "mix.json")
        with pytest.raises(PresetError, match="is a folder"):
            files.load(tmp_path)
        with pytest.raises(PresetError, match="cannot be read"):
            files.load(tmp_path / ("x" * 5000))
        with pytest.raises(PresetError, match="cannot be called"):
            files.load("a\0b")


class TestSave:
    def test_an_existing_file_stays_unless_asked(self, tmp_path):
        path = tmp_path / "mix.json"
        path.write_text("mine")
        with pytest.raises(OutputError, match="there already"):
            files.save(PRESET, path)
        assert path.read_text() == "mine"
        files.save(PRESET, path, overwrite=True)
        assert files.load(path) == PRESET

    @pytest.mark.parametrize("step", ["fsync", "replace"])
    def test_a_failure_leaves_everything_as_it_was(self, tmp_path, monkeypatch, step):
        path = tmp_path / "mix.json"
        path.write_text("mine")

        def fail(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
        with pytest.raises(OutputError, match="No space left"):
            files.save(PRESET, path, overwrite=True)
        assert path.read_text() == "mine"
        assert list(tmp_path.iterdir()) == [path]

    def test_folders(self, tmp_path):
        with pytest.raises(OutputError, match="is a folder"):
            files.save(PRESET, tmp_path, overwrite=True)
        with pytest.raises(OutputError, match="cannot be written"):
            files.save(PRESET, tmp_path / "none" / "mix.json")
        with pytest.raises(OutputError, match="cannot be written"):
            files.save(PRESET, tmp_path / ("x" * 5000))

    def test_a_link_stays_a_link_and_permissions_stay(self, tmp_path):
        target, link = tmp_path / "target.json", tmp_path / "link.json"
        target.write_text("old")
        target.chmod(0o640)
        link.symlink_to(target)
        files.save(PRESET, link, overwrite=True)
        assert link.is_symlink()
        assert files.load(target) == PRESET
        assert target.stat().st_mode & 0o777 == 0o640


def test_exported_schema_is_current(tmp_path):
    exported = Path(mixbridge.presets.__file__).with_name("preset.schema.json")
    assert json.loads(exported.read_text(encoding="utf-8")) == json_schema()
    files.write_schema(tmp_path / "schema.json")
    assert (tmp_path / "schema.json").read_bytes() == exported.read_bytes()


HEAD = '{"format": "mixbridge-preset", "version": 1, '


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + '"tracks": [' + ",".join(["1"] * 8_000_000) + "]}", "far more values"),
        (HEAD + ",".join(f'"k{n}": 1' for n in range(400_000)) + "}", "more than 200000 values"),
        (HEAD + '"tracks": [' + ",".join(['{"zz": 1}'] * 150_000) + "]}", "more than 200000 values"),
    ],
)
def test_a_flood_of_values_is_refused_before_it_costs_much(text, words):
    """16 MB of complaints took 56 s and 6.8 GB."""
    assert len(text) <= files.MAX_BYTES
    with mock.patch.object(Preset, "model_validate_json", side_effect=AssertionError("too late")):
        assert words in error_of(text)


def test_of_many_mistakes_only_those_shown_are_worded():
    text = HEAD + '"tracks": [' + ",".join(["1"] * 100_000) + "]}"
    with mock.patch.object(complaints, "_complaint", wraps=complaints._complaint) as worded:
        message = error_of(text)
    assert worded.call_count == complaints.MOST_LINES
    assert "and 99990 more" in message


def test_the_largest_preset_is_none_of_them():
    tracks = tuple(Track(name=f"{n}, [{{", source=SourceFile(file="a", sha256="0" * 64)) for n in range(1024))
    findings = tuple(Finding(rule="r", track="t", before=1, after=2, message="m") for _ in range(10_000))
    preset = Preset(tracks=tracks, provenance=Provenance(findings=findings))
    assert files.loads(files.dumps(preset)) == preset


def test_version_1_means_the_same_and_is_saved_as_version_2(tmp_path):
    """What version 1 did not have is off."""
    path = Path(__file__).parents[1] / "golden" / "preset-version-1.json"
    old, preset = json.loads(path.read_text(encoding="utf-8")), files.load(path)
    strip, was = preset.tracks[0].strip, old["tracks"][0]["strip"]
    assert preset.version == 2
    for name, stage in was.items():
        kept = getattr(strip, name)
        assert (kept if not isinstance(stage, dict) else kept.model_dump() | stage) == (
            stage if not isinstance(stage, dict) else kept.model_dump()
        )
    assert set(active_sections(strip)) == {"eq", "compressor", "saturation", "send"}
    files.save(preset, tmp_path / "new.json")
    assert json.loads((tmp_path / "new.json").read_text(encoding="utf-8"))["version"] == 2
    assert files.load(tmp_path / "new.json") == preset


def test_linked_tracks_must_be_alike():
    tracks = (Track(name="OH L", link="OH"), Track(name="OH R", link="OH"))
    data = json.loads(files.dumps(Preset(tracks=tracks)))
    data["tracks"][1]["strip"]["pan"] = 0.9
    assert files.loads(json.dumps(data)).tracks[1].strip.pan == 0.9
    data["tracks"][1]["strip"]["compressor"]["ratio"] = 4
    assert "'OH L' and 'OH R' are linked ('OH') and must have the same compressor" in error_of(json.dumps(data))


def test_a_track_goes_to_a_bus_that_is_there():
    data = {"format": "mixbridge-preset", "version": 2, "tracks": [{"name": "Kick", "bus": "Drums"}]}
    assert "'Kick' goes to the bus 'Drums', which is not in buses" in error_of(json.dumps(data))
    data["buses"] = [{"name": "Drums"}]
    assert files.loads(json.dumps(data)).bus("Drums").strip == Strip()
