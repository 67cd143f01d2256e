"""Checking what others sign, against the official library of Standard Webhooks."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from runtime.errors import SettingsError
from runtime.standard_webhooks import KEYS_MAX, NotGenuine, keys_in, verified

NOW = 1_767_225_600
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()


def signature(body: bytes, secret: str = SECRET, at: int = NOW, message_id: str = "m-1") -> bytes:
    """As the official library signs."""
    return Webhook(secret).sign(message_id, datetime.fromtimestamp(at, UTC), body.decode()).encode()


def check(
    body: bytes,
    signatures: bytes | None,
    *,
    secrets: str = SECRET,
    message_id: bytes | None = b"m-1",
    timestamp: bytes | None = str(NOW).encode(),
    now: float = NOW,
) -> str:
    return verified(message_id, timestamp, signatures, body, keys_in(secrets, "X"), now)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_what_the_official_library_signs_is_genuine(text: str) -> None:
    """Any body is taken with its secret, and with no other."""
    body = text.encode()
    assert check(body, signature(body)) == "m-1"
    with pytest.raises(NotGenuine):
        check(body, signature(body), secrets=OTHER)


def test_several_secrets_and_several_signatures() -> None:
    """During a rotation either side may know two: one that fits is enough."""
    both = f" {OTHER} , {SECRET},"
    assert check(b"{}", signature(b"{}"), secrets=both) == "m-1"
    assert check(b"{}", signature(b"{}", OTHER) + b" " + signature(b"{}")) == "m-1"
    assert check(b"{}", b"v1a,xyz " + signature(b"{}")) == "m-1"


@pytest.mark.parametrize("away", [-300, 300, -301, 301])
def test_24_the_time_must_be_ours_within_five_minutes(away: int) -> None:
    """Threat 24: too old and too new are refused alike, although the signature is right."""
    at = NOW + away
    if abs(away) <= 300:
        check(b"{}", signature(b"{}", at=at), timestamp=str(at).encode())
        return
    with pytest.raises(NotGenuine, match="too long ago"):
        check(b"{}", signature(b"{}", at=at), timestamp=str(at).encode())


@pytest.mark.parametrize(
    "timestamp", [None, b"", b"-1", b"1e9", b" 1767225600", b"1767225600.0", b"9" * 400, b"\xff"]
)
def test_a_time_is_a_plain_number(timestamp: bytes | None) -> None:
    """Whatever else it may be read as, it is refused unread."""
    with pytest.raises(NotGenuine):
        check(b"{}", signature(b"{}"), timestamp=timestamp)


@pytest.mark.parametrize("message_id", [None, b"", b"m 1", b"m" * 300, b"m\xff", b"m-2"])
def test_an_id_is_signed_and_bounded(message_id: bytes | None) -> None:
    """An id that was not signed, or that nobody could keep, is refused."""
    with pytest.raises(NotGenuine):
        check(b"{}", signature(b"{}"), message_id=message_id)


@pytest.mark.parametrize("given", [None, b"", b" ", b"v1,", b"v1", b"v1,\xff\xfe", b"v1,AAAA "])
def test_26_what_is_no_signature_is_none(given: bytes | None) -> None:
    """Threat 26: short, empty and non-ASCII signatures are refused, and raise nothing else."""
    with pytest.raises(NotGenuine):
        check(b"{}", given)


def test_26_without_a_secret_nothing_is_genuine() -> None:
    """Threat 26: where no secret is set, not even a message signed with an empty one is taken."""
    with pytest.raises(NotGenuine):
        check(b"{}", signature(b"{}"), secrets="")


def test_26_signatures_beyond_a_few_are_not_looked_at() -> None:
    """Threat 26: nobody makes us compare a thousand signatures."""
    with pytest.raises(NotGenuine):
        check(b"{}", b"v1,AAAA " * 16 + signature(b"{}"))


@pytest.mark.parametrize("text", ["whsec_", "whsec_!", "no base64 at all", f"{SECRET},whsec_"])
def test_a_broken_secret_stops_the_start(text: str) -> None:
    """The message names the variable and does not repeat the secret."""
    with pytest.raises(SettingsError, match="SOME_SECRETS") as raised:
        keys_in(text, "SOME_SECRETS")
    assert SECRET not in str(raised.value)


def test_secrets_are_few() -> None:
    """A list of secrets has an end."""
    with pytest.raises(SettingsError, match="more than"):
        keys_in(",".join([SECRET] * (KEYS_MAX + 1)), "SOME_SECRETS")
