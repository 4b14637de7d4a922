"""Rails that know roles: each acts on what breaks it, says so, leaves nothing to do, and rests on a sound mix."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import EqBand, Equalizer, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.presets.roles import Role
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.model.excerpts import Excerpt
from mixbridge.runtime.practice.levels import LEAD_CEILING_DB
from mixbridge.runtime.practice.sins import lead_gap_lu, lean_lu, low_sides_db, sum_of
from mixbridge.runtime.prediction.casting import Cast
from mixbridge.runtime.prediction.guard_rails.guards import guard
from mixbridge.runtime.prediction.guard_rails.presence import lead_understood, presence_db
from mixbridge.runtime.prediction.guard_rails.rails import (
    LEANING,
    LOW_BOOST,
    MASKED,
    OFF_CENTRE,
    ROOM_FOR_WORDS,
    UNDER_THE_REST,
    WIDE_LOWS,
    Guarded,
)
from mixbridge.runtime.prediction.trial import Trial
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
SAMPLES = 2 * RATE_HZ
ROLES: dict[str, Role] = {"Kick": "kick", "Bass": "bass", "Vox": "lead vocal", "Gtr": "electric guitar", "Keys": "keys"}
SOUND = {"Kick": Strip(), "Bass": Strip(), "Vox": Strip(fader_db=2), "Gtr": Strip(pan=-0.5), "Keys": Strip(pan=0.5)}


def band(low_hz: float, high_hz: float, seed: int) -> Audio:
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(SAMPLES))
    freqs_hz = np.fft.rfftfreq(SAMPLES, 1 / RATE_HZ)
    audio = np.fft.irfft(np.where((freqs_hz >= low_hz) & (freqs_hz < high_hz), spectrum, 0), SAMPLES)
    return np.asarray(0.05 * audio / audio.std(), np.float32)[None]


TRACKS = {
    "Kick": band(40, 200, 1),
    "Bass": band(50, 500, 2),
    "Vox": band(300, 6000, 3),
    "Gtr": band(200, 5000, 4),
    "Keys": band(200, 5000, 5),
}


def trial_of(reference: Audio | None = None, pairs: tuple[tuple[str, str], ...] = ()) -> Trial:
    loudness = {name: integrated_loudness(audio, RATE_HZ) for name, audio in TRACKS.items()}
    passage = Passage(0.0, SAMPLES / RATE_HZ, TRACKS, loudness)
    cast = Cast(ROLES, pairs)
    plain = np.repeat(np.sum(list(TRACKS.values()), axis=0), 2, axis=0) + 0.2 * np.stack(
        [TRACKS["Gtr"][0], TRACKS["Keys"][0]]
    )
    return Trial(passage, plain.astype(np.float32) if reference is None else reference, RATE_HZ, -24.0, cast=cast)


def preset_of(**strips: Strip) -> Preset:
    return Preset(tracks=tuple(Track(name=name, strip=strip) for name, strip in {**SOUND, **strips}.items()))


def mended(preset: Preset, trial: Trial) -> Guarded:
    guarded = guard(preset, trial)
    assert guard(guarded.preset, trial).findings == ()
    return guarded


def rules(guarded: Guarded) -> list[str]:
    return [finding.rule for finding in guarded.findings]


def test_a_sound_mix_is_left_as_it_is() -> None:
    preset = preset_of()
    assert guard(preset, trial_of()).preset is preset


def test_what_carries_the_song_comes_to_the_middle() -> None:
    guarded = mended(preset_of(Vox=Strip(fader_db=2, pan=-0.53), Kick=Strip(pan=0.13)), trial_of())
    assert [guarded.preset.track(name).strip.pan for name in ("Vox", "Kick", "Gtr")] == [0, 0, -0.5]
    assert rules(guarded) == [OFF_CENTRE.name] * 2
    assert "53 % left" in next(finding.message for finding in guarded.findings if finding.track == "Vox")


def test_a_reference_that_leans_may_have_it_so() -> None:
    leaning = trial_of().stereo_reference * np.array([[1.0], [0.6]], np.float32)
    assert OFF_CENTRE.name not in rules(guard(preset_of(Vox=Strip(fader_db=2, pan=-0.3)), trial_of(leaning)))


def test_a_pair_of_leads_may_stand_apart() -> None:
    trial = trial_of(pairs=(("Vox", "Kick"),))
    assert (
        rules(guard(preset_of(Vox=Strip(fader_db=2, pan=-0.3), Kick=Strip(pan=0.3)), trial)).count(OFF_CENTRE.name) == 0
    )


def test_no_lows_are_boosted_on_what_has_none() -> None:
    boosted = Equalizer(low_shelf=EqBand(gain_db=5, freq_hz=140), band0=EqBand(gain_db=4, freq_hz=900))
    guarded = mended(preset_of(Gtr=Strip(pan=-0.5, eq=boosted), Bass=Strip(eq=boosted)), trial_of())
    assert guarded.preset.track("Gtr").strip.eq.low_shelf.gain_db == 0
    assert guarded.preset.track("Gtr").strip.eq.band0.gain_db == 4
    assert guarded.preset.track("Bass").strip.eq == boosted
    assert rules(guarded) == [LOW_BOOST.name]


def test_a_vocal_under_the_rest_is_raised() -> None:
    trial = trial_of()
    guarded = mended(preset_of(Vox=Strip(fader_db=-14)), trial)
    assert rules(guarded) == [UNDER_THE_REST.name]
    gap = lead_gap_lu(trial.render(guarded.preset).stems, ROLES, RATE_HZ)
    assert gap == pytest.approx(UNDER_THE_REST.target_db, abs=0.2)


def test_a_vocal_that_is_masked_where_words_are_is_raised() -> None:
    dull = {**TRACKS, "Vox": band(300, 900, 3) + 0.2 * band(900, 4000, 6), "Keys": band(1500, 3500, 7)}
    loudness = {name: integrated_loudness(audio, RATE_HZ) for name, audio in dull.items()}
    trial = Trial(
        Passage(0.0, SAMPLES / RATE_HZ, dull, loudness),
        trial_of().stereo_reference,
        RATE_HZ,
        -24.0,
        cast=trial_of().cast,
    )

    def heard(preset: Preset) -> tuple[float, float]:
        stems = trial.render(preset).stems
        rest = sum_of([stem for name, stem in stems.items() if name != "Vox"])
        gap_lu = lead_gap_lu(stems, ROLES, RATE_HZ)
        assert gap_lu is not None
        return presence_db(stems["Vox"], rest, RATE_HZ), gap_lu

    before_db, _ = heard(preset_of())
    assert before_db < MASKED.limit_db
    guarded = mended(preset_of(), trial)
    assert MASKED.name in rules(guarded)
    after_db, gap_lu = heard(guarded.preset)
    assert after_db > before_db + 1
    assert gap_lu <= 0.2
    assert heard(preset_of(Vox=Strip(fader_db=14)))[0] > MASKED.limit_db
    assert MASKED.name not in rules(guard(preset_of(Vox=Strip(fader_db=14)), trial))


def test_lows_come_to_the_middle() -> None:
    trial = trial_of()
    preset = preset_of(Gtr=Strip(pan=-0.5), Keys=Strip(pan=0.5))
    wide = {**TRACKS, "Gtr": TRACKS["Gtr"] + 3 * band(60, 110, 8), "Keys": TRACKS["Keys"] + 3 * band(60, 110, 9)}
    loudness = {name: integrated_loudness(audio, RATE_HZ) for name, audio in wide.items()}
    passage = Passage(0.0, SAMPLES / RATE_HZ, wide, loudness)
    rumbling = Trial(passage, trial.stereo_reference, RATE_HZ, -24.0, cast=trial.cast)
    assert low_sides_db(rumbling.render(preset).mix, RATE_HZ) > WIDE_LOWS.limit_db
    guarded = guard(preset, rumbling)
    assert WIDE_LOWS.name in rules(guarded)
    assert low_sides_db(rumbling.render(guarded.preset).mix, RATE_HZ) < WIDE_LOWS.limit_db
    assert guarded.preset.track("Gtr").strip.low_cut.freq_hz == 120


def test_lows_that_nobody_else_carries_are_narrowed_and_not_cut() -> None:
    low = {name: band(50, 500, seed) for seed, name in enumerate(("Vc", "Timp"))}
    loudness = {name: integrated_loudness(audio, RATE_HZ) for name, audio in low.items()}
    passage = Passage(0.0, SAMPLES / RATE_HZ, low, loudness)
    preset = Preset(tracks=(Track(name="Vc", strip=Strip(pan=-0.9)), Track(name="Timp", strip=Strip(pan=0.9))))
    reference = np.concatenate(list(low.values()))
    for third, role in (("Harp", "strings"), ("Kick", "kick")):
        cast = Cast({"Vc": "strings", "Timp": "percussion", third: role})
        sounding = Trial(
            Passage(0.0, passage.length_s, {**low, third: TRACKS["Kick"]}, {**loudness, third: -30.0}),
            reference,
            RATE_HZ,
            -24.0,
            cast=cast,
        )
        whole = preset.model_copy(update={"tracks": (*preset.tracks, Track(name=third, strip=Strip(fader_db=-12)))})
        guarded = guard(whole, sounding)
        assert WIDE_LOWS.name in rules(guarded)
        assert low_sides_db(sounding.render(guarded.preset).mix, RATE_HZ) < WIDE_LOWS.limit_db
        cut_hz = guarded.preset.track("Vc").strip.low_cut.freq_hz
        assert cut_hz == (120 if role == "kick" else 16)


def test_a_pair_that_has_lows_keeps_its_sides() -> None:
    low = {name: band(50, 500, seed) for seed, name in enumerate(("Drums L", "Drums R"))}
    loudness = {name: integrated_loudness(audio, RATE_HZ) for name, audio in low.items()}
    preset = Preset(tracks=(Track(name="Drums L", strip=Strip(pan=-1)), Track(name="Drums R", strip=Strip(pan=1))))
    cast = Cast(dict.fromkeys(low, "drums"), (("Drums L", "Drums R"),))
    reference = np.concatenate(list(low.values()))
    trial = Trial(Passage(0.0, SAMPLES / RATE_HZ, low, loudness), reference, RATE_HZ, -24.0, cast=cast)
    guarded = guard(preset, trial)
    assert WIDE_LOWS.name in rules(guarded)
    assert [track.strip.pan for track in guarded.preset.tracks] == [-1, 1]
    assert low_sides_db(trial.render(guarded.preset).mix, RATE_HZ) < WIDE_LOWS.limit_db


def test_a_finished_beat_makes_room_for_words() -> None:
    audio = {"Rap": band(200, 900, 3) + 0.1 * band(900, 4000, 6), "Beat": band(40, 9000, 7)}
    loudness = {name: integrated_loudness(item, RATE_HZ) for name, item in audio.items()}
    cast = Cast({"Rap": "lead vocal", "Beat": "full mix"})
    reference = np.repeat(audio["Beat"], 2, axis=0)
    trial = Trial(Passage(0.0, SAMPLES / RATE_HZ, audio, loudness), reference, RATE_HZ, -24.0, cast=cast)
    preset = Preset(tracks=(Track(name="Rap"), Track(name="Beat", strip=Strip(fader_db=3))))
    guarded = lead_understood(preset, trial)
    assert rules(guarded) == [MASKED.name, ROOM_FOR_WORDS.name]
    beat = guarded.preset.track("Beat").strip
    assert min(getattr(beat.eq, band).gain_db for band in ("band0", "band1", "band2", "band3")) < -1
    before, after = (trial.render(tried).stems for tried in (preset, guarded.preset))
    assert presence_db(after["Rap"], after["Beat"], RATE_HZ) > presence_db(before["Rap"], before["Beat"], RATE_HZ) + 3
    gap_lu = lead_gap_lu(after, trial.cast.roles, RATE_HZ)
    assert gap_lu is not None
    assert gap_lu <= LEAD_CEILING_DB + 1.5  # the beat is a little softer for it
    assert lead_understood(guarded.preset, trial).preset == guarded.preset


def test_a_mix_that_leans_is_drawn_in() -> None:
    trial = trial_of()
    guarded = mended(preset_of(Gtr=Strip(pan=-0.9, fader_db=4), Keys=Strip(pan=-0.2)), trial)
    assert LEANING.name in rules(guarded)
    assert abs(lean_lu(trial.render(guarded.preset).mix, RATE_HZ)) <= LEANING.limit_db
    assert guarded.preset.track("Vox").strip.pan == 0


def test_who_rests_in_the_passage_does_not_make_a_mix_lean() -> None:
    """Keys stand against the guitar; where they are soft in what is tried, the song is as upright as before."""
    trial = trial_of()
    preset = preset_of(Gtr=Strip(pan=-0.9, fader_db=4), Keys=Strip(pan=0.9, fader_db=4))
    audio = {**TRACKS, "Keys": 0.2 * TRACKS["Keys"]}
    loudness = {name: integrated_loudness(item, RATE_HZ) for name, item in audio.items()}
    heard = {name: (Excerpt(0.0, item, integrated_loudness(item, RATE_HZ), 1.0),) for name, item in TRACKS.items()}
    whole = {name: integrated_loudness(item, RATE_HZ) for name, item in TRACKS.items()}
    passage = Passage(9.0, SAMPLES / RATE_HZ, audio, loudness, (), heard, whole)
    soft = Trial(passage, trial.stereo_reference, RATE_HZ, -24.0, cast=trial.cast)
    assert lean_lu(soft.render(preset).mix, RATE_HZ) < -LEANING.limit_db
    assert LEANING.name not in rules(guard(preset, soft))
