"""What is due about grants is looked for again and again, whatever happened the last time."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from gateway.grants.keeping import keep
from runtime.errors import PixelpopError


@pytest.mark.parametrize("error", [PixelpopError("away"), RuntimeError("nobody thought of it")])
async def test_a_turn_that_fails_ends_nothing(error: Exception) -> None:
    """It is counted and taken again, and the others are taken all the same."""
    twice = asyncio.Event()
    taken: list[str] = []

    async def fails() -> int:
        taken.append("fails")
        raise error

    async def works() -> int:
        taken.append("works")
        if taken.count("works") == 2:
            twice.set()
        return 1

    def failed() -> float:
        return REGISTRY.get_sample_value(name, {"about": "fails"}) or 0.0

    name = "pixelpop_gateway_grants_failed_total"
    before = failed()
    keeping = asyncio.create_task(keep({"fails": fails, "works": works}, 0))
    try:
        await asyncio.wait_for(twice.wait(), 10)
    finally:
        keeping.cancel()
    assert taken[:4] == ["fails", "works", "fails", "works"]
    assert failed() >= before + 2
