"""Ardour 7.3 itself plays over JACK into `mixbridge live` and records what comes back: right sound, stated latency.

The server waits for its clients in each cycle, so that nothing here depends on how fast this machine is.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ardour_host
import ardour_material
import numpy as np
import pytest
import soundfile as sf
from busy_console import noise
from jack_server import JackServer, jack_server
from live_playing import Audio, null_db
from mixbridge.presets import files
from mixbridge.presets.console import Compressor, EqBand, Equalizer, LowCut, Master, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.rendering.in_memory import render_arrays

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(ardour_host.missing() is not None, reason=str(ardour_host.missing())),
]

PATIENCE_S = 60
# Ardour 7.3 itself falls over now and then (a segmentation fault) while it makes tracks at JACK.
ATTEMPTS = 4
RATE_HZ = 48000
FRAMES = 2 * RATE_HZ
# Silence around the sound: Ardour fades the ends of clips, and when it starts to roll.
EDGE = RATE_HZ // 5
BLOCK = 1024
TIMELINE = Path(ardour_material.__file__).with_name("ardour_timeline.lua")
LOOKAHEAD = Compressor(threshold_db=-30, ratio=3, lookahead_ms=7.5)
MIX = Preset(
    tracks=(
        Track(name="Vox", strip=Strip(low_cut=LowCut(freq_hz=90), compressor=LOOKAHEAD, fader_db=-3, pan=0.4)),
        Track(name="Bass", strip=Strip(eq=Equalizer(band1=EqBand(gain_db=5, freq_hz=800)), pan=-0.6)),
    ),
    master=Master(output_gain_db=-2, compressor=Compressor(threshold_db=-20, ratio=2)),
)
MAKE_TRACKS = """
for name, channels in pairs ({ Vox = 1, Bass = 1, Direct = 1, Return = 2 }) do
  Session:new_audio_track (channels, channels, nil, 1, name, ARDOUR.PresentationInfo.max_order,
    ARDOUR.TrackMode.Normal, true)
end
Session:save_state ("", false, false, false, false, false)"""
ROLL = """
for _, name in ipairs ({ "Direct", "Return" }) do
  Session:route_by_name (name):to_track ():rec_enable_control ():set_value (1, PBD.GroupControlDisposition.NoGroup)
