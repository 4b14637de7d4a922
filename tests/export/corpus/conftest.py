"""A sound font of one looped sine, one-shot samples and a tune: the corpus is tested without any package."""

import math
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mixbridge.export.corpus.drums import KITS
from mixbridge.export.corpus.sources import CorpusSources
from mixbridge.export.corpus.synth import load_library
from mixbridge.presets.errors import AudioError

RATE_HZ = 44100
LOOP = 100


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(name: bytes, *chunks: bytes) -> bytes:
    return _chunk(b"LIST", name + b"".join(chunks))


def write_sound_font(path: Path) -> None:
    """A sine of 441 Hz at key 69 for program 0 and for the drum kit 0, laid out as the SoundFont 2.01 paper says."""
    wave = (16000 * np.sin(2 * math.pi * np.arange(20 * LOOP) / LOOP)).astype("<i2").tobytes() + bytes(2 * 46)
    presets = [(b"sine", 0, 0, 0), (b"kit", 0, 128, 1), (b"EOP", 0, 0, 2)]
    data = {
        b"phdr": b"".join(struct.pack("<20s3H3I", n, p, bank, bag, 0, 0, 0) for n, p, bank, bag in presets),
        b"pbag": struct.pack("<6H", 0, 0, 1, 0, 2, 0),
        b"pmod": bytes(10),
        b"pgen": struct.pack("<6H", 41, 0, 41, 0, 0, 0),
        b"inst": struct.pack("<20sH20sH", b"sine", 0, b"EOI", 1),
        b"ibag": struct.pack("<4H", 0, 0, 2, 0),
        b"imod": bytes(10),
        b"igen": struct.pack("<6H", 54, 1, 53, 0, 0, 0),
        b"shdr": struct.pack("<20s5IBbHH", b"sine", 0, 20 * LOOP, LOOP, 19 * LOOP, RATE_HZ, 69, 0, 0, 1)
        + struct.pack("<20s5IBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    info = _list(b"INFO", _chunk(b"ifil", struct.pack("<2H", 2, 1)), _chunk(b"isng", b"E\0"), _chunk(b"INAM", b"t\0"))
    tables = _list(b"pdta", *(_chunk(name, table) for name, table in data.items()))
    path.write_bytes(_chunk(b"RIFF", b"sfbk" + info + _list(b"sdta", _chunk(b"smpl", wave)) + tables))


@pytest.fixture(scope="session")
def sound_font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        load_library()
    except AudioError as error:
        pytest.skip(str(error))
    path = tmp_path_factory.mktemp("fonts") / "sine.sf2"
    write_sound_font(path)
    return path


@pytest.fixture(scope="session")
def one_shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A click of its own for each sample of the kits."""
    folder = tmp_path_factory.mktemp("one_shots")
    names = sorted({name for kit in KITS.values() for names in kit.values() for name in names})
    for number, name in enumerate(names):
        click = np.random.default_rng(number).standard_normal(2000).astype(np.float32)
        click *= np.exp(-np.arange(2000, dtype=np.float32) / 300) * 0.2
        soundfile.write(folder / f"{name}.flac", click, RATE_HZ)
    return folder


@pytest.fixture(scope="session")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tune of 40 s: a melody with a change of program, a bass and drums."""
    mido = pytest.importorskip("mido", reason="needs the `corpus` extra")
    folder = tmp_path_factory.mktemp("tunes")
    file = mido.MidiFile(ticks_per_beat=480)
    melody, bass, drums = (mido.MidiTrack() for _ in range(3))
    file.tracks.extend([melody, bass, drums])
    melody.append(mido.MetaMessage("set_tempo", tempo=500000))
    for beat in range(80):
        if beat == 40:
            melody.append(mido.Message("program_change", channel=0, program=73))
        for track, channel, key in ((melody, 0, 60 + beat % 8), (bass, 1, 36), (drums, 9, 36 if beat % 2 else 38)):
            track.append(mido.Message("note_on", channel=channel, note=key, velocity=100))
            track.append(mido.Message("note_off", channel=channel, note=key, time=480))
    file.save(folder / "toy.mid")
    return folder


@pytest.fixture(scope="session")
def sources(sound_font: Path, one_shots: Path, tunes: Path) -> CorpusSources:
    fonts = {"fluid": sound_font, "gmbank": sound_font}
    return CorpusSources(sound_font.parent, fonts, tunes, one_shots, russian_voice=None)
