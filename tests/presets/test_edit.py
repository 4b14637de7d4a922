"""Editing presets: the algebra that must hold for any preset, and values worked out by hand."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mixbridge.presets.console import Delay, FxBand, FxBus, Master, Reverb, Strip, get, parameters, replace
from mixbridge.presets.edit import SECTIONS, Change, blended, desk_form, diff, merged, move_gain, scaled
from mixbridge.presets.errors import PresetError
from mixbridge.presets.inserts.insert import Insert
from mixbridge.presets.preset import GroupBus, Preset, Provenance, Track
from mixbridge.presets.sections import GROUPS

# A preset has hundreds of numbers; two of them are a large example even where all are small.
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.large_base_example])
# Ranges within which gain can be moved freely without passing the table's limits.
ROOMY = {
    "input_gain_db": (-30, 30),
    "gate.threshold_db": (-60, 20),
    "compressor.threshold_db": (-60, 20),
    "deesser.threshold_db": (-60, 20),
    "saturation.drive": (0, 3),
    "fader_db": (-30, 30),
    "output_gain_db": (-30, 30),
}


def consoles(section, ranges=None):
    table = parameters(section)
    limits = {path: (row.low, row.high) for path, row in table.items()} | {
        path: limit for path, limit in (ranges or {}).items() if path in table
    }
    values = st.fixed_dictionaries({path: st.floats(*limit) for path, limit in limits.items()})
    return values.map(lambda chosen: replace(section(), chosen))


def effect(kind):
    """A handful of an effect's settings; the others run in the same ways."""
    some = list(parameters(kind).items())[::4]
    values = st.fixed_dictionaries({path: st.floats(row.low, row.high) for path, row in some})
    return values.map(lambda chosen: replace(kind(), chosen))


@st.composite
def presets(draw, ranges=None, names=("Lead Vox", "Bass")):
    table = parameters(FxBand)
    band = st.builds(FxBand, **{path: st.floats(row.low, row.high) for path, row in table.items()})
    bus = st.builds(FxBus, bands=st.tuples(*[band] * 12), return_gain_db=st.floats(-80, 12), seed=st.integers(0, 9))
    tracks = tuple(Track(name=name, strip=draw(consoles(Strip, ranges)), mute=draw(st.booleans())) for name in names)
    effects = {"reverb": draw(effect(Reverb)), "delay": draw(effect(Delay))}
    return Preset(tracks=tracks, fx_bus=draw(bus), **effects, master=draw(consoles(Master, ranges)))


def numbers(preset):
    found = {}
    for name, bus in [*((track.name, track.strip) for track in preset.tracks), ("master", preset.master)]:
        found |= {f"{name}.{path}": get(bus, path) for path in parameters(type(bus))}
    for index, band in enumerate(preset.fx_bus.bands):
        found |= {f"fx{index}.gain": band.gain_db, f"fx{index}.decay": band.decay_s}
    for name in ("reverb", "delay"):
        part = getattr(preset, name)
        found |= {f"{name}.{path}": get(part, path) for path in parameters(type(part))}
    return found | {"return": preset.fx_bus.return_gain_db, "seed": preset.fx_bus.seed}


def assert_same(a, b):
    assert numbers(a) == pytest.approx(numbers(b), rel=1e-9, abs=1e-9)
    assert [track.mute for track in a.tracks] == [track.mute for track in b.tracks]


def one_track(name="Vox", **values):
    return Preset(
        tracks=(Track(name=name, strip=replace(Strip(), {k.replace("__", "."): v for k, v in values.items()})),)
    )


