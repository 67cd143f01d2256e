"""The whole way of a picture that Replicate makes, on real processes."""

from __future__ import annotations

from typing import Any

from runtime.settings import Settings
from runtime.waiting import until
from tests.fakes.replicate import Replicate
from tests.integration.gateway.world import Person, World
from tests.integration.providers.claims import Claim, Claims
from tests.integration.worker.workers import worker

TIMEOUT_SECONDS = 40.0


async def _done(person: Person, generation_id: str) -> dict[str, Any]:
    """Wait until it has ended; returns it."""

    async def ended() -> dict[str, Any] | None:
        found = (await person.get(f"/generations/{generation_id}")).json()
        return found if found.get("status") in {"done", "failed"} else None

    found: dict[str, Any] = await until(ended, TIMEOUT_SECONDS, what="the generation to end")
    return found


async def _asked(person: Person, prompt: str, count: int = 1) -> str:
    answer = await person.ask(model="flux", prompt=prompt, count=count)
    assert answer.status_code == 202, answer.text
    generation_id: str = answer.json()["id"]
    return generation_id


async def test_flux_is_on_offer_where_there_is_a_token(world: World) -> None:
    """With `REPLICATE_API_TOKEN` the model `flux` is listed, with its price."""
    models = {one["id"]: one for one in (await world.client.get("/models")).json()["items"]}
    assert models["flux"]["provider"] == "replicate"
    assert models["flux"]["credits_per_image"]["standard"] == 1
    assert "gpt-image" not in models


async def test_the_whole_way(
    person: Person, claims: Claims, api: Replicate, worker_settings: Settings
) -> None:
    """From the request to the picture, with one paid prediction; it is told twice, heard once.

    A submission whose answer is lost may have been paid: two calls at most, both claimed. What the
    model will not draw is told to the person, and the credits return.
    """
    api.tellings = 2
    async with worker(worker_settings):
        generation_id = await _asked(person, "a boat [slow:1]", count=2)
        found = await _done(person, generation_id)
        await until(lambda: len(api.told) == 2, 10, what="the webhooks to be answered")
        made = len(api.made)
        lost = await _done(person, await _asked(person, "another boat [drop]"))
        refused = await _done(person, await _asked(person, "a third boat [nsfw]"))
    assert (found["status"], found["provider"], len(found["images"])) == ("done", "replicate", 2)
    assert found["credits"]["captured"] == 2
    assert (made, api.told[:2]) == (1, [204, 204])
    assert (lost["status"], len(api.made)) == ("done", 4)
    assert await claims.execute(
        "SELECT uncertain FROM provider_calls WHERE generation_id = $1 AND attempt = 2", lost["id"]
    )
    assert (refused["status"], refused["error"]["code"]) == ("failed", "provider_refused")


async def test_a_prediction_that_has_ended_before_it_was_noted_is_found_by_asking(
    claims: Claims,
) -> None:
    """A webhook that overtakes the answer to the submission is refused, so that it comes again."""
    claim = await claims.submitted(state="submitting", reference=None)
    assert (await claims.send(claim)).status_code == 404
    await claims.execute(
        "UPDATE provider_calls SET state = 'submitted', provider_ref = $2 WHERE generation_id = $1",
        claim.generation_id,
        claim.reference,
    )
    assert (await claims.send(Claim(claim.generation_id, claim.reference))).status_code == 204
    assert await claims.news(claim) == 1
