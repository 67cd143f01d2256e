"""One generation, end to end, over HTTP, on the servers and processes that `make run` starts."""

from __future__ import annotations

import io
from typing import Any

import httpx
from PIL import Image

from tests.e2e.conftest import Kept
from tests.e2e.system import System, lines_of, sign_in, wish
from tests.unit.uploads import photos


async def test_a_picture_is_still_there_after_a_restart(system: System, kept: Kept) -> None:
    """Picture, balance and history survive stop and start."""
    if system.starts == 1:
        assert await system.stop() == 0
        assert not any("Traceback" in line for line in system.output)
    await system.up()
    async with httpx.AsyncClient(base_url=system.address, timeout=30) as http:
        await kept.is_there(http)


async def test_a_generation_is_watched_cancelled_binned_and_taken_back(system: System) -> None:
    """The stream ends with the result; the bin gives back; another's generation is not found."""
    await system.up()
    async with httpx.AsyncClient(base_url=system.address, timeout=30) as http:
        me, other = await sign_in(system, http, 1), await sign_in(system, http, 2)
        asked = await http.post(
            "/generations", json=wish(), headers=me | {"Idempotency-Key": "watched"}
        )
        assert asked.status_code == 202, asked.text
        assert asked.json()["queue_position"] == 0
        path = asked.headers["Location"]
        async with http.stream("GET", f"{path}/events", headers=me) as stream:
            seen = await lines_of(stream)
        assert seen
        done = (await http.get(path, headers=me)).json()
        assert done["status"] == "done"
        assert (done["queue_position"], done["eta_seconds"]) == (None, None)
        more = await http.post(
            "/generations", json=wish(), headers=me | {"Idempotency-Key": "expected"}
        )
        assert more.json()["queue_position"] == 0
        assert more.json()["eta_seconds"] >= 1
        assert (await http.get(path, headers=other)).status_code == 404
        late = await http.post(f"{path}/cancel", headers=me)
        assert late.status_code == 409
        gone = await http.delete(path, headers=me)
        assert gone.status_code < 300, gone.text
        token = {"Consistency-Token": gone.headers["Consistency-Token"]}
        shown = (await http.get("/generations", headers=me | token)).json()["items"]
        assert done["id"] not in [item["id"] for item in shown]
        back = await http.post(f"{path}/restore", headers=me)
        assert back.status_code < 300, back.text
        token = {"Consistency-Token": back.headers["Consistency-Token"]}
        shown = (await http.get("/generations", headers=me | token)).json()["items"]
        assert done["id"] in [item["id"] for item in shown]


async def test_a_photo_is_sent_changed_and_varied(system: System) -> None:
    """Upload, complete, edit with a mask, and a variation of what came, each with its picture."""
    await system.up()
    async with httpx.AsyncClient(base_url=system.address, timeout=30) as http:
        me = await sign_in(system, http, 7)
        photo = photos.jpeg(exif=photos.exif(orientation=6))
        mask = photos.encoded(Image.new("RGBA", (80, 120)), "PNG")
        ids = []
        for data, kind in ((photo, "image/jpeg"), (mask, "image/png")):
            asked = {"content_type": kind, "size_bytes": len(data)}
            form = (await http.post("/uploads", json=asked, headers=me)).json()
            sent = await http.post(form["url"], data=form["fields"], files={"file": data})
            assert sent.is_success, sent.text
            done = await http.post(f"/uploads/{form['upload_id']}/complete", headers=me)
            assert done.json()["status"] == "ready", done.text
            ids.append(form["upload_id"])
        edit = {"kind": "edit", "prompt": "snow", "upload_ids": ids[:1], "mask_upload_id": ids[1]}
        edited = await _made(http, me, "edit", edit)
        assert edited["size"] == "1024x1536"  # upright, as the photo is
        parent = edited["images"][0]["id"]
        varied = await _made(http, me, "vary", {"kind": "variation", "parent_image_id": parent})
        for one in (edited, varied):
            picture = Image.open(io.BytesIO((await http.get(one["images"][0]["url"])).content))
            top, bottom = picture.getpixel((512, 200)), picture.getpixel((512, 1200))
            assert picture.size == (1024, 1536)
            assert sum(abs(a - b) for a, b in zip(top, bottom, strict=True)) > 30


async def _made(http: httpx.AsyncClient, me: Any, key: str, body: Any) -> Any:
    headers = me | {"Idempotency-Key": key, "Prefer": "wait=30"}
    made = await http.post("/generations", json=body, headers=headers)
    assert (made.status_code, made.json()["status"]) == (200, "done"), made.text
    return made.json()
