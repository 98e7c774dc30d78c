"""Loading by name and path, and finding the policy of a language."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from sandbox_cli import policy
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import chain
from sandbox_cli.policy.document import document

if TYPE_CHECKING:
    from tests.policy.conftest import Site


def refusal(name: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        policy.load(name)
    return caught.value


def test_a_policy_is_named_for_its_file(site: Site) -> None:
    assert policy.load("python").name == "python"
    assert policy.load(str(site.write("my-own.yaml", "extends: _base"))).name == "my-own"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("pyton", "did you mean `python`?"), ("py", "did you mean `python`?"), ("PYTHON", "did you mean `python`?")],
)
def test_an_unknown_name_gets_the_nearest(site: Site, name: str, hint: str) -> None:
    error = refusal(name)
    assert error.message == f"there is no policy {name!r}"
    assert error.hint == hint
    assert error.file is None


def test_a_file_of_that_name_here_is_hinted_at_and_not_used(site: Site) -> None:
    site.write("secret", "extends: _base")
    assert refusal("secret").hint == "for the file here write ./secret"
    site.write("mine.yaml", "extends: _base")
    assert refusal("mine").hint == "for the file here write ./mine.yaml"


@pytest.mark.parametrize("name", ["a\0b", "./a\0b.yaml"])
def test_a_nul_in_a_name_is_refused(name: str) -> None:
    assert "NUL" in refusal(name).message


def test_a_language_is_found_by_name_alias_and_extension(site: Site) -> None:
    index = policy.language_index()
    for word in ("python", "py", "python3", ".py"):
        assert index[word] == "python"
    assert index[".js"] == index["nodejs"] == "node"
    assert "_base" not in index
    assert "command" not in index


def test_a_policy_derived_from_a_language_takes_nothing_over(site: Site) -> None:
    site.write("aaa-python.yaml", "extends: python\nlanguage: {+aliases: [fast]}", "user")
    index = policy.language_index()
    assert index[".py"] == index["py"] == "python"
    assert "aaa-python" not in index
    assert "fast" not in index


def test_a_policy_of_the_same_name_replaces_the_language(site: Site) -> None:
    site.write("python.yaml", "extends: python\nlanguage: {+aliases: [snake]}", "user")
    assert policy.language_index()["snake"] == "python"
    assert policy.load(policy.language_index()["snake"]).files[0] == str(site.user / "policies" / "python.yaml")


def test_a_new_language_can_rest_on_another(site: Site) -> None:
    site.write("coffee.yaml", "extends: node\nlanguage: {name: coffee, aliases: [cafe], extensions: [.coffee]}", "user")
    index = policy.language_index()
    assert index["cafe"] == index[".coffee"] == index["coffee"] == "coffee"
    assert index[".js"] == "node"


def test_a_name_comes_before_an_alias_and_the_system_before_the_user(site: Site) -> None:
    language = "extends: _base\nlanguage: {{file: f, run: [x], aliases: [{}], extensions: [.zz]}}"
    site.write("aa.yaml", language.format("perl"), "user")
    site.write("bb.yaml", language.format("sh"), "system")
    index = policy.language_index()
    assert (index["perl"], index["sh"]) == ("perl", "sh")
    assert index[".zz"] == "bb"


def test_a_broken_policy_spoils_no_other_and_says_why_when_it_is_loaded(site: Site) -> None:
    path = site.write("broken.yaml", "limits: 5", "user")
    index = policy.language_index()
    assert index[".py"] == "python"
    assert refusal(index["broken"]).file == str(path)


def test_no_file_is_read_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write("mine.yaml", "extends: _base\n# only to be read here", "user")
    read: list[str] = []
    real = vars(chain)["policy_layer"]

    def noted(text: str, file: str) -> object:
        read.append(file)
        return real(text, file)

    chain._read.cache_clear()
    monkeypatch.setattr(chain, "policy_layer", noted)
    policy.language_index()
    policy.load("mine")
    policy.load("python")
    assert len(read) == len(set(read)) == len(policy.available())


def test_finding_a_language_takes_a_few_milliseconds(site: Site) -> None:
    chain._read.cache_clear()
    started = time.process_time()
    policy.language_index()
    assert time.process_time() - started < 0.2  # 3 ms on the slowest machine that it was tried on


pieces = some.sampled_from(
    [
        "limits", "memory", ": ", "{", "}", "[", "]", ", ", "\n", "\n  ", "- ", "512MiB", "none", "null", "true", "&a ",
        "*a", "!!str ", "'", '"', "|\n", "extends", "_base", "filesystem", "/usr", "ro", "{{ file }}", "#", "language",
        "run", "+deny", "syscalls", "deny", "network", "allow", "a:1", "\\x00", "---\n", "<<", "\t", "require", "ä",
    ]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    some.one_of(some.binary(max_size=300), some.lists(pieces, max_size=25).map(lambda parts: "".join(parts).encode()))
)
@example(b"\xff\xfe")
@example(b"%TAG ! tag:x,2000:\n---\n!a b")
@example(b'language: {run: ["\\uD800"]}')
@example(b'"\\uD800": x')
@example(b"extends: './\\0'")
@example(b'extends: "./\\0"')
def test_any_bytes_give_a_policy_or_a_policy_error(site: Site, data: bytes) -> None:
    path = site.here / "random.yaml"
    path.write_bytes(data)
    with contextlib.suppress(PolicyError):
        loaded = policy.load(str(path))
        assert document(loaded)["version"] == 1


# A policy of random, valid clauses, as the YAML of its document.
limits = some.one_of(
    some.just("none"),
    some.tuples(some.integers(1, 99), some.integers(1, 99)).map(
        lambda pair: f"{{default: {min(pair)}MiB, max: {max(pair)}MiB}}"
    ),
)
mounts = some.sampled_from(["ro", "rw", "tmpfs", "{from: /srv}", "{symlink: x}", "{optional: true}"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    some.dictionaries(some.sampled_from(["memory", "output", "tmp_size"]), limits),
    some.dictionaries(some.sampled_from(["/usr", "/a", "/a/b", "/etc/x y"]), mounts),
    some.dictionaries(some.text("ab.- _", min_size=1, max_size=4), some.text("xyz\"'\\ äß{}", max_size=6)),
)
def test_the_document_of_any_policy_loads_again_with_the_same_digest(
    site: Site, limits: dict[str, str], mounts: dict[str, str], environment: dict[str, str]
) -> None:
    import json

    said = ", ".join(f"{json.dumps(path)}: {mount}" for path, mount in mounts.items())
    bounded = ", ".join(f"{name}: {limit}" for name, limit in limits.items())
    text = f"limits: {{{bounded}}}\nfilesystem: {{{said}}}\nenvironment: {json.dumps(environment)}"
    try:
        loaded = site.load(text)
    except PolicyError as error:
        assert "template" in error.message or "no variable" in error.message
        return
    again = site.load(json.dumps(document(loaded)))
    assert again.digest == loaded.digest
    assert document(again) == document(loaded)
