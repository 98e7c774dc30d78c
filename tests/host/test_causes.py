from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.backends import bwrap, firejail, reports
from sandbox_cli.host.causes import Trial, explain
from sandbox_cli.host.surroundings import Surroundings
from tests.accounts import Account
from tests.conftest import need

FREE = Surroundings(
    root=False,
    max_user_namespaces=15000,
    userns_clone=None,
    apparmor_userns=None,
    no_new_privs=False,
    seccomp=False,
    lacks=(),
    nested=False,
    chrooted=False,
    container=None,
    proc_covered=(),
)

# What they said when each was tried with that very thing in its way.
BWRAP_REFUSED = "bwrap: No permissions to create new namespace, likely because the kernel does not allow it"
BWRAP_UID_MAP = "bwrap: setting up uid map: Permission denied"
BWRAP_LOOPBACK = "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted"
BWRAP_PROC = "bwrap: Can't mount proc on /newroot/proc: Operation not permitted"
BWRAP_ENOSPC = (
    "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)"
)
BWRAP_EAGAIN = "bwrap: Creating new namespace failed: Resource temporarily unavailable"
BWRAP_SET_UID = "bwrap: The --size option is not permitted in setuid mode"
NSJAIL_REFUSED = "runChild():511 clone(flags=CLONE_NEWNS|CLONE_NEWUSER) failed: Operation not permitted"
NSJAIL_PROC = "createFilesystemMount():312 fsmount('proc'): Operation not permitted"
NSJAIL_ENOSPC = "runChild():511 clone(flags=CLONE_NEWNS|CLONE_NEWUSER) failed: No space left on device"
FIREJAIL_NNP = "Error clone: main.c:3094 main: Operation not permitted"
FIREJAIL_NESTED = "Warning: an existing sandbox was detected. true will run without any additional sandboxing features"
FIREJAIL_USERS = "Error: the user is not allowed to use Firejail."
LIBRARY = "nsjail: error while loading shared libraries: libprotobuf.so.25: cannot open shared object file"
ENTER = reports.lines(b"launcher: enter: mount namespace: errno 1\n")[0]
NS_USER = "the jail can't be inspected: Permission denied: /proc/17/ns/user"
LACKS = ("CAP_SYS_PTRACE", "CAP_SYS_ADMIN")

CASES: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("bwrap", BWRAP_ENOSPC, {"max_user_namespaces": 0}, "switched off", "sysctl -w user.max_user_namespaces=15000"),
    ("bwrap", BWRAP_REFUSED, {"userns_clone": 0}, "for root alone", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ("bwrap", BWRAP_UID_MAP, {"apparmor_userns": 1}, "AppArmor", "kernel.apparmor_restrict_unprivileged_userns=0"),
    ("bwrap", BWRAP_LOOPBACK, {"apparmor_userns": 1}, "AppArmor", "profile sandbox-bwrap /usr/bin/bwrap flags"),
    ("bwrap", BWRAP_PROC, {"proc_covered": ("/proc/kcore",), "container": "docker"}, "/proc/kcore", "systempaths"),
    ("nsjail", NSJAIL_PROC, {"proc_covered": ("/proc/keys",)}, "part of /proc is covered", "procMount: Unmasked"),
    ("bwrap", BWRAP_ENOSPC, {}, "no further namespace", "user.max_user_namespaces"),
    ("nsjail", NSJAIL_ENOSPC, {}, "no further namespace", "user.max_user_namespaces"),
    ("bwrap", BWRAP_EAGAIN, {"container": "docker"}, "may not start another process", "--pids-limit"),
    ("nsjail", LIBRARY, {"container": "docker"}, "doesn't find a library", "reinstall"),
    ("nsjail", NSJAIL_REFUSED, {"container": "podman"}, "the container (podman)", "seccomp=unconfined"),
    ("bwrap", BWRAP_REFUSED, {"chrooted": True, "container": "docker"}, "in a chroot", "outside of it"),
    ("bwrap", BWRAP_REFUSED, {"seccomp": True}, "system call filter", "RestrictNamespaces=no"),
    ("bwrap", BWRAP_REFUSED, {"nested": True}, "in a user namespace", "outside of it"),
    ("bwrap", ENTER, {"root": True, "lacks": LACKS}, "no CAP_SYS_PTRACE and no CAP_SYS_ADMIN", "--privileged"),
    (
        "bwrap",
        NS_USER,
        {"root": True, "container": "docker", "lacks": LACKS[:1]},
        "no CAP_SYS_PTRACE here",
        "SYS_PTRACE",
    ),
    ("firejail", FIREJAIL_NNP, {"no_new_privs": True}, "no_new_privs is set", "NoNewPrivileges=no"),
]


def explained(name: str, words: str, around: Surroundings, hint: str | None = None) -> tuple[str, str | None]:
    return explain(Trial(name, f"/usr/bin/{name}", name == "firejail", words), around, hint)


@pytest.mark.parametrize(("name", "words", "around", "reason", "fix"), CASES)
def test_a_failure_is_explained_with_what_fixes_it(
    name: str, words: str, around: dict[str, Any], reason: str, fix: str
) -> None:
    told = explained(name, words, replace(FREE, **around))
    assert reason in told[0]
    assert words in told[0]
    assert fix in (told[1] or "")
    assert "{" not in told[0].removesuffix(words)


