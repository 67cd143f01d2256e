"""Threats 1 to 9: init data that must sign nobody in, whichever proof of it is asked for."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.identity.init_data import TELEGRAM_KEYS, InitDataExpired, InitDataInvalid
from gateway.identity.pairs import parse
from tests.unit.gateway.signed_by_telegram import (
    MEANS,
    NOW,
    PRODUCTION,
    TEST,
    TOKEN,
    USER,
    check,
    encoded,
    hash_of,
    signature_of,
    signed,
)

every_means = pytest.mark.parametrize("means", MEANS)


@every_means
def test_what_telegram_signed_is_accepted(means: str) -> None:
    """Without a fault the data passes, so what is refused below is refused for its fault."""
    found = check(encoded(signed()), means)
    assert (found.user.id, found.auth_date) == (42, NOW)


@every_means
def test_1_expired_auth_date(means: str) -> None:
    """Threat 1: data that is a second too old is refused, and the refusal says that it expired."""
    assert check(encoded(signed(auth_date=str(NOW - 3600))), means)
    with pytest.raises(InitDataExpired, match="too old"):
        check(encoded(signed(auth_date=str(NOW - 3601))), means)


@every_means
def test_2_auth_date_in_the_future(means: str) -> None:
    """Threat 2: data from beyond the skew of clocks is refused."""
    assert check(encoded(signed(auth_date=str(NOW + 30))), means)
    with pytest.raises(InitDataExpired, match="future"):
        check(encoded(signed(auth_date=str(NOW + 31))), means)


@every_means
@pytest.mark.parametrize("auth_date", [None, "", "now", "-1", "1.8e9", "9" * 13, "\u0661"])
def test_3_missing_auth_date(means: str, auth_date: str | None) -> None:
    """Threat 3: data without a plain `auth_date`, which would never age, is refused."""
    with pytest.raises(InitDataInvalid, match="auth_date"):
        check(encoded(signed(auth_date=auth_date)), means)


@every_means
@pytest.mark.parametrize("name", ["user", "hash", "signature", "auth_date", "us%65r"])
def test_4_duplicate_pairs(means: str, name: str) -> None:
    """Threat 4: a pair named twice, however it is spelt, is refused: which one was meant?"""
    pairs = signed()
    text = f"{encoded(pairs)}&{name}={quote(pairs.get(name, USER), safe='')}"
    with pytest.raises(InitDataInvalid, match="twice"):
        check(text, means)


@every_means
def test_5_signature_removed(means: str) -> None:
    """Threat 5: data whose `signature` was taken away is refused, by hash as by signature."""
    pairs = signed()
    del pairs["signature"]
    with pytest.raises(InitDataInvalid, match="does not match"):
        check(encoded(pairs), means)


def test_5_hash_removed() -> None:
    """Threat 5: a right signature does not stand in for the hash where both are asked for."""
    pairs = signed()
    del pairs["hash"]
    assert check(encoded(pairs), "ed25519")
    for means in ("hmac", "both"):
        with pytest.raises(InitDataInvalid, match="does not match"):
            check(encoded(pairs), means)


@every_means
def test_6_another_bots_token(means: str) -> None:
    """Threat 6: data of another bot's MiniApp is refused, even where that bot's id is ours."""
    with pytest.raises(InitDataInvalid, match="another bot"):
        check(encoded(signed(token="999:other", bot_id=999)), means)


def test_6_a_stolen_token_forges_no_signature() -> None:
    """Threat 6: who has our bot's token can make a hash, and nothing that Telegram signs."""
    pairs = signed(key=TEST)
    assert check(encoded(pairs), "hmac")
    for means in ("ed25519", "both"):
        with pytest.raises(InitDataInvalid, match="does not match"):
            check(encoded(pairs), means)


def test_6_other_bots_come_in_by_signature_only() -> None:
    """Threat 6: a bot that is named may come in by Telegram's signature; its hash counts not."""
    guest = encoded(signed(token="999:other", bot_id=999))
    assert check(guest, other_bots=(5, 999)).user.id == 42
    with pytest.raises(InitDataInvalid):
        check(guest, other_bots=(5, 6))
    forged = encoded(signed(token="999:other", bot_id=999, key=TEST))
    with pytest.raises(InitDataInvalid):
        check(forged, other_bots=(999,))


def test_10_our_own_bots_data_has_one_digest() -> None:
    """Threat 10: data whose hash was used up does not come again by its signature alone.

    Not even where our own bot is named among the others.
    """
    forged = encoded({**signed(), "hash": "0" * 64})
    assert check(forged, "ed25519", other_bots=(123456,))
    with pytest.raises(InitDataInvalid, match="does not match"):
        check(forged, "hmac", other_bots=(123456,))


def test_7_test_environments_key() -> None:
    """Threat 7: what the test servers signed, where anybody makes any user, is refused."""
    pairs = signed(key=TEST)
    for means in ("ed25519", "both"):
        with pytest.raises(InitDataInvalid, match="does not match"):
            check(encoded(pairs), means)
    assert check(encoded(pairs), "ed25519", public_key=bytes(TEST.verify_key)).user.id == 42
    assert TELEGRAM_KEYS["test"] != TELEGRAM_KEYS["production"]


@every_means
@pytest.mark.parametrize(
    "extra",
    ["a=%00", "a=%0a", "a=%7F", "a%0a=1", "a=%", "a=%4", "a=%zz", "a=%ff", "a=%C3", "a=ü", "a\n=1"],
)
def test_8_characters_that_confuse(means: str, extra: str) -> None:
    """Threat 8: control characters, broken escapes and what is no UTF-8 are refused unread."""
    with pytest.raises(InitDataInvalid, match=r"URL-encoded|UTF-8"):
        check(f"{encoded(signed())}&{extra}", means)


