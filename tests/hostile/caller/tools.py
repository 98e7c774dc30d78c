"""What a variable can have somebody obey; whoever does says so, on the host, where no jail sees it."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PAYLOAD = Path(__file__).with_name("payload.c")
LIBRARIES = {  # tag: the file that it is loaded from, and how it is compiled
    "LD_PRELOAD": ("preload.so", []),
    "LD_AUDIT": ("audit.so", ["-DAUDIT"]),
    "LD_LIBRARY_PATH": ("libraries/libselinux.so.1", []),
    "GCONV_PATH": ("gconv/PAYLOAD.so", ["-DGCONV"]),
}
SCRIPTS = {"ENV": "env.sh", "BASH_ENV": "bash_env.sh", "PATH": "bin/obedient"}
# Each line makes one program do what its variable says; a Bourne shell before POSIX took IFS as it came.
VICTIMS = """
ls /nonexistent
iconv -f PAYLOAD -t UTF-8 /dev/null
echo | sh -i
obedient
seq 1
/usr/bin/python3 -c pass
(while IFS= read -rd "" pair; do [[ $pair == IFS=* ]] && taken=${pair#IFS=}; done </proc/$$/environ
IFS=$taken; line=@BIN@Xobedient; set -- $line; "$1/$2")
"""


def obeying(tag: str, drop: Path) -> str:
    """A line of shell that says so, with nothing but what the shell has itself."""
    say = f'echo "obeyed {tag} filtered=$mode by $0"'
    look = 'while read -r key mode; do [ "$key" = Seccomp: ] && break; done </proc/self/status'
    return f"{look}; {{ {say} >>{drop}/{tag}; }} 2>/dev/null || {say}"


class Tools(NamedTuple):
    """A folder that the host and the policy have at one path, and one that only the host has."""

    folder: Path
    drop: Path
    variables: dict[str, str]

    @property
    def script(self) -> str:
        return VICTIMS.replace("@BIN@", f"{self.folder}/ifs")

    def obeyed(self) -> set[str]:
        """On the host, since it was asked last."""
        found = set()
        for path in self.drop.iterdir():
            found.add(path.name)
            path.unlink()
        return found


@pytest.fixture(scope="module")
def made(session_directory: Path) -> Tools:
    folder = Path(session_directory, f"caller-{uuid.uuid4().hex}")
    drop = folder / "drop"
    for each in (folder, drop, *(folder / name for name in ("libraries", "gconv", "bin", "ifs", "python"))):
        each.mkdir()
    drop.chmod(0o777)
    for tag, (name, flags) in LIBRARIES.items():
        words = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-Wno-prio-ctor-dtor", *flags]
        defined = [f'-DTAG="{tag}"', f'-DDROP="{drop}"']
        subprocess.run([*words, *defined, "-o", folder / name, PAYLOAD], check=True)
    (folder / "gconv" / "gconv-modules").write_text(
        "module PAYLOAD// INTERNAL PAYLOAD 1\nmodule INTERNAL PAYLOAD// PAYLOAD 1\n"
    )
    for tag, name in {**SCRIPTS, "IFS": "ifs/obedient"}.items():
        (folder / name).write_text(f"#!/bin/sh -p\n{obeying(tag, drop)}\n")
        (folder / name).chmod(0o755)
    (folder / "python" / "sitecustomize.py").write_text(
        "import os\n"
        "seccomp = open('/proc/self/status').read().partition('Seccomp:\\t')[2][:1]\n"
        "line = f'obeyed PYTHONPATH filtered={seccomp} by python\\n'\n"
        f"try: open('{drop}/PYTHONPATH', 'a').write(line)\n"
        "except OSError: os.write(1, line.encode())\n"
    )
    variables = {tag: str(folder / name) for tag, (name, _) in LIBRARIES.items()}
    variables |= {tag: str(folder / name) for tag, name in SCRIPTS.items()}
    variables |= {
        "LD_LIBRARY_PATH": str(folder / "libraries"),
        "GCONV_PATH": str(folder / "gconv"),
        "PATH": f"{folder}/bin:/usr/bin:/bin",
        "PYTHONPATH": str(folder / "python"),
        "IFS": "X",
        "BASH_FUNC_seq%%": f"() {{ {obeying('FUNCTION', drop)}; }}",
        "GLIBC_TUNABLES": "glibc.malloc.mxfast=glibc.malloc.mxfast=" + "A" * 4096,
    }
    return Tools(folder, drop, variables)


@pytest.fixture
def tools(made: Tools) -> Iterator[Tools]:
    yield made
    made.obeyed()
