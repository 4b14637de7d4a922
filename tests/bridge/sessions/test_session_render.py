"""Stems against a plain reference: where a clip is, how loud, how it fades, and what overlapping clips do."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.core.model import Automation, Clip, Fade, Session
from mixbridge.bridge.sessions.stems import render
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.runtime.audio.reading import AudioReader
from timeline import expected_stem, noise, session_of, write_audio

SHAPES = (
    "linear",
    "constant_power",
    "fast_start",
    "fast_end",
    "faster_start",
    "faster_end",
    "slow_ends",
    "slower_ends",
)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    # So that clips, fades and loops lie across the borders of blocks.
    monkeypatch.setattr(render, "BLOCK_FRAMES", 1000)


@pytest.fixture
def mono(tmp_path: Path) -> Path:
    return write_audio(tmp_path / "mono.wav", noise(5000))


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    return write_audio(tmp_path / "stereo.wav", noise(5000, 2, seed=1))


def stems_of(session: Session, folder: Path, **options: object) -> dict[str, np.ndarray]:
    files = render_stems(session, folder, **options)  # type: ignore[arg-type]
    return {name: sf.read(path, always_2d=True)[0].T for name, path in files.items()}


def assert_nulls(session: Session, folder: Path) -> None:
    stems = stems_of(session, folder)
    assert list(stems) == [track.name for track in session.tracks]
    for track in session.tracks:
        expected = expected_stem(track, stems[track.name].shape[1])
        np.testing.assert_allclose(stems[track.name], expected, atol=2e-7)
        assert np.abs(expected).max() > 0.01


def clip_cases(mono: Path, stereo: Path) -> dict[str, tuple[Clip, ...]]:
    return {
        "as it is": (Clip(mono, 0, 5000),),
        "later": (Clip(mono, 1234, 3000),),
        "from within the file": (Clip(mono, 10, 3000, source_offset=777),),
        "before the file begins": (Clip(mono, 0, 3000, source_offset=-500),),
        "longer than the file": (Clip(mono, 100, 9000, source_offset=100), Clip(mono, 9100, 200)),
        "begun before the session": (Clip(mono, -700, 3000),),
        "gain": (Clip(mono, 50, 3000, gain_db=-7.3),),
        "polarity": (Clip(mono, 50, 3000, polarity=True, gain_db=1.0),),
        "reverse": (Clip(mono, 50, 3000, reverse=True, source_offset=123),),
        "short loop": (Clip(mono, 50, 4321, loop_frames=333),),
        "loop of a later part": (Clip(mono, 50, 4321, source_offset=100, loop_start=600, loop_frames=700),),
        "loop turned round": (Clip(mono, 50, 4321, reverse=True, loop_start=600, loop_frames=2000),),
        "right channel": (Clip(stereo, 50, 3000, channels=(1,)),),
        "sides changed": (Clip(stereo, 50, 3000, channels=(1, 0)),),
        "folded to mono": (Clip(stereo, 50, 3000, downmix=True),),
        "two mono files": (Clip(mono, 50, 3000, split=(mono.parent / "second.wav",)),),
        "mono and stereo": (Clip(mono, 50, 1000), Clip(stereo, 1050, 1000)),
        "muted": (Clip(mono, 50, 1000), Clip(mono, 500, 1000, mute=True)),
        "fades": (Clip(mono, 50, 3000, fade_in=Fade(1500), fade_out=Fade(700, "constant_power")),),
        "a fade longer than its clip": (Clip(mono, 50, 500, fade_out=Fade(900)), Clip(mono, 550, 10)),
        "crossfade": (Clip(mono, 0, 3000, fade_out=Fade(1000)), Clip(mono, 2000, 3000, 99, fade_in=Fade(1000))),
        "three at once": tuple(Clip(mono, 500 * n, 2500, 100 * n) for n in range(3)),
    }


@pytest.mark.parametrize("case", list(clip_cases(Path(), Path())))
def test_a_clip_is_where_and_as_it_should_be(case: str, mono: Path, stereo: Path, tmp_path: Path) -> None:
    write_audio(tmp_path / "second.wav", noise(4000, seed=2))
    assert_nulls(session_of(tmp_path, clip_cases(mono, stereo)[case]), tmp_path / "stems")


@pytest.mark.parametrize("shape", SHAPES)
def test_fades_have_their_shapes_across_blocks(shape: str, mono: Path, tmp_path: Path) -> None:
    clip = Clip(mono, 321, 4000, fade_in=Fade(2500, shape), fade_out=Fade(1400, shape))  # type: ignore[arg-type]
    assert_nulls(session_of(tmp_path, (clip,)), tmp_path / "stems")


def test_a_curve_of_points_goes_through_them(mono: Path, tmp_path: Path) -> None:
    points = ((0.0, 0.0), (300.0, 0.2), (700.0, 0.9), (1000.0, 1.0))
    flat = write_audio(tmp_path / "flat.wav", np.ones(4000))
    clip = Clip(flat, 0, 3000, fade_in=Fade(1000, "points", points=points))
    (stem,) = stems_of(session_of(tmp_path, (clip,)), tmp_path / "stems").values()
    assert stem[0, [0, 300, 700, 1000]] == pytest.approx([0, 0.2, 0.9, 1], abs=1e-6)
    assert (np.diff(stem[0, :1001]) >= 0).all()


def test_a_fade_may_reach_its_end_with_its_last_frame(tmp_path: Path) -> None:
    flat = write_audio(tmp_path / "flat.wav", np.ones(4000))
    clip = Clip(flat, 0, 3000, fade_in=Fade(65, includes_end=True), fade_out=Fade(65, includes_end=True))
    (stem,) = stems_of(session_of(tmp_path, (clip,)), tmp_path / "stems").values()
    np.testing.assert_allclose(stem[0, :65], np.arange(65) / 64, atol=1e-7)
    np.testing.assert_allclose(stem[0, -65:], np.arange(65)[::-1] / 64, atol=1e-7)


def test_an_opaque_clip_hides_what_lies_below_and_its_fades_bring_it_back(mono: Path, tmp_path: Path) -> None:
    below = Clip(mono, 0, 5000, opaque=True)
    above = Clip(mono, 1500, 2000, 2500, layer=1, opaque=True, fade_in=Fade(600), fade_out=Fade(900))
    assert_nulls(session_of(tmp_path, (above, below)), tmp_path / "stems")


def test_the_layer_decides_and_not_the_position(mono: Path, stereo: Path, tmp_path: Path) -> None:
    early_above = Clip(mono, 100, 3000, layer=2, opaque=True)
    late_below = Clip(mono, 2000, 3000, 1000, layer=1, opaque=True)
    (stem,) = stems_of(session_of(tmp_path, (early_above, late_below)), tmp_path / "stems").values()
    whole = sf.read(mono)[0]
    np.testing.assert_allclose(stem[0, 100:3100], whole[:3000], atol=1e-7)
    np.testing.assert_allclose(stem[0, 3100:5000], whole[2100:4000], atol=1e-7)


def test_what_lies_below_can_follow_a_curve_of_its_own(tmp_path: Path) -> None:
    flat = write_audio(tmp_path / "flat.wav", np.ones(4000))
    fade = Fade(1000, "points", points=((0, 0), (1000, 1)), under=((0, 1), (1000, 0.5)))
    clips = (Clip(flat, 0, 3000), Clip(flat, 0, 3000, gain_db=-120, layer=1, opaque=True, fade_in=fade))
    (stem,) = stems_of(session_of(tmp_path, clips), tmp_path / "stems").values()
    assert stem[0, [0, 500, 999, 1001]] == pytest.approx([1, 0.75, 0.5005, 0], abs=1e-5)


def test_a_clips_envelope_is_counted_from_its_beginning(tmp_path: Path) -> None:
    flat = write_audio(tmp_path / "flat.wav", np.ones(8000))
    envelope = Automation(((0.0, 0.0), (0.5, 1.0)))
    clip = Clip(flat, 2000, 6000, envelope=envelope)
    (stem,) = stems_of(session_of(tmp_path, (clip,)), tmp_path / "stems").values()
    assert stem[0, [2000, 4000, 6000, 7999]] == pytest.approx([0, 0.5, 1, 1], abs=1e-6)


def test_a_crowded_timeline_is_the_sum_of_its_parts(mono: Path, stereo: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    write_audio(tmp_path / "second.wav", noise(4000, seed=2))

    def some_clip() -> Clip:
        length = int(random.integers(1, 4000))
        fades = random.integers(0, length + 1, 2) // 2
        return Clip(
            (mono, stereo)[int(random.integers(2))],
            int(random.integers(-500, 20000)),
            length,
            source_offset=float(random.integers(-300, 4000)),
            gain_db=float(random.uniform(-20, 6)),
            fade_in=Fade(int(fades[0]), SHAPES[int(random.integers(8))]),  # type: ignore[arg-type]
            fade_out=Fade(int(fades[1]), SHAPES[int(random.integers(8))]),  # type: ignore[arg-type]
            reverse=bool(random.integers(2)),
            loop_frames=float(random.integers(100, 3000)) if random.integers(3) == 0 else None,
            polarity=bool(random.integers(2)),
            layer=int(random.integers(3)),
            opaque=bool(random.integers(2)),
        )

    # Two clips at one place of one layer have no order of their own.
    clips = {(clip.layer, clip.position): clip for clip in (some_clip() for _ in range(60))}
    assert_nulls(session_of(tmp_path, tuple(clips.values())), tmp_path / "stems")


@pytest.mark.parametrize("block", [1, 997, 65_536])
def test_the_length_of_blocks_changes_nothing(
    block: int, mono: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = (Clip(mono, 100, 1500, 33, fade_in=Fade(500, "slow_ends")), Clip(mono, 900, 1200, loop_frames=450))
    session = session_of(tmp_path, clips)
    (before,) = stems_of(session, tmp_path / "before").values()
    monkeypatch.setattr(render, "BLOCK_FRAMES", block)
    (after,) = stems_of(session, tmp_path / "after").values()
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("file_rate_hz", [44100, 96000, 22050, 44101])
@pytest.mark.parametrize(("position", "offset"), [(0, 5000.0), (1234, 5001.0), (-777, 5000.0), (50, None)])
def test_a_file_of_another_rate_is_in_time(
    file_rate_hz: int, position: int, offset: float | None, tmp_path: Path
) -> None:
    """A sine of 1 kHz is known everywhere. Offsets are whole frames of the file, or of the session (7000)."""
    offset = 7000 * file_rate_hz / 48000 if offset is None else offset
    seconds = np.arange(2 * file_rate_hz) / file_rate_hz
    file = write_audio(tmp_path / "sine.wav", 0.5 * np.sin(2 * np.pi * 1000 * seconds), file_rate_hz)
    session = session_of(tmp_path, (Clip(file, position, 20_000, source_offset=offset),), rate_hz=48000)
    (stem,) = stems_of(session, tmp_path / "stems").values()
    frames = np.arange(max(0, position), position + 20_000)
    exact = 0.5 * np.sin(2 * np.pi * 1000 * ((frames - position) / 48000 + offset / file_rate_hz))
    assert np.abs(stem[0, frames] - exact).max() < 0.5 * 10 ** (-90 / 20)


def test_a_stretched_clip_is_played_like_a_slow_tape(tmp_path: Path) -> None:
    seconds = np.arange(3 * 48000) / 48000
    file = write_audio(tmp_path / "sine.wav", 0.5 * np.sin(2 * np.pi * 1000 * seconds), 48000)
    clip = Clip(file, 100, 30_000, source_offset=4800, stretch=1.25)
    (stem,) = stems_of(session_of(tmp_path, (clip,), rate_hz=48000), tmp_path / "stems").values()
    exact = 0.5 * np.sin(2 * np.pi * 800 * np.arange(30_000) / 48000 + 2 * np.pi * 100)
    assert np.abs(stem[0, 100:30_100] - exact).max() < 0.5 * 10 ** (-90 / 20)


def test_a_loop_of_another_rate_has_no_seam(tmp_path: Path) -> None:
    """441 frames of 44.1 kHz hold ten waves of 1 kHz: over and over they are a sine without end."""
    seconds = np.arange(44100) / 44100
    file = write_audio(tmp_path / "sine.wav", 0.5 * np.sin(2 * np.pi * 1000 * seconds), 44100)
    clip = Clip(file, 0, 48000, loop_start=441, loop_frames=441, source_offset=441)
    (stem,) = stems_of(session_of(tmp_path, (clip,), rate_hz=48000), tmp_path / "stems").values()
    exact = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(3000, 48000) / 48000)
    assert np.abs(stem[0, 3000:] - exact).max() < 0.5 * 10 ** (-90 / 20)


@pytest.mark.parametrize("rate_hz", [44100, 96000, 48000])
def test_stems_of_another_rate_are_the_same_sound(rate_hz: int, tmp_path: Path) -> None:
    seconds = np.arange(48000) / 48000
    file = write_audio(tmp_path / "sine.wav", 0.5 * np.sin(2 * np.pi * 1000 * seconds), 48000)
    session = session_of(tmp_path, (Clip(file, 0, 48000),), rate_hz=48000)
    (stem,) = stems_of(session, tmp_path / "stems", sample_rate_hz=rate_hz).values()
    assert stem.shape == (1, rate_hz)
    exact = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate_hz) / rate_hz)
    middle = slice(rate_hz // 10, -rate_hz // 10)
    assert np.abs(stem[0, middle] - exact[middle]).max() < 0.5 * 10 ** (-90 / 20)


@pytest.mark.parametrize(("ending", "subtype"), [("mp3", None), ("flac", "PCM_24"), ("ogg", None), ("aiff", "PCM_16")])
def test_packed_files_are_read_from_anywhere(ending: str, subtype: str | None, tmp_path: Path) -> None:
    """Seeking in MP3 files is not exact, so what is before a clip is decoded and thrown away."""
    file = tmp_path / f"take.{ending}"
    sf.write(file, noise(60_000, 2).T, 48000, subtype=subtype)
    whole = np.concatenate(list(AudioReader(file)), axis=1)
    clips = (
        Clip(file, 0, 2500, source_offset=30_000),
        Clip(file, 2500, 2500, source_offset=10_000),
        Clip(file, 5000, 2500, source_offset=20_000, reverse=True),
        Clip(file, 7500, 2500, source_offset=100),
    )
    (stem,) = stems_of(session_of(tmp_path, clips, rate_hz=48000), tmp_path / "stems").values()
    parts = whole[:, 30_000:32_500], whole[:, 10_000:12_500], whole[:, ::-1][:, 20_000:22_500], whole[:, 100:2600]
    np.testing.assert_array_equal(stem.astype(np.float32), np.concatenate(parts, axis=1))
