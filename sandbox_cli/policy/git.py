"""What git tells of a repository that may be anybody's: it reads objects, and runs nothing that is the repository's.

`rev-parse`, `cat-file` and `ls-tree` look at neither the index nor the working tree, so that no hook, filter, textconv
or fsmonitor has a part in it. What is left is a partial clone, of which git would fetch what is missing by a program
that the repository's own configuration names: that is closed. Whom git trusts (safe.directory) is its own to say, and
which repository is meant the caller's (GIT_DIR), unless it is the one around a folder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from typing import NamedTuple

from sandbox_cli.errors import HostError, UsageError

MOST_BYTES = 4 << 20  # of an answer: a tree of a few bytes can list names without end
PATIENCE_S = 30.0  # git waits for ever where a pipe stands in place of one of its files
_CLOSED = {
    "GIT_NO_LAZY_FETCH": "1",  # of git 2.45
    "GIT_ALLOW_PROTOCOL": "none",  # the same with any other: whatever the repository allows, no way to fetch is open
    "GIT_NO_REPLACE_OBJECTS": "1",  # a revision is what its hash says
    "GIT_GRAFT_FILE": os.devnull,  # and so are those before it
    "LC_ALL": "C",
}

_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")


class Answer(NamedTuple):
    ok: bool
    said: bytes
    complaint: str


def ask(folder: str | None, *arguments: str, stdin: bytes = b"") -> Answer:
    """What `git ARGUMENTS` says in `folder`; None: here. UsageError where there is no git, or far too much is said."""
    argv = ["git", *(["-C", folder] if folder else []), "--no-pager", *arguments]
    environment = {name: value for name, value in os.environ.items() if not folder or name not in _ELSEWHERE}
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as errors:
        asked.write(stdin)
        asked.seek(0)
        try:
            process = subprocess.Popen(
                argv, stdin=asked, stdout=subprocess.PIPE, stderr=errors, env=environment | _CLOSED
            )
        except FileNotFoundError:
            hint = "apt-get install git, or name files of policies"
            raise UsageError("there is no git here to ask for a revision", hint=hint) from None
        except OSError as error:
            raise HostError(f"git can't be started: {error.strerror}") from None
        over = threading.Timer(PATIENCE_S, process.kill)
        over.daemon = True
        over.start()
        with process:
            assert process.stdout is not None
            said = process.stdout.read(MOST_BYTES + 1)
            if len(said) > MOST_BYTES:
                over.cancel()
                process.kill()
                raise UsageError("git lists more than 4 MiB of names there", hint="name a folder that holds policies")
        over.cancel()
        if process.returncode == -signal.SIGKILL:
            hint = "`git fsck` there tells what is wrong with the repository"
            raise UsageError(f"git was ended before it answered: it gets {PATIENCE_S:g} s", hint=hint)
        errors.seek(0)
        return Answer(process.returncode == 0, said, errors.read(4096).decode(errors="replace"))


def refusal(answer: Answer) -> UsageError:
    """Why git did nothing, in its own words."""
    lines = answer.complaint.splitlines()
    said = next((line.partition(": ")[2] for line in lines if line.startswith(("fatal: ", "error: "))), "it failed")
    advice = next((line.strip() for line in lines if line.startswith("\t")), None)  # of safe.directory
    hint = advice or "a revision needs the clone that holds it, and to be asked for within it"
    return UsageError(f"git says: {said}", hint=hint)