@pytest.mark.parametrize("container", [None, "docker"])
@pytest.mark.parametrize(
    ("backend", "words", "hint"),
    [
        (bwrap, BWRAP_SET_UID, "sudo chmod u-s"),
        (firejail, FIREJAIL_NESTED, "inside a container or another sandbox"),
        (firejail, FIREJAIL_USERS, "firecfg --add-users"),
    ],
)
def test_what_only_one_jailer_says_keeps_the_hint_of_its_backend(
    backend: Any, words: str, hint: str, container: str | None
) -> None:
    report = backend.read(1, words.encode())
    told = explained(backend.NAME, report["failed"], replace(FREE, container=container), report["hint"])
    assert told == (words, report["hint"])
    assert hint in (told[1] or "")


def test_switches_for_user_namespaces_do_not_explain_a_set_uid_jailer() -> None:
    off = replace(FREE, max_user_namespaces=0, userns_clone=0)
    told = explained("firejail", "Error: cannot mount", off)
    assert told == ("Error: cannot mount", None)


def test_in_a_container_a_switch_of_the_kernel_is_to_be_set_outside() -> None:
    told = explained("bwrap", BWRAP_REFUSED, replace(FREE, max_user_namespaces=0, container="docker"))
    assert (told[1] or "").startswith("outside of the container: sudo sysctl -w user.max_user_namespaces=15000")


def test_what_nothing_explains_keeps_the_jailers_words_and_hint() -> None:
    assert explained("bwrap", "bwrap: Unknown option --x", FREE, "a hint") == ("bwrap: Unknown option --x", "a hint")


def test_a_jailer_without_a_word_still_has_a_reason() -> None:
    assert explained("bwrap", "", FREE) == ("bwrap made no jail", None)


# ---- the same with the real thing in the way ----

BWRAP = (
    "exec /usr/bin/bwrap --unshare-all --unshare-user --ro-bind /usr /usr --symlink usr/lib /lib "
    "--symlink usr/lib64 /lib64 --proc /proc --dev /dev -- /usr/bin/true"
)
EXPLAIN = """
import json, subprocess, sys
from sandbox_cli.host.causes import Trial, explain
from sandbox_cli.host.surroundings import look_around
done = subprocess.run(["/bin/sh", "-c", sys.argv[1]], capture_output=True, text=True)
words = done.stderr.strip()
told = explain(Trial("bwrap", "/usr/bin/bwrap", False, words), look_around())
print(json.dumps([done.returncode, words, *told]))
"""
AS_ORDINARY = "exec /usr/bin/setpriv --reuid=1900065535 --regid=1900065535 --clear-groups -- /bin/sh -c '%s'"
FILTER = """
import errno, os, sys
import pyseccomp
bpf = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
bpf.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, 1 << 28, 1 << 28))
bpf.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
bpf.add_rule(pyseccomp.ERRNO(errno.EPERM), "unshare")
bpf.load()
os.execv(sys.argv[1], sys.argv[1:])
"""


def really(account: Account, before: list[str], command: str) -> list[Any]:
    need("bwrap")
    if not Path("/usr/bin/bwrap").is_file():
        pytest.skip("bwrap is not the distribution's")
    done = account.run([*before, account.python, "-c", EXPLAIN, command])
    assert done.returncode == 0, done.stderr.decode()
    told: list[Any] = json.loads(done.stdout)
    assert told[0] != 0
    assert told[1].startswith("bwrap: ")
    return told


def test_bwrap_under_a_covered_proc_is_explained(as_root: Account) -> None:
    cover = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", 'mount -t tmpfs none /proc/bus && exec "$@"', "-"]
    told = really(as_root, cover, AS_ORDINARY % BWRAP)
    assert "a part of /proc is covered here (/proc/bus)" in told[2]


def test_bwrap_under_a_filter_without_namespaces_is_explained(as_user: Account) -> None:
    told = really(as_user, [as_user.python, "-c", FILTER], BWRAP)
    assert "refuses namespaces" in told[2]
    assert "RestrictNamespaces=no" in told[3] or "seccomp=unconfined" in told[3]


def test_a_jail_that_root_may_not_inspect_is_explained(as_root: Account) -> None:
    """Containers keep CAP_SYS_PTRACE from their root; without it the namespaces of other accounts can't be read."""
    need("bwrap")
    command = [as_root.python, "-m", "sandbox_cli", "doctor"]
    done = as_root.run(["/usr/bin/setpriv", "--bounding-set=-sys_ptrace", *command])
    told = done.stdout.decode()
    assert "root has no CAP_SYS_PTRACE here" in told
    assert "the jail can't be inspected: Permission denied: /proc/" in told
    assert "--cap-add SYS_PTRACE" in told


def test_bwrap_without_a_process_to_spare_is_explained(as_user: Account) -> None:
    told = really(as_user, [], f"exec /usr/bin/prlimit --nproc=0 /bin/sh -c '{BWRAP}'")
    assert "may not start another process" in told[2]


def test_bwrap_without_user_namespaces_is_explained(as_user: Account) -> None:
    """The switch is each user namespace's own: 0 in one of ours forbids further ones."""
    script = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'
    told = really(as_user, ["/usr/bin/unshare", "--map-root-user", "/bin/sh", "-c", script, "-"], BWRAP)
    assert "user.max_user_namespaces is 0" in told[2]
