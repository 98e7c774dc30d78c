"""How much of a limit was used, in words: never less than what it allows, however small that is."""

from __future__ import annotations

import math


def seconds(value: float) -> str:
    """Cut, not rounded up to what was not reached."""
    return f"{math.floor(value * 100) / 100:.2f}s" if value >= 1 else f"{math.floor(value * 1000)}ms"


def size(value: float) -> str:
    for unit, worth in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= worth:
            return f"{math.ceil(value / worth * 10) / 10:g}{unit}"
    return f"{value:.0f}B"
