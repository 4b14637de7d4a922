"""Every setting of the console's table reaches everything that deals in settings, or is said to be left out there.

This is the list of what a new stage needs. Its rows go into `presets/console.py`, its sound into `runtime/console`;
what fails here then says what else has to know it, and what may stay as it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pytest
from dawproject_files import audio, one_track, write_project
from mixbridge.bridge.desks.keys import desk_key, row_of, section_of
from mixbridge.bridge.desks.layout import SETTABLE
from mixbridge.bridge.desks.loading import desk_names, load_desk
from mixbridge.bridge.desks.profile import Effect
from mixbridge.bridge.fitting.effects import fit_effect
from mixbridge.bridge.fitting.strip import FittedStrip, fit_strip
from mixbridge.bridge.push.tables import value_words
from mixbridge.bridge.report.tables import diff_table, preset_table
from mixbridge.bridge.report.text import describe_master, describe_strip
from mixbridge.bridge.server import addresses
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.registry import FORMATS, format_named
from mixbridge.bridge.sessions.writing import WRITTEN, strip_left_out
from mixbridge.presets.console import (
    Delay,
    FxBand,
    FxBus,
    Master,
    Parameter,
    Part,
    Reverb,
    Strip,
    get,
    parameters,
    replace,
)
from mixbridge.presets.edit import blended, desk_form, diff, merged, move_gain, scaled, without_input_gain
from mixbridge.presets.preset import Preset, Track, json_schema
from mixbridge.presets.sections import (
    GROUPS,
    active_sections,
    console_markdown,
    described,
    is_active,
    rows_of,
    sections,
)
from mixbridge.presets.units import quantity
from mixbridge.runtime.refinement.search_space import LEFT_ALONE, SearchSpace
from mixbridge.runtime.rendering.in_memory import render_arrays
from numpy.typing import NDArray
from reaper_project import item, project, track
from rich.console import Console

Bus = Strip | Master
PARTS: tuple[type[Bus], ...] = (Strip, Master)
PATHS = [(part, path) for part in PARTS for path in parameters(part)]
IDS = [f"{part.__name__}.{path}" for part, path in PATHS]
every_setting = pytest.mark.parametrize(("part", "path"), PATHS, ids=IDS)
DOCS = Path(__file__).parents[1] / "docs"
GENERIC = load_desk("generic")


def stepped(row: Parameter, value: float) -> float:
    """A little further within the range: to be told apart, and in the reach of desks and plug-ins."""
    step = (row.high - row.low) / 50
    if row.unit == "dB/oct":  # two steps, and nothing between them is heard
        return row.high if value < row.high else row.low
    if row.scale == "log":
        return value * 1.25 if value * 1.25**2 <= row.high else value / 1.25
    return value + (step if value + step <= row.high else -step)


def in_use(part: type[Bus]) -> Bus:
    """A strip or master whose sections all do something."""
    table = parameters(part)
    acting = {path: stepped(row, row.neutral) for path, row in table.items() if row.neutral is not None}
    # Where most of what is played passes them.
    thresholds = {path: -30.0 for path, row in table.items() if row.neutral is None and row.with_gain == "adds"}
    # A gate that closes by a dB or two does so at any ratio.
    closed = {"gate.range_db": 40.0} if part is Strip else {}
    return replace(part(), {**acting, **thresholds, **closed})


def changed(bus: Bus, path: str) -> Bus:
    return replace(bus, {path: stepped(parameters(type(bus))[path], get(bus, path))})


def preset(bus: Bus) -> Preset:
    """The bus as the only track, or as the master behind one."""
    if isinstance(bus, Master):
        return Preset(tracks=(Track(name="Vox"),), master=bus)
    return Preset(tracks=(Track(name="Vox", strip=bus),))


def bus_of(preset: Preset, part: type[Bus]) -> Bus:
    return preset.master if part is Master else preset.tracks[0].strip


def words(bus: Bus) -> list[str]:
    return describe_master(bus) if isinstance(bus, Master) else describe_strip(Track(name="Vox", strip=bus))


def printed(table: object) -> str:
    console = Console(width=300, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(table)
    return console.export_text()


@every_setting
def test_the_row_says_what_people_read(part: type[Bus], path: str) -> None:
    row = parameters(part)[path]
    assert row.section in sections(part)
    assert row.label
    assert row.label == row.label.strip()
    assert f"| `{path}` |" in console_markdown()
    assert f"| `{path}` |" in (DOCS / "console.md").read_text(encoding="utf-8")
    leaf = path.rpartition(".")[2]
    assert any(leaf in schema.get("properties", {}) for schema in json_schema()["$defs"].values())


@every_setting
def test_editing(part: type[Bus], path: str) -> None:
    row, before, after = parameters(part)[path], preset(in_use(part)), preset(changed(in_use(part), path))
    (change,) = (change for change in diff(before, after) if change.path.endswith(path))
    assert change.unit == row.unit
    assert quantity(float(f"{get(bus_of(after, part), path):.4g}"), row.unit) in printed(diff_table([change]))
    if row.neutral is not None:
        assert get(bus_of(scaled(after, 0), part), path) == pytest.approx(row.neutral, abs=1e-9)
    ends = sorted(get(bus_of(item, part), path) for item in (before, after))
    assert ends[0] < get(bus_of(blended(before, after, 0.5), part), path) < ends[1]
    section = "master" if part is Master else row.section
    assert merged(before, after, sections=[section]) != before
    same_sound = diff(desk_form(before), desk_form(after))
    assert same_sound
    assert all(change.path != "input_gain_db" for change in same_sound)


@every_setting
def test_it_is_heard(part: type[Bus], path: str) -> None:
    channels = 2 if part is Master else 1  # the width is heard where left and right differ
    before, after = sounding(in_use(part), channels), sounding(changed(in_use(part), path), channels)
    assert not np.array_equal(before, after)


@cache
def sounding(bus: Bus, channels: int) -> NDArray[np.float32]:
    """Bursts of noise that fall, through a bus; what is not changed is rendered once."""
    random = np.random.default_rng(0)
    bursts = (random.standard_normal((channels, 11025)) * np.geomspace(1, 0.001, 11025) * 0.5).astype(np.float32)
    return render_arrays({"Vox": bursts}, 44100, preset(bus)).mix


@every_setting
def test_words(part: type[Bus], path: str) -> None:
    row, bus = parameters(part)[path], changed(in_use(part), path)
    assert is_active(bus, row.section)
    only = replace(
        part(), {other: get(bus, other) for other, its in parameters(part).items() if its.section == row.section}
    )
    assert words(only) != ["left as it is"]
    assert printed(preset_table(preset(only))) != printed_preset(part())


@cache
def printed_preset(bus: Bus) -> str:
    return printed(preset_table(preset(bus)))


@every_setting
def test_desks_call_it_by_a_key_of_the_table(part: type[Bus], path: str) -> None:
    row = parameters(part)[path]
    key = desk_key(path)
    assert section_of(key) == row.section
    assert row_of(key) == row or (row_of(key) or row).section == row.section
    assert (row_of(key) or row).unit == row.unit
    shown = value_words(key, get(in_use(part), path))
    assert row.unit in shown


@every_setting
def test_a_desk_gets_it_or_says_so(part: type[Bus], path: str) -> None:
    kind = "master" if part is Master else "track"
    # In the desk form: a trim is the same as threshold and fader.
    before, after = (fitted(bus, kind) for bus in (in_use(part), changed(in_use(part), path)))
    assert (before.values, before.lost) != (after.values, after.lost)
    section = parameters(part)[path].section
    if section not in SETTABLE:
        # In the desk form, as everything that a desk gets.
        plain = described(without_input_gain(changed(in_use(part), path)), section)
        assert any(plain in line for line in after.lost)


@cache
def fitted(bus: Bus, kind: str) -> FittedStrip:
    return fit_strip(bus, GENERIC, kind)


EFFECT_PARTS: tuple[type[Reverb | Delay], ...] = (Reverb, Delay)
EFFECT_PATHS = [(part, path) for part in EFFECT_PARTS for path in parameters(part)]
# Slots as a desk has them; the generic one has one of each.
SLOTS = {
    "generic": (Effect("reverb", 1, None, "built-in"), Effect("delay", 1, None, "built-in")),
    "x32": (Effect("reverb", 1, 13, "hall"), Effect("delay", 3, 15, "stereo_delay")),
    "xair": (Effect("reverb", 1, 7, "plate"), Effect("delay", 3, 9, "stereo_delay")),
    "wing": (Effect("reverb", 1, 14, "hall"), Effect("delay", 3, 15, "stereo_delay")),
}


@pytest.mark.parametrize("name", SLOTS)
@pytest.mark.parametrize(("part", "path"), EFFECT_PATHS, ids=[f"{part.__name__}.{path}" for part, path in EFFECT_PATHS])
def test_a_desks_effect_gets_it_or_says_so(name: str, part: type[Reverb | Delay], path: str) -> None:
    kind = part.__name__.lower()
    desk = load_desk(name).with_effects(SLOTS[name])
    acting = {"ducking.range_db": 6.0}
    if part is Delay:  # on and off is all that a desk knows of it
        acting |= {"reverb_send_db": -20.0, "ping_pong": 0.0 if path == "ping_pong" else 1.0}
    before = replace(part(), acting)
    row = parameters(part)[path]
    value = 1.0 if path == "ping_pong" else stepped(row, get(before, path))
    after = replace(before, {path: value})
    fits = [fit_effect(effect, desk, kind) for effect in (before, after)]
    assert (fits[0].values, fits[0].lost) != (fits[1].values, fits[1].lost)
    keys = [key for key in desk.parameters(kind) if key.split(".")[-1] == path.rpartition(".")[2]]
    if keys:
        assert fits[0].values[keys[0]] != fits[1].values[keys[0]]
        assert row_of(keys[0]) == row
        assert section_of(keys[0]) == kind


@every_setting
def test_the_search_turns_it_or_says_why_not(part: type[Bus], path: str) -> None:
    space = SearchSpace(preset(in_use(part)), {"Vox": -20.0, None: -20.0})
    owner = None if part is Master else "Vox"
    is_turned = any(knob.track == owner and knob.path == path for knob in space.knobs)
    reason = LEFT_ALONE.get(path) or LEFT_ALONE.get(parameters(part)[path].section)
    assert is_turned != bool(reason), f"search_space.py: give {path} a knob, or a reason in LEFT_ALONE"


@every_setting
def test_it_has_an_address_over_osc(part: type[Bus], path: str) -> None:
    group = "/mixbridge/master" if part is Master else "/mixbridge/track/1"
    mix = preset(changed(in_use(part), path))
    values = {message.address: message.args[0] for message in addresses.strip_values(mix, group) or ()}
    assert get(bus_of(mix, part), path) in values.values()


ARDOUR = """<?xml version="1.0" encoding="UTF-8"?>
<Session version="7002" name="song" sample-rate="48000" id-counter="99"><Routes>{routes}</Routes>
<Playlists><Playlist id="30" name="Vox" type="audio" orig-track-id="20"/></Playlists>
<TempoMap superclocks-per-second="282240000"><Tempos>
<Tempo npm="120" note-type="4" sclock="0" quarters="0:0" omega="0"/></Tempos></TempoMap></Session>
"""
ROUTE = """<Route id="{id}" name="{name}" default-type="audio" active="1"{playlist}>
<PresentationInfo order="{id}" flags="{flags}" color="0"/><IO direction="Input"><Port type="audio" name="in 1"/></IO>
<Controllable name="mute" value="0"/><MuteMaster muted="0"/>
<Pannable><Controllable name="pan-azimuth" value="0.5"/></Pannable>
<Processor type="trim" active="1"><Controllable name="trimcontrol" value="1"/></Processor>
<Processor type="amp" active="1"><Controllable name="gaincontrol" value="1"/></Processor></Route>"""


def reaper(folder: Path) -> Path:
    path = folder / "song.RPP"
    path.write_text(project([track("Vox", item())]))
    return path


def ardour(folder: Path) -> Path:
    path = folder / "song.ardour"
    vox = ROUTE.format(id=20, name="Vox", flags="AudioTrack", playlist=' audio-playlist="30"')
    path.write_text(ARDOUR.format(routes=vox + ROUTE.format(id=1, name="Master", flags="MasterOut", playlist="")))
    return path


def dawproject(folder: Path) -> Path:
    return write_project(folder / "song.dawproject", one_track(f'<Clip time="0" duration="1">{audio()}</Clip>'))


SESSIONS: dict[str, Callable[[Path], Path]] = {"reaper": reaper, "ardour": ardour, "dawproject": dawproject}


@cache
def told(name: str, bus: Bus) -> tuple[Preset, tuple[str, ...]]:
    """What a written session has of a mix, and what is said to be missing; asked again for what is not changed."""
    entry = format_named(name)
    with TemporaryDirectory() as folder:
        session = read_session(SESSIONS[name](Path(folder)), allow_outside=True)
        written = entry.write(session, preset(bus), session.path.with_stem("mixed"), match={"Vox": "Vox"})
        return entry.read_back(written.path), written.notes


@pytest.mark.parametrize("name", [entry.name for entry in FORMATS if entry.writer])
@every_setting
def test_a_session_has_it_or_says_so(name: str, part: type[Bus], path: str) -> None:
    before, after = (told(name, bus) for bus in (in_use(part), changed(in_use(part), path)))
    assert before != after


class Exciter(Part):
    threshold_db: Annotated[
        float, Parameter("dB", -120, 0, "linear", None, "level where it starts", with_gain="adds")
    ] = -60.0
    range_db: Annotated[float, Parameter("dB", 0, 80, "linear", 0, "how much it adds")] = 0.0


class ExcitedStrip(Strip):
    """A strip as the next stage makes it: nothing but rows."""

    exciter: Exciter = Exciter()


EXCITED = ExcitedStrip(exciter=Exciter(threshold_db=-40, range_db=20), input_gain_db=6)


def test_a_new_stage_is_edited_by_its_rows_alone() -> None:
    assert sections(ExcitedStrip)[-1] == "exciter"
    assert tuple(active_sections(EXCITED)) == ("trim", "exciter")
    for moved in (move_gain(EXCITED, -6), without_input_gain(EXCITED)):
        assert isinstance(moved, ExcitedStrip)
        assert moved.exciter == Exciter(threshold_db=-46, range_db=20)
    mix = preset(EXCITED)
    half = scaled(mix, 0.5).tracks[0].strip
    assert isinstance(half, ExcitedStrip)
    assert half.exciter.range_db == 10
    changes = diff(mix, preset(replace(EXCITED, {"exciter.range_db": 30})))
    assert [(change.path, change.unit) for change in changes] == [("tracks[Vox].exciter.range_db", "dB")]


def test_a_new_stage_is_told_of_by_its_rows_alone() -> None:
    plain = "exciter (threshold -40 dB, range 20 dB)"
    assert plain in words(EXCITED)
    assert plain in printed(preset_table(preset(EXCITED)))
    in_desk_form = plain.replace("-40", "-46")
    assert any(in_desk_form in line for line in fit_strip(EXCITED, GENERIC, "track").lost)
    assert any(in_desk_form in line for line in strip_left_out(EXCITED, "the DAW"))


def test_the_reverb_has_sections_and_addresses_too() -> None:
    known = [address for address, _ in addresses.table()]
    for part, prefix in ((FxBus, "/mixbridge/fx_bus"), (FxBand, "/mixbridge/fx_bus/bands/<n>")):
        for path, row in parameters(part).items():
            assert row.section == "reverb"
            assert f"{prefix}/{path}" in known


def test_no_section_is_called_in_two_ways() -> None:
    names = {*sections(Strip), *sections(Master), "mute", "name", "buses", "reverb", "delay", "master"}
    assert not names & GROUPS.keys()
    assert {section for group in GROUPS.values() for section in group} <= names
    assert names >= WRITTEN
    assert set(SETTABLE) <= names


def test_every_path_in_the_code_is_one_of_the_table() -> None:
    """So that a setting that is renamed, or mistyped in a place that no other test reaches, is found."""
    root = Path(__file__).parents[1]
    desks = [load_desk(name) for name in desk_names()]
    # Switches, filter types and constants of desks are keys, and no settings of the console.
    of_desks = {key for desk in desks for kind in desk.strips for key in desk.parameters(kind)}
    stages = {name for part in PARTS for name in sections(part) if any("." in path for path in rows_of(part, name))}
    written = re.compile(rf"({'|'.join(sorted(stages))})\.[a-z0-9_]+(\.[a-z0-9_]+)?")
    unknown, known = set(), 0
    for file in (path for room in ("presets", "runtime", "bridge", "export") for path in (root / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and written.fullmatch(node.value):
                is_known = row_of(node.value) is not None or node.value in of_desks
                known += is_known
                unknown |= set() if is_known else {(file.name, node.value)}
    assert known > 50
    assert unknown == set()
