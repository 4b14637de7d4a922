from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mixbridge.export.recovery.dataset import NamedPair
from mixbridge.export.styles.examples import example_of
from mixbridge.export.styles.fitting import fit_house, fit_mean, fit_neighbour
from mixbridge.presets.console import EqBand, Equalizer, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.presets.roles import TRAITS
from mixbridge.runtime.styles.features import FEATURES
from mixbridge.runtime.styles.settings import TONE_HZ
from style_examples import PRESENCE, RATE_HZ, example, presence_examples, presence_strip, usual_features

AT_2500 = int(np.abs(TONE_HZ - 2500).argmin())


def test_mean_runs_in_each_settings_own_scale() -> None:
    rng = np.random.default_rng(1)
    strips = [presence_strip(1.0, -30.0), presence_strip(3.0, -20.0)]
    features = [usual_features(rng) for _ in strips]
    features[0][0], features[1][0] = -26.0, -20.0
    low = strips[0].model_copy(update={"low_cut": strips[0].low_cut.model_copy(update={"freq_hz": 50.0})})
    high = strips[1].model_copy(update={"low_cut": strips[1].low_cut.model_copy(update={"freq_hz": 200.0})})
    style = fit_mean([example(0, features[0], low, -20.0), example(1, features[1], high, -16.0)])
    answer = style.answer(np.array(style.feature_mean))
    assert np.exp(answer.settings.values["strip.low_cut.freq_hz"]) == pytest.approx(100.0, rel=1e-4)  # by ratio
    assert answer.settings.values["strip.eq.band1.gain_db"] == pytest.approx(2.0)
    assert answer.settings.values["strip.compressor.threshold_db"] == pytest.approx((-4.0 + 0.0) / 2)  # over loudness
    assert answer.level_lufs == pytest.approx(-18.0)


def test_a_stage_is_on_where_most_have_it_on() -> None:
    examples = presence_examples(8)
    off = [example(10 + at, item.features, Strip()) for at, item in enumerate(examples[:5])]
    assert "compressor" in fit_mean([*examples, *off]).answer(examples[0].features).settings.on
    mostly_off = fit_mean([*examples[:3], *off]).answer(examples[0].features).settings
    assert "compressor" not in mostly_off.on
    assert "strip.compressor.ratio" not in mostly_off.values


def test_house_style_follows_the_voice() -> None:
    style = fit_house(presence_examples(60))
    usual = np.array(style.feature_mean)
    moved = usual.copy()
    moved[PRESENCE] -= 3.0
    gain_db = style.answer(moved).settings.tone_db[AT_2500] - style.answer(usual).settings.tone_db[AT_2500]
    assert gain_db == pytest.approx(2.0, abs=0.5)


def test_house_style_is_nearer_than_mean_and_neighbour() -> None:
    seen, unseen = presence_examples(60), presence_examples(30, seed=9)
    missed = {}
    for way, fit in {"mean": fit_mean, "neighbour": fit_neighbour, "house": fit_house}.items():
        style = fit(seen)
        told = [style.answer(item.features).settings for item in unseen]
        at_presence = [
            item.tone_db[AT_2500] if style.by_tone else item.values["strip.eq.band1.gain_db"] for item in told
        ]
        missed[way] = float(np.abs(np.array(at_presence) - [item.settings.tone_db[AT_2500] for item in unseen]).mean())
    assert missed["house"] < 0.6 * missed["mean"]
    assert missed["house"] < 0.8 * missed["neighbour"]


def test_house_style_of_chance_is_the_mean() -> None:
    rng = np.random.default_rng(3)
    examples = [
        example(at, usual_features(rng), presence_strip(3.0 + 2 * float(rng.standard_normal()), -30.0))
        for at in range(40)
    ]
    style = fit_house(examples)
    usual = style.answer(np.array(style.feature_mean)).settings.tone_db[AT_2500]
    told = [style.answer(usual_features(rng)).settings.tone_db[AT_2500] for _ in range(20)]
    assert np.std(told) < 0.7  # of 2 dB that are chance
    assert usual == pytest.approx(3.0, abs=0.8)


