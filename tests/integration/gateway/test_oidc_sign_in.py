"""Signing in by an issuer of OpenID Connect, through gateways, as a page in a browser does."""

from __future__ import annotations

import asyncio

import pytest

from events.accounts import UserRegistered
from tests.fakes.oidc_issuer import Issuer
from tests.integration.gateway.conftest import of_issuer
from tests.integration.gateway.log import events_about
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.proving import link, login, oidc, signed_in, subjects
from tests.integration.gateway.world import Gateway, Person, World, another_gateway

OWN = "k" * 32


@pytest.fixture(autouse=True)
def honest(issuer: Issuer) -> Issuer:
    """The issuer as it should be, whatever the test before made of it."""
    issuer.claims, issuer.head, issuer.id_token, issuer.down = {}, {}, None, False
    return issuer


async def test_a_page_signs_somebody_in(
    world: World, open_gateway: Gateway, issuer: Issuer
) -> None:
    """Begin, go there, come back: an account with the name from there, and no welcome credits."""
    begun = await open_gateway.client.post("/auth/oidc")
    assert begun.headers["Cache-Control"] == "no-store"
    assert begun.json()["expires_in"] == 600
    assert begun.json()["authorization_url"].startswith(f"{issuer.url}/authorize?")
    found = await signed_in(open_gateway.client, oidc=await oidc(open_gateway, issuer, "grace"))
    user = found.login["user"]
    assert (user["first_name"], user["last_name"], user["language"]) == ("Grace", "Hopper", "en")
    assert user["telegram_id"] is None
    assert found.login["balance"]["available"] == 0
    registered = (await events_about(world, found.account_id))[0]
    assert isinstance(registered, UserRegistered)
    assert registered.welcome_credits == 0
    assert (await found.get("/credits")).json()["available"] == 0


async def test_a_subject_is_one_account(
    world: World, open_gateway: Gateway, issuer: Issuer
) -> None:
    """The same subject is the same account, which any gateway takes; another one is another."""
    client = open_gateway.client
    first, again, other = [
        await signed_in(client, oidc=await oidc(open_gateway, issuer, subject))
        for subject in ("ada", "ada", "alan")
    ]
    assert first.account_id == again.account_id != other.account_id
    answer = await world.client.get("/me/identities", headers=first.authorization)
    (document,) = answer.json()["items"]
    assert (document["provider"], document["subject_id"]) == ("oidc", "ada")
    assert document["issuer"] is None  # of an issuer that this gateway does not know
    (document,) = (await first.get("/me/identities")).json()["items"]
    assert document["issuer"] == issuer.url


async def test_a_subject_of_telegrams_numbers_is_not_telegrams(
    world: World, open_gateway: Gateway, issuer: Issuer, person: Person
) -> None:
    """An issuer that names somebody by a Telegram id does not get into that account."""
    answer = await oidc(open_gateway, issuer, str(person.telegram_id))
    found = await signed_in(open_gateway.client, oidc=answer)
    assert found.account_id != person.account_id
    assert found.login["user"]["telegram_id"] is None


async def test_linked_to_a_telegram_account(
    world: World, open_gateway: Gateway, issuer: Issuer, person: Person
) -> None:
    """A person of Telegram's links the issuer's, and comes in by either, to one account."""
    person.client = open_gateway.client
    answer = await link(person, oidc=await oidc(open_gateway, issuer, "linus"))
    assert (answer.status_code, answer.json()["issuer"]) == (201, issuer.url)
    assert await subjects(person) == [str(person.telegram_id), "linus"]
    found = await signed_in(open_gateway.client, oidc=await oidc(open_gateway, issuer, "linus"))
    assert found.account_id == person.account_id
    assert found.login["balance"]["available"] == 5
    assert (await world.person(telegram_id=person.telegram_id)).account_id == person.account_id


async def test_begun_here_finished_there(
    world: World, open_gateway: Gateway, issuer: Issuer
) -> None:
    """No gateway remembers a flow: another one finishes it, and it is used up for both."""
    async with another_gateway(world, **of_issuer(issuer)) as other:
        data = await oidc(open_gateway, issuer, "barbara")
        found = await signed_in(other.client, oidc=data)
        is_problem(await login(open_gateway.client, oidc=data), 401, "oidc-invalid")
        assert (await found.get("/credits")).status_code == 200


