"""Pairs of policies that say the same but for one clause, and what a program can do under one of them and not under the
other: data of test_order_is_true.py.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox_cli.backends import BACKENDS
from sandbox_cli.policy import load
from sandbox_cli.policy.order import compare
from tests.contract.odd_policies import folder

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox_cli.policy.order import Relation

ALL = tuple(BACKENDS)
SIZED = ("bwrap", "nsjail")  # firejail has no tmpfs, link or folder at a place of one's own
PYTHON = ["/usr/bin/python3", "-IS", "-c"]
# Each attempt raises where it isn't let through; what else goes wrong is a mistake of the attempt.
PROGRAM = """
import ctypes, json, mmap, os, resource, socket, subprocess, sys, threading, time
done = {}
for name, code in json.loads(sys.argv[1]).items():
    try:
        exec(code, {**globals()})
        done[name] = True
    except (OSError, RuntimeError) as error:
        done[name] = False
print(json.dumps(done))
"""


class Pair(NamedTuple):
    """What two policies say of a clause, and attempts: code, and whether it is let through under either.

    `type`: the clause of the grammar. TREE in the policies and the code is the test's own folder.
    """

    type: str
    before: dict[str, Any]
    after: dict[str, Any]
    found: dict[str, Relation]
    attempts: dict[str, tuple[bool, bool]]
    backends: tuple[str, ...] = ALL


def pair(type_: str, before: Any, after: Any, relation: Relation, *attempts: str, **more: Any) -> Pair:
    """Of one clause. Of two attempts the first is let through before and the second after; else after alone."""
    clause = more.pop("clause", type_)
    keys = clause.split(".", 1) if clause.startswith("filesystem.") else clause.split(".")
    let = dict(zip(attempts, [(True, False), (False, True)] if len(attempts) > 1 else [(False, True)], strict=True))
    said = (nested(keys, before), nested(keys, after))
    return Pair(type_, *said, more.pop("found", {clause: relation}), let, **more)


def nested(keys: list[str], value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    return {keys[0]: value if len(keys) == 1 else nested(keys[1:], value)}


def _limit(name: str, tight: str, loose: str, *attempts: str, **more: Any) -> Pair:
    both = {f"limits.{name}": "looser", f"limits.{name}.max": "looser"}
    return pair(
        f"limits.{name}.default", tight, loose, "looser", *attempts, clause=f"limits.{name}", found=both, **more
    )


READ, WRITE = "open('TREE/{0}/file').read()", "open('TREE/{0}/new', 'w').close()"
CONNECT = "socket.create_connection(('127.0.0.1', PORT), 5).close()"
UNIX = "socket.socket(socket.AF_UNIX).close()"
CALLS = "if ctypes.CDLL(None, use_errno=True).{0} == -1: raise OSError"

# In one jail under all of them, and in one under all the others.
TOGETHER = (
    _limit("open_files", "16", "64", "files = []\nfor _ in range(30): files.append(os.fdopen(os.dup(1)))"),
    _limit("file_size", "4KiB", "1MiB", "open('large', 'wb').write(bytes(100000))"),
    _limit("processes", "5", "64",
           "done_ = threading.Event()\ntry:\n for _ in range(10): threading.Thread(target=done_.wait).start()\n"
           "finally: done_.set()"),
    _limit("tmp_size", "64KiB", "16MiB", "open('/tmp/large', 'wb').write(bytes(1 << 20))", backends=SIZED),
    pair("filesystem", None, "ro", "looser", READ.format("shown"), clause="filesystem.TREE/shown"),
    pair("filesystem.mode", "ro", "rw", "looser", WRITE.format("mode"), clause="filesystem.TREE/mode"),
    pair("filesystem.mode", "ro", "tmpfs", "incomparable", READ.format("covered"), WRITE.format("covered"),
         clause="filesystem.TREE/covered", backends=SIZED),
    pair("filesystem.mode", None, "tmpfs", "looser", "open('/opt/made/new', 'w').close()",
         clause="filesystem./opt/made", backends=SIZED),
    pair("filesystem.from", {"from": "TREE/mode"}, {"from": "TREE/shown"}, "incomparable",
         "open('/opt/from/of-mode').close()", "open('/opt/from/of-shown').close()", clause="filesystem./opt/from",
         backends=SIZED),
    pair("filesystem.symlink", None, {"symlink": "/usr/bin"}, "looser", "os.stat('/opt/link/env')",
         clause="filesystem./opt/link", backends=SIZED),
    pair("filesystem.noexec", {"noexec": True}, {"noexec": False}, "looser", "subprocess.run(['TREE/noexec/true'])",
         clause="filesystem.TREE/noexec", backends=("nsjail", "firejail")),
    pair("filesystem.noexec", {"mode": "rw", "noexec": True}, {"mode": "ro"}, "incomparable",
         WRITE.format("either"), "subprocess.run(['TREE/either/true'])", clause="filesystem.TREE/either",
         backends=("nsjail", "firejail")),
    Pair("filesystem", {"filesystem": {"TREE/outer/inner": "ro"}}, {"filesystem": {"TREE/outer": "ro"}},
         {"filesystem.TREE/outer": "looser", "filesystem.TREE/outer/inner": "looser"},
         {READ.format("outer"): (False, True), READ.format("outer/inner"): (True, True)}),
    Pair("filesystem", {"filesystem": {"TREE/hidden": "ro"}},
         {"filesystem": {"TREE/hidden": "ro", "TREE/hidden/inner": "tmpfs"}},
         {"filesystem.TREE/hidden/inner": "incomparable"},
         {READ.format("hidden"): (True, True), READ.format("hidden/inner"): (True, False),
          WRITE.format("hidden/inner"): (False, True)}, SIZED),
    pair("network", "none", "host", "looser", CONNECT),
    pair("environment", None, "1", "looser", "if 'MORE' not in os.environ: raise OSError", clause="environment.MORE"),
    pair("environment", "1", "2", "incomparable", *(f"if os.environ['OTHER'] != '{n}': raise OSError" for n in (1, 2)),
         clause="environment.OTHER"),
    pair("environment", None, "/nowhere", "incomparable", "if os.environ['PATH'] == '/nowhere': raise OSError",
         "if os.environ['PATH'] != '/nowhere': raise OSError", clause="environment.PATH"),
    pair("syscalls.deny", ["@default-deny", "getpgid"], ["@default-deny", "getsid"], "incomparable",
         CALLS.format("getsid(0)"), CALLS.format("getpgid(0)"), found={"syscalls": "incomparable"}),
    pair("syscalls.rules", [{"syscall": "socket", "arg": 0, "value": 1, "action": "errno"}], None, "looser", UNIX),
)  # fmt: skip


class Alone(NamedTuple):
    """Two policies between which a whole job tells: `code` prints "through" under the looser one, or leaves artifacts.

    `status`: what becomes of the job under the tighter one, which never gets through.
    """

    type: str
    before: dict[str, Any]
    after: dict[str, Any]
    found: dict[str, Relation]
    code: str
    status: str
    job: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    shows: str = "stdout"  # or the artifact that is the proof
    backends: tuple[str, ...] = ALL


def alone(type_: str, before: Any, after: Any, code: str, status: str = "ok", **more: Any) -> Alone:
    clause = more.pop("clause", type_)
    found = more.pop("found", {clause: "looser"})
    keys = clause.split(".", 1) if clause.startswith(("filesystem.", "require.")) else clause.split(".")
    return Alone(type_, nested(keys, before), nested(keys, after), found, code, status, **more)


THROUGH = "; print('through')"
PTRACE = "import ctypes; found = ctypes.CDLL(None).ptrace(0, 0, 0, 0)"
ALLOWED = ["@system-service", "@file-system", "@default"]
TRACED = PTRACE + "; print('through' if found == 0 else '')"
LEAVES = "for name in 'abc': open(name + '.txt', 'w').write('x' * 100); open('z.png', 'w').close()"

# Of a limit, what ends a job that has less. All that they bound is done by one program, under all of them.
SPENDS = """
import time
held = b"x" * (150 << 20)
print("x" * 5000, flush=True)
with open("large", "wb") as large: large.write(bytes(1 << 20))
for number in range(100): open(str(number), "w").close()
while time.process_time() < 0.4: pass
time.sleep(0.4)
print("through")
"""
SPENT = {
    "wall_time": ("300ms", "20s", "wall-time-limit"),
    "cpu_time": ("200ms", "20s", "cpu-time-limit"),
    "memory": ("64MiB", "512MiB", "memory-limit"),
    "output": ("1kB", "1MiB", "output-limit"),
    "scratch_size": ("64KiB", "16MiB", "nonzero-exit scratch-limit"),
    "scratch_files": ("10", "1000", "nonzero-exit scratch-limit"),
}
ROOM = {name: loose for name, (_, loose, _) in SPENT.items()}


def _spent(name: str) -> Alone:
    both: dict[str, Relation] = {f"limits.{name}": "looser", f"limits.{name}.max": "looser"}
    before = {"limits": {**ROOM, name: SPENT[name][0]}}
    return Alone(f"limits.{name}.default", before, {"limits": ROOM}, both, SPENDS, SPENT[name][2])


ALONE = (
    *(_spent(name) for name in SPENT),
    alone("filesystem.optional", {"from": "TREE/missing"}, {"from": "TREE/missing", "optional": True}, THROUGH[2:],
          "refused", clause="filesystem./opt/missing", backends=SIZED),
    alone("syscalls.allow", ALLOWED, [*ALLOWED, "ptrace"], TRACED, found={"syscalls": "looser"}),
    alone("syscalls.action", "kill", "errno", PTRACE + THROUGH, "syscall-denied", found={"syscalls": "looser"}),
    alone("syscalls.action", "errno", "log", TRACED, found={"syscalls": "looser"}),
    alone("workspace", "none", "ro", THROUGH[2:], "refused", job={"workspace": "TREE/worked:ro"}),
    alone("workspace", "ro", "rw", "open('new', 'w').close()" + THROUGH, "refused", job={"workspace": "TREE/worked"}),
    alone("artifacts.collect", ["*.png"], ["**"], LEAVES, shows="b.txt"),
    alone("artifacts.max_files", "1", "10", LEAVES, shows="c.txt"),
    alone("artifacts.max_bytes", "150B", "1MiB", LEAVES, shows="c.txt"),
    alone("require", "strict", "sampled", THROUGH[2:], "refused", clause="require.limits.cpu_time"),
)  # fmt: skip

COMPILER = "{{ scratch }}/compiler"
STEP = {"run": [*PYTHON[:2], COMPILER], "limits": {}}
TOY = {"name": "toy", "extensions": [".toy"], "file": "main.toy", "run": [*PYTHON[:2], "{{ file }}"]}
# What runs is a Python, by another name: what the policy says of the compiler or the runtime is what is asked about.
SLOW = "import time; time.sleep(0.4); open('made', 'w').close()"
MADE = "import os; os.stat('made')" + THROUGH


def _of_language(type_: str, before: dict[str, Any], after: dict[str, Any], status: str, *looser: str) -> Alone:
    found: dict[str, Relation] = dict.fromkeys(looser, "looser")
    return Alone(type_, {"language": TOY | before}, {"language": TOY | after}, found, MADE, status)


def _step(**limits: Any) -> dict[str, Any]:
    return {"compile": {**STEP, "limits": limits}}


COMPILED = (
    _of_language("language.compile", {}, _step(), "nonzero-exit", "language.compile"),
    _of_language("language.compile.limits.default", _step(wall_time="200ms"), _step(wall_time="20s"), "wall-time-limit",
                 "language.compile.limits.wall_time", "language.compile.limits.wall_time.max"),
)  # fmt: skip

# Each finds a runtime of its own, and shows that alone: `one` tells its version to --version, `other` to -V, too.
RUNTIMES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "paths": ({"paths": ["TREE/one"]}, {"paths": ["TREE/other"]}),
    "command": ({"command": "one-toy"}, {"command": "other-toy"}),
    "version": ({"version": "--version"}, {"version": "-V"}),
}
FOUND = {"command": "toy", "paths": ["TREE/one", "TREE/other"]}
LOOKS = "import os; print(*(each for each in ('one', 'other') if os.path.exists('TREE/' + each + '/toy')))"

PERMIT_NOTHING = {
    "version", "extends", "silence", "description",
    "language.name", "language.aliases", "language.extensions", "language.file",
    "language.run", "language.value", "language.compile.run", "language.runtime.package", "language.selftest.source",
    "language.selftest.args", "language.selftest.stdin", "language.selftest.stdout", "language.selftest.files",
}  # fmt: skip
NOT_BUILT = {"network.allow"}  # it is refused, whatever it says


SPANS = {
    "wall_time": ("10s", "20s"), "cpu_time": ("10s", "20s"), "memory": ("1GiB", "2GiB"), "processes": ("64", "128"),
    "open_files": ("64", "128"), "file_size": ("1MiB", "2MiB"), "scratch_size": ("1MiB", "2MiB"),
    "scratch_files": ("10", "20"), "tmp_size": ("1MiB", "2MiB"), "output": ("1MiB", "2MiB"), "cpus": ("0.5", "0.6"),
}  # fmt: skip


class Tree:
    """The files that the policies show, and the policies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in (
            "shown",
            "mode",
            "covered",
            "noexec",
            "either",
            "outer",
            "outer/inner",
            "hidden",
            "hidden/inner",
            "worked",
        ):
            top = folder(path / name, mode=0o777)
            for file in ("file", f"of-{top.name}"):
                (top / file).touch()
            shutil.copy("/usr/bin/true", top / "true")
        for name, program in (("one", "/usr/bin/env"), ("other", "/usr/bin/grep")):
            for runtime in ("toy", f"{name}-toy"):
                shutil.copy(program, folder(path / name) / runtime)

    def filled(self, said: Any) -> Any:
        return json.loads(json.dumps(said).replace("TREE", str(self.path)))

    def policy(self, name: str, *said: dict[str, Any]) -> str:
        """The path of a policy that says all of these."""
        path = self.path / f"{name}.yaml"
        merged: dict[str, Any] = {"extends": "command"}
        for each in said:
            _merge(merged, self.filled(each))
        path.write_text(json.dumps(merged))
        return str(path)

    def relations(self, *pair: dict[str, Any]) -> dict[str, Relation]:
        before, after = (load(self.policy(f"order-{number}", said)) for number, said in enumerate(pair))
        return {each.clause: each.relation for each in compare(before, after)}


def _merge(into: dict[str, Any], said: dict[str, Any]) -> None:
    for key, value in said.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
