"""Tokens of webhooks' addresses: one for each call, good across a rotation of the master key."""

from __future__ import annotations

import pytest

from runtime.crypto.claim_tokens import Call, claim_token, is_claim_token
from runtime.crypto.master import MasterKey, MasterKeys

OLD, NEW = MasterKey(b"o" * 32), MasterKey(b"n" * 32)
CALL = Call("replicate", "7e5ba6f0-0000-5000-8000-000000000001", 1)


def test_a_token_is_of_one_call() -> None:
    """Threat 27: it opens its own call's address, and no other's."""
    masters = MasterKeys(OLD)
    token = claim_token(masters, CALL)
    assert is_claim_token(masters, CALL, token)
    for other in (
        CALL._replace(attempt=2),
        CALL._replace(generation_id="7e5ba6f0-0000-5000-8000-000000000002"),
        CALL._replace(provider="fal"),
    ):
        assert not is_claim_token(masters, other, token)


@pytest.mark.parametrize("token", ["", "x", "é", "\ud800", "A" * 43])
def test_what_is_no_token_opens_nothing(token: str) -> None:
    """Short, foreign and broken text is refused without another error."""
    assert not is_claim_token(MasterKeys(OLD), CALL, token)


def test_a_rotation_does_not_shut_addresses() -> None:
    """What was given out before a rotation is good while the old key is known, and not after."""
    token = claim_token(MasterKeys(OLD), CALL)
    assert is_claim_token(MasterKeys(NEW, [OLD]), CALL, token)
    assert not is_claim_token(MasterKeys(NEW), CALL, token)
