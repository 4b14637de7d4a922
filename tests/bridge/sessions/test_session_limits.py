"""Sessions that are broken or built to harm: errors that name the clip, or bounded work."""

import math
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.core.checks import checked
from mixbridge.bridge.sessions.core.model import Automation, Clip, Fade, Session, SessionNote, SessionTrack
from mixbridge.bridge.sessions.stems import material, planning, render
from mixbridge.bridge.sessions.stems.planning import plan_stems
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.errors import OutputError, SessionError
from mixbridge.runtime.audio import output
from timeline import RATE_HZ, noise, session_of, write_audio

NAN = math.nan


@pytest.fixture
def mono(tmp_path: Path) -> Path:
    return write_audio(tmp_path / "mono.wav", noise(5000))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"length": -5}, "negative"),
        ({"gain_db": NAN}, "no usable gain"),
        ({"gain_db": math.inf}, "no usable gain"),
        ({"gain_db": 121.0}, "no usable gain"),
        ({"source_offset": NAN}, "offset"),
        ({"source_offset": -math.inf}, "offset"),
        ({"position": 25 * 3600 * RATE_HZ}, "24 h"),
        ({"position": 10**30}, "24 h"),
        ({"length": 25 * 3600 * RATE_HZ}, "24 h"),
        ({"stretch": 0.0}, "time-stretch"),
        ({"stretch": NAN}, "time-stretch"),
        ({"stretch": 1e-9}, "time-stretch"),
        ({"loop_frames": 0.0}, "loop"),
        ({"loop_frames": NAN}, "loop"),
        ({"loop_frames": 10.0, "loop_start": NAN}, "loop"),
        ({"channels": ()}, "channels"),
        ({"channels": (-1,)}, "channels"),
        ({"fade_in": Fade(-1)}, "fade-in"),
        ({"fade_out": Fade(10**18)}, "fade-out"),
        ({"fade_in": Fade(10, "points")}, "no curve"),
        ({"fade_in": Fade(10, "points", points=((0, 0), (10, NAN)))}, "fade-in"),
        ({"fade_out": Fade(10, "points", points=((10, 0), (0, 1)))}, "not in order"),
        ({"envelope": Automation(())}, "no points"),
        ({"envelope": Automation(((NAN, 1.0),))}, "not in order"),
        ({"envelope": Automation(((0.0, -1.0),))}, "not between"),
    ],
)
def test_a_broken_clip_is_named(values: dict[str, object], words: str, mono: Path, tmp_path: Path) -> None:
    clip = Clip(**{"source": mono, "position": 0, "length": 100, "name": "Take 3", **values})  # type: ignore[arg-type]
    session = session_of(tmp_path, SessionTrack("Vox", 0, (clip,)))
    with pytest.raises(SessionError, match=words) as error:
        render_stems(session, tmp_path / "stems")
    assert "'Vox'" in str(error.value)
    assert "'Take 3'" in str(error.value)
    assert not (tmp_path / "stems").exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gain_db": NAN}, "fader"),
        ({"gain_db": 1e9}, "fader"),
        ({"pan": NAN}, "pan"),
        ({"pan": 1.01}, "pan"),
        ({"volume": Automation(((0.0, NAN),))}, "volume"),
        ({"volume": Automation(((1.0, 1.0), (0.0, 1.0)))}, "volume"),
        ({"pan_automation": Automation(((0.0, -2.0),))}, "pan"),
    ],
)
def test_a_broken_track_is_named(values: dict[str, object], words: str, mono: Path, tmp_path: Path) -> None:
    track = SessionTrack(**{"name": "Vox", "order": 0, "clips": (Clip(mono, 0, 100),), **values})  # type: ignore[arg-type]
    with pytest.raises(SessionError, match=words) as error:
        checked(session_of(tmp_path, track))
    assert "'Vox'" in str(error.value)


