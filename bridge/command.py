"""The program `mixbridge`: what runs before anything of it is imported, so that Ctrl-C is quiet from the start."""

from __future__ import annotations

import signal
from typing import NoReturn

from .interrupt import quit_at_once


def main() -> NoReturn:
    """Runs the command line."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, quit_at_once)
    from .cli.main import main as run

    run()


if __name__ == "__main__":
    main()
