"""nsjail: everything is in its config, protobuf text of one message or field a line; a few options in its argv."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.weakening.model import Element, Plan, Weakening, replaced, variants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_HUGE = 100
_FLAG = re.compile(r"\b(\w+): (true|false)")

# (pattern, what is put there, in words): each applies to every line that it is found in.
_WIDER = (
    (r'src: "/[^"]*"', 'src: "/"', "the host's root in its place"),
    (r'src: "/[^"]*"', 'src: "/etc"', "the host's /etc in its place"),
    (r'src: "[^/"]*" (dst: "[^"]*") is_symlink: true', r'src: "/proc/1/root" \1 is_symlink: true', "elsewhere"),
    (r"mode=0?[0-7]+", "mode=0777", "mode 0777"),
    (r"size=(\d+)", lambda found: f"size={int(found[1]) * _HUGE}", f"size x {_HUGE}"),
    (r"nr_inodes=(\d+)", lambda found: f"nr_inodes={int(found[1]) * _HUGE}", f"files x {_HUGE}"),
    (r"size=\d+,", "", "without size"),
    (r",nr_inodes=\d+", "", "without a number of files"),
    (r"newinstance,", "", "not its own"),
    (r'src_content: "(\\.|[^"\\])*"', 'src: "/etc/shells" is_bind: true', "a file of the host's in its place"),
    (r'(dst: "[^"]*") fstype: "tmpfs" options: "[^"]*"', r'src: "/tmp" \1 is_bind: true', "the host's /tmp in its place"),
    (r'dst: "/proc" fstype: "proc"', 'src: "/proc" dst: "/proc" is_bind: true', "the host's in its place"),
    (r'^hostname: .*', 'hostname: "other"', "another"),
    (r'^cwd: .*', 'cwd: "/"', "/"),
    (r'^pass_fd: 4', "pass_fd: 4 pass_fd: 5", "the config's, too"),
    (r"^time_limit: 0", "time_limit: 600", "600"),
    (r"^nice_level: 0", "nice_level: 19", "19"),
    (r"^log_fd: 2", "log_fd: 1", "1"),
    (r"^log_level: .*", "log_level: DEBUG", "all"),
    (r"^mode: ONCE", "mode: RERUN", "again and again"),
)  # fmt: skip

_ADDED = (
    'mount { src: "/" dst: "/host" is_bind: true rw: true }',
    'mount { src: "/etc" dst: "/extra" is_bind: true rw: false }',
    'mount { src: "/sys" dst: "/sys" is_bind: true rw: false }',
    'mount { dst: "/extra" fstype: "tmpfs" options: "size=4096" rw: true }',
    'mount { src: "/etc" dst: "/dev/extra" is_bind: true rw: false }',
    'mount { src: "/etc/shells" dst: "/dev/extra" is_bind: true rw: false }',
    'mount { src: "/dev/kmsg" dst: "/dev/kmsg" is_bind: true rw: true }',
    'mount { src: "/dev" dst: "/dev/host" is_bind: true rw: true }',
    'mount { src: "/etc" dst: "/usr/share" is_bind: true rw: false }',
    'mount { src: "/etc" dst: "/tmp/extra" is_bind: true rw: false }',
    'mount { src: "/etc" dst: "/sandbox/extra" is_bind: true rw: false }',
    'mount { src: "/tmp" dst: "/usr/share" is_bind: true rw: true }',
    'mount { src: "/proc" dst: "/proc" is_bind: true rw: true }',
    'mount { src: "/etc" dst: "/proc/tty" is_bind: true rw: false }',
    'mount { src: "/proc/1/root" dst: "/extra" is_symlink: true }',
    'uidmap { inside_id: "0" }', 'uidmap { inside_id: "4321" }', 'gidmap { inside_id: "0" }',
    'cap: "CAP_SYS_ADMIN"', 'envar: "LD_PRELOAD=/tmp/x.so"', "persona_addr_no_randomize: true",
    "clone_newtime: true", "macvlan_iface: \"lo\"", "seccomp_log: true",
)  # fmt: skip

_OPTIONS = ("--keep_caps", "--keep_env", "--disable_no_new_privs", "--disable_clone_newnet", "--disable_proc",
            "--rw", "--skip_setsid")  # fmt: skip


def weakenings(plan: Plan) -> Iterator[Weakening]:
    elements = _elements(plan["data"][0].decode())
    yield from variants(elements, _store)
    for index, each in enumerate(elements):
        for line, words in _changed(each.words[0]):
            new = [] if line == each.words[0] else [Element(line, [line])]
            yield Weakening(f"{each.text}: {words}", replaced(elements, index, new, _store))
    for line in _ADDED:
        yield Weakening(f"{_short(line)}: added", _storing([*elements, Element(line, [line])]))
    yield from _of_argv(plan["argv"])


def _elements(config: str) -> list[Element]:
    lines = [line for line in config.split("\n") if line and not line.startswith("#")]
    return [Element(_short(line), [line], _path(line)) for line in lines]


def _changed(line: str) -> Iterator[tuple[str, str]]:
    for found in _FLAG.finditer(line):
        turned = "false" if found[2] == "true" else "true"
        yield f"{line[: found.start(2)]}{turned}{line[found.end(2) :]}", f"{found[1]} {turned}"
        if "{" in line:
            yield line[: found.start()] + line[found.end() :], f"without {found[1]}"
    for pattern, new, words in _WIDER:
        wider = re.sub(pattern, new, line)
        if wider != line:
            yield wider, words


def _short(line: str) -> str:
    """The line, without what makes it long."""
    found = re.search(r'dst: "([^"]*)"', line)
    if found is None:
        return line
    source = re.search(r'src: "([^"]*)"|fstype: "([^"]*)"', line)
    what = (source[1] or source[2]).replace("\0", "") if source else "a made file"
    return f"mount {what} on {found[1]}"


def _path(line: str) -> str | None:
    found = re.search(r'dst: "([^"]*)"', line)
    return found[1] if found else None


def _store(plan: Plan, elements: Sequence[Element]) -> None:
    plan["data"][0] = "".join(each.words[0] + "\n" for each in elements).encode()


def _storing(elements: Sequence[Element]) -> Callable[[Plan], None]:
    return lambda plan: _store(plan, elements)


def _of_argv(argv: Sequence[str]) -> Iterator[Weakening]:
    end = argv.index("--")
    for at in range(1, end, 2):
        yield Weakening(f"{' '.join(argv[at : at + 2])}: dropped", _argv([*argv[:at], *argv[at + 2 :]]))
    new = argv.index("--experimental_mnt") + 1
    yield Weakening("--experimental_mnt new: old", _argv([*argv[:new], "old", *argv[new + 1 :]]))
    for option in _OPTIONS:
        yield Weakening(f"{option}: added", _argv([*argv[:end], option, *argv[end:]]))


def _argv(argv: Sequence[str]) -> Callable[[Plan], None]:
    def store(plan: Plan) -> None:
        plan["argv"] = list(argv)

    return store
