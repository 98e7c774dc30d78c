"""What a scalar means where it stands: text, a choice, a yes or no, a quantity, a name. Each refuses with its place."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import places, units
from sandbox_cli.policy.model import SyscallRule
from sandbox_cli.policy.spelling import hint as spelling_hint
from sandbox_cli.policy.written import RELATIVE, TEXT, among, matching, written
from sandbox_cli.slots import VALUE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox_cli.policy.nodes import Scalar
    from sandbox_cli.policy.written import Form


Value = str | int | float | bool | None | tuple[str | SyscallRule, ...]

PATTERNS = "patterns are relative to scratch, as in out/*.png"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+#-]*")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")


@written(TEXT)
def text(scalar: Scalar, clause: str) -> str:
    """Any text. `true`, `false` and `null` without quotes are none."""
    if scalar.special:
        hint = f'write "{scalar.text}" in quotes'
        raise scalar.spot.error(f"expects text, not the word {scalar.text}", clause=clause, hint=hint)
    return scalar.text


@written(matching("text", "."))
def filled(scalar: Scalar, clause: str) -> str:
    if not text(scalar, clause):
        raise scalar.spot.error("must not be empty", clause=clause)
    return scalar.text


def choice(*words: str) -> Callable[[Scalar, str], str]:
    @written(among(words))
    def parse(scalar: Scalar, clause: str) -> str:
        if scalar.special or scalar.text not in words:
            hint = spelling_hint(scalar.text, words)
            raise scalar.spot.error(f"{scalar.text!r} is none of {', '.join(words)}", clause=clause, hint=hint)
        return scalar.text

    return parse


@written({"title": "true or false", "type": "boolean"})
def flag(scalar: Scalar, clause: str) -> bool:
    if scalar.plain and scalar.text in {"true", "false"}:
        return scalar.text == "true"
    hint = "write it without quotes" if scalar.text in {"true", "false"} else "write true, or false"
    raise scalar.spot.error(f"expects true or false, not {scalar.text!r}", clause=clause, hint=hint)


@written(among([1, "1"]))
def version(scalar: Scalar, clause: str) -> int:
    if scalar.text != "1":
        hint = "write version: 1, or leave it out"
        raise scalar.spot.error(f"version {scalar.text!r} of policies is not known here", clause=clause, hint=hint)
    return 1


def quantity(kind: units.Kind) -> Callable[[Scalar, str], int | float]:
    @written(_quantity(kind))
    def parse(scalar: Scalar, clause: str) -> int | float:
        return _placed(scalar, clause, lambda: units.parse(kind, text(scalar, clause)))

    return parse


@written(lambda clause: {"anyOf": [_quantity(units.LIMITS[_limit_name(clause)]), among(["none"])]})
def limit(scalar: Scalar, clause: str) -> int | float | None:
    """A limit's value; `none` where it isn't bounded. The clause says which: limits.NAME, or limits.NAME.max."""
    if scalar.plain and scalar.text in {"none", "null"}:
        return None
    return _placed(scalar, clause, lambda: units.parse_limit(_limit_name(clause), text(scalar, clause)))


def _limit_name(clause: str) -> str:
    return clause.removesuffix(".default").removesuffix(".max").rpartition(".")[2]


@written(matching("a policy's name or path", rf"(?!~)(.*\.ya?ml|{places.NAME.pattern})$"))
def policy(scalar: Scalar, clause: str) -> str:
    """What `extends` names: a name, or the path of a file."""
    value = filled(scalar, clause)
    if value.startswith("~"):
        raise scalar.spot.error(f"{value!r}: ~ means nothing in a policy", clause=clause, hint="write the whole path")
    if "/" in value and not places.is_policy_file(value):
        hint = f"rename it to {posixpath.basename(value) or 'NAME'}{places.SUFFIX}"
        message = f"{value!r} is no policy by its name, which would end in {places.SUFFIX}"
        raise scalar.spot.error(message, clause=clause, hint=hint)
    if not places.is_path(value) and not places.is_name(value):
        hint = "a name has letters, digits, _, -, + and single dots; a path holds a / or ends in .yaml"
        raise scalar.spot.error(f"{value!r} is neither a policy's name nor a path", clause=clause, hint=hint)
    return value


@written(matching("a word", f"{_WORD.pattern}$"))
def word(scalar: Scalar, clause: str) -> str:
    """A language's name or alias."""
    value = filled(scalar, clause)
    if not _WORD.fullmatch(value):
        hint = "letters, digits and . _ + # - only, a letter or digit first"
        raise scalar.spot.error(f"{value!r} can't be the name of a language", clause=clause, hint=hint)
    return value


@written(matching("an extension, as in .py", rf"\.{_WORD.pattern}$"))
def extension(scalar: Scalar, clause: str) -> str:
    value = filled(scalar, clause)
    if not value.startswith(".") or not _WORD.fullmatch(value[1:]):
        hint = f"write .{value}" if _WORD.fullmatch(value) else "a dot, then letters and digits, as in .py"
        raise scalar.spot.error(f"{value!r} is not the extension of a file's name", clause=clause, hint=hint)
    return value


