"""What a guest is made of and a bare Debian lacks: as root it is installed."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess

# Each with a file of it. The guest boots the host's own tree, so systemd and what a user's session takes are there.
NEEDS = {
    "bubblewrap": "/usr/bin/bwrap",
    "busybox-static": "/bin/busybox",
    "dbus": "/lib/systemd/system/dbus.socket",
    "dbus-user-session": "/usr/lib/systemd/user/dbus.socket",
    "libpam-systemd": "/lib/*/security/pam_systemd.so",
    "systemd": "/lib/systemd/systemd",
    "user-mode-linux": "/usr/bin/linux.uml",
}


def obstacle() -> str | None:
    """Why no guest can be booted here, once what could be installed is; None: it can."""
    if os.getuid() != 0:
        return "only root can boot a guest from the host's files"
    if missing() and shutil.which("apt-get"):
        install(missing())
    if missing():
        return f"not installed: {' '.join(missing())}. On Debian: apt-get install {' '.join(missing())}"
    return None


def missing() -> list[str]:
    return [package for package, file in NEEDS.items() if not glob.glob(file)]


def install(packages: list[str]) -> None:
    print("installing", *packages, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # --no-remove: on a machine with another init, systemd would replace it. Then they stay missing, and are named.
    options = ["--quiet", "--yes", "--no-remove", "--no-install-recommends"]
    for words in (["update", "--quiet"], ["install", *options, *packages]):
        subprocess.run(["apt-get", *words], env=environment, check=False)