end
Session:maybe_enable_record ()
Session:request_roll (ARDOUR.TransportRequestSource.TRS_UI)"""
STOP = "Session:request_stop (false, false, ARDOUR.TransportRequestSource.TRS_UI)"
RECORDED = """
local lines = {}
for _, name in ipairs ({ "Direct", "Return" }) do
  for region in Session:route_by_name (name):to_track ():playlist ():region_list ():iter () do
    local line, audio = { region:position ():samples () }, region:to_audioregion ()
    for channel = 0, audio:n_channels () - 1 do
      line[#line + 1] = audio:source (channel):to_filesource ():path ()
    end
    lines[#lines + 1] = table.concat (line, "\\t")
  end
end
return #lines == 2 and table.concat (lines, "\\n") or ''"""


@dataclass(frozen=True)
class LivePass:
    """What was heard of one pass.

    Attributes:
        report: what `mixbridge live --json` said.
        raw: what Ardour sent, (tracks, n).
        mix: what mixbridge sent in the same blocks, (2, n).
        direct: what Ardour recorded of its own Vox, (1, n), from the song's beginning.
        returned: what it recorded of the mix, (2, n), from there, too.
    """

    report: dict[str, Any]
    raw: Audio
    mix: Audio
    direct: Audio
    returned: Audio


class JackProbe:
    """A client that records some ports of others, all in the same blocks."""

    def __init__(self, server: JackServer, ports: list[str], frames: int) -> None:
        import jack

        self.client = jack.Client("probe", no_start_server=True, servername=server.name)
        self.audio = np.zeros((len(ports), frames), np.float32)
        self.filled = 0
        inputs = [self.client.inports.register(f"in {place}") for place in range(len(ports))]

        def process(frames: int) -> None:
            count = min(frames, self.audio.shape[1] - self.filled)
            for row, port in zip(self.audio, inputs, strict=True):
                row[self.filled : self.filled + count] = port.get_array()[:count]
            self.filled += count

        self.client.set_process_callback(process)
        self.client.activate()
        for port, mine in zip(ports, inputs, strict=True):
            self.client.connect(port, mine)

    def close(self) -> None:
        self.client.deactivate()
        self.client.close()


@pytest.fixture(scope="module")
def live_pass(tmp_path_factory: pytest.TempPathFactory) -> LivePass:
    folder = tmp_path_factory.mktemp("ardour-jack")
    for attempt in range(ATTEMPTS):
        place = folder / str(attempt)
        place.mkdir()
        with contextlib.suppress(ardour_host.HostError):
            return one_pass(place)
    pytest.fail(f"Ardour fell over {ATTEMPTS} times")


def one_pass(folder: Path) -> LivePass:
    for name, sound in stems().items():
        sf.write(folder / f"{name}.wav", sound.T, RATE_HZ, subtype="FLOAT")
    with jack_server(BLOCK, waits=True) as server, ardour_host.ardour_at_jack(folder / "ardour", server.name) as host:
        host.run_lua(MAKE_TRACKS)
        ardour_material.inject(host.session_file, {name: (folder / f"{name}.wav",) for name in stems()})
        host.reopen()
        places = "\n".join(f'place ("{name}", "{name}", "{name}", 0, 0, {FRAMES})' for name in stems())
        host.run_lua(f"dofile ([[{TIMELINE}]])\n{places}")
        return passed(folder, server, host)


def passed(folder: Path, server: JackServer, host: ardour_host.ArdourHost) -> LivePass:
    with live_command(folder, server) as said:
        outputs = [port_of(server, f"{name}/audio_out 1") for name in stems()]
        sides = [f"mixbridge:mix {side}" for side in "LR"]
        probe = JackProbe(server, [*outputs, *sides], 2 * FRAMES)
        try:
            for output, name in zip(outputs, stems(), strict=True):
                probe.client.connect(output, f"mixbridge:{name}")
            # What closes a loop is connected last: JACK gives it the block of one cycle before.
            for source, sink in zip(
                (outputs[0], *sides), ("Direct/audio_in 1", "Return/audio_in 1", "Return/audio_in 2"), strict=True
            ):
                probe.client.connect(source, port_of(server, sink))
            host.run_lua(ROLL)
            wait(lambda: probe.filled == probe.audio.shape[1])
            host.run_lua(STOP)
        finally:
            probe.close()
    direct, returned = (recorded(line) for line in wait(lambda: host.run_lua(RECORDED)).split("\n"))
    return LivePass(said(), probe.audio[:2], probe.audio[2:], direct, returned)


def recorded(line: str) -> Audio:
    """What Ardour recorded, from the song's beginning on: the place of the region, and a file for each channel."""
    place, *paths = line.split("\t")
    sound = np.stack([sf.read(path, dtype="float32")[0] for path in paths])
    return np.pad(sound, ((0, 0), (int(place), 0)))


@contextlib.contextmanager
def live_command(folder: Path, server: JackServer) -> Iterator[Callable[[], dict[str, Any]]]:
    """`mixbridge live` at the server, as users start it; gives what tells its JSON once it has been ended."""
    files.save(MIX, folder / "mix.json")
    command = [sys.executable, "-m", "mixbridge.bridge.command", "--quiet", "live", str(folder / "mix.json")]
    options = ["--backend", "jack", "--server", server.name, "--no-connect", "--json"]
    out: list[str] = []
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    try:
        wait(lambda: process.poll() is not None or "mixbridge:mix R" in ports(server))
        assert process.poll() is None
        yield lambda: dict(json.loads(out[0]))
        process.send_signal(signal.SIGINT)
        out.append(process.communicate(timeout=PATIENCE_S)[0])
    finally:
        process.kill()
        process.wait()


def ports(server: JackServer) -> list[str]:
    import jack

    client = jack.Client("look", no_start_server=True, servername=server.name)
    try:
        return [port.name for port in client.get_ports()]
    finally:
        client.close()


def port_of(server: JackServer, ending: str) -> str:
    return next(name for name in ports(server) if name.endswith(f":{ending}"))


def wait(look: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def stems() -> dict[str, Audio]:
    swell = np.zeros(FRAMES, np.float32)
    swell[EDGE:-EDGE] = np.abs(np.sin(np.arange(FRAMES - 2 * EDGE) / 9000))
    return {name: noise(FRAMES, 1, seed) * swell for seed, name in enumerate(("Vox", "Bass"))}


def offline() -> Audio:
    return render_arrays(stems(), RATE_HZ, MIX).mix


def found_at(sound: Audio, wanted: Audio) -> int:
    """Where in a recording a sound begins, by cross-correlation."""
    length = 1 << (sound.shape[1] + wanted.shape[1]).bit_length()
    spectra = (np.fft.rfft(audio[0], length) for audio in (sound, wanted))
    heard, asked = spectra
    return int(np.argmax(np.fft.irfft(heard * asked.conj(), length)[: sound.shape[1]]))


def part(sound: Audio, begin: int) -> Audio:
    return sound[:, begin : begin + FRAMES]


def test_what_ardour_plays_is_mixed_as_offline_and_as_late_as_stated(live_pass: LivePass) -> None:
    begin = found_at(live_pass.raw[:1], stems()["Vox"])
    for row, sound in zip(live_pass.raw, stems().values(), strict=True):
        np.testing.assert_array_equal(row[begin : begin + FRAMES], sound[0])
    latency = live_pass.report["latency_samples"]
    assert latency == round(0.0075 * RATE_HZ)
    wanted = offline()[:, :FRAMES]
    assert found_at(live_pass.mix, wanted) - begin == latency
    assert null_db(part(live_pass.mix, begin + latency), wanted) < -100


def test_it_comes_back_into_ardour(live_pass: LivePass) -> None:
    wanted = offline()[:, :FRAMES]
    # Ardour's own ports and JACK's loop delay what comes straight back, too: a block, and 32 samples of its resampler.
    straight = found_at(live_pass.direct, stems()["Vox"])
    begin = found_at(live_pass.returned, wanted)
    assert begin - straight == live_pass.report["latency_samples"]
    assert null_db(part(live_pass.returned, begin), wanted) < -100
