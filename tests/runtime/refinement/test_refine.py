"""The search: that it gets nearer, stays within limits and near its start, and can be stopped at any time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from mixbridge.presets.console import EQ_BANDS, Compressor, EqBand, Equalizer, Master, Strip
from mixbridge.presets.errors import AudioError
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.refinement import refine as refining
from mixbridge.runtime.refinement.refine import WEIGHTS, Refinement, RefineStep, distance_to, refine
from mixbridge.runtime.refinement.search_space import EQ_LIMIT_DB, FADER_REACH_DB, SearchSpace, often_reached_db
from mixbridge.runtime.refinement.sensitivity import residual_sensitivity
from mixbridge.runtime.rendering.in_memory import render_arrays
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
NAMES = ("Bass", "Drums", "Keys")
START = Preset(tracks=tuple(Track(name=name) for name in NAMES))
TRUTH = Preset(
    tracks=(
        Track(name="Bass", strip=Strip(fader_db=-3, pan=0.1)),
        Track(
            name="Drums",
            strip=Strip(
                fader_db=2, pan=-0.5, compressor=Compressor(threshold_db=-26, ratio=3, attack_ms=10, release_ms=80)
            ),
        ),
        Track(
            name="Keys",
            strip=Strip(pan=0.8, eq=Equalizer(high_shelf=EqBand(gain_db=-5, freq_hz=6000))),
        ),
    ),
    master=Master(eq=Equalizer(low_shelf=EqBand(gain_db=3, freq_hz=120))),
)


def passage_of(seconds: float = 1, **changed: Audio) -> Passage:
    """Bass and drums in mono, keys in stereo."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    random = np.random.default_rng(0)
    noise = random.standard_normal((3, len(time_s)))
    audio = {
        "Bass": 0.2 * (np.sin(2 * np.pi * 55 * time_s) + 0.1 * noise[0])[None],
        "Drums": 0.4 * (noise[1] * np.exp(-12 * (2 * time_s % 1)))[None],
        "Keys": 0.1 * np.array([np.sin(2 * np.pi * 330 * time_s) + 0.5 * noise[2], 0.5 * noise[2] + 0.3 * noise[0]]),
        **changed,
    }
    audio = {name: item.astype(np.float32) for name, item in audio.items()}
    loudness = {name: integrated_loudness(item, RATE_HZ) for name, item in audio.items()}
    return Passage(0.0, seconds, audio, loudness)


def rendered(preset: Preset, passage: Passage) -> Audio:
    return render_arrays(passage.audio, RATE_HZ, preset).mix


def short_search(start: Preset, passage: Passage, reference: Audio, renders: int = 10, **options: float) -> Refinement:
    """A search that is ended by the number of its renders: a slow machine finds the same."""
    return refine(
        start,
        passage,
        reference,
        sample_rate_hz=RATE_HZ,
        seconds=600,
        progress=lambda step: step.renders < renders,
        **options,
    )


@pytest.fixture(scope="module")
def passage() -> Passage:
    return passage_of()


@pytest.fixture(scope="module")
def found(passage: Passage) -> Refinement:
    return short_search(START, passage, rendered(TRUTH, passage), renders=16)


def test_it_comes_much_nearer_and_says_how_near(passage: Passage, found: Refinement) -> None:
    reference = rendered(TRUTH, passage)
    assert found.before == pytest.approx(distance_to(reference, START, passage, RATE_HZ))
    assert found.after == pytest.approx(distance_to(reference, found.preset, passage, RATE_HZ))
    assert found.after <= 0.2 * found.before
    assert found.renders == 16
    assert found.interrupted  # by the number of renders


def test_the_trace_is_every_improvement(found: Refinement) -> None:
    distances = [step.now for step in found.trace]
    assert (distances[0], distances[-1]) == (found.before, found.after)
    assert distances == sorted(distances, reverse=True)
    assert len(set(distances)) == len(distances) > 2
    assert {step.before for step in found.trace} == {found.before}


def test_a_track_turned_to_one_side_is_found_there(found: Refinement) -> None:
    assert found.preset.track("Drums").strip.pan < -0.2
    assert found.preset.track("Keys").strip.pan > 0.03


def test_what_costs_more_moves_less(passage: Passage) -> None:
    reference = rendered(TRUTH, passage)

    def moved(stay: float) -> float:
        strips = [track.strip for track in short_search(START, passage, reference, stay=stay).preset.tracks]
        return sum(abs(strip.fader_db) + 20 * abs(strip.pan) for strip in strips)

    assert moved(5) < 0.6 * moved(0.01)


