"""A plan as a piece of sh that starts the same jail by hand. Pure.

The launcher has no part in it: the jailer starts the program itself. Scratch is a directory of the host, so
that code and files can be put into it; where the jailer would make its own, this one is bound over that.
"""

from __future__ import annotations

import os
import shlex
import stat
from typing import TYPE_CHECKING

from sandbox_cli.cli.output import shown
from sandbox_cli.slots import BOOT_ID, DATA_FD, GID, HOST_SCRATCH, SCRATCH, UID, boot_id, of_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox_cli.plan.model import Plan
    from sandbox_cli.result import Clause
    from sandbox_cli.run.model import Input

LAUNCHER_WORDS = 3  # what a jailer's argv ends in: /proc/self/fd/4 init 3
IN_JAIL = "/sandbox"
BY_JAILER = ("mount", "namespace")  # the enforcers that are left without a supervisor and a launcher


def snippet(
    plan: Plan, inputs: Sequence[Input], arguments: Sequence[str], variables: Sequence[str], folder: str
) -> str:
    """The sh that makes `folder` (which must not exist), fills it, and runs the program in the jail of `plan`."""
    fill = _filler(plan, folder)
    data = f"{folder}.data"
    fds = {DATA_FD + index: fill(piece.decode(errors="surrogateescape")) for index, piece in enumerate(plan["data"])}
    uid = os.geteuid()
    lines = [
        *_comments(plan),
        "(", "set -eu", "umask 022",
        # An ordinary user's jail, made by root, would hold root.
        f'[ "$(id -u)" = {uid} ] || {{ echo "rendered for uid {uid}, and for no other" >&2; exit 125; }}',
        f"mkdir -m 0700 {folder}", f"mkdir -m 0755 {data}",
        f"trap 'rm -rf {folder} {data}' EXIT",
        *(line for target, source, mode in inputs for line in _input(folder, target, source, mode)),
        *(line for fd, text in fds.items() for line in written(f"{data}/{fd}", text)),
        *_owner(plan, folder, fill),
        *(
            " \\\n  ".join([
                *_enter(plan, fill),
                *_jailer(plan, variables, folder, fill),
                command,
                *(f"{fd}<{data}/{fd}" for fd in fds),
            ])
            for command in _commands(plan, arguments, fill)
        ),
        ")",
    ]  # fmt: skip
    return "\n".join(lines)


def not_held(plan: Plan) -> list[Clause]:
    """The clauses that the jailer alone does not hold."""
    return [
        row for row in plan["receipt"]["clauses"]
        if row["enforced_by"] is not None
        and (row["enforced_by"] not in BY_JAILER or row["clause"].startswith("limits.scratch"))
    ]  # fmt: skip


def _comments(plan: Plan) -> list[str]:
    """In one line each, whatever a jailer or a policy said."""
    receipt = plan["receipt"]
    lines = [
        f"{plan['backend']} {plan['version']}: {receipt['chosen']}",
        f"policy {plan['policy']['name']} {plan['policy']['digest']}",
        "This starts the jail without its supervisor. What only that holds:",
        *(f"  {row['clause']}: {row['effective']} ({row['enforced_by']})" for row in not_held(plan)),
        "  and the gate: the jail is looked at from outside before the program starts, and nothing outlives its end",
    ]
    return [f"# {shown(line)}" for line in lines]


def _commands(plan: Plan, arguments: Sequence[str], fill: Callable[[str], str]) -> list[str]:
    """The program; before it the compiler, in a jail of its own over the same scratch. Where it fails, that is all."""
    program = shlex.join([*map(fill, plan["command"]), *arguments])
    compiler = plan["compile"]
    if compiler is None:
        return [program]
    words = ["/usr/bin/env", "-C", compiler["directory"]] if compiler["directory"] != plan["directory"] else []
    return [shlex.join(map(fill, [*words, *compiler["command"]])) + " </dev/null >&2", program]


