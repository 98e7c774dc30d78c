from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sandbox_cli.errors import HostError
from sandbox_cli.host import runtimes
from sandbox_cli.host.runtimes import Found, find, find_default
from sandbox_cli.host.wanted import wanted
from tests.accounts import Account
from tests.host.programs import only_root, program
from tests.host.tools import Tools

pytestmark = pytest.mark.usefixtures("no_managers")


def chosen(tools: Tools, version: str, *folders: str) -> Found:
    return find_default("tool", path=tools.path(*folders), wanted=wanted(version, of="tool"))


def test_the_first_on_path_is_the_default_and_no_other_is_asked(tools: Tools) -> None:
    first = tools.make("a/bin/tool-1.2")
    tools.make("b/bin/tool-3.4")
    found = find_default("tool", path=tools.path("a/bin", "b/bin"))
    assert found == Found(str(first), "1.2", str(tools.folder / "a"), default=True)
    assert tools.asked == ["tool-1.2"]


def test_all_are_listed_once_with_their_versions_and_one_default(tools: Tools) -> None:
    tools.make("a/bin/tool-1.2")
    tools.make("b/bin/tool-3.4")
    tools.make("b/bin/other-5.6", "tool5.6")
    tools.make("b/bin/tool-config", "tool-config")
    found = find("tool", path=tools.path("a/bin", "b/bin", "a/bin"))
    assert [(Path(one.path).name, one.version, one.default, one.problem) for one in found] == [
        ("tool-1.2", "1.2", True, None),
        ("tool-3.4", "3.4", False, None),
        ("other-5.6", "5.6", False, None),
    ]


def test_of_those_with_a_version_in_their_name_the_newest_comes_first(tools: Tools) -> None:
    for number in ("3.9", "3.12", "3.10"):
        tools.make(f"b/bin/tool-{number}", f"tool{number}")
    assert [each.version for each in find("tool", path=tools.path("b/bin"))] == ["3.12", "3.10", "3.9"]
    assert find_default("tool", path=tools.path("b/bin")).version == "3.12"


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("3", "tool-3.4"),
        ("3.4", "tool-3.4"),
        ("1.2", "tool-1.2"),
        (">=1", "tool-1.2"),
        (">=1.3", "tool-3.4"),
        (">=1,<3,!=1.2", "tool-2.5"),
    ],
)
def test_a_wanted_version_is_the_first_that_fits_among_those_found(tools: Tools, version: str, name: str) -> None:
    tools.make("a/bin/tool-1.2")
    tools.make("b/bin/tool-2.5", "tool2.5")
    tools.make("b/bin/tool-3.4", "tool3.4")
    assert Path(chosen(tools, version, "a/bin", "b/bin").path).name == name


def test_a_version_that_is_not_there_is_refused_with_those_that_are(tools: Tools) -> None:
    for number in ("3.12", "3.11", "3.9"):
        tools.make(f"{number}/bin/tool-{number}")
    with pytest.raises(HostError) as error:
        chosen(tools, "3.1", "3.12/bin")
    assert error.value.message == "there is no tool 3.1 that a job can run; there is 3.12"
    assert error.value.hint == (
        "install tool 3.1 where every account can run it, or ask for what is there: `sandbox languages` lists it"
    )
    with pytest.raises(HostError, match=r"; there are 3\.12, 3\.11 and 3\.9$"):
        chosen(tools, "<3", "3.12/bin", "3.11/bin", "3.9/bin")


def test_one_that_is_missing_names_the_package_that_brings_it() -> None:
    with pytest.raises(HostError) as error:
        find_default("no-such-tool", package="tool-bin")
    assert (error.value.message, error.value.hint) == (
        "there is no no-such-tool that a job can run",
        "apt-get install tool-bin",
    )


def test_a_long_list_of_reasons_is_cut(tools: Tools) -> None:
    for number in range(5):
        program(tools.folder / str(number) / "tool", "a script")
    with pytest.raises(HostError, match=r"2/tool is a script that starts something else, and 2 more$"):
        find_default("tool", path=tools.path(*map(str, range(5))))


def test_a_script_is_passed_over_with_the_reason(tools: Tools) -> None:
    script = program(tools.folder / "a" / "tool", "Tool 9.9")
    real = tools.make("b/bin/tool-1.2")
    found = find("tool", path=tools.path("a", "b/bin"))
    assert found[0] == Found(
        str(script), None, str(tools.folder / "a"), problem=f"{script} is a script that starts something else"
    )
    assert found[1].default
    assert find_default("tool", path=tools.path("a", "b/bin")).path == str(real)


