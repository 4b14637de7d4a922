"""The program `mixbridge`: what runs before anything of it is imported, so that Ctrl-C is quiet from the start."""

from __future__ import annotations

import gc
import signal
from typing import NoReturn

from .interrupt import INTERRUPTED, flush_and_end, quit_at_once


def main() -> NoReturn:
    """Runs the command line."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, quit_at_once)
    from .cli.main import main as run

    try:
        run()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            # An import that was cut off in the middle may leave a library that crashes when Python takes it apart.
            flush_and_end(INTERRUPTED)
        gc.freeze()  # else Python searches all that was loaded for garbage once more: 0.7 s of 0.8 with torch
        raise


if __name__ == "__main__":
    main()
