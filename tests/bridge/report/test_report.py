"""The report says what was done, to whom it concerns, in one file that stands alone and trusts no name."""

import base64
import html
import io
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from markupsafe import Markup
from mixbridge.bridge.report import charts, curves
from mixbridge.bridge.report.listening import THIRDS_HZ, SoundFigures, measure, third_octaves_db
from mixbridge.bridge.report.pages import escaped_value
from mixbridge.bridge.report.players import players
from mixbridge.bridge.report.report import _bar_db, make_report
from mixbridge.bridge.report.verdict import compare
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Master, Strip
from mixbridge.presets.preset import Confidence, Finding, Preset, Provenance, SourceFile, Track, Window
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.console.dynamics import compressor_work
from mixbridge.runtime.mixing import MixResult
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.rendering.finishing import Levels
from mixbridge.runtime.rendering.render import RenderResult

from ..conftest import RATE_HZ, sound, write

HOSTILE = '<script>alert("x")</script>\' & "quoted"'

VOX = Strip(
    input_gain_db=6,
    eq=Equalizer(band1=EqBand(gain_db=4, freq_hz=3000), low_shelf=EqBand(gain_db=-3, freq_hz=120)),
    compressor=Compressor(threshold_db=-24, ratio=3),
    fader_db=-2,
    pan=-0.4,
    fx_send_db=-15,
)
MASTER = Master(eq=Equalizer(high_shelf=EqBand(gain_db=2)), compressor=Compressor(threshold_db=-18, ratio=1.5))


