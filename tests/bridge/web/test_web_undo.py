"""Undo and redo of the page's work: settings, references, snapshots, roles and predictions; two references."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.server.steps import StepName
from mixbridge.bridge.web.api import remove_reference
from mixbridge.bridge.web.edits import SettingEdit
from mixbridge.bridge.web.material import PageMaterial, PageReference, weighed, with_reference, without_reference
from mixbridge.bridge.web.studio import PageStudio
from mixbridge.bridge.web.work import PageWork
from mixbridge.presets.console import Strip, replace
from mixbridge.presets.errors import AudioError, PresetError
from mixbridge.presets.preset import GroupBus, Preset, Track
from mixbridge.runtime.audio.loudness import integrated_loudness

RATE_HZ = 44100
PRESET = Preset(tracks=(Track(name="Bass"), Track(name="Vox", strip=Strip(fader_db=-3.0))))
OTHER = Preset(tracks=(Track(name="Bass", strip=Strip(fader_db=-8.0)), Track(name="Vox")))


def tone(path: Path, freq_hz: float, level: float, length_s: float = 2.0) -> Path:
    time_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    sf.write(path, (level * np.sin(2 * np.pi * freq_hz * time_s)).astype(np.float32), RATE_HZ, subtype="FLOAT")
    return path


@pytest.fixture
def songs(tmp_path: Path) -> list[PageReference]:
    """A low and loud song, and a high and soft one."""
    return [
        PageReference(tone(tmp_path / "low.wav", 200, 0.5), "low.wav"),
        PageReference(tone(tmp_path / "high.wav", 3000, 0.02), "high.wav"),
    ]


@pytest.fixture
def studio(tmp_path: Path) -> PageStudio:
    stems = {
        "Bass": tone(tmp_path / "Bass.wav", 80, 0.3),
        "Vox": tone(tmp_path / "Vox.wav", 500, 0.3),
    }
    return PageStudio(PageMaterial(stems), tmp_path / "work", PRESET)


def gather_all(studio: PageStudio, songs: list[PageReference]) -> None:
    """Add references, a step each."""
    for song in songs:
        studio.gather(lambda files, song=song: with_reference(files, song))


@pytest.fixture
def predictions(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, float]]:
    """What a model that always says the same was asked to go after: names of songs with their weights."""
    asked: list[dict[str, float]] = []

    def predicted(_stems: object, references: dict[Path, float], **_: object) -> Preset:
        asked.append({path.name: round(weight, 3) for path, weight in references.items()})
        return OTHER

    monkeypatch.setattr("mixbridge.bridge.web.doing.making.predict", predicted)
    return asked


def names(studio: PageStudio) -> list[str]:
    return [song.name for song in studio.material.references]


def seen(studio: PageStudio) -> object:
    """All that undo goes through."""
    return studio.state


def test_everything_that_is_done_is_undone_and_done_again_one_by_one(
    studio: PageStudio, songs: list[PageReference]
) -> None:
    steps: list[tuple[Callable[[], object], StepName]] = [
        (lambda: studio.edit([SettingEdit("track", 1, "fader_db", -6.0)]), StepName("edit", "Vox")),
        (lambda: studio.remember("soft"), StepName("remember", "soft")),
        (lambda: studio.gather(lambda files: with_reference(files, songs[0])), StepName("references")),
        (lambda: studio.gather(lambda files: with_reference(files, songs[1])), StepName("references")),
        (lambda: studio.take_prediction(OTHER, ["Bass", "Vox"]), StepName("predict")),
        (lambda: studio.rename("soft", "softer"), StepName("rename", "soft")),
        (lambda: studio.recall("softer"), StepName("recall", "softer")),
        (lambda: studio.set_amount(0.5), StepName("amount")),
        (studio.load_predicted, StepName("prediction")),
        (lambda: studio.tell_role("Vox", "lead vocal"), StepName("role", "Vox")),
        (lambda: studio.gather(lambda files: without_reference(files, 0)), StepName("references")),
        (lambda: studio.remove_track("Bass"), StepName("remove", "Bass")),
        (lambda: studio.forget("softer"), StepName("forget", "softer")),
    ]
    states = [seen(studio)]
    for do, did in steps:
        do()
        assert studio.undoes == did
        assert seen(studio) != states[-1]
        states.append(seen(studio))
    assert names(studio) == ["high.wav"]
    for state, (_, did) in zip(states[-2::-1], steps[::-1], strict=True):
        studio.undo()
        assert studio.redoes == did
        assert seen(studio) == state
    assert studio.undoes is None
    assert names(studio) == []
    for state in states[1:]:
        studio.redo()
        assert seen(studio) == state
    assert studio.redoes is None
    assert names(studio) == ["high.wav"]
    assert list(studio.material.stems) == ["Vox"]


def test_a_snapshot_is_renamed_at_its_place_and_takes_no_name_that_is_there(studio: PageStudio) -> None:
    for name in ("one", "two", "three"):
        studio.remember(name)
    studio.rename("two", "  Zwei ")
    assert list(studio.state.snapshots) == ["one", "Zwei", "three"]
    assert studio.state.snapshots["Zwei"] == PRESET
    for name, other, words in (("one", "three", "already"), ("two", "four", "no snapshot"), ("one", " ", "name")):
        with pytest.raises(PresetError, match=words):
            studio.rename(name, other)
    assert list(studio.state.snapshots) == ["one", "Zwei", "three"]


def waited(studio: PageStudio) -> None:
    studio.jobs.wait(60)
    assert studio.jobs.latest is not None
    assert studio.jobs.latest.state == "done"


def test_shares_and_what_is_predicted_for_them_are_one_step(
    studio: PageStudio, songs: list[PageReference], predictions: list[dict[str, float]]
) -> None:
    making = PageWork(studio).making
    gather_all(studio, songs)
    before = studio.state
    making.weigh(0.25)
    waited(studio)
    assert predictions == [{"low.wav": 0.75, "high.wav": 0.25}]
    assert studio.preset == OTHER
    assert studio.undoes == StepName("weights")
    studio.undo()
    assert studio.state == before
    studio.redo()
    assert (studio.preset, studio.predicted) == (OTHER, OTHER)
    assert [song.weight for song in studio.material.references] == [0.75, 0.25]


def test_shares_that_come_while_a_prediction_runs_are_predicted_after_it(
    studio: PageStudio, songs: list[PageReference], monkeypatch: pytest.MonkeyPatch
) -> None:
    making = PageWork(studio).making
    gather_all(studio, songs)
    asked: list[list[float]] = []
    began, goes_on = threading.Event(), threading.Event()

    def predicted(_stems: object, references: dict[Path, float], **_: object) -> Preset:
        asked.append(list(references.values()))
        began.set()
        assert goes_on.wait(60)
        return OTHER

    monkeypatch.setattr("mixbridge.bridge.web.doing.making.predict", predicted)
    making.weigh(0.25)
    assert began.wait(60)
    making.weigh(0.5)
    making.weigh(0.75)
    goes_on.set()
    waited(studio)
    assert asked == [[0.75, 0.25], [0.25, 0.75]]
    assert [song.weight for song in studio.material.references] == [0.25, 0.75]
    assert studio.preset == OTHER


def test_a_prediction_for_shares_that_were_undone_is_not_taken(
    studio: PageStudio, songs: list[PageReference], monkeypatch: pytest.MonkeyPatch
) -> None:
    making = PageWork(studio).making
    gather_all(studio, songs)

    def predicted(*_: object, **__: object) -> Preset:
        studio.undo()
        return OTHER

    monkeypatch.setattr("mixbridge.bridge.web.doing.making.predict", predicted)
    before = studio.state
    making.weigh(0.25)
    waited(studio)
    assert studio.state == before
    assert studio.jobs.latest is not None
    assert "not taken" in studio.jobs.latest.text


def test_shares_are_refused_while_something_else_is_done(studio: PageStudio, songs: list[PageReference]) -> None:
    making = PageWork(studio).making
    gather_all(studio, songs)
    ends = threading.Event()
    studio.jobs.start("render", lambda: (str(ends.wait(60)), None))
    before = studio.state
    with pytest.raises(PresetError, match="still at work"):
        making.weigh(0.25)
    ends.set()
    waited(studio)
    assert studio.state == before
    studio.gather(lambda files: without_reference(files, 0))
    with pytest.raises(AudioError, match="2 are needed"):
        making.weigh(0.25)


def test_each_reference_is_heard_at_one_loudness_and_nothing_is_rendered_again_for_it(
    studio: PageStudio, songs: list[PageReference]
) -> None:
    gather_all(studio, songs)
    mix = studio.hearing().rendered(studio.preset)
    heard = [studio.hearing().sound("reference", studio.preset, number=number) for number in (0, 1)]
    for sound, freq_hz, level in zip(heard, (200, 3000), (0.5, 0.02), strict=True):
        spectrum = np.abs(np.fft.rfft(sound.samples[0]))
        assert np.fft.rfftfreq(sound.samples.shape[1], 1 / RATE_HZ)[spectrum.argmax()] == pytest.approx(freq_hz, abs=1)
        assert np.abs(sound.samples).max() == pytest.approx(level, rel=0.01)
        loudness = integrated_loudness(sound.samples, RATE_HZ) + sound.gain_db
        assert loudness == pytest.approx(-20, abs=0.05)
    for share, heaviest in ((0.3, 0), (0.8, 1)):
        studio.gather(lambda files, share=share: weighed(files, share))
        studio.undo()
        studio.redo()
        hearing = studio.hearing()
        assert np.array_equal(hearing.sound("reference", studio.preset).samples, heard[heaviest].samples)
    assert studio.hearing().rendered(PRESET) is mix
    with pytest.raises(PresetError, match="no reference 3"):
        studio.hearing().sound("reference", studio.preset, number=2)


def test_meters_of_a_group_tell_what_its_compressor_takes(tmp_path: Path) -> None:
    """The group's own fader is behind its compressor, those of its tracks before it."""
    stems = {name: tone(tmp_path / f"{name}.wav", 1000, 0.3) for name in ("A", "B")}
    squeezed = replace(
        Strip(),
        {"compressor.threshold_db": -26.0, "compressor.ratio": 4.0, "compressor.knee_db": 0.0, "fader_db": -20.0},
    )
    preset = Preset(
        tracks=tuple(Track(name=name, bus="Both", strip=Strip(fader_db=-6.0)) for name in stems),
        buses=(GroupBus(name="Both", strip=squeezed),),
    )
    studio = PageStudio(PageMaterial(stems), tmp_path / "work", preset)
    reduced = studio.hearing().meters(preset).reduced_db["Both bus"]
    settled = float(np.median(reduced))
    open_ = SettingEdit("bus", 0, "compressor.ratio", 1.0).applied(preset)
    levels = [studio.hearing().rendered(each).buses["Both bus"][:, RATE_HZ:].std() for each in (open_, preset)]
    assert settled == pytest.approx(20 * np.log10(levels[0] / levels[1]), abs=0.3)
    assert settled > 5
    meters = studio.hearing().meters(preset)
    assert meters.finished_lufs == pytest.approx(-14, abs=0.01)  # what is rendered, as the command line says
    assert meters.loudness_lufs is not None
    assert meters.loudness_lufs < -20
    assert "Both bus" not in studio.hearing().meters(open_).reduced_db
    studio.edit([SettingEdit("track", index, "fader_db", -12.0) for index in (0, 1)])
    quieter = float(np.median(studio.hearing().meters(studio.preset).reduced_db["Both bus"]))
    assert quieter == pytest.approx(settled - 0.75 * 6, abs=0.2)


def test_a_reference_is_removed_by_its_name_whatever_was_removed_before(
    studio: PageStudio, songs: list[PageReference]
) -> None:
    """Two clicks come before the page knows of the first."""
    gather_all(studio, songs)
    remove_reference(studio, 0, "low.wav")
    with pytest.raises(AudioError, match=r"low\.wav"):
        remove_reference(studio, 0, "low.wav")
    assert names(studio) == ["high.wav"]
    assert studio.undoes == StepName("remove reference", "low.wav")
    remove_reference(studio, 1, "high.wav")
    assert names(studio) == []
    with pytest.raises(AudioError, match="no reference 1"):
        remove_reference(studio, 0, "")
