"""The addresses of a preset's settings, against the console's table."""

import math
from pathlib import Path

import pytest
from mixbridge.bridge.desks.effects import Effect
from mixbridge.bridge.desks.layout import EFFECTS
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.osc.packets import Message, encode
from mixbridge.bridge.server.addresses import PresetSetting, differences, find, sendable, strip_values, table
from mixbridge.presets.console import Delay, FxBand, FxBus, Master, Reverb, Strip, get, parameters
from mixbridge.presets.errors import PresetError
from mixbridge.presets.preset import GroupBus, Preset, Track

DOCS = Path(__file__).parents[3] / "docs" / "osc-server.md"
PRESET = Preset(
    tracks=tuple(Track(name=name) for name in ("Bass", "Vox", "Keys")),
    buses=(GroupBus(name="Drums"), GroupBus(name="Voices")),
)

# With its reverb and its delay at hand, as a push that was allowed to set them has them.
GENERIC = load_desk("generic").with_effects([Effect(kind, 1, None, "built-in") for kind in EFFECTS])


def numbered(address, number=2):
    return address.replace("<n>", str(number))


def test_every_row_of_the_table_has_an_address():
    rows = sum(len(parameters(section)) for section in (Strip, Strip, Master, Reverb, Delay, FxBus, FxBand))
    addresses = [address for address, _ in table()]
    assert len(addresses) == len(set(addresses)) == rows


@pytest.mark.parametrize(
    ("address", "section", "path"),
    [
        ("/mixbridge/track/2/eq/1/gain_db", lambda preset: preset.tracks[1].strip, "eq.low_shelf.gain_db"),
        ("/mixbridge/track/2/eq/2/freq_hz", lambda preset: preset.tracks[1].strip, "eq.band0.freq_hz"),
        ("/mixbridge/track/2/eq/6/q", lambda preset: preset.tracks[1].strip, "eq.high_shelf.q"),
        ("/mixbridge/track/02/fader_db", lambda preset: preset.tracks[1].strip, "fader_db"),
        ("/mixbridge/track/2/compressor/ratio", lambda preset: preset.tracks[1].strip, "compressor.ratio"),
        ("/mixbridge/master/fader_db", lambda preset: preset.master, "output_gain_db"),
        ("/mixbridge/master/trim_db", lambda preset: preset.master, "input_gain_db"),
        ("/mixbridge/fx_bus/return_gain_db", lambda preset: preset.fx_bus, "return_gain_db"),
        ("/mixbridge/fx_bus/bands/12/decay_s", lambda preset: preset.fx_bus.bands[11], "decay_s"),
    ],
)
def test_an_address_leads_to_its_setting(address, section, path):
    value = 1234.5 if "freq" in path else 1.25
    changed = find(PRESET, address).write(PRESET, value)
    assert get(section(changed), path) == value
    assert find(changed, address).read(changed) == value
    assert get(section(PRESET), path) != value


@pytest.mark.parametrize(("address", "row"), list(table()), ids=[address for address, _ in table()])
def test_every_setting_takes_its_range_and_no_more(address, row):
    place = find(PRESET, numbered(address))
    for value in (row.low, row.high):
        changed = place.write(PRESET, value)
        assert place.read(changed) == value
        assert Preset.model_validate(changed.model_dump()) == changed
        beyond = value - 1 if value == row.low else value + 1
        with pytest.raises(PresetError, match=r"range: .* to "):
            place.write(PRESET, beyond)


def test_the_generic_desk_has_the_same_addresses():
    """A controller laid out for what `push` sends can change a preset too."""
    for kind in ("track", "bus", "master", "reverb", "delay"):
        for setting in GENERIC.questions(kind, 1):
            place = find(PRESET, setting.address)
            assert place.read(PRESET) is not None
            if isinstance(place, PresetSetting):
                assert (setting.scale.low, setting.scale.high) == (place.row.low, place.row.high), setting.address


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "1", b"1", True, None, 2**63])
def test_what_is_no_setting(value):
    with pytest.raises(PresetError):
        find(PRESET, "/mixbridge/track/1/pan").write(PRESET, value)


def test_limits_may_be_off_by_a_float32():
    place = find(PRESET, "/mixbridge/track/1/compressor/attack_ms")
    assert place.read(place.write(PRESET, 0.1 * (1 - 1e-7))) == 0.1


@pytest.mark.parametrize("value", [1, 1.0, True])
def test_mute(value):
    place = find(PRESET, "/mixbridge/track/3/mute")
    muted = place.write(PRESET, value)
    assert [track.mute for track in muted.tracks] == [False, False, True]
    assert place.read(muted) == 1
    assert place.write(muted, 0) == PRESET
    for wrong in (2, 0.5, "on", None, math.nan):
        with pytest.raises(PresetError, match="neither"):
            place.write(PRESET, wrong)


