"""OpenID Connect: whom an issuer vouches for, and everything that does not vouch for anybody."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import pytest_asyncio
from joserfc.jwk import RSAKey

from gateway.identity.oidc import OidcAnswer, OidcInvalid, OpenIdConnect
from gateway.identity.oidc_issuer import OidcUnavailable
from gateway.identity.tokens import Tokens
from gateway.web.errors import Problem
from runtime.settings import Settings
from tests.fakes.oidc_issuer import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Issuer

SECRET = "s" * 40


class Clock:
    """Both clocks, as one wishes."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def time(self) -> float:
        return time.time() + self.ahead


@pytest_asyncio.fixture(loop_scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer().running() as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(loop_scope="session")
async def oidc(issuer: Issuer, clock: Clock) -> AsyncIterator[OpenIdConnect]:
    settings = Settings(
        oidc_issuer=issuer.url,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_redirect_uri=REDIRECT_URI,
    )
    one = OpenIdConnect(settings, Tokens(SECRET, clock=clock.time), clock=clock.monotonic)
    yield one
    await one.close()


async def sign_in(oidc: OpenIdConnect, issuer: Issuer, subject: str = "grace", **changes: Any):
    flow = await oidc.start()
    code, state = issuer.approve(flow.authorization_url, subject)
    answer = {"flow": flow.flow, "code": code, "state": state} | changes
    return await oidc.finish(OidcAnswer(**answer))


async def test_whom_the_issuer_vouches_for(oidc: OpenIdConnect, issuer: Issuer) -> None:
    """A sign-in leads to the issuer's subject, with the name that it says."""
    found = await sign_in(oidc, issuer)
    assert (found.provider, found.subject_id) == (oidc.provider, "grace")
    assert (found.display_name, found.language) == ("Grace Hopper", "en")
    assert found.telegram_id is None
    assert found.good_until > time.time()


async def test_two_issuers_are_two_providers() -> None:
    """A subject of one issuer is nobody's of another one."""
    tokens = Tokens(SECRET)
    names = {
        OpenIdConnect(Settings(oidc_issuer=url), tokens).provider
        for url in ("https://a.example", "https://b.example", "https://a.example/")
    }
    assert len(names) == 3


async def test_without_an_issuer_there_is_no_such_way() -> None:
    """What is not set up is said to be so."""
    oidc = OpenIdConnect(Settings(), Tokens(SECRET))
    with pytest.raises(Problem) as refusal:
        await oidc.start()
    assert refusal.value.code == "oidc-not-configured"


async def test_a_code_counts_once(oidc: OpenIdConnect, issuer: Issuer) -> None:
    """What came back once signs nobody in a second time."""
    flow = await oidc.start()
    code, state = issuer.approve(flow.authorization_url, "grace")
    answer = OidcAnswer(flow=flow.flow, code=code, state=state)
    first = await oidc.finish(answer)
    with pytest.raises(OidcInvalid):
        await oidc.finish(answer)
    assert len(first.digest) == 32


async def test_another_sign_ins_state_and_code_are_refused(
    oidc: OpenIdConnect, issuer: Issuer
) -> None:
    """A code that somebody slips in, begun elsewhere, is refused."""
    theirs = await oidc.start()
    code, state = issuer.approve(theirs.authorization_url, "mallory")
    with pytest.raises(OidcInvalid, match="state"):
        await sign_in(oidc, issuer, state=state)
    with pytest.raises(OidcInvalid):
        await sign_in(oidc, issuer, code=code)


async def test_a_flow_is_ours_and_recent(oidc: OpenIdConnect, issuer: Issuer, clock: Clock) -> None:
    """What did not begin here, or began too long ago, is refused before the issuer is asked."""
    with pytest.raises(OidcInvalid, match="begin again"):
        await sign_in(
            oidc, issuer, flow=Tokens("x" * 40).seal({"state": "a"}, 600, "pixelpop/oidc")
        )
    flow = await oidc.start()
    code, state = issuer.approve(flow.authorization_url, "grace")
    clock.ahead = 601
    issuer.asked.clear()
    with pytest.raises(OidcInvalid, match="begin again"):
        await oidc.finish(OidcAnswer(flow=flow.flow, code=code, state=state))
    assert "/token" not in issuer.asked


async def test_the_issuers_name_is_checked(oidc: OpenIdConnect, issuer: Issuer) -> None:
    """RFC 9207: an answer that says it comes from another issuer is refused."""
    assert await sign_in(oidc, issuer, iss=issuer.url)
    with pytest.raises(OidcInvalid, match="another issuer"):
        await sign_in(oidc, issuer, iss="https://evil.example")


async def test_an_issuer_that_always_names_itself_must(oidc: OpenIdConnect, issuer: Issuer) -> None:
    """RFC 9207: where the issuer says that it does, an answer without its name is refused."""
    issuer.metadata = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(OidcInvalid, match="which issuer"):
        await sign_in(oidc, issuer)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": [CLIENT_ID, "another-client"]},
        {"azp": "another-client"},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"iat": 2**40},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce_supported": False, "nonce": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 42},
        {"sub": "x" * 256},
        {"sub": "a\x00b"},
        {"at_hash": "AAAA"},
    ],
    ids=str,
)
async def test_an_id_token_that_is_not_for_this_sign_in(
    oidc: OpenIdConnect, issuer: Issuer, claims: dict[str, Any]
) -> None:
    """Issuer, audience, age, nonce and subject must all be there and right."""
    assert await sign_in(oidc, issuer)
    issuer.claims = claims
    with pytest.raises(OidcInvalid):
        await sign_in(oidc, issuer)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_an_id_token_without_the_issuers_signature(
    oidc: OpenIdConnect, issuer: Issuer, algorithm: str
) -> None:
    """No algorithm but asymmetric ones: none, and an HMAC under the public key, are refused."""
    now = int(time.time())
    claims = {"iss": issuer.url, "aud": CLIENT_ID, "sub": "mallory", "iat": now, "exp": now + 60}
    secret = "" if algorithm == "none" else CLIENT_SECRET * 3
    issuer.id_token = jwt.encode(claims, secret, algorithm, headers={"kid": issuer.key.kid})
    with pytest.raises(OidcInvalid):
        await sign_in(oidc, issuer)


