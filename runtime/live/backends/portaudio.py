"""PortAudio: sound cards on macOS and Windows, and on Linux without JACK."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Final

import numpy as np

from ....presets.errors import DeviceError, Hint
from ....presets.extras import install_command
from .base import DEFAULT_BLOCK_FRAMES, BackendChoice, Calls, DeviceTerms, RenewalNeededError, Surroundings

_POLL_S: Final = 0.1
_AGAIN_S: Final = 1.0
# A stream that is said to be active and asks for nothing in so many turns has lost its device.
_SILENT_TURNS: Final = 20


def portaudio_terms(choice: BackendChoice) -> DeviceTerms:
    """Ask the device what it goes at.

    Raises:
        DeviceError: there is none.
    """
    is_others = getattr(sys.modules.get("sounddevice"), "_initialized", 0) > 0
    library = _library()
    try:
        device = _device(library, choice, "output")
    finally:
        is_at_jack = any("JACK" in api["name"] and api["devices"] for api in library.query_hostapis())
        if is_at_jack and not is_others:
            # As long as it is loaded it is a client of that server, and this process would fall with it.
            library._terminate()
    rate_hz = choice.sample_rate_hz or round(device["default_samplerate"])
    return DeviceTerms(rate_hz, choice.block_frames or DEFAULT_BLOCK_FRAMES)


class PortAudioBackend:
    """A stream of PortAudio.

    Args:
        choice: how it is set up.
    """

    def __init__(self, choice: BackendChoice):
        self._choice = choice
        self._library = _library()
        self._is_missing = False
        self._blocks = 0

    def run(self, calls: Calls, around: Surroundings) -> None:
        """Call for blocks until the end; where a process before this one played, waits for the device.

        Raises:
            DeviceError: there is no device, or it has not as many channels.
            RenewalNeededError: it is gone.
        """
        self._is_missing = around.has_played
        while not around.is_ended():
            try:
                self._play(calls, around)
            except DeviceError:
                if not around.has_played:
                    raise
            around.is_there(False)
            around.wait(_AGAIN_S)
            # PortAudio lists devices once, when it is loaded.
            self._library._terminate()
            self._library._initialize()

    def _play(self, calls: Calls, around: Surroundings) -> None:
        library, choice = self._library, self._choice
        frames = choice.block_frames or DEFAULT_BLOCK_FRAMES
        outs = 2 + (2 * len(around.names) if choice.track_outs else 0)
        rows = 0 if around.is_fed else calls.rows
        self._check_channels(rows, outs)
        mix = np.zeros((2, frames), np.float32)

        def fill(inputs: Any, outdata: Any, frames: int, status: Any) -> None:
            self._blocks += 1
            if status:
                calls.count_xrun()
            block = mix[:, :frames]
            calls.process(None if inputs is None else np.ascontiguousarray(inputs.T), block)
            outdata[:, :2] = block.T
            if choice.track_outs:
                outdata[:, 2:] = calls.tracks(frames).T

        def fill_both(indata: Any, outdata: Any, frames: int, _time: Any, status: Any) -> None:
            fill(indata, outdata, frames, status)

        def fill_out(outdata: Any, frames: int, _time: Any, status: Any) -> None:
            fill(None, outdata, frames, status)

        common = {"samplerate": around.sample_rate_hz, "blocksize": frames, "dtype": "float32"}
        name = _named(choice)
        try:
            if rows:
                stream = library.Stream(device=(name, name), channels=(rows, outs), callback=fill_both, **common)
            else:
                stream = library.OutputStream(device=name, channels=outs, callback=fill_out, **common)
            stream.start()
            around.is_there(True)
            if self._is_missing:
                self._is_missing = False
                around.tell("the sound device is back.")
            self._watch(stream, around)
            stream.close()
        except library.PortAudioError as error:
            raise DeviceError(f"the sound device cannot be used: {error}.") from error

    def _watch(self, stream: Any, around: Surroundings) -> None:
        """Wait until the end of all.

        Raises:
            RenewalNeededError: the device is gone.
        """
        seen, turns = 0, 0
        while stream.active and turns < _SILENT_TURNS:
            if around.is_ended():
                return
            around.wait(_POLL_S)
            turns = turns + 1 if self._blocks == seen else 0
            seen = self._blocks
        around.is_there(False)
        around.tell("the sound device is gone; waiting for it to come back.")
        around.wait(_POLL_S)  # for the words to be out
        # To close such a stream may never end, or be the end of this process (seen with JACK behind PortAudio).
        raise RenewalNeededError

    def _check_channels(self, rows: int, outs: int) -> None:
        for kind, wanted in (("input", rows), ("output", outs)):
            if not wanted:
                continue
            device = _device(self._library, self._choice, kind)
            there = device[f"max_{kind}_channels"]
            if there < wanted:
                raise DeviceError(
                    f"{device['name']} has {there} {kind}s, and {wanted} are needed: choose another device, give stems "
                    "as files, or leave out tracks."
                )


def _library() -> ModuleType:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise DeviceError(
            f"PortAudio cannot be used here ({error}): install it (Debian: libportaudio2) and "
            f"`{install_command('live')}`."
        ) from error
    module: ModuleType = sounddevice
    if not module._initialized:
        module._initialize()
    return module


def _named(choice: BackendChoice) -> int | str | None:
    return int(choice.device) if choice.device and choice.device.isdecimal() else choice.device


def _device(library: ModuleType, choice: BackendChoice, kind: str) -> dict[str, Any]:
    try:
        device: dict[str, Any] = library.query_devices(_named(choice), kind)
    except (ValueError, library.PortAudioError) as error:
        asked = f"called {choice.device!r}" if choice.device else "at all"
        raise DeviceError(
            f"there is no sound {kind} {asked}: plug one in, name one (`python -m sounddevice` lists them), or choose "
            "another backend.",
            hints=(Hint("backend", "jack"),),
        ) from error
    return device
