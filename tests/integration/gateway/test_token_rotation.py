"""The secret that signs access tokens is replaced without signing anybody out."""

from __future__ import annotations

from contextlib import AsyncExitStack

import jwt

from tests.fakes.oidc_issuer import Issuer
from tests.integration.gateway.conftest import of_issuer
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.proving import oidc, signed_in, widget
from tests.integration.gateway.sse import stream
from tests.integration.gateway.world import Gateway, Person, World, another_gateway

NEXT = "the secret that comes after this one now"
RETIRED = "the secret that was there a long time ago"


def kid(person: Person) -> str:
    """The name of the secret that signed a token."""
    return str(jwt.get_unverified_header(person.token)["kid"])


async def opens(gateway: Gateway, person: Person) -> bool:
    """Whether a session is good there; if not, it is told to sign in again."""
    answer = await gateway.client.get("/credits", headers=person.authorization)
    if answer.status_code != 200:
        is_problem(answer, 401, "token-invalid")
    return answer.status_code == 200


async def test_a_secret_is_replaced_over_two_gateways(
    world: World, issuer: Issuer, person: Person
) -> None:
    """Told of the next secret first, then signing by it: all sessions go on, on both gateways."""
    now = world.settings.jwt_secret
    async with AsyncExitStack() as stack:
        told = await stack.enter_async_context(
            another_gateway(world, jwt_other_secrets=f"{RETIRED}, {NEXT}", **of_issuer(issuer))
        )
        signs = await stack.enter_async_context(
            another_gateway(world, jwt_secret=NEXT, jwt_other_secrets=now, **of_issuer(issuer))
        )
        data = widget(world, person.telegram_id)
        later = await signed_in(signs.client, login_widget=data, session_key="k" * 32)
        for gateway in (told, signs):
            assert await opens(gateway, person)
            assert await opens(gateway, later)
        assert kid(person) != kid(later)
        ticket = (await signs.client.post("/events/tickets", headers=person.authorization)).json()
        async with stream(told.client, f"/events?ticket={ticket['ticket']}") as reader:
            assert reader.response.status_code == 200
        flow = await oidc(told, issuer, "rotation")  # remembered under the one secret …
        found = await signed_in(signs.client, oidc=flow)  # … and read by the other gateway
        assert await opens(told, found)
    answer = await person.get("/credits", headers=later.authorization)
    is_problem(answer, 401, "token-invalid")  # this one was never told of the next secret


async def test_a_retired_secret_opens_nothing(world: World, person: Person) -> None:
    """Once it is no more named, its tokens are refused; a proof of before brings a new one."""
    data = widget(world, person.telegram_id)
    before = await signed_in(world.client, login_widget=data, session_key="k" * 32)
    async with another_gateway(world, jwt_secret=NEXT) as retired:
        assert not await opens(retired, before)
        ticket = (await before.post("/events/tickets")).json()["ticket"]
        is_problem(
            await retired.client.get("/events", params={"ticket": ticket}), 401, "token-invalid"
        )
        again = await signed_in(retired.client, login_widget=data, session_key="k" * 32)
        assert again.account_id == before.account_id
        assert await opens(retired, again)
