"""Access tokens: ours pass, every other one is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest

from events.ids import AccountId
from gateway.identity.tokens import API, ISSUER, STREAM, TokenInvalid, Tokens

SECRET = "s" * 40
ACCOUNT = AccountId("00000000-0000-4000-8000-000000000001")
NOW = 1_800_000_000


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(SECRET, clock=lambda: NOW)


def forged(tokens: Tokens, *, secret: str = SECRET, headers: Any = None, **changes: Any) -> str:
    claims = {"iss": ISSUER, "aud": API, "sub": ACCOUNT, "iat": NOW, "exp": NOW + 60} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, secret, "HS256", headers={"kid": tokens.key_id, **(headers or {})})


def raw(header: dict[str, Any], tokens: Tokens) -> str:
    """A token with any header at all and a signature of nothing."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = {"iss": ISSUER, "aud": API, "sub": ACCOUNT, "iat": NOW, "exp": NOW + 60}
    return f"{part({'kid': tokens.key_id, **header})}.{part(claims)}."


def test_our_own_token_passes(tokens: Tokens) -> None:
    """It says whose it is and until when."""
    assert tokens.verify(tokens.issue(ACCOUNT, 60))[:2] == (ACCOUNT, NOW + 60)


def test_it_says_when_its_owner_proved_who_they_are(tokens: Tokens) -> None:
    """Just now, unless told: a proof of long ago stays one, and none is of the future."""
    for proved_at, found in ((None, NOW), (NOW - 700.5, NOW - 701), (NOW + 30, NOW)):
        token = tokens.issue(ACCOUNT, 60, proved_at=proved_at)
        assert tokens.verify(token).signed_in == found
    for odd in ("1", 1.5, True, [NOW]):
        with pytest.raises(TokenInvalid):
            tokens.verify(forged(tokens, auth_time=odd))


def test_the_helper_forges_only_what_it_is_told_to(tokens: Tokens) -> None:
    """Without a change the forged token passes, so what is refused below is refused for that."""
    assert tokens.verify(forged(tokens))[:2] == (ACCOUNT, NOW + 60)


@pytest.mark.parametrize("algorithm", ["none", "None", "RS256", "ES256", "HS512"])
def test_another_algorithm_is_refused(tokens: Tokens, algorithm: str) -> None:
    """No `none`, and no other key type in place of ours."""
    with pytest.raises(TokenInvalid):
        tokens.verify(raw({"alg": algorithm, "typ": "JWT"}, tokens))


def test_hs512_with_our_key_is_refused(tokens: Tokens) -> None:
    """HS256 is the only algorithm."""
    claims = {"iss": ISSUER, "aud": API, "sub": ACCOUNT, "iat": NOW, "exp": NOW + 60}
    with pytest.raises(TokenInvalid):
        tokens.verify(jwt.encode(claims, SECRET * 2, "HS512", headers={"kid": tokens.key_id}))


def test_unknown_critical_extensions_are_refused(tokens: Tokens) -> None:
    """RFC 7515: what is critical and not understood must be refused."""
    with pytest.raises(TokenInvalid):
        tokens.verify(forged(tokens, headers={"crit": ["exp"], "exp": NOW}))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "somebody/else"},
        {"aud": STREAM},
        {"aud": [API]},
        {"aud": None},
        {"iss": "somebody"},
        {"iss": None},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1e30},
        {"sub": "7"},
        {"sub": None},
        {"sub": "../../etc"},
        {"sub": ACCOUNT.upper() + " "},
        {"iat": None},
    ],
    ids=str,
)
def test_wrong_and_missing_claims_are_refused(tokens: Tokens, changes: dict[str, Any]) -> None:
    """Issuer, audience, expiry and account must all be there and right."""
    with pytest.raises(TokenInvalid):
        tokens.verify(forged(tokens, **changes))


@pytest.mark.parametrize("kid", ["retired", "../../dev/null", "https://evil.example/key", "", None])
def test_another_key_id_is_refused(tokens: Tokens, kid: str | None) -> None:
    """A retired key's id, and one that looks like a path, lead nowhere."""
    claims = {"iss": ISSUER, "aud": API, "sub": ACCOUNT, "iat": NOW, "exp": NOW + 60}
    headers = {} if kid is None else {"kid": kid}
    with pytest.raises(TokenInvalid):
        tokens.verify(jwt.encode(claims, SECRET, "HS256", headers=headers))


def test_another_secret_is_refused(tokens: Tokens) -> None:
    """A forged signature is refused."""
    with pytest.raises(TokenInvalid):
        tokens.verify(forged(tokens, secret="t" * 40))


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "..", "\u00fc.b.c", "x" * 5000])
def test_what_is_no_token_is_refused(tokens: Tokens, text: str) -> None:
    """Anything at all may be sent."""
    with pytest.raises(TokenInvalid):
        tokens.verify(text)


def test_a_ticket_opens_streams_and_nothing_else(tokens: Tokens) -> None:
    """A ticket is no access token, and the other way round."""
    ticket = tokens.issue(ACCOUNT, 60, STREAM)
    assert tokens.verify(ticket, STREAM)[:2] == (ACCOUNT, NOW + 60)
    with pytest.raises(TokenInvalid):
        tokens.verify(ticket)
    with pytest.raises(TokenInvalid):
        tokens.verify(tokens.issue(ACCOUNT, 60), STREAM)


def test_a_ticket_names_the_key_that_made_it(tokens: Tokens) -> None:
    """So that it can be refused with it; what is no id of a key is none."""
    made = tokens.issue(ACCOUNT, 60, STREAM, key_id=ACCOUNT)
    assert tokens.verify(made, STREAM).key_id == ACCOUNT
    assert tokens.verify(tokens.issue(ACCOUNT, 60, STREAM), STREAM).key_id == ""
    with pytest.raises(TokenInvalid):
        tokens.verify(tokens.seal({"sub": ACCOUNT, "key": "one"}, 60, STREAM), STREAM)
