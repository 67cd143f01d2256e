"""Pictures that are shared, for the tests that look at them as others do."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import httpx
from PIL import Image, PngImagePlugin

from runtime.waiting import until
from tests.integration.gateway.person import Person
from tests.integration.gateway.world import Gateway, World

PUBLIC = "https://pictures.example"
SECRET_NOTE = "made in the kitchen at home"
PROMPT = 'a "cat" <b>& a dog</b>'
SIZE = (1600, 800)


def png() -> bytes:
    """A picture, larger than what others get, that says more than its pixels."""
    said = PngImagePlugin.PngInfo()
    said.add_text("Comment", SECRET_NOTE)
    out = BytesIO()
    Image.new("RGBA", SIZE, (200, 40, 90, 128)).save(out, "PNG", pnginfo=said)
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
