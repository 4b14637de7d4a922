"""The program `mixbridge`: what runs before anything of it is imported, so that Ctrl-C is quiet from the start."""

from __future__ import annotations

import gc
import signal
from typing import Final, NoReturn

from .interrupt import flush_and_end, quit_at_once

# Exit codes above it are those of signals: Ctrl-C, SIGTERM, a closed terminal.
_BY_SIGNAL: Final = 128


def main() -> NoReturn:
    """Runs the command line."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, quit_at_once)
    from .cli.main import main as run

    try:
        run()
    except SystemExit as ended:
        if isinstance(ended.code, int) and ended.code > _BY_SIGNAL:
            # An import that was cut off in the middle may leave a library that crashes when Python takes it apart, and
            # work on other threads would go on until its end, or tell in a traceback that it may not.
            flush_and_end(ended.code)
        gc.freeze()  # else Python searches all that was loaded for garbage once more: 0.7 s of 0.8 with torch
        raise


if __name__ == "__main__":
    main()
