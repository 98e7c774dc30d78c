"""What the repository promises about itself: its commands, its words, its sizes, its locks, its arrows."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox_cli.cli import language_page
from tests.accounts import ROOT

PAGES = [
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"),
    *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))),
]
LONGEST = 300
ESSENTIAL = {"bash", "dash", "mawk"}  # every Debian has them
HEAVY = {
    "argparse", "asyncio", "dataclasses", "enum", "jinja2", "json", "logging", "pathlib", "psutil", "pydantic",
    "pyseccomp", "re", "rich", "subprocess", "typer", "typing", "yaml",
}  # fmt: skip


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def ours(*suffixes: str) -> list[Path]:
    """Files of the project, without what was built or installed and without the two links."""
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in ("build", "dist")]
        found += [Path(folder, name) for name in names if name.endswith(suffixes)]
    return [*found, ROOT / ".ci" / "run"] if not suffixes else found


def text_of(path: Path) -> str:
    return path.read_text(errors="replace")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))


def code_of(page: str) -> str:
    """The fenced blocks of a page."""
    return "\n".join(re.findall(r"^ *```\w*\n(.*?)^ *```", text_of(ROOT / page), re.MULTILINE | re.DOTALL))


def locked_versions(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text_of(ROOT / name), re.MULTILINE):
        found.setdefault(canonicalize_name(package), set()).add(version)
    return found


def test_make_alone_lists_every_target_with_its_purpose() -> None:
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^make ([a-z-]+) +\S", listed, re.MULTILINE)) == targets() - {"needs"}


def test_readme_begins_with_make_demo_and_make_test() -> None:
    assert re.findall(r"make \w+", code_of("README.md"))[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    lines = [line for line in code_of(page).splitlines() if not line.startswith(("$ ", "hint: "))]  # of another project
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", "\n".join(lines))) | set(
        re.findall(r"`make ([a-z-]+)", text_of(ROOT / page))
    )
    assert named <= targets()


def test_every_command_and_option_in_the_readme_exists() -> None:
    used: dict[str, set[str]] = {}
    for name, rest in re.findall(r"(?:^|\| )sandbox (policy \w+|\w+)([^|#>\n]*)", code_of("README.md"), re.MULTILINE):
        options = rest.partition(" -- ")[0]
        used.setdefault(name, set()).update(re.findall(r"(?<=\s)--?[a-z][a-z-]*", options))
    assert {"run", "exec", "render", "doctor", "languages", "clean", "policy list"} <= set(used)
    for name, options in used.items():
        shown = help_of(name)
        missing = [option for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", shown)]
        assert not missing, f"sandbox {name} has no {missing}"


def help_of(name: str) -> str:
    argv = [sys.executable, "-m", "sandbox_cli", *name.split(), "--help"]
    environment = {"PATH": "/usr/bin:/bin", "COLUMNS": "200"}
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_links_between_pages_lead_to_files_that_exist() -> None:
    for page in PAGES:
        folder = (ROOT / page).parent
        links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text_of(ROOT / page))
        assert [link for link in links if not (folder / link).exists()] == [], page


def test_no_install_hint_names_the_other_project_called_sandbox() -> None:
    wrong = re.compile(r"pip3? install (?:-\S+ )*[\"']?sandbox(?![-\w])")
    assert [str(path) for path in ours() if wrong.search(text_of(path))] == []


def test_no_file_names_the_machine_it_was_written_on() -> None:
    words = ["/" + "work/", "." + "library", "DESIGN" + ".md", "JAILERS" + ".md", "sub" + "agent"]
    found = [f"{path.relative_to(ROOT)}: {word}" for path in ours() for word in words if word in text_of(path)]
    assert found == []


def test_python_files_stay_short() -> None:
    lengths = {str(path.relative_to(ROOT)): text_of(path).count("\n") for path in ours(".py")}
    assert {path: length for path, length in lengths.items() if length >= LONGEST} == {}


@pytest.mark.parametrize("name", ["backends", "policies"])
def test_folder_at_the_top_is_linked_into_the_package(name: str) -> None:
    assert (ROOT / "sandbox_cli" / name).readlink() == Path("..", name)


def test_package_says_that_it_is_typed() -> None:
    assert (ROOT / "sandbox_cli" / "py.typed").read_bytes() == b""
    assert "py.typed" in project()["tool"]["setuptools"]["package-data"]["*"]


def test_every_dependency_has_a_floor_and_the_lock_meets_it() -> None:
    facts = project()["project"]
    versions = locked_versions("requirements.lock")
    for text in [*facts["dependencies"], *facts["optional-dependencies"]["bundled"]]:
        requirement = Requirement(text)
        assert {">=", "=="} & {part.operator for part in requirement.specifier}, text
        assert all(version in requirement.specifier for version in versions[canonicalize_name(requirement.name)]), text


def test_bundled_jailers_are_pinned_exactly() -> None:
    for text in project()["project"]["optional-dependencies"]["bundled"]:
        assert [part.operator for part in Requirement(text).specifier] == ["=="]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_everything_in_a_lock_file_has_hashes(name: str) -> None:
    blocks = re.split(r"^(?=\w)", text_of(ROOT / name), flags=re.MULTILINE)[1:]
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_both_lock_files_agree() -> None:
    runtime, tools = locked_versions("requirements.lock"), locked_versions("requirements-dev.lock")
    assert {name: tools.get(name) for name in runtime} == runtime


def test_development_image_holds_what_make_test_needs() -> None:
    needs = re.search(r"^NEEDS := (.*)$", text_of(ROOT / "Makefile"), re.MULTILINE)
    assert needs
    heavy = re.search(r"^HEAVY := (.*)$", text_of(ROOT / "Makefile"), re.MULTILINE)
    assert heavy
    needed = [*needs[1].split(), *language_page.needs(heavy[1].split())]
    packages = {need.partition(":")[2] for need in needed} - ESSENTIAL
    assert packages <= set(text_of(ROOT / "Dockerfile.dev").split())


def test_version_is_said_the_same_everywhere() -> None:
    try:
        installed = importlib.metadata.version("sandbox-jail")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the project is not installed here")
    assert installed == project()["project"]["version"]
    argv = [sys.executable, "-m", "sandbox_cli", "--version"]
    assert installed in subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def test_run_and_the_backends_import_only_light_modules() -> None:
    """All of run but its model, which holds types alone."""
    folder = ROOT / "sandbox_cli" / "run"
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in folder.rglob("*.py")}
    names = {name.removesuffix(".__init__") for name in names} - {"sandbox_cli.run.model"} | {"sandbox_cli.backends"}
    code = f"import sys; sys.path.append({str(ROOT)!r}); import {', '.join(sorted(names))}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True).stdout
    assert {name for name in loaded.split() if name.partition(".")[0] in HEAVY} == set()


def test_a_plain_job_pays_for_no_threads_and_no_versions() -> None:
    """What `-l python@3.12` and `sandbox languages` alone need."""
    asks = "import sandbox_cli.cli.app, sandbox_cli.plan; print(*sys.modules)"
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {asks}"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {"packaging", "concurrent", "logging"} & {name.partition(".")[0] for name in loaded.split()} == set()
