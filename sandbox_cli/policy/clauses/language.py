"""What each key of `language` means, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy.clauses.about import About

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGE: Mapping[str, About] = {
    "language": About(
        "What turns code into a program. A policy without it, as `command`, is for programs and for the code of a "
        "language that -l names.",
        "language: {aliases: [py, py3]}",
        "none",
    ),
    "language.name": About(
        "What -l calls it: letters, digits and . _ + # -.",
        "language: {name: report}",
        "the name of the first file that says anything of `language`",
    ),
    "language.aliases": About("Other names for -l.", "language: {+aliases: [report]}", "none"),
    "language.extensions": About(
        "The ends of the names of its files, by which the language of a FILE is known.",
        "language: {extensions: [.py, .pyw]}",
        "none",
    ),
    "language.file": About(
        "The name that a snippet gets in scratch; a FILE keeps its own.", "language: {file: main.py}"
    ),
    "language.runtime": About(
        "The interpreter or compiler, which is looked up on the host and then is `{{ runtime }}`.",
        'language: {runtime: {command: python3, version: "--version"}}',
        "none",
    ),
    "language.runtime.command": About(
        "Its name, which is looked up in PATH and where version managers install, or its absolute path.",
        "language: {runtime: {command: pypy3}}",
    ),
    "language.runtime.version": About(
        "The option by which it tells its version.", 'language: {runtime: {version: "-V"}}', "--version"
    ),
    "language.runtime.paths": About(
        "Further folders of the host to look for it in; * and ? stand for anything.",
        'language: {runtime: {paths: ["/opt/python-*/bin"]}}',
        "none",
    ),
    "language.runtime.package": About(
        "The Debian package that brings it, which `sandbox languages` names where it is missing.",
        "language: {runtime: {package: pypy3}}",
        "none",
    ),
    "language.compile": About(
        "A step before the program: what it leaves in scratch is what runs.",
        'language: {compile: {run: ["{{ runtime }}", -m, py_compile, "{{ file }}"]}}',
        "none",
    ),
    "language.compile.run": About(
        "The compiler's command, word by word. `{{ sources }}` is the file and all of -f that have its extension; for "
        "other variables see `run`.",
        'language: {compile: {run: ["{{ runtime }}", -m, py_compile, "{{ sources }}"]}}',
    ),
    "language.compile.limits": About(
        "What holds for the compiler in place of the program's limits. What is made with the jail - scratch_size, "
        "scratch_files, tmp_size - belongs to both, and stands in `limits` alone.",
        'language: {compile: {run: ["{{ runtime }}", -m, py_compile, "{{ file }}"], limits: {memory: 1GiB}}}',
        "the program's",
    ),
    "language.run": About(
        "The program's command, word by word; the arguments of a job follow. `{{ file }}` is the code's file, "
        "`{{ file.stem }}` its name without the extension, `{{ runtime }}` the runtime's path, `{{ runtime.prefix }}` "
        "the folder that its bin stands in, `{{ runtime.version }}` its version, `{{ scratch }}` the working directory "
        "and `{{ limits.memory }}` that limit in bytes.",
        'language: {run: ["{{ runtime }}", -I, "{{ file }}"]}',
    ),
    "language.value": About(
        "The same for --value: a command that also writes the value of the code's last expression, as JSON, to the "
        "path in $SANDBOX_VALUE.",
        'language: {value: ["{{ runtime }}", /usr/lib/report/value.py, "{{ file }}"]}',
        "none: --value is refused",
    ),
    "language.selftest": About(
        "A program that proves that the language works here, with all that it is given and what it prints.",
        'language: {selftest: {source: \'print("OK")\', stdout: "OK\\n"}}',
        "none",
    ),
    "language.selftest.source": About("The program.", "language: {selftest: {source: 'print(\"OK\")'}}"),
    "language.selftest.args": About("Its arguments.", "language: {selftest: {args: [one, two words]}}", "none"),
    "language.selftest.stdin": About("Its standard input.", 'language: {selftest: {stdin: "4\\n5\\n"}}', '""'),
    "language.selftest.files": About(
        "The files beside it, by their paths in scratch.", 'language: {selftest: {files: {data.txt: "6\\n"}}}', "none"
    ),
    "language.selftest.files.*": About("What is in it.", 'language: {selftest: {files: {in/data.txt: "6\\n"}}}'),
    "language.selftest.stdout": About("All that it prints.", 'language: {selftest: {stdout: "OK\\n"}}'),
}