def test_a_start_that_is_the_truth_stays(passage: Passage) -> None:
    result = short_search(TRUTH, passage, rendered(TRUTH, passage), renders=5)
    assert result.before == pytest.approx(0, abs=1e-9)
    assert (result.preset, result.renders) == (TRUTH, 1)


def test_from_the_middle_it_finds_a_way_to_the_sides() -> None:
    """Mono tracks in the centre have no side at all, and so nothing that would grow by a small turn of a pan."""
    mono = passage_of(Keys=passage_of().audio["Keys"][:1])
    wide = TRUTH.model_copy(update={"tracks": tuple(track for track in TRUTH.tracks)})
    result = short_search(START, mono, rendered(wide, mono), renders=20)
    assert result.after <= 0.2 * result.before
    assert max(abs(track.strip.pan) for track in result.preset.tracks) > 0.1


def test_settings_stay_within_musical_limits(passage: Passage) -> None:
    """The reference is noise with nothing in the lows: every limit is pulled at."""
    noise = np.diff(np.random.default_rng(3).standard_normal((2, RATE_HZ + 3)), 3).astype(np.float32)
    result = short_search(START, passage, 0.01 * noise, renders=12, stay=1e-4)
    for track in result.preset.tracks:
        assert abs(track.strip.fader_db) <= FADER_REACH_DB + 1e-9
        assert all(abs(getattr(track.strip.eq, band).gain_db) <= EQ_LIMIT_DB + 1e-9 for band in EQ_BANDS)
        assert track.strip.compressor.ratio <= 8 + 1e-9
        level_db = often_reached_db(passage.audio[track.name], RATE_HZ)
        assert level_db - track.strip.compressor.threshold_db <= 12 / (1 - 1 / 8) + 1e-9


def test_only_tracks_that_sound_are_turned() -> None:
    hushed = passage_of(Keys=np.zeros((1, RATE_HZ), np.float32))
    start = START.model_copy(update={"tracks": (*START.tracks[:2], Track(name="Keys", note="silent"))})
    result = short_search(start, hushed, rendered(TRUTH, passage_of()), renders=5)
    assert result.after < result.before
    assert result.preset.track("Keys") == start.track("Keys")


def test_with_silence_alone_nothing_is_done() -> None:
    silence = {name: np.zeros((1, RATE_HZ), np.float32) for name in NAMES}
    result = short_search(START, passage_of(**silence), rendered(TRUTH, passage_of()))
    assert (result.preset, result.renders, result.trace) == (START, 0, ())


def test_a_muted_track_stays_out(passage: Passage) -> None:
    start = START.model_copy(update={"tracks": (*START.tracks[:2], Track(name="Keys", mute=True))})
    result = short_search(start, passage, rendered(TRUTH, passage), renders=4)
    assert result.preset.track("Keys") == start.track("Keys")


@pytest.mark.parametrize("comes", [1, 2, 5])
def test_ctrl_c_keeps_the_best_so_far(passage: Passage, comes: int) -> None:
    def press(step: RefineStep) -> bool:
        if step.renders == comes:
            raise KeyboardInterrupt
        return True

    reference = rendered(TRUTH, passage)
    result = refine(START, passage, reference, sample_rate_hz=RATE_HZ, seconds=600, progress=press)
    assert (result.interrupted, result.renders) == (True, comes)
    assert result.after == pytest.approx(distance_to(reference, result.preset, passage, RATE_HZ))
    assert result.after <= result.before


def test_it_ends_when_the_time_is_over(passage: Passage, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0, 1000, 1.0))
    monkeypatch.setattr(refining.time, "monotonic", lambda: next(clock))
    result = refine(START, passage, rendered(TRUTH, passage), sample_rate_hz=RATE_HZ, seconds=12)
    assert not result.interrupted
    assert 12 <= result.seconds <= 20
    assert 1 < result.renders <= 12


def test_the_same_seed_finds_the_same(passage: Passage) -> None:
    one, two = (short_search(START, passage, rendered(TRUTH, passage), renders=6, seed=1) for _ in range(2))
    assert one.preset == two.preset


