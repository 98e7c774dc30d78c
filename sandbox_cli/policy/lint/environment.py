"""Rules on `environment`: secrets, and where loaders and interpreters take code from."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from sandbox_cli.policy.lint.found import Found, at
from sandbox_cli.policy.mounts import covering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.policy.loading import Traced
    from sandbox_cli.policy.model import Policy

_SECRET_WORDS = frozenset(
    {"token", "secret", "secrets", "passphrase", "credential", "credentials", "apikey", "sshpass", "jwt"}
)
_SECRET_ENDS = ("password", "passwd")  # also of one word, as PGPASSWORD
_SECRET_AFTER_ANOTHER = frozenset({"pass", "pwd"})  # alone they are a word, and the shell's own
_SECRET_PAIRS = frozenset(
    {
        ("api", "key"), ("api", "keys"), ("access", "key"), ("private", "key"), ("secret", "key"), ("auth", "key"),
        ("encryption", "key"), ("signing", "key"), ("gh", "pat"), ("github", "pat"), ("rediscli", "auth"),
    }
)  # fmt: skip
_NAMES_A_PLACE = frozenset({"file", "path", "dir", "directory", "url", "uri", "name", "id", "store", "helper"})
_NO_SECRET = re.compile(r"|[0-9]{1,4}|true|false|yes|no|on|off|none|.", re.IGNORECASE)
# How well-known services write what they hand out.
_TOKEN = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}|(AKIA|ASIA)[A-Z0-9]{16}"
    r"|sk-[A-Za-z0-9_-]{20,}|sk_live_[A-Za-z0-9]{16,}|xox[abposr]-[A-Za-z0-9-]{10,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}"
    r"|AIza[A-Za-z0-9_-]{30,}|hf_[A-Za-z0-9]{30,}|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@]+@"
)
# Loaders and interpreters take code from these folders or files: `:` between them, or as a whole.
_OF_CODE = frozenset(
    {
        "PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PERL5LIB",
        "RUBYLIB", "NODE_PATH", "CLASSPATH", "LUA_PATH", "LUA_CPATH", "R_LIBS", "R_LIBS_USER", "BASH_ENV", "ENV",
        "GCONV_PATH", "TCLLIBPATH", "GUILE_LOAD_PATH", "OCAMLPATH", "PHP_INI_SCAN_DIR",
    }
)  # fmt: skip


def secret(traced: Traced) -> Iterator[Found]:
    """By its name, or by its value, which is never repeated."""
    for name, value in traced.policy.environment.items():
        why = "by its name" if _is_secret_name(name) and not _NO_SECRET.fullmatch(value) else None
        why = "by the form of its value" if _TOKEN.search(value) else why
        if why is not None:
            message = f"holds a secret, {why}"
            yield at(traced.merged.spot("environment", name), traced, f"environment.{name}", message)


def code_from_writable_place(traced: Traced) -> Iterator[Found]:
    for name, value in traced.policy.environment.items():
        if name not in _OF_CODE or not value:
            continue
        for place in value.split(":"):
            if (why := _why_writable(place, traced.policy)) is not None:
                message = f"{place or 'an empty part'} is {why}"
                yield at(traced.merged.spot("environment", name), traced, f"environment.{name}", message)
                break


def _is_secret_name(name: str) -> bool:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)  # dbPassword is two words
    words = [word for word in re.split(r"[^a-z0-9]+", parted.lower()) if word]
    if not words or words[-1] in _NAMES_A_PLACE:
        return False
    if (words[-1] in _SECRET_AFTER_ANOTHER and len(words) > 1) or any(word.endswith(_SECRET_ENDS) for word in words):
        return True
    return bool(_SECRET_WORDS.intersection(words)) or any(pair in _SECRET_PAIRS for pair in pairwise(words))


def _why_writable(place: str, policy: Policy) -> str | None:
    if not place.startswith(("/", "{{")):
        return "looked for in the working directory"
    if place.startswith(("{{ scratch", "{{scratch", "/sandbox")):
        return "in scratch"
    if place.startswith("{{"):
        return None
    mount = covering(place, policy.filesystem)
    if mount is None or policy.filesystem[mount].mode not in {"tmpfs", "rw"}:
        return None
    return f"in {mount}, where jobs write"
