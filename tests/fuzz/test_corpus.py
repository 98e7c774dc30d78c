"""What fuzzing once found, and where it begins: every input that is kept is tried again, without atheris."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz import policies
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")


@pytest.mark.parametrize("name", list(TARGETS))
def test_every_input_that_is_kept_is_taken(name: str) -> None:
    target = TARGETS[name]
    for path in sorted((CORPUS / name).iterdir()):
        target.check(path.read_bytes())
    for seed in target.seeds():
        target.check(seed)
    target.check(b"")


def test_policies_that_were_torn_and_mixed_are_understood_or_refused() -> None:
    chance = random.Random(1)
    data = b""
    for _ in range(100):
        data = policies.mutated(data if chance.random() < 0.5 else b"", chance, 4000)
        policies.policy(data)


def test_the_corpus_is_small_and_each_folder_of_it_is_a_targets() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} <= TARGETS.keys()
    assert sum(path.stat().st_size for path in files) < 200_000
