"""Plug-ins that misbehave, in the shape that pedalboard gives them; processes of tests load them by these functions."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np


@dataclass
class Odd:
    """A plug-in with one parameter, `gain`: raw 0..1 is the factor."""

    channels: tuple[int, ...] = (1, 2)
    latency: int = 0
    name: str = "Odd"
    manufacturer_name: str = "mixbridge"
    version: str = "1.0"
    parameters: dict[str, Any] = field(
        default_factory=lambda: {"gain": SimpleNamespace(raw_value=1.0, string_value="1")}
    )
    calls: int = 0
    held: Any = None

    @property
    def reported_latency_samples(self) -> int:
        return self.latency

    @property
    def preset_data(self) -> bytes:
        return repr(self.parameters["gain"].raw_value).encode()

    @preset_data.setter
    def preset_data(self, state: bytes) -> None:
        self.parameters["gain"].raw_value = float(state)

    def process(self, audio: Any, _rate: int, _buffer: int, *, reset: bool) -> Any:
        if len(audio) not in self.channels:
            raise ValueError(f"Plugin 'Odd' does not support {len(audio)}-channel output.")
        self.calls += 1
        if reset or self.held is None:
            self.held = np.zeros((len(audio), self.latency), np.float32)
        joined = np.concatenate([self.held, audio], axis=1)
        self.held = joined[:, joined.shape[1] - self.latency :]
        return self.made(joined[:, : audio.shape[1]] * np.float32(self.parameters["gain"].raw_value))

    def made(self, audio: Any) -> Any:
        return audio


class _Crashing(Odd):
    def made(self, audio: Any) -> Any:
        if self.calls > 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        return audio


class _Hanging(Odd):
    def made(self, audio: Any) -> Any:
        if self.calls > 2:
            time.sleep(600)
        return audio


class _Sick(Odd):
    def made(self, audio: Any) -> Any:
        return audio * np.float32("nan") if self.calls > 2 else audio


class _Drifting(Odd):
    def made(self, audio: Any) -> Any:
        self.latency = 64 if self.calls > 2 else 0
        return audio


class _Talking(Odd):
    def made(self, audio: Any) -> Any:
        print("hello" * 1000)
        os.write(1, b"hello" * 1000)
        print("hello", file=sys.stderr)
        return audio


class _Shortening(Odd):
    def made(self, audio: Any) -> Any:
        return audio[:, :-1] if self.calls > 2 else audio


def plain(_path: str, _name: str | None) -> Odd:
    return Odd()


def mono(_path: str, _name: str | None) -> Odd:
    return Odd(channels=(1,))


def stereo(_path: str, _name: str | None) -> Odd:
    return Odd(channels=(2,))


def surround(_path: str, _name: str | None) -> Odd:
    return Odd(channels=(6,))


def late(_path: str, _name: str | None) -> Odd:
    return Odd(latency=300)


def crashing(_path: str, _name: str | None) -> Odd:
    return _Crashing()


def hanging(_path: str, _name: str | None) -> Odd:
    return _Hanging()


def sick(_path: str, _name: str | None) -> Odd:
    return _Sick()


def drifting(_path: str, _name: str | None) -> Odd:
    return _Drifting()


def talking(_path: str, _name: str | None) -> Odd:
    return _Talking()


def shortening(_path: str, _name: str | None) -> Odd:
    return _Shortening()


def bare(_path: str, _name: str | None) -> Odd:
    return Odd(parameters={})


def crowded(_path: str, _name: str | None) -> Odd:
    names = ["gain", *(f"parameter_{number}" for number in range(5000))]
    return Odd(parameters={name: SimpleNamespace(raw_value=1.0, string_value="1") for name in names})


def windowed(_path: str, _name: str | None) -> Odd:
    """Wait for somebody to type a licence."""
    time.sleep(600)
    return Odd()


def refusing(_path: str, _name: str | None) -> Odd:
    raise ImportError("unable to load plugin: unsupported format or load failure")
