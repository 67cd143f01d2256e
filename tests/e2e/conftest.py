"""One Pixelpop that tests share, and a picture that somebody has there from the beginning."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
from PIL import Image

from tests.e2e.system import System, sign_in, wish

CUSTOMER = 42


class Shared(System):
    """One whose erasures are soon finished, and whose pictures take a while."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {
            "PIXELPOP_ERASURE_SWEEP_AGAIN_SECONDS": "6",
            "PIXELPOP_LOCAL_LATENCY_SECONDS": "1",
        }


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def system(tmp_path_factory: Any) -> AsyncIterator[System]:
    """It runs; a test that finds it stopped starts it again (`up`)."""
    running = Shared(tmp_path_factory.mktemp("shared") / "data")
    await running.start()
    yield running
    await running.stop()


class Kept:
    """Two pictures of a customer's, bought and made at the first start."""

    def __init__(self, system: System, generation: Any) -> None:
        self._system = system
        self._generation = generation

    async def is_there(self, http: httpx.AsyncClient) -> None:
        """The pictures and their previews can be fetched, the books say what they cost."""
        me = await sign_in(self._system, http, CUSTOMER)
        found = (await http.get(f"/generations/{self._generation['id']}", headers=me)).json()
        assert [image["id"] for image in found["images"]] == [
            image["id"] for image in self._generation["images"]
        ]
        for image in found["images"]:
            picture = Image.open(io.BytesIO((await http.get(image["url"])).content))
            picture.load()
            assert (picture.format, picture.size) == ("PNG", (1024, 1024))
            preview = Image.open(io.BytesIO((await http.get(image["preview_url"])).content))
            assert (preview.format, max(preview.size)) == ("WEBP", 512)
        balance = (await http.get("/credits", headers=me)).json()
        assert (balance["available"], balance["spent"]) == (13, 2)
        history = (await http.get("/credits/history", headers=me)).json()["items"]
        assert [item["type"] for item in history] == [
            "CreditsSettled",
            "CreditsReserved",
            "CreditsGranted",
            "CreditsGranted",
        ]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def kept(system: System) -> Kept:
    """Sign-in, purchase and picture; the same request again is the same generation."""
    async with httpx.AsyncClient(base_url=system.address, timeout=30) as http:
        # As the README says: by a command.
        init_data = await system.command("init-data", "--user", str(CUSTOMER))
        login = await http.post("/auth/login", json={"init_data": init_data})
        me = {"Authorization": f"Bearer {login.json()['access_token']}"}
        bought = await http.post(
            "/purchases", json={"pack_id": "starter"}, headers=me | {"Idempotency-Key": "p1"}
        )
        assert bought.status_code == 201, bought.text
        made = await http.post(
            "/generations",
            json=wish(count=2),
            headers=me | {"Idempotency-Key": "g1", "Prefer": "wait=30"},
        )
        assert (made.status_code, made.json()["status"]) == (200, "done"), made.text
        again = await http.post(
            "/generations", json=wish(count=2), headers=me | {"Idempotency-Key": "g1"}
        )
        assert again.headers["Idempotent-Replay"] == "true"
        assert again.json()["id"] == made.json()["id"]
    return Kept(system, made.json())
