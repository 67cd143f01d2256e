"""Photos by HTTP and real object storage: a form, the file, and what becomes of it."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from PIL import Image

from events.generations import GenerationRequested
from events.uploads import UploadCompleted
from gateway.identity.signed_in import Account
from gateway.uploads.keeping import Rows, Upload
from runtime.waiting import until
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


async def test_removed(world: World, person: Person) -> None:
    """A photo goes at once, begun or complete, and is told of no more; not while it is used."""
    begun = await form_for(person, photos.jpeg())
    await post_form(begun, photos.jpeg())
    used, unused = [(await sent(person, photos.jpeg()))["id"] for _ in range(2)]
    first = (await person.get("/uploads?limit=2")).json()
    assert [one["id"] for one in first["items"]] == [unused, used]
    rest = (await person.get("/uploads", params={"cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in rest["items"]] == [begun["upload_id"]]
    edit = await person.ask(kind="edit", prompt="make it snow", upload_ids=[used])
    is_problem(await person.delete(f"/uploads/{used}"), 409, "upload-in-use")
    other = await world.person()
    is_problem(await other.delete(f"/uploads/{unused}"), 404, "not-found")
    for one in (unused, begun["upload_id"], unused):
        assert (await person.delete(f"/uploads/{one}")).status_code == 204
    for one in (unused, begun["upload_id"]):
        is_problem(await person.get(f"/uploads/{one}"), 410, "upload-over")
        is_problem(await complete(person, one), 410, "upload-over")
        refused = await person.ask(kind="edit", prompt="make it snow", upload_ids=[one])
        is_problem(refused, 422, "upload-unusable")
    kept = [f"uploads/{person.account_id}/{used}.webp"]
    assert await world.objects.list(f"uploads/{person.account_id}/") == kept
    assert await world.objects.list(f"incoming/{person.account_id}/") == []
    assert [one["id"] for one in (await person.get("/uploads")).json()["items"]] == [used]
    await world.fail(person, edit.json()["id"])

    async def is_removed() -> bool:
        return bool((await person.delete(f"/uploads/{used}")).status_code == 204)

    await until(is_removed, 20, what="the photo to be free")
    assert await world.objects.list(f"uploads/{person.account_id}/") == []


async def mask_of(person: Person, size: tuple[int, int]) -> str:
    """The upload of a mask that is open everywhere."""
    data = photos.encoded(Image.new("RGBA", size), "PNG")
    return str((await sent(person, data, "image/png"))["id"])


async def test_an_edit(world: World, person: Person) -> None:
    """A photo and words become an edit: shaped as the photo, priced, the same when repeated."""
    photo = (await sent(person, photos.encoded(photos.halves(size=(600, 400)), "JPEG")))["id"]
    mask = await mask_of(person, (600, 400))
    body = {"kind": "edit", "prompt": " make it snow ", "upload_ids": [photo]}
    first = await person.ask(key="edit", **body, mask_upload_id=mask)
    assert first.status_code == 202, first.text
    shown = first.json()
    assert (shown["kind"], shown["prompt"], shown["size"]) == ("edit", "make it snow", "1536x1024")
    assert (shown["upload_ids"], shown["mask_upload_id"]) == ([photo], mask)
    again = await person.ask(key="edit", **body, mask_upload_id=mask)
    assert again.headers["idempotent-replay"] == "true"
    assert again.json()["id"] == shown["id"]
    is_problem(await person.ask(key="edit", **body), 422, "idempotency-key-reused")
    read = await person.get(
        f"/generations/{shown['id']}",
        headers={"Consistency-Token": first.headers["consistency-token"]},
    )
    told = read.json()
    assert (told["upload_ids"], told["mask_upload_id"]) == ([photo], mask)
    assert told["parent_image_id"] is None
    records = await records_about(world, person.account_id)
    (event,) = [one.event for one in records if isinstance(one.event, GenerationRequested)]
    folder = f"uploads/{person.account_id}"
    assert event.photo_keys == (f"{folder}/{photo}.webp",)
    assert event.mask_key == f"{folder}/{mask}.png"
    is_problem(await person.ask(**(body | {"prompt": "a naked child"})), 422, "prohibited")


async def test_a_variation(world: World, person: Person) -> None:
    """A picture of one's own becomes a variation, also without words; one in the bin does not."""
    made = (await person.ask(size="1024x1536")).json()["id"]
    await world.complete(person, made)

    async def done() -> bool:
        return bool((await person.get(f"/generations/{made}")).json()["status"] == "done")

    await until(done, 20, what="the picture")
    image = (await person.get(f"/generations/{made}")).json()["images"][0]["id"]
    answer = await person.ask_for(kind="variation", parent_image_id=image)
    assert answer.status_code == 202, answer.text
    shown = answer.json()
    assert (shown["kind"], shown["parent_image_id"], shown["prompt"]) == ("variation", image, "")
    assert shown["size"] == "1024x1024"  # as the picture really is
    other = await world.person()
    refused = await other.ask_for(kind="variation", parent_image_id=image)
    is_problem(refused, 404, "not-found")
    await person.delete(f"/images/{image}")

    async def gone() -> bool:
        answer = await person.ask_for(kind="variation", parent_image_id=image)
        return answer.status_code == 404

    await until(gone, 20, what="the picture to be in the bin")


async def test_17_photos_that_cannot_be_used(world: World, person: Person) -> None:
    """Threat 17: another's photo is not found; an unfinished, refused or wrong one is a 422."""
    mine = (await sent(person, photos.jpeg()))["id"]
    other = await world.person()
    yours = (await sent(other, photos.jpeg()))["id"]
    unfinished = (await form_for(person, photos.jpeg()))["upload_id"]
    body = {"kind": "edit", "prompt": "make it snow"}
    for ids, status, code in (
        ([yours], 404, "not-found"),
        ([mine, yours], 404, "not-found"),
        (["6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"], 404, "not-found"),
        ([unfinished], 422, "upload-unusable"),
        ([mine, mine], 422, "invalid-request"),
        ([], 422, "invalid-request"),
        (["http://169.254.169.254/latest/meta-data"], 422, "invalid-request"),
    ):
        is_problem(await person.ask(**body, upload_ids=ids), status, code)
    small = await mask_of(person, (64, 64))
    for mask in (mine, small):
        refused = await person.ask(**body, upload_ids=[mine], mask_upload_id=mask)
        problem = is_problem(refused, 422, "invalid-request")
        assert problem["errors"][0]["field"] == "mask_upload_id"
    assert (await person.get("/credits")).json()["available"] == 5


async def test_its_row_goes_meanwhile(
    world: World, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo whose row goes while it is drawn leaves no object behind."""
    form = await form_for(person, photos.jpeg())
    await post_form(form, photos.jpeg())
    finish = Rows.finish

    async def late(rows: Rows, account: Account, upload_id: UUID, *rest: Any) -> Upload:
        connection = await asyncpg.connect(world.database.owner_url)
        await connection.execute("DELETE FROM uploads WHERE upload_id = $1", upload_id)
        await connection.close()
        return await finish(rows, account, upload_id, *rest)

    monkeypatch.setattr(Rows, "finish", late)
    is_problem(await complete(person, form["upload_id"]), 404, "not-found")
    assert await world.objects.list(f"uploads/{person.account_id}/") == []
