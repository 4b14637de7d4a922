"""Inserts in front of groups and of the master: heard where they stand, in time, in all ways of rendering."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from insert_models import delaying, insert_of, scaling
from mixbridge.presets.console import Strip, replace
from mixbridge.presets.editing.changing_inserts import buses_with_inserts, without_inserts
from mixbridge.presets.errors import InsertError, MixbridgeError, PresetError
from mixbridge.presets.inserts.insert import Insert
from mixbridge.presets.preset import GroupBus, Preset, Track
from mixbridge.runtime.audio.reading import AudioReader, Samples
from mixbridge.runtime.console.buses import Buses
from mixbridge.runtime.inserts.terms import InsertRules
from mixbridge.runtime.live.sound.parts import Parts
from mixbridge.runtime.mixing import apply
from mixbridge.runtime.rendering.file_session import FileSession
from mixbridge.runtime.rendering.in_memory import render_arrays
from mixbridge.runtime.rendering.render import RenderOptions, render_files
from mixbridge.runtime.rendering.wet import render_wet

RATE_HZ = 44_100
HALF_DB = 20 * np.log10(0.5)
NAMES = ("Kick", "Snare", "Vox")
AS_IT_IS = RenderOptions(loudness_lufs=None, ceiling_dbtp=0, audio_format="wav32f")


@pytest.fixture
def stems(tmp_path: Path) -> dict[str, Path]:
    """Three tracks of half a second."""
    (tmp_path / "stems").mkdir()
    generator = np.random.default_rng(5)
    paths = {name: tmp_path / "stems" / f"{name}.wav" for name in NAMES}
    for channels, path in enumerate(paths.values(), 1):
        audio = generator.uniform(-0.1, 0.1, (RATE_HZ // 2, min(channels, 2)))
        sf.write(path, audio, RATE_HZ, subtype="FLOAT")
    return paths


def grouped(
    *inserts: Insert, master: tuple[Insert, ...] = (), fader_db: float = 0.0, mute: bool = False, gain_db: float = 0.0
) -> Preset:
    """Kick and snare in a group that is sent to the reverb, the vocal beside it."""
    strip = replace(Strip(), {"fader_db": fader_db, "reverb_send_db": -20.0})
    bus = GroupBus(name="Drums", inserts=inserts, strip=strip, mute=mute)
    tracks = tuple(Track(name=name, bus=None if name == "Vox" else "Drums") for name in NAMES)
    plain = Preset(tracks=tracks, buses=(bus,), master_inserts=master)
    return plain.model_copy(update={"master": replace(plain.master, {"output_gain_db": gain_db})})


def mixed(stems: dict[str, Path], preset: Preset, name: str, options: RenderOptions = AS_IT_IS) -> Path:
    return apply(preset, stems, stems["Vox"].parents[1] / name, options=options).folder


def sound(path: Path) -> Samples:
    return sf.read(path, dtype="float32", always_2d=True)[0].T


@pytest.fixture
def half(tmp_path: Path) -> Insert:
    """A network that turns everything down by half."""
    return insert_of(scaling(tmp_path / "half.onnx"))


def test_the_sum_of_a_group_goes_through_it_before_its_strip(stems: dict[str, Path], half: Insert) -> None:
    made, wanted = mixed(stems, grouped(half), "made"), mixed(stems, grouped(fader_db=HALF_DB), "wanted")
    plain = mixed(stems, grouped(), "plain")
    for name in ("mix.wav", "stems/Drums bus.wav", "stems/reverb return.wav"):
        np.testing.assert_allclose(sound(made / name), sound(wanted / name), atol=2e-7)
    assert np.abs(sound(made / "mix.wav") - sound(plain / "mix.wav")).max() > 0.02
    for name in NAMES:
        assert (made / "stems" / f"{name}.wav").read_bytes() == (plain / "stems" / f"{name}.wav").read_bytes()
    assert sorted(path.name for path in made.iterdir()) == ["mix.wav", "preset.json", "stems"]


def test_the_whole_sum_goes_through_it_before_the_master(stems: dict[str, Path], half: Insert) -> None:
    made = mixed(stems, grouped(master=(half,)), "made")
    wanted = mixed(stems, grouped(gain_db=HALF_DB), "wanted")
    np.testing.assert_allclose(sound(made / "mix.wav"), sound(wanted / "mix.wav"), atol=2e-7)
    with pytest.raises(PresetError, match="stems cannot add up"):
        mixed(stems, grouped(master=(half,)), "post", RenderOptions(stems_post_master=True))


def test_latency_is_taken_away(stems: dict[str, Path], tmp_path: Path) -> None:
    late = insert_of(delaying(tmp_path / "late.onnx", 700), latency_samples=700, block_samples=1024)
    made, plain = mixed(stems, grouped(late), "made"), mixed(stems, grouped(), "plain")
    np.testing.assert_allclose(sound(made / "mix.wav"), sound(plain / "mix.wav"), atol=1e-7)


@dataclass(frozen=True)
class Upside:
    """Turns a sum upside down, and hands it back in one block."""

    groups: tuple[str, ...] = ("Drums",)
    has_master: bool = True

    def played(
        self, group: str | None, blocks: Iterable[Samples], sample_rate_hz: int, scratch: Path
    ) -> Iterator[Samples]:
        assert scratch.is_dir()
        assert sample_rate_hz == RATE_HZ
        yield -np.concatenate(list(blocks), axis=1) * np.float32(1 if group is None else 0.5)


def test_arrays_files_and_batches_of_tracks_sound_alike(stems: dict[str, Path], half: Insert, tmp_path: Path) -> None:
    preset, runs = grouped(half, master=(half,)), Upside()
    arrays = {name: sound(path) for name, path in stems.items()}
    rendered = render_arrays(arrays, RATE_HZ, preset, inserts=runs)
    folder = tmp_path / "made"
    folder.mkdir()
    made = render_files(stems, preset, folder, AS_IT_IS, inserts=runs)
    np.testing.assert_array_equal(rendered.mix, sound(folder / made.mix_file))
    np.testing.assert_array_equal(rendered.buses["Drums bus"], sound(folder / made.buses["Drums bus"].file))
    wanted = render_arrays(arrays, RATE_HZ, grouped(fader_db=HALF_DB))
    np.testing.assert_allclose(rendered.buses["Drums bus"], -wanted.buses["Drums bus"], atol=2e-7)
    readers = [AudioReader(path) for path in stems.values()]
    sums = []
    for side_by_side in (1, 3):
        session = FileSession(
            preset.tracks, readers, Buses.of(preset), side_by_side=side_by_side, inserts=runs, workers=2
        )
        shares: list[float] = []
        blocks = list(session.run([], None, tmp_path, progress=shares.append))  # type: ignore[arg-type]
        sums.append(np.concatenate(blocks, axis=1))
        assert shares[-1] == 1
    np.testing.assert_array_equal(*sums)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(("sums", "bus-"))] == []


def test_stems_behind_the_master_add_up_where_a_group_has_inserts(
    stems: dict[str, Path], half: Insert, tmp_path: Path
) -> None:
    (tmp_path / "made").mkdir()
    options = RenderOptions(stems_post_master=True, audio_format="wav32f")
    made = render_files(stems, grouped(half), tmp_path / "made", options, inserts=Upside(has_master=False))
    files = [made.stems["Vox"].file, *(stem.file for stem in made.buses.values())]
    total = np.sum([sound(tmp_path / "made" / file) for file in files], axis=0)
    np.testing.assert_allclose(total, sound(tmp_path / "made" / made.mix_file), atol=1e-6)


def failing(code: str) -> Insert:
    return Insert(kind="command", command=(sys.executable, "-c", code, "{in}", "{out}"))


def test_what_fails_names_its_group_and_leaves_nothing(stems: dict[str, Path]) -> None:
    output = stems["Vox"].parents[1] / "out"
    for preset, owner in (
        (grouped(failing("raise SystemExit('no licence')")), 'Group "Drums"'),
        (grouped(master=(failing("raise SystemExit('no licence')"),)), "The master"),
    ):
        with pytest.raises(InsertError, match="was not run"):
            apply(preset, stems, output)
        with pytest.raises(InsertError, match=rf"{owner}: command:.*no licence"):
            apply(preset, stems, output, rules=InsertRules(allow_code=True))
        assert not output.exists()


def test_a_group_that_is_not_heard_runs_nothing(stems: dict[str, Path]) -> None:
    muted = grouped(failing("raise SystemExit(1)"), mute=True)
    assert list(buses_with_inserts(muted)) == []
    mixed(stems, muted, "muted")


def test_what_plays_no_files_refuses_them(stems: dict[str, Path], half: Insert, tmp_path: Path) -> None:
    arrays = {name: sound(path) for name, path in stems.items()}
    for preset, owner in ((grouped(half), r"buses\[Drums\]"), (grouped(master=(half,)), "master")):
        with pytest.raises(PresetError, match=f"the inserts of {owner} were not run here"):
            render_arrays(arrays, RATE_HZ, preset)
        with pytest.raises(MixbridgeError, match=f"the inserts of {owner} cannot run in real time"):
            Parts.of(preset, (1, 1, 2))
        assert render_arrays(arrays, RATE_HZ, without_inserts(preset)).mix.any()
    # The returns for a DAW, which has none of these inserts, are those of the session without them.
    wet = render_wet(stems, grouped(half), ["reverb return"], tmp_path, RATE_HZ)
    assert wet["reverb return"].peak > 0
