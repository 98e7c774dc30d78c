"""What hostile programs leave in scratch, and what may be returned of it. Each is a whole program in Python."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "the caller's own, which no job may see"  # stands in a file of the caller's, at @SECRET@
GIVEN = b"an input\n"
TOO_DEEP = "can't be entered, or lies too deep"
PAGE = 4096


class Attack(NamedTuple):
    """`returned` names each file that comes back with its content, or what it must begin with and its whole size."""

    name: str
    code: str
    returned: Mapping[bytes, bytes | tuple[bytes, int]] = {}
    omitted: Mapping[bytes, str] = {}
    limits: str = ""  # more of the policy, as it is written there
    more_omitted: bool = False  # others than those named are left out, too


LINKS = """
import os
os.symlink("@SECRET@", "absolute")
os.symlink("../" * 40 + "@SECRET@", "relative")
os.symlink("/etc/shadow", "shadow")
os.symlink("absolute", "chain")
os.symlink("loop", "loop")
os.symlink("/etc", "folder")
os.symlink("/proc/self/root@SECRET@", "magic")
os.unlink("given")
os.symlink("@SECRET@", "given")
os.mkdir("d")
os.symlink("@SECRET@", "d/inner")
open("d/own", "w").write("x")
"""

KINDS = """
import os, socket
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
os.symlink("/dev/null", "link to null")
os.symlink("/dev/zero", "zero")
for name, kind, device in ("char", 0o020666, os.makedev(1, 5)), ("block", 0o060666, os.makedev(8, 0)):
    try: os.mknod(name, kind, device)
    except OSError: pass
open("null", "w").write("a plain file")
"""

HARD_LINKS = """
import os
os.link("given", "second")
for number, outside in enumerate(["@SECRET@", "/etc/passwd", "/usr/bin/env", "/proc/self/environ", "/dev/null"]):
    try: os.link(outside, f"outside {number}")
    except OSError: pass
"""

NAMES = [
    b"new\nline", b"..\n", b"...", b".. ", b"a\\b", b"..\\..\\x", b"-rf", b"--", b"\x1b[31mred\x1b[0m", b"\r",
    b"\x7f\x01", b"n" * 255, b"\xff" * 255, b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", "\u202egnp.exe".encode(), b" ",
    b"~", b"*", b"$(id)", b"`id`", b"con", b"%s%n", b"{file}", b'"', b"'", b"\t", b".hidden", b"..\xff", b"data:x",
    b"c:", b"<b>", b";",
]  # fmt: skip
NAMED = f"""
for name in {NAMES!r}:
    open(name, "wb").write(name)
import os
os.mkdir(b"..\\n\\xff"); os.chdir(b"..\\n\\xff")
open(b"..\\xfe", "w").write("deep")
"""

DEEP = """
import os, time
open("top", "w").write("x")
os.makedirs("deep/" * 20); open("deep/" * 20 + "near", "w").write("x")
here = os.open("deep", os.O_RDONLY)
for name in ["deep"] * 19 + ["more"] * 2000:
    try: os.mkdir(name, dir_fd=here)
    except FileExistsError: pass
    inner = os.open(name, os.O_RDONLY, dir_fd=here)
    os.close(here)
    here = inner
os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY, dir_fd=here))
time.sleep(0.6)  # so that a sampler looks at it
"""

LONG = """
import os, time
here = os.open(".", os.O_RDONLY)
for _ in range(40):
    os.mkdir("n" * 255, dir_fd=here)
    inner = os.open("n" * 255, os.O_RDONLY, dir_fd=here)
    os.close(here)
    here = inner
os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY, dir_fd=here))
time.sleep(0.6)  # so that a sampler looks at it
"""

MANY = """
import os
os.mkdir("d")
here = os.open("d", os.O_RDONLY)
for number in range(100_000):
    os.close(os.open(f"{number:06}", os.O_CREAT | os.O_WRONLY, dir_fd=here))
