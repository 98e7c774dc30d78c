"""docs/api.md is as the code has it, and its examples, with the README's, run and are typed."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import sandbox_cli
from sandbox_cli.cli import api_page
from tests.accounts import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox

PAGES = {name: (ROOT / name).read_text() for name in ("docs/api.md", "README.md")}


def python(*words: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def mypy(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "mine.py").write_text(text)
    cache = ("--cache-dir", str(ROOT / ".mypy_cache" / "api"))
    return python("-m", "mypy", "--strict", *cache, "mine.py", cwd=folder, MYPYPATH=str(ROOT))


def examples(page: str) -> str:
    return "\n".join(re.findall(r"^```python\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL))


def test_tables_are_those_of_the_code() -> None:
    told = PAGES["docs/api.md"]
    assert api_page.page(told) == told, "python -m sandbox_cli.cli.api_page docs/api.md"


def test_everything_public_is_told_of() -> None:
    made = {name for names in re.findall(r"<!-- made of ([\w. ]+) -->", PAGES["docs/api.md"]) for name in names.split()}
    told = set(re.findall(r"^\| `(\w+)` \|", PAGES["docs/api.md"], re.MULTILINE)) | made
    assert set(sandbox_cli.__all__) - {"OnOutput"} <= told
    assert re.findall(r"^\| `(\w+)` \| .* \|  \|$", PAGES["docs/api.md"], re.MULTILINE)  # names that say it all


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_examples_of_the_page_hold(sandbox: Sandbox, shared_tmp: Path, page: str) -> None:
    (shared_tmp / "examples").mkdir()
    (shared_tmp / "examples" / "demo.py").write_text((ROOT / "examples" / "demo.py").read_text())
    done = sandbox.account.run([sandbox.account.python, "-c", examples(page)], cwd=shared_tmp, timeout=120)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("page", PAGES)
def test_examples_of_the_page_are_typed_strictly(tmp_path: Path, page: str) -> None:
    done = mypy(tmp_path, examples(page) + "\nreveal_type(result.stdout)\n")
    assert (done.returncode, 'is "str"' in done.stdout) == (0, True), done.stdout


def test_wrong_use_is_found_by_a_type_checker(tmp_path: Path) -> None:
    wrong = {
        'sandbox.run("1", langauge="python")': "call-arg",
        'sandbox.run("1", limits=3)': "arg-type",
        'sandbox.Sandbox("python").run("1", policy="x")': "call-arg",
        'sandbox.run("1").stdot': "attr-defined",
        'sandbox.run("1").status = "ok"': "misc",
    }
    done = mypy(tmp_path, "import sandbox_cli as sandbox\n" + "\n".join(wrong) + "\n")
    assert re.findall(r"\[([\w-]+)\]$", done.stdout, re.MULTILINE) == list(wrong.values()), done.stdout


def test_import_is_light_and_brings_nothing_heavy() -> None:
    show = "import sys; before = set(sys.modules); import sandbox_cli; print(*sorted(set(sys.modules) - before))"
    done = python("-S", "-c", show)
    assert set(done.stdout.split()) <= {"__future__", "sandbox_cli", "types"}


def test_package_called_run_does_not_take_the_functions_place() -> None:
    show = "import sandbox_cli.run, sandbox_cli; from sandbox_cli.run import execute; print(sandbox_cli.run.__module__)"
    done = python("-W", "error", "-c", show)
    assert (done.stdout, done.stderr) == ("sandbox_cli.api.calls\n", "")
    assert set(sandbox_cli.__all__) <= set(dir(sandbox_cli))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        sandbox_cli.nothing  # type: ignore[attr-defined] # noqa: B018
