"""Proofs of identity as clients get them, and signing in by each of them."""

from __future__ import annotations

import itertools
import time
from typing import Any

import httpx

from events.ids import AccountId
from gateway.identity.login_widget import sign_login_widget
from gateway.identity.tokens import Tokens
from tests.fakes.oidc_issuer import Issuer
from tests.integration.gateway.world import Gateway, Person, World

_ids = itertools.count(5_000_000)
_pictures = itertools.count()


def new_telegram_id() -> int:
    """Of somebody who was never here."""
    return next(_ids)


def widget(
    world: World, telegram_id: int, *, age_seconds: int = 0, **user: Any
) -> dict[str, str | int]:
    """As the Telegram Login Widget would hand it to a page; different at each call."""
    assert world.settings.telegram_bot_token
    person = {
        "id": telegram_id,
        "first_name": "Ada",
        "photo_url": f"https://t.me/i/userpic/320/{next(_pictures)}.jpg",
        **user,
    }
    return sign_login_widget(
        world.settings.telegram_bot_token, person, int(time.time()) - age_seconds
    )


async def oidc(gateway: Gateway, issuer: Issuer, subject: str) -> dict[str, str]:
    """What comes back from the issuer after a person has signed in there."""
    begun = await gateway.client.post("/auth/oidc")
    assert begun.status_code == 200, begun.text
    code, state = issuer.approve(begun.json()["authorization_url"], subject)
    return {"flow": begun.json()["flow"], "code": code, "state": state, "iss": issuer.url}


async def login(client: httpx.AsyncClient, **proof: Any) -> httpx.Response:
    """POST /auth/login."""
    return await client.post("/auth/login", json=proof)


async def signed_in(client: httpx.AsyncClient, **proof: Any) -> Person:
    """Who that is; its `telegram_id` is 0 where the person comes from elsewhere."""
    answer = await login(client, **proof)
    assert answer.status_code == 200, answer.text
    return Person(client, answer.json()["user"]["telegram_id"] or 0, answer.json())


def old_token(world: World, account_id: AccountId, *, age_seconds: int) -> dict[str, str]:
    """The header of a session that signed in so long ago."""
    assert world.settings.jwt_secret
    tokens = Tokens(world.settings.jwt_secret, clock=lambda: time.time() - age_seconds)
    return {"Authorization": f"Bearer {tokens.issue(account_id, 3600)}"}


async def link(person: Person, **proof: Any) -> httpx.Response:
    """POST /me/identities."""
    return await person.post("/me/identities", json=proof)


async def subjects(person: Person) -> list[str]:
    """Who signs in to that account, the oldest first."""
    answer = await person.get("/me/identities")
    assert answer.status_code == 200, answer.text
    return [one["subject_id"] for one in answer.json()["items"]]


async def link_id(person: Person, subject_id: object) -> str:
    """What one of its identities is called."""
    items = (await person.get("/me/identities")).json()["items"]
    found: str = next(one["id"] for one in items if one["subject_id"] == str(subject_id))
    return found
