"""The entry point of `sandbox`, `sandbox-jail` and `python -m sandbox_cli`."""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command of this process, and exit."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Ctrl-C ends us as it ends every program; a traceback from the middle of an import helps nobody.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from sandbox_cli.cli.app import main as start

    start()


if __name__ == "__main__":
    main()