class TestMoveGain:
    def test_values(self):
        strip = replace(
            Strip(),
            {"compressor.threshold_db": -20, "saturation.drive": 10, "fader_db": 3, "eq.band0.gain_db": 2},
        )
        moved = move_gain(strip, 20)
        assert moved.input_gain_db == 20
        assert moved.compressor.threshold_db == 0
        assert moved.saturation.drive == pytest.approx(1)
        assert moved.fader_db == -17
        assert moved.eq == strip.eq

    @QUICK
    @given(consoles(Strip, ROOMY), st.floats(-20, 20))
    def test_there_and_back(self, strip, gain_db):
        strip = replace(strip, {"saturation.drive": min(strip.saturation.drive, 9.9)})
        back = move_gain(move_gain(strip, gain_db), -gain_db)
        for path in parameters(Strip):
            assert get(back, path) == pytest.approx(get(strip, path), rel=1e-12, abs=1e-12)

    def test_back_to_the_limit_itself(self):
        strip = replace(Strip(), {"saturation.drive": 100, "compressor.threshold_db": 60})
        for gain_db in (0.1, 0.7, 3.3):
            moved = move_gain(strip.model_copy(update={"compressor": Strip().compressor}), gain_db)
            assert move_gain(moved, -gain_db).saturation.drive == pytest.approx(100)

    @pytest.mark.parametrize(
        ("values", "gain_db", "named"),
        [
            (
                {"compressor.threshold_db": 50},
                11,
                "compressor.threshold_db would be 61 dB and must be -120 to 60 dB",
            ),
            ({"fader_db": -115}, 6, "fader_db would be -121 dB"),
            ({"saturation.drive": 50}, -20, "saturation.drive would be 500"),
            ({"input_gain_db": 90}, 7, "input_gain_db would be 97 dB"),
            ({}, math.nan, "nan dB cannot be moved"),
        ],
    )
    def test_limits(self, values, gain_db, named):
        with pytest.raises(PresetError, match=named):
            move_gain(replace(Strip(), values), gain_db)


class TestDeskForm:
    @QUICK
    @given(presets(ROOMY))
    def test_idempotent_and_without_input_gain(self, preset):
        once = desk_form(preset)
        assert desk_form(once) == once
        assert [track.strip.input_gain_db for track in once.tracks] == [0, 0]
        assert once.master.input_gain_db == 0

    @QUICK
    @given(presets(ROOMY))
    def test_gain_before_and_behind_adds_up_the_same(self, preset):
        desk = desk_form(preset)
        for old, new in zip(preset.tracks, desk.tracks, strict=True):
            assert new.strip.fader_db == pytest.approx(old.strip.fader_db + old.strip.input_gain_db)
        assert desk.master.output_gain_db == pytest.approx(preset.master.output_gain_db + preset.master.input_gain_db)
        assert desk.master.compressor.threshold_db == pytest.approx(
            preset.master.compressor.threshold_db - preset.master.input_gain_db
        )

    def test_a_limit_names_the_track(self):
        with pytest.raises(PresetError, match=r'Track "Vox": .*gate.threshold_db would be 66 dB'):
            desk_form(one_track(input_gain_db=-90))

    def test_a_limit_names_the_master(self):
        with pytest.raises(PresetError, match="Master: "):
            desk_form(Preset(master=Master(input_gain_db=-90)))


