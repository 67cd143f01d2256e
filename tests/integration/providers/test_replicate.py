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


async def _asked(person: Person, prompt: str) -> str:
    answer = await person.ask(model="flux", prompt=prompt, count=2)
    assert answer.status_code == 202, answer.text
    generation_id: str = answer.json()["id"]
    return generation_id


async def test_flux_is_on_offer_where_there_is_a_token(world: World) -> None:
    """With `REPLICATE_API_TOKEN` the model `flux` is listed, with its price."""
    models = {one["id"]: one for one in (await world.client.get("/models")).json()["items"]}
    assert models["flux"]["provider"] == "replicate"
    assert models["flux"]["credits_per_image"]["standard"] == 1
    assert "gpt-image" not in models


async def test_a_picture_is_made_and_its_webhook_heard(
    person: Person, claims: Claims, api: Replicate, worker_settings: Settings
) -> None:
    """From the request to the picture, with one paid prediction; it is told twice, heard once."""
    api.tellings = 2
    async with worker(worker_settings):
        generation_id = await _asked(person, "a boat [slow:1]")
        found = await _done(person, generation_id)
        await until(lambda: len(api.told) == 2, 10, what="the webhooks to be answered")
    assert (found["status"], found["provider"], len(found["images"])) == ("done", "replicate", 2)
    assert found["credits"]["captured"] == 2
    assert len(api.made) == 1
    assert api.told == [204, 204]


async def test_a_worker_that_is_killed_after_it_submitted_is_followed_by_one_that_asks(
    person: Person, claims: Claims, api: Replicate, worker_settings: Settings
) -> None:
    """The next worker asks for the prediction by its reference; it is paid once."""
    generation_id = ""

    async def submitted() -> bool:
        return await claims.execute(
            "SELECT state = 'submitted' FROM provider_calls WHERE generation_id = $1",
            generation_id,
        )

    async with worker(worker_settings) as first:
        generation_id = await _asked(person, "a boat [slow:6]")
        await until(submitted, 30, what="the prediction to be submitted")
        first.kill()
        await first.ended()
    async with worker(worker_settings):
        found = await _done(person, generation_id)
    assert (found["status"], len(found["images"])) == ("done", 2)
    assert len(api.made) == 1


async def test_without_a_public_address_it_is_asked_for(
    person: Person, claims: Claims, api: Replicate, worker_settings: Settings
) -> None:
    """No webhook is asked for where none could come, and the picture is made all the same."""
    async with worker(worker_settings, public_url=None):
        found = await _done(person, await _asked(person, "a boat"))
    assert found["status"] == "done"
    assert [one.webhook for one in api.made] == [None]


async def test_a_lost_answer_is_on_the_books_and_followed_by_one_more_call(
    person: Person, claims: Claims, api: Replicate, worker_settings: Settings
) -> None:
    """A submission whose answer is lost may have been paid: two calls at most, both claimed."""
    async with worker(worker_settings):
        generation_id = await _asked(person, "a boat [drop]")
        found = await _done(person, generation_id)
    assert found["status"] == "done"
    assert len(api.made) == 2
    assert await claims.execute(
        "SELECT uncertain FROM provider_calls WHERE generation_id = $1 AND attempt = 2",
        generation_id,
    )


async def test_a_refused_prompt_costs_nothing(
    person: Person, claims: Claims, api: Replicate, worker_settings: Settings
) -> None:
    """What the model will not draw is told to the person, and the credits return."""
    async with worker(worker_settings):
        found = await _done(person, await _asked(person, "a boat [nsfw]"))
    assert (found["status"], found["error"]["code"]) == ("failed", "provider_refused")


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
