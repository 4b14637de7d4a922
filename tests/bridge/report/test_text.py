"""Words and tables: what a client reads about a strip."""

import io

import pytest
from mixbridge.bridge.report.tables import diff_table, preset_table
from mixbridge.bridge.report.text import describe_master, describe_origin, describe_strip, spoken_frequency, spoken_pan
from mixbridge.presets import factory
from mixbridge.presets.console import Master, Strip, replace
from mixbridge.presets.edit import Change, move_gain
from mixbridge.presets.preset import Preset, Provenance, SourceFile, Track
from mixbridge.presets.sections import active_sections, described, spoken
from rich.console import Console


def strip(**values):
    return replace(Strip(), {path.replace("__", "."): value for path, value in values.items()})


def words(**values):
    return describe_strip(Track(name="Vox", strip=strip(**values)))


def printed(table, width=100):
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return out.getvalue()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "left as it is"),
        ({"eq__band0__gain_db": -3.1, "eq__band0__freq_hz": 250}, "cuts 3.1 dB of mud around 250 Hz"),
        ({"eq__band1__gain_db": 2, "eq__band1__freq_hz": 3200}, "adds 2 dB of presence around 3.2 kHz"),
        ({"eq__band3__gain_db": 2, "eq__band3__freq_hz": 14000}, "adds 2 dB of air around 14 kHz"),
        (
            {"eq__low_shelf__gain_db": -6, "eq__low_shelf__freq_hz": 90},
            "lowers everything below 90 Hz by 6 dB",
        ),
        ({"eq__high_shelf__gain_db": 1.5}, "lifts everything above 10 kHz by 1.5 dB"),
        (
            {"compressor__threshold_db": -24, "compressor__ratio": 3, "compressor__attack_ms": 5},
            "evens out peaks above -24 dB, 3:1, fast",
        ),
        (
            {"compressor__threshold_db": -6, "compressor__ratio": 10, "compressor__attack_ms": 50},
            "holds peaks at -6 dB, slow",
        ),
        ({"compressor__makeup_db": 3}, "raises the result by 3 dB"),
        ({"saturation__drive": 0.5}, "a touch of saturation (drive 0.5)"),
        ({"saturation__drive": 2}, "saturated for grit (drive 2)"),
        ({"saturation__drive": 40}, "distorted (drive 40)"),
        ({"input_gain_db": 6, "fader_db": -1.8}, "turned up 4.2 dB"),
        ({"fader_db": -3}, "turned down 3 dB"),
        ({"pan": -0.3}, "30 % left"),
        ({"pan": 1}, "hard right"),
        ({"fx_send_db": -14}, "reverb at -14 dB"),
    ],
)
def test_one_setting_one_sentence(values, expected):
    assert words(**values) == [expected]


def test_what_is_not_heard_is_not_said():
    assert words(eq__band0__gain_db=0.1, fader_db=-0.1, compressor__ratio=1.01, pan=0.01) == ["left as it is"]


def test_words_and_table_tell_the_threshold_of_the_file():
    """And say behind which gain; how loud the track becomes is the same for the same sound."""
    before = strip(compressor__threshold_db=-24, compressor__ratio=3, saturation__drive=0.5, fader_db=2)
    track = Track(name="a", strip=move_gain(before, 17))
    assert track.strip.compressor.threshold_db == -7
    assert describe_strip(track)[0] == "evens out peaks above -7 dB (after +17.0 dB of input gain), 3:1, medium"
    assert describe_strip(track)[2] == describe_strip(Track(name="a", strip=before))[2] == "turned up 2 dB"
    text = printed(preset_table(Preset(tracks=(track,))))
    assert "3:1 > -7 dB" in text
    assert "thresholds are levels after the input gain" in text


def test_bands_are_said_from_low_to_high():
    sentences = words(eq__band0__gain_db=2, eq__band0__freq_hz=5000, eq__band1__gain_db=2, eq__band1__freq_hz=100)
    assert [sentence.split(" around ")[1] for sentence in sentences] == ["100 Hz", "5 kHz"]


def test_muted_is_all_there_is_to_say():
    assert describe_strip(Track(name="a", strip=strip(pan=1), mute=True)) == ["muted"]


def test_master():
    assert describe_master(Master()) == ["left as it is"]
    assert describe_master(Master(input_gain_db=1, output_gain_db=-3)) == ["turned down 2 dB"]


