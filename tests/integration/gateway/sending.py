"""Sending photos as the MiniApp does: by the form, straight to object storage."""

from __future__ import annotations

from typing import Any

import httpx

from tests.integration.gateway.person import Person


async def form_for(person: Person, data: bytes, content_type: str = "image/jpeg") -> Any:
    """A form for a file of this size."""
    asked = {"content_type": content_type, "size_bytes": len(data)}
    answer = await person.post("/uploads", json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def post_form(form: Any, data: bytes, **fields: str) -> int:
    """Fill it in and send it; the status of the storage's answer."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            form["url"], data={**form["fields"], **fields}, files={"file": ("my photo.jpg", data)}
        )
    return answer.status_code


async def complete(person: Person, upload_id: str) -> httpx.Response:
    """Say that it was sent."""
    return await person.post(f"/uploads/{upload_id}/complete")


async def sent(person: Person, data: bytes, content_type: str = "image/jpeg") -> Any:
    """Send a photo and complete it."""
    form = await form_for(person, data, content_type)
    assert await post_form(form, data) in {200, 201, 204}
    answer = await complete(person, form["upload_id"])
    assert answer.status_code == 200, answer.text
    return answer.json()
