"""Inserts in presets: declared, checked, written, compared, scaled, blended, told in words; all of its table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mixbridge.bridge.report.brief import brief_cells
from mixbridge.bridge.report.tables import diff_table, preset_table
from mixbridge.bridge.report.text import describe_inserts
from mixbridge.presets.checking.claims import hold, settings_digest, with_claims
from mixbridge.presets.console import get, parameters, replace
from mixbridge.presets.edit import SECTIONS, blended, desk_form, diff, merged, scaled
from mixbridge.presets.editing.changing_inserts import (
    tracks_with_inserts,
    with_bus_inserts,
    with_master_inserts,
    with_track_inserts,
    without_inserts,
)
from mixbridge.presets.errors import PresetError
from mixbridge.presets.files import dumps, loads
from mixbridge.presets.inserts.insert import Insert
from mixbridge.presets.preset import Confidence, GroupBus, Preset, Track, json_schema
from rich.console import Console

SHA = "a" * 64
DENOISE = Insert(kind="denoise", sha256=SHA, strength_db=40)
MODEL = Insert(kind="onnx", file="m.onnx", sha256=SHA, wet=0.8)
PROGRAM = Insert(kind="command", command=("sox", "{in}", "{out}", "highpass", "80"))
every_setting = pytest.mark.parametrize("path", parameters(Insert))


def preset(*inserts: Insert, name: str = "Vox") -> Preset:
    return Preset(tracks=(Track(name=name, inserts=inserts), Track(name="Bass")))


def printed(table: object) -> str:
    console = Console(width=300, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(table)
    return console.export_text()


def acting(path: str) -> Insert:
    """The insert that this setting belongs to."""
    return DENOISE if path == "strength_db" else MODEL


@every_setting
def test_a_row_is_in_the_schema_and_has_words(path: str) -> None:
    row = parameters(Insert)[path]
    assert row.section == "inserts"
    assert row.section in SECTIONS
    assert row.label
    assert row.help
    assert path in json_schema()["$defs"]["Insert"]["properties"]
    less = replace(acting(path), {path: 0.25 * get(acting(path), path)})
    assert describe_inserts(preset(less).tracks[0]) != describe_inserts(preset(acting(path)).tracks[0])


@every_setting
def test_a_row_is_compared_scaled_blended_and_merged(path: str) -> None:
    before = preset(acting(path))
    after = preset(replace(acting(path), {path: 0.5 * get(acting(path), path)}))
    (change,) = diff(before, after)
    assert change.path == f"tracks[Vox].inserts[0].{path}"
    assert change.unit == parameters(Insert)[path].unit
    assert f"{change.new:g}" in printed(diff_table([change]))
    half = get(blended(before, after, 0.5).tracks[0].inserts[0], path)
    assert half == pytest.approx(0.75 * get(acting(path), path))
    assert get(scaled(before, 0.5).tracks[0].inserts[0], path) == pytest.approx(0.5 * get(acting(path), path))
    assert get(scaled(before, 0).tracks[0].inserts[0], path) == 0
    assert merged(before, after, sections=["inserts"]).tracks[0].inserts == after.tracks[0].inserts
    assert merged(before, after, sections=["eq"]).tracks[0].inserts == before.tracks[0].inserts
    assert desk_form(before).tracks[0].inserts == before.tracks[0].inserts
    assert settings_digest(before) != settings_digest(after)


def test_an_amount_over_all_stays_in_the_range() -> None:
    strong = preset(Insert(kind="denoise", sha256=SHA), Insert(kind="onnx", file="m", sha256=SHA))
    assert [(item.strength_db, item.wet) for item in scaled(strong, 1.5).tracks[0].inserts] == [(100, 1), (100, 1)]
    # The strength of a cleaning is its noise reduction; how much of it is heard stays.
    assert [(item.strength_db, item.wet) for item in scaled(strong, 0.5).tracks[0].inserts] == [(50, 1), (100, 0.5)]


def test_other_inserts_are_compared_by_name_and_fade_or_change_over() -> None:
    assert [(item.path, item.old, item.new) for item in diff(preset(), preset(DENOISE, PROGRAM))] == [
        ("tracks[Vox].inserts", None, "denoise > command:sox")
    ]
    other = MODEL.model_copy(update={"sha256": "b" * 64})
    assert [item.new for item in diff(preset(MODEL), preset(other))] == ["onnx:m.onnx (another)"]
    assert diff(preset(DENOISE), preset(DENOISE)) == ()
    assert blended(preset(DENOISE), preset(), 0.25).tracks[0].inserts[0].strength_db == pytest.approx(30)
    assert blended(preset(), preset(MODEL), 0.25).tracks[0].inserts[0].wet == pytest.approx(0.2)
    assert blended(preset(DENOISE), preset(MODEL), 0.4).tracks[0].inserts == (DENOISE,)
    assert blended(preset(DENOISE), preset(), 1).tracks[0].inserts == ()


def test_a_preset_without_inserts_is_written_as_before_and_one_with_is_refused_by_older_programs() -> None:
    plain = json.loads(dumps(preset()))
    assert plain["version"] == 2
    assert all("inserts" not in track for track in plain["tracks"])
    text = dumps(preset(DENOISE, MODEL, PROGRAM))
    assert json.loads(text)["version"] == 4
    assert loads(text) == preset(DENOISE, MODEL, PROGRAM)
    assert settings_digest(preset()) == settings_digest(without_inserts(preset(DENOISE)))


def test_words_and_tables_name_them() -> None:
    mix = preset(DENOISE, PROGRAM)
    assert describe_inserts(mix.tracks[0]) == [
        "goes through denoise (noise down by 40 dB at most) first",
        "goes through command:sox (sox {in} {out} highpass 80) first",
    ]
    assert "denoise" in printed(preset_table(mix))
    assert "denoise" in brief_cells(mix.tracks[0])[2]


def test_claims_are_of_the_sound_with_inserts() -> None:
    claimed = with_claims(preset(DENOISE), Confidence(level="high"), ())
    assert hold(claimed)
    assert not hold(without_inserts(claimed))
    assert with_track_inserts(claimed, "Vox", MODEL).provenance.confidence is None


def test_tracks_get_and_lose_inserts() -> None:
    added = with_track_inserts(preset(DENOISE), "Vox", MODEL)
    assert added.tracks[0].inserts == (DENOISE, MODEL)
    assert [track.name for track in tracks_with_inserts(added)] == ["Vox"]
    assert with_track_inserts(added, "Vox", ()).tracks[0].inserts == ()
    with pytest.raises(PresetError, match="there is no track 'Drums'"):
        with_track_inserts(added, "Drums", MODEL)
    full = preset(*[DENOISE] * 8)
    with pytest.raises(PresetError, match="may have no more"):
        with_track_inserts(full, "Vox", MODEL)


@pytest.mark.parametrize(
    ("insert", "said"),
    [
        ({"kind": "denoise"}, "needs its sha256"),
        ({"kind": "denoise", "sha256": SHA, "file": "x"}, "has no file"),
        ({"kind": "onnx", "sha256": SHA}, "needs a file"),
        ({"kind": "onnx", "file": "m.onnx"}, "needs its sha256"),
        ({"kind": "onnx", "file": "m", "sha256": SHA, "command": ["rm"]}, "has no command"),
        ({"kind": "onnx", "file": "m", "sha256": SHA, "method": "encode"}, "has no method"),
        ({"kind": "command"}, "a command needs {in} or {in_folder}"),
        ({"kind": "command", "command": ["sox", "{in}"]}, "a command needs {out} or {out_folder}"),
        ({"kind": "command", "command": ["{in}", "{out}"]}, "a command needs {in}"),
        ({"kind": "command", "command": ["x", "{in}", "{out}", "{model}"]}, "a command has a file"),
        ({"kind": "command", "command": ["x", "{in}", "{out}"], "sha256": SHA}, "names none"),
        ({"kind": "command", "command": ["x", "{in}", "{out}", "a\0b"]}, "zero byte"),
        ({"kind": "magic"}, "is not what belongs there"),
        ({"kind": "denoise", "sha256": SHA, "strength_db": 101}, "must be 0 to 100 dB"),
        ({"kind": "denoise", "sha256": SHA, "wet": -1}, "must be 0 to 1"),
        ({"kind": "denoise", "sha256": "0x12"}, "must be a SHA-256"),
        ({"kind": "denoise", "sha256": SHA, "stength_db": 1}, 'did you mean "strength_db"?'),
    ],
)
def test_what_cannot_be_is_named_with_its_place(insert: dict[str, object], said: str) -> None:
    data = json.loads(dumps(preset(DENOISE)))
    data["tracks"][0]["inserts"] = [insert]
    with pytest.raises(PresetError) as caught:
        loads(json.dumps(data))
    assert said in str(caught.value)
    assert 'tracks[0] "Vox" → inserts[0]' in str(caught.value)


def bussed(*inserts: Insert, master: tuple[Insert, ...] = ()) -> Preset:
    """A preset with a group that goes through inserts, and a master that does."""
    bus = GroupBus(name="Drums", inserts=inserts)
    return Preset(tracks=(Track(name="Kick", bus="Drums"),), buses=(bus,), master_inserts=master)


def test_groups_and_the_master_have_inserts_like_tracks() -> None:
    before, after = bussed(DENOISE, master=(MODEL,)), bussed(replace(DENOISE, {"strength_db": 20.0}))
    assert [(item.path, item.old, item.new) for item in diff(before, after)] == [
        ("buses[Drums].inserts[0].strength_db", 40, 20),
        ("master.inserts", "onnx:m.onnx", None),
    ]
    half = scaled(before, 0.5)
    assert (half.buses[0].inserts[0].strength_db, half.master_inserts[0].wet) == (20, 0.4)
    between = blended(before, after, 0.25)
    assert between.buses[0].inserts[0].strength_db == pytest.approx(35)
    assert between.master_inserts[0].wet == pytest.approx(0.6)
    taken = merged(after, before, sections=["master"])
    assert (taken.master_inserts, taken.buses) == (before.master_inserts, after.buses)
    assert merged(after, before, sections=["buses"]).buses == before.buses
    assert desk_form(before).buses[0].inserts == before.buses[0].inserts


def test_groups_and_the_master_are_written_and_told_with_their_inserts() -> None:
    mix = bussed(DENOISE, master=(PROGRAM,))
    assert loads(dumps(mix)) == mix
    written = json.loads(dumps(mix))
    assert written["version"] == 4
    plain = json.loads(dumps(bussed()))
    assert plain["version"] == 2
    assert "inserts" not in plain["buses"][0]
    assert "master_inserts" not in plain
    assert [owner for owner, _ in mix.all_inserts()] == ["buses[Drums]", "master"]
    table = printed(preset_table(mix))
    assert "denoise" in table
    assert "command:sox" in table
    claimed = with_claims(mix, Confidence(level="high"), ())
    assert hold(claimed)
    assert not hold(without_inserts(claimed))
    assert settings_digest(without_inserts(mix)) == settings_digest(bussed())
    assert without_inserts(mix) == bussed()


def test_groups_and_the_master_get_and_lose_inserts() -> None:
    added = with_bus_inserts(with_master_inserts(bussed(), MODEL), "Drums", DENOISE)
    assert added == bussed(DENOISE, master=(MODEL,))
    assert with_master_inserts(with_bus_inserts(added, "Drums", ()), ()) == bussed()
    with pytest.raises(PresetError, match="there is no group 'Guitars' for an insert; there are: Drums"):
        with_bus_inserts(added, "Guitars", DENOISE)
    with pytest.raises(PresetError, match="the master has 8 inserts"):
        with_master_inserts(bussed(master=(MODEL,) * 8), MODEL)