def test_origin():
    assert describe_origin(Provenance()) == []
    reference = SourceFile(file="song.wav", sha256="0" * 64)
    assert describe_origin(Provenance(model="m", reference=reference)) == ["model: m", "reference: song.wav"]


@pytest.mark.parametrize(
    ("freq_hz", "expected"),
    [(31.5, "32 Hz"), (250, "250 Hz"), (999, "1 kHz"), (3150, "3.1 kHz"), (16000, "16 kHz")],
)
def test_frequencies(freq_hz, expected):
    assert spoken_frequency(freq_hz) == expected


def test_pan():
    assert [spoken_pan(pan) for pan in (0, 0.5, -1)] == ["centre", "50 % right", "hard left"]


def test_preset_table_shows_names_literally_and_the_numbers_of_the_file():
    tracks = (
        Track(name="Gtr [bold]L[/bold]", strip=strip(pan=-0.3, fader_db=-2.5, eq__band1__gain_db=2)),
        Track(name="Kick", mute=True),
    )
    text = printed(preset_table(Preset(name="[red]", tracks=tracks)))
    assert "[red]" in text
    row = next(line for line in text.splitlines() if "Gtr [bold]L[/bold]" in line)
    assert row.split()[-6:] == ["+2.0", "@", "3", "kHz", "L30", "off"]
    assert "-2.5" in row
    assert "muted" in next(line for line in text.splitlines() if "Kick" in line)
    assert any(line.split()[:3] == ["master", "0", "0"] for line in text.splitlines())


def test_preset_table_fits_eighty_columns_uncut():
    busy = strip(
        input_gain_db=-12.3, fader_db=-12.3, eq__band1__gain_db=-11.5, compressor__ratio=3.5,
        compressor__threshold_db=-32.1, saturation__drive=0.55, pan=-0.33, fx_send_db=-32.1,
    )  # fmt: skip
    text = printed(preset_table(Preset(tracks=(Track(name="Lead Vox", strip=busy),))), width=80)
    assert "…" not in text


@pytest.mark.parametrize("name", factory.names())
def test_eighty_columns_show_factory_presets_by_whole_words(name):
    """No word is broken or cut, however many stages work; one without a column is named."""
    preset = factory.load(name)
    text = printed(preset_table(preset), width=80)
    words = set(text.split())
    assert "…" not in text
    columns = {"trim", "eq", "compressor", "saturation", "fader", "pan", "send"}
    parts = [(track.name, track.strip) for track in preset.tracks] + [(bus.name, bus.strip) for bus in preset.buses]
    for part, settings in parts:
        assert set(part.split()) <= words
        for section in active_sections(settings, known=columns):
            assert spoken(section) in text
    if name == "lead-vocal":
        assert {"low", "cut", "de-esser", "drive", "0.6", "delay", "-22"} <= words


def test_what_is_left_out_is_said_without_what_does_nothing():
    """As notes of desks and sessions have it."""
    vocal = factory.load("lead-vocal").tracks[0].strip
    assert described(vocal, "send") == "send to the reverb of -14 dB and send to the delay of -22 dB"
    assert described(vocal, "saturation") == "saturation (drive 0.6)"
    assert described(vocal, "deesser") == "de-esser (frequency 6800 Hz, threshold -38 dB, range 6 dB)"
    assert described(Strip(), "pan") == "pan of 0"


def test_diff_table():
    changes = (
        Change("tracks[L [b]].pan", 0.0, -0.5),
        Change("tracks[Vox].mute", False, True),
        Change("master.eq.band1.gain_db", 1.0, -2.0, "dB"),
        Change("master.compressor.ratio", 2.0, 4.0, ":1"),
        Change("master.compressor.lookahead_ms", 0.0, 4.0, "ms"),
        Change("tracks[Kick]", None, "present"),
    )
    rows = [line.split() for line in printed(diff_table(changes)).splitlines()]
    assert ["tracks[L", "[b]].pan", "0", "-0.5"] in rows
    assert ["tracks[Vox].mute", "no", "yes"] in rows
    assert ["master.eq.band1.gain_db", "1", "dB", "-2", "dB", "-3.0", "dB"] in rows
    assert ["master.compressor.ratio", "2:1", "4:1", "x2.00"] in rows
    assert ["master.compressor.lookahead_ms", "0", "ms", "4", "ms"] in rows
    assert ["tracks[Kick]", "-", "present"] in rows
