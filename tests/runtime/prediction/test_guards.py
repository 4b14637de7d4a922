"""Guard rails: each ruinous setting is found and put right, and sound settings are left as they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Master, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.console.dynamics import compressor_work
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.prediction.guard_rails.guards import guard
from mixbridge.runtime.prediction.guard_rails.rails import (
    BURIED,
    NOT_A_NUMBER,
    REVERSED_TONE,
    RULES,
    SILENT_BAND,
    SQUASHED,
    Guarded,
)
from mixbridge.runtime.prediction.trial import Trial
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
SAMPLES = 2 * RATE_HZ
TIME_S = np.arange(SAMPLES) / RATE_HZ


def low_notes(level: float = 0.1) -> Audio:
    """Nothing above a few hundred Hz."""
    return (level * (np.sin(2 * np.pi * 110 * TIME_S) + np.sin(2 * np.pi * 165 * TIME_S)))[None].astype(np.float32)


def noise(level: float = 0.1, seed: int = 0, channels: int = 1) -> Audio:
    return (level * np.random.default_rng(seed).standard_normal((channels, SAMPLES))).astype(np.float32)


def high_noise(level: float = 0.1) -> Audio:
    """Twice differentiated, so that little is left below 2 kHz."""
    samples = np.random.default_rng(3).standard_normal((1, SAMPLES + 2))
    return (level * np.diff(samples, n=2, axis=1)).astype(np.float32)


def trial_of(audio: dict[str, Audio], reference: Audio | None = None) -> Trial:
    loudness = {name: integrated_loudness(item, RATE_HZ) for name, item in audio.items()}
    passage = Passage(0.0, SAMPLES / RATE_HZ, audio, loudness)
    plain = np.sum([np.broadcast_to(item, (2, SAMPLES)) for item in audio.values()], axis=0, dtype=np.float32)
    return Trial(passage, plain if reference is None else reference, RATE_HZ, -24.0)


def aimed(trial: Trial, preset: Preset) -> Trial:
    """With a reference that sounds just like these settings."""
    return Trial(trial.passage, trial.render(preset).mix, RATE_HZ, -24.0)


def preset_of(master: Master | None = None, **strips: Strip) -> Preset:
    return Preset(
        tracks=tuple(Track(name=name, strip=strip) for name, strip in strips.items()), master=master or Master()
    )


def names(guarded: Guarded) -> list[str]:
    return [finding.rule for finding in guarded.findings]


def mended(preset: Preset, trial: Trial) -> Guarded:
    """Guards, and makes sure that nothing is left to do."""
    guarded = guard(preset, trial)
    assert guard(guarded.preset, trial).findings == ()
    return guarded


def test_sound_settings_are_left_as_they_are() -> None:
    trial = trial_of({"a": noise(), "b": low_notes()})
    strip = Strip(
        fader_db=-6,
        eq=Equalizer(band1=EqBand(gain_db=6, freq_hz=3000), high_shelf=EqBand(gain_db=8)),
        compressor=Compressor(threshold_db=-18, ratio=4, makeup_db=3),
        pan=0.5,
    )
    preset = preset_of(a=strip, b=Strip(eq=Equalizer(low_shelf=EqBand(gain_db=8, freq_hz=200))))
    guarded = guard(preset, aimed(trial, preset))
    assert guarded.findings == ()
    assert guarded.preset is preset


class TestNotANumber:
    def test_takes_the_usual_value_and_keeps_the_rest(self) -> None:
        strip = Strip(fader_db=-3, pan=0.4).model_copy(
            update={"compressor": Compressor(ratio=2).model_copy(update={"threshold_db": math.nan}), "fader_db": -3.0}
        )
        preset = preset_of(a=Strip(), b=Strip())
        tracks = (preset.tracks[0].model_copy(update={"strip": strip}), preset.tracks[1])
        master = Master().model_copy(update={"input_gain_db": math.inf, "output_gain_db": -math.inf})
        broken = preset.model_copy(update={"tracks": tracks, "master": master})
        guarded = mended(broken, trial_of({"a": noise(), "b": noise(seed=1)}))
        assert guarded.preset.track("a").strip == Strip(fader_db=-3, pan=0.4, compressor=Compressor(ratio=2))
        assert guarded.preset.master == Master()
        assert names(guarded) == [NOT_A_NUMBER.name] * 2
        assert [finding.track for finding in guarded.findings] == ["a", None]
        assert "compressor.threshold_db" in guarded.findings[0].message
        assert "input_gain_db, output_gain_db" in guarded.findings[1].message


class TestSilentBand:
    @pytest.mark.parametrize(
        ("band", "freq_hz"), [("high_shelf", 8000), ("band3", 12000), ("band2", 9000), ("low_shelf", 30)]
    )
    def test_noise_is_not_brought_up(self, band: str, freq_hz: float) -> None:
        eq = Equalizer().model_copy(
            update={band: EqBand(gain_db=9, freq_hz=freq_hz), "band0": EqBand(gain_db=5, freq_hz=140)}
        )
        guarded = mended(preset_of(a=Strip(eq=eq), b=Strip()), trial_of({"a": low_notes(), "b": noise()}))
        mended_eq = guarded.preset.track("a").strip.eq
        assert getattr(mended_eq, band).gain_db == 0
        assert mended_eq.band0.gain_db == 5
        (finding,) = guarded.findings
        assert (finding.rule, finding.track, finding.before, finding.after) == (SILENT_BAND.name, "a", 9, 0)
        assert "9 dB" in finding.message

    def test_small_boosts_cuts_and_bands_with_sound_stay(self) -> None:
        quiet = Equalizer(
            high_shelf=EqBand(gain_db=SILENT_BAND.limit_db, freq_hz=8000), band2=EqBand(gain_db=-12, freq_hz=9000)
        )
        loud = Equalizer(high_shelf=EqBand(gain_db=12, freq_hz=8000), band3=EqBand(gain_db=9, freq_hz=30, q=10))
        preset = preset_of(a=Strip(eq=quiet), b=Strip(eq=loud, fader_db=-10))
        trial = trial_of({"a": low_notes(), "b": noise()})
        assert names(guard(preset, aimed(trial, preset))) == []

    def test_the_master_is_watched_too(self) -> None:
        master = Master(eq=Equalizer(high_shelf=EqBand(gain_db=6, freq_hz=9000)))
        guarded = mended(preset_of(master, a=Strip()), trial_of({"a": low_notes()}))
        assert guarded.preset.master.eq.high_shelf.gain_db == 0
        assert guarded.findings[0].message.startswith("master:")


class TestSquashed:
    RUINOUS = Strip(compressor=Compressor(threshold_db=-60, ratio=8, attack_ms=5, release_ms=100))

    def test_the_compressor_is_eased_at_the_same_loudness(self) -> None:
        trial = trial_of({"a": noise(), "b": noise(seed=1)})
        preset = preset_of(a=self.RUINOUS, b=Strip(fader_db=-20))
        guarded = mended(preset, trial)
        assert names(guarded) == [SQUASHED.name]
        strip = guarded.preset.track("a").strip
        work = compressor_work(trial.passage.audio["a"], RATE_HZ, 0, strip.eq, strip.compressor)
        assert work.mean_db == pytest.approx(SQUASHED.target_db, abs=0.1)
        assert strip.compressor.ratio == self.RUINOUS.compressor.ratio
        before, after = (
            integrated_loudness(trial.render(item).stems["a"], RATE_HZ) for item in (preset, guarded.preset)
        )
        assert after == pytest.approx(before, abs=0.5)
        assert guarded.findings[0].before == pytest.approx(
            compressor_work(
                trial.passage.audio["a"], RATE_HZ, 0, strip.eq, self.RUINOUS.compressor, playing_db=60
            ).mean_db,
            abs=0.01,
        )

    def test_where_the_makeup_ends_the_fader_goes_on(self) -> None:
        compressor = self.RUINOUS.compressor.model_copy(update={"makeup_db": -20.0, "ratio": 20.0})
        guarded = mended(preset_of(a=Strip(compressor=compressor)), trial_of({"a": noise()}))
        strip = guarded.preset.track("a").strip
        assert strip.compressor.makeup_db == -24
        assert strip.fader_db < -5

    def test_peaks_may_be_held_hard(self) -> None:
        """20 dB and more for a moment is a limiter's work, not a ruin."""
        clicks = np.zeros((1, SAMPLES), np.float32)
        clicks[0] = low_notes(0.003)[0]
        clicks[0, :: RATE_HZ // 2] = 1.0
        clicks[0, 1 :: RATE_HZ // 2] = 1.0
        strip = Strip(compressor=Compressor(threshold_db=-45, ratio=20, attack_ms=0.1, release_ms=20, knee_db=0))
        trial = trial_of({"a": clicks})
        assert compressor_work(clicks, RATE_HZ, 0, strip.eq, strip.compressor).most_db > SQUASHED.limit_db
        assert names(guard(preset_of(a=strip), aimed(trial, preset_of(a=strip)))) == []

    def test_the_master_is_watched_too(self) -> None:
        guarded = mended(preset_of(Master(compressor=self.RUINOUS.compressor), a=Strip()), trial_of({"a": noise()}))
        assert names(guarded) == [SQUASHED.name]
        assert guarded.preset.master.compressor.threshold_db > -60
        assert guarded.findings[0].track is None


class TestBuried:
    def test_the_track_is_raised(self) -> None:
        trial = trial_of({"a": noise(), "b": noise(seed=1), "c": noise(seed=2)})
        guarded = mended(preset_of(a=Strip(fader_db=-40), b=Strip(), c=Strip(fader_db=-29)), trial)
        stems = trial.render(guarded.preset).stems
        gap_db = integrated_loudness(stems["a"], RATE_HZ) - integrated_loudness(stems["b"], RATE_HZ)
        assert gap_db == pytest.approx(BURIED.target_db, abs=0.3)
        assert guarded.preset.track("b").strip == Strip()
        assert guarded.preset.track("c").strip == Strip(fader_db=-29)
        (finding,) = guarded.findings
        assert (finding.rule, finding.track) == (BURIED.name, "a")
        assert finding.before == pytest.approx(-40, abs=0.3)
        assert "40 dB below" in finding.message
        assert "24 dB below" in finding.message

    def test_a_track_below_the_meter_s_gate_comes_back(self) -> None:
        trial = trial_of({"a": noise(), "b": noise(seed=1)})
        guarded = guard(preset_of(a=Strip(fader_db=-110), b=Strip()), trial)
        assert names(guarded) == [BURIED.name]
        assert guarded.preset.track("a").strip.fader_db > -30

    def test_a_room_below_people_who_talk_stays_there(self) -> None:
        trial = trial_of({"a": noise(), "b": noise(seed=1)})
        tracks = preset_of(a=Strip(), b=Strip(fader_db=-40)).tracks
        for role, is_raised in (("room", False), ("effect", False), ("speech", True)):
            roles = [
                track.model_copy(update={"role": said}) for track, said in zip(tracks, ("speech", role), strict=True)
            ]
            guarded = guard(Preset(tracks=tuple(roles)), trial)
            assert (BURIED.name in names(guarded)) == is_raised

    def test_silent_muted_and_single_tracks_are_none_of_its_business(self) -> None:
        trial = trial_of({"a": noise(), "silent": noise(1e-5), "muted": noise(seed=1)})
        preset = preset_of(a=Strip(fader_db=-40), silent=Strip(), muted=Strip())
        tracks = (*preset.tracks[:2], preset.tracks[2].model_copy(update={"mute": True}))
        assert guard(preset.model_copy(update={"tracks": tracks}), trial).findings == ()


class TestReversedTone:
    @staticmethod
    def bright(trial: Trial) -> Preset:
        """The lows 11 dB down, the highs 11 dB up, from where they are equally loud."""
        level = trial.plain(preset_of(bass=Strip(), hats=Strip()))
        gains_db = {name: level.track(name).strip.input_gain_db for name in ("bass", "hats")}
        return preset_of(
            bass=Strip(input_gain_db=gains_db["bass"], fader_db=-11),
            hats=Strip(input_gain_db=gains_db["hats"], fader_db=11),
        )

    def test_levels_against_the_reference_are_eased(self) -> None:
        trial = trial_of({"bass": low_notes(), "hats": high_noise()})
        preset = self.bright(trial)
        guarded = mended(preset, aimed(trial, trial.plain(preset)))
        assert names(guarded) == [REVERSED_TONE.name]
        (finding,) = guarded.findings
        assert finding.track is None
        assert finding.before is not None
        assert finding.after is not None
        assert finding.after <= REVERSED_TONE.target_db < finding.before
        assert "25 % of the settings" in finding.message
        assert -11 < guarded.preset.track("bass").strip.fader_db < 0 < guarded.preset.track("hats").strip.fader_db < 11

    def test_the_same_levels_towards_the_reference_stay(self) -> None:
        trial = trial_of({"bass": low_notes(), "hats": high_noise()})
        preset = self.bright(trial)
        assert names(guard(preset, aimed(trial, preset))) == []


def test_nothing_plays() -> None:
    preset = preset_of(a=Strip(fader_db=-60))
    assert guard(preset, trial_of({"a": np.zeros((1, SAMPLES), np.float32)}, noise(channels=2))) == Guarded(preset)


def test_every_rule_has_a_name_of_its_own_and_words() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all("{who}" in rule.message for rule in RULES)


def test_a_name_with_braces_is_only_a_name() -> None:
    name = "{before} {0}"
    trial = trial_of({name: noise(), "b": noise(seed=1)})
    tracks = (Track(name=name, strip=Strip(fader_db=-40)), Track(name="b"))
    assert guard(Preset(tracks=tracks), trial).findings[0].message.startswith(f"{name}: would have been")
