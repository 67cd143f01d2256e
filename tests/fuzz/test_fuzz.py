"""Nobody is accepted who was not made: the short form of `make fuzz`."""

from __future__ import annotations

import importlib.util
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import photos
from tests.fuzz.__main__ import accepted, guided
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import Target, targets

TARGETS = targets()
MUTATIONS = 50_000
RUNS = 1_500
PHOTOS = 1_000


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> Target:
    return TARGETS[request.param]


def test_genuine_credentials_pass(target: Target) -> None:
    """What is mutated does pass the check as it is: a refusal is for the mutation alone."""
    assert target.genuine
    assert all(target.passes(text) and target.is_known(text) for text in target.genuine)
    assert not any(target.passes(text) for text in target.others)


def test_no_mutated_credential_is_accepted(target: Target) -> None:
    """Threats 1 to 9, 11 to 15: whatever is changed in a genuine one, nobody is signed in by it."""
    assert accepted(target, MUTATIONS, seed=4) == []


@given(text=st.text(max_size=300))
def test_no_text_at_all_is_accepted(text: str) -> None:
    """Any text is refused by one of our own errors, and crashes nothing."""
    for target in TARGETS.values():
        assert not target.accepts(text)


@given(seed=st.integers(0, 2**63))
def test_mutations_of_one_seed_are_the_same(seed: int) -> None:
    """What was found once is found again by its seed."""
    for target in TARGETS.values():
        assert mutate(target.material, random.Random(seed)) == mutate(
            target.material, random.Random(seed)
        )


def test_damaged_photos() -> None:
    """Threats 33, 34: a file that is damaged anywhere becomes a picture or is refused in words."""
    drawing, material = random.Random(4), photos.genuine()
    for _ in range(PHOTOS):
        photos.check(photos.damaged(material, drawing))


def test_a_check_that_looks_away_is_found(target: Target) -> None:
    """The fuzzer finds a check that ignores the last character: to find nothing means something."""
    cut = tuple(text[:-1] for text in target.genuine)

    def careless(text: str) -> bool:
        return text[:-1] in cut and text not in target.genuine

    assert accepted(target._replace(passes=careless), MUTATIONS, seed=4)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel here")
def test_coverage_guided_fuzzing_finds_nothing(target: Target) -> None:
    """Inputs that reach new branches are refused as well."""
    status, output = guided(target.name, RUNS, seed=4)
    assert status == 0, output[-4000:]
    assert "stat::number_of_executed_units" in output
