"""Somebody who uses a Pixelpop under test."""

from __future__ import annotations

import itertools
from typing import Any

import httpx

from events.ids import AccountId


class Person:
    """Somebody with a Telegram account, signed in."""

    def __init__(self, client: httpx.AsyncClient, telegram_id: int, login: dict[str, Any]) -> None:
        self.client = client
        self.telegram_id = telegram_id
        self.login = login
        self.account_id = AccountId(login["user"]["id"])
        self.token = login["access_token"]
        self.authorization = {"Authorization": f"Bearer {self.token}"}
        self._keys = itertools.count(1)

    async def get(self, path: str, **rest: Any) -> httpx.Response:
        rest["headers"] = self.authorization | rest.get("headers", {})
        return await self.client.get(path, **rest)

    async def post(self, path: str, **rest: Any) -> httpx.Response:
        rest["headers"] = self.authorization | rest.get("headers", {})
        return await self.client.post(path, **rest)

    async def delete(self, path: str, **rest: Any) -> httpx.Response:
        rest["headers"] = self.authorization | rest.get("headers", {})
        return await self.client.delete(path, **rest)

    async def ask(
        self, *, key: str | None = None, headers: Any = None, **body: Any
    ) -> httpx.Response:
        """POST /generations, for pictures from words unless told otherwise."""
        body = {"kind": "image", "prompt": "a cat on a mat", **body}
        return await self.ask_for(key=key, headers=headers, **body)

    async def ask_for(
        self, *, key: str | None = None, headers: Any = None, **body: Any
    ) -> httpx.Response:
        """POST /generations with this body."""
        key = key or f"key-{next(self._keys)}"
        return await self.post(
            "/generations", json=body, headers={"Idempotency-Key": key, **(headers or {})}
        )
