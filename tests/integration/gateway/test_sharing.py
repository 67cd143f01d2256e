"""Links to pictures: what others see by them, and all the ways in which they end."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
from PIL import Image, PngImagePlugin

from events.codec import encode
from events.sharing import ImageShared, ShareRevoked
from gateway.sharing.codes import hash_of
from runtime.waiting import until
from tests.integration.gateway.log import events_about
from tests.integration.gateway.person import Person
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.world import Gateway, World, another_gateway

PUBLIC = "https://pictures.example"
LINKS_MAX = 3
SECRET_NOTE = "made in the kitchen at home"
PROMPT = 'a "cat" <b>& a dog</b>'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(world: World) -> AsyncIterator[Gateway]:
    """A gateway that people reach under an address of their own."""
    async with another_gateway(world, public_url=PUBLIC, share_links_max=LINKS_MAX) as one:
        yield one


def png() -> bytes:
    """A picture, larger than what others get, that says more than its pixels."""
    said = PngImagePlugin.PngInfo()
    said.add_text("Comment", SECRET_NOTE)
    out = BytesIO()
    Image.new("RGBA", (1600, 800), (200, 40, 90, 128)).save(out, "PNG", pnginfo=said)
    return out.getvalue()


async def finished(world: World, person: Person, count: int = 1, **body: Any) -> Any:
    """A generation with pictures."""
    asked = (await person.ask(prompt=PROMPT, count=count, **body)).json()
    for index in range(count):
        key = f"generations/{person.account_id}/{asked['id']}/{index}.png"
        await world.objects.put_if_absent(key, png(), "image/png")
    await world.complete(person, asked["id"], count)

    async def done() -> Any:
        document = (await person.get(f"/generations/{asked['id']}")).json()
        return document if document["status"] == "done" else None

    return await until(done, 20, what="the generation to be done")


async def share(door: Gateway, person: Person, generation: Any, **body: Any) -> Any:
    answer = await door.client.post(
        f"/generations/{generation['id']}/share", json=body, headers=person.authorization
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["share"]


async def open_page(door: Gateway, code: str, **headers: str) -> httpx.Response:
    return await door.client.get(f"/s/{code}", headers=headers)


async def is_open(door: Gateway, code: str) -> bool:
    """Whether page, picture and document are there; they agree."""
    answers = [
        (await door.client.get(path)).status_code
        for path in (f"/s/{code}", f"/s/{code}/photo.jpg", f"/shared/{code}")
    ]
    assert answers in ([200] * 3, [404] * 3), answers
    return answers[0] == 200


async def test_a_link_shows_the_picture(world: World, door: Gateway, person: Person) -> None:
    """Anybody sees it with its look, not whose it is or the words; previews are told where it is."""
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


async def test_a_link_that_was_taken_back_is_closed(
    world: World, door: Gateway, person: Person
) -> None:
    """At once, in every gateway; twice is no mistake; only its owner can."""
    made = await share(door, person, await finished(world, person))
    assert await is_open(door, made["code"])
    stranger = await world.person()
    assert is_problem(await stranger.delete(f"/shares/{made['id']}"), 404, "not-found")
    assert await is_open(door, made["code"])
    for _ in range(2):
        assert (await person.delete(f"/shares/{made['id']}")).status_code == 204
        assert not await is_open(door, made["code"])
    assert (await person.get("/shares")).json()["items"] == []


@pytest.mark.parametrize("what", ["generation", "image"])
async def test_a_link_ends_with_its_picture(
    world: World, door: Gateway, person: Person, what: str
) -> None:
    """It is closed when the picture goes to the bin, and stays so when it comes back out."""
    generation = await finished(world, person, count=2)
    made = await share(door, person, generation)
    kept = await share(door, person, generation, image_id=generation["images"][1]["id"])
    images = f"/images/{generation['images'][0]['id']}"
    path = f"/generations/{generation['id']}" if what == "generation" else images
    assert (await person.delete(path)).status_code == 204
    assert not await is_open(door, made["code"])
    assert await is_open(door, kept["code"]) is (what == "image")
    assert (await person.post(f"{path}/restore")).status_code == 204
    assert not await is_open(door, made["code"])


async def test_a_picture_in_the_bin_is_not_shown(
    world: World, door: Gateway, person: Person
) -> None:
    """Though its link were still open: another deleted it, and only the log knows."""
    generation = await finished(world, person)
    made = await share(door, person, generation)
    owner = await asyncpg.connect(world.database.owner_url)
    try:
        await person.delete(f"/generations/{generation['id']}")
        reopen = "UPDATE shares SET revoked_at = NULL WHERE share_id = $1"
        await owner.execute(reopen, UUID(made["id"]))
    finally:
        await owner.close()

    async def closed() -> bool:
        return not await is_open(door, made["code"])

    await until(closed, 10, what="the read models to know")


async def test_a_link_ends_by_itself(world: World, door: Gateway, person: Person) -> None:
    """On its day, and not for longer than may be asked for."""
    generation = await finished(world, person)
    made = await share(door, person, generation, expires_in_days=7)
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < ends < timedelta(days=7, hours=1)
    owner = await asyncpg.connect(world.database.owner_url)
    try:
        past = "UPDATE shares SET expires_at = now() - interval '1 second' WHERE share_id = $1"
        await owner.execute(past, UUID(made["id"]))
    finally:
        await owner.close()
    assert not await is_open(door, made["code"])
    path = f"/generations/{generation['id']}/share"
    late = await person.post(path, json={"expires_in_days": 3000})
    assert is_problem(late, 422, "invalid-request")


async def test_a_link_ends_with_its_owner(
    world: World, door: Gateway, person: Person, admin: Person
) -> None:
    """An erased account shows nothing from that moment on; a banned one while it is."""
    made = await share(door, person, await finished(world, person))
    ban = f"/admin/accounts/{person.account_id}"
    assert (await admin.post(f"{ban}/ban", json={"reason": "spam"})).status_code < 300
    assert not await is_open(door, made["code"])
    assert (await admin.post(f"{ban}/unban", json={"reason": "sorry"})).status_code < 300
    assert await is_open(door, made["code"])
    assert (await person.delete("/me")).status_code < 300
    assert not await is_open(door, made["code"])


async def test_what_cannot_be_shared(world: World, door: Gateway, person: Person) -> None:
    """What is not made yet, what is in the bin, what is another's, and more than there may be."""
    pending = (await person.ask()).json()
    path = f"/generations/{pending['id']}/share"
    assert is_problem(await person.post(path, json={}), 409, "nothing-to-share")
    generation = await finished(world, person, count=2)
    path = f"/generations/{generation['id']}/share"
    stranger = await world.person()
    assert is_problem(await stranger.post(path, json={}), 404, "not-found")
    wrong = {"image_id": pending["id"]}
    assert is_problem(await person.post(path, json=wrong), 404, "not-found")
    for days in range(1, 3 * LINKS_MAX, 3):
        await share(door, person, generation, expires_in_days=days)
    full = await door.client.post(path, json={"expires_in_days": 100}, headers=person.authorization)
    assert is_problem(full, 409, "too-many-shares")
    await person.delete(f"/generations/{generation['id']}")
    assert is_problem(await person.post(path, json={}), 409, "nothing-to-share")


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
