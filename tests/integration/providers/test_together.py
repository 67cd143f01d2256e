"""The whole way of pictures that several providers make, on real processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest_asyncio

from runtime.settings import Settings
from runtime.waiting import until
from tests.fakes.bedrock import Bedrock
from tests.fakes.bedrock_rules import TITAN
from tests.fakes.comfyui import TOKEN, ComfyUi
from tests.fakes.fal import KEY, Fal
from tests.fakes.replicate import Replicate
from tests.integration.gateway.world import Person, World
from tests.integration.providers.claims import Claims
from tests.integration.worker.workers import worker

TIMEOUT_SECONDS = 60.0


@pytest_asyncio.fixture(loop_scope="session")
async def comfy() -> AsyncIterator[ComfyUi]:
    fake = ComfyUi()
    await fake.start()
    yield fake
    await fake.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def bedrock() -> AsyncIterator[Bedrock]:
    fake = Bedrock()
    await fake.start()
    yield fake
    await fake.stop()


async def _asked(person: Person, model: str) -> str:
    answer = await person.ask(model=model, prompt="a boat of theirs [never]", count=1)
    assert answer.status_code == 202, answer.text
    generation_id: str = answer.json()["id"]
    return generation_id


async def _done(person: Person, generation_id: str) -> dict[str, Any]:
    async def ended() -> dict[str, Any] | None:
        found = (await person.get(f"/generations/{generation_id}")).json()
        return found if found.get("status") in {"done", "failed"} else None

    found: dict[str, Any] = await until(ended, TIMEOUT_SECONDS, what="the generation to end")
    return found


async def test_on_offer(world: World) -> None:
    """With their settings their models are listed, with what they make."""
    models = {one["id"]: one for one in (await world.client.get("/models")).json()["items"]}
    for name, provider in (("flux-dev", "fal"), ("studio", "comfyui"), ("titan", "bedrock-titan")):
        assert models[name]["provider"] == provider
        assert set(models[name]["capabilities"]) == {"image", "edit", "variation"}
    assert not {"sdxl", "sdxl-local", "gpt-image"} & models.keys()


async def test_killed(
    person: Person,
    claims: Claims,
    worker_settings: Settings,
    fal: Fal,
    comfy: ComfyUi,
    bedrock: Bedrock,
    api: Replicate,
) -> None:
    """A worker is killed while fal, Replicate and ComfyUI draw: the next one asks for all, none is
    made again; what Bedrock has made before is there.
    """
    settings = msgspec.structs.replace(
        worker_settings,
        fal_key=KEY,
        fal_base_url=fal.base_url,
        comfyui_url=comfy.url,
        comfyui_token=TOKEN,
        bedrock_titan_model=TITAN,
        bedrock_region="us-west-2",
        bedrock_access_key_id="AKIATEST",
        bedrock_secret_access_key="secret",
        bedrock_endpoint_url=bedrock.url,
    )
    before = len(fal.made)
    generations: dict[str, str] = {}

    async def submitted() -> bool:
        found = await claims.execute(
            "SELECT count(*) FROM provider_calls WHERE state = 'submitted'"
            " AND generation_id = ANY($1)",
            [generations[model] for model in ("flux-dev", "flux", "studio")],
        )
        return bool(found == 3)

    async with worker(settings) as first:
        for model in ("flux-dev", "flux", "studio", "titan"):
            generations[model] = await _asked(person, model)
        await until(submitted, TIMEOUT_SECONDS, what="all to be submitted")
        assert (await _done(person, generations["titan"]))["status"] == "done"
        first.kill()
        await first.ended()
    (made,), (ran,), (predicted,) = fal.made[before:], comfy.ran, api.made
    made.status, ran.state, predicted.status = "COMPLETED", "ended", "succeeded"
    await fal.tell(made)
    async with worker(settings):
        found = await asyncio.gather(*[_done(person, one) for one in generations.values()])
    assert [(one["status"], len(one["images"])) for one in found] == [("done", 1)] * 4
    assert (len(fal.made) - before, len(comfy.ran), len(bedrock.made), len(api.made)) == (1,) * 4
    assert fal.told[-1:] == [204]
    assert made.webhook is not None
    assert made.webhook.startswith(claims.world.url)
