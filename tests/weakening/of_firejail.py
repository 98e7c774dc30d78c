"""firejail: everything is in its profile, one command a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.weakening.model import Element, Plan, Weakening, replaced, variants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Names in the root of every Linux: the others are this machine's own, and all stand for one case.
_USUAL = {"boot", "home", "media", "mnt", "opt", "root", "srv", "sys", "var", "lost+found"}

# The beginning of a line, what is put in its place, in words.
_WIDER = (
    ("read-only ", "read-write ", "writable"),
    ("read-write ", "read-only ", "read-only"),
    ("blacklist ", "noblacklist ", "not hidden"),
    ("blacklist ", "read-only ", "shown"),
    ("whitelist ", "nowhitelist ", "not shown"),
    ("net none", "# net none", "the host's"),
    ("net none", "netfilter", "the host's, filtered"),
    ("caps.drop all", "caps.keep sys_admin,sys_chroot", "some kept"),
    ("caps.drop all", "caps", "the default ones"),
    ("keep-fd ", "keep-fd all", "all"),
    ("hostname ", "hostname other", "another"),
    ("private-cwd ", "private-cwd /", "/"),
    ("private-dev", "nodvd", "the host's"),
    ("whitelist /run/.none", "whitelist /run", "shown"),
    ("whitelist ${HOME}/.none", "whitelist ${HOME}", "shown"),
    ("hosts-file ", "hosts-file /etc/shells", "a file of the host's"),
    ("whitelist /etc/passwd", "whitelist /etc", "the whole folder"),
    ("dbus-user none", "dbus-user filter", "filtered"),
    ("restrict-namespaces", "restrict-namespaces net", "only those of networks"),
    ("private-tmp", "tmpfs /var/tmp", "the host's"),
)  # fmt: skip

_ADDED = (
    "whitelist /etc", "whitelist /usr/share", "whitelist /run/firejail", "read-write /usr", "read-write /etc",
    "read-write /proc/sys", "noblacklist /home", "allusers", "writable-etc", "writable-var", "writable-run-user",
    "keep-dev-shm", "keep-config-pulse", "keep-var-tmp", "keep-shell-rc", "tmpfs /opt", "allow-debuggers",
    "ignore net", "ignore noroot", "ignore caps", "ignore private-dev", "ignore nonewprivs", "ignore blacklist",
    "ignore whitelist", "noexec /tmp", "env LD_PRELOAD=/tmp/x.so", "rlimit-nofile 4096", "nice 5", "read-write /dev/shm",
    "cpu 0", "dns 127.0.0.1", "mkdir /tmp/extra", "apparmor", "seccomp", "join-or-start x", "name other",
)  # fmt: skip


def weakenings(plan: Plan) -> Iterator[Weakening]:
    elements = _elements(plan["data"][0].decode("utf-8", "surrogateescape"))
    yield from variants(elements, _store)
    for index, each in enumerate(elements):
        for begin, new, words in _WIDER:
            if each.words[0].startswith(begin):
                line = new + each.words[0].removeprefix(begin) if begin.endswith(" ") and new.endswith(" ") else new
                put = replaced(elements, index, [Element(line, [line])], _store)
                yield Weakening(f"{each.text}: {words}", put)
    for line in _ADDED:
        yield Weakening(f"{line}: added first", _storing([Element(line, [line]), *elements]))
        yield Weakening(f"{line}: added last", _storing([*elements, Element(line, [line])]))
    yield Weakening("all lines: the other way round", _storing(elements[::-1]))
    yield from _of_argv(plan["argv"])


def _elements(profile: str) -> list[Element]:
    """The commands; of the names that only this machine's root has, the first stands for all."""
    lines = [line for line in profile.split("\n") if line and not line.startswith("#")]
    found: list[Element] = []
    others: list[str] = []
    for line in lines:
        command, _, operand = line.partition(" ")
        if command == "blacklist" and operand.count("/") == 1 and operand[1:] not in _USUAL:
            others.append(line)
            continue
        path = operand if command in {"whitelist", "blacklist", "read-only", "read-write", "private-cwd"} else None
        found.append(Element(line.replace("\0", ""), [line], path))
    if others:
        found.append(Element("blacklist /ANOTHER", others))
    return found


def _store(plan: Plan, elements: Sequence[Element]) -> None:
    text = "".join(f"{line}\n" for each in elements for line in each.words)
    plan["data"][0] = text.encode("utf-8", "surrogateescape")


def _storing(elements: Sequence[Element]) -> Callable[[Plan], None]:
    return lambda plan: _store(plan, elements)


def _of_argv(argv: Sequence[str]) -> Iterator[Weakening]:
    def to(words: Sequence[str]) -> Callable[[Plan], None]:
        return lambda plan: plan.update(argv=list(words))

    yield Weakening(f"{argv[1]}: dropped", to([argv[0], *argv[2:]]))
    yield Weakening(f"{argv[1]}: --noprofile", to([argv[0], "--noprofile", *argv[2:]]))
    yield Weakening("--: added", to([*argv[:2], "--", *argv[2:]]))
    for option in ("--ignore=net", "--ignore=noroot", "--noblacklist=/home", "--keep-dev-shm", "--writable-etc"):
        yield Weakening(f"{option}: added", to([argv[0], option, *argv[1:]]))
