"""Claims as a worker makes them, and webhooks about them as Replicate sends them."""

from __future__ import annotations

import base64
import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any, NamedTuple

import asyncpg
import httpx
from standardwebhooks.webhooks import Webhook

from runtime.crypto.claim_tokens import Call, claim_token
from runtime.crypto.master import master_keys
from tests.fakes.replicate import SECRET
from tests.integration.gateway.world import World

OTHER_SECRET = "whsec_" + base64.b64encode(b"the one before it, 32 bytes long").decode()


class Claim(NamedTuple):
    """A call that a worker has submitted."""

    generation_id: str
    reference: str
    attempt: int = 1
    provider: str = "replicate"


class Claims:
    """The claims of a running Pixelpop."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def submitted(self, **columns: Any) -> Claim:
        """A claim as it is while its prediction runs."""
        provider = columns.get("provider", "replicate")
        reference = uuid.uuid4()
        claim = Claim(
            str(uuid.uuid4()),
            str(reference) if provider == "fal" else reference.hex,
            provider="fal" if provider == "fal" else "replicate",
        )
        values = {"state": "submitted", "provider": "replicate", "reference": claim.reference}
        values |= columns
        await self.execute(
            "INSERT INTO provider_calls (generation_id, attempt, account_id, state, provider,"
            " provider_ref, lease_until) VALUES ($1, 1, $2, $3, $4, $5, now())",
            uuid.UUID(claim.generation_id),
            uuid.uuid4(),
            values["state"],
            values["provider"],
            values["reference"],
        )
        return claim

    async def execute(self, statement: str, *values: Any) -> Any:
        """Ask the database as its owner."""
        connection = await asyncpg.connect(self.world.database.owner_url)
        try:
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()

    async def news(self, claim: Claim) -> int:
        """How many messages were kept about a claim."""
        count: int = await self.execute(
            "SELECT count(*) FROM provider_news WHERE generation_id = $1",
            uuid.UUID(claim.generation_id),
        )
        return count

    async def everything(self) -> list[Any]:
        """All claims and all news, as they stand."""
        connection = await asyncpg.connect(self.world.database.owner_url)
        try:
            found = await connection.fetch("SELECT * FROM provider_calls ORDER BY generation_id")
            return found + await connection.fetch("SELECT * FROM provider_news ORDER BY message_id")
        finally:
            await connection.close()

    def address(self, claim: Claim, **changes: Any) -> str:
        """The address that was given out for a claim."""
        call = Call(claim.provider, claim.generation_id, claim.attempt)
        query = {
            "generation_id": claim.generation_id,
            "attempt": claim.attempt,
            "token": claim_token(master_keys(self.world.settings), call),
        } | changes
        return str(httpx.URL(f"/providers/{claim.provider}/webhook", params=query))

    async def send(
        self,
        claim: Claim,
        *,
        body: bytes | None = None,
        address: str | None = None,
        secret: str = SECRET,
        age_seconds: float = 0.0,
        message_id: str | None = None,
        **headers: str | None,
    ) -> httpx.Response:
        """A webhook about a claim, as Replicate sends it, except for what is given."""
        body = message(claim.reference) if body is None else body
        sent = signed(body, secret, time.time() - age_seconds, message_id) | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return await self.world.client.post(
            address or self.address(claim),
            content=body,
            headers={
                name: value.encode("utf-8") for name, value in sent.items() if value is not None
            },
        )


def message(reference: str, **more: Any) -> bytes:
    """The body about a prediction that has ended."""
    return json.dumps({"id": reference, "status": "succeeded", "output": ["x"]} | more).encode()


def signed(
    body: bytes, secret: str, at_seconds: float, message_id: str | None = None
) -> dict[str, str | None]:
    """Headers by the official library."""
    name = message_id or f"msg_{uuid.uuid4().hex}"
    moment = datetime.fromtimestamp(at_seconds, UTC)
    return {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(at_seconds)),
        "webhook-signature": Webhook(secret).sign(name, moment, body.decode()),
    }