class TestScaled:
    @QUICK
    @given(presets())
    def test_one_is_as_it_is(self, preset):
        assert_same(scaled(preset, 1), preset)

    @QUICK
    @given(presets())
    def test_zero_is_neutral(self, preset):
        result = scaled(preset, 0)
        for bus in (*(track.strip for track in result.tracks), result.master):
            for path, row in parameters(type(bus)).items():
                if row.neutral is not None:
                    assert get(bus, path) == row.neutral, path

    @QUICK
    @given(presets(), st.floats(0, 1.5))
    def test_always_inside_the_table(self, preset, amount):
        result = scaled(preset, amount)
        Preset.model_validate(result.model_dump())

    def test_values(self):
        half = (
            scaled(
                one_track(
                    eq__band0__gain_db=-6,
                    eq__band0__freq_hz=300,
                    compressor__ratio=4,
                    pan=-0.5,
                    fx_send_db=-10,
                ),
                0.5,
            )
            .tracks[0]
            .strip
        )
        assert half.eq.band0.gain_db == -3
        assert half.eq.band0.freq_hz == 300
        assert half.compressor.ratio == pytest.approx(2)
        assert half.pan == -0.25
        assert half.fx_send_db == pytest.approx(-10 - 6.0206, abs=1e-4)

    def test_threshold_keeps_its_place_against_the_signal(self):
        half = scaled(one_track(input_gain_db=20, fader_db=-4, compressor__threshold_db=-10), 0.5).tracks[0].strip
        assert half.input_gain_db == pytest.approx(10)
        assert half.compressor.threshold_db == pytest.approx(-20)
        assert half.fader_db == pytest.approx(-2)

    def test_an_off_send_stays_off(self):
        assert scaled(one_track(), 1.5).tracks[0].strip.fx_send_db == -80
        assert scaled(one_track(fx_send_db=-79), 0.1).tracks[0].strip.fx_send_db == -80

    def test_more_than_one_is_held_at_the_limit(self):
        assert scaled(one_track(compressor__ratio=20, pan=0.9), 1.5).tracks[0].strip.compressor.ratio == 20
        assert scaled(one_track(pan=0.9), 1.5).tracks[0].strip.pan == 1

    @pytest.mark.parametrize("amount", [-0.1, 1.51, math.nan, math.inf])
    def test_amount_out_of_range(self, amount):
        with pytest.raises(PresetError, match="out of range"):
            scaled(Preset(), amount)

    def test_the_note_says_so_and_keeps_the_old_one(self):
        preset = Preset(name="Verse", provenance=Provenance(note="x" * 2000, model="m"))
        provenance = scaled(preset, 0.5).provenance
        assert provenance.note.startswith('amount 0.5 of "Verse"; xxx')
        assert len(provenance.note) == 2000
        assert provenance.model == "m"


class TestBlended:
    @QUICK
    @given(presets(), presets(names=("Bass", "Lead Vox")))
    def test_ends(self, a, b):
        assert_same(blended(a, b, 0), a)
        at_b = blended(a, b, 1)
        assert_same(at_b.model_copy(update={"tracks": at_b.tracks[::-1]}), b)

    @QUICK
    @given(presets(), presets(), st.floats(0, 1))
    def test_mirrored(self, a, b, position):
        there, back = blended(a, b, position), blended(b, a, 1 - position)
        assert numbers(there) | {"seed": 0} == pytest.approx(numbers(back) | {"seed": 0}, rel=1e-6, abs=1e-6)

    def test_scales(self):
        a = one_track(eq__band1__freq_hz=1000, compressor__attack_ms=1, pan=-1, fx_send_db=-80, compressor__ratio=1)
        b = one_track(eq__band1__freq_hz=4000, compressor__attack_ms=100, pan=1, fx_send_db=0, compressor__ratio=4)
        strip = blended(a, b, 0.5).tracks[0].strip
        assert strip.eq.band1.freq_hz == pytest.approx(2000)
        assert strip.compressor.attack_ms == pytest.approx(10)
        assert strip.compressor.ratio == pytest.approx(2)
        assert strip.pan == 0
        assert strip.fx_send_db == pytest.approx(-6.0206, abs=1e-4)

    def test_fx_bands(self):
        low = Preset(fx_bus=FxBus(bands=(FxBand(gain_db=-20, decay_s=1),) * 12, return_gain_db=-10))
        high = Preset(fx_bus=FxBus(bands=(FxBand(gain_db=0, decay_s=4),) * 12, return_gain_db=0))
        bus = blended(low, high, 0.5).fx_bus
        assert bus.bands[7].gain_db == -10
        assert bus.bands[7].decay_s == pytest.approx(2)
        assert bus.return_gain_db == -5

    def test_thresholds_meet_on_the_raw_track(self):
        a = one_track(input_gain_db=20, compressor__threshold_db=-10)  # -30 dB on the raw track
        b = one_track(compressor__threshold_db=-10)
        strip = blended(a, b, 0.5).tracks[0].strip
        assert strip.compressor.threshold_db - strip.input_gain_db == pytest.approx(-20)

    def test_what_has_no_middle_is_the_nearer_ones(self):
        a = Preset(tracks=(Track(name="Vox", mute=True),), fx_bus=FxBus(seed=1))
        b = Preset(tracks=(Track(name="Vox"),), fx_bus=FxBus(seed=2))
        assert (blended(a, b, 0.4).tracks[0].mute, blended(a, b, 0.4).fx_bus.seed) == (True, 1)
        assert (blended(a, b, 0.6).tracks[0].mute, blended(a, b, 0.6).fx_bus.seed) == (False, 2)

    def test_different_tracks_are_listed(self):
        a = Preset(tracks=(Track(name="Vox"), Track(name="Bass")))
        b = Preset(tracks=(Track(name="Vox"), Track(name="Kick")))
        with pytest.raises(PresetError, match=r"only in the first: Bass; only in the second: Kick"):
            blended(a, b, 0.5)

    @pytest.mark.parametrize("position", [-0.01, 1.01, math.nan])
    def test_position_out_of_range(self, position):
        with pytest.raises(PresetError, match="out of range"):
            blended(Preset(), Preset(), position)


