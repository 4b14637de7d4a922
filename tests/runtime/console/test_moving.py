"""Lanes as they sound: faders and pans against a plain formula, filters against ever finer steps, and nothing where
nothing moves."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import (
    Compressor,
    DeEsser,
    EqBand,
    Equalizer,
    Gate,
    HighCut,
    LowCut,
    Master,
    Saturation,
    Strip,
    get,
    parameters,
)
from mixbridge.presets.lanes.lane import Lane, lane, movable
from mixbridge.presets.lanes.values import bus_at, value_at
from mixbridge.presets.preset import GroupBus, Preset, Track
from mixbridge.runtime.console.eq import section
from mixbridge.runtime.console.moving import courses
from mixbridge.runtime.console.strip import MasterProcessor, StripProcessor
from mixbridge.runtime.rendering.in_memory import render_arrays
from numpy.typing import NDArray
from scipy.signal import sosfilt

RATE_HZ = 44100
ROWS = parameters(Strip)


def noise(frames: int, channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal((channels, frames)) * 0.1).astype(np.float32)


def null_db(got: NDArray, want: NDArray) -> float:
    power = np.mean(np.square(got.astype(np.float64) - want))
    if not power:
        return -np.inf
    return float(10 * np.log10(power / np.mean(np.square(want.astype(np.float64)))))


def in_blocks(processor: StripProcessor | MasterProcessor, audio: NDArray, size: int) -> NDArray:
    return np.concatenate(
        [processor.process(audio[:, at : at + size]) for at in range(0, audio.shape[1], size)], axis=1
    )


def played(strip: Strip, lanes: list[Lane], audio: NDArray, size: int = 4096, **how: bool) -> NDArray:
    return in_blocks(StripProcessor(strip, len(audio), RATE_HZ, lanes=lanes, **how), audio, size)


def values(item: Lane, frames: int) -> NDArray:
    return np.array([value_at(item, ROWS[item.parameter], frame / RATE_HZ) for frame in range(frames)])


class TestLevels:
    FADER = lane("fader_db", [(0.05, -12), (0.2, 0), (0.25, 0), (0.3, -40)])
    PAN = lane("pan", [(0.02, -1), (0.15, 0.4), (0.28, 1)])

    @pytest.mark.parametrize("channels", [1, 2])
    @pytest.mark.parametrize("input_gain_db", [0.0, 5.0])
    def test_fader_and_pan_sample_by_sample(self, channels, input_gain_db):
        audio = noise(16_000, channels)
        fader = 10 ** ((values(self.FADER, 16_000) + input_gain_db) / 20)
        pan = values(self.PAN, 16_000)
        if channels == 1:
            angle = (pan + 1) * np.pi / 4
            sides = np.stack([np.cos(angle), np.sin(angle)])
        else:
            sides = np.stack([np.cos(np.maximum(pan, 0) * np.pi / 2), np.cos(np.maximum(-pan, 0) * np.pi / 2)])
        got = played(Strip(input_gain_db=input_gain_db), [self.FADER, self.PAN], audio)
        np.testing.assert_allclose(got, audio * fader * sides, rtol=2e-6, atol=1e-9)

    def test_a_held_value_glides_for_a_hundredth_of_a_second(self):
        audio = np.ones((2, 8_820), np.float32)
        left = played(Strip(), [lane("fader_db", [(0, 0), (0.1, -20)], "hold")], audio)[0]
        assert (left[:4410] == 1).all()
        np.testing.assert_allclose(left[4410 + 441 :], 0.1, rtol=1e-6)
        steps = np.diff(20 * np.log10(left))
        assert steps.min() == pytest.approx(-20 / 441, rel=0.02)
        assert steps.max() <= 1e-5

    def test_the_master(self):
        audio = noise(8_000, 2)
        item = lane("output_gain_db", [(0, 0), (0.1, -9)])
        gain = [value_at(item, parameters(Master)["output_gain_db"], frame / RATE_HZ) for frame in range(8_000)]
        got = in_blocks(MasterProcessor(Master(), RATE_HZ, lanes=[item]), audio, 1000)
        np.testing.assert_allclose(got, audio * 10 ** (np.array(gain) / 20), rtol=2e-6, atol=1e-9)

    def test_trim_moves_the_level_before_the_compressor(self):
        audio = np.full((1, 44_100), 0.5, np.float32)
        strip = Strip(compressor=Compressor(threshold_db=-20, ratio=20, knee_db=0, attack_ms=1, release_ms=20), pan=-1)
        got = played(strip, [lane("input_gain_db", [(0, 0), (1, 12)])], audio)[0]
        ends_db = 20 * np.log10(got[[4_000, 44_000]])
        assert ends_db == pytest.approx([-20 + (13.98 + 1.09) / 20, -20 + (13.98 + 11.97) / 20], abs=0.2)


BUSY = Strip(
    gate=Gate(range_db=20, threshold_db=-30),
    low_cut=LowCut(freq_hz=60),
    high_cut=HighCut(freq_hz=15_000),
    eq=Equalizer(band0=EqBand(gain_db=4, freq_hz=300, q=1), band1=EqBand(gain_db=-3, freq_hz=2500)),
    compressor=Compressor(threshold_db=-30, ratio=3, lookahead_ms=2),
    deesser=DeEsser(range_db=6, threshold_db=-35),
    saturation=Saturation(drive=1.5, mix=0.7),
)
EQ = [lane("eq.band0.gain_db", [(0.05, -6), (0.3, 6)]), lane("eq.band1.freq_hz", [(0, 1000), (0.35, 4000)])]
OTHERS = {
    "gate": [lane("gate.threshold_db", [(0.05, -40), (0.3, -20)]), lane("gate.range_db", [(0.05, 5), (0.3, 40)])],
    "cuts": [lane("low_cut.freq_hz", [(0.05, 16), (0.3, 250)]), lane("high_cut.freq_hz", [(0, 22000), (0.3, 4000)])],
    "eq": EQ,
    "compressor": [
        lane("compressor.threshold_db", [(0.05, -20), (0.3, -40)]),
        lane("compressor.ratio", [(0.05, 1), (0.3, 8)]),
        lane("compressor.makeup_db", [(0.05, 0), (0.3, 6)]),
        lane("compressor.release_ms", [(0.05, 200), (0.3, 50)]),
    ],
    "deesser": [lane("deesser.freq_hz", [(0.05, 5000), (0.3, 8000)]), lane("deesser.range_db", [(0.05, 0), (0.3, 9)])],
    "saturation": [lane("saturation.drive", [(0.05, 0.2), (0.3, 4)]), lane("saturation.mix", [(0.05, 1), (0.3, 0.3)])],
}


class TestStages:
    @pytest.mark.parametrize("stage", OTHERS)
    def test_against_finer_steps(self, stage, monkeypatch):
        audio = noise(14_000)
        got = played(BUSY, OTHERS[stage], audio)
        monkeypatch.setattr(courses, "_SHORTEST", 2)
        monkeypatch.setattr(courses, "_LONGEST", 2)
        fine = played(BUSY, OTHERS[stage], audio)
        assert null_db(got, fine) < -60
        assert null_db(got, played(BUSY, [], audio)) > -40  # it did move

    def test_the_ends_sound_like_standing_settings(self):
        """Behind a move everything is as if it had always been so, once the filters have forgotten."""
        audio = noise(40_000)
        lanes = [item for group in OTHERS.values() for item in group]
        end = bus_at(BUSY, lanes, 9.0)
        got, want = played(BUSY, lanes, audio), played(end, [], audio)
        assert null_db(got[:, 36_000:], want[:, 36_000:]) < -60

    @pytest.mark.parametrize(
        ("path", "ends", "limit_db"),
        [
            ("eq.band0.gain_db", (-6, 6), -np.inf),
            ("gate.threshold_db", (-2, -40), -np.inf),
            ("compressor.makeup_db", (2, 6), -np.inf),
            ("compressor.attack_ms", (10, 60), -np.inf),
            ("saturation.drive", (4, 1), -np.inf),
            # Filters in closed form, and levels told in other parts, have other last digits.
            ("low_cut.freq_hz", (80, 250), -110),
            ("compressor.threshold_db", (-20, -40), -110),
            ("deesser.freq_hz", (5000, 8000), -110),
        ],
    )
    def test_the_same_as_standing_before_anything_moves(self, path, ends, limit_db):
        late = [lane(path, [(0.2, ends[0]), (0.26, ends[1])])]
        audio = noise(12_000)
        got, want = played(BUSY, late, audio), played(bus_at(BUSY, late, 0), [], audio)
        assert null_db(got[:, :8192], want[:, :8192]) <= limit_db
        assert null_db(got[:, 10_000:], want[:, 10_000:]) > -50

    @pytest.mark.parametrize(("path", "ends"), [("freq_hz", (30, 3000)), ("q", (0.7, 10))])
    def test_a_band_that_gets_low_while_it_moves_is_exact_throughout(self, path, ends):
        eq = Equalizer(low_shelf=EqBand(gain_db=9, freq_hz=80, q=2))
        late = [lane(f"eq.low_shelf.{path}", [(0.2, ends[0]), (0.26, ends[1])])]
        audio = noise(60_000)
        got = played(Strip(eq=eq), late, audio)
        first, last = (bus_at(Strip(eq=eq), late, time_s).eq for time_s in (0, 9))
        exact = sosfilt([section("low_shelf", first.low_shelf, RATE_HZ)], audio, axis=1) * np.sqrt(0.5)
        assert null_db(got[:, :8000], exact[:, :8000]) < -120
        standing = played(Strip(eq=last), [], audio)
        assert null_db(got[:, 56_000:], standing[:, 56_000:]) < -60

    @pytest.mark.parametrize("size", [64, 441, 4096])
    def test_blocks_of_any_length_are_the_same(self, size):
        audio = noise(9_000)
        lanes = [item for group in OTHERS.values() for item in group]
        whole = played(BUSY, lanes, audio, 9_000)
        assert null_db(played(BUSY, lanes, audio, size), whole) < -100

    @pytest.mark.parametrize("path", [path for path in movable(Strip) if path != "input_gain_db"])
    def test_every_setting_moves(self, path):
        """From one end of a usual range to the other: finite, and something is heard of it."""
        row, low = ROWS[path], 1.5 if path == "gate.ratio" else get(BUSY, path)  # at 10:1 its range is all it does
        high = row.clamp(low * 2 if row.scale == "log" else low + (row.high - row.low) / 8)
        strip = BUSY.model_copy(update={"fx_send_db": -20.0})
        preset = Preset(tracks=(Track(name="A", strip=strip, lanes=(lane(path, [(0, low), (0.2, high)]),)),))
        still = Preset(tracks=(Track(name="A", strip=strip, lanes=(lane(path, [(0, low)]),)),))
        audio = {"A": noise(9_000) * 3}
        audio["A"][:, ::2][:, 500:3000] *= 0.003
        audio["A"][:, 1::2][:, 500:3000] *= 0.003
        got = render_arrays(audio, RATE_HZ, preset).mix
        assert np.isfinite(got).all()
        if high != low:
            want = render_arrays(audio, RATE_HZ, still).mix
            frames = min(got.shape[1], want.shape[1])
            unheard = {"eq.low_shelf", "eq.band2", "eq.band3", "eq.high_shelf"}
            if path.rpartition(".")[0] not in unheard or path.endswith("gain_db"):
                assert not np.array_equal(got[:, :frames], want[:, :frames])


class TestConsole:
    def test_lanes_that_stand_still_are_settings(self):
        """Bit for bit, for every setting at once, in tracks, groups and the master."""
        paths = {path: get(BUSY, path) for path in movable(Strip)}
        lanes = tuple(lane(path, [(0, value), (0.1, value)]) for path, value in paths.items())
        master = Master(eq=BUSY.eq, compressor=BUSY.compressor, output_gain_db=-2)
        master_lanes = tuple(lane(path, [(0, get(master, path))]) for path in movable(Master))
        audio = {"A": noise(20_000), "B": noise(15_000, 2, 1)}
        strip = BUSY.model_copy(update={"reverb_send_db": -20.0})
        lanes = (*(item for item in lanes if item.parameter != "reverb_send_db"), lane("reverb_send_db", [(0, -20)]))

        bare = Strip(compressor=Compressor(lookahead_ms=2), reverb_send_db=-20)

        def made(lanes, master_lanes, strip):
            return Preset(
                tracks=(Track(name="A", strip=strip, bus="G", lanes=lanes), Track(name="B", strip=strip, lanes=lanes)),
                buses=(GroupBus(name="G", strip=strip, lanes=lanes),),
                master=master,
                master_lanes=master_lanes,
            )

        still = render_arrays(audio, RATE_HZ, made((), (), strip))
        moving = render_arrays(audio, RATE_HZ, made(lanes, master_lanes, bare))
        np.testing.assert_array_equal(moving.mix, still.mix)

    def test_sends_open_and_close(self):
        audio = {"A": noise(20_000) * 0}
        audio["A"][0, ::2000] = 1
        send = lane("fx_send_db", [(0.2, -80), (0.21, 0)])
        got = render_arrays(audio, RATE_HZ, Preset(tracks=(Track(name="A", lanes=(send,)),)))
        wet = got.buses["fx return"]
        assert np.abs(wet[:, :8_000]).max() < 1e-3 * np.abs(wet).max()
        assert np.abs(wet[:, 10_000:]).max() > 0

    def test_groups_and_their_sends_in_time_with_look_ahead(self):
        """A group with look-ahead: its lanes move at the same moments as without."""
        audio = {"A": np.full((2, 20_000), 0.5, np.float32)}
        moves = (lane("fader_db", [(0.2, 0), (0.2001, -60)]), lane("fx_send_db", [(0.2, 0), (0.2001, -80)]))

        def at(lookahead_ms):
            strip = Strip(compressor=Compressor(ratio=1.5, threshold_db=50, lookahead_ms=lookahead_ms))
            group = GroupBus(name="G", strip=strip, lanes=moves)
            return render_arrays(audio, RATE_HZ, Preset(tracks=(Track(name="A", bus="G"),), buses=(group,)))

        late, plain = at(10), at(0)
        np.testing.assert_allclose(late.buses["G bus"], plain.buses["G bus"], atol=1e-6)
        np.testing.assert_allclose(late.mix, plain.mix, atol=1e-5)

    def test_linked_tracks_move_together(self):
        strip = Strip(compressor=Compressor(threshold_db=-30, ratio=4))
        moves = (lane("compressor.threshold_db", [(0, -40), (0.3, -10)]),)
        tracks = tuple(Track(name=name, strip=strip, link="OH", lanes=moves) for name in "AB")
        audio = {"A": noise(14_000), "B": noise(14_000, seed=1)}
        pair = render_arrays(audio, RATE_HZ, Preset(tracks=tracks)).stems
        one = Preset(tracks=(Track(name="AB", strip=strip, lanes=moves),))
        stereo = render_arrays({"AB": np.concatenate([audio["A"], audio["B"]])}, RATE_HZ, one).stems["AB"]
        np.testing.assert_allclose(pair["A"][0] * np.sqrt(2), stereo[0], rtol=1e-5, atol=1e-7)

    def test_silence_does_not_stop_the_clock(self):
        """Stages that rest are not run; their lanes go on."""
        seconds = 34
        audio = np.zeros((1, seconds * 8000), np.float32)
        audio[0, -8000:] = noise(8000)[0]
        strip = Strip(eq=Equalizer(band0=EqBand(gain_db=6)))
        moves = (lane("eq.band0.gain_db", [(0, 6), (seconds - 2, -12)]),)
        got = render_arrays({"A": audio}, 8000, Preset(tracks=(Track(name="A", strip=strip, lanes=moves),))).mix
        end = Strip(eq=Equalizer(band0=EqBand(gain_db=-12)))
        want = render_arrays({"A": audio}, 8000, Preset(tracks=(Track(name="A", strip=end),))).mix
        assert null_db(got[:, -7000:], want[:, -7000:]) < -60
