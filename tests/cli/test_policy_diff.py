"""`sandbox policy diff`, on repositories of git."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from markdown_it import MarkdownIt

from sandbox_cli.cli.policy.diff_markdown import LONGEST, code
from tests.repositories import Repository

if TYPE_CHECKING:
    from tests.accounts import Account, Sandbox
    from tests.cli.conftest import Command, Done

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "policy-diff.schema.json").read_text())
GOLDEN = Path(__file__).parent / "golden"
# On their own: what a shipped policy says changes nothing here.
BASE = "limits:\n  memory: {default: 256MiB, max: 1GiB}\n  wall_time: 10s\nfilesystem:\n  /usr: ro\n"
LAB = """\
extends: ./base.yaml
description: The lab.
filesystem:
  /srv/data: {mode: ro, optional: true}
  /opt: {mode: ro, optional: true}
environment: {REGION: "eu"}
network: {allow: ["pypi.org:443"]}
"""
CHANGED = """\
extends: ./base.yaml
description: Our lab.
filesystem:
  /srv: {mode: rw, optional: true}
environment: {"A|B": "`x`\\\\|<b>*@you*"}
network: {allow: ["example.org:443"]}
artifacts:
  collect: [ONE, TWO, THREE]
""".replace("ONE, TWO, THREE", ", ".join(f"results/part-{number}/*.csv" for number in range(9)))


@pytest.fixture
def repository(command: Command) -> Repository:
    """One in which we are, whose policies changed since the only commit."""
    made = Repository(Path.cwd())
    first = {"base": BASE, "lab": LAB, "other": "extends: ./base.yaml\n", "old": BASE, "broken": "limits: {x: 1}\n"}
    made.commit({f"policies/{name}.yaml": text for name, text in first.items()})
    now = {"base": BASE.replace("1GiB", "2GiB").replace("10s", "5s"), "lab": CHANGED, "new": BASE, "broken": BASE}
    made.write({f"policies/{name}.yaml": text for name, text in now.items()} | {"policies/old.yaml": None})
    made.write({"policies/lab.test.yaml": "tests: {}\n", "policies/.hidden.yaml": "no policy\n"})
    return made


def answer(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(found, SCHEMA)
    return found


def golden(name: str, text: str) -> None:
    """GOLDEN=write writes it anew."""
    file = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize(("format_", "name"), [("text", "policy-diff.txt"), ("markdown", "policy-diff.md")])
def test_folder_since_a_revision_is_told_as_reviewed(
    repository: Repository, command: Command, format_: str, name: str
) -> None:
    done = command("policy", "diff", "--since", "HEAD", "policies/", "--format", format_)
    assert (done.code, done.err) == (1, "")
    golden(name, done.out)


def test_json_says_the_same_as_data(repository: Repository, command: Command) -> None:
    done = command("policy", "diff", "--since", "HEAD", "policies/", "--json")
    assert done.code == 1
    golden("policy-diff.json", json.dumps(answer(done), indent=2).replace(str(Path.cwd()), "HERE") + "\n")
    assert command("policy", "diff", "--since", "HEAD", "policies/", "--format", "json").out == done.out


def test_two_of_any_kind_are_compared(repository: Repository, command: Command) -> None:
    done = command("policy", "diff", "git:HEAD:policies/lab.yaml", "policies/lab.yaml", "--json")
    before = answer(done)["policies"][0]["before"]
    assert (done.code, before["file"]) == (1, "git:HEAD:policies/lab.yaml")
    assert command("policy", "diff", "python", "git:HEAD:policies/other.yaml").code in {0, 1}


def test_same_policy_is_no_finding(repository: Repository, command: Command) -> None:
    done = command("policy", "diff", "git:HEAD:policies/other.yaml", "git:HEAD:policies/base.yaml")
    assert (done.code, done.out) == (
        0,
        "git:HEAD:policies/base.yaml: allows the same as git:HEAD:policies/other.yaml\nnothing changed\n",
    )


@pytest.mark.parametrize(
    ("before", "after", "code", "relation"),
    [
        ("limits: {memory: 1GiB}", "limits: {memory: 2GiB}", 1, "looser"),
        ("limits: {memory: 2GiB}", "limits: {memory: 1GiB}", 0, "tighter"),
        ("description: a", "description: b", 0, "equal"),
        ("limits: {memory: 1GiB, cpus: 2}", "limits: {memory: 2GiB, cpus: 1}", 1, "incomparable"),
        ('environment: {A: "1"}', 'environment: {A: "2"}', 1, "incomparable"),
    ],
)
def test_exit_code_is_1_where_anything_is_let_through_that_was_not(
    command: Command, before: str, after: str, code: int, relation: str
) -> None:
    for name, text in (("before", before), ("after", after)):
        Path(f"{name}.yaml").write_text(f"{text}\n")
    done = command("policy", "diff", "before.yaml", "after.yaml", "--json")
    assert (done.code, answer(done)["relation"]) == (code, relation)
    one_each = answer(done)["policies"][0]["changes"]
    assert "incomparable" in {each["relation"] for each in one_each} or "environment" not in before


def test_policy_that_is_gone_is_no_finding(repository: Repository, command: Command) -> None:
    repository("reset", "--hard", "--quiet")
    repository.write({"policies/old.yaml": None, "policies/new.yaml": None, "policies/broken.yaml": None})
    done = command("policy", "diff", "--since", "HEAD", "policies/")
    assert (done.code, done.out) == (
        0,
        (
            "policies/base.yaml, policies/lab.yaml, policies/other.yaml: allows the same as in HEAD\n"
            "policies/broken.yaml: gone\npolicies/old.yaml: gone\n2 gone\n"
        ),
    )


def test_policies_that_stayed_as_they_were_are_counted(repository: Repository, command: Command) -> None:
    repository("reset", "--hard", "--quiet")
    repository.write({"policies/new.yaml": None, "policies/broken.yaml": BASE})
    done = command("policy", "diff", "--since", "HEAD", "policies/", "--format", "markdown")
    assert done.out.splitlines()[-1] == "Unchanged: each of 4 policies"


def test_folder_that_is_gone_is_no_traceback(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("a", "description: a"), ("b", "description: b")):
        (tmp_path / f"{name}.yaml").write_text(f"{text}\n")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    done = command("policy", "diff", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"))
    assert (done.code, done.err) == (0, "")
    assert f"{tmp_path}/a.yaml:1 -> {tmp_path}/b.yaml:1" in done.out
    assert command("policy", "diff", "git:HEAD:a.yaml", str(tmp_path / "b.yaml")).code == 2


def test_policy_that_is_new_is_a_finding(repository: Repository, command: Command) -> None:
    done = command("policy", "diff", "--since", "HEAD", "policies/new.yaml")
    assert (done.code, done.out) == (1, "policies/new.yaml: new: all that it lets through is looser\n1 new\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["git:HEAD:policies/nope.yaml", "python"], "git:HEAD:policies/nope.yaml: there is no such file"),
        (["git:nope:policies/lab.yaml", "python"], "there is no revision 'nope' in this repository"),
        (["git:HEAD", "python"], "'git:HEAD' names a revision and no file"),
        (["git:HEAD:policies/broken.yaml", "python"], "git:HEAD:policies/broken.yaml:1:10: limits.x: there is no"),
        (["policies/lab.yaml"], "a policy is compared with another, and 1 is named"),
        (["a", "b", "c"], "a policy is compared with another, and 3 are named"),
        ([], "a policy is compared with another, and 0 are named"),
        (["--since", "HEAD"], "no policy is named"),
        (["--since", "HEAD", "policies"], "there is no policy 'policies'"),
        (["--since", "HEAD", "policies/nope.yaml"], "/policies/nope.yaml: there is no such file"),
        (["--since", "HEAD", "./"], "there is no policy in './', nor was there one"),
        (["--since", "nope", "policies/lab.yaml"], "there is no revision 'nope' in this repository"),
        (["--json", "--format", "text", "a", "b"], "--json and --format text say different things"),
        (["--since", "HEAD", "/etc/hosts.yaml"], "/etc/hosts.yaml: there is no such file"),
    ],
)
def test_mistake_is_one_sentence_and_a_hint(
    repository: Repository, command: Command, words: list[str], said: str
) -> None:
    done = command("policy", "diff", *words)
    assert (done.code, done.out) == (2, "")
    first, second = done.err.splitlines()
    assert said in first
    assert second.startswith("hint: ")


def test_outside_of_a_repository_git_is_cited(command: Command) -> None:
    Path("a.yaml").write_text(BASE)
    for words in (["git:HEAD:a.yaml", "a.yaml"], ["--since", "HEAD", "a.yaml"]):
        done = command("policy", "diff", *words)
        assert done.code == 2
        assert done.err.startswith("sandbox: git says: not a git repository")


def test_revision_is_no_policy_to_run(repository: Repository, command: Command) -> None:
    """Only what is compared comes from a revision: whom a run trusts stays as it is."""
    done = command("run", "-p", "git:HEAD:policies/lab.yaml", "-l", "sh", "-c", "true")
    assert done.code == 125
    assert "git:HEAD:policies/lab.yaml: there is no such file" in done.err


def test_file_with_control_characters_in_its_name_steers_no_terminal(repository: Repository, command: Command) -> None:
    repository.write({"policies/e\x1b[2Jvil.yaml": BASE})
    for format_ in ("text", "markdown", "json"):
        done = command("policy", "diff", "--since", "HEAD", "policies/", "--format", format_)
        assert (done.code, "\x1b" in done.out + done.err) == (2, False)


@pytest.mark.parametrize("account", ["root", "user"], indirect=True)
def test_repository_of_another_account_is_not_read_without_its_leave(
    sandbox: Sandbox, as_user: Account, shared_tmp: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    made = Repository(shared_tmp / "clone")
    made.commit({"policies/a.yaml": BASE})
    theirs = as_user.uid if sandbox.account.name == "root" else 0
    for at, folders, names in os.walk(made.folder):
        for each in [at, *(os.path.join(at, name) for name in [*folders, *names])]:
            os.chown(each, theirs, -1)
    words = ("policy", "diff", "git:HEAD:policies/a.yaml", "policies/a.yaml")
    done = sandbox(*words, cwd=made.folder)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        f"sandbox: git says: detected dubious ownership in repository at '{made.folder}'",
        f"hint: git config --global --add safe.directory {made.folder}",
    ]
    trusted = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": str(made.folder)}
    assert sandbox(*words, cwd=made.folder, env=trusted).returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        "plain", "a|b", r"a\|b", "`", "``a`b", " a ", "", "*a* _b_", "<b>", "@you #1", "&amp;", "a\nb", "a\x1bb",
        "$x$ [a](b)", "\\", "ä|ö", "|---|", "</code><img src=x>",
    ],
)  # fmt: skip
def test_code_in_a_cell_is_read_as_it_is(text: str) -> None:
    page = f"| a | b |\n| --- | --- |\n| {code(text)} | end |\n"
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    (cells,) = re.findall(r"<tr>\n<td>(.*)</td>\n<td>end</td>\n</tr>", html)
    inner = re.fullmatch(r"<code>(.*)</code>", cells)
    assert inner
    shown = text.replace("\n", "\\n").replace("\x1b", "\\x1b")
    assert inner[1] == shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def test_markdown_keeps_within_what_a_comment_holds(repository: Repository, command: Command) -> None:
    many = "".join(f'  V{number}: "{"x" * 90}"\n' for number in range(100))
    repository.write({f"policies/z{number}.yaml": f"environment:\n{many}  N: '{number}'\n" for number in range(9)})
    repository("add", "--all")
    repository("commit", "--quiet", "--message=more")
    for number in range(9):
        repository.write({f"policies/z{number}.yaml": BASE})
    done = command("policy", "diff", "--since", "HEAD", "policies/", "--format", "markdown")
    assert LONGEST / 2 < len(done.out) < 65_536
    assert re.search(r"\nAnd \d more, for which a comment has no room\.\n", done.out)


def test_markdown_of_hostile_names_has_its_shape(repository: Repository, command: Command) -> None:
    repository.write({"policies/a|b`c<img>.yaml": BASE})
    done = command("policy", "diff", "--since", "HEAD", "policies/", "--format", "markdown")
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(done.out)
    assert "<img" not in html
    assert "a|b`c&lt;img&gt;.yaml" in html


def test_files_of_the_policies_are_not_touched(repository: Repository, command: Command) -> None:
    before = {path: path.stat() for path in Path.cwd().rglob("*")}
    command("policy", "diff", "--since", "HEAD", "policies/")
    assert {path: path.stat()[stat.ST_MTIME] for path in Path.cwd().rglob("*")} == {
        path: each[stat.ST_MTIME] for path, each in before.items()
    }
