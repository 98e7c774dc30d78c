"""Programs that tell a version, for tests that look for runtimes."""

from __future__ import annotations

import shutil
from pathlib import Path

SOURCE = """
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
    char name[4096];
    FILE *log = fopen(LOG, "a");
    if (log) { fprintf(log, "%s\\n", strrchr(argv[0], '/') + 1); fclose(log); }
    printf("Tool %s\\n", strrchr(argv[0], '-') ? strrchr(argv[0], '-') + 1 : "without");
    return argc > 1 && !strcmp(argv[1], "--version") ? 0 : 1;
}
"""


class Tools:
    """Programs, not scripts, that say as their version what follows the dash in their name, and note who was asked."""

    def __init__(self, folder: Path, binary: Path, log: Path) -> None:
        self.folder, self._binary, self._log = folder, binary, log

    def make(self, path: str, command: str = "tool") -> Path:
        """A link `command` beside the program `path`."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self._binary, file)
        file.chmod(0o755)
        link = file.parent / command
        if link != file:
            link.symlink_to(file.name)
        return file

    def path(self, *folders: str) -> str:
        return ":".join(str(self.folder / folder) for folder in folders)

    @property
    def asked(self) -> list[str]:
        return self._log.read_text().split() if self._log.exists() else []
