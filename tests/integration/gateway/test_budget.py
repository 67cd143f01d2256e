"""What providers cost is told by day, and ceilings of a day refuse before anything is reserved."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from events.generations import GenerationCompleted, ProviderCallUncertain
from events.ids import GenerationId, fact_id
from runtime.waiting import until
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Person, World, another_gateway

DOLLAR = 1_000_000


async def test_a_day_that_costs_too_much(world: World, admin: Person, person: Person) -> None:
    """Told twice, it is counted once; what is uncertain counts; at the ceiling the paid model is
    refused in words, and nothing is reserved; what costs nothing is made.
    """
    generation_id = GenerationId(str(uuid4()))
    about: dict[str, Any] = {
        "account_id": person.account_id,
        "occurred_at_ms": 1,
        "generation_id": generation_id,
        "provider": "openai",
        "model": "gpt-image",
    }
    lost = ProviderCallUncertain(**about, attempt=1, cost_micros=DOLLAR)
    late = GenerationCompleted(**about, images=(), cost_micros=2 * DOLLAR, made_ms=8_000)
    for _ in range(2):
        await world.append(lost, fact_id(generation_id, "uncertain:1"))
        await world.append(late, fact_id(generation_id, "completed"))

    async def spent() -> list[dict[str, Any]]:
        shown = (await admin.get("/admin/spending?days=1")).json()["items"]
        return [one for one in shown if one["model"] == "gpt-image" and one["results"]]

    (row,) = await until(spent, 20, what="the spend to be shown")
    assert (row["provider"], row["results"], row["uncertain_calls"]) == ("openai", 1, 1)
    assert (row["cost_micros"], row["uncertain_micros"]) == (2 * DOLLAR, DOLLAR)
    is_problem(await person.get("/admin/spending"), 403, "role-missing")

    changes: dict[str, Any] = {"openai_api_key": "sk-test", "budget_usd_by_provider": "openai=3"}
    async with another_gateway(world, **changes) as gateway:
        headers = person.authorization

        async def asked(model: str) -> Any:
            body = {"prompt": "a lighthouse", "model": model}
            key = {"Idempotency-Key": str(uuid4())}
            return await gateway.client.post("/generations", json=body, headers=headers | key)

        refused = await asked("gpt-image")
        is_problem(refused, 422, "unavailable")
        assert "today" in refused.json()["detail"]
        assert (await asked("preview")).status_code == 202
        models = (await gateway.client.get("/models")).json()["items"]
        medians = {one["id"]: one["median_seconds"] for one in models}
        assert medians["gpt-image"] == 8.0
        told = (await gateway.client.get("/metrics")).text
        assert 'pixelpop_gateway_spend_alert{provider="openai"} 1.0' in told
