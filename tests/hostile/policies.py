"""Policies as a hostile repository could have them, each with what is said of it, and with its control."""

from __future__ import annotations

from typing import NamedTuple

GOOD = "extends: command\n"


class Attempt(NamedTuple):
    text: str | bytes
    says: str
    good: str = GOOD  # what is left of it without its hostility


def many(form: str, count: int) -> str:
    return ", ".join(form.format(number) for number in range(count))


HOSTILE = {
    "anchors that multiply": Attempt("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchors are not used here"),
    "an alias": Attempt("extends: command\ndescription: *a\n", "aliases are not used here"),
    "a merge key": Attempt("<<: {network: host}\nextends: command\n", "merge keys are not used here"),
    "a python tag": Attempt("!!python/object/apply:os.system [touch x]\n", "tags are not used here"),
    "a tag on a value": Attempt("description: !!python/name:os.system\n", "tags are not used here"),
    "a tag of its own": Attempt("extends: !include /etc/shadow\n", "tags are not used here"),
    "a directive": Attempt("%TAG ! tag:yaml.org,2002:python/\n---\nextends: command\n", "directives are not used"),
    "a second document": Attempt("extends: command\n---\nnetwork: host\n", "a second document"),
    "lists in lists": Attempt("[" * 500_000, "nested deeper"),
    "maps in maps": Attempt("{a: " * 200_000, "nested deeper"),
    "blocks in blocks": Attempt("- " * 400_000, "nested deeper"),
    "a hundred thousand mounts": Attempt(f"filesystem: {{{many('/m{}: ro', 100_000)}}}", "larger than 1 MiB"),
    "ten thousand mounts": Attempt(
        f"extends: _base\nfilesystem: {{{many('/m{}: ro', 10_000)}}}", "more than 5000 values",
        f"extends: _base\nfilesystem: {{{many('/m{}: tmpfs', 2000)}}}",
    ),
    "a long list": Attempt(f"syscalls: {{+deny: [{many('bpf', 150_000)}]}}", "more than 5000 values"),
    "many files of a self-test": Attempt(
        f"extends: python\nlanguage: {{selftest: {{files: {{{many('f{}: x', 9000)}}}}}}}", "more than 5000 values",
        f"extends: python\nlanguage: {{selftest: {{files: {{{many('f{}: x', 2000)}}}}}}}",
    ),
    "a number without end": Attempt(f"limits: {{memory: {'9' * 900_000}MiB}}", "limits.memory"),
    "a count without end": Attempt(f"limits: {{processes: {'9' * 900_000}}}", "limits.processes"),
    "a power": Attempt("limits: {memory: 1e999999999GiB}", "limits.memory"),
    "a version without end": Attempt(f"version: {'9' * 900_000}\n", "version"),
    "a key without end": Attempt(f"? {'a' * 900_000}\n: b\n", "a key of more than 5000"),
    "a word without end": Attempt(f"network: {'a' * 900_000}\n", "is none of none, host"),
    "keys that are nearly right": Attempt("".join(f"limit{number}: 1\n" for number in range(2000)), "unknown key"),
    "a key twice": Attempt("network: none\nnetwork: host\n", "stands here a second time"),
    "a key twice, once with +": Attempt("syscalls: {deny: [bpf], +deny: [bpf]}\n", "with and without a +"),
    "two marks of byte order": Attempt("\ufeff\ufeffextends: command\n", "U+FEFF", "\ufeffextends: command\n"),
    "UTF-16": Attempt("extends: command\n".encode("utf-16"), "not UTF-8"),
    "UTF-32": Attempt("extends: command\n".encode("utf-32"), "not UTF-8"),
    "UTF-7": Attempt(b"+ADw-extends: command\n", "unknown key"),
    "overlong UTF-8": Attempt(b"extends: \xc0\xafcommand\n", "not UTF-8"),
    "a comment that ends at U+0085": Attempt("extends: command # x\u0085network: host\n", "U+0085"),
    "a comment that ends at U+2028": Attempt("extends: command # x\u2028network: host\n", "U+2028"),
    "a comment that ends at a carriage return": Attempt("extends: command # x\rnetwork: host\n", "U+000D"),
    "text that runs backwards": Attempt("extends: command # \u202etsoh :krowten\n", "U+202E"),
    "a letter that looks like another": Attempt("extends: command\nn\u0435twork: host\n", r"'n\u0435twork'"),
    "an escape sequence in a key": Attempt('"\\e]0;x\\a": 1\n', "U+001B"),
    "an escape sequence in a value": Attempt('description: "\\e[2J\\e[H"\n', "U+001B"),
    "a NUL in a path": Attempt('filesystem: {"/tmp\\0x": ro}\n', "U+0000"),
    "a line feed in a path": Attempt('filesystem: {"/tmp\\nwhitelist /": ro}\n', "U+000A"),
    "a line feed in a variable": Attempt('environment: {A: "x\\nLD_PRELOAD=/x"}\n', "U+000A"),
    "a line feed in a variable's name": Attempt('environment: {"A\\nB": x}\n', "U+000A"),
    "a variable's name with =": Attempt("environment: {LD_PRELOAD=x: x}\n", "can't be the name of a variable"),
    "a variable without a name": Attempt('environment: {"": x}\n', "can't be the name of a variable"),
    "a mount above itself": Attempt("filesystem: {/usr/../../etc: ro}\n", "holds .."),
    "a mount from above": Attempt("filesystem: {/x: {from: /usr/../root}}\n", "holds .."),
    "a mount of /proc": Attempt("filesystem: {/proc/sys: {from: /proc/sys, mode: rw}}\n", "can't be a mount"),
    "an account of its own": Attempt("filesystem: {/etc/passwd: {from: /etc/passwd}}\n", "can't be a mount"),
    "a base above": Attempt("extends: ../../../../../../etc/shadow\n", "no policy by its name"),
    "a base that is a secret": Attempt("extends: /etc/shadow\n", "no policy by its name"),
    "a base in a home": Attempt("extends: ~/base.yaml\n", "~ means nothing"),
    "itself": Attempt("extends: ./p.yaml\n", "in a circle"),
    "itself many times": Attempt(f"extends: [{many('./p.yaml', 90_000)}]\n", "more than 5000 values"),
    "openings of templates": Attempt(f'description: "{"{{ " * 300_000}"\n', "looks like a template"),
    "a template's blanks": Attempt(f'description: "{("{{" + " " * 1000) * 900}"\n', "looks like a template"),
}  # fmt: skip
TEMPLATES = (
    "{{ 7 * 7 }}", "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{% include '/etc/passwd' %}", "{# x #}",
    "{{ self._TemplateReference__context }}", "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ secret }}", "{{file.__class__}}", "{{ lipsum }}", "{% set x = 1 %}",
)  # fmt: skip
FIELDS = (
    "description: '@'", "extends: './@.yaml'", "filesystem: {'/@': ro}", "filesystem: {/x: {from: '/@'}}",
    "filesystem: {/x: {symlink: '@'}}", "environment: {A: '@'}", "environment: {'@': x}", "network: '@'",
    "network: {allow: ['@:443']}", "syscalls: {deny: ['@']}", "artifacts: {collect: ['@']}", "workspace: '@'",
    "limits: {memory: '@'}", "require: {'@': strict}", "language: {name: '@', file: x, run: [x]}",
    "language: {file: '@', run: [x]}", "language: {file: x, run: ['@']}", "language: {aliases: ['@']}",
    "language: {runtime: {command: '@'}}", "language: {runtime: {command: x, package: '@'}}",
    "language: {runtime: {command: x, paths: ['/@']}}", "language: {compile: {run: ['@']}}",
    "language: {selftest: {source: '@', stdout: ''}}", "language: {selftest: {files: {'@': x}}}", "'@': x",
)  # fmt: skip