def test_a_mono_reference_is_one_in_the_middle(passage: Passage) -> None:
    mono = rendered(TRUTH, passage).mean(axis=0, keepdims=True)
    result = short_search(START, passage, mono, renders=8)
    assert result.before == pytest.approx(distance_to(np.repeat(mono, 2, axis=0), START, passage, RATE_HZ))
    assert result.after < 0.7 * result.before


@pytest.mark.parametrize("shape", [(RATE_HZ,), (3, RATE_HZ), (2, 1000)])
def test_a_reference_of_another_shape_is_refused(passage: Passage, shape: tuple[int, ...]) -> None:
    with pytest.raises(AudioError):
        refine(START, passage, np.ones(shape, np.float32), sample_rate_hz=RATE_HZ, seconds=1)


def test_derivatives_are_those_of_the_render(passage: Passage) -> None:
    """Each knob moved for real, both ways, against what the matrix says of it."""
    target = refining._target(rendered(TRUTH, passage), RATE_HZ)
    start = START.model_copy(
        update={
            "tracks": (
                Track(name="Bass", strip=Strip(pan=0.4, eq=Equalizer(band0=EqBand(gain_db=6, freq_hz=200)))),
                Track(name="Drums", strip=Strip(pan=-0.3, compressor=Compressor(threshold_db=-25, ratio=2.5))),
                Track(name="Keys", strip=Strip(pan=0.2, fader_db=3)),
            ),
            "master": Master(eq=Equalizer(band1=EqBand(gain_db=-4)), compressor=Compressor(threshold_db=-20, ratio=2)),
        }
    )
    sound = refining._rendered(passage, start, RATE_HZ)
    levels = {name: often_reached_db(audio, RATE_HZ) for name, audio in passage.audio.items()}
    space = SearchSpace(start, {**levels, None: often_reached_db(sound.bus, RATE_HZ)})
    gain = target.match_gain(sound.mix)
    with ThreadPoolExecutor(1) as pool:
        matrix = residual_sensitivity(
            space, start, passage.audio, sound, RATE_HZ, weights=WEIGHTS, match_gain=gain, pool=pool
        )
    assert matrix.shape == (52, len(space.knobs))

    def residuals(place: NDArray[np.float64]) -> NDArray[np.float64]:
        return refining._judged(refining._rendered(passage, space.preset(place), RATE_HZ).mix, target).residuals

    # The pan of Keys, a stereo track, has no true derivative: it is a wide secant.
    told, tolerances = [], {"fader_db": 0.15, "pan": 0.15, "gain_db": 0.6, "threshold_db": 0.3, "ratio": 0.3}
    for index, knob in enumerate(space.knobs):
        tolerance = tolerances.get(knob.path.split(".")[-1])
        at_its_end = knob.start in (knob.low, knob.high)
        if tolerance is None or at_its_end or (knob.track, knob.path) == ("Keys", "pan"):
            continue
        step = np.zeros(len(space.knobs))
        step[index] = 0.005
        real = (residuals(space.start + step) - residuals(space.start - step)) / 0.01
        # Without the crest: one sample decides a peak, so that its derivative is only good on the whole.
        wrong = np.linalg.norm((matrix[:, index] - real)[:50])
        told.append((knob.track, knob.path, wrong, tolerance * np.linalg.norm(real[:50]) + 0.01))
    assert not [(*row[:2], *np.round(row[2:], 3)) for row in told if row[2] > row[3]]


def test_presets_and_places_are_each_others_inverse(passage: Passage) -> None:
    levels = {name: often_reached_db(audio, RATE_HZ) for name, audio in passage.audio.items()}
    space = SearchSpace(TRUTH, {**levels, None: -20.0})
    assert space.preset(space.start).tracks[1].strip.compressor.threshold_db == pytest.approx(-26)
    again = SearchSpace(space.preset(space.start), {**levels, None: -20.0})
    np.testing.assert_allclose(again.start, space.start, atol=1e-12)
    assert (space.low <= space.start).all()
    assert (space.start <= space.high).all()


def test_a_compressor_that_is_off_is_readied_without_a_sound(passage: Passage) -> None:
    space = SearchSpace(START, dict.fromkeys((*NAMES, None), -20.0))
    assert space.base.track("Bass").strip.compressor.threshold_db == -20
    np.testing.assert_array_equal(rendered(space.base, passage), rendered(START, passage))


def test_time_is_what_it_says(passage: Passage) -> None:
    began = time.monotonic()
    result = short_search(START, passage, rendered(TRUTH, passage), renders=2)
    assert 0 < result.seconds <= time.monotonic() - began
