"""What a policy may say, clause by clause, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy import mounts, rules, scalars, syscall_names, units
from sandbox_cli.policy.lint import silence
from sandbox_cli.policy.nodes import Scalar
from sandbox_cli.policy.shape import Either, Items, Leaf, Record, Rows, Short, Table
from sandbox_cli.policy.spelling import hint as spelling_hint
from sandbox_cli.policy.written import ABSOLUTE, among, form_of, matching, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.policy.scalars import Value

LEVELS = ("strict", "sampled", "process", "none")
LEVELLED = ("filesystem", "network", "syscalls", "privileges", "limits", *(f"limits.{name}" for name in units.LIMITS))


@written(lambda clause: form_of(scalars.limit, clause))
def _bare_limit(scalar: Scalar, _key: str, clause: str) -> Mapping[str, Value]:
    value = scalars.limit(scalar, clause)
    return {"default": value, "max": value}


@written(
    {
        "anyOf": [
            among(LEVELLED, "a clause, or what some begin with"),
            matching("filesystem./PATH", rf"filesystem\.{ABSOLUTE}"),
        ]
    }
)
def _levelled(scalar: Scalar, clause: str) -> str:
    """A key of `require`: a clause that can be held at a level, or the prefix of some."""
    name = scalar.text
    if name.startswith("filesystem./"):
        path = Scalar(name.removeprefix("filesystem."), scalar.plain, scalar.spot)
        return "filesystem." + mounts.absolute(path, clause, "a path in the jail")
    if name not in LEVELLED:
        hint = spelling_hint(name, LEVELLED)
        raise scalar.spot.error(f"there is no clause {name!r} that could be held at a level", clause=clause, hint=hint)
    return name


LIMIT = Short(_bare_limit, Record({"default": Leaf(scalars.limit), "max": Leaf(scalars.limit)}))
LIMITS = Table(scalars.one_of(units.LIMITS, "limit"), LIMIT)

MOUNT = Short(
    mounts.long_form,
    Record(
        {
            "from": Leaf(mounts.source),
            "mode": Leaf(scalars.choice("ro", "rw", "tmpfs")),
            "noexec": Leaf(scalars.flag),
            "optional": Leaf(scalars.flag),
            "symlink": Leaf(scalars.filled),
        },
        apart=(("symlink", "from"), ("symlink", "mode"), ("symlink", "noexec"), ("symlink", "optional")),
    ),
)

TEXT = Leaf(scalars.text, lines=True)

# How a runtime is asked for its version (-iV: Free Pascal): outside of any jail, so it is no place for a policy's own
# words.
VERSION_QUESTIONS = ("--version", "-version", "-V", "-v", "-iV", "version")

LANGUAGE = Record(
    {
        "name": Leaf(scalars.word),  # else that of the file that first says `language`
        "aliases": Items(scalars.word),
        "extensions": Items(scalars.extension),
        "file": Leaf(scalars.file_name),
        "runtime": Record(
            {
                "command": Leaf(scalars.program),
                "version": Leaf(scalars.one_of(VERSION_QUESTIONS, "question")),
                "paths": Items(mounts.folders),
                "package": Leaf(scalars.package),
            }
        ),
        "compile": Record({"run": Items(scalars.text, variables=True, filled=True), "limits": LIMITS}),
        "run": Items(scalars.text, variables=True, filled=True),
        "value": Items(scalars.text, variables=True, filled=True, lines=True),
        "selftest": Record(
            {
                "source": TEXT,
                "args": Items(scalars.text),
                "stdin": TEXT,
                "files": Table(scalars.scratch_path, TEXT),
                "stdout": TEXT,
            }
        ),
    }
)

SYSCALLS = Record(
    {
        "allow": Items(syscall_names.allowed),
        "deny": Items(syscall_names.denied),
        "rules": Rows(rules.ROW, rules.rule, rules.EXAMPLE),
        "action": Leaf(scalars.choice("errno", "kill", "log")),
    },
    apart=(("allow", "deny"),),
)

POLICY = Record(
    {
        "version": Leaf(scalars.version),
        "extends": Items(scalars.policy),
        "description": TEXT,
        "language": LANGUAGE,
        "limits": LIMITS,
        "filesystem": Table(mounts.target, MOUNT),
        "network": Either(Leaf(scalars.choice("none", "host")), Record({"allow": Items(scalars.endpoint)})),
        "syscalls": SYSCALLS,
        "workspace": Leaf(scalars.choice("none", "ro", "rw")),
        "environment": Table(scalars.environment_name, Leaf(scalars.text, variables=True)),
        "artifacts": Record(
            {
                "collect": Items(scalars.glob),
                "max_files": Leaf(scalars.quantity("count")),
                "max_bytes": Leaf(scalars.quantity("size")),
            }
        ),
        "require": Table(_levelled, Leaf(scalars.choice(*LEVELS))),
        silence.KEY: Table(silence.key, Leaf(silence.reason, lines=True)),
    }
)

# What holds where no file says anything. Limits are then not bounded, and nothing of the host is visible.
DEFAULTS: dict[tuple[str, ...], Value] = {
    ("description",): "",
    ("network",): "none",
    ("syscalls", "deny"): ("@default-deny",),
    ("syscalls", "rules"): (),
    ("syscalls", "action"): "errno",
    ("workspace",): "none",
    ("artifacts", "collect"): ("**",),
    ("artifacts", "max_files"): 1000,
    ("artifacts", "max_bytes"): 64 << 20,
}
