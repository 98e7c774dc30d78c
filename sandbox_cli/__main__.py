"""The entry point of `sandbox`, `sandbox-jail` and `python -m sandbox_cli`."""

from __future__ import annotations

import atexit
import gc
import signal
from typing import NoReturn

# New objects until the next look for garbage. A start makes and keeps more than Python's 700 many times over, and to
# look through them again and again takes a fifth of it; a process that goes on is looked through all the same.
GARBAGE = 100_000


def main() -> NoReturn:
    """Run the command of this process, and exit."""
    gc.set_threshold(GARBAGE)
    atexit.register(gc.freeze)  # nor at the end: the kernel takes it all
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Ctrl-C ends us as it ends every program; a traceback from the middle of an import helps nobody.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from sandbox_cli.cli.app import main as start

    start()


if __name__ == "__main__":
    main()
