"""Nobody, whatever they are, sees the gateway break the contract that it serves."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from runtime.settings import Settings
from tests.contract.stateful.roles import Town
from tests.contract.stateful.walking import Walk, served, walk
from tests.contract.stateful.world import a_town

EXAMPLES = 2
SCENARIOS = 12
SCENARIOS_OF_THE_SELDOM = 4
SEED = 6
ROLES = (
    "anonymous",
    "user",
    "tma",
    "api-key",
    "api-key-of-one-scope",
    "analyst",
    "auditor",
    "admin",
    "banned",
)
SELDOM_OPEN = frozenset({"anonymous", "banned", "api-key-of-one-scope"})
"""Roles that little opens for; they make nothing that could be followed."""

# schemathesis draws from `random` in places, which only makes a failure harder to repeat.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(servers: Settings, template_url: str) -> AsyncIterator[Town]:
    async with a_town(servers) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def contract(town: Town) -> dict[str, Any]:
    return await asyncio.to_thread(served, town)


async def walked(town: Town, role: str, contract: dict[str, Any], **rest: int) -> Walk:
    bounds = {"examples": EXAMPLES, "scenarios": SCENARIOS, "seed": SEED} | rest
    return await asyncio.to_thread(walk, town, role, contract, **bounds)


def test_every_role_walks(town: Town) -> None:
    """A role that somebody adds walks too."""
    assert set(ROLES) == set(town.roles)


@pytest.mark.parametrize("role", ROLES)
async def test_the_contract_holds_for(town: Town, contract: dict[str, Any], role: str) -> None:
    """No 5xx, no status, content type, header or shape beside the contract, no open door."""
    scenarios = SCENARIOS_OF_THE_SELDOM if role in SELDOM_OPEN else SCENARIOS
    seen = await walked(town, role, contract, scenarios=scenarios)
    told = "\n\n".join(
        f"{one.operation}: {one.title}\n{one.text}" for one in seen.findings.values()
    )
    assert not seen.findings, told
    operations = {
        one["operationId"] for path in contract["paths"].values() for one in path.values()
    }
    assert len({operation for operation, _ in seen.answers}) == len(operations)
    if role not in SELDOM_OPEN:
        assert any(200 <= status < 300 for _, status in seen.followed)


async def test_a_contract_that_lies_is_found_out(town: Town, contract: dict[str, Any]) -> None:
    """The walk finds a status, a field and an open door that the contract does not tell of."""
    lying = copy.deepcopy(contract)
    del lying["paths"]["/generations/{generation_id}"]["get"]["responses"]["404"]
    lying["components"]["schemas"]["CreditsDocument"]["required"] = ["gold"]
    lying["paths"]["/models"]["get"]["security"] = [{"bearer": []}]
    seen = await walked(town, "user", lying, scenarios=0)
    assert {(operation, title) for operation, title in seen.findings} == {
        ("GET /generations/{generation_id}", "Undocumented status code"),
        ("GET /credits", "Response violates schema"),
        ("GET /models", "API accepts requests without authentication"),
    }
