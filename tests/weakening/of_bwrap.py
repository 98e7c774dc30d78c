"""bwrap: everything is in its argv, and the content of the made files in the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.weakening.model import Element, Plan, Weakening, replaced, variants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Operands of each option that a rendering may have; an option that isn't here makes the generator fail.
_OPERANDS = {
    **{f"--unshare-{name}": 0 for name in ("user", "pid", "ipc", "uts", "cgroup", "net")},
    **dict.fromkeys(("--disable-userns", "--die-with-parent", "--as-pid-1", "--new-session", "--clearenv"), 0),
    **dict.fromkeys(("--cap-drop", "--hostname", "--proc", "--dev", "--perms", "--size", "--tmpfs", "--dir"), 1),
    **dict.fromkeys(("--remount-ro", "--chdir", "--mqueue"), 1),
    **dict.fromkeys(("--bind", "--ro-bind", "--dev-bind", "--symlink", "--ro-bind-data", "--bind-data"), 2),
    **dict.fromkeys(("--chmod", "--file", "--setenv"), 2),
}
_PLACED = {"--bind", "--ro-bind", "--dev-bind", "--symlink", "--ro-bind-data", "--bind-data", "--file", "--chmod",
           "--proc", "--dev", "--tmpfs", "--dir", "--remount-ro"}  # fmt: skip
_HUGE = 100

# Another option in the place of one, or other operands: (option, what is put there; {N} is its Nth operand).
_WIDER = (
    ("--ro-bind", ("--bind", "{0}", "{1}"), "writable"),
    ("--ro-bind", ("--ro-bind", "/", "{1}"), "the host's root in its place"),
    ("--ro-bind", ("--ro-bind", "/etc", "{1}"), "the host's /etc in its place"),
    ("--bind", ("--dev-bind", "{0}", "{1}"), "with devices"),
    ("--bind", ("--bind", "/tmp", "{1}"), "the host's /tmp in its place"),
    ("--tmpfs", ("--bind", "/tmp", "{0}"), "the host's /tmp in its place"),
    ("--tmpfs", ("--dir", "{0}"), "a folder in its place"),
    ("--ro-bind-data", ("--bind-data", "{0}", "{1}"), "writable"),
    ("--ro-bind-data", ("--ro-bind", "/etc/shells", "{1}"), "a file of the host's in its place"),
    ("--symlink", ("--ro-bind", "/etc", "{1}"), "the host's /etc in its place"),
    ("--symlink", ("--symlink", "/proc/1/root", "{1}"), "elsewhere"),
    ("--proc", ("--ro-bind", "/proc", "/proc"), "the host's in its place"),
    ("--dev", ("--dev-bind", "/dev", "/dev"), "the host's in its place"),
    ("--dev", ("--tmpfs", "/dev"), "an empty folder in its place"),
    ("--perms", ("--perms", "0777"), "0777"),
    ("--hostname", ("--hostname", "other"), "another"),
    ("--cap-drop", ("--cap-add", "ALL"), "added"),
    ("--chdir", ("--chdir", "/"), "/"),
    ("--dir", ("--tmpfs", "{0}"), "a tmpfs in its place"),
)  # fmt: skip

# Put in front of the last remounts; a name that a policy shows is named again where that is what is tried.
_ADDED = (
    ("--bind", "/", "/host"), ("--ro-bind", "/etc", "/extra"), ("--ro-bind", "/sys", "/sys"), ("--tmpfs", "/extra"),
    ("--ro-bind", "/etc", "/dev/extra"), ("--ro-bind", "/etc/shells", "/dev/extra"),
    ("--dev-bind", "/dev/kmsg", "/dev/kmsg"), ("--dev-bind", "/dev", "/dev/host"), ("--mqueue", "/dev/mqueue"),
    ("--ro-bind", "/etc", "/usr/share"), ("--ro-bind", "/etc", "/tmp/extra"), ("--ro-bind", "/etc", "/sandbox/extra"),
    ("--bind", "/tmp", "/usr/share"), ("--ro-bind", "/proc", "/proc"), ("--ro-bind", "/etc", "/proc/tty"),
    ("--share-net",), ("--uid", "0"), ("--uid", "4321"), ("--gid", "0"), ("--cap-add", "CAP_SYS_ADMIN"),
    ("--setenv", "LD_PRELOAD", "/tmp/x.so"), ("--symlink", "/proc/1/root", "/extra"), ("--dir", "/extra"),
)  # fmt: skip


def weakenings(plan: Plan) -> Iterator[Weakening]:
    elements = _elements(plan["argv"])
    yield from variants(elements, _store)
    for index, each in enumerate(elements):
        for option, new, words in _WIDER:
            if each.words[0] == option:
                filled = [word.format(*each.words[1:]) for word in new]
                yield Weakening(f"{each.text}: {words}", replaced(elements, index, [_element(filled)], _store))
        if each.words[0] == "--size":
            larger = _element(["--size", str(int(each.words[1]) * _HUGE)])
            yield Weakening(f"{each.text}: x {_HUGE}", replaced(elements, index, [larger], _store))
        if each.words[0] == "--remount-ro":
            first = [each, *elements[:index], *elements[index + 1 :]]
            after = next(i for i, other in enumerate(first) if i and other.path == each.path) if each.path != "/" else 0
            earlier = [*first[1 : after + 1], each, *first[after + 1 :]]
            yield Weakening(f"{each.text}: right after its mount", _storing(earlier))
    last = next(index for index, each in enumerate(elements) if each.words[0] == "--remount-ro")
    for words in _ADDED:
        changed = [*elements[:last], _element(words), *elements[last:]]
        yield Weakening(f"{' '.join(words)}: added", _storing(changed))


def _elements(argv: Sequence[str]) -> list[Element]:
    """The options between the program and `--`; --perms and --size are said of what follows them."""
    found: list[Element] = []
    said: list[int] = []  # of those in front of the next option that is about a path
    at = 1
    while argv[at] != "--":
        count = _OPERANDS[argv[at]]
        element = _element(argv[at : at + 1 + count])
        found.append(element)
        at += 1 + count
        if element.words[0] in {"--perms", "--size"}:
            said.append(len(found) - 1)
        elif element.path is not None:
            for index in said:
                before = found[index]
                found[index] = before._replace(text=f"{before.text} (of {element.path})", path=element.path)
            said = []
    return found


def _element(words: Sequence[str]) -> Element:
    text = " ".join(word.replace("\0", "") for word in words)
    return Element(text, list(words), words[-1] if words[0] in _PLACED else None)


def _store(plan: Plan, elements: Sequence[Element]) -> None:
    argv = plan["argv"]
    argv[1 : argv.index("--")] = [word for each in elements for word in each.words]


def _storing(elements: Sequence[Element]) -> Callable[[Plan], None]:
    return lambda plan: _store(plan, elements)