@written(matching("the name of a file", r"(?!-|\.{1,2}$)[^/]+$"))
def file_name(scalar: Scalar, clause: str) -> str:
    value = filled(scalar, clause)
    if "/" in value or value in {".", ".."} or value.startswith("-") or len(value.encode()) > 255:
        hint = "a plain name, as in main.py"
        raise scalar.spot.error(f"{value!r} can't be the name of a file in scratch", clause=clause, hint=hint)
    return value


@written(matching("a path in scratch", f"(?!/){RELATIVE}"))
def scratch_path(scalar: Scalar, clause: str) -> str:
    """The path of a file below scratch, in its one spelling: two that name one file would be two keys."""
    value = filled(scalar, clause)
    if leads_out(value) or value != posixpath.normpath(value) or value == ".":
        hint = "a path relative to scratch, as in data/input.txt"
        raise scalar.spot.error(f"{value!r} can't be the path of a file in scratch", clause=clause, hint=hint)
    return value


@written(matching("a command's name or absolute path", "(/|[^/]+$)"))
def program(scalar: Scalar, clause: str) -> str:
    value = filled(scalar, clause)
    if "/" in value and not value.startswith("/"):
        hint = "a name that is looked up in PATH, or an absolute path"
        raise scalar.spot.error(f"{value!r} is a relative path", clause=clause, hint=hint)
    return value


@written(matching("a package's name", f"{_PACKAGE.pattern}$"))
def package(scalar: Scalar, clause: str) -> str:
    """A package's name as Debian forms them: it ends up in a command line that a reader pastes."""
    value = filled(scalar, clause)
    if not _PACKAGE.fullmatch(value):
        hint = "small letters, digits and . + - only, as in golang-go"
        raise scalar.spot.error(f"{value!r} can't be the name of a package", clause=clause, hint=hint)
    return value


@written(matching("a variable's name", f"(?!{VALUE_VARIABLE}$)[^=+][^=]*$"))
def environment_name(scalar: Scalar, clause: str) -> str:
    if not scalar.text or "=" in scalar.text:
        hint = "a name holds at least one character and no ="
        raise scalar.spot.error(f"{scalar.text!r} can't be the name of a variable", clause=clause, hint=hint)
    if scalar.text == VALUE_VARIABLE:
        raise scalar.spot.error(f"{scalar.text} is set by the sandbox itself", clause=clause, hint="take it out")
    return scalar.text


@written(matching("a pattern", r"(?!/|\.\.(/|$))(?!.*/\.\.(/|$))."))
def glob(scalar: Scalar, clause: str) -> str:
    value = filled(scalar, clause)
    if leads_out(value):
        raise scalar.spot.error(f"{value!r} leads out of scratch", clause=clause, hint=PATTERNS)
    return value


def leads_out(pattern: str) -> bool:
    """Whether a pattern of artifacts names what is not below scratch."""
    return pattern.startswith("/") or ".." in pattern.split("/")


@written(matching("HOST:PORT", r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[1-9][0-9]{0,4}$"))
def endpoint(scalar: Scalar, clause: str) -> str:
    """A host and a port, as in pypi.org:443, 192.0.2.1:80 or [2001:db8::1]:443."""
    host, colon, port = text(scalar, clause).rpartition(":")
    if not colon or not _PORT.fullmatch(port) or int(port) > 65535:
        hint = "write it with a port, as in pypi.org:443"
        raise scalar.spot.error(f"{scalar.text!r} is not HOST:PORT", clause=clause, hint=hint)
    if not (_HOST_NAME.fullmatch(host) or _is_bracketed_ipv6(host)):
        hint = "a name, an IPv4 address, or an IPv6 address in brackets"
        raise scalar.spot.error(f"{host!r} is not the name or address of a host", clause=clause, hint=hint)
    return scalar.text


def one_of(known: Iterable[str], what: str) -> Callable[[Scalar, str], str]:
    """A key that must be one of `known`."""
    words = tuple(known)

    @written(among(words))
    def parse(scalar: Scalar, clause: str) -> str:
        if scalar.text not in words:
            hint = spelling_hint(scalar.text, words)
            raise scalar.spot.error(f"there is no {what} {scalar.text!r}", clause=clause, hint=hint)
        return scalar.text

    return parse


def _quantity(kind: units.Kind) -> Form:
    """A number without a unit is one to every reader of YAML; with its unit it is text."""
    text = {"title": units.told(kind), "type": "string", "pattern": f"^{units.pattern(kind)}"}
    numbers = {"count": "integer", "number": "number"}
    return {**text, "type": ["string", numbers[kind]], "minimum": 0} if kind in numbers else text


def _placed(scalar: Scalar, clause: str, parse: Callable[[], int | float]) -> int | float:
    try:
        return parse()
    except PolicyError as error:
        if error.file is not None:
            raise
        raise scalar.spot.error(error.message, clause=clause, hint=error.hint) from None


def _is_bracketed_ipv6(host: str) -> bool:
    if not (host.startswith("[") and host.endswith("]")):
        return False
    try:
        ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True
