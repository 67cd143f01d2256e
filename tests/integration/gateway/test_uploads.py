"""Photos by HTTP and real object storage: a form, the file, and what becomes of it."""

from __future__ import annotations

import asyncio
from io import BytesIO

import httpx
from PIL import Image

from events.uploads import UploadCompleted
from tests.integration.gateway.log import records_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.sending import complete, form_for, post_form, sent
from tests.integration.gateway.world import Person, World
from tests.unit.uploads import photos


def opened(data: bytes) -> Image.Image:
    """A picture from its bytes."""
    with Image.open(BytesIO(data)) as picture:
        return picture.convert("RGB")


async def test_a_photo_becomes_ours(world: World, person: Person) -> None:
    """Sent by the form and completed, it is a clean picture; twice says the same, told once."""
    data = photos.jpeg(exif=photos.exif(orientation=6))
    form = await form_for(person, data)
    assert (await person.get(f"/uploads/{form['upload_id']}")).json()["status"] == "open"
    is_problem(await complete(person, form["upload_id"]), 409, "upload-missing")
    assert await post_form(form, data) in {200, 201, 204}
    first, second = await asyncio.gather(*(complete(person, form["upload_id"]) for _ in range(2)))
    again = await complete(person, form["upload_id"])
    for one in (first, second, again, await person.get(f"/uploads/{form['upload_id']}")):
        shown = one.json()
        assert one.status_code == 200, one.text
        assert (shown["status"], shown["width"], shown["height"]) == ("ready", 80, 120)
        assert (shown["scan"], shown["content_type"]) == ("unchecked", "image/webp")
    async with httpx.AsyncClient() as client:
        picture = (await client.get(first.json()["url"])).content
    assert photos.PLACE in data
    assert photos.PLACE not in picture
    with Image.open(BytesIO(picture)) as opened:
        assert (opened.format, opened.size, len(opened.getexif())) == ("WEBP", (80, 120), 0)
    assert await world.objects.list(f"incoming/{person.account_id}/") == []
    key = f"uploads/{person.account_id}/{form['upload_id']}.webp"
    assert await world.objects.list(f"uploads/{person.account_id}/") == [key]
    records = await records_about(world, person.account_id)
    told = {one.event_id: one.event for one in records if isinstance(one.event, UploadCompleted)}
    (event,) = told.values()
    assert (event.upload_id, event.object_key) == (form["upload_id"], key)
    assert event.size_bytes == len(picture)


async def test_31_larger_than_the_form(person: Person) -> None:
    """Threat 31: the storage refuses a larger file than the form is for, other keys and types."""
    data = photos.jpeg()
    form = await form_for(person, data)
    assert await post_form(form, data + b"x") in {400, 403, 413}
    other = form["fields"]["key"] + "-other"
    assert await post_form(form, data, key=other) in {400, 403}
    assert await post_form(form, data, **{"Content-Type": "text/html"}) in {400, 403}
    is_problem(await complete(person, form["upload_id"]), 409, "upload-missing")
    answer = await person.post(
        "/uploads", json={"content_type": "image/jpeg", "size_bytes": 20_971_521}
    )
    problem = is_problem(answer, 422, "invalid-request")
    assert problem["errors"][0]["field"] == "size_bytes"


async def test_32_overwritten_after_it_was_looked_at(world: World, person: Person) -> None:
    """Threat 32: who sends another file by the same form, before or after, changes nothing."""
    red = photos.encoded(Image.new("RGB", (64, 64), (255, 0, 0)), "JPEG")
    blue = photos.encoded(Image.new("RGB", (64, 64), (0, 0, 255)), "JPEG")
    form = await form_for(person, red + b"x" * 100)
    await post_form(form, red)
    racing = [complete(person, form["upload_id"]), post_form(form, blue)]
    await asyncio.gather(*racing)
    first = (await complete(person, form["upload_id"])).json()
    key = f"uploads/{person.account_id}/{form['upload_id']}.webp"
    before = await world.objects.get(key)
    await post_form(form, blue if opened(before).getpixel((5, 5))[0] > 128 else red)
    again = (await complete(person, form["upload_id"])).json()
    assert again["status"] == "ready"
    await post_form(form, b"<svg onload='alert(1)'/>")
    again = (await complete(person, form["upload_id"])).json()
    assert (first["status"], again["status"]) == ("ready", "ready")
    keys = await world.objects.list(f"uploads/{person.account_id}/")
    assert keys == [key]
    assert await world.objects.get(key) == before


async def test_33_a_page_called_photo(world: World, person: Person) -> None:
    """Threat 33: what is no photo is refused in words, for good, and deleted."""
    for data, reason in (
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-a-photo"),
        (photos.jpeg() + b"<script>alert(1)</script>", "hidden-content"),
    ):
        form = await form_for(person, data, "image/png")
        await post_form(form, data)
        for _ in range(2):
            answer = await complete(person, form["upload_id"])
            assert is_problem(answer, 422, "upload-refused")["reason"] == reason
        shown = (await person.get(f"/uploads/{form['upload_id']}")).json()
        assert (shown["status"], shown["reason"], shown["url"]) == ("refused", reason, None)
    assert await world.objects.list(f"incoming/{person.account_id}/") == []
    assert await world.objects.list(f"uploads/{person.account_id}/") == []


async def test_too_many(person: Person) -> None:
    """So many photos may be on their way at once; one more is refused with when to come back."""
    data = photos.jpeg()
    for _ in range(10):
        await form_for(person, data)
    answer = await person.post("/uploads", json={"content_type": "image/jpeg", "size_bytes": 1})
    problem = is_problem(answer, 429, "too-many-uploads")
    assert 800 < problem["retry_after"] <= 900
    assert answer.headers["retry-after"] == str(problem["retry_after"])


async def test_17_another_s_upload(world: World, person: Person) -> None:
    """Threat 17: another's upload is not found, and stays as it is."""
    mine = await sent(person, photos.jpeg())
    other = await world.person()
    is_problem(await other.get(f"/uploads/{mine['id']}"), 404, "not-found")
    is_problem(await complete(other, mine["id"]), 404, "not-found")
    assert (await person.get(f"/uploads/{mine['id']}")).json()["status"] == "ready"