def test_names_and_count_can_be_asked_for_only():
    assert find(PRESET, "/mixbridge/track/2/name").read(PRESET) == "Vox"
    assert find(PRESET, "/mixbridge/track/count").read(PRESET) == 3
    for address in ("/mixbridge/track/2/name", "/mixbridge/track/count"):
        with pytest.raises(PresetError, match="not be changed"):
            find(PRESET, address).write(PRESET, "x")


@pytest.mark.parametrize(
    "address",
    [
        "", "/", "/mixbridge", "/mixbridge/", "/mixbridge/track", "/mixbridge/track/", "/mixbridge/track/1",
        "/mixbridge/track/1/", "/mixbridge/track/0/pan", "/mixbridge/track/4/pan", "/mixbridge/track/-1/pan",
        "/mixbridge/track/1/eq/0/q", "/mixbridge/track/1/eq/7/q", "/mixbridge/track/1/eq/band0/q",
        "/mixbridge/track/1/pan/x", "/mixbridge/track/1.0/pan", "/mixbridge/track/*/pan", "/mixbridge/track/²/pan",
        f"/mixbridge/track/{'9' * 5000}/pan", "/mixbridge/master/name", "/mixbridge/fx_bus/bands/13/gain_db",
        "/mixbridge/fx_bus/bands/1/q", "/other/track/1/pan", "/mixbridge/track/1/model_config", "/mixbridge/track/1/eq",
    ],
)  # fmt: skip
def test_addresses_that_lead_nowhere(address):
    with pytest.raises(PresetError, match="there is no") as refusal:
        find(PRESET, address)
    assert len(str(refusal.value)) < 300


def test_the_values_of_a_strip():
    values = strip_values(PRESET, "/mixbridge/track/2")
    assert Message("/mixbridge/track/2/name", ("Vox",)) in values
    assert len(values) == 2 + len(parameters(Strip))
    assert len(strip_values(PRESET, "/mixbridge/master")) == len(parameters(Master))
    assert len(strip_values(PRESET, "/mixbridge/fx_bus")) == len(parameters(FxBus)) + 12 * len(parameters(FxBand))
    assert strip_values(PRESET, "/mixbridge/track/count") is None
    assert strip_values(PRESET, "/mixbridge/track/2/pan") is None
    with pytest.raises(PresetError):
        strip_values(PRESET, "/mixbridge/track/4")


class TestDifferences:
    def test_none(self):
        assert differences(PRESET, Preset.model_validate(PRESET.model_dump())) == []

    def test_each_changed_place_once(self):
        new = PRESET
        sent = []
        for address, value in (
            ("/mixbridge/track/2/mute", 1),
            ("/mixbridge/track/3/eq/2/gain_db", -3.0),
            ("/mixbridge/master/compressor/ratio", 2.0),
            ("/mixbridge/fx_bus/bands/5/gain_db", -6.0),
        ):
            sent.append(Message(address, (value,)))
            new = find(new, address).write(new, value)
        assert differences(PRESET, new) == sent

    def test_another_set_of_groups(self):
        new = PRESET.model_copy(update={"buses": (*PRESET.buses, GroupBus(name="Choir"))})
        sent = differences(PRESET, new)
        assert sent[:2] == [Message("/mixbridge/bus/count", (3,)), Message("/mixbridge/bus/3/name", ("Choir",))]
        assert differences(new, PRESET) == [Message("/mixbridge/bus/count", (2,))]

    def test_another_set_of_tracks(self):
        tracks = (Track(name="Drums"), *PRESET.tracks[1:], Track(name="Pad"))
        new = PRESET.model_copy(update={"tracks": tracks})
        sent = differences(PRESET, new)
        assert sent[:2] == [Message("/mixbridge/track/count", (4,)), Message("/mixbridge/track/1/name", ("Drums",))]
        assert [message.address for message in sent[2:]] == [
            message.address for message in strip_values(new, "/mixbridge/track/4")
        ]
        assert differences(new, PRESET)[0] == Message("/mixbridge/track/count", (3,))


def test_any_name_can_be_sent():
    preset = Preset(tracks=(Track(name="a\0b"),))
    assert find(preset, "/mixbridge/track/1/name").read(preset) == "a?b"
    encode(Message("/name", (sendable("file \ud800.wav"),)))


def test_the_documentation_has_them_all():
    rows = [
        f"| `{address}` | {row.low:g} .. {row.high:g}{f' {row.unit}' if row.unit else ''} | {row.help} |"
        for address, row in table()
    ]
    assert DOCS.read_text(encoding="utf-8").endswith("\n".join(rows) + "\n")