class TestMerged:
    @QUICK
    @given(presets(), presets())
    def test_everything_is_the_other_and_nothing_the_base(self, base, other):
        assert_same(merged(base, other, sections=SECTIONS), other)
        assert_same(merged(base, other, sections=()), base)

    @pytest.mark.parametrize("section", [*SECTIONS, *GROUPS])
    def test_a_section_takes_that_and_nothing_else(self, section):
        base = one_track(name="Vox")
        other = one_track(
            name="Vox",
            fader_db=-5,
            eq__band0__gain_db=3,
            compressor__ratio=4,
            saturation__drive=2,
            pan=0.3,
            fx_send_db=-10,
            reverb_send_db=-12,
            delay_send_db=-14,
            gate__range_db=20,
            low_cut__freq_hz=80,
            high_cut__freq_hz=9000,
            deesser__range_db=6,
        )
        insert = Insert(kind="denoise", sha256="0" * 64)
        other = other.model_copy(
            update={
                "tracks": (other.tracks[0].model_copy(update={"bus": "Vocals", "inserts": (insert,)}),),
                "buses": (GroupBus(name="Vocals"),),
                "fx_bus": FxBus(seed=7),
                "reverb": Reverb(size=0.8),
                "delay": Delay(feedback=0.5),
                "master": Master(output_gain_db=-2),
            }
        )
        expected = {
            "trim": set(),
            "mute": set(),
            "inserts": {"tracks[Vox].inserts"},
            "fader": {"tracks[Vox].fader_db"},
            "gain": {"tracks[Vox].fader_db"},
            "dynamics": {
                "tracks[Vox].compressor.ratio",
                "tracks[Vox].gate.range_db",
                "tracks[Vox].deesser.range_db",
            },
            "gate": {"tracks[Vox].gate.range_db"},
            "low_cut": {"tracks[Vox].low_cut.freq_hz"},
            "high_cut": {"tracks[Vox].high_cut.freq_hz"},
            "cuts": {"tracks[Vox].low_cut.freq_hz", "tracks[Vox].high_cut.freq_hz"},
            "deesser": {"tracks[Vox].deesser.range_db"},
            "buses": {"tracks[Vox].bus", "buses[Vocals]"},
            "delay": {"delay.feedback"},
            "eq": {"tracks[Vox].eq.band0.gain_db"},
            "compressor": {"tracks[Vox].compressor.ratio"},
            "saturation": {"tracks[Vox].saturation.drive"},
            "pan": {"tracks[Vox].pan"},
            "send": {"tracks[Vox].fx_send_db", "tracks[Vox].reverb_send_db", "tracks[Vox].delay_send_db"},
            "reverb": {"fx_bus.seed", "reverb.size"},
            "fx": {
                *(f"tracks[Vox].{bus}_send_db" for bus in ("fx", "reverb", "delay")),
                "fx_bus.seed",
                "reverb.size",
                "delay.feedback",
            },
            "master": {"master.output_gain_db"},
        }
        changes = diff(base, merged(base, other, sections=[section]))
        assert {change.path for change in changes} == expected[section]

    def test_a_compressor_keeps_its_threshold_on_the_raw_track(self):
        other = one_track(input_gain_db=20, compressor__threshold_db=-10, compressor__ratio=3)
        strip = merged(one_track(), other, sections=["compressor"]).tracks[0].strip
        assert strip.compressor.threshold_db == -30
        assert strip.input_gain_db == 0

    def test_the_trim_alone_moves_gain_and_keeps_the_sound(self):
        base = one_track(compressor__threshold_db=-30, compressor__ratio=3, saturation__drive=2, fader_db=5)
        strip = merged(base, one_track(input_gain_db=20), sections=["trim"]).tracks[0].strip
        moved = (strip.input_gain_db, strip.compressor.threshold_db, strip.saturation.drive, strip.fader_db)
        assert moved == (20, -10, 0.2, -15)

    def test_only_these_tracks_and_not_the_shared_reverb(self):
        base = Preset(tracks=(Track(name="Vox"), Track(name="Bass")))
        wet = Strip(fx_send_db=-6)
        other = Preset(tracks=(Track(name="Vox", strip=wet), Track(name="Bass", strip=wet)), fx_bus=FxBus(seed=5))
        result = merged(base, other, sections=["fx"], tracks=["Vox"])
        assert [track.strip.fx_send_db for track in result.tracks] == [-6, -80]
        assert result.fx_bus == base.fx_bus

    def test_mute_goes_with_the_gain(self):
        base, other = (Preset(tracks=(Track(name="Vox", mute=mute),)) for mute in (False, True))
        assert merged(base, other, sections=["gain"]).tracks[0].mute
        assert not merged(base, other, sections=["eq"]).tracks[0].mute

    def test_unknown_names(self):
        with pytest.raises(PresetError, match='no section called "eqq"; did you mean "eq"'):
            merged(Preset(), Preset(), sections=["eqq"])
        with pytest.raises(PresetError, match='"Vos"; did you mean "Vox"'):
            merged(one_track(), one_track(), sections=["eq"], tracks=["Vos"])


