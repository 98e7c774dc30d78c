"""What each key of a file of tests means, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy.clauses.about import About

if TYPE_CHECKING:
    from collections.abc import Mapping


def _test(words: str, expect: str = "allowed") -> str:
    return f"tests: {{does its work: {{{words}, expect: {expect}}}}}"


def _expect(words: str) -> str:
    return _test("command: [cat, /srv/data]", f"{{{words}}}")


TESTS: Mapping[str, About] = {
    "version": About("The version of this grammar.", "version: 1", "1"),
    "tests": About("What is tried under the policy beside this file, by its name.", _test("code: print(1)")),
    "tests.*": About(
        "One test: what it runs, what it is given, and what must come of it.", _test("command: [ls, /usr]")
    ),
    "tests.*.code": About("A snippet in the policy's language.", _test("code: print(1)")),
    "tests.*.file": About("A file of code beside the tests.", _test("file: cases/sums.py")),
    "tests.*.command": About("A program and its arguments.", _test("command: [ls, /usr]")),
    "tests.*.language": About(
        "The language of the code, where the policy has none.", _test("code: print(1), language: python")
    ),
    "tests.*.args": About("The program's arguments.", _test("code: print(1), args: [one, two words]"), "none"),
    "tests.*.stdin": About("Its standard input.", _test('code: print(input()), stdin: "4\\n"'), "empty"),
    "tests.*.stdin.base64": About(
        "The same of bytes that are no text.", _test("code: print(1), stdin: {base64: /w==}")
    ),
    "tests.*.files": About(
        "The files in scratch, by their paths.", _test('code: print(open("in/a").read()), files: {in/a: text}'), "none"
    ),
    "tests.*.files.*": About("What is in it.", _test("code: print(1), files: {data.txt: text}")),
    "tests.*.files.*.base64": About(
        "The same of bytes that are no text.", _test("code: print(1), files: {data: {base64: /w==}}")
    ),
    "tests.*.env": About("Variables, as by -e.", _test('code: print(1), env: {LANG: "C"}'), "none"),
    "tests.*.env.*": About("The variable's value.", _test('code: print(1), env: {LANG: "C"}')),
    "tests.*.limits": About(
        "Limits, as by --limit: within the policy's maxima.", _test("code: print(1), limits: {memory: 64MiB}"), "none"
    ),
    "tests.*.limits.*": About("The limit's value.", _test("code: print(1), limits: {wall_time: 1s}")),
    "tests.*.network": About("As by --network.", _test("code: print(1), network: none"), "the policy's"),
    "tests.*.collect": About(
        "Which files are returned, as by --collect.", _test('code: print(1), collect: ["*.txt"]'), "the policy's"
    ),
    "tests.*.expect": About(
        "What must come of it: `allowed` is an end with 0, `denied` that the system refuses something to the program; "
        "a map says it closely.",
        _test("command: [cat, /srv/data]", "denied"),
    ),
    "tests.*.expect.status": About("The status of its result.", _expect("status: memory-limit")),
    "tests.*.expect.denied": About(
        "The error that tells of the denial: EROFS, EACCES, ... or `any`.", _expect("denied: ENOENT")
    ),
    "tests.*.expect.exit_code": About("The program's exit code.", _expect("exit_code: 3")),
    "tests.*.expect.signal": About("The signal that ended it.", _expect("signal: SIGKILL")),
    "tests.*.expect.stdout": About("All that it prints.", _expect('stdout: "OK\\n"')),
    "tests.*.expect.stdout.pattern": About("The same, with *, ? and [...].", _expect('stdout: {pattern: "*OK*"}')),
    "tests.*.expect.stderr": About("All that it writes to stderr.", _expect('stderr: ""')),
    "tests.*.expect.stderr.pattern": About("The same, with *, ? and [...].", _expect('stderr: {pattern: "*error*"}')),
    "tests.*.expect.artifacts": About(
        "The files that it leaves, by patterns of their paths: each must name one, and none may be left over.",
        _expect("artifacts: {out.txt: text}"),
    ),
    "tests.*.expect.artifacts.*": About("What is in it.", _expect("artifacts: {out.txt: text}")),
    "tests.*.expect.artifacts.*.pattern": About(
        "The same, with *, ? and [...].", _expect('artifacts: {out.txt: {pattern: "*"}}')
    ),
    "tests.*.expect.cause": About("The cause in its result.", _expect('cause: "limits.memory: too much"')),
    "tests.*.expect.cause.pattern": About("The same, with *, ? and [...].", _expect('cause: {pattern: "limits.*"}')),
    "tests.*.expect.blame": About("The clause that is to blame.", _expect("blame: limits.memory")),
    "tests.*.expect.limit_hits": About("The limits that were hit.", _expect("limit_hits: [processes]")),
}