async def test_10_an_answer_opens_one_session(open_gateway: Gateway, issuer: Issuer) -> None:
    """Threat 10: what came back counts once; a flow with a new code is nobody else's either."""
    client = open_gateway.client
    begun = (await client.post("/auth/oidc")).json()

    def again() -> dict[str, str]:
        code, state = issuer.approve(begun["authorization_url"], "edsger")
        return {"flow": begun["flow"], "code": code, "state": state}

    first = again()
    assert (await login(client, oidc=first, session_key=OWN)).status_code == 200
    is_problem(await login(client, oidc=first, session_key=OWN), 401, "oidc-invalid")
    is_problem(await login(client, oidc=again()), 401, "proof-used")
    is_problem(await login(client, oidc=again(), session_key="x" * 32), 401, "proof-used")
    assert (await login(client, oidc=again(), session_key=OWN)).status_code == 200


async def test_10_of_many_at_once_one_gets_in(open_gateway: Gateway, issuer: Issuer) -> None:
    """Threat 10: one answer, and one flow with many codes, ten times at once are one session."""
    client = open_gateway.client
    data = await oidc(open_gateway, issuer, "tony")
    answers = await asyncio.gather(*(login(client, oidc=data) for _ in range(10)))
    assert sorted(one.status_code for one in answers) == [200, *[401] * 9]
    begun = (await client.post("/auth/oidc")).json()
    codes = [issuer.approve(begun["authorization_url"], "john") for _ in range(10)]
    answers = await asyncio.gather(
        *(
            login(client, oidc={"flow": begun["flow"], "code": code, "state": state})
            for code, state in codes
        )
    )
    assert sorted(one.status_code for one in answers) == [200, *[401] * 9]


async def test_what_does_not_belong_together(open_gateway: Gateway, issuer: Issuer) -> None:
    """A state, a code or an issuer of another sign-in, and a token as a flow, sign nobody in."""
    mine, theirs = [await oidc(open_gateway, issuer, one) for one in ("donald", "mallory")]
    person = await signed_in(open_gateway.client, oidc=await oidc(open_gateway, issuer, "niklaus"))
    for changes in (
        {"state": theirs["state"]},
        {"flow": theirs["flow"]},
        {"flow": person.token},
        {"flow": mine["flow"][:-4] + "AAAA"},
        {"iss": "https://evil.example"},
        {"code": "made up"},
    ):
        answer = await login(open_gateway.client, oidc={**mine, **changes})
        is_problem(answer, 401, "oidc-invalid")
        assert mine["flow"] not in answer.text
    flow = {"Authorization": f"Bearer {mine['flow']}"}
    is_problem(await open_gateway.client.get("/me", headers=flow), 401, "token-invalid")


@pytest.mark.parametrize(
    "changes",
    [{"code": ""}, {"code": 5}, {"state": "x" * 256}, {"flow": "x" * 2049}, {"user": "ada"}],
    ids=lambda one: next(iter(one)),
)
async def test_a_body_that_is_no_answer(
    open_gateway: Gateway, issuer: Issuer, changes: dict[str, object]
) -> None:
    """What is missing, too long or unknown is refused by its form, and the issuer is not asked."""
    data = {"flow": "f", "code": "c", "state": "s", **changes}
    issuer.asked.clear()
    is_problem(await login(open_gateway.client, oidc=data), 422, "invalid-request")
    assert issuer.asked == []


@pytest.mark.parametrize("locale", ["e\x00", "\ud800", "x" * 36], ids=ascii)
async def test_an_odd_locale_stops_nobody(
    open_gateway: Gateway, issuer: Issuer, locale: str
) -> None:
    """A locale that no database takes is left out; read models go on behind that sign-in."""
    issuer.claims = {"locale": locale}
    data = await oidc(open_gateway, issuer, f"odd {locale!a}")
    answer = await login(open_gateway.client, oidc=data)
    assert answer.json()["user"]["language"] is None
    headers = {
        "Authorization": f"Bearer {answer.json()['access_token']}",
        "Consistency-Token": answer.headers["Consistency-Token"],
    }
    assert (await open_gateway.client.get("/credits", headers=headers)).status_code == 200


async def test_an_issuer_that_does_not_answer(open_gateway: Gateway, issuer: Issuer) -> None:
    """It is said to be so, and may be tried again; the flow that was begun is still good."""
    begun = (await open_gateway.client.post("/auth/oidc")).json()
    code, state = issuer.approve(begun["authorization_url"], "margaret")
    data = {"flow": begun["flow"], "code": code, "state": state}
    issuer.down = True
    is_problem(await login(open_gateway.client, oidc=data), 503, "oidc-unavailable")
    issuer.down = False
    assert (await login(open_gateway.client, oidc=data)).status_code == 200


async def test_where_no_issuer_is_set(world: World, person: Person) -> None:
    """The way is said not to be there: to begin, to finish and to link."""
    data = {"flow": "f", "code": "c", "state": "s"}
    for answer in (
        await world.client.post("/auth/oidc"),
        await login(world.client, oidc=data),
        await link(person, oidc=data),
    ):
        is_problem(answer, 501, "oidc-not-configured")
