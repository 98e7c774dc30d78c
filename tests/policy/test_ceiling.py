"""What a ceiling's file may say, which files count, and what is refused rather than passed over."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import PolicyError, SandboxError, UsageError
from sandbox_cli.policy import ceiling, places

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox_cli.policy.ceiling import Ceiling, Ceilings
    from tests.policy.conftest import Site

VARIABLE = "SANDBOX_CEILING"
needs_an_ordinary_user = pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")


def system(site: Site, text: str) -> Path:
    path = site.system / "ceiling.yaml"
    path.write_text(text)
    return path


def loaded(environ: dict[str, str] | None = None) -> Ceilings:
    found = ceiling.load(environ or {})
    assert found.each
    return found


def only(site: Site, text: str) -> Ceiling:
    system(site, text)
    (found,) = loaded().each
    return found


def refusal(environ: dict[str, str] | None = None) -> SandboxError:
    with pytest.raises(SandboxError) as caught:
        ceiling.load(environ or {})
    return caught.value


def test_without_files_nothing_is_bounded(site: Site) -> None:
    assert ceiling.load({}) == ceiling.NO_CEILING


def test_the_systems_place_is_below_etc() -> None:
    assert str(places.SYSTEM / ceiling.NAME) == "/etc/sandbox/ceiling.yaml"


def test_every_clause_of_a_policy_but_its_language_can_be_bounded(site: Site) -> None:
    found = only(
        site,
        """
        version: 1
        description: for everybody
        limits: {memory: 1GiB}
        filesystem: {/usr: ro}
        network: none
        syscalls: {deny: ["@default-deny"]}
        workspace: ro
        environment: {A: b}
        artifacts: {collect: ["*.txt"], max_files: 3, max_bytes: 1MiB}
        require: {limits.memory: strict}
        best_effort: false
        audit: /var/log/sandbox.jsonl
        """,
    )
    assert found.named == {
        "limits.memory", "filesystem", "network", "syscalls", "workspace", "environment",
        "artifacts.collect", "artifacts.max_files", "artifacts.max_bytes", "require.limits.memory",
    }  # fmt: skip
    assert (found.best_effort, found.audit) == (False, "/var/log/sandbox.jsonl")
    assert found.sources["network"] == {"clause": "network", "source": "ceiling", "file": found.file, "line": 6}
    assert [(path, said["line"]) for path, said in loaded().audits] == [("/var/log/sandbox.jsonl", 13)]
    against = loaded().against_best_effort
    assert against is not None
    assert against["line"] == 12


@pytest.mark.parametrize(
    ("written", "default", "most"),
    [
        ("1GiB", 1 << 30, 1 << 30),
        ("{max: 1GiB}", 1 << 30, 1 << 30),
        ("{default: 1MiB}", 1 << 20, None),
        ("{default: 1MiB, max: 1GiB}", 1 << 20, 1 << 30),
    ],
)
def test_a_maximum_alone_bounds_the_default_too(site: Site, written: str, default: int, most: int | None) -> None:
    found = only(site, f"limits: {{memory: {written}}}")
    limit = found.bound.limits["memory"]
    assert (limit.default, limit.max) == (default, most)
    assert found.named == {"limits.memory"}


def test_what_is_not_named_is_not_bounded(site: Site) -> None:
    found = only(site, "limits: {memory: none, cpus: 2}\nnetwork: host\n")
    assert found.named == {"limits.cpus", "network"}


def test_an_empty_map_names_its_clause_and_allows_nothing(site: Site) -> None:
    found = only(site, "network: host\nenvironment: {}\nfilesystem: {}\n")
    assert found.named == {"network", "environment", "filesystem"}
    assert [found.sources[clause]["line"] for clause in ("environment", "filesystem")] == [2, 3]


@pytest.mark.parametrize(
    ("text", "line", "column", "clause", "message", "hint"),
    [
        ("netwrk: none", 1, 1, None, "unknown key 'netwrk'", "`network`"),
        ("network: nobody", 1, 10, "network", "'nobody' is none of", None),
        ("language: {name: x}", 1, 1, None, "unknown key 'language'", None),
        ("extends: _base", 1, 1, None, "unknown key 'extends'", None),
        ("limits:\n  memry: 1GiB", 2, 3, "limits.memry", "no limit 'memry'", "`memory`"),
        ("limits: {memory: {default: 2GiB, max: 1GiB}}", 1, 19, "limits.memory", "more than the max", None),
        ("network: null", 1, 1, "network", "a ceiling inherits nothing", "leave the line out"),
        ("limits:\n  memory: null", 2, 3, "limits.memory", "a ceiling inherits nothing", None),
        ("filesystem: {/: {mode: tmpfs}}", 1, 18, "filesystem./", "can't be a tmpfs", None),
        ("best_effort: no", 1, 14, "best_effort", "expects true or false", "write true, or false"),
        ("audit: audit.log", 1, 8, "audit", "not absolute", "/audit.log"),
        ("network: none\nnetwork: host", 2, 1, None, "a second time", None),
        ("- network", 1, 1, None, "expects a map", "network: none"),
        ("# all of it is commented out", None, None, None, "the ceiling says nothing", "take the file away"),
        ("", None, None, None, "the ceiling says nothing", None),
        ("{}", None, None, None, "the ceiling says nothing", None),
    ],
)
def test_a_mistake_is_refused_with_its_place(
    site: Site, text: str, line: int | None, column: int | None, clause: str | None, message: str, hint: str | None
) -> None:
    path = system(site, text)
    error = refusal()
    assert isinstance(error, PolicyError)
    assert (error.file, error.line, error.column, error.clause) == (str(path), line, column, clause)
    assert message in error.message
    assert hint is None or hint in (error.hint or "")


def test_the_variables_file_adds_to_the_systems(site: Site) -> None:
    first = system(site, "network: none")
    second = site.write("mine.yaml", "network: host\nlimits: {memory: 1GiB}")
    found = loaded({VARIABLE: str(second)})
    assert [each.file for each in found.each] == [str(first), str(second)]
    assert found.each[0].bound.network == "none"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "is empty"),
        ("ceiling.yaml", "no absolute path"),
        ("./ceiling.yaml", "no absolute path"),
        ("~/ceiling.yaml", "no absolute path"),
        ("/nonexistent/ceiling.yaml", "no such file"),
    ],
)
def test_a_variable_that_names_no_file_is_refused(site: Site, value: str, says: str) -> None:
    system(site, "network: none")
    error = refusal({VARIABLE: value})
    assert isinstance(error, UsageError)
    assert VARIABLE in error.message
    assert says in error.message


def test_the_users_configuration_holds_no_ceiling(site: Site) -> None:
    (site.user / "ceiling.yaml").write_text("network: none")
    assert ceiling.load({}) == ceiling.NO_CEILING


def canonical(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_is_over_what_binds_and_over_both_files(site: Site) -> None:
    system(site, "description: one\nnetwork: none\nlimits: {memory: 1024MiB}")
    limits = {"memory": {"default": "1GiB", "max": "1GiB"}}
    first = {"version": 1, "network": "none", "limits": limits, "best_effort": True, "audit": None}
    assert loaded().digest == canonical(first)
    system(site, "# the same in other words\nlimits: {memory: {max: 1GiB}}\nnetwork: none")
    assert loaded().digest == canonical(first)
    path = site.write("mine.yaml", "workspace: none\nbest_effort: false")
    second = {"version": 1, "workspace": "none", "best_effort": False, "audit": None}
    assert loaded({VARIABLE: str(path)}).digest == canonical([first, second])


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere.yaml")


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


def _folder(path: Path) -> None:
    path.mkdir()


def _not_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")


@pytest.mark.parametrize("make", [_fifo, _dangling, _circle, _folder, _not_text])
@pytest.mark.parametrize("where", ["system", "variable"])
def test_what_is_there_and_is_no_ceiling_is_refused(site: Site, make: Callable[[Path], None], where: str) -> None:
    path = (site.system if where == "system" else site.here) / "ceiling.yaml"
    make(path)
    error = refusal({} if where == "system" else {VARIABLE: str(path)})
    assert isinstance(error, PolicyError)
    assert error.file == str(path)


def test_a_file_in_place_of_the_systems_folder_holds_no_ceiling(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SYSTEM", site.write("file", ""))
    assert ceiling.load({}) == ceiling.NO_CEILING


@pytest.mark.parametrize("where", ["system", "variable"])
def test_one_that_others_can_write_is_refused(site: Site, where: str) -> None:
    path = (site.system if where == "system" else site.here) / "ceiling.yaml"
    path.write_text("network: none")
    path.chmod(0o646)
    error = refusal({} if where == "system" else {VARIABLE: str(path)})
    assert "can change it, so it is not used" in error.message
    assert error.hint == f"chmod go-w {path}"


@needs_an_ordinary_user
def test_one_that_cannot_be_read_is_refused(site: Site) -> None:
    path = system(site, "network: none")
    path.chmod(0)
    assert "can't be read" in refusal().message
    path.chmod(0o644)
    site.system.chmod(0)
    try:
        assert "can't be told whether it is there" in refusal().message
    finally:
        site.system.chmod(0o755)
