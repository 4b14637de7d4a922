"""The backends by name."""

from __future__ import annotations

from .base import Backend, BackendChoice, DeviceTerms
from .null import NullBackend, null_terms


def terms_of(choice: BackendChoice) -> DeviceTerms:
    """Ask what a backend goes at, before anything is made.

    Raises:
        DeviceError: there is no server or device.
    """
    match choice.name:
        case "null":
            return null_terms(choice)
        case "jack":
            from .jack import jack_terms

            return jack_terms(choice)
        case "portaudio":
            from .portaudio import portaudio_terms

            return portaudio_terms(choice)


def make_backend(choice: BackendChoice) -> Backend:
    """Make a backend, in the process that uses it.

    Raises:
        DeviceError: its library is not there.
    """
    match choice.name:
        case "null":
            return NullBackend(choice)
        case "jack":
            from .jack import JackBackend

            return JackBackend(choice)
        case "portaudio":
            from .portaudio import PortAudioBackend

            return PortAudioBackend(choice)
