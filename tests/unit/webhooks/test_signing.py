"""Signatures, against the official library of Standard Webhooks."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from runtime.standard_webhooks import signed_headers

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()


def headers_of(body: bytes, secrets: list[str], timestamp: int | None = None) -> dict[str, str]:
    pairs = signed_headers("m-1", timestamp or int(time.time()), body, secrets)
    return {name.decode(): value.decode() for name, value in pairs}


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_the_official_library_accepts_it(text: str) -> None:
    """Any body verifies with its secret, and with no other."""
    body = f'{{"x":"{text.encode("unicode_escape").hex()}"}}'.encode()
    headers = headers_of(body, [SECRET])
    Webhook(SECRET).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(body, headers)


def test_two_live_secrets_sign_both() -> None:
    """During a rotation a receiver may know the new secret or the old one."""
    headers = headers_of(b"{}", [SECRET, OTHER])
    assert len(headers["webhook-signature"].split(" ")) == 2
    Webhook(SECRET).verify(b"{}", headers)
    Webhook(OTHER).verify(b"{}", headers)


@pytest.mark.parametrize("field", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_what_is_changed_on_the_way_does_not_verify(field: str) -> None:
    """Threats 24 and 25, from the other side: id, time, body and signature belong together."""
    headers = headers_of(b'{"a":1}', [SECRET])
    changed = dict(headers)
    changed[field] = {
        "webhook-id": "m-2",
        "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1),
        "webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode(),
    }[field]
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b'{"a":1}', changed)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b'{"a": 1}', headers)


def test_an_old_message_is_no_new_one() -> None:
    """Threat 24, from the other side: a receiver can refuse what is replayed later."""
    headers = headers_of(b"{}", [SECRET], int(time.time()) - 3600)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"{}", headers)
