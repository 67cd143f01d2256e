"""Pictures as files: by an address that saves them, told of once a day."""

from __future__ import annotations

import httpx

from events.sharing import ImageDownloaded
from tests.integration.gateway.log import events_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.test_resources import made
from tests.integration.gateway.world import Person, World


async def told(world: World, person: Person) -> list[ImageDownloaded]:
    events = await events_about(world, person.account_id)
    return [one for one in events if isinstance(one, ImageDownloaded)]


async def test_a_picture_is_saved(world: World, person: Person) -> None:
    """The address saves the original under a name; the fact is told once, however often asked."""
    done = await made(world, person)
    image = done["images"][0]
    answers = [await person.post(f"/images/{image['id']}/download") for _ in range(3)]
    document = answers[0].json()
    assert answers[0].status_code == 200
    assert document["file_name"] == f"pixelpop-{image['id'][:8]}.png"
    assert document["expires_in"] == 86_400
    async with httpx.AsyncClient(trust_env=False) as client:
        saved, shown = await client.get(document["url"]), await client.get(image["url"])
    assert saved.status_code == 200
    assert saved.content == shown.content
    assert saved.headers["Content-Disposition"] == (
        f'attachment; filename="{document["file_name"]}"'
    )
    assert "Content-Disposition" not in shown.headers
    (fact,) = await told(world, person)
    assert (fact.image_id, fact.generation_id) == (image["id"], done["id"])


async def test_what_is_shown_of_a_picture(world: World, person: Person) -> None:
    """A generation shows each preview with its type and size, and both fingerprints."""
    image = (await made(world, person))["images"][0]
    (preview,) = image["previews"]
    assert (preview["content_type"], preview["width"], preview["height"]) == (
        "image/avif",
        512,
        512,
    )
    assert ".avif?" in preview["url"]
    assert image["blurhash"] == "LTC*XgNaD%%L?^R*IUxuDjWBbHoL"
    assert image["near_hash"] == "0f0f4f7fe7a3a21e"


async def test_only_what_is_ones_own(world: World, person: Person) -> None:
    """Another account's picture, and one in the bin, are not there, and nothing is told."""
    image = (await made(world, person))["images"][0]["id"]
    other = await world.person()
    is_problem(await other.post(f"/images/{image}/download"), 404, "not-found")
    await person.delete(f"/images/{image}")
    is_problem(await person.post(f"/images/{image}/download"), 404, "not-found")
    assert await told(world, person) == []
