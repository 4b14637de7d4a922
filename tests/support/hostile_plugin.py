"""A process that loads plug-ins as mixbridge's does, but hostile ones: which, the name of the file says."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from mixbridge.bridge.plugins.probing import child


class HostilePlugin:
    """Has what pedalboard's plug-ins have, and the fault of its name."""

    manufacturer_name = "Nobody"
    version = "1.0"
    category = "Fx"
    is_instrument = False
    preset_data = b"VST3\x01\x00\x00\x00" + b"0123456789ABCDEF0123456789ABCDEF"

    def __init__(self, fault: str):
        self.name = self.fault = fault
        self.reported_latency_samples = 0
        count = {"many": 5000, "none": 0}.get(fault, 2)
        self.parameters = {f"knob_{number}_db": _knob(number) for number in range(count)}

    def process(self, sound, _rate_hz, **_options):
        match self.fault:
            case "nan":
                return np.full_like(sound, np.nan)
            case "crashes-playing":
                os.abort()
            case "latency":
                self.reported_latency_samples += 64
            case "short":
                return sound[:, :-7]
            case "stereo-only" if len(sound) == 1:
                raise ValueError("does not support 1-channel input")
        return sound * 10 ** (self.parameters["knob_0_db"].raw_value - 0.5) if self.parameters else sound


def _knob(number: int) -> SimpleNamespace:
    return SimpleNamespace(
        name=f"Knob {number}",
        raw_value=0.5,
        range=(-10.0, 10.0, 0.1),
        units="dB",
        string_value="0",
        is_automatable=True,
    )


def _load(path: str, name: str | None) -> HostilePlugin:
    fault = name or Path(path).stem
    match fault:
        case "crashes":
            os.kill(os.getpid(), 11)
        case "exits":
            os._exit(3)
        case "hangs":
            time.sleep(3600)
        case "prints":
            os.write(1, b"LICENCE EXPIRED in 3 days\n" * 10)
            sys.stdout.write('{"result": {"name": "forged"}}\n')
            sys.stdout.flush()
        case "refuses":
            raise ImportError("Unable to load plugin refuses.vst3: unsupported\nplugin format or load failure.")
    return HostilePlugin(fault)


if __name__ == "__main__":
    child.serve(_load, lambda path: ["One", "Two"] if Path(path).stem == "two" else [Path(path).stem])
