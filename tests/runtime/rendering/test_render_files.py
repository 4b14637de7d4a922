"""Rendering files: levels, formats, odd inputs, and folders that are whole or not there."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile as sf
from busy_console import BUSY, BUSY_MASTER, RATE_HZ, ROOM, Audio, noise
from mixbridge.presets.console import Strip
from mixbridge.presets.errors import AudioError, MixbridgeError, OutputError
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio import delivery
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.audio.opening import OneWayFile
from mixbridge.runtime.audio.output import OutputFolder
from mixbridge.runtime.audio.peaks import true_peak_db
from mixbridge.runtime.audio.reading import BLOCK_FRAMES, probe
from mixbridge.runtime.mixing import MixResult, preset_files
from mixbridge.runtime.rendering import passes
from mixbridge.runtime.rendering.in_memory import render_arrays
from mixbridge.runtime.rendering.render import RenderOptions, render_files

AS_IS = RenderOptions(loudness_lufs=None, ceiling_dbtp=0, audio_format="wav32f")


def save(path: Path, audio: Audio, rate_hz: int = RATE_HZ, subtype: str = "FLOAT") -> Path:
    sf.write(path, audio.T, rate_hz, subtype=subtype)
    return path


def load(path: Path) -> Audio:
    return sf.read(path, dtype="float32", always_2d=True)[0].T


def preset(strips: Mapping[str, Strip], **more: object) -> Preset:
    return Preset.model_validate(
        {"tracks": tuple(Track(name=name, strip=strip) for name, strip in strips.items()), **more}
    )


def session(folder: Path, frames: int = RATE_HZ) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    return {
        "Vox": save(folder / "a.wav", noise(frames, 1, 1)),
        "Keys": save(folder / "b.wav", noise(frames, 2, 2)),
    }


def rendered(
    stems: Mapping[str, Path],
    settings: Preset,
    folder: Path,
    options: RenderOptions | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> MixResult:
    """Renders into a folder of results, as those who are called by users do."""
    options = options or RenderOptions()
    with OutputFolder(folder, options.overwrite, preset_files(settings, options)[:-1]) as workplace:
        result = render_files(stems, settings, workplace, options, progress)
    return MixResult(folder, settings, result)


def stem_audio(result: MixResult) -> list[Audio]:
    fx = [*result.bus_paths.values()]
    return [load(path) for path in [*result.stem_paths.values(), *fx]]


def files_under(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_give_what_arrays_give(tmp_path: Path) -> None:
    stems = session(tmp_path / "in", 80_000)
    settings = preset(
        {"Vox": BUSY.model_copy(update={"fx_send_db": -6.0}), "Keys": BUSY}, fx_bus=ROOM, master=BUSY_MASTER
    )
    want = render_arrays({name: load(path) for name, path in stems.items()}, RATE_HZ, settings)
    result = rendered(stems, settings, tmp_path / "mix", AS_IS)
    assert files_under(tmp_path / "mix") == ["mix.wav", "stems/Keys.wav", "stems/Vox.wav", "stems/fx return.wav"]
    np.testing.assert_array_equal(load(result.mix_path), want.mix)
    for name, path in result.stem_paths.items():
        np.testing.assert_array_equal(load(path), want.stems[name])
        assert result.render.stems[name].peak_dbfs == pytest.approx(
            20 * math.log10(np.abs(want.stems[name]).max()), abs=1e-4
        )
    assert list(want.buses) == ["fx return"]
    assert list(result.bus_paths) == ["fx return"]
    np.testing.assert_array_equal(load(result.bus_paths["fx return"]), want.buses["fx return"])
    assert result.render.frames == want.mix.shape[1]


@pytest.mark.parametrize("workers", [1, 7])
def test_the_number_of_threads_does_not_matter(tmp_path: Path, workers: int) -> None:
    stems = session(tmp_path / "in", 80_000)
    settings = preset({"Vox": BUSY, "Keys": BUSY})
    mixes = [
        load(rendered(stems, settings, tmp_path / str(count), RenderOptions(workers=count)).mix_path)
        for count in (2, workers)
    ]
    np.testing.assert_array_equal(*mixes)


def test_a_neutral_preset_passes_24_bits_unchanged(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(50_000, 2), subtype="PCM_24")
    options = RenderOptions(loudness_lufs=None, ceiling_dbtp=0)
    result = rendered({"a": path}, preset({"a": Strip()}), tmp_path / "mix", options)
    np.testing.assert_array_equal(load(result.mix_path), load(path))
    np.testing.assert_array_equal(load(result.stem_paths["a"]), load(path))
    assert probe(result.mix_path).subtype == "PCM_24"
    assert result.render.stem_gain_db == 0


@pytest.mark.parametrize("target_lufs", [-23.0, -14.0, -8.0])
def test_the_loudness_is_met_and_the_ceiling_held(tmp_path: Path, target_lufs: float) -> None:
    stems = session(tmp_path / "in", 3 * RATE_HZ)
    options = RenderOptions(loudness_lufs=target_lufs)
    result = rendered(stems, preset({"Vox": BUSY, "Keys": Strip()}), tmp_path / "mix", options)
    mix = load(result.mix_path)
    assert integrated_loudness(mix, RATE_HZ) == pytest.approx(target_lufs, abs=0.5)
    assert true_peak_db(mix) <= -1.0
    assert result.render.levels.loudness_lufs == pytest.approx(integrated_loudness(mix, RATE_HZ), abs=0.01)
    assert result.render.levels.true_peak_dbtp == pytest.approx(true_peak_db(mix), abs=0.01)
    assert (result.render.limited_db > 0) == (target_lufs > -14)
    unlimited_lufs = result.render.master_levels.loudness_lufs + result.render.loudness_gain_db
    assert result.render.levels.loudness_lufs == pytest.approx(
        unlimited_lufs, abs=0.01 if result.render.limited_db == 0 else 6
    )


def test_a_target_out_of_reach_is_reported_as_it_came_out(tmp_path: Path) -> None:
    clicks = np.zeros((2, 2 * RATE_HZ), np.float32)
    clicks[:, ::4410] = 0.5
    path = save(tmp_path / "a.wav", clicks)
    result = rendered(
        {"a": path}, preset({"a": Strip()}), tmp_path / "mix", RenderOptions(loudness_lufs=-5, ceiling_dbtp=-2)
    )
    mix = load(result.mix_path)
    assert true_peak_db(mix) <= -2
    assert result.render.levels.loudness_lufs < -6
    assert result.render.levels.loudness_lufs == pytest.approx(integrated_loudness(mix, RATE_HZ), abs=0.01)


def test_the_ceiling_holds_without_a_loudness(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(RATE_HZ, 2, level=1))
    result = rendered({"a": path}, preset({"a": Strip()}), tmp_path / "mix", RenderOptions(loudness_lufs=None))
    assert true_peak_db(load(result.mix_path)) <= -1
    assert result.render.loudness_gain_db == 0
    assert result.render.limited_db > 6


def test_silence_is_rendered(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.zeros((1, RATE_HZ), np.float32))
    result = rendered({"a": path}, preset({"a": BUSY}, master=BUSY_MASTER), tmp_path / "mix")
    assert not load(result.mix_path).any()
    assert result.render.levels.loudness_lufs == -math.inf
    assert result.render.stems["a"].peak_dbfs == -math.inf


def test_stems_that_would_clip_are_all_turned_down(tmp_path: Path) -> None:
    stems = session(tmp_path / "in")
    strips = {"Vox": Strip(fader_db=24, fx_send_db=-6), "Keys": Strip()}
    options = RenderOptions(loudness_lufs=None, ceiling_dbtp=0, audio_format="wav")
    settings = preset(strips, fx_bus=ROOM)
    result = rendered(stems, settings, tmp_path / "mix", options)
    want = render_arrays({name: load(path) for name, path in stems.items()}, RATE_HZ, settings).mix
    assert result.render.stem_gain_db < -6
    assert max(np.abs(stem).max() for stem in stem_audio(result)) == pytest.approx(10 ** (-0.1 / 20), abs=1e-4)
    assert max(stem.peak_dbfs for stem in result.render.stems.values()) == pytest.approx(-0.1, abs=0.01)
    np.testing.assert_allclose(sum(stem_audio(result)), want * 10 ** (result.render.stem_gain_db / 20), atol=1e-6)


def test_float_stems_may_stand_over_full_scale(tmp_path: Path) -> None:
    result = rendered(
        session(tmp_path / "in"), preset({"Vox": Strip(fader_db=24), "Keys": Strip()}), tmp_path / "mix", AS_IS
    )
    assert result.render.stem_gain_db == 0
    assert np.abs(load(result.stem_paths["Vox"])).max() > 1


def test_stems_of_all_kinds(tmp_path: Path) -> None:
    stems = {
        "slow": save(tmp_path / "a.wav", noise(8000, 1), 8000, "PCM_16"),
        "fast": save(tmp_path / "b.wav", noise(192_000, 2), 192_000),
        "short": save(tmp_path / "c.flac", noise(1), 48_000, "PCM_24"),
        "same": save(tmp_path / "d.aiff", noise(60_000, 1), 48_000, "PCM_24"),
    }
    result = rendered(stems, preset(dict.fromkeys(stems, BUSY)), tmp_path / "mix")
    assert result.render.sample_rate_hz == 48_000
    assert result.render.frames == 60_000
    for path in (result.mix_path, *result.stem_paths.values()):
        info = probe(path)
        assert (info.sample_rate_hz, info.frames, info.channels) == (48_000, 60_000, 2)


def test_the_session_rate(tmp_path: Path) -> None:
    stems = {
        "a": save(tmp_path / "a.wav", noise(100), 44_100),
        "b": save(tmp_path / "b.wav", noise(100), 96_000),
    }
    settings = preset(dict.fromkeys(stems, Strip()))
    assert rendered(stems, settings, tmp_path / "1").render.sample_rate_hz == 96_000
    options = RenderOptions(sample_rate_hz=22_050)
    assert rendered(stems, settings, tmp_path / "2", options).render.sample_rate_hz == 22_050


@pytest.mark.parametrize(("audio_format", "suffix"), [("flac", ".flac"), ("wav16", ".wav"), ("aiff", ".aiff")])
def test_formats(tmp_path: Path, audio_format: str, suffix: str) -> None:
    options = RenderOptions(audio_format=audio_format)
    rendered(session(tmp_path / "in"), preset({"Vox": BUSY, "Keys": BUSY}), tmp_path / "mix", options)
    assert files_under(tmp_path / "mix") == [f"mix{suffix}", f"stems/Keys{suffix}", f"stems/Vox{suffix}"]


def test_without_stems_there_is_only_the_mix(tmp_path: Path) -> None:
    options = RenderOptions(stems=False)
    strips = {"Vox": Strip(fader_db=40, fx_send_db=0), "Keys": BUSY}
    result = rendered(session(tmp_path / "in"), preset(strips, fx_bus=ROOM), tmp_path / "mix", options)
    assert files_under(tmp_path / "mix") == ["mix.wav"]
    assert (result.render.stems, result.render.buses, result.render.stem_gain_db) == ({}, {}, 0)


def test_names_that_are_no_file_names(tmp_path: Path) -> None:
    names = ["../Kick", "Kick: in/out?", "CON", "fx return", "FX Return", "ö" * 200, " . "]
    source = save(tmp_path / "a.wav", noise(1000))
    settings = preset({name: Strip(fx_send_db=-20) for name in names}, fx_bus=ROOM)
    result = rendered(dict.fromkeys(names, source), settings, tmp_path / "mix")
    assert list(result.render.stems) == names
    assert list(result.bus_paths) == ["fx return"]
    paths = [*result.stem_paths.values(), *result.bus_paths.values()]
    assert len({str(path).casefold() for path in paths}) == len(names) + 1
    assert all(path.parent == tmp_path / "mix" / "stems" and path.is_file() for path in paths)


def test_progress_rises_to_one(tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    strips = {"Vox": Strip(fader_db=40), "Keys": BUSY}
    stems = session(tmp_path / "in", 200_000)
    rendered(stems, preset(strips), tmp_path / "mix", None, lambda share, what: told.append((share, what)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    # The end, which takes as long as the rest in a long song, is told block by block, too.
    assert len({share for share, what in told if what == "finishing the mix"}) >= 4


# --- whole or not at all


def test_results_are_only_replaced_when_asked(tmp_path: Path) -> None:
    stems, settings = session(tmp_path / "in"), preset({"Vox": Strip(), "Keys": Strip()})
    rendered(stems, settings, tmp_path / "mix")
    before = (tmp_path / "mix" / "mix.wav").read_bytes()
    calls: list[float] = []
    with pytest.raises(OutputError, match="exists already"):
        rendered(stems, settings, tmp_path / "mix", None, lambda share, _: calls.append(share))
    assert calls == []
    (tmp_path / "mix" / "notes.txt").write_text("mine")
    rendered(stems, settings, tmp_path / "mix", RenderOptions(overwrite=True, loudness_lufs=-30))
    assert (tmp_path / "mix" / "mix.wav").read_bytes() != before
    assert files_under(tmp_path / "mix") == ["mix.wav", "notes.txt", "stems/Keys.wav", "stems/Vox.wav"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("moment", [0.3, 0.85])
def test_broken_off_it_leaves_nothing(tmp_path: Path, error: type[BaseException], moment: float) -> None:
    stems, settings = session(tmp_path / "in"), preset({"Vox": BUSY, "Keys": BUSY})

    def stop(share: float, _: str) -> None:
        if share >= moment:
            raise error

    with pytest.raises(error):
        rendered(stems, settings, tmp_path / "new" / "mix", None, stop)
    assert not (tmp_path / "new").exists()
    rendered(stems, settings, tmp_path / "mix")
    before = (tmp_path / "mix" / "mix.wav").read_bytes()
    with pytest.raises(error):
        rendered(stems, settings, tmp_path / "mix", RenderOptions(overwrite=True, loudness_lufs=-30), stop)
    assert (tmp_path / "mix" / "mix.wav").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "mix"]
    assert sorted(path.name for path in (tmp_path / "mix").iterdir()) == ["mix.wav", "stems"]


def test_broken_off_while_moving_it_puts_back_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stems, settings = session(tmp_path / "in"), preset({"Vox": BUSY, "Keys": BUSY})
    rendered(stems, settings, tmp_path / "mix")
    before = {name: (tmp_path / "mix" / name).read_bytes() for name in files_under(tmp_path / "mix")}
    move, moved = Path.replace, []

    def failing(self: Path, target: Path) -> Path:
        if self.parts[-1] == "Keys.wav" and target == tmp_path / "mix" / "stems" / "Keys.wav" and not moved:
            moved.append(self)
            raise OSError(errno.EIO, "the disk is gone")
        return move(self, target)

    def no_exchange(*_: object) -> None:
        raise OSError(errno.ENOSYS, "no such call")

    monkeypatch.setattr(delivery, "_exchange", no_exchange)
    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OutputError, match="cannot be written"):
        rendered(stems, settings, tmp_path / "mix", RenderOptions(overwrite=True, loudness_lufs=-30))
    monkeypatch.undo()
    assert {name: (tmp_path / "mix" / name).read_bytes() for name in files_under(tmp_path / "mix")} == before


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def full(self: OneWayFile, data: Audio) -> None:
        written.append(len(data))
        if len(written) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    stems = session(tmp_path / "in", 100_000)
    monkeypatch.setattr(OneWayFile, "write_numbers", full)
    with pytest.raises(OutputError, match="disk full"):
        rendered(stems, preset({"Vox": BUSY, "Keys": BUSY}), tmp_path / "mix")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_too_small_a_disk_is_said_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1))
    with pytest.raises(OutputError, match="MiB left"):
        rendered(session(tmp_path / "in"), preset({"Vox": BUSY, "Keys": BUSY}), tmp_path / "mix")
    assert not (tmp_path / "mix").exists()


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "mix").write_text("a file")
    with pytest.raises(OutputError, match="is a file"):
        rendered(session(tmp_path / "in"), preset({"Vox": BUSY, "Keys": BUSY}), tmp_path / "mix")


def test_broken_input_leaves_nothing(tmp_path: Path) -> None:
    stems = session(tmp_path / "in", 100_000)
    audio = noise(100_000)
    audio[0, 90_000] = np.nan
    save(stems["Vox"], audio)
    with pytest.raises(AudioError, match=r"a\.wav: at 2\.041 s"):
        rendered(stems, preset({"Vox": BUSY, "Keys": BUSY}), tmp_path / "mix")
    with pytest.raises(AudioError, match=r"c\.wav: .*is no audio"):
        rendered(
            {"Keys": save(tmp_path / "in" / "c.wav", noise(1000, level=1e35))},
            preset({"Keys": Strip(input_gain_db=96)}),
            tmp_path / "mix",
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize(
    "wrong", [{"audio_format": "mp9"}, {"loudness_lufs": 3.0}, {"ceiling_dbtp": 1.0}, {"most_limited_db": -1.0}]
)
def test_options_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(MixbridgeError, match=r"choose one|give a number"):
        RenderOptions(**wrong)  # type: ignore[arg-type]


def test_memory_does_not_grow_with_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No array longer than a block is ever asked for."""
    longest = []
    original = passes.Meter.update

    def spy(self: object, block: Audio) -> None:
        longest.append(block.shape[1])
        original(self, block)  # type: ignore[arg-type]

    monkeypatch.setattr(passes.Meter, "update", spy)
    rendered(session(tmp_path / "in", 200_000), preset({"Vox": BUSY, "Keys": BUSY}), tmp_path / "mix")
    assert max(longest) <= BLOCK_FRAMES
    assert len(longest) >= 200_000 // BLOCK_FRAMES


def test_a_mix_is_quieter_where_its_peaks_would_be_crushed(tmp_path: Path) -> None:
    audio = noise(5 * RATE_HZ, level=0.02)
    audio[:, 100_000] = 0.9  # a click far above all else
    stems, settings = {"Keys": save(tmp_path / "a.wav", audio)}, preset({"Keys": Strip()})
    crushed = rendered(stems, settings, tmp_path / "loud").render
    held = rendered(stems, settings, tmp_path / "held", RenderOptions(most_limited_db=3.0)).render
    assert crushed.limited_db > 12
    assert crushed.levels.loudness_lufs == pytest.approx(-14, abs=0.3)
    assert held.limited_db == pytest.approx(3.0, abs=0.1)
    assert held.levels.true_peak_dbtp <= -0.99
    assert held.levels.loudness_lufs < crushed.levels.loudness_lufs - 9
