"""What each backend renders for the same policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox_cli.backends import BACKENDS
from sandbox_cli.errors import PolicyError
from tests.backends.given import HOSTILE, SYSTEM, TMPFS, fixed_host, policy, ro, rw
from tests.backends.golden import check

if TYPE_CHECKING:
    from sandbox_cli.host.model import Host
    from sandbox_cli.policy.model import Policy

NAMES = list(BACKENDS)
CASES: dict[str, tuple[Policy, Host]] = {
    "user": (policy({**SYSTEM, "/tmp": TMPFS}), fixed_host()),
    "root": (policy({**SYSTEM, "/tmp": TMPFS}), fixed_host(root=True)),
    "hostile": (policy(HOSTILE), fixed_host()),
    "network": (
        policy({**SYSTEM, "/etc": ro("/etc"), "/home/me/work": rw("/home/me/work")}, network="host"),
        fixed_host(),
    ),
    "unbounded": (policy(limits={"tmp_size": None, "scratch_size": None, "scratch_files": None}), fixed_host()),
    "tiny": (policy(limits={"tmp_size": 0, "scratch_size": 0, "scratch_files": 0}), fixed_host()),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_rendering_is_as_reviewed(name: str, case: str) -> None:
    given, host = CASES[case]
    check(f"{name}-{case}", BACKENDS[name].render(given, host))


@pytest.mark.parametrize("name", NAMES)
def test_an_allow_list_of_the_network_never_opens_the_hosts(name: str) -> None:
    closed = BACKENDS[name].render(policy(network="none"), fixed_host())
    assert BACKENDS[name].render(policy(network={"allow": ("pypi.org:443",)}), fixed_host()) == closed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", ["/data/line\nbreak", "/data/\x7f", "/data/\u2028", "/data/a\tb"])
def test_a_path_that_could_end_a_line_is_refused(name: str, path: str) -> None:
    with pytest.raises(PolicyError, match="control character"):
        BACKENDS[name].render(policy({path: ro("/data/x")}), fixed_host())
    with pytest.raises(PolicyError, match="control character"):
        BACKENDS[name].render(policy({"/data/x": ro(path)}), fixed_host())


@pytest.mark.parametrize("name", NAMES)
def test_a_path_of_bytes_that_are_no_text_is_kept(name: str) -> None:
    path = b"/data/\xff".decode(errors="surrogateescape")
    invocation = BACKENDS[name].render(policy({path: ro(path)}), fixed_host())
    rendered = [word.encode(errors="surrogateescape") for word in invocation["argv"]] + invocation["data"]
    assert any(b"/data/\xff" in piece for piece in rendered)


@pytest.mark.parametrize("name", NAMES)
def test_a_policys_own_hosts_file_replaces_ours(name: str) -> None:
    given = policy({**SYSTEM, "/etc/hosts": ro("/etc/hosts")})
    invocation = BACKENDS[name].render(given, fixed_host())
    assert not any(b"127.0.0.1" in content for content in invocation["data"])
    assert len(invocation["data"]) == len(BACKENDS[name].render(policy(), fixed_host())["data"]) - (name != "nsjail")