def _filler(plan: Plan, folder: str) -> Callable[[str], str]:
    account, shown = plan["account"], plan["scratch"]["shown"]
    uid = account["uid"] if account["uid"] is not None else account["uid_range"][0]
    gid = account["gid"] if account["gid"] is not None else uid
    name = plan["file"] or ""
    values = {
        SCRATCH: folder if shown else IN_JAIL,
        HOST_SCRATCH: folder,
        UID: str(uid),
        GID: str(gid),
        BOOT_ID: boot_id(os.urandom(16)),
        **of_file(name),
    }

    def fill(text: str) -> str:
        for slot, value in values.items():
            text = text.replace(slot, value)
        return text

    return fill


def _input(folder: str, target: bytes, source: bytes | str, mode: int) -> list[str]:
    name = target.decode(errors="surrogateescape")
    path = f"{folder}/{name}"
    if stat.S_ISDIR(mode):
        return _folder(path.rstrip("/"), os.fsdecode(source))
    parent = [f"mkdir -p {shlex.quote(path.rpartition('/')[0])}"] if "/" in name else []
    if isinstance(source, str):
        made = [f"cp -- {shlex.quote(source)} {shlex.quote(path)}"]
    else:
        made = written(path, source.decode(errors="surrogateescape"))
    return [*parent, *made, f"chmod {mode:04o} {shlex.quote(path)}"]


def _folder(path: str, source: str) -> list[str]:
    """A folder with all that is in it, its modes as a run gives them; links stay links."""
    to = shlex.quote(path)
    return [
        f"mkdir -p {to} && cp -RP -- {shlex.quote(f'{source}/.')} {to}/",
        f"find {to} -mindepth 1 ! -type l '(' -type d -o -perm /111 ')' -exec chmod 0755 '{{}}' +",
        f"find {to} -mindepth 1 -type f ! -perm /111 -exec chmod 0644 '{{}}' +",
    ]


def written(path: str, text: str) -> list[str]:
    """A here-document where it says exactly `text`, else printf."""
    if "\0" in text:  # no word of sh can hold it
        escaped = text.replace("\\", "\\\\").replace("%", "%%").replace("\0", "\\000")
        return [f"printf {shlex.quote(escaped)} >{shlex.quote(path)}"]
    if not text.endswith("\n"):
        return [f"printf %s {shlex.quote(text)} >{shlex.quote(path)}"]
    end = "END"
    while f"{end}\n" in text:
        end += "_"
    return [f"cat >{shlex.quote(path)} <<'{end}'", text + end]


def _owner(plan: Plan, folder: str, fill: Callable[[str], str]) -> list[str]:
    if not plan["account"]["root"]:
        return []
    points = [(shlex.quote(source), shlex.quote(to)) for source, to in plan["binds"]]
    return [
        f"chown -R {fill(UID)}:{fill(GID)} {folder}",
        *(f"mkdir -p {to.rpartition('/')[0]}" for _, to in points[:1]),
        *(f"if test -d {source}; then mkdir -p {to}; else touch {to}; fi" for source, to in points),
    ]


def _enter(plan: Plan, fill: Callable[[str], str]) -> list[str]:
    """What stands before the jailer: as root the binds, in a mount namespace of their own, and the job's account."""
    lines: list[str] = []
    if plan["binds"]:
        mounts = " && ".join(f"mount --bind {shlex.quote(source)} {shlex.quote(to)}" for source, to in plan["binds"])
        lines.append(shlex.join(["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh"]))
    if plan["account"]["root"]:
        lines.append(f"setpriv --reuid={fill(UID)} --regid={fill(GID)} --clear-groups --")
    return [*lines, shlex.join(["env", "-i", *map(fill, plan["environ"])])]


def _jailer(plan: Plan, variables: Sequence[str], folder: str, fill: Callable[[str], str]) -> list[str]:
    """The jailer and its options, a line each; the launcher's words at the end are left out."""
    from sandbox_cli.plan.backends import by_hand

    words = [fill(word) for word in plan["argv"][:-LAUNCHER_WORDS]]
    end = ["--"] if words[-1] == "--" else []
    environment = {pair.partition("=")[0]: pair for pair in (*map(fill, plan["environment"]), *variables)}
    words = [
        *words[: len(words) - len(end)],
        *by_hand(plan, folder, list(environment.values())),
        *end,
    ]
    lines: list[str] = []
    for word in words:
        if word.startswith("-") or not lines:
            lines.append(shlex.quote(word))
        else:
            lines[-1] += f" {shlex.quote(word)}"
    return lines