class Outline(HTMLParser):
    """Which elements are open at the end, which stand in the file, and which attributes refer to elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.names, self.links, self.text = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        self.links += [value for name, value in attributes if name in {"src", "href", "srcset", "data", "action"}]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.names.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def reported(tmp_path):
    """Reports on a preset over tracks of 3 s in memory; gives the HTML."""

    def reported(preset, audio, *, reference=None, **changes):
        samples = next(iter(audio.values())).shape[1]
        loudness = {name: integrated_loudness(item, RATE_HZ) for name, item in audio.items()}
        passage = Passage(12.5, samples / RATE_HZ, audio, loudness)
        render = RenderResult(
            mix_file="mix.wav",
            stems={},
            buses={},
            sample_rate_hz=RATE_HZ,
            frames=samples,
            master_levels=Levels(-20, -3),
            levels=Levels(-14, -1),
            loudness_gain_db=6.0,
            limited_db=2.5,
            stem_gain_db=0.0,
        )
        result = MixResult(tmp_path / "my mix", preset, replace(render, **changes), passage)
        stems = {name: Path(f"/in/{name[:3]}.wav") for name in audio}
        return make_report(result, stems, reference)

    return reported


def outline_of(text):
    outline = Outline()
    outline.feed(text)
    outline.close()
    return outline


@pytest.fixture
def full(tmp_path, reported):
    reference = write(tmp_path / "song.wav", sound(6, 9, channels=2))
    preset = Preset(
        tracks=(
            Track(name=HOSTILE, strip=VOX),
            Track(name="Bass"),
            Track(name="Silence", note="silent in the passage heard"),
            Track(name="Unused", mute=True),
        ),
        master=MASTER,
        provenance=Provenance(
            model="test model",
            reference=SourceFile(file="song <1>.wav", sha256="0" * 64),
            reference_window=Window(start_s=2, length_s=3),
        ),
    )
    audio = {HOSTILE: sound(3, 1), "Bass": sound(3, 2, channels=2), "Silence": np.zeros((1, 3 * RATE_HZ), np.float32)}
    return reported(preset, audio, reference=reference)


def test_what_is_played_is_the_passage_at_one_loudness():
    """Raw is 20 dB quieter than the mix, and the reference has a peak that holds all three down."""
    quiet, loud = sound(4, 1), sound(4, 2, channels=2)
    spiky = 0.05 * sound(4, 3, channels=2)
    spiky[:, RATE_HZ] = 0.9
    audio = {"raw": 0.1 * quiet, "mix": loud, "reference": spiky, "silence": np.zeros((2, RATE_HZ), np.float32)}
    made = players(audio, {name: measure(samples, RATE_HZ) for name, samples in audio.items()}, RATE_HZ)
    assert [player.name for player in made] == ["raw", "mix", "reference"]
    heard = {}
    for player in made:
        kind, _, coded = player.source.partition(",")
        assert kind == "data:audio/mpeg;base64"
        samples, rate_hz = sf.read(io.BytesIO(base64.b64decode(coded)), dtype="float32", always_2d=True)
        assert rate_hz == RATE_HZ
        assert len(samples) / rate_hz == pytest.approx(4, abs=0.1)
        heard[player.name] = samples.T
    levels = [integrated_loudness(samples, RATE_HZ) for samples in heard.values()]
    assert max(levels) - min(levels) < 0.5
    assert np.abs(heard["reference"]).max() < 1
    assert max(levels) < -16.5
    assert 10 * np.log10(np.mean(heard["mix"] ** 2) / np.mean(loud**2)) < 0  # it was turned down, too


def test_a_rate_that_mp3_has_not_is_resampled():
    audio = {"mix": sound(2, 1)}
    (made,) = players(audio, {"mix": measure(audio["mix"], RATE_HZ)}, 30000)
    coded = base64.b64decode(made.source.partition(",")[2])
    assert sf.info(io.BytesIO(coded)).samplerate == 44100
    assert sf.info(io.BytesIO(coded)).duration == pytest.approx(2 * RATE_HZ / 30000, abs=0.1)


class TestPage:
    def test_stands_alone(self, full):
        outline = outline_of(full)
        assert outline.open == []
        assert all(link.startswith("data:audio/mpeg;base64,") for link in outline.links)
        assert len(outline.links) == 3
        assert not {"script", "link", "img", "iframe", "object"} & set(outline.names)
        assert not re.search(r"url\(|@import|http-equiv=.refresh", full)
        assert "default-src 'none'" in full
        assert len(full) < 500_000

    def test_raw_and_mix_are_heard_over_the_same_time(self, full):
        """The mix has a send, whose tail is not played: who compares hears both begin and end together."""
        coded = [base64.b64decode(link.partition(",")[2]) for link in outline_of(full).links[:2]]
        lengths = [sf.info(io.BytesIO(each)).duration for each in coded]
        assert lengths == pytest.approx([3, 3], abs=0.1)

    def test_names_are_escaped_everywhere(self, full):
        assert "<script" not in full
        text = "".join(outline_of(full).text)
        assert text.count(HOSTILE) >= 2
        assert "song <1>.wav" in text

    def test_says_what_was_done(self, full):
        text = " ".join("".join(outline_of(full).text).split())
        for words in (
            "4 tracks, mixed in the style of song <1>.wav",
            "model test model",
            "\N{MINUS SIGN}14.0 LUFS",
            "Adds 4 dB of presence around 3 kHz.",
            "Evens out peaks above \N{MINUS SIGN}24 dB (after +6.0 dB of input gain), 3:1",
            "40 % left",
            "Reverb at \N{MINUS SIGN}15 dB.",
            "The compressor's gain reduction: ",
            "Left as it is.",
            "Silent in the passage heard.",
            "Muted.",
            "passage of 3.0 s from 0:12.5",
            "reference, from 0:02.0",
            "+6.0 dB to reach the loudness asked for",
            "limiter that turns peaks down by up to 2.5 dB",
            "Your files were not changed",
        ):
            assert words in text

    def test_the_two_loudnesses_are_told_apart(self, full):
        text = " ".join("".join(outline_of(full).text).split())
        assert "The whole mix, as written: loudness \N{MINUS SIGN}14.0 LUFS" in text
        assert "mix, this passage" in text
        assert "passage of 3.0 s from 0:12.5, before the limiter" in text
        assert "the loudness on top is of the whole mix" in text

    def test_each_heard_track_has_its_charts(self, full):
        cards = full.split("<article")[1:]
        assert [card.count('class="chart"') for card in cards] == [3, 2, 0, 0, 2]

    def test_commands_can_be_pasted(self, full, tmp_path):
        commands = [html.unescape(item) for item in re.findall(r"<code>(.*?)</code>", full, re.DOTALL)]
        assert commands[-1] == f"mixbridge preset show '{tmp_path}/my mix/preset.json'"
        assert commands[0].endswith(f"-o '{tmp_path}/my mix-2'")
        assert "Bass=/in/Bas.wav" in commands[0]

    def test_without_a_reference(self, reported):
        text = reported(Preset(tracks=(Track(name="Vox", strip=VOX),)), {"Vox": sound(3)})
        assert "whole reference" not in text
        assert 'class="line reference"' not in text

    def test_nothing_to_hear(self, reported):
        text = reported(
            Preset(tracks=(Track(name="A"),)),
            {"A": np.zeros((1, RATE_HZ), np.float32)},
            levels=Levels(-math.inf, -math.inf),
        )
        assert "There is nothing to hear in this passage." in text
        assert "inf" not in text
        assert "nan" not in text.replace("font", "").lower()


class TestListening:
    def test_third_octaves_of_a_sine_are_in_its_band(self):
        time_s = np.arange(4 * 44100) / 44100
        sine = (0.5 * np.sin(2 * np.pi * 1000 * time_s)).astype(np.float32)[None]
        bands_db = third_octaves_db(sine, 44100)
        assert THIRDS_HZ[np.nanargmax(bands_db)] == 1000
        assert np.sort(bands_db)[-2] < bands_db.max() - 20

    def test_white_noise_rises_a_decibel_a_band(self):
        noise = np.random.default_rng(1).standard_normal((1, 10 * 44100)).astype(np.float32)
        rise_db = np.diff(third_octaves_db(noise, 44100)[10:27])
        assert rise_db.mean() == pytest.approx(1.0, abs=0.1)

    def test_bands_above_the_rate_are_unknown(self):
        assert np.isnan(third_octaves_db(sound(1), 8000)[THIRDS_HZ > 4000]).all()

    def test_width_and_balance(self):
        left, right = sound(2, 1), sound(2, 2)
        both = measure(np.concatenate([left, right]), RATE_HZ)
        assert both.width == pytest.approx(0.5, abs=0.05)
        assert measure(left, RATE_HZ).width == 0
        assert measure(np.concatenate([left, -left]), RATE_HZ).width == pytest.approx(1)
        assert measure(np.concatenate([left, 2 * left]), RATE_HZ).balance_db == pytest.approx(6.02, abs=0.01)

    def test_compressor_at_a_level_that_stays(self):
        """A square wave of -12 dB through a gain of 6 dB, 14 dB over the threshold, at 2:1."""
        square = np.where(np.arange(RATE_HZ) // 50 % 2, 0.25, -0.25).astype(np.float32)[None]
        compressor = Compressor(threshold_db=-20, ratio=2, knee_db=0)
        work = compressor_work(square, RATE_HZ, 6, Equalizer(), compressor)
        assert np.median(work.levels_db) == pytest.approx(-12.04, abs=0.01)
        assert work.most_db == pytest.approx(6.98, abs=0.05)
        assert work.mean_db == pytest.approx(work.most_db, abs=0.2)

    def test_a_fast_follower_sees_peaks_and_a_slow_one_the_mean(self):
        clicks = np.zeros((1, RATE_HZ), np.float32)
        clicks[:, ::500] = 0.5
        clicks[:, 1::500] = 0.5
        seen = [
            compressor_work(
                clicks, RATE_HZ, 0, Equalizer(), Compressor(attack_ms=speed, release_ms=500)
            ).levels_db.max()
            for speed in (0.1, 500)
        ]
        assert seen[0] == pytest.approx(-6, abs=2)
        assert seen[1] < -20


def sound_with(thirds_db, width=0.0):
    return SoundFigures(-14, -1, np.asarray(thirds_db, float), width, 0.0)


FLAT = np.full(len(THIRDS_HZ), -20.0)
BRIGHT = FLAT + 6 * (THIRDS_HZ > 6000)


class TestVerdict:
    def test_brighter_and_like_the_reference(self):
        first, *_, last = compare(sound_with(FLAT), sound_with(BRIGHT), sound_with(BRIGHT))
        assert first == "The mix is 6.0 dB brighter above 6 kHz than the raw tracks, as in the reference."
        assert "from the reference's: 0.0 dB" in last

    def test_closer_past_and_away(self):
        more = FLAT + 9 * (THIRDS_HZ > 6000)
        less = FLAT + 2 * (THIRDS_HZ > 6000)
        assert (
            "closer to the reference, which still has 3.0 dB more"
            in compare(sound_with(FLAT), sound_with(BRIGHT), sound_with(more))[0]
        )
        assert "away from the reference" in compare(sound_with(FLAT), sound_with(BRIGHT), sound_with(less))[0]
        further = FLAT + 4 * (THIRDS_HZ > 6000)
        assert (
            "past the reference, which has 2.0 dB less"
            in compare(sound_with(FLAT), sound_with(BRIGHT), sound_with(further))[0]
        )

    def test_without_a_reference(self):
        assert compare(sound_with(BRIGHT), sound_with(FLAT)) == [
            "The mix is 6.0 dB darker above 6 kHz than the raw tracks."
        ]

    def test_nothing_changed_and_width(self):
        said = compare(sound_with(FLAT), sound_with(FLAT, 0.2))
        assert said == [
            "Its tone has hardly changed.",
            "It is wider: 20 % of its power is in the sides (raw tracks 0 %).",
        ]


@pytest.mark.parametrize(
    ("below_db", "length_db"), [([0.0], 6), ([0, 2, 5.1], 6), ([0, 5.3], 9), ([0, 14], 18), ([0, 30, 80, math.inf], 36)]
)
def test_loudness_bars_are_as_short_as_the_tracks_allow(below_db, length_db):
    """So that they differ: on bars of 24 dB, tracks within 5 dB all looked full."""
    assert _bar_db(below_db) == length_db


class TestCharts:
    def test_points_lie_where_they_should(self):
        axis = charts.decibel_axis(-12, 12, 6)
        drawn = charts.line_chart(
            "t", axis, axis, [charts.Line([-12, 0, 12, 0], [-12, 0, 12, math.nan], "mix")], size=(148, 130)
        )
        assert 'class="line mix" d="M34.0 108.0L84.0 58.0L134.0 8.0"' in drawn

    def test_titles_are_escaped(self):
        assert "<b>" not in charts.line_chart("<b>", charts.FREQUENCIES, charts.decibel_axis(-6, 6, 3), [])

    @pytest.mark.parametrize("gain_db", [0.5, 8, 20, 24])
    def test_the_axis_holds_the_equalizer(self, gain_db):
        drawn = curves.equalizer(Equalizer(band1=EqBand(gain_db=gain_db), band2=EqBand(gain_db=gain_db)), 44100)
        heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", drawn.split('class="line mix"')[1])]
        assert min(heights) > 8.0


def test_how_sure_it_is_and_what_was_put_right(reported):
    confidence = Confidence(level="low", reasons=("Half was kept <b>",), amount=0.5)
    findings = (Finding(rule="buried", track="Bass", message="Bass: raised"),)
    text = reported(
        Preset(tracks=(Track(name="Bass"),), provenance=Provenance(confidence=confidence, findings=findings)),
        {"Bass": sound(3, 2)},
    )
    said = " ".join(outline_of(text).text)
    assert "Not sure of this mix" in said
    assert "Half was kept <b>." in said
    assert "Bass: raised." in said


def test_nothing_is_said_of_settings_that_no_model_predicted(reported):
    assert "How sure it is" not in reported(Preset(tracks=(Track(name="Bass"),)), {"Bass": sound(3, 2)})


def test_control_characters_of_names_do_not_reach_the_page() -> None:
    name = "Vox\x1b[2J\x9b\u202e <b>"
    for value in (name, Markup(f"<i>{name}</i>")):
        shown = str(escaped_value(value))
        assert r"Vox\x1b[2J\x9b\u202e" in shown
        assert not set(shown) & set("\x1b\x9b\u202e")
    assert isinstance(escaped_value(Markup("<i>")), Markup)
    assert not isinstance(escaped_value("<i>"), Markup)
    assert escaped_value(1.5) == 1.5


def palettes(css: str) -> list[dict[str, str]]:
    """The colours by their names, by day and by night."""
    roots = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", root)) for root in roots]


@pytest.mark.parametrize("page", ["report/templates/report.html.j2", "batch/templates/batch.html.j2"])
def test_pages_have_the_colours_and_the_type_of_the_console(page: str) -> None:
    """What is blue in mixbridge web is blue in the report: a mix, a raw track and a reference are told apart alike."""
    bridge = Path(charts.__file__).parents[1]
    console = (bridge / "web" / "page" / "style.css").read_text(encoding="utf-8")
    style = (bridge / page).read_text(encoding="utf-8")
    shared = {"ground", "card", "line", "text", "soft"} | ({"mix", "raw", "reference"} if "report" in page else set())
    for wanted, drawn in zip(palettes(console), palettes(style), strict=True):
        assert {name: drawn[name] for name in shared} == {name: wanted[name] for name in shared}
    assert "system-ui, sans-serif" in console
    assert "system-ui, sans-serif" in style
    assert "prefers-color-scheme: dark" in style