class TestDiff:
    @QUICK
    @given(presets())
    def test_nothing_against_itself(self, preset):
        assert diff(preset, preset) == ()
        assert diff(preset, scaled(preset, 1)) == ()

    def test_values_and_units(self):
        a = Preset(tracks=(Track(name="Lead Vox"),))
        strip = replace(Strip(), {"eq.band1.gain_db": -2.0})
        bands = (*FxBus().bands[:3], FxBand(decay_s=3.0), *FxBus().bands[4:])
        b = Preset(
            tracks=(Track(name="Lead Vox", strip=strip, mute=True),),
            fx_bus=FxBus(bands=bands),
            master=Master(input_gain_db=1),
        )
        assert diff(a, b) == (
            Change("tracks[Lead Vox].mute", False, True),
            Change("tracks[Lead Vox].eq.band1.gain_db", 0.0, -2.0, "dB"),
            Change("fx_bus.bands[3].gain_db", -4.0, 0.0, "dB"),
            Change("fx_bus.bands[3].decay_s", 1.1, 3.0, "s"),
            Change("master.input_gain_db", 0.0, 1.0, "dB"),
        )

    def test_tracks_on_one_side(self):
        a, b = Preset(tracks=(Track(name="Vox"),)), Preset(tracks=(Track(name="Bass"),))
        assert diff(a, b) == (
            Change("tracks[Vox]", "present", None),
            Change("tracks[Bass]", None, "present"),
        )

    def test_order_of_tracks_is_not_heard(self):
        tracks = (Track(name="Vox"), Track(name="Bass"))
        assert diff(Preset(tracks=tracks), Preset(tracks=tracks[::-1])) == ()
