from __future__ import annotations

import os
from pathlib import Path

from sandbox_cli.host.access import OTHERS, Account, caller, closed, is_file, untrusted
from tests.host.programs import only_root, only_user, program


@only_root
def test_a_file_of_root_below_folders_of_root_is_trusted(trusted: Path) -> None:
    assert untrusted(program(trusted / "bin" / "x", "1")) is None


@only_root
def test_a_file_of_somebody_else_is_not_trusted(trusted: Path) -> None:
    file = program(trusted / "x", "1")
    os.chown(file, 1900000001, 0)
    assert untrusted(file) == f"{file} belongs to uid 1900000001, not to root"


@only_root
def test_a_folder_that_its_group_can_write_is_not_trusted(trusted: Path) -> None:
    file = program(trusted / "bin" / "x", "1")
    file.parent.chmod(0o775)
    assert untrusted(file) == f"{file.parent} can be written by its group"


@only_root
def test_a_folder_that_all_can_write_is_trusted_only_where_it_is_sticky(trusted: Path) -> None:
    file = program(trusted / "bin" / "x", "1")
    file.parent.chmod(0o777)
    assert untrusted(file) == f"{file.parent} can be written by others"
    file.parent.chmod(0o1777)
    assert untrusted(file) is None


@only_root
def test_what_somebody_else_put_into_a_sticky_folder_is_not_trusted(trusted: Path) -> None:
    file = program(trusted / "tmp" / "theirs" / "x", "1")
    file.parent.parent.chmod(0o1777)
    os.chown(file.parent, 1900000001, 0)
    assert untrusted(file) == f"{file.parent} belongs to uid 1900000001, not to root"


def test_an_open_file_below_open_folders_is_open_to_others() -> None:
    assert closed(Path("/usr/bin/env"), OTHERS) is None


@only_root
def test_the_first_closed_folder_is_named(trusted: Path) -> None:
    file = program(trusted / "a" / "b" / "x", "1")
    file.parent.parent.chmod(0o700)
    assert closed(file, OTHERS) == file.parent.parent


@only_root
def test_a_folder_above_the_asked_ones_does_not_count(trusted: Path) -> None:
    file = program(trusted / "a" / "b" / "x", "1")
    file.parent.parent.chmod(0o700)
    assert closed(file, OTHERS, below=file.parent) is None


@only_root
def test_an_owner_and_a_member_of_the_group_pass_where_others_do_not(trusted: Path) -> None:
    file = program(trusted / "a" / "x", "1")
    file.parent.chmod(0o710)
    os.chown(file.parent, 4321, 1234)
    assert closed(file, Account(5555, frozenset({1234}))) is None
    assert closed(file, Account(5555)) == file.parent
    assert closed(file, Account(4321)) is None


@only_root
def test_a_file_that_can_be_run_but_not_read_is_closed_unless_running_is_enough(trusted: Path) -> None:
    file = program(trusted / "x", "1", mode=0o711)
    assert closed(file, OTHERS) == file
    assert closed(file, OTHERS, wanted=os.X_OK) is None


@only_user
def test_a_folder_closed_to_ourselves_is_named(tmp_path: Path) -> None:
    file = program(tmp_path / "a" / "x", "1")
    file.parent.chmod(0o600)
    try:
        assert closed(file, caller()) == file.parent
        assert not is_file(file)
    finally:
        file.parent.chmod(0o700)
