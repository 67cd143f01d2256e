"""Threat 23: who may bring Telegram's updates."""

from __future__ import annotations

import string
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telegram.guard import HEADER, Guard
from gateway.web.errors import Problem
from runtime.errors import SettingsError
from runtime.settings import Settings, load

SECRET = "Right_secret-2026"
NEXT = "the-next_one"
ALPHABET = string.ascii_letters + string.digits + "_-"


def guard(secret: str | None = SECRET) -> Guard:
    return Guard(msgspec.structs.replace(Settings(), telegram_webhook_secret=secret))


def shown(*secrets: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"example.org"), *((HEADER, one) for one in secrets)]


def refusal(one: Guard, headers: Any) -> str:
    with pytest.raises(Problem) as caught:
        one.check(headers)
    return caught.value.code


@pytest.mark.parametrize("secret", [SECRET, "x", "A" * 256, "-", "_"])
def test_the_right_secret_opens(secret: str) -> None:
    """Threat 23: whatever Telegram takes as a secret token lets in who shows it."""
    guard(secret).check(shown(secret.encode()))


def test_while_one_secret_replaces_another_both_open() -> None:
    """Threat 23: of several secrets each is good, and nothing made of two of them."""
    one = guard(f"{SECRET},{NEXT}")
    for secret in (SECRET, NEXT):
        one.check(shown(secret.encode()))
    for wrong in (f"{SECRET},{NEXT}", SECRET + NEXT, f"{SECRET},", ","):
        assert refusal(one, shown(wrong.encode())) == "webhook-secret-invalid"


@pytest.mark.parametrize(
    "secrets",
    [
        (),
        (b"",),
        (SECRET.encode(), SECRET.encode()),
        (SECRET.encode(), b"wrong"),
        (b"wrong", SECRET.encode()),
        (SECRET.encode(), b""),
        (SECRET.upper().encode(),),
        (SECRET[:-1].encode(),),
        (SECRET.encode() + b"x",),
        (SECRET.encode() + b"\x00",),
        (b" " + SECRET.encode(),),
        ("Rïght_secret-2026".encode(),),
        ("Rïght_secret-2026".encode("latin-1"),),
        (b"\xff\xfe",),
        (b"A" * 100_000,),
    ],
)
def test_23_anything_else_is_refused(secrets: tuple[bytes, ...]) -> None:
    """Threat 23: missing, empty, doubled, shorter, longer, in another case, no ASCII: refused."""
    assert refusal(guard(), shown(*secrets)) == "webhook-secret-invalid"
    assert not guard().knows(shown(*secrets))


@given(
    secret=st.text(ALPHABET, min_size=1, max_size=256),
    other=st.binary(max_size=300) | st.text(ALPHABET, max_size=256).map(str.encode),
)
def test_23_no_other_bytes_pass(secret: str, other: bytes) -> None:
    """Threat 23: no bytes but the secret's own pass for it."""
    assert guard(secret).knows(shown(other)) == (other == secret.encode())


@given(secret=st.text(ALPHABET, min_size=1, max_size=256), data=st.data())
def test_23_no_mutated_secret_passes(secret: str, data: st.DataObject) -> None:
    """Threat 23: a secret with one byte changed, taken away, doubled or put in is refused."""
    raw = secret.encode()
    place = data.draw(st.integers(0, len(raw) - 1))
    byte = data.draw(st.binary(min_size=1, max_size=1).filter(lambda one: one != raw[place:][:1]))
    before, after = raw[:place], raw[place + 1 :]
    for mutated in (
        before + byte + after,
        before + after,
        before + byte + raw[place:],
        before + raw[place : place + 1] * 2 + after,
    ):
        assert not guard(secret).knows(shown(mutated))


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_nobody_comes_in(secret: str | None) -> None:
    """Threat 23: where no secret was set, not even an empty one opens."""
    for headers in (shown(), shown(b""), shown(b"x"), shown(b"None")):
        assert refusal(guard(secret), headers) == "telegram-not-configured"
        assert not guard(secret).knows(headers)


@pytest.mark.parametrize(
    "text", ["with blank", "é", "x" * 257, "a,,b", ",", "a,", "a\n", "a;b", "a,b,c,d,e"]
)
def test_what_telegram_would_not_take_stops_the_start(text: str) -> None:
    """A secret that Telegram refuses is refused at the start, and not shown."""
    with pytest.raises(SettingsError, match="TELEGRAM_WEBHOOK_SECRET is \\(hidden\\)"):
        load({"TELEGRAM_WEBHOOK_SECRET": text})


def test_the_setting_holds_one_or_several() -> None:
    """One secret, or up to four with commas, come through as they are and are never shown."""
    for text in (SECRET, f"{SECRET},{NEXT}", "a,b,c,d", "A" * 256):
        settings = load({"TELEGRAM_WEBHOOK_SECRET": text})
        assert settings.telegram_webhook_secret == text
        assert SECRET not in repr(settings)
