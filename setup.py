"""Builds the launcher and the probe as a step of `build`; all else about the package stands in pyproject.toml."""

import os
import runpy
import shutil
import sysconfig
from pathlib import Path
from typing import Any, ClassVar

from setuptools import Command, setup
from setuptools.command.build import build

PACKAGE = "sandbox_cli"
PROGRAMS = ("launcher/launcher", "verify/probe")


class build_launcher(Command):  # noqa: N801  setuptools shows the class's name as the command's
    """Compile both into the wheel, or, for an editable install, into the source tree."""

    description = "compile the launcher and the probe"
    user_options: ClassVar[Any] = []
    editable_mode = False  # setuptools sets it for `pip install -e`

    def initialize_options(self) -> None:
        self.build_lib: Any = None

    def finalize_options(self) -> None:
        self.set_undefined_options("build_py", ("build_lib", "build_lib"))

    def run(self) -> None:
        directory = Path("" if self.editable_mode else self.build_lib, PACKAGE)
        runpy.run_path(f"{PACKAGE}/launcher/build.py")["build_all"](directory)

    def get_source_files(self) -> list[str]:
        """What the sdist must hold."""
        return sorted(str(path) for program in PROGRAMS for path in Path(PACKAGE, program).parent.glob("*.[ch]"))

    def get_outputs(self) -> list[str]:
        return [str(Path(self.build_lib, PACKAGE, program)) for program in PROGRAMS]

    def get_output_mapping(self) -> dict[str, str]:
        return {}


build.sub_commands = [*build.sub_commands, ("build_launcher", None)]
has_compiler = os.environ.get("CC") or any(map(shutil.which, ("cc", "gcc", "clang")))
setup(
    cmdclass={"build_launcher": build_launcher},
    setup_requires=[] if has_compiler else ["ziglang"],
    options={"bdist_wheel": {"plat_name": sysconfig.get_platform()}},  # an executable alone would leave it "any"
)
