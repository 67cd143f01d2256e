"""Links to pictures: what others see by them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from io import BytesIO
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from PIL import Image

from events.codec import encode
from events.sharing import ImageShared, ShareRevoked
from gateway.sharing.codes import hash_of
from tests.integration.gateway.log import events_about
from tests.integration.gateway.person import Person
from tests.integration.gateway.shared_pictures import (
    PROMPT,
    PUBLIC,
    SECRET_NOTE,
    finished,
    open_page,
    share,
)
from tests.integration.gateway.world import Gateway, World, another_gateway


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(world: World) -> AsyncIterator[Gateway]:
    """A gateway that people reach under an address of their own."""
    async with another_gateway(world, public_url=PUBLIC) as one:
        yield one


async def test_a_link_shows_the_picture(world: World, door: Gateway, person: Person) -> None:
    """Anybody sees it and its look, not whose it is or the words; previews are told where it is."""
    generation = await finished(world, person)
    made = await share(door, person, generation)
    assert made["url"] == f"{PUBLIC}/s/{made['code']}"
    page = await open_page(door, made["code"])
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<meta property="og:image" content="{PUBLIC}/s/{made["code"]}/photo.jpg">' in page.text
    assert f'<img src="/s/{made["code"]}/photo.jpg"' in page.text
    for secret in (person.account_id, generation["id"], made["id"], "Ada", "cat"):
        assert secret not in page.text
    document = (await door.client.get(f"/shared/{made['code']}")).json()
    assert document["prompt"] is None
    assert document["style_id"] == generation["style_id"]
    assert document["expires_at"] == made["expires_at"]


async def test_the_page_needs_and_runs_no_script(
    world: World, door: Gateway, person: Person
) -> None:
    """Its policy allows its one style and pictures from here, and nothing else; nobody keeps it."""
    made = await share(door, person, await finished(world, person))
    page = await open_page(door, made["code"])
    policy = page.headers["content-security-policy"]
    assert re.fullmatch(
        r"default-src 'none'; img-src 'self'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; "
        r"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        policy,
    )
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "noindex" in page.headers["x-robots-tag"]
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_others_get_pixels_only(world: World, door: Gateway, person: Person) -> None:
    """The picture is a JPEG of moderate size; what its file said beside the pixels is gone."""
    made = await share(door, person, await finished(world, person))
    answer = await door.client.get(f"/s/{made['code']}/photo.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=60"
    with Image.open(BytesIO(answer.content)) as photo:
        assert (photo.format, photo.size) == ("JPEG", (1280, 640))
    assert SECRET_NOTE.encode() not in answer.content


async def test_the_prompt_is_shown_if_its_owner_agrees(
    world: World, door: Gateway, person: Person
) -> None:
    """Then it stands on the page, as text whatever is in it, and fills in who makes one like it."""
    made = await share(door, person, await finished(world, person), show_prompt=True)
    page = await open_page(door, made["code"])
    assert "a &quot;cat&quot; &lt;b&gt;&amp; a dog&lt;/b&gt;" in page.text
    assert "<b>" not in page.text
    assert f"{PUBLIC}/?share={made['code']}" in page.text
    assert (await door.client.get(f"/shared/{made['code']}")).json()["prompt"] == PROMPT


async def test_the_page_speaks_their_language(world: World, door: Gateway, person: Person) -> None:
    """By what the browser prefers; also the page of a link that ended."""
    made = await share(door, person, await finished(world, person))
    russian = {"Accept-Language": "de, ru-RU;q=0.9, en;q=0.1"}
    assert "Сделать свою" in (await open_page(door, made["code"], **russian)).text
    assert "Make yours" in (await open_page(door, made["code"])).text
    assert "ничего нет" in (await open_page(door, "x" * 22, **russian)).text


async def test_asked_twice_it_is_one_link(world: World, door: Gateway, person: Person) -> None:
    """The same again is the same link; one that shows more is another."""
    generation = await finished(world, person, count=2)
    made = await share(door, person, generation)
    assert await share(door, person, generation) == made
    told = await share(door, person, generation, show_prompt=True)
    second = await share(door, person, generation, image_id=generation["images"][1]["id"])
    assert len({made["id"], told["id"], second["id"]}) == 3
    listed = await door.client.get("/shares", headers=person.authorization)
    assert listed.json() == {"items": [second, told, made], "next_cursor": None}


async def test_links_are_listed_page_by_page(world: World, door: Gateway, person: Person) -> None:
    """Newest first, each once; by generation too."""
    one, other = await finished(world, person), await finished(world, person)
    first = await share(door, person, one)
    second = await share(door, person, other)
    third = await share(door, person, other, show_prompt=True)
    found, cursor = [], None
    while cursor or not found:
        query = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = await door.client.get("/shares", params=query, headers=person.authorization)
        found += page.json()["items"]
        cursor = page.json()["next_cursor"]
    assert found == [third, second, first]
    only = {"generation_id": one["id"]}
    mine = await door.client.get("/shares", params=only, headers=person.authorization)
    assert mine.json()["items"] == [first]


async def test_the_log_knows_of_links_and_cannot_open_them(
    world: World, door: Gateway, person: Person
) -> None:
    """What was shared, for how long, and that it was taken back; no code, nor in the database."""
    generation = await finished(world, person)
    made = await share(door, person, generation, show_prompt=True)
    await person.delete(f"/shares/{made['id']}")
    events = await events_about(world, person.account_id)
    shared, revoked = (one for one in events if isinstance(one, ImageShared | ShareRevoked))
    assert isinstance(shared, ImageShared)
    assert isinstance(revoked, ShareRevoked)
    assert shared.share_id == revoked.share_id == made["id"]
    assert (shared.generation_id, shared.image_id) == (generation["id"], made["image_id"])
    assert (shared.via, shared.shows_prompt) == ("link", True)
    assert not any(made["code"].encode() in encode(one) for one in events)
    owner = await asyncpg.connect(world.database.owner_url)
    try:
        row = await owner.fetchrow(
            "SELECT *, shares::text AS all_of_it FROM shares WHERE share_id = $1",
            UUID(made["id"]),
        )
    finally:
        await owner.close()
    assert row is not None
    assert row["code_hash"] == hash_of(made["code"])
    assert made["code"] not in row["all_of_it"]


@pytest.mark.parametrize("code", ["", "x", "x" * 22, "x" * 5000, "../../etc/passwd", "%00" * 22])
async def test_made_up_codes_open_nothing(door: Gateway, code: str) -> None:
    """Whatever they look like."""
    assert (await open_page(door, code)).status_code in {404, 414}
    assert (await door.client.get(f"/shared/{code}")).status_code in {404, 414}
