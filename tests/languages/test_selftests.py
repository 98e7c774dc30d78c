"""The self-test of every shipped language, by the command and whatever its caller's environment is.

(`sandbox policy test`, in test_policies.py, runs them on every backend.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import CI
from tests.languages import shipped
from tests.languages.shipped import LANGUAGES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox

ENOUGH = 14

# What would bend an interpreter, if anything of the caller's environment reached it.
HOSTILE = dict.fromkeys(
    (
        "AWKPATH", "BASH_ENV", "CLASSPATH", "COMPILER_PATH", "CPATH", "ENV", "GCC_EXEC_PREFIX", "GHC_PACKAGE_PATH",
        "GOFLAGS", "GUILE_LOAD_COMPILED_PATH", "GUILE_LOAD_PATH", "JAVA_TOOL_OPTIONS", "JDK_JAVAC_OPTIONS",
        "JDK_JAVA_OPTIONS", "LUA_CPATH", "LUA_INIT", "LUA_PATH", "MONO_OPTIONS", "MONO_PATH", "NODE_OPTIONS",
        "NODE_PATH", "OCAMLPARAM", "OCTAVE_PATH", "PERL5LIB", "PERL5OPT", "PHPRC", "PHP_INI_SCAN_DIR", "RUBYLIB",
        "RUBYOPT", "R_ENVIRON", "R_LIBS", "R_PROFILE", "SWI_HOME_DIR", "TCLLIBPATH", "TCL_LIBRARY",
    ),
    "--no-such-option/no/such/place",
)  # fmt: skip


def test_at_least_fourteen_languages_run_here() -> None:
    here = [name for name in LANGUAGES if shipped.is_here(name)]
    if len(here) < ENOUGH and not CI:
        pytest.skip(f"only {len(here)} languages have their runtimes here; `make test-languages` as root installs them")
    assert len(here) >= ENOUGH, f"only {', '.join(here)} have their runtimes here"


@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_callers_environment_changes_nothing(language: str, backend: str, sandbox: Sandbox, shared_tmp: Path) -> None:
    """Through the real command, with the file named as the caller likes."""
    spec, given = LANGUAGES[language], LANGUAGES[language].selftest
    assert given is not None
    is_a_word = language in ("d", "java", "nim")  # the name of a class or a module
    source = shared_tmp / (spec.file if is_a_word else f"a script{spec.extensions[0]}")
    source.write_text(given.source)
    options = ["-b", backend]
    for number, (name, text) in enumerate(given.files.items()):
        (shared_tmp / str(number)).write_text(text)
        options += ["-f", f"{shared_tmp / str(number)}:{name}"]
    done = sandbox("run", *options, str(source), *given.args, stdin=given.stdin.encode(), env=HOSTILE)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, given.stdout, b"")