@every_means
def test_8_plus_is_a_blank_and_nothing_else(means: str) -> None:
    """Threat 8: `+` is a blank, `%2B` a plus; one in place of the other is another text."""
    blank = signed(start_param="a b")
    assert check(encoded(blank).replace("a%20b", "a+b"), means)
    plus = signed(start_param="a+b")
    assert check(encoded(plus), means)
    with pytest.raises(InitDataInvalid, match="does not match"):
        check(encoded(plus).replace("a%2Bb", "a+b"), means)


@every_means
def test_8_double_encoding(means: str) -> None:
    """Threat 8: what is encoded twice is decoded once, and is not what was signed."""
    pairs = signed()
    with pytest.raises(InitDataInvalid, match="does not match"):
        check(encoded({**pairs, "user": quote(pairs["user"])}), means)


@every_means
def test_8_borders_cannot_be_moved(means: str) -> None:
    """Threat 8: one value that spells two pairs is refused, though its check string is the same."""
    pairs = signed()
    proofs = {name: pairs[name] for name in ("hash", "signature")}
    moved = {"auth_date": f"{NOW}\nsignature={pairs['signature']}\nuser={USER}", **proofs}
    with pytest.raises(InitDataInvalid):
        check(encoded(moved), means)


@every_means
@pytest.mark.parametrize(
    "given_hash", ["", "0", "ü" * 64, "0" * 63, "0" * 65, "A" * 64, "\uff10" * 64, "é"]
)
def test_9_non_ascii_or_short_hash(means: str, given_hash: str) -> None:
    """Threat 9: a hash that is short, long or not ASCII is refused, and raises nothing else."""
    pairs = {**signed(), "hash": given_hash}
    if means == "ed25519":
        return  # there the hash says nothing
    with pytest.raises(InitDataInvalid, match="does not match"):
        check(encoded(pairs), means)


@pytest.mark.parametrize("means", ["ed25519", "both"])
@pytest.mark.parametrize("change", ["", "=", "==", "ü", "\u0430"])
def test_9_odd_signatures(means: str, change: str) -> None:
    """Threat 9: a signature that is short, long, padded or not ASCII is refused."""
    pairs = signed()
    for text in (change, pairs["signature"][:-1] + change, pairs["signature"] + (change or "A")):
        odd = {**pairs, "signature": text}
        odd["hash"] = hash_of(odd)
        with pytest.raises(InitDataInvalid):
            check(encoded(odd), means)


def test_9_one_signature_is_written_in_one_way() -> None:
    """Threat 9: of the sixteen texts that base64 reads as one signature, one is accepted."""
    pairs = signed()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    stem, last = pairs["signature"][:-1], pairs["signature"][-1]
    same = [
        stem + one
        for one in alphabet
        if base64.urlsafe_b64decode(stem + one + "==")
        == base64.urlsafe_b64decode(stem + last + "==")
    ]
    assert len(same) == 16
    accepted = []
    for text in same:
        try:
            check(encoded({**pairs, "signature": text}), "ed25519")
        except InitDataInvalid:
            continue
        accepted.append(text)
    assert accepted == [pairs["signature"]]


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(MEANS))
def test_no_mutation_is_accepted(data: st.DataObject, means: Any) -> None:
    """Threats 1 to 9: whatever is changed anywhere, only what says the same is accepted."""
    text = encoded(signed(start_param="x y+z"))
    at = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 3))
    put = data.draw(st.text(max_size=3))
    mutated = text[:at] + put + text[at + length :]
    try:
        check(mutated, means)
    except InitDataInvalid:
        return
    same, other = parse(text), parse(mutated)
    if means == "ed25519":  # there the hash says nothing
        same.pop("hash"), other.pop("hash", None)
    assert same == other


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=40), max_size=6))
def test_pairs_are_decoded_as_urls_are(pairs: dict[str, str]) -> None:
    """Our decoder says of every escape what urllib's says."""
    try:
        text = encoded(pairs)
    except UnicodeEncodeError:
        return  # half a surrogate is no text
    try:
        found = parse(text)
    except InitDataInvalid:
        return
    expected = {}
    for part in text.split("&"):
        name, _, value = part.partition("=")
        expected[unquote_to_bytes(name).decode()] = unquote_to_bytes(value).decode()
    assert found == expected == pairs


def test_a_digest_names_the_data_and_not_its_spelling() -> None:
    """Threat 10: the same data in another order or spelling is the same proof, by any means."""
    pairs = signed(start_param="a b")
    backwards = encoded(dict(reversed(pairs.items()))).replace("%20", "+")
    for means in MEANS:
        assert check(encoded(pairs), means).digest == check(backwards, means).digest
        other = signed(start_param="other")
        assert check(encoded(other), means).digest != check(encoded(pairs), means).digest


def test_the_helpers_sign_as_telegram_says() -> None:
    """Hash and signature of the helpers are made of the check strings that Telegram describes."""
    pairs = {"auth_date": "1", "user": "{}"}
    pairs["signature"] = signature_of(pairs, PRODUCTION)
    message = b"123456:WebAppData\nauth_date=1\nuser={}"
    PRODUCTION.verify_key.verify(message, base64.urlsafe_b64decode(pairs["signature"] + "=="))
    assert len(hash_of(pairs, TOKEN)) == 64