@pytest.mark.parametrize("kind", ["track", "bus", "master", "reverb", "delay"])
def test_every_address_of_the_generic_desk_is_here(kind):
    """One layout of a controller serves both."""
    for setting in GENERIC.questions(kind, 1 if kind in EFFECTS else 2):
        place = find(PRESET, setting.address)
        assert place.read(PRESET) is not None


SWITCHED = (
    ("eq/on", "eq/2/gain_db", 3.0),
    ("compressor/on", "compressor/ratio", 4.0),
    ("gate/on", "gate/range_db", 12.0),
    ("low_cut/on", "low_cut/freq_hz", 80.0),
    ("high_cut/on", "high_cut/freq_hz", 9000.0),
    ("deesser/on", "deesser/range_db", 6.0),
    ("saturation/on", "saturation/drive", 2.0),
)


@pytest.mark.parametrize("strip", ["track/2", "bus/2", "master"])
def test_a_section_is_on_if_it_does_anything(strip):
    for switch, setting, value in SWITCHED[:2] if strip == "master" else SWITCHED:
        address = f"/mixbridge/{strip}/{switch}"
        place = find(PRESET, address)
        assert place.read(PRESET) == 0
        active = find(PRESET, f"/mixbridge/{strip}/{setting}").write(PRESET, value)
        assert place.read(active) == 1
        assert place.write(active, 1) == active
        assert place.write(active, 0) == PRESET
        with pytest.raises(PresetError, match="neither 1"):
            place.write(active, 2)


def test_a_switch_goes_for_all_linked_tracks():
    linked = tuple(track.model_copy(update={"link": "OH"}) for track in PRESET.tracks[:2])
    mix = PRESET.model_copy(update={"tracks": (*linked, PRESET.tracks[2])})
    active = find(mix, "/mixbridge/track/1/gate/range_db").write(mix, 20.0)
    assert find(active, "/mixbridge/track/2/gate/on").write(active, 0) == mix


def test_a_group_has_a_name_and_is_heard():
    assert find(PRESET, "/mixbridge/bus/2/name").read(PRESET) == "Voices"
    assert find(PRESET, "/mixbridge/bus/count").read(PRESET) == 2
    for address in ("/mixbridge/bus/2/name", "/mixbridge/bus/count"):
        with pytest.raises(PresetError, match="not be changed"):
            find(PRESET, address).write(PRESET, "x")
    mute = find(PRESET, "/mixbridge/bus/1/mute")
    assert mute.read(PRESET) == 0
    assert mute.write(PRESET, 0) is PRESET
    with pytest.raises(PresetError, match="group of a preset has no mute"):
        mute.write(PRESET, 1)
    assert Message("/mixbridge/bus/1/name", ("Drums",)) in strip_values(PRESET, "/mixbridge/bus/1")


def test_what_a_master_has_not():
    for switch in ("gate/on", "saturation/on"):
        with pytest.raises(PresetError, match="there is no address"):
            find(PRESET, f"/mixbridge/master/{switch}")


def test_the_master_of_a_preset_has_no_pan_and_no_mute():
    for name in ("pan", "mute"):
        place = find(PRESET, f"/mixbridge/master/{name}")
        assert place.read(PRESET) == 0
        assert place.write(PRESET, 0) is PRESET
        with pytest.raises(PresetError, match="no " + name):
            place.write(PRESET, 1)


def test_linked_tracks_move_together_but_for_fader_and_pan():
    linked = tuple(track.model_copy(update={"link": "OH"}) for track in PRESET.tracks[:2])
    mix = PRESET.model_copy(update={"tracks": (*linked, PRESET.tracks[2])})
    changed = find(mix, "/mixbridge/track/2/eq/1/gain_db").write(mix, 3.0)
    assert [track.strip.eq.low_shelf.gain_db for track in changed.tracks] == [3, 3, 0]
    changed = find(mix, "/mixbridge/track/2/pan").write(mix, 0.5)
    assert [track.strip.pan for track in changed.tracks] == [0, 0.5, 0]


def test_groups_and_effects_have_addresses():
    for address, path in (
        ("/mixbridge/bus/2/compressor/ratio", lambda mix: mix.buses[1].strip.compressor.ratio),
        ("/mixbridge/reverb/size", lambda mix: mix.reverb.size),
        ("/mixbridge/delay/feedback", lambda mix: mix.delay.feedback),
    ):
        place = find(PRESET, address)
        assert isinstance(place, PresetSetting)
        changed = place.write(PRESET, place.row.high)
        assert path(changed) == place.row.high
        assert [message.address for message in differences(PRESET, changed)] == [address]
