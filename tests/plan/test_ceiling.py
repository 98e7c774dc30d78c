"""A ceiling over a job's policy: numbers brought down to it, grants beyond it refused with both lines."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import plan
from sandbox_cli.errors import RefusedError, UsageError
from sandbox_cli.host.model import Problem
from sandbox_cli.plan import choose, settle
from sandbox_cli.plan.request import Request
from sandbox_cli.policy import ceiling, config, guard, places
from sandbox_cli.policy.model import Artifacts, Compile, Language, Limit, Mount, Syscalls
from tests.plan import made
from tests.plan.site import Site

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox_cli.policy.ceiling import Ceilings

USR = {"/usr": Mount(mode="ro", source="/usr")}
COMPILED = Language(name="c", file="a.c", run=("true",), compile=Compile(run=("true",)))


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(places, "SYSTEM", tmp_path / "none")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize(
    ("text", "default", "most"),
    [
        ("limits: {memory: 100MiB}", 100 << 20, 100 << 20),
        ("limits: {memory: {max: 1GiB}}", 512 << 20, 1 << 30),
        ("limits: {memory: {default: 100MiB}}", 100 << 20, 8 << 30),
        ("limits: {memory: {default: 100MiB, max: 1GiB}}", 100 << 20, 1 << 30),
        ("limits: {memory: 64GiB}", 512 << 20, 8 << 30),
        ("limits: {processes: 3}", 512 << 20, 8 << 30),
    ],
)
def test_a_limit_is_brought_down_to_the_ceiling(site: Site, text: str, default: int, most: int) -> None:
    found = site.settled(text)
    assert found.effective.limits["memory"] == Limit(default=default, max=most)
    assert found.written.limits["memory"] == Limit(default=512 << 20, max=8 << 30)


def test_who_dies_of_it_blames_the_ceilings_line(site: Site) -> None:
    found = site.settled("network: none\nlimits:\n  memory: 100MiB")
    blame = {"source": "ceiling", "file": str(site.file), "line": 3}
    assert found.effective.sources["limits.memory"] == {"clause": "limits.memory", **blame}
    assert found.effective.sources["limits.memory.max"] == {"clause": "limits.memory.max", **blame}


def test_what_the_policy_leaves_unbounded_is_bounded(site: Site) -> None:
    found = site.settled("limits: {cpus: 2}", made.policy(limits={"cpus": (None, None)}))
    assert found.effective.limits["cpus"] == Limit(default=2.0, max=2.0)


@pytest.mark.parametrize(("option", "held"), [("200MiB", 200 << 20), ("600MiB", 600 << 20), ("2GiB", 1 << 30)])
def test_an_option_moves_up_to_the_ceilings_maximum(site: Site, option: str, held: int) -> None:
    found = site.settled("limits: {memory: {default: 100MiB, max: 1GiB}}", limits={"memory": option})
    assert found.effective.limits["memory"].default == held
    source = found.effective.sources["limits.memory"]["source"]
    assert source == ("ceiling" if option == "2GiB" else "option")


def test_an_option_beyond_the_policys_maximum_is_refused_as_without_a_ceiling(site: Site) -> None:
    with pytest.raises(RefusedError, match="more than the 8GiB that policy made allows"):
        site.settled("limits: {memory: 1GiB}", limits={"memory": "9GiB"})


def test_a_terminal_gets_the_ceilings_maximum(site: Site) -> None:
    found = site.settled("limits: {wall_time: {default: 5s, max: 1min}}", terminal=True)
    assert found.effective.limits["wall_time"] == Limit(default=60.0, max=60.0)
    assert found.effective.limits["cpu_time"].default == 600.0


def test_the_compile_step_is_bounded_by_the_same_clause(site: Site) -> None:
    step = Compile(run=("true",), limits={"memory": Limit(default=1 << 30, max=8 << 30)})
    policy = made.policy(language=COMPILED.model_copy(update={"compile": step}))
    found = site.settled("limits: {memory: 100MiB}", policy, command=None, code=b"", limits={"compile.memory": "2GiB"})
    language = found.effective.language
    assert language is not None
    assert language.compile is not None
    assert language.compile.limits["memory"] == Limit(default=100 << 20, max=100 << 20)
    assert found.effective.sources["language.compile.limits.memory"]["source"] == "ceiling"


def test_artifacts_are_fewer(site: Site) -> None:
    found = site.settled("artifacts: {max_files: 3, max_bytes: 1MiB}")
    assert found.effective.artifacts == Artifacts(max_files=3, max_bytes=1 << 20)


def test_of_two_ceilings_both_hold(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SYSTEM", site.folder)
    monkeypatch.setattr(guard, "ROOT", frozenset({0, os.geteuid()}))  # the system's is ours here
    site.file.write_text("limits: {memory: 300MiB, processes: 5}")
    mine = site.folder / "mine.yaml"
    mine.write_text("limits: {memory: 200MiB, processes: 9}\nnetwork: none")
    both = ceiling.load({ceiling.VARIABLE: str(mine)})
    found = settle.settle({"command": ["true"]}, Request(made.policy(), None), made.host(), both)
    assert found.effective.limits["memory"].default == 200 << 20
    assert found.effective.limits["processes"].default == 5
    files = [found.effective.sources[f"limits.{name}"]["file"] for name in ("memory", "processes")]
    assert files == [str(mine), str(site.file)]


# ---- grants ----


@pytest.mark.parametrize(
    ("text", "changes", "says"),
    [
        ("network: none", {"network": "host"}, "network: policy made says host (/policies/made.yaml:14), and the "),
        ("filesystem: {/usr: ro}", {}, "filesystem./tmp: policy made says tmpfs, and the ceiling allows nothing"),
        ("filesystem: {/srv: ro}", {"filesystem": USR}, "/usr: policy made says ro (/policies/made.yaml:17), and the"),
        ("filesystem: {}", {"filesystem": USR}, "and the ceiling allows nothing"),
        ("filesystem: {/usr: {mode: ro, noexec: true}}", {"filesystem": USR}, "and the ceiling allows ro noexec"),
        (
            "filesystem: {/usr: ro}",
            {"filesystem": {"/usr": Mount(mode="rw", source="/usr")}},
            "policy made says rw (/policies/made.yaml:17), and the ceiling allows ro",
        ),
        (
            "filesystem: {/usr: ro, /usr/share: tmpfs}",
            {"filesystem": USR},
            "filesystem./usr/share: policy made says ro (in /usr)",
        ),
        ('syscalls: {deny: ["@default-deny", socket]}', {}, "syscalls: policy made says deny @default-deny (errno)"),
        ("syscalls: {action: kill}", {}, "and the ceiling allows deny @default-deny (kill)"),
        ("environment: {A: b}", {"environment": {"A": "c"}}, "environment.A: policy made says c"),
        ("environment: {}", {"environment": {"A": "c"}}, "the ceiling allows not set"),
        ("artifacts: {collect: ['*.png']}", {}, "artifacts.collect: policy made says **"),
        ("require: {limits.memory: sampled}", {"require": {"limits": "none"}}, "limits.memory: policy made says none"),
    ],
)  # fmt: skip
def test_a_grant_beyond_it_is_refused_with_both_lines(site: Site, text: str, changes: Any, says: str) -> None:
    assert says in str(site.refusal(text, made.policy(**changes)))


def test_every_clause_that_is_beyond_it_is_named(site: Site) -> None:
    error = site.refusal("network: none\nenvironment: {}", made.policy(network="host", environment={"A": "b"}))
    assert error.message.endswith("; also beyond it: environment.A")


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("network: host", {"network": "host"}),
        ("network: host", {}),
        ("filesystem: {/usr: ro, /tmp: tmpfs, /srv: rw}", {}),
        ("filesystem: {/usr: rw}", {"filesystem": USR}),
        ("filesystem: {/usr: ro}", {"filesystem": {"/usr/lib": Mount(mode="ro", source="/usr/lib", optional=True)}}),
        ("filesystem: {/bin/sh: ro}", {"filesystem": {"/bin/sh": Mount(mode="ro", source="/bin/sh")}}),
        ("filesystem: {/: ro}", {"filesystem": USR}),
        ('syscalls: {deny: ["@clock"]}', {"syscalls": Syscalls(deny=("@default-deny", "@clock"))}),
        ("environment: {A: b, C: d}", {"environment": {"A": "b"}}),
        ("artifacts: {collect: ['*.png', '*.txt']}", {"artifacts": Artifacts(collect=("*.png",))}),
        ("require: {limits.memory: sampled}", {"require": {"limits.memory": "strict"}}),
        ("workspace: none", {"workspace": "rw"}),
        ("limits: {cpus: 1}", {"network": "host", "environment": {"A": "b"}, "require": {"limits": "none"}}),
    ],
)
def test_what_is_within_it_is_granted(site: Site, text: str, changes: Any) -> None:
    site.settled(text, made.policy(**changes))


def test_a_network_that_an_option_takes_away_is_none(site: Site) -> None:
    assert site.settled("network: none", made.policy(network="host"), network="none").effective.network == "none"


def test_a_link_below_a_folder_that_the_ceiling_shows_is_no_way_out(site: Site) -> None:
    tree, secret = site.folder / "tree", site.folder / "secret"
    (tree / "inner").mkdir(parents=True)
    secret.mkdir()
    (tree / "out").symlink_to(secret)
    (tree / "in").symlink_to(tree / "inner")
    text = f"filesystem: {{{tree}: ro, /data: {{from: {tree}}}}}"
    for path in (f"{tree}/out", "/data/out"):
        policy = made.policy(filesystem={path: Mount(mode="ro", source=f"{tree}/out")})
        assert f"ro from {secret}" in str(site.refusal(text, policy))
    for path in (f"{tree}/in", f"{tree}/inner", "/data/in", "/data/inner"):
        site.settled(text, made.policy(filesystem={path: Mount(mode="ro", source=f"{tree}/{path.split('/')[-1]}")}))


def test_a_mount_that_both_name_may_be_a_link(site: Site) -> None:
    link = site.folder / "link"
    link.symlink_to("/usr/share")
    site.settled(f"filesystem: {{{link}: ro}}", made.policy(filesystem={str(link): Mount(mode="ro", source=str(link))}))


@pytest.mark.parametrize(("option", "allowed"), [("", "none"), ("", "ro"), (":ro", "none")])
def test_a_directory_of_the_callers_is_bounded_by_workspace(site: Site, option: str, allowed: str) -> None:
    project = site.folder / "project"
    project.mkdir()
    error = site.refusal(f"workspace: {allowed}", made.policy(workspace="rw"), workspace=f"{project}{option}")
    wanted = "ro" if option else "rw"
    assert str(error).startswith(f"workspace: an option asks for {wanted}, and the ceiling allows {allowed} (")


def test_a_directory_within_it_needs_no_line_of_filesystem(site: Site) -> None:
    project = site.folder / "project"
    project.mkdir()
    text = "workspace: ro\nfilesystem: {/usr: ro, /tmp: tmpfs}"
    found = site.settled(text, made.policy(workspace="rw"), workspace=f"{project}:ro")
    assert (found.effective.directory, found.effective.workspace) == (str(project), "ro")


def test_patterns_of_the_caller_are_bounded_too(site: Site) -> None:
    policy = made.policy(artifacts=Artifacts(collect=("*.txt",)))
    error = site.refusal("artifacts: {collect: ['*.txt']}", policy, collect=["*"])
    assert str(error).startswith("artifacts.collect: an option asks for *, and the ceiling allows *.txt (")
    assert site.settled("artifacts: {collect: ['*.txt']}", collect=["*.txt"]).effective.artifacts.collect == ("*.txt",)


# ---- requirements and --best-effort ----


def test_where_the_policy_is_silent_the_ceilings_requirement_holds(site: Site) -> None:
    found = site.settled("require: {limits: sampled, limits.memory: strict}")
    assert found.effective.require == {
        "limits.memory": "strict",
        "limits.cpus": "sampled",
        "limits.tmp_size": "sampled",
    }
    assert found.effective.sources["require.limits.memory"]["source"] == "ceiling"


def _choice(ceilings: Ceilings, require: dict[str, Any]) -> choose.Choice:
    """--best-effort where nothing but a sampler holds memory."""
    lacking = made.host(made.jailer("bwrap"), groups=Problem("no groups", None))
    order = choose.Order(["bwrap"], "--backend", one=True)
    policy = made.policy(require=require)
    return choose.choose(policy, order, lambda _: lacking, lambda *_: None, best_effort=True, ceilings=ceilings)


def test_best_effort_lowers_nothing_below_the_ceilings_requirement(site: Site) -> None:
    assert _choice(site.ceilings("require: {limits.memory: sampled}"), {"limits.memory": "strict"}).lowered
    with pytest.raises(RefusedError) as caught:
        _choice(site.ceilings("require: {limits.memory: strict}"), {"limits.memory": "strict"})
    assert f"--best-effort can't lower it below {site.file}:1" in caught.value.gaps[0]["reason"]


def test_a_ceiling_can_forbid_best_effort(site: Site) -> None:
    site.file.write_text("best_effort: false")
    environ = {ceiling.VARIABLE: str(site.file)}
    look: Any = lambda _: made.host(made.jailer("bwrap"))  # noqa: E731
    with pytest.raises(RefusedError, match="allows no --best-effort") as caught:
        plan.compile(
            {"command": ["true"], "best_effort": True},
            config=config.Config(), look=look, starts=lambda *_: None, environ=environ,
        )  # fmt: skip
    assert caught.value.blame == {"clause": "best_effort", "source": "ceiling", "file": str(site.file), "line": 1}


@pytest.mark.parametrize("value", ["", "relative.yaml", "/nonexistent.yaml"])
def test_no_plan_is_made_where_the_variable_names_no_file(value: str) -> None:
    with pytest.raises(UsageError, match="SANDBOX_CEILING"):
        plan.decide({"command": ["true"]}, config=config.Config(), environ={ceiling.VARIABLE: value})