async def test_an_id_token_of_a_key_that_is_not_shown(oidc: OpenIdConnect, issuer: Issuer) -> None:
    """A key of the right name that the issuer does not show signs nothing."""
    issuer.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
    with pytest.raises(OidcInvalid):
        await sign_in(oidc, issuer)


async def test_a_token_that_brings_its_own_key(oidc: OpenIdConnect, issuer: Issuer) -> None:
    """A key that comes with the token, or that it points to, is not looked at."""
    issuer.key = RSAKey.generate_key(2048, {"kid": "mine", "use": "sig"})
    issuer.head = {"jwk": issuer.key.as_dict(private=False), "jku": f"{issuer.url}/keys"}
    with pytest.raises(OidcInvalid):
        await sign_in(oidc, issuer)


async def test_rotated_keys_are_asked_for_again(
    oidc: OpenIdConnect, issuer: Issuer, clock: Clock
) -> None:
    """A key that is new is found, and asking for keys is bounded however often tokens are bad."""
    assert await sign_in(oidc, issuer)
    issuer.rotate()
    clock.ahead = 31
    assert await sign_in(oidc, issuer)
    issuer.key = RSAKey.generate_key(2048, {"kid": "unknown", "use": "sig"})
    issuer.asked.clear()
    for _ in range(3):
        with pytest.raises(OidcInvalid):
            await sign_in(oidc, issuer)
    assert issuer.asked.count("/keys") == 0


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
async def test_a_description_that_points_elsewhere(
    oidc: OpenIdConnect, issuer: Issuer, metadata: dict[str, Any]
) -> None:
    """An issuer that describes another one, or unsafe addresses, is not spoken with."""
    issuer.metadata = metadata
    with pytest.raises(OidcUnavailable):
        await oidc.start()


async def test_an_issuer_that_is_down(oidc: OpenIdConnect, issuer: Issuer) -> None:
    """It can be tried again, and goes on when the issuer is back."""
    issuer.down = True
    with pytest.raises(OidcUnavailable) as refusal:
        await oidc.start()
    assert refusal.value.retryable
    issuer.down = False
    assert await sign_in(oidc, issuer)
    flow = await oidc.start()
    code, state = issuer.approve(flow.authorization_url, "grace")
    issuer.down = True
    with pytest.raises((OidcUnavailable, OidcInvalid)):
        await oidc.finish(OidcAnswer(flow=flow.flow, code=code, state=state))


async def test_a_refusal_repeats_nothing(oidc: OpenIdConnect, issuer: Issuer) -> None:
    """What was sent may be somebody's way in."""
    with pytest.raises(OidcInvalid) as refusal:
        await sign_in(oidc, issuer, code="my-secret-code")
    assert "my-secret-code" not in str(refusal.value)


@pytest.mark.parametrize("sign", ["\x00", "\n", "\x7f", "\ud800"], ids=ascii)
async def test_what_cannot_be_kept_is_not_taken(
    oidc: OpenIdConnect, issuer: Issuer, sign: str
) -> None:
    """People choose their names at an issuer: one that no database takes stops nothing here."""
    issuer.claims = {"given_name": f"G{sign}", "family_name": f"H{sign}", "locale": f"e{sign}"}
    found = await sign_in(oidc, issuer)
    assert (found.subject_id, found.display_name, found.language) == ("grace", "", "")
    issuer.claims = {"sub": f"grace{sign}"}
    with pytest.raises(OidcInvalid, match="names nobody"):
        await sign_in(oidc, issuer)