def test_too_much_of_anything_is_refused(mono: Path, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="1025 tracks"):
        checked(session_of(tmp_path, *[SessionTrack(str(n), n) for n in range(1025)]))
    clip = Clip(mono, 0, 1)
    with pytest.raises(SessionError, match="100001 clips"):
        checked(session_of(tmp_path, (clip,) * 100_001))
    with pytest.raises(SessionError, match="1 Hz"):
        checked(session_of(tmp_path, (clip,), rate_hz=1))


def test_silence_is_a_gain(mono: Path, tmp_path: Path) -> None:
    (stem,) = render_stems(session_of(tmp_path, (Clip(mono, 0, 100, gain_db=-math.inf),)), tmp_path / "stems").values()
    assert not sf.read(stem)[0].any()


def test_a_clip_that_claims_ten_hours_of_a_short_file_is_as_long_as_the_file(mono: Path, tmp_path: Path) -> None:
    claim = Clip(mono, 100, 10 * 3600 * RATE_HZ, source_offset=1000, name="Take 3")
    plan = plan_stems(session_of(tmp_path, SessionTrack("Vox", 0, (claim,))))
    assert plan.frames == 4100
    assert [(note.clip, note.what[:14]) for note in plan.remarks] == [("Take 3", "its file ends ")]
    (stem,) = render_stems(plan.session, tmp_path / "stems").values()
    assert sf.info(stem).frames == 4100


