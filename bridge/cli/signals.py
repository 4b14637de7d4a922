"""Ctrl-C, SIGTERM and closed streams: how a command is stopped so that it can clean up.

SIGTERM and a closed terminal end a process at once, without its `finally` clauses. Here they raise an exception, as
Ctrl-C does. While a module is being imported nothing is raised: libraries in C that are cut off in the middle of that
may crash. The signal comes again a moment later, until it can be raised.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from ..interrupt import INTERRUPTED, quit_at_once

_SIGNALS_BASE: Final = 128
_ENDING: Final = ("SIGTERM", "SIGHUP")
_IMPORT_SYSTEM: Final = "<frozen importlib"
_AGAIN_S: Final = 0.02


class EndedError(BaseException):
    """Somebody asked the process to end.

    Attributes:
        exit_code: that a shell expects for the signal.
    """

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.exit_code = _SIGNALS_BASE + number


def end_by_exception() -> None:
    """Makes SIGTERM and SIGHUP raise :class:`EndedError`, where they would end the process, and nobody ignores them."""
    _State.exit_code = None
    for number in _numbers():
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, quit_at_once):
        signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = _unraisable


@contextmanager
def ended_as_interrupt() -> Iterator[None]:
    """Lets SIGTERM and SIGHUP break off what is done as Ctrl-C does, for commands that then tell what is done."""
    taken = []
    if threading.current_thread() is threading.main_thread():
        taken = [number for number in _numbers() if signal.getsignal(number) == _end]
    for number in taken:
        signal.signal(number, _break_off)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, _end)


def end_at_once() -> None:
    """Gives the signals back to the system: training handles them by itself, and looks for a handler first."""
    for number in _numbers():
        if signal.getsignal(number) == _end:
            signal.signal(number, signal.SIG_DFL)


def code_of_signal() -> int | None:
    """Gives the exit code of a signal that came, if one did: an import that it hits may fail with another error."""
    return _State.exit_code


def ended_well() -> None:
    """Forgets a signal that was the usual end of a command: what goes wrong behind it is told as it is."""
    _State.exit_code = None


def open_standard_streams() -> None:
    """Opens streams that the caller closed, to nowhere; else the next file to be opened would take their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  (as long as the process)


class _State:
    exit_code: int | None = None


def _numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]


def _end(number: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        _send_again(number)
        return
    signal.signal(number, signal.SIG_IGN)  # once more would break off the cleaning
    _State.exit_code = _SIGNALS_BASE + number
    raise EndedError(number)


def _break_off(number: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        _send_again(number)
        return
    _State.exit_code = _SIGNALS_BASE + number
    raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        _send_again(number)
        return
    _State.exit_code = INTERRUPTED
    signal.default_int_handler(number, frame)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None and not frame.f_code.co_filename.startswith(_IMPORT_SYSTEM):
        frame = frame.f_back
    return frame is not None


def _send_again(number: int) -> None:
    again = threading.Timer(_AGAIN_S, _wake, [number])
    again.daemon = True
    again.start()


def _wake(number: int) -> None:
    """Sends a signal to the main thread: raised in another one it would not end what the main thread waits in."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        signal.raise_signal(number)


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    """Sends an interrupt again that came where nothing can be raised, such as in a callback of the import system.

    A moment later, for nothing can be raised in here either.
    """
    if unraisable.exc_type is KeyboardInterrupt:
        _send_again(signal.SIGINT)
    elif unraisable.exc_type is EndedError:
        signal.signal(signal.SIGTERM, _end)
        _send_again(signal.SIGTERM)
    else:
        sys.__unraisablehook__(unraisable)
