"""Times, sizes, counts and numbers: from the text of a policy or option to canonical values, and back.

A time is in seconds (float), a size in bytes and a count as it is (int), a number of cores a float.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal, NamedTuple

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy.spelling import hint
from sandbox_cli.text import quoted

Kind = Literal["time", "size", "count", "number"]

LIMITS: dict[str, Kind] = {
    "wall_time": "time",
    "cpu_time": "time",
    "memory": "size",
    "processes": "count",
    "open_files": "count",
    "file_size": "size",
    "scratch_size": "size",
    "scratch_files": "count",
    "tmp_size": "size",
    "output": "size",
    "cpus": "number",
}

# What is made with the jail, and then holds for every program in it: a compile step has no such limits of its own.
OF_THE_JAIL = ("scratch_size", "scratch_files", "tmp_size")

# 0 bytes or inodes mean "not bounded" to a tmpfs, and 0 s of CPU one second to the kernel: only where
# "nothing at all" is what 0 does is it a value.
MAY_BE_ZERO = frozenset({"file_size", "output"})
LEAST_CPUS = 0.01  # the kernel divides no finer: 1 ms in each period of 100 ms

TIMES = {"d": Decimal(86400), "h": Decimal(3600), "min": Decimal(60), "s": Decimal(1), "ms": Decimal("0.001")}
SIZES = {
    "TiB": Decimal(1 << 40), "GiB": Decimal(1 << 30), "MiB": Decimal(1 << 20), "KiB": Decimal(1 << 10),
    "TB": Decimal(10**12), "GB": Decimal(10**9), "MB": Decimal(10**6), "kB": Decimal(1000), "B": Decimal(1),
}  # fmt: skip
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,29})(\.[0-9]{1,30})?")
_QUANTITY = re.compile(rf"({_NUMBER.pattern}) ?([A-Za-z]*)")


class _Form(NamedTuple):
    what: str
    example: str
    units: dict[str, Decimal]
    whole: bool
    most: Decimal


_FORMS: dict[Kind, _Form] = {
    "time": _Form("a time", "10s", TIMES, False, Decimal(10**9)),
    "size": _Form("a size", "512MiB", SIZES, True, Decimal(1 << 62)),
    "count": _Form("a whole number", "64", {"": Decimal(1)}, True, Decimal((1 << 31) - 1)),
    "number": _Form("a number", "1.5", {"": Decimal(1)}, False, Decimal(1 << 16)),
}


def parse_limit(name: str, text: str) -> int | float:
    """The canonical value of limit `name`; PolicyError for an unknown name and for text that isn't its kind."""
    clause = f"limits.{name}"
    if name not in LIMITS:
        raise PolicyError(f"there is no limit {quoted(name)}", hint=hint(name, LIMITS), clause=clause)
    try:
        value = parse(LIMITS[name], text)
    except PolicyError as error:
        raise PolicyError(error.message, hint=error.hint, clause=clause) from None
    if not value and name not in MAY_BE_ZERO:
        raise PolicyError(
            "it must be more than 0", hint="give more; in a policy `none` leaves it unbounded", clause=clause
        )
    if name == "cpus" and value < LEAST_CPUS:
        raise PolicyError(f"{quoted(text)} is too little", hint=f"at least {LEAST_CPUS}", clause=clause)
    return value


def format_limit(name: str, value: float) -> str:
    """The text that `parse_limit` reads as `value`."""
    return format_value(LIMITS[name], value)


def parse(kind: Kind, text: str) -> int | float:
    form = _FORMS[kind]
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise PolicyError(f"{quoted(text)} is not {form.what}", hint=f"write it as in {form.example}")
    number, unit = match[1], match[4]
    if unit not in form.units:
        raise PolicyError(_unit_problem(text, unit, form), hint=_unit_hint(kind, number, unit))
    value = Decimal(number) * form.units[unit]
    if form.whole and value != int(value):
        what = f"no whole number{' of bytes' if kind == 'size' else ''}"
        raise PolicyError(f"{quoted(text)} is {what}", hint=f"write it as in {form.example}")
    if value > form.most:
        raise PolicyError(f"{quoted(text)} is too much", hint=f"at most {_format(kind, form.most)}")
    return int(value) if form.whole else float(value)


def pattern(kind: Kind) -> str:
    """What the text of a value matches, from its beginning to its end."""
    form = _FORMS[kind]
    return f"{_NUMBER.pattern} ?({'|'.join(form.units)})$"


def told(kind: Kind) -> str:
    """What such a value is, in words."""
    return f"{_FORMS[kind].what}, as in {_FORMS[kind].example}"


def format_value(kind: Kind, value: float) -> str:
    return _format(kind, Decimal(repr(value)) if isinstance(value, float) else Decimal(value))


def _format(kind: Kind, exact: Decimal) -> str:
    if kind == "time":
        return _format_time(exact)
    if kind == "size":
        return _format_size(exact)
    return _plain(exact)


def _format_time(seconds: Decimal) -> str:
    for unit, worth in TIMES.items():
        if seconds and seconds % worth == 0:
            return f"{_plain(seconds / worth)}{unit}"
    return f"{_plain(seconds)}s"


def _format_size(size: Decimal) -> str:
    """The shortest exact text; of two as short the binary one."""
    texts = [f"{_plain(size / worth)}{unit}" for unit, worth in SIZES.items() if size and size % worth == 0]
    return min(texts, key=len, default="0B")


def _plain(value: Decimal) -> str:
    """Digits without exponent or needless zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _unit_problem(text: str, unit: str, form: _Form) -> str:
    if not unit:
        return f"{quoted(text)} has no unit"
    if form.units.keys() == {""}:
        return f"{quoted(text)} is not {form.what}"
    return f"{quoted(unit)} is not a unit of {form.what.removeprefix('a ')}"


def _unit_hint(kind: Kind, number: str, unit: str) -> str:
    if kind == "time":
        return f"did you mean {number}{_nearest_time(unit.lower())}? Units are ms, s, min, h, d"
    if kind == "size":
        return f"did you mean {number}{_nearest_size(unit.lower())}? Units are B, KiB, MiB, GiB, TiB, kB, MB, GB, TB"
    return f"write {number} without a unit"


def _nearest_time(unit: str) -> str:
    if unit.startswith(("ms", "mil")):
        return "ms"
    return {"m": "min", "h": "h", "d": "d"}.get(unit[:1], "s")


def _nearest_size(unit: str) -> str:
    if unit in {"b", "byte", "bytes"}:
        return "B"
    prefix = unit[:1] if unit[:1] in {"k", "m", "g", "t"} else "m"
    if unit == prefix + "b":
        return {"k": "kB"}.get(prefix, prefix.upper() + "B")
    return prefix.upper() + "iB"