def test_stems_that_the_disk_cannot_hold_are_refused_before_any_work(
    mono: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = Clip(mono, 0, 20 * 3600 * RATE_HZ, loop_frames=5000)
    monkeypatch.setattr(output.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    with pytest.raises(OutputError, match="MiB left"):
        render_stems(session_of(tmp_path, (loops,)), tmp_path / "stems")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mono.wav"]


def test_ten_thousand_clips_keep_few_files_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [write_audio(tmp_path / f"{n}.wav", np.full(200, (n + 1) / 100)) for n in range(60)]
    clips = tuple(Clip(files[n % 60], 100 * n, 100) for n in range(10_000))
    pools: list[material.FilePool] = []
    enter = material.FilePool.__enter__
    monkeypatch.setattr(material.FilePool, "__enter__", lambda self: pools.append(self) or enter(self))
    (stem,) = render_stems(session_of(tmp_path, clips), tmp_path / "stems").values()
    expected = np.repeat((np.arange(10_000) % 60 + 1) / 100, 100)
    np.testing.assert_allclose(sf.read(stem)[0], expected, atol=1e-6)
    assert 1 < max(pool.most_opened for pool in pools) <= material.MOST_OPEN


def test_clips_all_at_one_place_are_refused_by_name(mono: Path, tmp_path: Path) -> None:
    clips = tuple(Clip(mono, 0, 100_000, loop_frames=5000, name=f"Take {n}") for n in range(300))
    with pytest.raises(SessionError, match=r"more than 256 clips at 8\.2 s.*'Take"):
        render_stems(session_of(tmp_path, SessionTrack("Vox", 0, clips)), tmp_path / "stems")


def test_a_loop_of_one_frame_reads_it_once(mono: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    read = material.FilePool.read
    monkeypatch.setattr(
        material.FilePool,
        "read",
        lambda self, path, first, count: reads.append(count) or read(self, path, first, count),
    )
    clip = Clip(mono, 0, 600 * RATE_HZ, loop_frames=1)
    (stem,) = render_stems(session_of(tmp_path, (clip,)), tmp_path / "stems").values()
    assert reads == [1]
    assert (sf.read(stem)[0] == sf.read(mono)[0][0]).all()


def test_memory_does_not_grow_with_the_session(tmp_path: Path) -> None:
    """Twenty minutes on two tracks are 77 MB of stems at 8 kHz; a block is 0.5 MB."""
    file = write_audio(tmp_path / "long.wav", noise(RATE_HZ * 60, 2), subtype="PCM_16")
    other = write_audio(tmp_path / "other.wav", noise(11_025 * 60, 2), 11_025, subtype="PCM_16")
    fade = Fade(RATE_HZ * 20, "slow_ends")

    def track(name: str, source: Path) -> SessionTrack:
        clips = [
            Clip(source, 50 * RATE_HZ * n, 60 * RATE_HZ, gain_db=-1, fade_in=fade, fade_out=fade) for n in range(24)
        ]
        return SessionTrack(name, 0, tuple(clips))

    session = session_of(tmp_path, track("Keys", file), track("Strings", other))
    render_stems(session_of(tmp_path, track("warm", file)), tmp_path / "warm")
    tracemalloc.start()
    stems = render_stems(session, tmp_path / "stems", post_fader=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(path.stat().st_size for path in stems.values()) > 70e6
    assert peak < 12e6


@pytest.mark.parametrize("stop_at", [0.0, 0.5, 1.0])
def test_what_is_broken_off_leaves_nothing(stop_at: float, mono: Path, tmp_path: Path) -> None:
    def interrupted(share: float, _: str) -> None:
        if share >= stop_at:
            raise KeyboardInterrupt

    session = session_of(tmp_path, *[(Clip(mono, 0, 5000),) for _ in range(4)])
    with pytest.raises(KeyboardInterrupt):
        render_stems(session, tmp_path / "deep" / "stems", progress=interrupted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mono.wav"]


def test_stems_that_are_there_are_kept_unless_asked(mono: Path, tmp_path: Path) -> None:
    session = session_of(tmp_path, SessionTrack("Vox", 0, (Clip(mono, 0, 5000),)))
    render_stems(session, tmp_path / "stems")
    with pytest.raises(OutputError, match="exists already"):
        render_stems(session, tmp_path / "stems")
    render_stems(session, tmp_path / "stems", overwrite=True)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "no such file"), (b"", "empty"), (b"no audio at all", "not audio")]
)
def test_a_file_that_is_no_audio_is_named_with_its_clip(content: bytes | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.wav"
    if content is not None:
        file.write_bytes(content)
    session = session_of(tmp_path, SessionTrack("Vox", 0, (Clip(file, 0, 100, name="Take 3"),)))
    with pytest.raises(SessionError, match=words) as error:
        plan_stems(session)
    assert all(part in str(error.value) for part in ("'Vox'", "'Take 3'", "broken.wav"))


def test_a_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    file = write_audio(tmp_path / "cut.wav", noise(5000))
    file.write_bytes(file.read_bytes()[:10_000])
    with pytest.raises(SessionError, match="cut off"):
        plan_stems(session_of(tmp_path, (Clip(file, 0, 100),)))


def test_samples_that_are_no_numbers_are_an_error(tmp_path: Path) -> None:
    samples = noise(5000)
    samples[0, 3000] = NAN
    file = write_audio(tmp_path / "nan.wav", samples)
    with pytest.raises(SessionError, match=r"'Track 1'.*0\.375 s"):
        render_stems(session_of(tmp_path, (Clip(file, 0, 5000),)), tmp_path / "stems")
    assert not (tmp_path / "stems").exists()


def test_a_channel_that_the_file_lacks_is_silent_and_listed(mono: Path, tmp_path: Path) -> None:
    session = session_of(tmp_path, (Clip(mono, 0, 100, channels=(1,), name="take"),), (Clip(mono, 0, 100),))
    plan = plan_stems(session)
    assert [planning.said(note) for note in plan.not_rendered] == [
        "Track 1: take: channel 2 of its file, which has 1: silent"
    ]
    silent, heard = render_stems(session, tmp_path / "stems").values()
    assert not sf.read(silent)[0].any()
    assert sf.read(heard)[0].any()


def test_names_of_tracks_become_names_of_files(mono: Path, tmp_path: Path) -> None:
    names = ["Vox", "Vox", "../../etc/passwd", "CON", "a/b:c", "", "  ", "vox", "x" * 500, "\u2028"]
    session = session_of(tmp_path, *[SessionTrack(name, n, (Clip(mono, 0, 10),)) for n, name in enumerate(names)])
    stems = render_stems(session, tmp_path / "stems")
    assert len({path.name.casefold() for path in stems.values()}) == len(names)
    assert all(path.parent == tmp_path / "stems" and path.is_file() for path in stems.values())
    assert list(stems)[:3] == ["Vox", "Vox (2)", "../../etc/passwd"]


def test_only_the_tracks_asked_for_but_as_long_as_the_session(mono: Path, tmp_path: Path) -> None:
    session = session_of(tmp_path, (Clip(mono, 0, 100),), (Clip(mono, 900, 100),), SessionTrack("MIDI", 2))
    stems = render_stems(session, tmp_path / "stems", tracks=["Track 1"])
    assert {name: sf.info(path).frames for name, path in stems.items()} == {"Track 1": 1000}
    with pytest.raises(SessionError, match=r"no track 'Track 9'.*'Track 1'"):
        plan_stems(session, tracks=["Track 9"])
    with pytest.raises(SessionError, match="'MIDI' has no audio"):
        plan_stems(session, tracks=["MIDI"])


def test_a_session_without_audio_has_no_stems(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="no track with audio"):
        plan_stems(session_of(tmp_path, SessionTrack("MIDI", 0)))


def test_all_that_is_not_rendered_is_in_one_list(mono: Path, tmp_path: Path) -> None:
    wide = write_audio(tmp_path / "wide.wav", noise(100, 6))
    clips = (Clip(mono, 0, 10, name="Take 1", notes=("MIDI",)), Clip(wide, 0, 10), Clip(mono, 0, 10, mute=True))
    session = Session(
        tmp_path / "song.RPP",
        "reaper",
        "song",
        RATE_HZ,
        (SessionTrack("Vox", 0, clips, mute=True, polarity_inverted=True), SessionTrack("Click", 1)),
        unsupported=(SessionNote("Vox", "", "plug-in ReaEQ"),),
    )
    plan = plan_stems(session)
    assert [planning.said(note) for note in plan.not_rendered] == [
        "Vox: plug-in ReaEQ",
        "Vox: Take 1: MIDI",
        "Vox: wide.wav: 6 channels, of which the first two are taken",
    ]
    assert [planning.said(note) for note in plan.remarks] == [
        "Vox: muted in the session",
        "Vox: its polarity is inverted in the session, not in the raw stem",
        "Click: no audio, so no stem",
        "1 muted clip is left out",
    ]
    with pytest.raises(SessionError, match="plug-in ReaEQ; Vox: Take 1: MIDI"):
        planning.strict(plan)


def test_what_is_too_loud_for_integers_is_said(mono: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    session = session_of(tmp_path, (Clip(mono, 0, 5000, gain_db=30),), (Clip(mono, 0, 5000),))
    render_stems(session, tmp_path / "stems", audio_format="wav")
    assert [record.getMessage()[:22] for record in caplog.records] == ["Track 1.wav is clipped"]
    render_stems(session, tmp_path / "float")
    assert len(caplog.records) == 1


def test_channels_of_one_file_are_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = noise(9000, 8)
    file = write_audio(tmp_path / "many.wav", audio)
    monkeypatch.setattr(render, "BLOCK_FRAMES", 1000)
    read_frames: list[int] = []
    read = sf.SoundFile.read

    def counted(self: sf.SoundFile, frames: int = -1, **options: object) -> np.ndarray:
        read_frames.append(frames)
        return read(self, frames, **options)

    monkeypatch.setattr(sf.SoundFile, "read", counted)
    stems = render_stems(
        session_of(tmp_path, *[(Clip(file, 0, 9000, channels=(n,)),) for n in range(8)]), tmp_path / "s"
    )
    assert sum(read_frames) == 9000
    monkeypatch.undo()
    for n, path in enumerate(stems.values()):
        np.testing.assert_array_equal(sf.read(path)[0].astype(np.float32), audio[n])
