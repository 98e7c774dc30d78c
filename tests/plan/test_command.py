from __future__ import annotations

from pathlib import Path

import pytest

from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.host.runtimes import Found
from sandbox_cli.plan import command
from sandbox_cli.policy.model import Compile, Language, Limit, Mount
from sandbox_cli.slots import FILE, SCRATCH, STEM
from tests.plan import made

PYTHON = Found("/opt/py/bin/python3.12", "3.12.4", "/opt/py", default=True)
LANGUAGE = Language(name="python", file="main.py", run=("{{ runtime }}", "-B", "{{ file }}"))


@pytest.fixture
def mounts(tmp_path):
    """bin/{tool, data (not executable), link -> tool}; local/data is a folder, local/late a program."""
    for name in ("bin", "local/tool"):
        (tmp_path / name).mkdir(parents=True)
    for name, mode in (("bin/tool", 0o755), ("bin/data", 0o644), ("local/late", 0o755), ("local/data", 0o755)):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(mode)
    (tmp_path / "bin/link").symlink_to("tool")
    (tmp_path / "bin/away").symlink_to("/nowhere/tool")
    return {
        "/usr/bin": Mount(mode="ro", source=str(tmp_path / "bin")),
        "/usr/local/bin": Mount(mode="ro", source=str(tmp_path / "local")),
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("tool", "/usr/bin/tool"),
        ("link", "/usr/bin/link"),
        ("late", "/usr/local/bin/late"),
        ("data", "/usr/local/bin/data"),
        ("away", "away"),
        ("missing", "missing"),
        ("./tool", "./tool"),
        ("/nowhere/tool", "/nowhere/tool"),
    ],
)
def test_a_name_is_looked_up_in_what_the_jail_shows(mounts, name, found):
    assert command.find(name, mounts, "/usr/bin:/usr/local/bin") == found


def test_the_path_is_taken_in_its_order_and_its_relative_folders_are_not(mounts):
    assert command.find("late", mounts, ".:bin::/usr/bin") == "late"


def test_a_command_keeps_its_arguments_and_its_name(mounts):
    program = command.of_job({"command": ["tool", "-x", "{{ file }}"]}, made.policy(), None, mounts)
    assert program.command.words == ["/usr/bin/tool", "-x", "{{ file }}"]
    assert (program.command.argv0, program.file) == ("tool", None)


@pytest.mark.parametrize("words", [[], [""]])
def test_no_command_is_a_usage_error(words, mounts):
    with pytest.raises(UsageError, match="there is no program to run"):
        command.of_job({"command": words}, made.policy(), None, mounts)


def test_code_is_run_as_its_language_says(mounts):
    program = command.of_job({"code": b""}, made.policy(language=LANGUAGE), PYTHON, mounts)
    assert program.command.words == ["/opt/py/bin/python3.12", "-B", FILE]
    assert (program.command.argv0, program.file) == ("/opt/py/bin/python3.12", "main.py")


def test_a_language_without_a_runtime_of_its_own_is_found_on_the_path(mounts):
    language = Language(name="tool", file="main.x", run=("tool", "-f", "{{ file }}"))
    program = command.of_job({"code": b""}, made.policy(language=language), None, mounts)
    assert (program.command.words[0], program.command.argv0) == ("/usr/bin/tool", "tool")


@pytest.mark.parametrize(
    ("file", "name"), [("/a/b/x.py", "x.py"), ("x.py", "x.py"), ("./-x.py", "-x.py"), ("a/\udcff.py", "\udcff.py")]
)
def test_a_file_keeps_its_own_name(file, name):
    assert command.file_name({"file": file}, LANGUAGE) == name


@pytest.mark.parametrize("file", ["", "a/", "..", "a/."])
def test_what_names_no_file_is_a_usage_error(file):
    with pytest.raises(UsageError):
        command.file_name({"file": file}, LANGUAGE)


def test_the_environment_is_fixed_and_the_policys_goes_over_it(mounts):
    policy = made.policy(environment={"LANG": "C", "TMP": "{{ scratch }}/t", "PY": "{{ runtime.prefix }}"})
    program = command.of_job({"command": ["x"]}, policy, PYTHON, mounts)
    assert program.environment == {
        "HOME": SCRATCH,
        "LANG": "C",
        "PATH": "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin",
        "TMP": f"{SCRATCH}/t",
        "PY": "/opt/py",
        "SANDBOX_VALUE": f"{SCRATCH}/.sandbox-value",
    }


def test_a_job_can_set_no_other_place_for_its_value(mounts):
    with pytest.raises(UsageError, match="-e: SANDBOX_VALUE is set by the sandbox itself"):
        command.of_job({"command": ["x"], "env": {"SANDBOX_VALUE": "/tmp/x"}}, made.policy(), PYTHON, mounts)


def test_capturing_the_value_runs_the_words_that_the_language_has_for_it(mounts):
    language = LANGUAGE.model_copy(update={"value": ("{{ runtime }}", "-c", "a\nb", "{{ file }}")})
    program = command.of_job({"code": b"", "value": True}, made.policy(language=language), PYTHON, mounts)
    assert program.command.words == ["/opt/py/bin/python3.12", "-c", "a\nb", FILE]


def test_capturing_the_value_of_a_language_that_has_no_words_for_it_is_refused_with_the_way_out(mounts):
    with pytest.raises(UsageError, match=f"can't capture a value of {LANGUAGE.name}") as refused:
        command.of_job({"code": b"", "value": True}, made.policy(language=LANGUAGE), PYTHON, mounts)
    assert "$SANDBOX_VALUE" in (refused.value.hint or "")


def test_a_path_that_the_policy_sets_is_where_a_command_is_looked_for(mounts):
    policy = made.policy(environment={"PATH": "/usr/local/bin"})
    assert command.of_job({"command": ["tool"]}, policy, None, mounts).command.words == ["tool"]


def test_a_variable_without_a_value_for_this_job_is_refused(mounts):
    with pytest.raises(PolicyError, match=r"\{\{ file \}\} has no value for this job"):
        command.of_job({"command": ["x"]}, made.policy(environment={"CODE": "{{ file }}"}), None, mounts)


def test_each_step_is_told_its_own_memory_and_what_is_made_of_the_file_has_a_name(mounts):
    step = Compile(run=("tool", "{{ limits.memory }}"), limits={"memory": Limit(default=300, max=300)})
    run = ("late", "{{ limits.memory }}", "{{ file.stem }}.o")
    language = Language(name="x", file="main.x", compile=step, run=run)
    policy = made.policy(language=language, limits={"memory": (200, 400)}, environment={"MOST": "{{ limits.memory }}"})
    program = command.of_job({"code": b""}, policy, None, mounts)
    assert program.compile is not None
    assert program.compile.words == ["/usr/bin/tool", "300"]
    assert program.command.words == ["/usr/local/bin/late", "200", f"{STEM}.o"]
    assert program.environment["MOST"] == "200"


def test_memory_that_nothing_bounds_is_that_of_the_machine(mounts):
    language = Language(name="x", file="main.x", run=("tool", "{{ limits.memory }}"))
    program = command.of_job(
        {"code": b""}, made.policy(language=language, limits={"memory": (None, None)}), None, mounts
    )
    total = Path("/proc/meminfo").read_text().split()[1]
    assert int(program.command.words[1]) >> 10 == int(total)
