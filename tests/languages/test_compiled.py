"""What holds in every compiled language; and that a compiler, which may be attacked by its code, is in the jail too."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.languages import shipped
from tests.languages.compiled import PROGRAMS
from tests.languages.shipped import LANGUAGES
from tests.languages.test_programs import ARGUMENTS, NAMES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.accounts import Sandbox
    from tests.contract.conftest import Driver

    Build = Callable[..., dict[str, Any]]

bwrap = pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
user = pytest.mark.parametrize("account", ["user"], indirect=True)
compiled = pytest.mark.parametrize("language", PROGRAMS, indirect=True)
MARK = "what-only-the-host-may-see"

# Each has to be ended: (language, limits of the compile step, the status, what is compiled).
BOMBS = {
    "endless-include": ("c", {"memory": "100MiB"}, "memory-limit", '#include "/dev/zero"'),
    "endless-output": (
        "c", {"output": "1MiB"}, "output-limit", "\n".join(f"no_such_name_{number};" for number in range(20_000)),
    ),
    "huge-array": ("c", {"file_size": "64MiB"}, "compile-error", "int a[1 << 30] = {1}; int main() { return a[5]; }"),
    "constant-expression": (
        "cpp", {"cpu_time": "1s"}, "cpu-time-limit",
        """\
        constexpr unsigned sum(unsigned most) { unsigned s = 0; for (unsigned i = 0; i < most; i++) s += i; return s; }
        template <int N> constexpr unsigned all() { return sum(200000 + N) + all<N - 1>(); }
        template <> constexpr unsigned all<0>() { return 0; }
        static_assert(all<800>() != 1);
        """,
    ),
    "macro": (
        "rust", {"memory": "300MiB"}, "memory-limit",
        """\
        #![recursion_limit = "1000000000"]
        macro_rules! more { ($($t:tt)*) => { more!($($t)* $($t)*) }; }
        fn main() { more!(a b); }
        """,
    ),
    "splice": (
        "haskell", {"wall_time": "3s"}, "wall-time-limit",
        """\
{-# LANGUAGE TemplateHaskell #-}
import Language.Haskell.TH
main = print $(let f :: Int -> Int; f n = if n < 0 then 0 else f (n + 1) in if f 1 == 5 then [| 1 |] else [| 2 |])
        """,
    ),
}  # fmt: skip


@pytest.fixture
def build(driver: Driver, backend: str) -> Build:
    """Runs a program of a language: `build("c", "int main() {}", file="x.c", args=[...], limits={...})`."""

    def run(
        language: str, source: str, *, file: str | None = None, limits: dict[str, str] | None = None, **given: Any
    ) -> dict[str, Any]:
        name = file or LANGUAGES[language].file
        job = {"file": f"/anywhere/{name}", "language": language, "backend": backend, "limits": limits or {}}
        return driver.run(job, shipped.work(name, source, **given))

    return run


def test_every_compiled_language_is_tried() -> None:
    assert {name for name, spec in LANGUAGES.items() if spec.compile is not None} == PROGRAMS.keys()


@compiled
@user
def test_arguments_are_the_programs_and_its_exit_code_is_the_jobs(language: str, build: Build) -> None:
    words = [*ARGUMENTS, "+RTS", "-s", "--RTS"]
    outcome = build(language, PROGRAMS[language].echo, args=words)
    assert outcome["stdout"].decode() == "".join(f"[{word}]\n" for word in words), outcome["compile"]
    assert (outcome["exit_code"], outcome["stderr"]) == (3, b"")


@compiled
@bwrap
@user
def test_an_error_that_nothing_catches_ends_with_another_status(language: str, build: Build) -> None:
    outcome = build(language, PROGRAMS[language].error)
    assert (outcome["status"], outcome["stdout"]) in {("nonzero-exit", b""), ("signalled", b"")}, outcome["compile"]
    if language != "c":  # which says nothing
        assert outcome["stderr"]


@compiled
@bwrap
@user
def test_a_compilers_words_and_exit_code_are_those_of_the_job(language: str, build: Build) -> None:
    outcome = build(language, PROGRAMS[language].broken)
    step = outcome["compile"]
    assert (outcome["status"], outcome["exit_code"]) == ("compile-error", PROGRAMS[language].code)
    assert outcome["blame"]["clause"] == "language.compile"
    assert b"no_such_name" in step["stdout"] + step["stderr"]
    assert (outcome["stdout"], outcome["stderr"], outcome["artifacts"]) == (b"", b"", [])


@pytest.mark.parametrize("language", ["c", "csharp"], indirect=True)
@bwrap
@user
def test_a_source_is_compiled_whatever_its_name(language: str, build: Build) -> None:
    wrong = {}
    for stem in NAMES:
        name = stem + LANGUAGES[language].extensions[0]
        outcome = build(language, PROGRAMS[language].echo, file=name, args=["--", name])
        if (outcome["exit_code"], outcome["stdout"].decode()) != (3, f"[--]\n[{name}]\n"):
            wrong[name] = outcome["compile"]
    assert wrong == {}


@pytest.mark.parametrize("language", sorted(PROGRAMS.keys() - {"c", "csharp", "d", "java", "nim"}), indirect=True)
@bwrap
@user
def test_a_name_that_is_no_word_of_a_shell_is_compiled_in_every_language(language: str, build: Build) -> None:
    """All but those where it is the name of a class or a module."""
    outcome = build(language, PROGRAMS[language].echo, file=f"ü b'$;{LANGUAGES[language].extensions[0]}", args=["x"])
    assert (outcome["exit_code"], outcome["stdout"]) == (3, b"[x]\n"), outcome["compile"]


@pytest.mark.parametrize("language", [name for name, each in PROGRAMS.items() if each.spy], indirect=True)
@bwrap
def test_a_compiler_sees_no_file_of_the_host(language: str, build: Build, shared_tmp: Path) -> None:
    """One that every account of the host can read."""
    secret = shared_tmp / "secret"
    secret.write_text(MARK)
    spy = PROGRAMS[language].spy
    assert spy is not None
    outcome = build(language, spy.replace("PATH", str(secret)))
    assert outcome["status"] == "compile-error"
    assert MARK not in str(outcome)


@pytest.mark.parametrize("language", ["c", "rust"], indirect=True)
@bwrap
@user
def test_a_spy_tells_what_there_is_to_see(language: str, build: Build) -> None:
    """Or the test before would prove nothing."""
    spy = PROGRAMS[language].spy
    assert spy is not None
    outcome = build(language, spy.replace("PATH", "seen"), files={"seen": MARK})
    assert outcome["stdout"].decode() == f"{MARK}\n", outcome["compile"]


@pytest.mark.parametrize("name", BOMBS)
@user
def test_a_bomb_ends_by_a_limit_of_the_compile_step(name: str, build: Build, needs_language: Any) -> None:
    language, limits, status, source = BOMBS[name]
    needs_language(language)
    own = LANGUAGES[language].compile
    assert own is not None
    options = {f"compile.{limit}" if limit in own.limits else limit: value for limit, value in limits.items()}
    outcome = build(language, source, limits=options)
    assert (outcome["status"], outcome["stdout"]) == (status, b""), outcome["cause"]
    step = outcome["compile"]
    assert len(step["stdout"]) + len(step["stderr"]) <= 2 << 20
    limit = next(iter(limits))
    clause = f"language.compile.limits.{limit}" if limit in own.limits else f"limits.{limit}"
    assert outcome["blame"]["clause"] == (clause if status != "compile-error" else "language.compile")


JAVA = "public class Main {{ public static void main(String[] words) {{ {} }} }}"
HOLDS = "java.util.List<Object> all = new java.util.ArrayList<>(); while (true) all.add({});"


@pytest.fixture
def java(needs_language: Any, build: Build) -> Build:
    needs_language("java")
    return lambda code, **given: build("java", JAVA.format(code), **given)


def test_java_collects_its_garbage_whatever_memory_the_host_has(java: Build) -> None:
    """4 GiB, of which nothing is kept, under 512 MiB for all."""
    churn = "byte[] last = {}; for (int i = 0; i < 4096; i++) last = new byte[1 << 20]; System.out.print(last.length);"
    outcome = java(churn)
    assert (outcome["status"], outcome["stdout"]) == ("ok", b"1048576"), outcome["cause"]


@bwrap
def test_java_that_holds_too_much_gets_an_error_that_says_so(java: Build) -> None:
    outcome = java(HOLDS.format("new byte[1 << 20]"))
    assert (outcome["status"], outcome["exit_code"], outcome["stdout"]) == ("nonzero-exit", 1, b""), outcome["cause"]
    assert b"java.lang.OutOfMemoryError" in outcome["stderr"]


@bwrap
def test_java_that_holds_too_much_beside_its_heap_is_killed_for_it(java: Build) -> None:
    fill = "byte[] heap = new byte[150 << 20]; java.util.Arrays.fill(heap, (byte) 1); "
    beside = "all.isEmpty() ? heap : java.nio.ByteBuffer.allocateDirect(1 << 20).put(new byte[1 << 20])"
    outcome = java(fill + HOLDS.format(beside), limits={"memory": "400MiB"})
    assert (outcome["status"], outcome["blame"]["clause"]) == ("memory-limit", "limits.memory"), outcome["stderr"]


@bwrap
@user
def test_javas_heap_follows_the_limit_of_the_job(java: Build) -> None:
    told = "System.out.print(Runtime.getRuntime().maxMemory() >> 20);"
    heaps = [int(java(told, limits={"memory": f"{size}MiB"})["stdout"]) for size in (256, 1024)]
    assert 0.5 * 256 < heaps[0] < 0.7 * 256
    assert 0.5 * 1024 < heaps[1] < 0.7 * 1024


@user
def test_version_of_pascal_is_the_compilers_and_no_time_that_it_took(
    needs_language: Callable[[str], None], sandbox: Sandbox
) -> None:
    needs_language("pascal")
    asked = subprocess.run(["fpc", "-iV"], capture_output=True, text=True, check=True)
    pascal = next(each for each in sandbox.json("languages")["languages"] if each["name"] == "pascal")
    assert pascal["runtimes"][0]["version"] == asked.stdout.strip()
