"""Threats 11 to 15: tokens that must open nothing."""

from __future__ import annotations

import base64
import json
from hmac import digest
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from events.ids import AccountId
from gateway.identity.tokens import API, ISSUER, STREAM, TokenInvalid, Tokens
from runtime.errors import SettingsError

NOW = 1_800_000_000
ACCOUNT = AccountId("00000000-0000-4000-8000-000000000001")
OLD, CURRENT, NEXT = "o" * 40, "c" * 40, "n" * 40


def tokens(secret: str = CURRENT, *others: str) -> Tokens:
    return Tokens(secret, others, clock=lambda: NOW)


def encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    whole = {"iss": ISSUER, "aud": API, "sub": ACCOUNT, "iat": NOW, "exp": NOW + 60} | changes
    return {name: value for name, value in whole.items() if value is not None}


def forged(head: dict[str, Any], secret: str = CURRENT, **changes: Any) -> str:
    """Signed rightly by HS256, with any header."""
    return jwt.encode(claims(**changes), secret, "HS256", headers=head)


def test_a_token_with_nothing_wrong_passes() -> None:
    """Without a fault the forged token passes, so what is refused below is refused for it."""
    assert tokens().verify(forged({"kid": tokens().key_id})).account_id == ACCOUNT


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
def test_11_algorithm_none(algorithm: str) -> None:
    """Threat 11: a token that says it needs no signature is refused, with and without one."""
    head = encode({"alg": algorithm, "typ": "JWT", "kid": tokens().key_id})
    right = tokens().issue(ACCOUNT, 60)
    for signature in ("", right.split(".")[2]):
        with pytest.raises(TokenInvalid):
            tokens().verify(f"{head}.{encode(claims())}.{signature}")


def test_12_key_confusion() -> None:
    """Threat 12: neither an RSA signature nor an HMAC under a public key passes for ours."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    head = {"kid": tokens().key_id}
    with pytest.raises(TokenInvalid):
        tokens().verify(jwt.encode(claims(), private, "RS256", headers=head))
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signing = f"{encode({'alg': 'HS256', 'typ': 'JWT', **head})}.{encode(claims())}"
    mac = base64.urlsafe_b64encode(digest(public, signing.encode(), "sha256")).rstrip(b"=").decode()
    with pytest.raises(TokenInvalid):
        tokens().verify(f"{signing}.{mac}")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_12_our_secret_with_another_algorithm(algorithm: str) -> None:
    """Threat 12: the algorithm is pinned; our own secret with another one is refused."""
    text = jwt.encode(claims(), CURRENT * 2, algorithm, headers={"kid": tokens().key_id})
    with pytest.raises(TokenInvalid):
        tokens(CURRENT * 2).verify(text)


@pytest.mark.parametrize("critical", [["exp"], ["b64"], ["http://x.example/UNDEFINED"], []])
def test_13_unknown_crit(critical: list[str]) -> None:
    """Threat 13: an extension that is critical and not understood is refused (RFC 7515, 4.1.11)."""
    head = {"kid": tokens().key_id, "crit": critical, **dict.fromkeys(critical, True)}
    with pytest.raises(TokenInvalid):
        tokens().verify(forged(head))


@pytest.mark.parametrize("extra", [{"jku": "https://x.example"}, {"jwk": {}}, {"x5u": "file:///"}])
def test_13_keys_that_a_token_brings_along(extra: dict[str, Any]) -> None:
    """Threat 13: a token that says where its key is to be found is refused unread."""
    with pytest.raises(TokenInvalid):
        tokens().verify(forged({"kid": tokens().key_id, **extra}))


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
        {"exp": None},
        {"exp": "2100-01-01"},
        {"exp": 1e30},
        {"exp": True},
        {"iat": None},
        {"iat": "now"},
        {"sub": None},
        {"sub": "../../etc/passwd"},
        {"sub": ACCOUNT.upper() + " "},
    ],
    ids=str,
)
def test_14_wrong_or_missing_claims(changes: dict[str, Any]) -> None:
    """Threat 14: audience, issuer, expiry and account must all be there and right."""
    with pytest.raises(TokenInvalid):
        tokens().verify(forged({"kid": tokens().key_id}, **changes))


def test_15_rotation_signs_nobody_out() -> None:
    """Threat 15: the next secret counts before it signs, the old one until it is retired."""
    before, announced = tokens(OLD), tokens(OLD, CURRENT)
    turned, retired = tokens(CURRENT, OLD), tokens(CURRENT, NEXT)
    old, new = before.issue(ACCOUNT, 60), turned.issue(ACCOUNT, 60)
    assert announced.verify(old).account_id == announced.verify(new).account_id == ACCOUNT
    assert turned.verify(old).account_id == turned.verify(new).account_id == ACCOUNT
    assert retired.verify(new).account_id == ACCOUNT
    with pytest.raises(TokenInvalid):
        retired.verify(old)


def test_15_a_key_id_does_not_vouch_for_another_secret() -> None:
    """Threat 15: of two good secrets neither counts under the other's key id."""
    both = tokens(CURRENT, OLD)
    for kid, secret in ((tokens(CURRENT).key_id, OLD), (tokens(OLD).key_id, CURRENT)):
        with pytest.raises(TokenInvalid):
            both.verify(forged({"kid": kid}, secret))


@pytest.mark.parametrize(
    "kid",
    [
        "retired",
        "",
        None,
        0,
        ["a"],
        "../../dev/null",
        "/proc/self/environ",
        "https://evil.example/key",
        "' OR 1=1 --",
        "\x00",
    ],
)
def test_15_retired_or_path_like_kid(kid: object) -> None:
    """Threat 15: a key id that we do not have leads nowhere, whatever it looks like."""
    head = {"alg": "HS256", "typ": "JWT"} | ({} if kid is None else {"kid": kid})
    signature = tokens().issue(ACCOUNT, 60).split(".")[2]
    with pytest.raises(TokenInvalid):
        tokens().verify(f"{encode(head)}.{encode(claims())}.{signature}")
    if isinstance(kid, str):
        with pytest.raises(TokenInvalid):
            tokens().verify(forged({"kid": kid}))


def test_15_short_secrets_stop_the_start() -> None:
    """Threat 15: a secret that could be guessed is refused before it signs anything."""
    with pytest.raises(SettingsError, match="32"):
        tokens(CURRENT, "short")


def test_one_token_is_written_in_one_way() -> None:
    """Of the four texts that base64 reads as one signature, one is accepted."""
    right = tokens().issue(ACCOUNT, 60)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = []
    for last in alphabet:
        try:
            tokens().verify(right[:-1] + last)
        except TokenInvalid:
            continue
        accepted.append(right[:-1] + last)
    assert accepted == [right]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_mutation_is_accepted(data: st.DataObject) -> None:
    """Threats 11 to 15: a token that was changed anywhere is refused."""
    right = tokens().issue(ACCOUNT, 60)
    at = data.draw(st.integers(0, len(right) - 1))
    length = data.draw(st.integers(0, 3))
    put = data.draw(st.text(max_size=3))
    mutated = right[:at] + put + right[at + length :]
    if mutated != right:
        with pytest.raises(TokenInvalid):
            tokens().verify(mutated)
