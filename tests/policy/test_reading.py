"""Files that can't be read, or that hide what they say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandbox_cli import policy
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import reading

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy.conftest import Site


def refusal(path: Path) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        policy.load(str(path))
    assert caught.value.file == str(path)
    return caught.value


def test_a_missing_file_is_refused(site: Site) -> None:
    assert refusal(site.here / "none.yaml").message == "there is no such file"


def test_a_directory_is_refused_with_a_hint(site: Site) -> None:
    error = refusal(site.here)
    assert "directory" in error.message
    assert "name the YAML file in it" in (error.hint or "")


def test_a_fifo_is_refused_without_waiting_for_its_writer(site: Site) -> None:
    os.mkfifo(site.here / "fifo.yaml")
    assert "not a regular file" in refusal(site.here / "fifo.yaml").message


def test_a_device_is_refused() -> None:
    with pytest.raises(PolicyError, match="not a regular file"):
        policy.load("/dev/zero")


def test_a_file_that_fails_to_be_read_is_refused() -> None:
    with pytest.raises(PolicyError, match="can't be read: Input/output error"):
        policy.load("/proc/self/mem")


def test_a_file_over_the_bound_is_refused_and_one_at_the_bound_is_read(site: Site) -> None:
    head = "extends: _base\n#"
    path = site.write("big.yaml", head + "x" * (reading.LARGEST - len(head)))
    assert policy.load(str(path)).name == "big"
    path.write_text(head + "x" * (reading.LARGEST - len(head) + 1))
    assert "larger than 1 MiB" in refusal(path).message


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_an_unreadable_file_is_refused(site: Site) -> None:
    path = site.write("closed.yaml", "extends: _base")
    path.chmod(0)
    assert "Permission denied" in refusal(path).message


def test_a_dangling_link_is_refused(site: Site) -> None:
    (site.here / "link.yaml").symlink_to("nowhere.yaml")
    assert refusal(site.here / "link.yaml").message == "there is no such file"


def test_a_name_longer_than_linux_allows_is_refused(site: Site) -> None:
    assert "too long" in refusal(site.here / ("x" * 300 + ".yaml")).message


def test_a_byte_that_is_not_utf8_is_refused_with_its_place(site: Site) -> None:
    path = site.here / "latin.yaml"
    path.write_bytes("extends: _base\n# äö ".encode() + b"\xe4 rest\n")
    error = refusal(path)
    assert (error.line, error.column) == (2, 6)
    assert "not UTF-8" in error.message


def test_utf16_is_refused(site: Site) -> None:
    path = site.here / "wide.yaml"
    path.write_bytes("extends: _base\n".encode("utf-16"))
    assert "not UTF-8" in refusal(path).message


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\ufeff"])
def test_a_character_that_hides_text_is_refused_even_in_a_comment(site: Site, character: str) -> None:
    path = site.here / "hidden.yaml"
    path.write_text(f"extends: _base\n# note{character}network: host\n")
    error = refusal(path)
    assert f"U+{ord(character):04X}" in error.message
    assert (error.line, error.column) == (2, 7)


def test_a_lone_carriage_return_is_refused_and_crlf_is_not(site: Site) -> None:
    path = site.here / "returns.yaml"
    path.write_bytes(b"extends: _base\r\n# note\r\nnetwork: none\r\n")
    assert policy.load(str(path)).network == "none"
    path.write_bytes(b"extends: _base\n# note\rnetwork: host\n")
    assert "U+000D" in refusal(path).message


def test_a_byte_order_mark_is_passed_over(site: Site) -> None:
    path = site.here / "marked.yaml"
    path.write_bytes(b"\xef\xbb\xbfextends: _base\n")
    assert policy.load(str(path)).network == "none"
