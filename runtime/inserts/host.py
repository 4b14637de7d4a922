"""The process that a strange model runs in, and its side of the pipe; :mod:`.hosted` is the other.

Messages are a kind, two numbers and what follows: "T" terms or "E" an error, as text of so many bytes; "B" a block of
so many channels and samples. What a library prints goes to standard error, and cannot disturb them.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable, Mapping
from typing import IO, Final

import numpy as np

from ...presets.errors import MixbridgeError
from ..audio.reading import Samples
from ..isolated.child import answering, bound_memory

HEADER: Final = struct.Struct("<cII")
TERMS: Final = b"T"
ERROR: Final = b"E"
BLOCK: Final = b"B"

Process = Callable[[Samples], Samples]
Opened = tuple[Mapping[str, int | None], Process]


def serve(open_model: Callable[[dict[str, object]], Opened]) -> None:
    """Open a model as the process's argument says, tell its terms, and process blocks until the pipe ends.

    Args:
        open_model: from the settings to terms and what processes a block.
    """
    output = answering()
    try:
        settings = json.loads(sys.argv[1])
        bound_memory(int(settings["memory_bytes"]))
        terms, process = open_model(settings)
        _send_text(output, TERMS, json.dumps(terms))
        while (block := read_block(sys.stdin.buffer)) is not None:
            output.write(block_message(process(block)))
            output.flush()
    except BrokenPipeError:
        return
    except MemoryError:
        _send_text(output, ERROR, "it needs more memory than it may have")
    except MixbridgeError as error:
        _send_text(output, ERROR, str(error))
    except Exception as error:  # whatever a strange model raises is told to who waits for it
        _send_text(output, ERROR, f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")


def block_message(block: Samples) -> bytes:
    """Give a block, shape (channels, n), as it goes through the pipe."""
    return HEADER.pack(BLOCK, *block.shape) + np.ascontiguousarray(block, "<f4").tobytes()


def read_block(stream: IO[bytes]) -> Samples | None:
    """Read a block that this side asked for; None at the end of the pipe."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    _, channels, frames = HEADER.unpack(header)
    return np.frombuffer(stream.read(4 * channels * frames), "<f4").reshape(channels, frames)


def _send_text(stream: IO[bytes], kind: bytes, text: str) -> None:
    data = text.encode("utf-8", "replace")
    stream.write(HEADER.pack(kind, len(data), 0) + data)
    stream.flush()