def test_a_pyenv_shim_is_looked_through(tools: Tools) -> None:
    program(tools.folder / "env" / "shims" / "tool", "a shim")
    real = tools.make("env/versions/2.3.4/bin/tool-2.3.4")
    found = find_default("tool", path=tools.path("env/shims"))
    assert (found.path, found.prefix) == (str(real), str(tools.folder / "env" / "versions" / "2.3.4"))


def test_a_program_that_stands_for_others_by_its_name_is_passed_over(tools: Tools) -> None:
    tools.make("a/bin/busybox")
    assert "stands for other programs" in (find("tool", path=tools.path("a/bin"))[0].problem or "")
    assert tools.asked == []


def test_a_program_that_tells_no_version_can_be_used(tools: Tools) -> None:
    tools.make("a/bin/tool", "tool")
    assert find_default("tool", path=tools.path("a/bin")).version is None


def test_a_program_that_can_not_be_started_is_no_runtime(tools: Tools) -> None:
    broken = tools.make("a/bin/tool-1.2")
    broken.write_bytes(b"\x7fELF, and then nothing")
    assert "doesn't answer" in (find("tool", path=tools.path("a/bin"))[0].problem or "")


def test_the_current_directory_holds_no_runtimes(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    tools.make("a/bin/tool-1.2")
    monkeypatch.chdir(tools.folder / "a" / "bin")
    with pytest.raises(HostError, match=r"^there is no (\./)?tool that a job can run$"):
        find_default("tool", path=":.:../bin")
    with pytest.raises(HostError):
        find_default("./tool", path="")


def test_a_command_that_is_a_path_is_that_file_alone(tools: Tools) -> None:
    file = tools.make("a/lib/tool-1.2")
    tools.make("b/bin/tool-3.4")
    found = find_default(str(file), path=tools.path("b/bin"))
    assert (found.path, found.prefix) == (str(file), str(file.parent))


@pytest.mark.parametrize(
    ("file", "prefix"),
    [
        ("/usr/bin/python3.11", "/usr"),
        ("/usr/local/bin/node", "/usr/local"),
        ("/opt/go/bin/go", "/opt/go"),
        ("/usr/lib/jvm/java-17/bin/java", "/usr/lib/jvm/java-17"),
        ("/home/me/.pyenv/versions/3.12.4/bin/python3.12", "/home/me/.pyenv/versions/3.12.4"),
        ("/opt/tool/tool", "/opt/tool"),
        ("/bin/bash", "/bin"),
        ("/tmp/bin/tool", "/tmp/bin"),
        ("/home/me/bin/tool", "/home/me/bin"),
        ("/data/home/me/bin/tool", "/data/home/me/bin"),
        ("/data/home/me/.local/bin/tool", "/data/home/me/.local/bin"),
    ],
)
def test_the_prefix_is_the_runtimes_tree_and_never_a_home_or_more(
    file: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/data/home/me")
    assert runtimes._prefix(Path(file)) == prefix


@only_root
def test_a_runtime_below_a_closed_folder_comes_after_those_that_can_be_reached(tools: Tools) -> None:
    hidden = tools.make("closed/env/bin/tool-9.9")
    (tools.folder / "closed").chmod(0o700)
    reached = tools.make("b/bin/tool-1.2")
    found = find("tool", path=tools.path("closed/env/bin", "b/bin"))
    assert [(one.path, one.version, one.default, one.problem) for one in found] == [
        (str(reached), "1.2", True, None),
        (str(hidden), "9.9", False, None),
    ]
    assert chosen(tools, "9", "closed/env/bin").path == str(hidden)


@only_root
def test_a_runtime_that_is_closed_itself_is_reported(tools: Tools) -> None:
    hidden = tools.make("closed/env/bin/tool-9.9")
    hidden.parent.chmod(0o700)
    found = find("tool", path=tools.path("closed/env/bin"))
    assert [each.problem for each in found] == [
        f"{hidden} can't be reached by the job's account: {hidden.parent} is closed to it"
    ]


@only_root
def test_a_runtime_of_somebody_else_is_not_started_as_root(tools: Tools) -> None:
    theirs = tools.make("a/bin/tool-1.2")
    shutil.chown(theirs, 1900000001)
    found = find("tool", path=tools.path("a/bin"))
    assert "isn't run as root" in (found[0].problem or "")
    assert tools.asked == []


def test_python_of_this_machine_is_found_for_either_account(account: str, request: pytest.FixtureRequest) -> None:
    someone: Account = request.getfixturevalue(f"as_{account}")
    code = "from sandbox_cli.host.runtimes import find_default; print(*find_default('python3').__dict__.values())"
    done = someone.run([someone.python, "-c", code])
    path, version, prefix, default, problem = done.stdout.decode().split()
    assert Path(path).is_file()
    assert not Path(path).is_symlink()
    assert path.startswith(f"{prefix}/")
    assert (version.split(".")[0], default, problem) == ("3", "True", "None")