def test_a_track_unlike_all_others_gets_the_mean() -> None:
    style = fit_house(presence_examples(60))
    odd = np.array(style.feature_mean) + 12 * np.array(style.feature_spread)
    answer = style.answer(odd)
    assert answer.believed == 0
    assert answer.targets == pytest.approx(np.array(style.mean))
    assert min(style.answer(item.features).believed for item in presence_examples(60)) > 0.5


def test_neighbour_has_the_settings_of_the_most_alike() -> None:
    examples = presence_examples(20)
    style = fit_neighbour(examples)
    settings = style.answer(examples[7].features).settings
    assert settings.values == pytest.approx(dict(examples[7].settings.values), rel=1e-4, abs=1e-4)
    assert settings.on == examples[7].settings.on


def test_few_examples_have_no_slopes() -> None:
    assert fit_house(presence_examples(5)).slopes == ()
    assert fit_house(presence_examples(1)).examples == 1


def test_what_was_recovered_badly_counts_less() -> None:
    from dataclasses import replace

    good = presence_examples(10, noise_db=0)
    bad = [
        replace(example(50 + at, item.features, presence_strip(12, -60)), weight=0.05) for at, item in enumerate(good)
    ]
    told = fit_mean([*good, *bad]).answer(good[0].features).settings.values["strip.eq.band1.gain_db"]
    assert abs(told - np.mean([item.settings.values["strip.eq.band1.gain_db"] for item in good])) < 0.8


def test_a_style_of_voices_is_for_all_voices() -> None:
    assert set(fit_mean(presence_examples(3)).roles) == {role for role, trait in TRAITS.items() if trait.is_voice}
    assert len(FEATURES) == len(presence_examples(1)[0].features)


def test_a_style_lifts_noise_as_far_as_nine_in_ten_of_its_examples() -> None:
    examples = [replace(item, lifted_noise_db=float(at)) for at, item in enumerate(presence_examples(11))]
    for fit in (fit_mean, fit_neighbour, fit_house):
        assert fit(examples).lifted_noise_db == pytest.approx(9.0)
    assert fit_mean(presence_examples(5)).lifted_noise_db == 0
    style = fit_mean(examples)
    usual = np.array(style.feature_mean)
    assert style.answer(usual).lifted_noise_db == pytest.approx(9.0)
    at = FEATURES.index("over_noise_db")
    allowed_db = []
    for deviations in (1.0, -1.0, -1.5, -2.0, -4.0):
        track = usual.copy()
        track[at] += deviations * style.feature_spread[at]
        answer = style.answer(track)
        allowed_db.append(answer.lifted_noise_db / answer.believed if answer.believed else 0.0)
    assert allowed_db == pytest.approx([9.0, 9.0, 4.5, 0.0, 0.0])  # noisier than the examples: it would be heard


def test_an_example_knows_how_far_its_settings_lift_noise() -> None:
    time_s = np.arange(6 * RATE_HZ) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * 220 * k * time_s) / k for k in range(1, 18))
    phrases = np.clip(np.sin(np.pi * time_s) * 20, 0, 1)
    noise = np.random.default_rng(0).standard_normal(len(time_s))
    raw = (0.1 * tone * phrases + 10 ** (-62 / 20) * noise)[None].astype(np.float32)
    bright = Strip(eq=Equalizer(high_shelf=EqBand(gain_db=9, freq_hz=6000)))
    lifts_db = []
    for strip in (Strip(), bright):
        pair = NamedPair("Vox", Path("raw.wav"), Path("mixed.wav"))
        made = example_of(pair, Preset(tracks=(Track(name="Vox", strip=strip),)), raw, raw)
        assert made is not None
        lifts_db.append(made.lifted_noise_db)
    assert lifts_db[0] == pytest.approx(0, abs=0.1)
    assert 5 < lifts_db[1] < 9
