"""What a job puts into the caller's directory that would do harm later, outside of any jail: set aside when it is over.

A mount guards only what is there. The plan names the paths that are not, and that nobody needs; what stands there at
the job's end gets another name in its folder. Each folder is held open from before the jail: no name that a job could
bend leads there. One that was killed with its supervisor leaves what it made.
"""

from __future__ import annotations

import os

from sandbox_cli.run.fds import close, own
from sandbox_cli.run.tree import open_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Planted:
    """The paths, their folders open."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._watched: list[tuple[int, str, str]] = []
        for path in paths:
            folder, name = os.path.split(path)
            try:
                fd = own(open_folder, None, b"/", os.fsencode(folder.lstrip("/")))
            except OSError:
                continue  # it is gone, or a link now: the job is not shown it, either
            if _stands(fd, name):
                close(fd)  # it came after the plan, and not from this job
            else:
                self._watched.append((fd, name, path))

    def set_aside(self) -> list[str]:
        """Renames what stands there now; returns in words what was done, or can't be. The folders are closed."""
        said: list[str] = []
        for fd, name, path in self._watched:
            if _stands(fd, name):
                aside = f"{name}.untrusted-{os.urandom(4).hex()}"
                try:
                    os.rename(name, aside, src_dir_fd=fd, dst_dir_fd=fd)
                    said.append(f"the job made {path}, which git would obey: it is called {aside} now")
                except OSError as error:
                    said.append(f"the job made {path}, which git would obey: remove it ({error.strerror})")
            close(fd)
        self._watched.clear()
        return said


def _stands(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError:
        pass  # the job closed the folder, and something may stand in it
    return True
