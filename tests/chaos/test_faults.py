"""The plan of a run: repeatable, and nobody is spared."""

from __future__ import annotations

import random

import pytest

from tests.chaos.faults import SERVER_KINDS, SERVERS, VICTIMS, plan

BETWEEN = (0.1, 0.2)


def test_a_seed_repeats_its_plan() -> None:
    """The same seed plans the same faults at the same instants."""
    first, again = (plan(100, random.Random(7), BETWEEN, servers=True) for _ in range(2))
    assert first == again
    assert first != plan(100, random.Random(8), BETWEEN, servers=True)


@pytest.mark.parametrize("seed", range(20))
def test_everybody_is_killed(seed: int) -> None:
    """A hundred faults kill every process and do everything to every server."""
    planned = plan(100, random.Random(seed), BETWEEN, servers=True)
    assert len(planned) == 100
    assert {one.victim for one in planned if one.kind == "kill"} >= {*VICTIMS, *SERVERS}
    done = {(one.victim, one.kind) for one in planned}
    assert done >= {(victim, kind) for victim in SERVERS for kind in SERVER_KINDS}


@pytest.mark.parametrize("seed", range(20))
def test_the_quick_form_kills_every_process_of_ours(seed: int) -> None:
    """Eight faults without servers hit our six processes, each by a kill, and no server."""
    planned = plan(8, random.Random(seed), BETWEEN, servers=False)
    assert {one.victim for one in planned if one.kind == "kill"} == set(VICTIMS)
    assert len(planned) == 8