"""

SPARSE = """
import os
with open("a-terabyte", "wb") as file:
    file.truncate(1 << 40)
    os.pwrite(file.fileno(), b"x" * 4096, 1 << 39)
with open("eight-terabytes", "wb") as file: file.truncate(1 << 43)
with open("disk.img", "wb") as file:
    file.truncate(200 << 20)
    os.pwrite(file.fileno(), b"x" * 4096, 0)
"""

CLOSED = """
import os
os.makedirs("a/b/c")
open("a/b/c/x", "w").write("x"); open("a/set", "w").write("y")
os.chmod("a/set", 0o2777)
for path, mode in ("a/b/c/x", 0), ("a/b/c", 0o100), ("a/b", 0o400), ("a", 0), (".", 0): os.chmod(path, mode)
"""

HOOKS = """
import os
for path in ".git/hooks", ".config/autostart", "plots":
    os.makedirs(path)
    open(path + "/post-checkout", "w").write("#!/bin/sh\\n")
open(".bashrc", "w").write("evil")
"""

FLOOD = """
for number in range(3000):
    open(f"{number:04}", "wb").write(bytes(1000))
for number in range(30):
    open(f"big{number:02}", "wb").write(bytes(4 << 20))
"""

ATTACKS = [
    Attack("links", LINKS, {b"d/own": b"x"}, dict.fromkeys(
        [b"absolute", b"relative", b"shadow", b"chain", b"loop", b"folder", b"magic", b"given", b"d/inner"],
        "symbolic link")),
    Attack("kinds", KINDS, {b"null": b"a plain file"},
           {b"fifo": "fifo", b"socket": "socket", b"link to null": "symbolic link", b"zero": "symbolic link"}),
    Attack("hard links", HARD_LINKS, {b"given": GIVEN, b"second": GIVEN}),
    Attack("names", NAMED, {name: name for name in NAMES} | {b"..\n\xff/..\xfe": b"deep"}),
    Attack("deep", DEEP, {b"top": b"x", b"deep/" * 20 + b"near": b"x"},
           {b"/".join([b"deep"] * 20 + [b"more"] * 108): TOO_DEEP}),
    Attack("long paths", LONG, {}, {b"/".join([b"n" * 255] * 17): TOO_DEEP}),
    Attack("a hundred thousand files", MANY, {b"d/%06d" % number: b"" for number in range(1000)},
           {b"d/001000": "over artifacts.max_files (1000)", b"d/001999": "over artifacts.max_files (1000)",
            b".": "and 98000 more were left out"}, "limits: {scratch_files: 200000}", more_omitted=True),
    Attack("sparse", SPARSE, {b"disk.img": (b"x" * PAGE, 200 << 20)},
           {b"a-terabyte": f"a sparse file of {1 << 40} bytes: to hash so many zeros takes too long",
            b"eight-terabytes": f"a sparse file of {1 << 43} bytes: to hash so many zeros takes too long"},
           "limits: {file_size: none}\nartifacts: {max_bytes: 8KiB}"),
    Attack("closed", CLOSED, {b"a/b/c/x": b"x", b"a/set": b"y"}),
    Attack("hooks", HOOKS, {b".bashrc": b"evil", b"plots/post-checkout": b"#!/bin/sh\n",
                            b".git/hooks/post-checkout": b"#!/bin/sh\n",
                            b".config/autostart/post-checkout": b"#!/bin/sh\n"}),
    Attack("a flood", FLOOD, {b"%04d" % number: bytes(1000) for number in range(1000)},
           {b"1000": "over artifacts.max_files (1000)"}, more_omitted=True),
]  # fmt: skip


def digest_of(content: bytes | tuple[bytes, int]) -> str:
    """Of a whole content, or of its beginning with zeros behind it."""
    begin, size = content if isinstance(content, tuple) else (content, len(content))
    digest, left = hashlib.sha256(begin), size - len(begin)
    while left:
        digest.update(bytes(min(left, 1 << 20)))
        left -= min(left, 1 << 20)
    return digest.hexdigest()
